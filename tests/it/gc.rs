//! Removal of sets: what goes and what stays, killed anywhere, at once with puts and with itself.

mod after_put;
mod anywhere;
mod races;

use crate::support::{
    BUCKET, Checkout, Embedded, Inputs, Point, Resource, Tree, age, commit, get_all, is_planned,
    is_stone, kill_at_each_request, long_ago, noise, only_allowed, only_reads, program, run,
    run_as_victim,
};
use s3_test_server::{Action, Fault, Handle};
use serde_json::{Value, json};
use std::process::Command;

/// `s3-asset artifacts`, with this bucket.
fn command(server: &Handle, arguments: &[&str]) -> Command {
    program(server, &[&["artifacts"], arguments].concat())
}

/// Runs it; it must succeed.
#[track_caller]
fn artifacts(server: &Handle, arguments: &[&str]) -> String {
    run(&mut command(server, arguments)).told().to_owned()
}

/// The same, of JSON.
#[track_caller]
fn json_of(server: &Handle, arguments: &[&str]) -> Value {
    run(&mut command(server, &[arguments, &["--json"]].concat())).json()
}

/// Removes all but the newest set.
const ALL_BUT_THE_NEWEST: [&str; 6] = ["gc", "--keep-last", "1", "--wait", "1h", "--delete"];

#[track_caller]
fn gc(server: &Handle) -> Value {
    json_of(server, &ALL_BUT_THE_NEWEST)
}

fn tree(n: usize) -> Tree {
    Tree::of("app.zip", format!("of set {n}")).with("d/more", format!("more of set {n}"))
}

/// A bucket with the sets of the commits from 1 on.
fn with_sets(count: usize) -> (Embedded, Resource) {
    let server = Embedded::new();
    let resource = server.resource();
    for n in 1..=count {
        resource.publish(&commit(n), &tree(n)).version();
    }
    (server, resource)
}

/// Everything that a check shows can be fetched, and every byte is there; answers the commits.
#[track_caller]
fn all_whole(resource: &Resource, at: &str) -> Vec<String> {
    get_all(resource, at, |version, _| version["commit"].as_str().expect("a commit").to_owned())
}

/// The keys that are neither the history's nor stones.
fn keys(server: &Embedded) -> Vec<String> {
    let all = server.keys(BUCKET).into_iter();
    all.filter(|key| !key.starts_with("artifacts/.history") && !is_stone(server, key)).collect()
}

#[test]
fn what_nothing_keeps_goes_and_the_rest_stays_whole() {
    let server = Embedded::new();
    let resource = server.resource();
    let versions: Vec<Value> =
        (1..=5).map(|n| resource.publish(&commit(n), &tree(n)).version()).collect();
    // A put that was killed before its manifest, and an upload that nobody completed.
    let dead = format!("artifacts/{}", commit(77));
    server.put(BUCKET, &format!("{dead}/.pending"), "{}", &[]);
    server.put(BUCKET, &format!("{dead}/app.zip"), "half", &[]);
    // What a loser of a race left under keys of its own, and what s3-asset-manager uploaded.
    let lost = format!("artifacts/{}/.sets/{}/app.zip", commit(5), "d".repeat(64));
    server.put(BUCKET, &lost, "lost", &[]);
    let others = format!("artifacts/{}/app.zip", commit(88));
    server.put(BUCKET, &others, "theirs", &[("commit-hash", &commit(88))]);
    age(&server);
    let before = server.snapshot(BUCKET);

    server.reset_requests();
    let second = commit(2);
    let policy = ["gc", "--keep-last", "2", "--keep", &second];
    let told = artifacts(&server, &policy);
    only_reads(&server);
    assert!(server.snapshot(BUCKET) == before, "a dry run changes nothing");
    for (action, what, why) in [
        ("remove", commit(1), "nothing keeps it"),
        ("keep", commit(2), "named to be kept"),
        ("remove", commit(3), "nothing keeps it"),
        ("keep", commit(4), "one of the newest 2"),
        ("keep", commit(5), "the newest"),
        ("remove", commit(77), "left by a put that did not end"),
        ("remove", lost.clone(), "does not name it"),
        ("keep", commit(88), "s3-asset-manager's"),
    ] {
        is_planned(&told, action, &what, why);
    }
    let plan = json_of(&server, &policy);
    assert_eq!(plan["plan"].as_array().expect("a plan").len(), 8);

    let listed = json_of(&server, &["list", "--size"]);
    let in_folder = |n: usize| -> usize {
        let of = |key: &&String| key.starts_with(&format!("artifacts/{}/", commit(n)));
        let all = server.keys(BUCKET);
        all.iter().filter(of).map(|key| server.get(BUCKET, key).expect(key).bytes().len()).sum()
    };
    for (listed, n) in listed.as_array().expect("sets").iter().zip([5, 4, 3, 2, 1]) {
        assert_eq!(listed["size"], in_folder(n), "{listed}");
    }

    let delete = [&policy[..], &["--delete"]].concat();
    artifacts(&server, &delete);
    let stands = [2, 4, 5].map(commit);
    assert_eq!(all_whole(&resource, "after it"), stands);
    for n in [2, 4, 5] {
        assert_eq!(resource.get(&versions[n - 1], json!({})).assets(), tree(n));
        assert_eq!(server.published(&format!("artifacts/{}", commit(n))), Some(tree(n)));
    }
    let left = keys(&server);
    assert!(left.contains(&others) && !left.contains(&lost), "{left:?}");
    for n in [1, 3, 77] {
        assert!(left.iter().all(|key| !key.contains(&commit(n))), "{left:?}");
    }
    // Of a removed version: a check starts anew, and nothing else says that it is there.
    assert_eq!(resource.versions(Some(&versions[0])), [versions[4].clone()]);
    assert_eq!(resource.versions(Some(&versions[3])), versions[3..]);
    let error = resource.get(&versions[0], json!({})).nothing_but_an_error();
    assert!(
        error.contains(&format!("the set in artifacts/{}/ was removed at 20", commit(1))),
        "{error}"
    );
    for arguments in [&["show"][..], &["verify"]] {
        let run = run(&mut command(&server, &[arguments, &[&commit(1)]].concat()));
        assert!(run.code == Some(1) || arguments == ["verify"], "{}", run.stderr);
    }
    let import = json_of(&server, &["import", "--dry-run"]);
    assert_eq!(import["sets"].as_array().expect("sets").len(), 1, "{import}");

    // Run again, it changes nothing.
    let before = server.snapshot(BUCKET);
    artifacts(&server, &delete);
    assert!(server.snapshot(BUCKET) == before);

    // Published again: the newest version, and whole.
    let again = resource.publish(&commit(1), &tree(1)).version();
    assert_eq!(again, versions[0]);
    assert_eq!(all_whole(&resource, "again"), [2, 4, 5, 1].map(commit));
    assert_eq!(resource.get(&again, json!({})).assets(), tree(1));
    assert_eq!(server.published(&format!("artifacts/{}", commit(1))), Some(tree(1)));
    let before = server.snapshot(BUCKET);
    assert_eq!(resource.publish(&commit(1), &tree(1)).version(), again);
    assert!(server.snapshot(BUCKET) == before, "a put of what stands changes nothing");
}

/// Uploads that nobody completed go when they are old; and what is asked for is what
/// assets/policies/artifacts-gc.json allows.
#[test]
fn uploads_that_were_left_are_given_up() {
    let (server, resource) = with_sets(2);
    server.fault(Fault::new(Action::KillBefore).on("CompleteMultipartUpload"));
    let large = Inputs::of(&Tree::of("large", noise(1, 17 << 20)));
    let params = json!({"commit": commit(3), "directory": "assets"});
    server.put_as_victim(&resource, large.path(), &params);
    server.clear_faults();
    age(&server);
    assert_eq!(server.uploads(BUCKET).len(), 1);
    gc(&server);
    assert_eq!(server.uploads(BUCKET).len(), 1, "it is young");
    server.set_uploads_begun(long_ago());
    server.reset_requests();
    gc(&server);
    assert!(server.uploads(BUCKET).is_empty());
    assert_eq!(all_whole(&resource, "after it"), [commit(2)]);
    only_allowed(&server, "artifacts-gc.json");
}

#[test]
fn what_is_asked_must_keep_something() {
    let (server, resource) = with_sets(1);
    for (arguments, why) in [
        (&["gc", "--delete"][..], "nothing says what to keep"),
        (&["gc", "--keep-last", "0"], "nothing says what to keep"),
        (&["gc", "--keep-last", "1", "--wait", "59"], "give days or hours"),
        (&["gc", "--keep-last", "1", "--wait", "0h"], "less than an hour"),
        (&["gc", "--keep-within", "soon"], "give days or hours"),
        (&["gc", "--keep", "abc"], "names no commit"),
        (&["gc", "--keep-tagged", "/nowhere"], "is not a git repository"),
        (
            &["gc", "--keep-last", "1", "--delete", "--no-conditional-writes"],
            "nothing is removed where `conditional_writes` is false",
        ),
    ] {
        let run = run(&mut command(&server, arguments));
        assert!(!run.succeeded() && run.stderr.contains(why), "{arguments:?}: {}", run.stderr);
    }
    // A clone that is shallow has no tags: what they were to keep would go.
    let untagged = Checkout::of(&Tree::of("a", "1"));
    let repo = untagged.repo();
    let arguments =
        ["gc", "--keep-last", "1", "--keep-tagged", &repo.to_string_lossy(), "--delete"];
    let run = run(&mut command(&server, &arguments));
    assert!(run.code == Some(1) && run.stderr.contains("has no tags"), "{}", run.stderr);
    assert!(run.stderr.contains("git fetch --tags"), "{}", run.stderr);
    assert_eq!(all_whole(&resource, "after it"), [commit(1)]);
}

/// Listing a large bucket takes minutes, in which some put is always done.
#[test]
fn a_race_for_the_head_lists_nothing_again() {
    let bucket = || {
        let (server, _) = with_sets(3);
        age(&server);
        server.reset_requests();
        server
    };
    let (calm, busy) = (bucket(), bucket());
    gc(&calm);
    let refused = Action::Status(412, "PreconditionFailed");
    busy.fault(Fault::new(refused).on("PutObject").times(3));
    gc(&busy);
    assert_eq!(
        busy.requests_of("ListObjectsV2").len(),
        calm.requests_of("ListObjectsV2").len(),
        "the bucket is listed once"
    );
    assert_eq!(keys(&busy), keys(&calm));
    assert_eq!(all_whole(&busy.resource(), "after it"), [commit(3)]);
}

#[test]
fn tags_of_a_checkout_keep_sets() {
    let server = Embedded::new();
    let resource = server.resource();
    let checkout = Checkout::of(&Tree::of("a", "1"));
    let mut commits = Vec::new();
    for n in 1..=4 {
        commits.push(checkout.commit(&format!("change {n}")));
        checkout.input("assets", &tree(n));
        resource.put(checkout.inputs(), &params()).version();
        if n == 1 {
            checkout.git(&["tag", "v1"]);
        }
        if n == 2 {
            checkout.git(&["tag", "--annotate", "--message", "two", "v2"]);
        }
    }
    age(&server);
    let repo = checkout.repo();
    artifacts(&server, &["gc", "--keep-tagged", &repo.to_string_lossy(), "--delete"]);
    let want = [&commits[0], &commits[1], &commits[3]].map(String::clone);
    assert_eq!(all_whole(&resource, "after it"), want);
}

fn params() -> Value {
    json!({"repository": "repo", "directory": "assets"})
}

/// A checkout at a commit, with what is built there.
fn at(checkout: &Checkout, commit: &str, content: &str) {
    checkout.git(&["checkout", "--quiet", commit]);
    checkout.input("assets", &Tree::of("app.zip", content));
}

/// The resource of sets that the cache has.
fn cached(server: &Embedded) -> Resource {
    server.resource().artifacts("code_hash", "src/**")
}

/// A bucket with three old sets, two of the same code, and what a dead put left.
fn bucket() -> (Embedded, Resource, Checkout, Vec<String>) {
    let server = Embedded::new();
    let resource = cached(&server);
    let checkout = Checkout::of(&Tree::of("src/a", "1"));
    let mut commits = vec![checkout.head()];
    checkout.input("assets", &Tree::of("app.zip", "of the first code"));
    resource.put(checkout.inputs(), &params()).version();
    commits.push(checkout.commit("the same code"));
    resource.put(checkout.inputs(), &params()).version();
    std::fs::write(checkout.repo().join("src/a"), "2").expect("a file");
    commits.push(checkout.commit("other code"));
    checkout.input("assets", &Tree::of("app.zip", "of the second code"));
    resource.put(checkout.inputs(), &params()).version();
    let dead = format!("artifacts/{}", commit(77));
    server.put(BUCKET, &format!("{dead}/.pending"), "{}", &[]);
    server.put(BUCKET, &format!("{dead}/app.zip"), "half", &[]);
    age(&server);
    (server, resource, checkout, commits)
}

/// Killed before and after each of its requests, a removal leaves what a check shows whole, a put of
/// what it removes makes that whole again, and the next removal ends it.
#[test]
fn a_removal_may_be_killed_anywhere() {
    let (server, resource, checkout, commits) = bucket();
    let stored = server.stored();
    server.reset_requests();
    gc(&server);
    let requests = server.requests().len() as u64;
    assert!(requests > 30, "{requests}");
    assert_eq!(all_whole(&resource, "undisturbed"), commits[2..]);
    let want = keys(&server);
    assert_eq!(want.len(), 6, "{want:?}");

    // With the same code as the removed sets, so out of the cache while that stands.
    self::at(&checkout, &commits[1], "of the first code");
    kill_at_each_request("a removal", requests, |Point { nth, fault, at }| {
        let server = Embedded::new();
        server.restore(&stored);
        age(&server);
        let resource = cached(&server);
        server.fault(fault);
        let run = run_as_victim(&server, &mut command(&server, &ALL_BUT_THE_NEWEST));
        server.clear_faults();
        let shown = all_whole(&resource, &at);
        assert!(shown == commits || shown == commits[2..], "{at}: {shown:?}");
        if nth % 2 == 0 {
            let version = resource.put(checkout.inputs(), &params()).version();
            assert_eq!(version["commit"], commits[1].as_str(), "{at}");
            let got = resource.get(&version, json!({}));
            assert_eq!(got.assets(), Tree::of("app.zip", "of the first code"), "{at}");
            assert!(all_whole(&resource, &at).contains(&commits[1]), "{at}");
            age(&server);
        }
        gc(&server);
        age(&server);
        gc(&server);
        let shown = all_whole(&resource, &at);
        assert_eq!(shown.len(), 1, "{at}: {shown:?}");
        if shown == commits[2..] {
            assert_eq!(keys(&server), want, "{at}");
        } else {
            let left = keys(&server);
            let of_others = |key: &&String| key.contains(&commits[2]) || key.contains(&commits[0]);
            assert_eq!(left.iter().filter(of_others).count(), 0, "{at}: {left:?}");
        }
        let head = server.text("artifacts/.history.json");
        let head: Value = serde_json::from_str(&head).expect("JSON");
        let marked = head["fence"].as_str().is_some_and(|fence| fence.contains('='));
        assert!(head["removing"].is_null() && !marked, "{at}: {head}");
        run.code
    });
}
