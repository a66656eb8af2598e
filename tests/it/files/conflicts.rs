//! What a put does where a file stands already.

use super::{named, path, put, versioned};
use crate::support::{BUCKET, Embedded, on_threads};
use serde_json::json;

#[test]
fn replaced_kept_or_refused() {
    let server = Embedded::new();
    let app = named(&server, "app-(.*)");
    let content = || server.text("app-1");
    let put =
        |bytes: &str, how: &str| put(&app, "app-1", bytes.as_bytes(), json!({"on_conflict": how}));
    assert_eq!(put("a", "fail").version(), path("app-1"));
    assert_eq!(put("b", "fail").error(), "s3://assets/app-1: a file with other bytes stands there");
    assert_eq!(put("a", "fail").version(), path("app-1"));
    let kept = put("b", "skip");
    assert!(kept.version() == path("app-1") && kept.stderr.contains("kept as it is"));
    assert_eq!(content(), "a");
    put("b", "replace").json();
    assert_eq!(content(), "b");
    // What another program wrote is compared by the MD5 that is its tag.
    server.put(BUCKET, "app-1", "c", &[]);
    put("c", "fail").json();
    put("d", "fail").error();
    let versions = versioned(&server, "file").put(
        crate::support::Inputs::of(&crate::support::Tree::of("a", "x")).path(),
        &json!({"file": "assets/a", "on_conflict": "fail"}),
    );
    assert!(versions.error().starts_with("params.on_conflict: a bucket of `versioned_file`"));
}

#[test]
fn of_many_at_once_one_decides() {
    let server = Embedded::new();
    let app = named(&server, "app-(.*)");
    let writers: Vec<String> = (0..8).map(|n| format!("bytes {n}")).collect();
    let won = std::sync::Mutex::new(Vec::new());
    on_threads(8, &writers, |bytes| {
        let run = put(&app, "app-1", bytes.as_bytes(), json!({"on_conflict": "fail"}));
        if run.succeeded() {
            won.lock().expect("a lock").push(bytes.clone());
        }
    });
    assert_eq!(won.into_inner().expect("a lock"), [server.text("app-1")]);
}

/// A directory becomes one file, of the same files the same bytes.
#[test]
fn a_directory_is_packed() {
    let server = Embedded::new();
    let app = named(&server, "app-(.*).tar.gz");
    let tree = crate::support::Tree::of("app-1.2/bin/run", "run").with("app-1.2/README", "read");
    let inputs = crate::support::Inputs::of(&tree);
    let packed = json!({"file": "assets/app-*", "pack": "tar.gz", "on_conflict": "fail"});
    for _ in 0..2 {
        let put = app.put(inputs.path(), &packed);
        assert_eq!(put.version(), path("app-1.2.tar.gz"));
    }
    let got = app.get(&path("app-1.2.tar.gz"), json!({"unpack": true})).tree();
    assert_eq!(got.text("app-1.2/bin/run").or(got.text("bin/run")).as_deref(), Some("run"));
    let left = std::fs::read_dir(inputs.path()).expect("inputs").count();
    assert_eq!(left, 1, "no archive is left among the inputs");
}
