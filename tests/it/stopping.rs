//! SIGTERM in the middle of an upload in parts: nothing is left, and the process is gone.

use crate::support::{BUCKET, Embedded, Inputs, Run, Tree, commit, noise};
use s3_test_server::{Action, Fault};
use serde_json::json;
use std::time::{Duration, Instant};

const SIGTERM: i32 = 15;

/// Puts two large files; the server's faults send the signal. Answers how it ended, and how long
/// after the signal.
fn stopped(server: &Embedded, operation: &str, skip: u64) -> (Run, Duration) {
    server.fault(Fault::new(Action::SignalBefore(SIGTERM)).on(operation).skip(skip));
    let tree = Tree::of("a.bin", noise(1, 20 << 20)).with("b.bin", noise(2, 33 << 20));
    let inputs = Inputs::of(&tree);
    let params = json!({"commit": commit(1), "directory": "assets"});
    let resource = server.resource();
    let put = resource.start_put(inputs.path(), &params);
    server.set_victim(put.pid());
    let requests = usize::try_from(skip).expect("small") + 1;
    while server.requests_of(operation).len() < requests {
        std::thread::sleep(Duration::from_millis(2));
    }
    let signalled = Instant::now();
    let run = put.wait();
    server.clear_victim();
    (run, signalled.elapsed())
}

fn is_gone_without_a_trace(server: &Embedded, operation: &str, skip: u64) {
    let (run, took) = stopped(server, operation, skip);
    assert_eq!(run.code, Some(143), "{operation}: {}", run.stderr);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("error: stopped by SIGTERM"), "{}", run.stderr);
    assert!(took < Duration::from_secs(5), "{operation}: {took:?}");
    println!("SIGTERM at {operation} {skip}: gone after {took:?}");
    assert!(server.resource().versions(None).is_empty());
}

#[test]
fn uploads_under_way_are_aborted() {
    for skip in [0, 3] {
        let server = Embedded::new();
        let slow = Fault::new(Action::Slow(Duration::from_millis(200))).on("UploadPart");
        server.fault(slow.always());
        is_gone_without_a_trace(&server, "UploadPart", skip);
        assert!(server.uploads(BUCKET).is_empty(), "{:?}", server.uploads(BUCKET));
        assert!(!server.requests_of("AbortMultipartUpload").is_empty());
    }
}

#[test]
fn an_upload_that_is_just_being_created_is_aborted() {
    for skip in [0, 1] {
        let server = Embedded::new();
        let slow = Fault::new(Action::Slow(Duration::from_millis(700)));
        server.fault(slow.on("CreateMultipartUpload").always());
        is_gone_without_a_trace(&server, "CreateMultipartUpload", skip);
        std::thread::sleep(Duration::from_millis(800));
        assert!(server.uploads(BUCKET).is_empty(), "{:?}", server.uploads(BUCKET));
    }
}

#[test]
fn a_completion_under_way_leaves_no_upload() {
    let server = Embedded::new();
    let slow = Fault::new(Action::Slow(Duration::from_millis(500)));
    server.fault(slow.on("CompleteMultipartUpload").always());
    is_gone_without_a_trace(&server, "CompleteMultipartUpload", 0);
    std::thread::sleep(Duration::from_millis(600));
    assert!(server.uploads(BUCKET).is_empty(), "{:?}", server.uploads(BUCKET));
}

#[test]
fn a_server_that_hangs_does_not_hold_the_process() {
    for operation in ["UploadPart", "CreateMultipartUpload", "AbortMultipartUpload", "PutObject"] {
        let server = Embedded::new();
        let at = if operation == "AbortMultipartUpload" { "UploadPart" } else { operation };
        // The signal comes first: the rule that ends a request ends it for later rules.
        server.fault(Fault::new(Action::SignalBefore(SIGTERM)).on(at));
        server.fault(Fault::new(Action::Hang).on(operation).always());
        is_gone_without_a_trace(&server, at, 0);
    }
}

#[test]
fn the_next_put_after_sigterm_completes() {
    let server = Embedded::new();
    stopped(&server, "UploadPart", 2);
    server.clear_faults();
    let tree = Tree::of("a.bin", noise(1, 20 << 20)).with("b.bin", noise(2, 33 << 20));
    let version = server.resource().publish(&commit(1), &tree).version();
    assert!(server.resource().get(&version, json!({})).assets() == tree);
}

#[test]
fn a_get_that_is_stopped_leaves_no_file() {
    let server = Embedded::new();
    let tree = (0..60).fold(Tree::of("large.bin", noise(1, 33 << 20)), |tree, n| {
        tree.with(&format!("f{n}"), "bytes")
    });
    let resource = server.resource();
    let version = resource.publish(&commit(1), &tree).version();
    for skip in [1, 20, 60] {
        server.fault(Fault::new(Action::SignalBefore(SIGTERM)).on("GetObject").skip(skip));
        let directory = tempfile::TempDir::new().expect("a directory");
        let request = json!({"source": resource.source, "version": version});
        let get = resource.start("in", Some(directory.path()), &request);
        server.set_victim(get.pid());
        let run = get.wait();
        server.clear_victim();
        assert_eq!(run.code, Some(143), "{}", run.stderr);
        let left = std::fs::read_dir(directory.path()).expect("a directory").count();
        assert_eq!(left, 0, "after {skip}");
    }
}
