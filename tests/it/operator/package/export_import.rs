//! Packages that move from one bucket into another.

use super::{BUCKET, add, blob, files, package, path, run, run_as_victim, server};
use s3_test_server::{Action, Fault, Server};
use serde_json::{Value, json};
use std::path::Path;

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
