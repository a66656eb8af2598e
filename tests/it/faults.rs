//! Servers and networks that fail: each request of a step fails once, in each way.

mod answers;
mod damage;
mod doors;

use crate::support::{BUCKET, Checkout, Embedded, Resource, Run, Stored, Tree, noise, on_threads};
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

const THREADS: usize = 8;

fn actions() -> [Action; 6] {
    [
        Action::Status(500, "InternalError"),
        Action::Status(503, "SlowDown"),
        Action::StatusAfter(500, "InternalError"),
        Action::DropBefore,
        Action::DropAfter,
        Action::HalfBody,
    ]
}

fn server(before: &Stored) -> (Embedded, Resource) {
    let server = Embedded::with(|options| options.fast_etags = true);
    server.restore(before);
    let resource = server.resource().artifacts("code_hash", "src/**");
    (server, resource)
}

/// Runs a step with each of its requests failing once in each way.
fn each_fault(name: &str, before: &Stored, step: impl Fn(&Embedded, &Resource) -> Run + Sync) {
    let (whole, resource) = server(before);
    step(&whole, &resource).json();
    let requests = whole.requests().len() as u64;
    let points: Vec<(u64, Action)> =
        (1..=requests).flat_map(|n| actions().map(|action| (n, action))).collect();
    let announced = AtomicUsize::new(0);
    on_threads(THREADS, &points, |(n, action)| {
        let (server, resource) = server(before);
        let fault = server.fault(Fault::new(action.clone()).nth(*n));
        let run = step(&server, &resource);
        let faulty = server.requests().into_iter().find(|request| request.number == *n);
        let operation = faulty.map_or("none", |request| request.operation);
        let place = format!("{name}, request {n} ({operation}), {action:?}");
        assert!(run.succeeded(), "{place}: {}", run.stderr);
        // Half of an empty body is the whole.
        let hurts = !matches!(action, Action::HalfBody)
            || matches!(operation, "GetObject" | "ListObjectsV2");
        if fault.applied() > 0 && hurts {
            assert!(run.retries() >= 1, "{place}: not announced: {}", run.stderr);
            announced.fetch_add(1, Ordering::Relaxed);
        }
        assert!(
            server.uploads(BUCKET).is_empty() || operation == "CreateMultipartUpload",
            "{place}"
        );
    });
    println!("{name}: {} faults, {announced:?} announced", points.len());
}

fn params() -> Value {
    json!({"repository": "repo", "directory": "assets"})
}

fn checkout() -> (Checkout, Tree) {
    let tree = Tree::of("large.bin", noise(5, 17 << 20)).with("a", "a").with("d/b", "b");
    let checkout = Checkout::of(&Tree::of("src/a", "a"));
    checkout.input("assets", &tree);
    (checkout, tree)
}

#[test]
fn a_put_survives_each_fault() {
    let (checkout, tree) = checkout();
    each_fault("out", &Stored::default(), |server, resource| {
        let run = resource.put(checkout.inputs(), &params());
        server.clear_faults();
        if run.succeeded() {
            let folder = format!("artifacts/{}", checkout.head());
            assert!(server.published(&folder).as_ref() == Some(&tree), "{}", run.stderr);
            assert_eq!(resource.versions(None), [run.version()]);
        }
        run
    });
}

#[test]
fn a_put_out_of_the_cache_survives_each_fault() {
    let tree = Tree::of("a", "a").with("d/b", "b");
    let checkout = Checkout::of(&Tree::of("src/a", "a").with("README", "one"));
    checkout.input("assets", &tree);
    let (whole, resource) = server(&Stored::default());
    resource.put(checkout.inputs(), &params()).version();
    std::fs::write(checkout.repo().join("README"), "two").expect("the file");
    let folder = format!("artifacts/{}", checkout.commit("second"));
    each_fault("out of the cache", &whole.stored(), |server, resource| {
        let run = resource.put(checkout.inputs(), &params());
        server.clear_faults();
        assert!(!run.succeeded() || server.published(&folder).as_ref() == Some(&tree));
        run
    });
}

#[test]
fn a_put_that_copies_what_did_not_change_survives_each_fault() {
    let (checkout, tree) = checkout();
    let (whole, resource) = server(&Stored::default());
    resource.put(checkout.inputs(), &params()).version();
    std::fs::write(checkout.repo().join("src/a"), "other code").expect("the file");
    let folder = format!("artifacts/{}", checkout.commit("second"));
    let tree = tree.with("a", "changed");
    checkout.input("assets", &tree);
    each_fault("out beside an older set", &whole.stored(), |server, resource| {
        let run = resource.put(checkout.inputs(), &params());
        server.clear_faults();
        assert!(!run.succeeded() || server.published(&folder).as_ref() == Some(&tree));
        run
    });
}

#[test]
fn a_get_survives_each_fault() {
    let (checkout, tree) = checkout();
    let (whole, resource) = server(&Stored::default());
    let version = resource.put(checkout.inputs(), &params()).version();
    each_fault("in", &whole.stored(), |_, resource| {
        let got = resource.get(&version, json!({}));
        assert!(!got.run.succeeded() || got.assets() == tree);
        got.run
    });
}

#[test]
fn a_check_survives_each_fault() {
    let (checkout, _) = checkout();
    let (whole, resource) = server(&Stored::default());
    let version = resource.put(checkout.inputs(), &params()).version();
    each_fault("check", &whole.stored(), |_, resource| {
        let run = resource.check(Some(&version));
        assert!(!run.succeeded() || run.json() == json!([version]));
        run
    });
}

#[test]
fn a_server_that_stays_broken_is_given_up_with_a_hint() {
    let server = Embedded::new();
    server.fault(Fault::new(Action::Status(503, "SlowDown")).always());
    let run = server.resource().check(None);
    assert!(run.error().contains("503 SlowDown"));
    assert!(run.retries() >= 3, "{}", run.stderr);
    assert_eq!(server.requests().len(), run.retries() + 1);
}

#[test]
fn a_byte_that_flips_on_its_way_is_fetched_again() {
    let server = Embedded::new();
    let tree = Tree::of("a", "some bytes").with("large.bin", noise(1, 17 << 20));
    let version = server.resource().publish(&crate::support::commit(1), &tree).version();
    for path in ["/a", "/large.bin"] {
        server.fault(Fault::new(Action::Corrupt).on("GetObject").key_contains(path));
        let got = server.resource().get(&version, json!({}));
        assert!(got.run.succeeded() && got.run.retries() == 1, "{path}: {}", got.run.stderr);
        assert!(got.assets() == tree, "{path}");
        server.clear_faults();
    }
}
