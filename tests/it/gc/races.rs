//! A removal at each request of a put, a put at each request of a removal, two removals at once, and
//! deletions that arrive late.

use super::{all_whole, artifacts, at, bucket, cached, command, gc, keys, params, tree, with_sets};
use crate::support::{
    BUCKET, Between, Checkout, Disturbed, Embedded, Inputs, Resource, Stored, Tree, age, commit,
    get_all, run, start_late,
};
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn restored(stored: &Stored) -> Embedded {
    let server = Embedded::new();
    server.restore(stored);
    age(&server);
    server
}

/// Whoever follows code gets every version that is shown, out of the cache.
fn codes_whole(resource: &Resource, at: &str) {
    get_all(&resource.clone().artifacts("follow", "code"), at, |_, _| ());
}

/// Puts, and runs a removal in the middle, before each request of the put in turn.
fn removed_during(stored: &Stored, checkout: &Checkout, what: &str) {
    let put = |server: &Embedded| cached(server).put(checkout.inputs(), &params()).version();
    let disturbed = Between {
        name: what,
        begin: &|| restored(stored),
        what: &put,
        comes: Arc::new(|server| drop(gc(server))),
    };
    disturbed.at_each_request(|Disturbed { server, answer, undisturbed: want, at }| {
        assert_eq!(answer, *want, "{at}");
        let resource = cached(server);
        all_whole(&resource, at);
        // Again: it stands now, whatever was removed at the last moment.
        assert_eq!(put(server), *want, "{at}");
        let shown = all_whole(&resource, at);
        assert!(shown.iter().any(|commit| want["commit"] == commit.as_str()), "{at}: {shown:?}");
        codes_whole(&resource, at);
        gc(server);
        all_whole(&resource, at);
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
    let resource = cached(&other);
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
    let run = run(&mut command(&server, &["gc", "--keep-last", "1", "--delete"]));
    assert!(!run.succeeded(), "nothing could be deleted");
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
    other: impl Fn(&Embedded) + Send + Sync + 'static,
    check: impl Fn(&Embedded, &Resource, &str) + Sync,
) {
    let removal = Between {
        name: "a removal",
        begin: &|| restored(stored),
        what: &|server| gc(server),
        comes: Arc::new(other),
    };
    removal.at_each_request(|it| check(it.server, &cached(it.server), it.at));
}

#[test]
fn a_put_at_each_request_of_a_removal() {
    let (server, _, checkout, commits) = bucket();
    let stored = server.stored();
    at(&checkout, &commits[1], "of the first code");
    let checkout = Arc::new(checkout);
    let inner = Arc::clone(&checkout);
    let put = move |server: &Embedded| {
        cached(server).put(inner.inputs(), &params()).version();
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
    let (server, _) = with_sets(2);
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
    let (server, resource) = with_sets(2);
    age(&server);
    // Longer than what follows takes, on a machine with much else to do as well.
    let begun = std::time::Instant::now();
    resource.publish(&commit(2), &tree(2)).version();
    let delay = Duration::from_secs(2) + 8 * begun.elapsed();
    let removal = &mut command(&server, &["gc", "--keep-last", "1", "--delete"]);
    let late = start_late(&server, removal, delay);
    gc(&server);
    let version = resource.publish(&commit(1), &tree(1)).version();
    assert_eq!(resource.get(&version, json!({})).assets(), tree(1));
    late.wait().told();
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
        let (server, resource) = with_sets(3);
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
    let (server, resource) = with_sets(3);
    age(&server);
    server.fault(Fault::new(Action::Status(403, "AccessDenied")).on("DeleteObject").always());
    let run = run(&mut command(&server, &["gc", "--keep-last", "1", "--delete"]));
    assert!(!run.succeeded() && run.stderr.contains("s3:DeleteObject"), "{}", run.stderr);
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
