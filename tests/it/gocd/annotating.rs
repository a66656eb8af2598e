//! `annotate_only`: a folder that something else uploaded is completed.

use super::{JOB, all, poll, put, version};
use crate::support::{BUCKET, Embedded, Inputs, Tree};
use serde_json::json;

#[test]
fn a_folder_that_something_else_uploaded_is_completed() {
    let server = Embedded::new();
    let resource = server.gocd().env("BUILD_CREATED_BY", "ana");
    server.put(BUCKET, &format!("{JOB}3.1/a/b.txt"), "text", &[]);
    assert!(all(&resource).is_empty());
    assert!(poll(&server).is_err(), "the poller stops at a folder without a marker");
    let params = json!({"annotate_only": true, "revision": "3.1", "label": 7});
    let run = resource.put_params(&params);
    assert_eq!(run.version(), version("3.1"));
    assert_eq!(all(&resource), ["3.1"]);
    let reported = poll(&server).expect("reports");
    assert_eq!((reported.user.as_deref(), reported.label.as_deref()), (Some("ana"), Some("7")));
    let got = resource.get(&version("3.1"), json!({})).tree();
    assert_eq!(got.text("a/b.txt").as_deref(), Some("text"));
    // Again, and by another build: it stays as it is.
    let before = server.snapshot(BUCKET);
    assert_eq!(resource.put_params(&params).version(), version("3.1"));
    let other = json!({"annotate_only": true, "revision": "3.1", "label": 8});
    assert_eq!(resource.put_params(&other).metadata("label"), "7");
    assert!(server.snapshot(BUCKET) == before, "nothing is written");
}

#[test]
fn nothing_is_completed_that_is_not_there_or_under_way() {
    let server = Embedded::new();
    let resource = server.gocd();
    let annotate = || resource.put_params(&json!({"annotate_only": true, "revision": "1.1"}));
    let (error, hint) = annotate().failure();
    assert_eq!(error, "nothing lies in the folder of revision 1.1");
    assert!(hint.contains("upload the files first"), "{hint}");
    // A put that was stopped after its first file.
    let claimed = [("s3-asset-claim", "a".repeat(64)), ("s3-asset-files", "b".repeat(64))];
    let claimed: Vec<(&str, &str)> = claimed.iter().map(|(k, v)| (*k, v.as_str())).collect();
    server.put(BUCKET, &format!("{JOB}1.1/"), "", &claimed);
    server.put(BUCKET, &format!("{JOB}1.1/a"), "x", &[]);
    assert!(annotate().error().contains("is uploading revision 1.1, or died of it"));
    let error = put(&resource, &Tree::of("b", "y"), &json!({"revision": "1.1"})).error();
    assert!(error.contains("another put claimed revision 1.1"), "{error}");
    // Another one takes the next.
    assert_eq!(put(&resource, &Tree::of("b", "y"), &json!({})).version(), version("2.1"));
    assert_eq!(poll(&server).expect("reports").revision, "2.1");
}

#[test]
fn a_revision_comes_from_a_file() {
    let server = Embedded::new();
    server.put(BUCKET, &format!("{JOB}5.2/a"), "x", &[]);
    let inputs = Inputs::new().with("v", &Tree::of("revision", "5.2\n"));
    let params = json!({"annotate_only": true, "revision_file": "v/revision"});
    let run = server.gocd().put(inputs.path(), &params);
    assert_eq!(run.version(), version("5.2"));
    assert_eq!(run.metadata("label"), "5");
}
