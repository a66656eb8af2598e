//! A ledger and a store that sacker filled, in two buckets, and what sacker finds in them
//! afterwards: its keys, and what it reads of them.

use super::{number, sackers_record, tagged, version};
use crate::support::{Embedded, Resource};
use s3_asset_resource::words::digest::Sha256;
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};

const LEDGER: &str = "the-ledger";
const STORE: &str = "the-store";
const FIRST: u64 = 1_500_000_000_000;

/// What sacker leaves of these contents, each a second after the one before.
fn filled(contents: &[&str]) -> (Embedded, Resource) {
    let server = Embedded::new();
    server.create_bucket(LEDGER);
    server.create_bucket(STORE);
    for (at, content) in (FIRST..).step_by(1000).zip(contents) {
        server.put(STORE, &Sha256::of(content.as_bytes()).hex(), content.to_string(), &[]);
        let record = sackers_record(content.as_bytes());
        server.put(LEDGER, &format!("team/app/versions/{at}"), record, &[("branch", "main")]);
        server.put(LEDGER, "team/app/tags/latest", format!("{{\"version\": {at}}}"), &[]);
    }
    let package = server
        .package("team/app")
        .of_package("ledger", format!("s3://{LEDGER}"))
        .of_package("store", format!("s3://{STORE}"));
    (server, package)
}

/// What sacker reads: `info`, and then `download`.
fn download(server: &Embedded, spec: &str) -> String {
    let text = |bucket: &str, key: &str| {
        server.get(bucket, key).unwrap_or_else(|| panic!("no {key}")).text()
    };
    let json = |key: String| -> Value { serde_json::from_str(&text(LEDGER, &key)).expect("JSON") };
    let version = match spec.parse::<u64>() {
        Ok(version) => version,
        Err(_) => json(format!("team/app/tags/{spec}"))["version"].as_u64().expect("a number"),
    };
    let record = json(format!("team/app/versions/{version}"));
    assert!(record["mode"].is_u64() && record["basename"].is_string());
    text(STORE, record["sha"].as_str().expect("a sha"))
}

/// The last components of the keys below a folder, as sacker lists versions and tags.
fn names(server: &Embedded, folder: &str) -> Vec<String> {
    let keys = server.keys(LEDGER).into_iter().filter(|key| key.starts_with(folder));
    keys.map(|key| key.rsplit('/').next().expect("a name").to_owned()).collect()
}

#[test]
fn its_ledger_works_as_it_is() {
    let (server, package) = filled(&["one", "two", "three"]);
    let at = |n: u64| version(FIRST + 1000 * n);
    let before = (server.snapshot(LEDGER), server.snapshot(STORE));
    assert_eq!(package.versions(None), [at(2)]);
    assert_eq!(package.versions(Some(&at(1))), [at(1), at(2)]);
    assert_eq!(package.versions(Some(&at(9))), [at(2)]);
    let all = package.clone().set("initial_history", 9).versions(None);
    assert_eq!(all, [at(0), at(1), at(2)]);
    let got = package.get(&at(1), json!({}));
    assert_eq!(got.tree().text("app.jar").as_deref(), Some("two"));
    assert_eq!(got.run.metadata("branch"), "main");
    // sacker writes the number of `sacker tag` as a text.
    let text = format!("{{\"version\": \"{FIRST}\"}}");
    server.put(LEDGER, "team/app/tags/live", text, &[]);
    let live = package.clone().of_package("tag", "live");
    assert_eq!(live.versions(None), [tagged(FIRST, "live", 0)]);
    assert_eq!(live.versions(Some(&tagged(FIRST, "live", 0))), [tagged(FIRST, "live", 0)]);
    assert_eq!(
        live.get(&tagged(FIRST, "live", 0), json!({})).tree().text("app.jar").as_deref(),
        Some("one")
    );
    server.remove(LEDGER, "team/app/tags/live");
    assert!((server.snapshot(LEDGER), server.snapshot(STORE)) == before, "reading writes nothing");
}

#[test]
fn it_reads_what_is_written() {
    let (server, package) = filled(&["one", "two"]);
    let added = package.add("three", &json!({"tags": ["live"]})).version();
    assert_eq!(number(&added), FIRST + 1001, "numbers go on from the newest");
    package.put_params(&json!({"version": FIRST, "tags": ["old"]})).version();
    let all = [FIRST, FIRST + 1000, FIRST + 1001].map(|n| n.to_string());
    assert_eq!(names(&server, "team/app/versions/"), all);
    assert_eq!(names(&server, "team/app/tags/"), ["latest", "live", "old"]);
    let packages: Vec<_> =
        server.keys(LEDGER).into_iter().filter(|key| key.ends_with("/tags/latest")).collect();
    assert_eq!(packages, ["team/app/tags/latest"]);
    for (spec, content) in
        [("latest", "three"), ("live", "three"), ("old", "one"), (&all[1], "two")]
    {
        assert_eq!(download(&server, spec), content, "{spec}");
    }
    assert!(server.keys(STORE).iter().all(|key| key.len() == 64), "nothing but blobs");
    // sacker adds one more: the same resource shows it, and goes on after it.
    server.put(STORE, &Sha256::of(b"four").hex(), "four", &[]);
    let at = FIRST + 9_000;
    server.put(LEDGER, &format!("team/app/versions/{at}"), sackers_record(b"four"), &[]);
    server.put(LEDGER, "team/app/tags/latest", format!("{{\"version\": {at}}}"), &[]);
    assert_eq!(package.versions(Some(&added)), [added.clone(), version(at)]);
    assert_eq!(package.add("five", &json!({})).version(), version(at + 1));
    assert_eq!(package.versions(Some(&added)), [added, version(at), version(at + 1)]);
}

/// A tag that sacker put somewhere is the first entry of its history.
#[test]
fn its_tags_are_taken_over() {
    let (server, package) = filled(&["one", "two"]);
    server.put(LEDGER, "team/app/tags/live", format!("{{\"version\": {FIRST}}}"), &[]);
    let live = package.of_package("tag", "live");
    assert_eq!(live.versions(None), [tagged(FIRST, "live", 0)]);
    let moved = live.put_params(&json!({"version": "latest"})).version();
    assert_eq!(moved, tagged(FIRST + 1000, "live", 2));
    assert_eq!(live.versions(Some(&tagged(FIRST, "live", 0))), [moved.clone()]);
    let all = live.set("initial_history", 9).versions(None);
    assert_eq!(all, [tagged(FIRST, "live", 1), moved]);
}

/// The blobs of a put that is told to stop are in another bucket than its ledger.
#[test]
fn a_put_that_is_stopped_leaves_no_parts_in_the_store() {
    let (server, package) = filled(&[]);
    server.fault(Fault::new(Action::SignalBefore(15)).on("UploadPart"));
    server.fault(Fault::new(Action::Hang).on("UploadPart").skip(1).always());
    let inputs =
        crate::support::Inputs::of(&crate::support::Tree::of("app.jar", vec![7; 40 << 20]));
    let params = json!({"file": "assets/app.jar"});
    let run = server.put_as_victim(&package, inputs.path(), &params);
    assert_eq!(run.code, Some(143), "{}", run.stderr);
    assert!(server.uploads(STORE).is_empty() && server.uploads(LEDGER).is_empty());
    assert!(
        server
            .requests_of("AbortMultipartUpload")
            .iter()
            .all(|it| it.bucket.as_deref() == Some(STORE))
    );
}

#[test]
fn damaged_objects_are_named() {
    let (server, package) = filled(&["one", "two"]);
    let key = format!("team/app/versions/{FIRST}");
    let get = || package.get(&version(FIRST), json!({})).nothing_but_an_error();
    let blob = Sha256::of(b"one").hex();
    server.corrupt(STORE, &blob, "onX");
    assert!(get().contains(&format!("s3://{STORE}/{blob}: not the bytes that were published")));
    server.corrupt(STORE, &blob, "on");
    assert!(get().contains(&blob));
    server.remove(STORE, &blob);
    assert!(get().contains(&format!("s3://{STORE}/{blob}: the object is gone")));
    let record = sackers_record(b"one");
    for damaged in ["", "{}", &record[..60], &record.replace("app.jar", "../app.jar")] {
        server.put(LEDGER, &key, damaged.to_owned(), &[]);
        assert!(get().contains(&format!("s3://{LEDGER}/{key} is damaged")), "{damaged}");
    }
    server.remove(LEDGER, &key);
    assert!(get().contains("team/app has no version"), "{}", get());
    // A blob that is too short is no blob: an add of the same bytes mends it.
    let two = Sha256::of(b"two").hex();
    server.corrupt(STORE, &two, "tw");
    package.add("two", &json!({"metadata": {"again": "yes"}})).version();
    assert_eq!(server.get(STORE, &two).expect("a blob").text(), "two");
    // Also when it is a version already.
    server.remove(STORE, &two);
    package.add("two", &json!({"metadata": {"again": "yes"}})).version();
    assert_eq!(server.get(STORE, &two).expect("a blob").text(), "two");
    // And one of the right size, with a hash that says otherwise or without one.
    for (metadata, content) in [(vec![], "twX"), (vec![("package-hash", "x")], "Xwo")] {
        server.put(STORE, &two, content, &metadata);
        package.add("two", &json!({"metadata": {"again": "yes"}})).version();
        assert_eq!(server.get(STORE, &two).expect("a blob").text(), "two");
        server.put(STORE, &two, "two", &metadata);
        let before = server.snapshot(STORE);
        let run = package.add("two", &json!({"metadata": {"again": "yes"}}));
        assert!(run.succeeded() && run.stderr.contains("already in the store"), "{}", run.stderr);
        assert!(server.snapshot(STORE) == before);
    }
    server.put(LEDGER, "team/app/tags/live", "{", &[]);
    let live = package.clone().of_package("tag", "live");
    assert!(live.check(None).error().contains("team/app/tags/live is damaged"));
    server.put(LEDGER, "team/app/.history/versions.json", "{", &[]);
    assert!(package.check(None).error().contains("team/app/.history/versions.json"));
}
