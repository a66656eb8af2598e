//! A removal at each request of a put, a put at each request of a removal, two removals at once, and
//! deletions that arrive late.

use super::{age, all_whole, artifacts, bucket, command, commit, gc, keys, tree};
use crate::support::{BUCKET, Checkout, Embedded, Inputs, Resource, Stored, Tree, on_threads};
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn params() -> Value {
    json!({"repository": "repo", "directory": "assets"})
}

/// A checkout at a commit, with what is built there.
fn at(checkout: &Checkout, commit: &str, content: &str) {
    checkout.git(&["checkout", "--quiet", commit]);
    checkout.input("assets", &Tree::of("app.zip", content));
}

fn restored(stored: &Stored) -> (Embedded, Resource) {
    let server = Embedded::new();
    server.restore(stored);
    age(&server);
    let resource = server.resource().artifacts("code_hash", "src/**");
    (server, resource)
}

/// Whoever follows code gets every version that is shown, out of the cache.
fn codes_whole(resource: &Resource, at: &str) {
    let followed = resource.clone().artifacts("follow", "code").set("initial_history", 99);
    for version in followed.versions(None) {
        let got = followed.get(&version, json!({}));
        assert!(got.run.succeeded(), "{at}: {version}: {}", got.run.stderr);
    }
}

/// Puts, and runs a removal in the middle, before each request of the put in turn.
fn removed_during(stored: &Stored, checkout: &Checkout, what: &str) {
    let (server, resource) = restored(stored);
    server.reset_requests();
    let want = resource.put(checkout.inputs(), &params()).version();
    let requests = server.requests().len() as u64;
    let points: Vec<u64> = (1..=requests).collect();
    on_threads(3, &points, |n| {
        let at = format!("{what}, request {n} of {requests}");
        let (server, resource) = restored(stored);
        let handle = s3_test_server::Handle::clone(&server);
        let during = Arc::new(move |_: &s3_test_server::RequestInfo| drop(gc(&handle)));
        server.fault(Fault::new(Action::Call(during)).nth(*n));
        let version = resource.put(checkout.inputs(), &params()).version();
        assert_eq!(version, want, "{at}");
        server.clear_faults();
        all_whole(&resource, &at);
        // Again: it stands now, whatever was removed at the last moment.
        assert_eq!(resource.put(checkout.inputs(), &params()).version(), want, "{at}");
        let shown = all_whole(&resource, &at);
        assert!(shown.iter().any(|commit| want["commit"] == commit.as_str()), "{at}: {shown:?}");
        codes_whole(&resource, &at);
        gc(&server);
        all_whole(&resource, &at);
    });
}

/// The code of a commit's set.
fn code_of(server: &Embedded, commit: &str) -> String {
    let manifest = server.text(&format!("artifacts/{commit}/.manifest.json"));
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    manifest["code_hash"].as_str().expect("a hash").to_owned()
}

#[test]
fn a_removal_at_each_request_of_a_put() {
    let (server, _, checkout, commits) = bucket();
    let stored = server.stored();
    at(&checkout, &commits[2], "of the second code");
    std::fs::write(checkout.repo().join("src/a"), "3").expect("a file");
    let fresh = checkout.commit("new code");
    at(&checkout, &fresh, "of the third code");
    removed_during(&stored, &checkout, "a fresh put");
    at(&checkout, &commits[1], "of the first code");
    let hit = checkout.commit("the first code again");
    at(&checkout, &hit, "of the first code");
    removed_during(&stored, &checkout, "out of the cache");
    at(&checkout, &commits[1], "of the first code");
    removed_during(&stored, &checkout, "one that is being removed");
    // The sets of the first code went before, and what the cache has of it was too young then: now the
    // removal takes that alone, and the head is marked and unmarked with nothing else in it changed; it
    // had a fence from a removal before, which must not come again.
    let (other, ..) = bucket();
    gc(&other);
    let resource = other.resource().artifacts("code_hash", "src/**");
    for (commit, content) in [(&commits[1], "of the first code"), (&fresh, "of the third code")] {
        at(&checkout, commit, content);
        resource.put(checkout.inputs(), &params()).version();
    }
    age(&other);
    let first = code_of(&other, &commits[1]);
    for key in other.keys(BUCKET).iter().filter(|key| key.starts_with(&format!("cache/{first}/"))) {
        other.set_modified(BUCKET, key, std::time::SystemTime::now());
    }
    gc(&other);
    at(&checkout, &hit, "of the first code");
    removed_during(&other.stored(), &checkout, "what only the cache has");
    let refused = Fault::new(Action::Status(403, "AccessDenied")).on("DeleteObject").always();
    server.fault(refused);
    let output = command(&server, &["gc", "--keep-last", "1", "--delete"]).output().expect("runs");
    assert!(!output.status.success(), "nothing could be deleted");
    server.clear_faults();
    at(&checkout, &commits[1], "of the first code");
    removed_during(&server.stored(), &checkout, "one whose stone stands, with all that it had");
    gc(&server);
    let stored = server.stored();
    removed_during(&stored, &checkout, "one that was removed");
}

/// Removes, and in the middle, before each request of that in turn, does something else.
fn during_removal(
    stored: &Stored,
    other: impl Fn(&Embedded) + Send + Sync + Clone + 'static,
    check: impl Fn(&Embedded, &Resource, &str) + Sync,
) {
    let (server, _) = restored(stored);
    server.reset_requests();
    gc(&server);
    let requests = server.requests().len() as u64;
    let points: Vec<u64> = (1..=requests).collect();
    on_threads(3, &points, |n| {
        let at = format!("request {n} of {requests}");
        let (server, resource) = restored(stored);
        let server = Arc::new(server);
        let (inner, other) = (Arc::clone(&server), other.clone());
        let during = Arc::new(move |_: &s3_test_server::RequestInfo| other(&inner));
        server.fault(Fault::new(Action::Call(during)).nth(*n));
        gc(&server);
        server.clear_faults();
        check(&server, &resource, &at);
    });
}

#[test]
fn a_put_at_each_request_of_a_removal() {
    let (server, _, checkout, commits) = bucket();
    let stored = server.stored();
    at(&checkout, &commits[1], "of the first code");
    let checkout = Arc::new(checkout);
    let inner = Arc::clone(&checkout);
    let put = move |server: &Embedded| {
        let resource = server.resource().artifacts("code_hash", "src/**");
        resource.put(inner.inputs(), &params()).version();
    };
    during_removal(&stored, put, |_, resource, at| {
        let shown = all_whole(resource, at);
        // Before the mark it was there already, and went; after it, it was published again.
        assert!(shown.len() <= 2 && shown.contains(&commits[2]), "{at}: {shown:?}");
        codes_whole(resource, at);
        let version = resource.put(checkout.inputs(), &params()).version();
        assert!(all_whole(resource, at).contains(&commits[1]), "{at}");
        let got = resource.get(&version, json!({}));
        assert_eq!(got.assets(), Tree::of("app.zip", "of the first code"), "{at}");
    });
}

/// Before each request of a removal in turn, its commit is published again, removed again and
/// published once more: what the first removal lists then is of another stone than its own.
#[test]
fn a_removal_takes_nothing_of_what_came_after_its_stone() {
    let server = Embedded::new();
    let resource = server.resource();
    for n in 1..=2 {
        resource.publish(&commit(n), &tree(n)).version();
    }
    let again = |server: &Embedded| {
        let resource = server.resource();
        resource.publish(&commit(1), &tree(1)).version();
        resource.publish(&commit(3), &tree(3)).version();
        age(server);
        gc(server);
        resource.publish(&commit(1), &tree(1)).version();
    };
    during_removal(&server.stored(), again, |server, _, at| {
        let resource = server.resource();
        all_whole(&resource, at);
        let version = resource.publish(&commit(1), &tree(1)).version();
        assert_eq!(resource.get(&version, json!({})).assets(), tree(1), "{at}");
        assert!(all_whole(&resource, at).contains(&commit(1)), "{at}");
    });
}

#[test]
fn two_removals_at_once_remove_once() {
    let (server, ..) = bucket();
    let stored = server.stored();
    gc(&server);
    let want = keys(&server);
    during_removal(
        &stored,
        |server| drop(gc(server)),
        |server, resource, at| {
            assert_eq!(all_whole(resource, at).len(), 1, "{at}");
            assert_eq!(keys(server), want, "{at}");
            let head = server.text("artifacts/.history.json");
            assert_eq!(head.matches("\"removed\":\"1-2\"").count(), 1, "{at}: {head}");
        },
    );
}

/// A remover that stopped before its deletions: they arrive after the commit was published again,
/// and take nothing that its manifest names.
#[test]
fn deletions_that_arrive_late_take_nothing_of_the_next_set() {
    let server = Embedded::new();
    let resource = server.resource();
    for n in 1..=2 {
        resource.publish(&commit(n), &tree(n)).version();
    }
    age(&server);
    // Longer than what follows takes, on a machine with much else to do as well.
    let begun = std::time::Instant::now();
    resource.publish(&commit(2), &tree(2)).version();
    let delay = Duration::from_secs(2) + 8 * begun.elapsed();
    server.fault(Fault::new(Action::Slow(delay)).on("DeleteObject").always());
    let late = command(&server, &["gc", "--keep-last", "1", "--delete"]).spawn().expect("runs");
    while server.requests_of("DeleteObject").len() < 3 {
        std::thread::sleep(Duration::from_millis(5));
    }
    server.clear_faults();
    gc(&server);
    let version = resource.publish(&commit(1), &tree(1)).version();
    assert_eq!(resource.get(&version, json!({})).assets(), tree(1));
    let output = late.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let plain = format!("artifacts/{}/app.zip", commit(1));
    assert!(server.get(BUCKET, &plain).is_none(), "the late deletion was applied");
    assert_eq!(
        resource.get(&version, json!({})).assets(),
        tree(1),
        "the set is whole all the same"
    );
    assert_eq!(resource.publish(&commit(1), &tree(1)).version(), version);
    assert_eq!(server.published(&format!("artifacts/{}", commit(1))), Some(tree(1)));
}

/// A put of the commit while its removal was stopped: what the removed set left goes later.
#[test]
fn faults_on_the_way_are_overcome_or_left_to_the_next() {
    for (operation, action) in [
        ("DeleteObject", Action::Status(503, "SlowDown")),
        ("DeleteObject", Action::DropAfter),
        ("DeleteObject", Action::StatusAfter(500, "InternalError")),
        ("PutObject", Action::DropAfter),
        ("PutObject", Action::StatusAfter(500, "InternalError")),
        ("PutObject", Action::Twice),
        ("DeleteObject", Action::Twice),
        ("ListObjectsV2", Action::HalfBody),
    ] {
        let server = Embedded::new();
        let resource = server.resource();
        for n in 1..=3 {
            resource.publish(&commit(n), &tree(n)).version();
        }
        age(&server);
        server.fault(Fault::new(action.clone()).on(operation).times(3));
        artifacts(&server, &["gc", "--keep-last", "1", "--delete"]);
        let at = format!("{operation} {action:?}");
        assert_eq!(all_whole(&resource, &at), [commit(3)], "{at}");
        assert!(
            keys(&server).iter().all(|key| key.contains(&commit(3))),
            "{at}: {:?}",
            keys(&server)
        );
    }
    // A deletion that is not allowed: said, and done by the next one that may.
    let server = Embedded::new();
    let resource = server.resource();
    for n in 1..=3 {
        resource.publish(&commit(n), &tree(n)).version();
    }
    age(&server);
    server.fault(Fault::new(Action::Status(403, "AccessDenied")).on("DeleteObject").always());
    let output = command(&server, &["gc", "--keep-last", "1", "--delete"]).output().expect("runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && stderr.contains("s3:DeleteObject"), "{stderr}");
    assert_eq!(all_whole(&resource, "not allowed"), [commit(3)]);
    server.clear_faults();
    let inputs = Inputs::of(&tree(2));
    let again = json!({"commit": commit(2), "directory": "assets"});
    resource.put(inputs.path(), &again).version();
    let told = gc(&server);
    assert!(told["objects_deleted"].as_u64() > Some(0), "{told}");
    assert_eq!(all_whole(&resource, "the next one").last(), Some(&commit(2)));
    assert!(keys(&server).iter().all(|key| !key.contains(&commit(1))));
}
