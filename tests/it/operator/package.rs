//! `s3-asset package`: sacker's commands, `export`, `import` and `gc`.

use super::support::{BUCKET, Run, program, run, run_as_victim, server};
use crate::support::only_reads;
use s3_asset_resource::words::digest::Sha256;
use s3_test_server::{Action, Deny, Fault, ListedKeys, Options, Server};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(86_400);

fn package(server: &Server, arguments: &[&str]) -> Run {
    run(server, &[&["package", "--ledger", "s3://assets"], arguments].concat())
}

/// A directory with files of these names and contents.
fn files(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).expect("written");
    }
    directory
}

fn path(directory: &TempDir, name: &str) -> String {
    directory.path().join(name).to_str().expect("text").to_owned()
}

fn add(server: &Server, name: &str, content: &str) -> String {
    let directory = files(&[("app.jar", content)]);
    package(server, &["add", name, &path(&directory, "app.jar")]).ok().stdout.trim().to_owned()
}

/// Makes every object older.
fn age(server: &Server, days: u32) {
    for key in server.keys(BUCKET) {
        server.set_modified(BUCKET, &key, SystemTime::now() - DAY * days);
    }
}

fn blob(content: &str) -> String {
    Sha256::of(content.as_bytes()).hex()
}

#[test]
fn it_answers_as_sacker_does() {
    let server = server();
    let directory = files(&[("frontend.jar", "one"), ("other.jar", "two")]);
    let (one, two) = (path(&directory, "frontend.jar"), path(&directory, "other.jar"));
    let add = |arguments: &[&str]| package(&server, &[&["add"], arguments].concat()).ok().stdout;
    assert_eq!(add(&["team/frontend", &one]), "1\n");
    assert_eq!(
        add(&["team/frontend", &two, "--metadata", "branch=main", "--tag", "canary"]),
        "2\n"
    );
    assert_eq!(add(&["team/frontend", &two, "--metadata", "branch=main"]), "2\n", "it is there");
    assert_eq!(add(&["other", &one]), "1\n");
    let out = |arguments: &[&str]| package(&server, arguments).ok().stdout;
    assert_eq!(out(&["list"]), "other\nteam/frontend\n");
    assert_eq!(out(&["versions", "team/frontend"]), "1\n2\n");
    assert_eq!(out(&["tag", "team/frontend", "1", "live"]), "");
    assert_eq!(out(&["tags", "team/frontend"]), "canary\nlatest\nlive\n");
    let info = out(&["info", "team/frontend", "canary"]);
    let want = format!(
        "Package(name: 'team/frontend', version: 2, sha: {}..., filename: other.jar, mode: 100644)\n",
        &blob("two")[..8]
    );
    assert!(info.starts_with(&want), "{info}");
    let fetch = format!("aws s3 cp s3://assets/{} 'other.jar'", blob("two"));
    assert!(info.contains(&fetch) && info.contains("branch    main"), "{info}");
    let to = path(&directory, "fetched");
    assert_eq!(out(&["download", "team/frontend", "live", "-o", &to]), format!("{to}\n"));
    assert_eq!(std::fs::read_to_string(&to).expect("it"), "one");
    let into = tempfile::tempdir().expect("a directory");
    let mut command = program(&server, &["package", "--ledger", "s3://assets", "download"]);
    let run: Run = command
        .args(["team/frontend", "latest"])
        .current_dir(into.path())
        .output()
        .expect("runs")
        .into();
    assert_eq!(run.ok().stdout, "other.jar\n");
    assert_eq!(std::fs::read_to_string(into.path().join("other.jar")).expect("it"), "two");
    assert_eq!(out(&["untag", "team/frontend", "live"]), "");
    assert_eq!(out(&["tags", "team/frontend"]), "canary\nlatest\n");
    let json =
        |arguments: &[&str]| package(&server, &[arguments, &["--json"]].concat()).ok().json();
    assert_eq!(json(&["list"]), json!(["other", "team/frontend"]));
    assert_eq!(json(&["versions", "team/frontend"])[1]["basename"], "other.jar");
    assert_eq!(json(&["tags", "team/frontend"])[0]["version"], 2);
    assert_eq!(json(&["info", "team/frontend", "2"])["metadata"], json!({"branch": "main"}));
    assert_eq!(json(&["tag", "team/frontend", "2", "live"])["tagged"], 3);
    let moves = json(&["tags", "team/frontend", "live"]);
    let moves: Vec<_> =
        moves.as_array().unwrap().iter().map(|m| (&m["from"], &m["version"])).collect();
    let (one, two, none) = (json!(1), json!(2), Value::Null);
    assert_eq!(moves, [(&none, &two), (&one, &none), (&none, &one)]);
    let table = out(&["tags", "team/frontend", "live"]);
    assert!(table.starts_with("TAGGED  TIME") && table.lines().count() == 4, "{table}");
    assert!(out(&["tags", "team/frontend", "--long"]).contains("canary  2"));
}

#[test]
fn mistakes_are_explained() {
    let server = server();
    add(&server, "app", "one");
    let cases: [(&[&str], &str); 9] = [
        (&["info", "app", "7"], "app has no version 7"),
        (&["info", "app", "live"], "app has no tag `live`"),
        (&["info", "none", "latest"], "none has no version yet"),
        (&["tag", "app", "1", "latest"], "`latest` is no tag"),
        (&["tag", "app", "1", "7"], "`7` is no tag"),
        (&["tag", "app", "7", "live"], "app has no version 7"),
        (&["add", "app", "/nowhere/x"], "/nowhere/x"),
        (&["versions", "app/versions"], "source.package.name"),
        (&["tags", "app", "live"], "app has no tag `live`"),
    ];
    for (arguments, what) in cases {
        package(&server, arguments).failed(1, what);
    }
    let dynamo = ["package", "--ledger", "dynamo://eu/x", "list"];
    run(&server, &dynamo).failed(1, "--ledger: `dynamo://eu/x` is not in S3");
    run(&server, &["package", "list"]).failed(1, "no ledger given");
    assert!(package(&server, &["untag", "app", "live"]).ok().stderr.contains("no tag `live`"));
}

#[test]
fn the_buckets_come_from_sackers_configuration() {
    let server = server();
    let home = files(&[
        (".sacker.json", r#"{"ledger": "s3://the-ledger", "store": "s3://the-store"}"#),
        ("other.json", r#"{"store": "s3://other-store"}"#),
        ("bad.json", "{"),
        ("x.jar", "x"),
    ]);
    let at = |config: Option<&str>, arguments: &[&str]| -> Run {
        let mut command = program(&server, &[&["package"], arguments].concat());
        command.env("HOME", home.path());
        config.map(|name| command.env("SACKER_CONFIG", home.path().join(name)));
        command.output().expect("runs").into()
    };
    let made = at(None, &["init"]).ok();
    assert_eq!(made.stdout, "Initializing ledger...\nInitializing store...\ndone.\n");
    assert!(server.has_bucket("the-ledger") && server.has_bucket("the-store"));
    at(None, &["init"]).ok();
    at(None, &["add", "app", &path(&home, "x.jar")]).ok();
    assert!(server.get("the-store", &blob("x")).is_some());
    assert_eq!(at(None, &["list"]).ok().stdout, "app\n");
    at(Some("other.json"), &["init"]).ok();
    at(Some("other.json"), &["add", "app2", &path(&home, "x.jar")]).ok();
    assert!(server.get("other-store", &blob("x")).is_some(), "the named file says which store");
    assert_eq!(at(None, &["list"]).ok().stdout, "app\napp2\n", "and the other one the ledger");
    at(Some("bad.json"), &["list"]).failed(1, "bad.json");
    at(Some("none.json"), &["list"]).failed(1, "none.json");
    let options = ["list", "--ledger", "s3://assets"];
    assert_eq!(at(None, &options).ok().stdout, "");
}

#[test]
fn a_removed_version_never_comes_back() {
    let server = server();
    for content in ["one", "two", "three"] {
        add(&server, "app", content);
    }
    package(&server, &["tag", "app", "2", "live"]).ok();
    package(&server, &["remove", "app", "2"]).failed(1, "version 2 of app has the tag `live`");
    package(&server, &["untag", "app", "live"]).ok();
    assert_eq!(package(&server, &["remove", "app", "3"]).ok().stdout, "");
    let again = package(&server, &["remove", "app", "3"]).ok();
    assert!(again.stderr.contains("was removed before"), "{}", again.stderr);
    package(&server, &["remove", "app", "2"]).ok();
    package(&server, &["remove", "app", "9"]).failed(1, "app has no version 9");
    assert_eq!(package(&server, &["versions", "app"]).ok().stdout, "1\n");
    package(&server, &["info", "app", "3"]).failed(1, "version 3 of app was removed at");
    package(&server, &["tag", "app", "3", "live"]).failed(1, "version 3 of app was removed at");
    assert_eq!(package(&server, &["info", "app", "latest", "--json"]).ok().json()["version"], 1);
    let latest = server.get(BUCKET, "app/tags/latest").expect("a pointer").text();
    assert!(latest.starts_with("{\"version\":1,"), "{latest}");
    assert_eq!(add(&server, "app", "three"), "4", "the number is not used again");
    assert_eq!(package(&server, &["versions", "app"]).ok().stdout, "1\n4\n");
    package(&server, &["remove", "app", "4"]).ok();
    package(&server, &["remove", "app", "1"]).ok();
    package(&server, &["info", "app", "latest"]).failed(1, "app has no version yet");
    assert!(server.get(BUCKET, "app/tags/latest").is_none());
    assert_eq!(add(&server, "app", "four"), "5");
}

/// A plan is printed, each step with its reason, and nothing but reads reaches the server.
#[test]
fn dry_runs_read_only() {
    let server = server();
    let directory = files(&[("app.jar", "one"), ("other.jar", "two")]);
    let (one, two) = (path(&directory, "app.jar"), path(&directory, "other.jar"));
    let cases: [(&[&str], &[&str]); 6] = [
        (&["add", "app", &one, "--tag", "live"], &["record version 1: ", "move live to version 1"]),
        (&["add", "app", &one, "--numbering", "timestamp"], &["record a version of the time then"]),
        (&["tag", "app", "1", "live"], &["nothing: it is so already"]),
        (
            &["tag", "app", "1", "canary"],
            &["begin the history of canary", "point canary at version 1"],
        ),
        (&["untag", "app", "live"], &["take live away: it is on version 1"]),
        (
            &["remove", "app", "2"],
            &["mark version 2: ", "fence live", "a tombstone", "point latest at"],
        ),
    ];
    for (n, (command, wants)) in cases.into_iter().enumerate() {
        let before = server.snapshot(BUCKET);
        server.reset_requests();
        let run = package(&server, &[command, &["--dry-run"]].concat()).ok();
        for want in wants {
            assert!(run.stdout.contains(want), "{want}: {}", run.stdout);
        }
        assert!(run.stdout.lines().all(|line| line.starts_with("would ")), "{}", run.stdout);
        let json = package(&server, &[command, &["--dry-run", "--json"]].concat()).ok().json();
        assert_eq!(json["dry_run"], true);
        let steps = json["steps"].as_array().expect("steps");
        assert_eq!(steps.len(), run.stdout.lines().filter(|it| !it.contains("nothing")).count());
        only_reads(&server);
        assert!(server.snapshot(BUCKET) == before);
        if n == 0 {
            package(&server, command).ok();
            package(&server, &["add", "app", &two]).ok();
        }
    }
    package(&server, &["remove", "app", "1", "--dry-run"])
        .failed(1, "version 1 of app has the tag `live`");
}

/// A tag and a removal of the same version: the one comes whole between any two requests of the
/// other. What a check shows of the tag is there for a get.
#[test]
fn a_tag_and_a_removal_in_one_moment() {
    let tag = ["package", "--ledger", "s3://assets", "tag", "app", "1", "live"];
    let remove = ["package", "--ledger", "s3://assets", "remove", "app", "1"];
    let mut won = std::collections::BTreeSet::new();
    for (outer, inner) in [(&tag[..], &remove[..]), (&remove[..], &tag[..])] {
        for nth in 1.. {
            let server = server();
            add(&server, "app", "one");
            add(&server, "app", "two");
            package(&server, &["tag", "app", "2", "live"]).ok();
            let (server, ended) = (Arc::new(server), Arc::new(std::sync::Mutex::new(None)));
            let (beside, inside) = (server.clone(), ended.clone());
            let words: Vec<String> = inner.iter().map(|word| (*word).to_owned()).collect();
            server.reset_requests();
            let between = Action::Call(Arc::new(move |_| {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                *inside.lock().expect("a status") = run(&beside, &words).status;
            }));
            let fault = server.fault(Fault::new(between).nth(nth));
            let first = run(&server, outer).status;
            let second = *ended.lock().expect("a status");
            if fault.applied() == 0 {
                break;
            }
            assert_ne!(first == Some(0), second == Some(0), "{outer:?} {nth}: one of the two");
            server.clear_faults();
            let info = package(&server, &["info", "app", "live", "--json"]).ok().json();
            won.insert(info["version"].to_string());
            let gone = package(&server, &["info", "app", "1"]).status != Some(0);
            assert_eq!(gone, info["version"] == 2, "{outer:?} {nth}");
        }
    }
    assert_eq!(won.len(), 2, "either may win");
}

#[test]
fn a_killed_removal_is_finished_by_the_next() {
    for nth in 1..=16 {
        for action in [Action::KillBefore, Action::KillAfter] {
            let server = server();
            add(&server, "app", "one");
            add(&server, "app", "two");
            server.reset_requests();
            server.fault(Fault::new(action).nth(nth));
            run_as_victim(&server, &["package", "--ledger", "s3://assets", "remove", "app", "2"]);
            server.clear_faults();
            package(&server, &["remove", "app", "2"]).ok();
            assert_eq!(package(&server, &["versions", "app"]).ok().stdout, "1\n", "{nth}");
            assert_eq!(
                package(&server, &["info", "app", "latest", "--json"]).ok().json()["version"],
                1
            );
            assert_eq!(add(&server, "app", "three"), "3");
        }
    }
}

/// What sacker left, or leaves, stops nothing: a tag with a word for its version; and sacker reads on
/// what was removed, which it knows nothing of.
#[test]
fn sackers_odd_tags_and_removals() {
    let server = server();
    add(&server, "app", "one");
    add(&server, "app", "two");
    package(&server, &["tag", "app", "2", "live"]).ok();
    server.put(BUCKET, "app/tags/odd", r#"{"version": "word"}"#, &[]);
    let tags = package(&server, &["tags", "app"]).ok();
    assert_eq!(tags.stdout, "latest\nlive\n");
    assert!(tags.stderr.contains("app/tags/odd is damaged"), "{}", tags.stderr);
    let run = package(&server, &["info", "app", "odd"]).failed(1, "app/tags/odd is damaged");
    assert!(run.stderr.contains("s3-asset package untag app odd"), "{}", run.stderr);
    let run = package(&server, &["remove", "app", "2"]).failed(1, "has the tag `live`");
    assert!(run.stderr.contains("s3-asset package untag app live"), "{}", run.stderr);
    package(&server, &["remove", "app", "1"]).ok();
    package(&server, &["info", "app", "1"]).failed(1, "version 1 of app was removed at");
    let record = server.get(BUCKET, "app/versions/1").expect("a tombstone").text();
    let record: Value = serde_json::from_str(&record).expect("JSON");
    assert_eq!((&record["sha"], &record["basename"]), (&json!(blob("one")), &json!("app.jar")));
    assert!(record["mode"].is_u64());
    let backup = tempfile::tempdir().expect("a directory");
    package(&server, &["export", backup.path().to_str().expect("text")]).ok();
    package(&server, &["untag", "app", "odd"]).ok();
    assert!(server.get(BUCKET, "app/tags/odd").is_none());
}

/// Everything about packages that a user could see.
fn seen(server: &Server, ledger: &str, store: &str) -> Value {
    let at = |arguments: &[&str]| {
        let options = ["package", "--ledger", ledger, "--store", store];
        run(server, &[&options, arguments, &["--json"]].concat()).ok().json()
    };
    let packages = at(&["list"]);
    let names = packages.as_array().expect("names").iter().map(|it| it.as_str().expect("a name"));
    names
        .map(|name| {
            let versions = at(&["versions", name]);
            let mut infos = Vec::new();
            for version in versions.as_array().expect("versions") {
                let mut info = at(&["info", name, &version["version"].to_string()]);
                for key in ["s3_uri", "history"] {
                    info.as_object_mut().expect("a map").remove(key);
                }
                infos.push(info);
            }
            let tags = at(&["tags", name]);
            let moves: Vec<Value> = tags
                .as_array()
                .expect("tags")
                .iter()
                .filter(|tag| tag["tag"] != "latest")
                .map(|tag| at(&["tags", name, tag["tag"].as_str().expect("a tag")]))
                .collect();
            json!({"name": name, "versions": versions, "infos": infos, "tags": tags, "moves": moves})
        })
        .collect()
}

#[test]
fn packages_move_between_buckets() {
    let server = server();
    ["new-ledger", "new-store"].into_iter().for_each(|bucket| server.create_bucket(bucket));
    for content in ["one", "two", "three"] {
        add(&server, "team/app", content);
    }
    package(&server, &["tag", "team/app", "2", "live"]).ok();
    package(&server, &["tag", "team/app", "1", "live"]).ok();
    package(&server, &["remove", "team/app", "3"]).ok();
    add(&server, "team/app", "four");
    // One that sacker made.
    let at = 1_600_000_000_000u64;
    server.put(BUCKET, &blob("s"), "s", &[]);
    let record = format!(r#"{{"sha": "{}", "basename": "s.jar", "mode": 33188}}"#, blob("s"));
    server.put(BUCKET, &format!("old/versions/{at}"), record, &[("by", "sacker")]);
    for tag in ["latest", "live"] {
        server.put(BUCKET, &format!("old/tags/{tag}"), format!("{{\"version\": {at}}}"), &[]);
    }
    let backup = tempfile::tempdir().expect("a directory");
    let directory = backup.path().to_str().expect("text");
    let first = package(&server, &["export", directory, "--json"]).ok().json();
    assert_eq!((&first["versions"], &first["downloaded"]), (&json!(5), &json!(4)));
    let again = package(&server, &["export", directory, "--json"]).ok().json();
    assert_eq!(again["downloaded"], 0, "what is there is verified and stays");
    std::fs::write(Path::new(directory).join("blobs").join(blob("two")), "twX").expect("written");
    let mended = package(&server, &["export", directory, "--json"]).ok().json();
    assert_eq!(mended["downloaded"], 1);

    let new = ["package", "--ledger", "s3://new-ledger", "--store", "s3://new-store"];
    let import =
        |more: &[&str]| run(&server, &[&new[..], &["import", directory, "--json"], more].concat());
    let imported = import(&[]).ok().json();
    assert_eq!((&imported["versions"], &imported["there"]), (&json!(5), &json!(0)));
    let moved = seen(&server, "s3://new-ledger", "s3://new-store");
    let mut original = seen(&server, "s3://assets", "s3://assets");
    // What sacker's ledger did not know of its versions and tags is known here.
    original[0] = moved[0].clone();
    assert_eq!(moved, original);
    assert_eq!(moved[0]["moves"][0][0]["version"], at);
    let state = (server.snapshot("new-ledger"), server.snapshot("new-store"));
    let twice = import(&[]).ok().json();
    assert_eq!((&twice["versions"], &twice["there"]), (&json!(0), &json!(5)));
    assert!(state == (server.snapshot("new-ledger"), server.snapshot("new-store")));
    // It goes on from there, and takes what the old one had since.
    add(&server, "team/app", "five");
    package(&server, &["export", directory, "team/app"]).ok();
    assert_eq!(import(&["team/app"]).ok().json()["versions"], 1);
    let files = files(&[("x.jar", "x")]);
    let added = run(&server, &[&new[..], &["add", "team/app", &path(&files, "x.jar")]].concat());
    assert_eq!(added.ok().stdout, "6\n");
    import(&["team/nobody"]).failed(1, "there is no ");
    // But not when the two went on apart.
    add(&server, "team/app", "another six");
    package(&server, &["export", directory, "team/app"]).ok();
    import(&["team/app"]).failed(1, "version 6 of team/app is another here");
    std::fs::write(Path::new(directory).join("blobs").join(blob("one")), "onX").expect("written");
    server.create_bucket("third");
    let third = ["package", "--ledger", "s3://third", "import", directory];
    run(&server, &third).failed(1, "not the bytes that were published");
}

#[test]
fn a_killed_import_goes_on() {
    let server = server();
    for content in ["one", "two"] {
        add(&server, "app", content);
    }
    package(&server, &["tag", "app", "1", "live"]).ok();
    let backup = tempfile::tempdir().expect("a directory");
    let directory = backup.path().to_str().expect("text");
    package(&server, &["export", directory]).ok();
    let want = seen(&server, "s3://assets", "s3://assets");
    for nth in (1..=60).step_by(3) {
        let bucket = format!("new-{nth}");
        server.create_bucket(&bucket);
        let uri = format!("s3://{bucket}");
        let import = ["package", "--ledger", &uri, "import", directory];
        server.reset_requests();
        server.fault(Fault::new(Action::KillAfter).nth(nth));
        run_as_victim(&server, &import);
        server.clear_faults();
        run(&server, &import).ok();
        assert_eq!(seen(&server, &uri, &uri), want, "{nth}");
    }
}

/// Blobs and what was set aside, by content.
fn blobs(server: &Server, contents: &[&str]) -> String {
    let at = |content: &str| {
        let own = server.get(BUCKET, &blob(content)).is_some();
        let aside = server.get(BUCKET, &format!(".aside/{}", blob(content))).is_some();
        match (own, aside) {
            (true, false) => 'o',
            (false, true) => 'a',
            (true, true) => 'b',
            (false, false) => '-',
        }
    };
    contents.iter().map(|content| at(content)).collect()
}

#[test]
fn gc_takes_two_steps_and_keeps_what_is_needed() {
    let server = server();
    let all = ["one", "two", "three", "orphan", "fresh"];
    for content in &all[..3] {
        add(&server, "app", content);
    }
    package(&server, &["remove", "app", "2"]).ok();
    server.put(BUCKET, &blob("orphan"), "orphan", &[]);
    age(&server, 8);
    server.put(BUCKET, &blob("fresh"), "fresh", &[]);
    let before = server.snapshot(BUCKET);
    let planned = package(&server, &["gc", "--json"]).ok().json();
    assert_eq!(planned["done"], false);
    assert_eq!(planned["blobs"].as_array().map(Vec::len), Some(2));
    let table = package(&server, &["gc"]).ok();
    assert!(table.stdout.contains(&blob("two")) && table.stderr.contains("add --delete"));
    assert!(server.snapshot(BUCKET) == before, "nothing without --delete");

    let first = package(&server, &["gc", "--delete"]).ok();
    assert_eq!(blobs(&server, &all), "oaoao");
    assert!(first.stderr.contains("since it was written: 1 blob"), "{}", first.stderr);
    let second = package(&server, &["gc", "--delete"]).ok();
    assert!(second.stderr.contains("since it was set aside: 2 blobs"), "{}", second.stderr);
    assert_eq!(blobs(&server, &all), "oaoao", "what was set aside is left alone for a while");
    // Another add needs what was set aside, and uploads it; a version that somebody entered whose
    // blob lies aside only is still to be had, and its blob is put back.
    assert_eq!(add(&server, "app", "orphan"), "4");
    let record = format!(r#"{{"sha": "{}", "basename": "two.jar", "mode": 33188}}"#, blob("two"));
    server.put(BUCKET, "other/versions/1500000000000", record, &[]);
    let into = tempfile::tempdir().expect("a directory");
    let to = path(&into, "x");
    package(&server, &["download", "other", "1500000000000", "-o", &to]).ok();
    assert_eq!(std::fs::read_to_string(&to).expect("it"), "two");
    package(&server, &["gc", "--delete"]).ok();
    assert_eq!(blobs(&server, &all), "obobo");
    age(&server, 8);
    package(&server, &["gc", "--delete"]).ok();
    assert_eq!(blobs(&server, &all), "ooooa");
    age(&server, 8);
    package(&server, &["gc", "--delete", "--older-than", "1h"]).ok();
    assert_eq!(blobs(&server, &all), "oooo-");
    package(&server, &["gc", "--older-than", "0h"]).failed(2, "older-than");
}

#[test]
fn gc_deletes_no_blob_of_a_name_that_is_listed_otherwise() {
    for (listed_keys, status) in
        [(ListedKeys::Encoded, 0), (ListedKeys::Plain, 0), (ListedKeys::Mislabelled, 1)]
    {
        let options = Options { listed_keys, ..Options::with_bucket(BUCKET) };
        let server = Server::start(options);
        let names = ["lib/c++", "lib/a+b%41"];
        for name in names {
            assert_eq!(add(&server, name, name), "1");
        }
        age(&server, 8);
        let run = package(&server, &["gc", "--delete"]);
        assert_eq!(run.status, Some(status), "{listed_keys:?}: {}", run.stderr);
        assert_eq!(blobs(&server, &names), "oo", "{listed_keys:?}: {}", run.stderr);
    }
}

#[test]
fn gc_stops_at_what_it_cannot_read() {
    let server = server();
    add(&server, "app", "one");
    server.put(BUCKET, &blob("orphan"), "orphan", &[]);
    age(&server, 8);
    server.put(BUCKET, "other/versions/7", "{", &[]);
    package(&server, &["gc", "--delete"]).failed(1, "other/versions/7 is damaged");
    server.remove(BUCKET, "other/versions/7");
    server.put(BUCKET, "a/tags/b/versions/7", "{}", &[]);
    package(&server, &["gc", "--delete"]).failed(1, "a/tags/b/versions/7");
    server.remove(BUCKET, "a/tags/b/versions/7");
    // A store with the blobs of two ledgers.
    server.put(
        "ledger-2",
        "x/versions/7",
        format!(r#"{{"sha": "{}", "basename": "x", "mode": 33188}}"#, blob("orphan")),
        &[],
    );
    let both = ["gc", "--delete", "--also-ledger", "s3://ledger-2"];
    package(&server, &both).ok();
    assert_eq!(blobs(&server, &["one", "orphan"]), "oo");
    package(&server, &["gc", "--delete"]).ok();
    assert_eq!(blobs(&server, &["one", "orphan"]), "oa");
}

/// An add finds its blob there, and at each of its requests a whole run of gc comes in between.
#[test]
fn gc_beside_an_add_loses_nothing() {
    let found = |numbering: &str, nth: u64| -> bool {
        let server = server();
        add(&server, "app", "one");
        server.put(BUCKET, &blob("again"), "again", &[]);
        age(&server, 8);
        let server = Arc::new(server);
        let beside = server.clone();
        server.reset_requests();
        let between = Action::Call(Arc::new(move |_| {
            package(&beside, &["gc", "--delete"]).ok();
        }));
        let fault = server.fault(Fault::new(between).nth(nth));
        let directory = files(&[("app.jar", "again")]);
        let file = path(&directory, "app.jar");
        let version =
            package(&server, &["add", "app", &file, "--numbering", numbering]).ok().stdout;
        let was_there = fault.applied() > 0;
        server.clear_faults();
        let version = version.trim();
        let to = path(&directory, "fetched");
        for _ in 0..2 {
            package(&server, &["download", "app", version, "-o", &to]).ok();
            assert_eq!(std::fs::read_to_string(&to).expect("it"), "again", "{numbering} {nth}");
            age(&server, 8);
            package(&server, &["gc", "--delete"]).ok();
        }
        assert_ne!(blobs(&server, &["again"]), "-", "{numbering} {nth}");
        assert_eq!(blobs(&server, &["one"]), "o");
        was_there
    };
    for numbering in ["sequential", "timestamp"] {
        let points = (1..).take_while(|nth| found(numbering, *nth)).count();
        println!("{numbering}: gc at each of {points} requests of an add");
        assert!(points >= 6, "{points}");
    }
}

/// The same, with a client that may only write: it never learns that its blob has gone.
#[test]
fn gc_beside_a_client_that_may_only_write() {
    let server = server();
    add(&server, "app", "one");
    server.put(BUCKET, &blob("again"), "again", &[]);
    age(&server, 8);
    let (server, only_puts) = (Arc::new(server), |server: &Server| {
        let denied = ["GetObject", "HeadObject", "ListObjectsV2", "DeleteObject"];
        denied.into_iter().for_each(|operation| server.deny(Deny::all().on(operation)));
    });
    let beside = server.clone();
    let between = Action::Call(Arc::new(move |_| {
        beside.clear_denies();
        package(&beside, &["gc", "--delete"]).ok();
        only_puts(&beside);
    }));
    // After its blob was found there, and before its record stands.
    let fault = server.fault(Fault::new(between).on("PutObject").key_contains("app/versions/"));
    only_puts(&server);
    let directory = files(&[("app.jar", "again")]);
    let file = path(&directory, "app.jar");
    let run = package(&server, &["add", "app", &file, "--numbering", "timestamp"]).ok();
    assert_eq!(fault.applied(), 1);
    server.clear_denies();
    assert_eq!(blobs(&server, &["again"]), "b", "sent again, as it may have gone");
    let to = path(&directory, "fetched");
    package(&server, &["download", "app", run.stdout.trim(), "-o", &to]).ok();
    assert_eq!(std::fs::read_to_string(&to).expect("it"), "again");
    // Had it gone after that, the next run would put it back.
    server.remove(BUCKET, &blob("again"));
    package(&server, &["gc", "--delete"]).ok();
    assert_eq!(blobs(&server, &["again"]), "b");
}
