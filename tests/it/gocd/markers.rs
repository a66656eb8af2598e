//! What a marker can say, and servers that do not keep it.

use super::{JOB, all, poll, put, version};
use crate::support::{BUCKET, Embedded, Tree};
use s3_test_server::Fault;
use serde_json::{Value, json};
use std::sync::Arc;

fn tree() -> Tree {
    Tree::of("a", "1")
}

#[test]
fn letters_other_than_asciis_are_encoded_and_read_again() {
    let server = Embedded::new();
    let resource = server.gocd().env("BUILD_CREATED_BY", "José Ñandú");
    let params = json!({"metadata": {"Branch": "feature/größe", "plain": "=?x?="}});
    let run = put(&resource, &tree(), &params);
    assert_eq!(run.version(), version("1.1"));
    assert_eq!(run.metadata("user"), "José Ñandú");
    let marker = server.get(BUCKET, &format!("{JOB}1.1/")).expect("a marker").attributes.metadata;
    // The server reads what RFC 2047 encodes, as S3 does.
    assert_eq!(marker["user"], "José Ñandú");
    assert_eq!(marker["plain"], "=?x?=");
    let got = resource.get(&version("1.1"), json!({})).tree();
    let annotations: Value =
        serde_json::from_str(&got.text(".annotations.json").expect("a file")).expect("JSON");
    assert_eq!(annotations["user"], "José Ñandú");
    assert_eq!(annotations["branch"], "feature/größe");
    assert_eq!(annotations["plain"], "=?x?=");
}

#[test]
fn what_no_marker_can_say_is_refused_before_anything_is_written() {
    let server = Embedded::new();
    let resource = server.gocd();
    let cases = [
        (json!({"metadata": {"long": "x".repeat(2048)}}), "and S3 keeps 2,048 with an object"),
        (json!({"user": "é".repeat(1000)}), "and S3 keeps 2,048 with an object"),
        (json!({"user": "a\nb"}), "the annotation `user` has a line end"),
        (json!({"metadata": {"completed": "x"}}), "`completed` is written by this resource"),
        (json!({"metadata": {"user": "x"}}), "`user` is written by this resource"),
        (json!({"metadata": {"TRACEBACK_URL": "x"}}), "is written by this resource"),
        (json!({"metadata": {"go_pipeline_label": "x"}}), "is written by this resource"),
        (json!({"metadata": {"s3-asset-claim": "x"}}), "is written by this resource"),
        (json!({"metadata": {"a b": "x"}}), "cannot be a header's name"),
        (json!({"label": "v1"}), "params.label: `v1` is no integer"),
        (json!({"revision": "2147483648.1"}), "`2147483648.1` is no revision"),
    ];
    for (params, want) in cases {
        let (error, hint) = put(&resource, &tree(), &params).failure();
        assert!(error.contains(want) && !hint.is_empty(), "{error}");
    }
    let keys = server.keys(BUCKET);
    assert!(keys.is_empty(), "{keys:?}");
}

#[test]
fn a_server_that_forgets_what_markers_say_is_found_out_before_a_file_goes_up() {
    let server = Embedded::with(|options| options.forget_folder_metadata = true);
    let resource = server.gocd();
    let (error, hint) = put(&resource, &tree(), &json!({})).failure();
    let marker = "s3://assets/app/build/package/1.1/";
    let lost = format!("{marker}: the server did not keep the metadata `go_pipeline_label`, ");
    assert!(error.starts_with(&lost), "{error}");
    assert!(error.contains("`s3-asset-claim`, `s3-asset-files`"), "{error}");
    assert!(hint.contains("use a server that keeps it") && hint.contains("SeaweedFS"), "{hint}");
    let below = server.keys(BUCKET).into_iter().filter(|key| key.starts_with(JOB));
    assert_eq!(below.collect::<Vec<_>>(), [format!("{JOB}1.1/")]);
    assert!(all(&resource).is_empty());
    server.put(BUCKET, &format!("{JOB}2.1/a"), "x", &[]);
    let annotate = json!({"annotate_only": true, "revision": "2.1"});
    let (error, _) = resource.put_params(&annotate).failure();
    assert!(error.contains("did not keep the metadata `go_pipeline_label`"), "{error}");
}

/// Ceph makes `-` of `_` in the names of metadata, so that GoCD would find neither label nor link: a put
/// that fails for that must not have shown the revision.
#[test]
fn a_server_that_renames_what_markers_say_is_found_out_before_anything_is_shown() {
    let server = Embedded::with(|options| options.hyphens_for_underscores = true);
    let resource = server.gocd();
    let (error, hint) = put(&resource, &tree(), &json!({})).failure();
    assert!(error.contains("did not keep the metadata `go_pipeline_label`"), "{error}");
    assert!(hint.contains("Ceph"), "{hint}");
    let below = server.keys(BUCKET).into_iter().filter(|key| key.starts_with(JOB));
    assert_eq!(below.collect::<Vec<_>>(), [format!("{JOB}1.1/")], "no file went up");
    server.put(BUCKET, &format!("{JOB}2.1/a"), "x", &[]);
    let annotate = json!({"annotate_only": true, "revision": "2.1"});
    let (error, _) = resource.put_params(&annotate).failure();
    assert!(error.contains("did not keep the metadata `go_pipeline_label`"), "{error}");
    let annotate = ["gocd", "annotate", BUCKET, "app/build/package/2.1", "--label", "2"];
    let annotated = crate::support::program(&server, &annotate).output().expect("runs");
    assert!(!annotated.status.success());
    assert!(all(&resource).is_empty());
    for revision in ["1.1", "2.1"] {
        let marker = server.get(BUCKET, &format!("{JOB}{revision}/")).expect("a marker");
        assert!(!marker.attributes.metadata.contains_key("completed"), "{revision}");
    }
}

/// The marker is kept when it claims the folder, and forgotten when it completes it.
#[test]
fn what_is_forgotten_at_the_end_is_an_error_too() {
    let server = Embedded::new();
    let resource = server.gocd();
    let handle = (*server).clone();
    let marker = format!("{JOB}1.1/");
    let key = marker.clone();
    let forget = s3_test_server::Action::Call(Arc::new(move |_| {
        handle.change(BUCKET, &key, |object| object.attributes.metadata.clear());
    }));
    server.fault(Fault::new(forget).on("HeadObject").key(&marker).skip(1));
    let error = put(&resource, &tree(), &json!({})).error();
    assert!(
        error.contains("did not keep the metadata `completed`, `go_pipeline_label`"),
        "{error}"
    );
    assert!(all(&resource).is_empty());
}

#[test]
fn a_server_that_ignores_conditions_is_refused_each_time() {
    let server = Embedded::with(|options| options.ignore_conditions = true);
    let resource = server.gocd();
    for _ in 0..2 {
        let (error, hint) = put(&resource, &tree(), &json!({})).failure();
        assert!(error.contains("ignores conditional writes"), "{error}");
        assert!(hint.contains("conditional_writes: false"), "{hint}");
        assert_eq!(server.keys(BUCKET), [".history/app/build/package.json"]);
    }
    let alone = resource.set("conditional_writes", false);
    for n in 1..=3 {
        let tree = Tree::of("a", n.to_string());
        assert_eq!(put(&alone, &tree, &json!({})).version(), version(&format!("{n}.1")));
    }
    let again = put(&alone, &Tree::of("a", "2"), &json!({})).version();
    assert_eq!(again, version("2.1"));
    assert_eq!(poll(&server).expect("reports").revision, "3.1");
}

/// What a put sends is lost after the server said that it is there.
#[test]
fn a_file_that_is_not_there_at_the_end_completes_nothing() {
    let server = Embedded::new();
    let resource = server.gocd();
    let handle = (*server).clone();
    let lose = s3_test_server::Action::Call(Arc::new(move |_| {
        handle.remove(BUCKET, &format!("{JOB}1.1/b"));
    }));
    // The second listing of a folder is the one before the marker.
    let list =
        server.fault(Fault::new(lose).on("ListObjectsV2").key(&format!("{JOB}1.1/")).always());
    let tree = Tree::of("a", "1").with("b", "2");
    let error = put(&resource, &tree, &json!({})).error();
    assert!(error.contains("1.1/b was uploaded, and is not there"), "{error}");
    assert!(list.applied() >= 1);
    assert!(all(&resource).is_empty());
    server.clear_faults();
    server.put(BUCKET, &format!("{JOB}1.1/stranger"), "x", &[]);
    let error = put(&resource, &tree, &json!({})).error();
    assert!(error.contains("1.1/stranger is none of the files of this put"), "{error}");
    server.remove(BUCKET, &format!("{JOB}1.1/stranger"));
    assert_eq!(put(&resource, &tree, &json!({})).version(), version("1.1"));
}
