//! A put sends only what changed: files of the newest sets are copied inside S3.

use crate::support::{BUCKET, Embedded, Inputs, Resource, Run, Tree, Walk, commit, noise};
use s3_test_server::{Action, Fault, RequestInfo};
use serde_json::{Value, json};
use std::sync::Arc;

const LARGE: usize = 1 << 20;

/// The set of the commit before: two files that are worth a copy, and one that is not.
fn before() -> Tree {
    let tree = Tree::of("a.bin", noise(1, LARGE)).with("b.bin", noise(2, LARGE + 5));
    tree.with("small", "small")
}

/// One large file changed, the other has another name, and may be run.
fn after() -> Tree {
    let tree = Tree::of("a.bin", noise(3, LARGE));
    tree.with_program("bin/b", noise(2, LARGE + 5)).with("small", "small")
}

fn params(n: usize) -> Value {
    json!({"commit": commit(n), "directory": "assets"})
}

/// A bucket with the set of the commit before, with a tag that the next put does not want.
fn published() -> (Embedded, Resource) {
    let server = Embedded::new();
    let inputs = Inputs::of(&before());
    let mut params = params(1);
    params["object_tags"] = json!({"expires": "soon"});
    server.resource().put(inputs.path(), &params).version();
    server.reset_requests();
    let resource = server.resource();
    (server, resource)
}

fn key(n: usize, path: &str) -> String {
    format!("artifacts/{}/{path}", commit(n))
}

/// How many requests of an operation name a key with this in it.
fn count(server: &Embedded, operation: &str, part: &str) -> usize {
    let named = |key: &String| key.contains(part);
    server.requests_of(operation).iter().filter(|it| it.key.as_ref().is_some_and(named)).count()
}

/// Bytes of bodies that were sent.
fn sent(server: &Embedded) -> u64 {
    server.requests().iter().map(|request| request.bytes_in).sum()
}

/// Asserts that a put published what it should, whichever way its bytes went.
#[track_caller]
fn is_whole(server: &Embedded, resource: &Resource, run: &Run) {
    let version = run.version();
    assert!(resource.get(&version, json!({})).assets() == after(), "{}", run.stderr);
    let folder = format!("artifacts/{}", commit(2));
    assert!(server.published(&folder) == Some(after()), "under the plain keys: {}", run.stderr);
}

#[test]
fn what_did_not_change_is_copied() {
    let (server, resource) = published();
    let run = resource.publish(&commit(2), &after());
    let copies = server.requests_of("CopyObject");
    assert_eq!(copies.len(), 1, "{}", run.stderr);
    assert_eq!(copies[0].key, Some(key(2, "bin/b")));
    assert!(copies[0].header("x-amz-copy-source").expect("a source").ends_with(&key(1, "b.bin")));
    assert!(copies[0].header("x-amz-copy-source-if-match").is_some());
    assert!(sent(&server) < (LARGE + LARGE / 4) as u64, "{} bytes", sent(&server));
    let (copied, old) = (key(2, "bin/b"), key(1, "b.bin"));
    let (copied, old) = (server.get(BUCKET, &copied), server.get(BUCKET, &old));
    let (copied, old) = (copied.expect("the copy"), old.expect("its source"));
    assert_eq!(copied.metadata("package-hash"), old.metadata("package-hash"));
    assert_eq!(copied.metadata("commit-hash"), Some(commit(2).as_str()));
    assert!(copied.tags.is_empty() && !old.tags.is_empty(), "tags are the put's own");
    is_whole(&server, &resource, &run);
}

/// The head is read anyway; a manifest is read while the files are hashed, and only where a file is
/// worth it.
#[test]
fn what_is_new_costs_a_request_for_each_older_set() {
    let new = Tree::of("a.bin", noise(7, LARGE)).with("b.bin", noise(8, LARGE));
    let small = Tree::of("a.bin", "a").with("b.bin", "b");
    let of = |sets: usize, tree: &Tree| {
        let server = Embedded::new();
        for n in 1..=sets {
            server.resource().publish(&commit(n), &before()).version();
        }
        server.reset_requests();
        server.resource().publish(&commit(9), tree).version();
        (count(&server, "GetObject", ".manifest.json"), server.requests().len())
    };
    let least = of(1, &small);
    assert_eq!(least.0, 1, "of its own folder");
    assert_eq!(of(3, &small), least, "nothing is worth a copy");
    assert_eq!(of(1, &new), (2, least.1 + 1), "one manifest more, and no look at any object");
    assert_eq!(of(3, &new), (3, least.1 + 2), "two at most");
}

#[test]
fn the_plan_of_a_put_says_what_is_copied() {
    let (server, resource) = published();
    let inputs = Inputs::of(&after());
    let request = json!({"source": resource.source, "params": params(2)});
    let run = resource.start_with("out", &["--dry-run"], Some(inputs.path()), &request).wait();
    let steps = run.json()["steps"].as_array().expect("steps").clone();
    let (from, to) = (key(1, "b.bin"), key(2, "bin/b"));
    let copy = format!(
        "copy s3://{BUCKET}/{from} to s3://{BUCKET}/{to}: it is not there, and an older set has its bytes"
    );
    assert!(steps.contains(&Value::from(copy)), "{steps:?}");
    let sends = steps.iter().filter(|step| step.as_str().is_some_and(|it| it.starts_with("send")));
    assert_eq!(sends.count(), 2, "{steps:?}");
    crate::support::only_reads(&server);
}

/// An object whose own metadata does not say that it has the bytes is never copied.
#[test]
fn nothing_is_copied_on_a_manifests_word_alone() {
    let hash_of_another = s3_asset_resource::words::digest::Sha256::of(b"another").base64();
    for recorded in [None, Some(hash_of_another.as_str()), Some("no hash at all")] {
        let (server, resource) = published();
        server.change(BUCKET, &key(1, "b.bin"), |object| {
            let metadata = &mut object.attributes.metadata;
            metadata.remove("package-hash");
            metadata.extend(recorded.map(|hash| ("package-hash".to_owned(), hash.to_owned())));
        });
        let run = resource.publish(&commit(2), &after());
        assert!(server.requests_of("CopyObject").is_empty(), "{recorded:?}");
        is_whole(&server, &resource, &run);
    }
}

/// Sets that nobody can read, or that are gone, are no reason to fail.
#[test]
fn what_cannot_be_read_has_nothing_to_copy() {
    let damages: [&dyn Fn(&Embedded); 4] = [
        &|server| assert!(server.remove(BUCKET, &key(1, ".manifest.json"))),
        &|server| server.put(BUCKET, &key(1, ".manifest.json"), "no manifest", &[]),
        &|server| assert!(server.remove(BUCKET, &key(1, "b.bin"))),
        &|server| {
            let denied = Fault::new(Action::Status(403, "AccessDenied")).on("HeadObject");
            server.fault(denied.key(&key(1, "b.bin")).always());
        },
    ];
    for damage in damages {
        let (server, resource) = published();
        damage(&server);
        let run = resource.publish(&commit(2), &after());
        assert!(server.requests_of("CopyObject").is_empty());
        is_whole(&server, &resource, &run);
    }
}

/// A source that vanishes, changes or cannot be copied after it was seen: the file is sent.
#[test]
fn what_cannot_be_copied_is_sent() {
    for (status, code) in
        [(403, "InvalidObjectState"), (403, "AccessDenied"), (501, "NotImplemented")]
    {
        let (server, resource) = published();
        server.fault(Fault::new(Action::Status(status, code)).on("CopyObject").always());
        let run = resource.publish(&commit(2), &after());
        assert!(run.stderr.contains("cannot be copied, so the file is sent"), "{}", run.stderr);
        is_whole(&server, &resource, &run);
    }
    for replacement in [None, Some(noise(9, LARGE + 5))] {
        let (server, resource) = published();
        let handle: s3_test_server::Handle = (*server).clone();
        let change = move |_: &RequestInfo| match &replacement {
            None => handle.delete(BUCKET, &key(1, "b.bin")),
            Some(bytes) => handle.put(BUCKET, &key(1, "b.bin"), bytes.clone(), &[]),
        };
        server.fault(Fault::new(Action::Call(Arc::new(change))).on("CopyObject"));
        let run = resource.publish(&commit(2), &after());
        assert!(run.stderr.contains("so the file is sent"), "{}", run.stderr);
        is_whole(&server, &resource, &run);
    }
}

/// A copy that was done though its answer says otherwise is found, and nothing is sent over it.
#[test]
fn a_copy_whose_answer_was_lost_is_kept() {
    let (server, resource) = published();
    server.fault(Fault::new(Action::StatusAfter(403, "AccessDenied")).on("CopyObject").always());
    let run = resource.publish(&commit(2), &after());
    is_whole(&server, &resource, &run);
}

#[test]
fn a_put_that_copies_may_be_killed_anywhere() {
    let inputs = Inputs::of(&after());
    let params = params(2);
    let walk = Walk {
        name: "a put that copies what did not change",
        begin: &|| {
            let (server, resource) = published();
            (server, resource.set("initial_history", 9))
        },
        inputs: inputs.path(),
        params: &params,
        least_requests: 11,
    };
    walk.kill(|killed| {
        let (at, resource) = (&killed.at, &killed.resource);
        for version in resource.versions(None) {
            let want = if version["commit"] == commit(1) { before() } else { after() };
            assert!(resource.get(&version, json!({})).assets() == want, "{at}: {version}");
        }
        let version = killed.put();
        assert_eq!(
            resource.versions(None),
            [json!({"commit": commit(1)}), version.clone()],
            "{at}"
        );
        assert!(resource.get(&version, json!({})).assets() == after(), "{at}");
        killed.put_changes_nothing();
    });
}
