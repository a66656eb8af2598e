//! `versioned_file`: the versions of one file.

use super::{id, names, put, text, versioned};
use crate::support::{BUCKET, Embedded};
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};

fn ids(server: &Embedded, key: &str) -> Vec<Value> {
    let versions = server.versions(BUCKET).into_iter();
    let ours = versions.filter(|it| it.key == key && it.object.is_some());
    ours.map(|it| id(&it.version_id)).collect()
}

#[test]
fn every_version_is_checked_and_fetched() {
    let server = Embedded::with(|options| options.max_page = 2);
    let app = versioned(&server, "r/app.tgz");
    assert_eq!(app.versions(None), Vec::<Value>::new());
    for n in 0..5 {
        let run = put(&app, "app.tgz", format!("bytes {n}").as_bytes(), json!({}));
        assert_eq!(Some(&run.version()), ids(&server, "r/app.tgz").last());
        server.put(BUCKET, "r/app.tgz.sha", "another", &[]);
    }
    let all = ids(&server, "r/app.tgz");
    assert_eq!(all.len(), 5);
    assert_eq!(app.versions(None), all[4..].to_vec());
    for (at, given) in all.iter().enumerate() {
        assert_eq!(app.versions(Some(given)), all[at..].to_vec());
    }
    assert_eq!(app.versions(Some(&id("gone"))), all[4..].to_vec());
    assert_eq!(app.clone().set("initial_history", 3).versions(None), all[2..].to_vec());
    let got = app.get(&all[1], json!({}));
    assert_eq!(names(&got), ["app.tgz", "s3_uri", "url", "version"]);
    let number = all[1]["version_id"].as_str().expect("an id");
    assert_eq!((text(&got, "app.tgz"), text(&got, "version")), ("bytes 1".into(), number.into()));
    assert!(text(&got, "url").ends_with(&format!("/r/app.tgz?versionId={number}")));
    assert_eq!(text(&got, "s3_uri"), format!("s3://{BUCKET}/r/app.tgz"));
    assert_eq!(got.run.version(), all[1]);
    let gone = app.get(&id("v000000000099999"), json!({}));
    let error = gone.nothing_but_an_error();
    assert!(error.contains("version v000000000099999"), "{error}");
    assert_eq!(
        app.get(&json!({"path": "x"}), json!({})).nothing_but_an_error(),
        "missing version_id in request"
    );
}

#[test]
fn a_deleted_file_keeps_its_versions() {
    let server = Embedded::new();
    let app = versioned(&server, "app");
    put(&app, "app", b"1", json!({})).json();
    put(&app, "app", b"2", json!({})).json();
    let all = ids(&server, "app");
    server.delete(BUCKET, "app");
    assert_eq!(app.versions(Some(&all[0])), all);
    assert_eq!(text(&app.get(&all[1], json!({})), "app"), "2");
}

#[test]
fn a_bucket_that_keeps_versions_no_more_still_has_them() {
    let server = Embedded::new();
    let app = versioned(&server, "app");
    put(&app, "app", b"1", json!({})).json();
    server.suspend_versions(BUCKET);
    let run = put(&app, "app", b"2", json!({}));
    assert_eq!(run.version(), id("null"));
    let first = ids(&server, "app")[0].clone();
    assert_eq!(app.versions(Some(&first)), [first, id("null")]);
    assert_eq!(text(&app.get(&id("null"), json!({})), "app"), "2");
}

#[test]
fn a_bucket_without_versions_is_said() {
    let server = Embedded::new();
    let app = server.resource().unset("artifacts").set("versioned_file", "app");
    for _ in 0..2 {
        assert_eq!(app.check(None).error(), "bucket is not versioned: assets");
        assert_eq!(
            put(&app, "app", b"x", json!({})).error(),
            "object versioning not enabled: assets"
        );
    }
}

/// Garage answers each write with the id of a version, and keeps none: what was there would be gone.
#[test]
fn a_server_that_knows_no_versions_is_refused_before_anything_is_written_over() {
    let server = Embedded::new();
    let app = versioned(&server, "app");
    let unknown = Action::Status(501, "NotImplemented");
    server.fault(Fault::new(unknown).on("ListObjectVersions").always());
    let (error, hint) = put(&app, "app", b"x", json!({})).failure();
    assert_eq!(error, "object versioning not known to the server of assets");
    assert!(hint.contains("nothing was written") && hint.contains("`regexp`"), "{hint}");
    assert!(server.keys(BUCKET).is_empty());
    let (error, hint) = app.check(None).failure();
    assert!(error.contains("501 NotImplemented") && hint.contains("keeps no versions"), "{error}");
    // Who may only write is not asked for more.
    server.clear_faults();
    let forbidden = Action::Status(403, "AccessDenied");
    server.fault(Fault::new(forbidden).on("ListObjectVersions").always());
    let version = put(&app, "app", b"x", json!({})).version();
    assert_eq!(ids(&server, "app"), [version]);
}

#[test]
fn an_initial_version_is_the_oldest() {
    let server = Embedded::new();
    let app = versioned(&server, "app").set("initial_version", "0");
    assert_eq!(app.versions(None), [id("0")]);
    let got = app.clone().set("initial_content_text", "hello").get(&id("0"), json!({}));
    assert_eq!((text(&got, "app"), text(&got, "version")), ("hello".into(), "0".into()));
    assert_eq!(got.run.json()["version"], id("0"));
    let first = put(&app, "app", b"1", json!({})).version();
    assert_eq!(app.versions(None), [first.clone()]);
    assert_eq!(app.versions(Some(&id("0"))), [id("0"), first]);
}
