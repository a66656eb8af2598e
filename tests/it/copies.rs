//! Copies by parts: of large objects in life, above a few bytes here.

use crate::support::{BUCKET, Embedded, commit, noise};
use s3_asset_resource::machine::report::Report;
use s3_asset_resource::s3::store::Store;
use s3_asset_resource::tracks::Source;
use s3_asset_resource::words::names::Key;
use s3_asset_resource::words::object::ObjectOptions;
use s3_test_server::{Action, Fault};
use std::sync::Arc;

const LIMIT: u64 = 1_000;

/// Copies an object of 4,500 bytes with the limit lowered to 1,000.
fn copy(server: &Embedded) -> anyhow::Result<()> {
    let source = Source::parse(server.resource().source.as_object().expect("a map"))?;
    let options = ObjectOptions {
        content_type: Some("text/plain".to_owned()),
        metadata: [("commit-hash".to_owned(), commit(1))].into(),
        ..ObjectOptions::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut store = Store::open(&source.settings.access, Arc::new(Report::new(true))).await;
        store.limits.copy = LIMIT;
        let (from, to) = (Key::parse("a b+é%")?, Key::parse("to")?);
        let facts = store.head(&from).await?.expect("the source");
        store.copy(&from, &facts, &to, &options).await
    })
}

fn server() -> Embedded {
    let server = Embedded::new();
    server.put(BUCKET, "a b+é%", noise(1, 4_500), &[("old", "metadata")]);
    server
}

#[test]
fn a_large_object_is_copied_by_parts() {
    let server = server();
    copy(&server).expect("the copy");
    let object = server.get(BUCKET, "to").expect("the object");
    assert_eq!(object.bytes(), noise(1, 4_500));
    assert_eq!(object.part_sizes, [1_000, 1_000, 1_000, 1_000, 500]);
    assert_eq!(object.content_type(), Some("text/plain"));
    assert_eq!(object.metadata("commit-hash"), Some(commit(1).as_str()));
    assert_eq!(object.metadata("old"), None);
    assert_eq!(server.requests_of("UploadPartCopy").len(), 5);
    assert!(server.requests_of("CopyObject").is_empty());
}

#[test]
fn a_copy_by_parts_that_fails_leaves_nothing() {
    for operation in ["UploadPartCopy", "CompleteMultipartUpload"] {
        let server = server();
        server.fault(Fault::new(Action::Status(403, "AccessDenied")).on(operation).always());
        let error = copy(&server).expect_err("it fails").to_string();
        assert!(error.contains(operation), "{error}");
        assert!(server.get(BUCKET, "to").is_none());
        assert!(server.uploads(BUCKET).is_empty(), "{operation}");
    }
}

#[test]
fn a_source_that_changes_under_a_copy_by_parts_is_an_error() {
    let server = server();
    let handle: s3_test_server::Handle = (*server).clone();
    let change = move |_: &s3_test_server::RequestInfo| {
        handle.put(BUCKET, "a b+é%", noise(2, 4_500), &[]);
    };
    server.fault(Fault::new(Action::Call(Arc::new(change))).on("UploadPartCopy").skip(2));
    copy(&server).expect_err("the source is another");
    assert!(server.get(BUCKET, "to").is_none());
    assert!(server.uploads(BUCKET).is_empty());
}

#[test]
fn a_server_that_copies_no_parts_copies_the_whole() {
    let server = server();
    server.fault(Fault::new(Action::Status(501, "NotImplemented")).on("UploadPartCopy").always());
    copy(&server).expect("the copy");
    let object = server.get(BUCKET, "to").expect("the object");
    assert_eq!(object.bytes(), noise(1, 4_500));
    assert_eq!(object.content_type(), Some("text/plain"));
    assert!(server.uploads(BUCKET).is_empty());
    assert_eq!(server.requests_of("CopyObject").len(), 1);
}
