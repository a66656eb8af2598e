//! `s3-asset package`: sacker's commands, `export`, `import` and `gc`.

mod export_import;
mod gc;
mod removal;

use super::support::{BUCKET, Run, program, run, run_as_victim, server};
use crate::support::only_reads;
use s3_asset_resource::words::digest::Sha256;
use s3_test_server::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

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
