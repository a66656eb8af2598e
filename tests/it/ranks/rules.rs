//! Who may write where, and servers without conditional writes.

use super::support::{at, promote, put, upload, version};
use crate::support::{BUCKET, Embedded, Inputs, Tree};
use s3_test_server::{Action, Deny, Fault};
use serde_json::json;

/// What assets/policies/ranks-later.json allows for staging is enough, and does not let anybody
/// promote to production.
#[test]
fn a_policy_for_a_rank_is_enough_for_that_rank_only() {
    let server = Embedded::new();
    let [qa, staging, production] = super::support::RANKS.map(|rank| at(&server.resource(), rank));
    upload(&qa, "1.0", "one").json();
    for operation in ["PutObject", "CopyObject", "CreateMultipartUpload"] {
        for folder in ["qa/", "production/", "archive/"] {
            server.deny(Deny::all().on(operation).key_contains(folder));
        }
    }
    server.deny(Deny::all().on("GetObject").key_contains("production/"));
    server.deny(Deny::all().on("ListObjectsV2"));
    assert_eq!(put(&staging, &json!({})).version(), version("1.0", 1));
    assert_eq!(put(&staging, &json!({})).version(), version("1.0", 1));
    let state = server.snapshot(BUCKET);
    let (error, hint) = put(&production, &json!({})).failure();
    assert!(error.contains("AccessDenied") && hint.contains("s3:"), "{error} {hint}");
    assert!(upload(&qa, "2.0", "two").error().contains("AccessDenied"));
    assert_eq!(server.snapshot(BUCKET), state);
}

#[test]
fn a_server_that_ignores_conditions_is_refused_each_time() {
    let server = Embedded::with(|options| options.ignore_conditions = true);
    let qa = at(&server.resource(), "qa");
    for _ in 0..2 {
        let (error, hint) = upload(&qa, "1.0", "one").failure();
        assert!(error.contains("ignores conditional writes"), "{error}");
        assert!(hint.contains("conditional_writes: false"), "{hint}");
        assert_eq!(server.keys(BUCKET), ["qa/.history/my.tar.gz.json"]);
    }
    let [qa, staging] =
        ["qa", "staging"].map(|rank| at(&server.resource(), rank).set("conditional_writes", false));
    for n in 1..=3u64 {
        let text = format!("{n}.0");
        assert_eq!(upload(&qa, &text, text.clone()).version(), version(&text, n));
        assert_eq!(promote(&staging, &text).version(), version(&text, n));
    }
    assert!(upload(&qa, "1.0", "uno").error().contains("is archived with other bytes"));
    assert_eq!(upload(&qa, "1.0", "1.0").version(), version("1.0", 1));
}

/// SIGTERM while parts go up: no part is left, and nothing is shown.
#[test]
fn an_upload_that_is_stopped_leaves_no_parts() {
    let server = Embedded::new();
    let qa = at(&server.resource(), "qa");
    server.fault(Fault::new(Action::SignalBefore(15)).on("UploadPart"));
    let inputs = Inputs::of(&Tree::of("f", vec![7; 17 << 20]));
    let params = json!({"file": "assets/f", "version": "1.0"});
    let run = server.put_as_victim(&qa, inputs.path(), &params);
    assert_eq!(run.code, Some(143), "{}", run.stderr);
    assert!(server.uploads(BUCKET).is_empty());
    assert!(qa.versions(None).is_empty());
    assert_eq!(qa.put(inputs.path(), &params).version(), version("1.0", 1));
}
