//! `s3-asset artifacts list, show, verify`.

use super::support::{BUCKET, Run, Task, run, server};
use s3_test_server::Server;

/// A bucket with the sets of three commits, oldest first.
fn published() -> (Server, Vec<String>) {
    let (server, task) = (server(), Task::new());
    let mut commits = Vec::new();
    for n in 0..3 {
        commits.push(task.commit(&[("README.md", &n.to_string())]));
        task.clean();
        task.check(&server, None).ok();
        task.write("a.zip", &format!("zip {n}"));
        task.write("dir/b.zip", "the same");
        task.upload(&server).ok();
    }
    (server, commits)
}

fn artifacts(server: &Server, arguments: &[&str]) -> Run {
    run(server, &[&["artifacts"], arguments].concat())
}

#[test]
fn the_newest_are_listed_first() {
    let (server, commits) = published();
    let listed = artifacts(&server, &["list", "--json"]).ok().json();
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|e| e["commit"].clone()).collect();
    assert_eq!(names, [&commits[2][..], &commits[1], &commits[0]]);
    assert_eq!(listed[0]["number"], 3);
    let table = artifacts(&server, &["list", "--limit", "1"]).ok().stdout;
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(table.starts_with("NUMBER  TIME") && table.contains(&commits[2]), "{table}");
    let empty = super::support::server();
    let none = artifacts(&empty, &["list", "--all", "--json"]).ok();
    assert_eq!(none.json(), serde_json::json!([]));
    assert!(none.stderr.contains("import"), "{}", none.stderr);
}

#[test]
fn a_set_is_shown_by_its_first_digits() {
    let (server, commits) = published();
    let shown = artifacts(&server, &["show", &commits[1][..9], "--json"]).ok().json();
    assert_eq!(shown["commit"], commits[1]);
    assert_eq!(shown["files"][1]["path"], "dir/b.zip");
    assert_eq!(shown["s3_uri"], format!("s3://{BUCKET}/artifacts/{}", commits[1]));
    let table = artifacts(&server, &["show", &commits[1]]).ok().stdout;
    assert!(table.contains("published_at") && table.contains("dir/b.zip"), "{table}");
    artifacts(&server, &["show", &commits[1][..6]]).failed(1, "names no commit");
    artifacts(&server, &["show", &"0".repeat(40)]).failed(1, "gone");
    server.put(BUCKET, &format!("artifacts/{}/x.zip", "1".repeat(40)), "x", &[]);
    let legacy = artifacts(&server, &["show", &"1".repeat(40), "--json"]).ok().json();
    assert_eq!(legacy["files"][0]["sha256"], serde_json::Value::Null);
}

#[test]
fn verify_finds_what_is_not_as_it_was_published() {
    let (server, commits) = published();
    let key = |n: usize, name: &str| format!("artifacts/{}/{name}", commits[n]);
    let fine = artifacts(&server, &["verify", "--json"]).ok().json();
    assert_eq!((&fine["sets"], &fine["files"]), (&3.into(), &6.into()));

    server.corrupt(BUCKET, &key(0, "a.zip"), "zip X");
    server.remove(BUCKET, &key(1, "dir/b.zip"));
    server.corrupt(BUCKET, &key(2, "a.zip"), "longer than it was");
    let run = artifacts(&server, &["verify", "--all"]).failed(1, "3 objects wrong, in 3 sets");
    for (key, why) in [
        (key(0, "a.zip"), "its SHA-256 is"),
        (key(1, "dir/b.zip"), "gone"),
        (key(2, "a.zip"), "18 bytes instead of 5"),
    ] {
        let line = run.stdout.lines().find(|line| line.contains(&key));
        assert!(line.is_some_and(|line| line.contains(why)), "{key} {why}\n{}", run.stdout);
    }
    let one = artifacts(&server, &["verify", &commits[0], "--json"]).failed(1, "1 object wrong");
    assert_eq!(one.json()["wrong"][0]["commit"], commits[0]);
    server.put(BUCKET, &key(2, ".manifest.json"), "{}", &[]);
    artifacts(&server, &["verify", &commits[2]]).failed(1, "1 object wrong");
}

#[test]
fn verify_reads_large_objects_in_ranges() {
    let (server, task) = (server(), Task::new());
    task.check(&server, None).ok();
    let large = "0123456789abcdef".repeat((17 << 20) / 16);
    task.write("large.bin", &large);
    task.upload(&server).ok();
    server.reset_requests();
    let fine = artifacts(&server, &["verify", "--json"]).ok().json();
    assert_eq!(fine["bytes"], large.len());
    assert!(server.requests_of("GetObject").iter().any(|get| get.header("range").is_some()));
    let mut flipped = large.into_bytes();
    flipped[9_000_000] ^= 1;
    server.corrupt(BUCKET, &format!("artifacts/{}/large.bin", task.head()), flipped);
    artifacts(&server, &["verify"]).failed(1, "1 object wrong");
}

#[test]
fn verify_looks_at_plain_keys_beside_a_sets_own() {
    let (server, task) = (server(), Task::new());
    let commit = task.head();
    // A put with other bytes began first and was killed.
    let folder = format!("artifacts/{commit}");
    server.put(BUCKET, &format!("{folder}/.pending"), "{}", &[]);
    task.check(&server, None).ok();
    task.write("a.zip", "zip-a");
    task.upload(&server).ok();
    artifacts(&server, &["verify"]).ok();
    let late = "late!";
    server.put(BUCKET, &format!("{folder}/a.zip"), late, &[]);
    let run = artifacts(&server, &["verify"]).failed(1, "1 object wrong");
    assert!(run.stdout.contains("the manifest names another key"), "{}", run.stdout);
}

#[test]
fn verify_checks_what_s3_asset_manager_recorded() {
    let server = server();
    let commit = "2".repeat(40);
    let good = [("package-hash", "43KHsN29p+21WEWsxt5CRM2C4U31gkvdcQB6RSp8uqs=")];
    server.put(BUCKET, &format!("artifacts/{commit}/a.zip"), "zip-a", &good);
    server.put(BUCKET, &format!("artifacts/{commit}/b.zip"), "?", &[]);
    let run = artifacts(&server, &["verify", &commit, "--json"]).ok();
    assert_eq!(run.json()["unchecked"].as_array().map(Vec::len), Some(1));
    server.corrupt(BUCKET, &format!("artifacts/{commit}/a.zip"), "zip-b");
    artifacts(&server, &["verify", &commit]).failed(1, "1 object wrong");
    server.put(BUCKET, &format!("artifacts/{}/.pending", "3".repeat(40)), "{}", &[]);
    artifacts(&server, &["verify", &"3".repeat(40)]).failed(1, "1 object wrong");
}

#[test]
fn what_s3_asset_manager_copied_out_of_the_cache_is_verified_where_it_lies() {
    let (server, task) = (server(), Task::new());
    task.commit(&[("src/a", "a"), ("README.md", "1")]);
    task.check(&server, Some("src/**")).ok();
    task.write("app.zip", "zip");
    task.write("dir/b.zip", "nested");
    task.upload(&server).ok();
    let commit = task.commit(&[("README.md", "2")]);
    // Its check gives every object of the cache's folder to the commit, under its last name.
    let cached = server.keys(BUCKET).into_iter().filter(|key| key.starts_with("cache/"));
    for key in cached.filter(|key| !key.ends_with("/b.zip")) {
        let object = server.get(BUCKET, &key).expect("an object");
        let name = key.rsplit('/').next().expect("a name");
        let to = format!("artifacts/{commit}/{name}");
        server.put_with(BUCKET, &to, object.bytes(), object.attributes.clone());
    }
    let fine = artifacts(&server, &["verify", &commit, "--json"]).ok().json();
    assert_eq!((&fine["sets"], &fine["files"]), (&1.into(), &2.into()), "{fine}");
    let of_cache = |key: &String| key.starts_with("cache/") && key.ends_with("/b.zip");
    let nested = server.keys(BUCKET).into_iter().find(of_cache);
    server.corrupt(BUCKET, &nested.expect("a file in the cache"), "nestex");
    artifacts(&server, &["verify", &commit]).failed(1, "1 object wrong");
}
