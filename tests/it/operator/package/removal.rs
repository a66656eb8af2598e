//! Versions that are removed: they never come back, whatever comes in between.

use super::{BUCKET, add, blob, package, run, run_as_victim, server};
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};
use std::sync::Arc;

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
