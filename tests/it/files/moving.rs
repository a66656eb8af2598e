//! A pipeline of concourse/s3-resource, of which only the type is changed.

use super::{named, path, put};
use crate::support::{BUCKET, Embedded};
use serde_json::json;

#[test]
fn keys_in_any_case_and_unknown_ones_are_taken() {
    let server = Embedded::new();
    server.put(BUCKET, "app-1", "x", &[]);
    let app = named(&server, "app-(.*)")
        .unset("regexp")
        .set("Regexp", "app-(.*)")
        .set("versioned_file", json!(null))
        .set("initial_path", json!(null))
        .set("region", "eu-west-1")
        .set("cloudfront_url", "https://x");
    let check = app.check(None);
    assert_eq!(check.json(), json!([path("app-1")]));
    assert_eq!(check.stderr, "", "a check runs each minute");
    let run = put(&app, "app-2", b"x", json!({"content_typ": "text/plain"}));
    assert_eq!(run.version(), path("app-2"));
    for warning in [
        "source: unknown key `region`, which is left out: did you mean `region_name`?",
        "params: unknown key `content_typ`, which is left out: did you mean `content_type`?",
        "cloudfront_url has no effect",
    ] {
        assert!(run.stderr.contains(warning), "{warning}\n{}", run.stderr);
    }
    let got = app.get(&path("app-2"), json!({"globs": ["x"]}));
    assert!(got.run.succeeded() && got.run.stderr.contains("unknown key `globs`"));
}

#[test]
fn other_tracks_know_no_such_mercy() {
    let server = Embedded::new();
    for (key, value) in [("region", "x"), ("initial_path", "x"), ("Bucket", "x")] {
        let error = server.resource().set(key, value).check(None).error();
        assert_eq!(error, format!("source: unknown key `{key}`"));
    }
}
