//! Numbering by timestamps, for clients that may do nothing but put objects, and what readers make
//! of it.

use super::{number, version};
use crate::support::{BUCKET, Embedded, Inputs, Resource, Running, Tree, noise};
use s3_test_server::{Action, Deny, Fault};
use serde_json::{Value, json};

/// Lets clients put objects, in parts too, and do nothing else.
fn only_puts(server: &Embedded) {
    let denied =
        ["GetObject", "HeadObject", "ListObjectsV2", "DeleteObject", "AbortMultipartUpload"];
    denied.into_iter().for_each(|operation| server.deny(Deny::all().on(operation)));
}

fn writer(server: &Embedded) -> Resource {
    server.package("app").of_package("numbering", "timestamp")
}

fn all(package: &Resource) -> Vec<Value> {
    package.clone().set("initial_history", 99).versions(None)
}

#[test]
fn a_client_that_may_only_put_adds_versions() {
    let server = Embedded::new();
    only_puts(&server);
    let writer = writer(&server);
    let first = writer.add("one", &json!({"metadata": {"a": "b"}})).version();
    let second = writer.add("two", &json!({})).version();
    let large = writer.add(noise(1, 17 << 20), &json!({})).version();
    let again = writer.add("two", &json!({})).version();
    server.clear_denies();
    let versions = [first, second, large, again];
    assert!(versions.windows(2).all(|pair| number(&pair[0]) < number(&pair[1])), "{versions:?}");
    assert!(number(&versions[0]) > 1_700_000_000_000, "milliseconds");
    let reader = server.package("app");
    assert_eq!(reader.versions(None), versions[3..]);
    assert_eq!(reader.versions(Some(&versions[1])), versions[1..]);
    assert_eq!(all(&reader), versions);
    assert_eq!(reader.get(&versions[1], json!({})).tree().text("app.jar").as_deref(), Some("two"));
    let got = reader.get(&versions[0], json!({}));
    assert_eq!(got.run.metadata("a"), "b");
    assert!(server.get(BUCKET, "app/.history/versions.json").is_none());
    assert_eq!(server.text("app/tags/latest"), format!("{{\"version\":{}}}", number(&versions[3])));
}

#[test]
fn sixteen_at_once() {
    let server = Embedded::new();
    only_puts(&server);
    let writer = writer(&server);
    let puts: Vec<(Inputs, Running)> = (0..16)
        .map(|n| {
            let inputs = Inputs::of(&Tree::of("app.jar", format!("content {n}")));
            let put = writer.start_put(inputs.path(), &json!({"file": "assets/app.jar"}));
            (inputs, put)
        })
        .collect();
    let versions: Vec<Value> = puts.into_iter().map(|(_, put)| put.wait().version()).collect();
    server.clear_denies();
    let reader = server.package("app");
    for (n, version) in versions.iter().enumerate() {
        let got = reader.get(version, json!({})).tree();
        assert_eq!(got.text("app.jar"), Some(format!("content {n}")));
    }
    let mut sorted = versions;
    sorted.sort_by_key(number);
    assert_eq!(all(&reader), sorted);
    // Whoever pointed `latest` last, the newest is found.
    assert_eq!(reader.versions(None), sorted[15..]);
}

/// Numbers go by the server's clock: a writer whose own is off hides nobody's versions, and nobody
/// hides its. S3 refuses requests that are a quarter of an hour off.
#[test]
fn a_clock_that_is_off() {
    let ahead = 600_000;
    let server = Embedded::with(|options| options.ahead = std::time::Duration::from_millis(ahead));
    only_puts(&server);
    let before = now();
    let first = number(&writer(&server).add("one", &json!({})).version());
    assert!(first + 5_000 > before + ahead && first < now() + ahead + 5_000, "{first}");
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(since.expect("after 1970").as_millis()).expect("a number")
}

#[test]
fn a_client_that_may_read_too_adds_nothing_twice() {
    let server = Embedded::new();
    let writer = writer(&server);
    let first = writer.add("one", &json!({})).version();
    let before = server.snapshot(BUCKET);
    assert_eq!(writer.add("one", &json!({})).version(), first);
    assert!(server.snapshot(BUCKET) == before);
    // The record is written, and the answer lost: it is known again.
    let lost = Fault::new(Action::StatusAfter(500, "InternalError"));
    server.fault(lost.on("PutObject").key_contains("/versions/"));
    let second = writer.add("two", &json!({})).version();
    assert_eq!(all(&server.package("app")), [first, second]);
}

#[test]
fn both_numberings_in_one_ledger() {
    let server = Embedded::new();
    let (sequential, timestamp) = (server.package("app"), writer(&server));
    for content in ["one", "two"] {
        sequential.add(content, &json!({})).version();
    }
    let third = timestamp.add("three", &json!({})).version();
    let fourth = timestamp.add("four", &json!({"tags": "live"})).version();
    let mut want = vec![version(1), version(2), third.clone(), fourth.clone()];
    assert_eq!(sequential.versions(None), want[3..], "before any history has it");
    assert_eq!(sequential.versions(Some(&version(1))), want);
    assert_eq!(sequential.versions(Some(&third)), want[2..]);
    let fifth = sequential.add("five", &json!({})).version();
    assert_eq!(number(&fifth), number(&fourth) + 1, "numbers only grow");
    want.push(fifth);
    assert_eq!(all(&sequential), want);
    for (n, given) in want.iter().enumerate() {
        assert_eq!(sequential.versions(Some(given)), want[n..], "{given}");
    }
    want.push(timestamp.add("six", &json!({})).version());
    assert_eq!(all(&sequential), want);
    assert_eq!(sequential.versions(Some(&want[4])), want[4..]);
}
