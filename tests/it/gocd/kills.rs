//! Loses nothing: a put is killed at every request that it makes, before and after the server has
//! done what the request asks.

use super::{JOB, all, poll, put, version, with_directory};
use crate::support::{BUCKET, Embedded, Inputs, Killed, Resource, Stored, Tree, Walk};
use serde_json::{Value, json};

/// A put to be killed.
struct Scenario {
    name: &'static str,
    before: Stored,
    params: Value,
    /// What the put answers whenever it gets through.
    answer: &'static str,
    /// Every revision before, and afterwards.
    revisions: [&'static [&'static str]; 2],
    least_requests: u64,
}

fn tree() -> Tree {
    Tree::of("a", "1").with("b/c", "23").with("empty", "")
}

fn server(before: &Stored) -> (Embedded, Resource) {
    let server = Embedded::with(|options| options.fast_etags = true);
    server.restore(before);
    let resource = server.gocd().env("BUILD_ID", "7");
    (server, resource)
}

/// Two revisions, and a folder that a dead put left.
fn used() -> Stored {
    let (server, resource) = server(&Stored::default());
    put(&resource, &Tree::of("a", "x"), &json!({})).version();
    put(&resource, &Tree::of("a", "y"), &json!({})).version();
    let claim = ["a".repeat(64), "b".repeat(64)];
    let metadata = [("s3-asset-claim", claim[0].as_str()), ("s3-asset-files", claim[1].as_str())];
    server.put(BUCKET, &format!("{JOB}3.1/"), "", &metadata);
    server.put(BUCKET, &format!("{JOB}3.1/a"), "half", &[]);
    server.stored()
}

/// Whether every file of the put is there, as the bucket shows it.
fn is_whole(server: &Embedded, revision: &str) -> bool {
    tree().paths().iter().all(|path| {
        let object = server.get(BUCKET, &format!("{JOB}{revision}/{path}"));
        object.map(|it| it.text()) == tree().text(path)
    })
}

impl Scenario {
    fn walk(&self) {
        let inputs = Inputs::of(&tree());
        let walk = Walk {
            name: self.name,
            begin: &|| server(&self.before),
            inputs: inputs.path(),
            params: &self.params,
            least_requests: self.least_requests,
        };
        walk.kill(|killed| self.look(killed));
    }

    fn look(&self, killed: &Killed<'_>) {
        let Killed { server, resource, at, .. } = killed;
        // GoCD is not stopped, and whatever anybody is shown is whole.
        let [before, after] = self.revisions;
        let shown = all(resource);
        assert!(shown == before || shown == after, "{at}: {shown:?}");
        match poll(server) {
            Ok(reported) => assert_eq!(Some(&reported.revision), shown.last(), "{at}"),
            // As long as nothing was ever completed, the poller stops anyway.
            Err(error) => assert!(shown.is_empty() && error.contains("0.0.0"), "{at}: {error}"),
        }
        if shown == after {
            assert!(is_whole(server, self.answer), "{at}");
        }
        for revision in &shown {
            resource.get(&version(revision), json!({})).tree();
        }
        // The same put finishes, and nothing is there twice.
        assert_eq!(killed.put(), version(self.answer), "{at}");
        assert_eq!(all(resource), after, "{at}");
        assert!(is_whole(server, self.answer), "{at}");
        let head = server.text(".history/app/build/package.json");
        let entered = head.matches(&format!("\"revision\":\"{}\"", self.answer)).count();
        assert_eq!(entered, 1, "{at}: {head}");
        killed.put_changes_nothing();
    }
}

#[test]
fn the_first_put_may_be_killed_anywhere() {
    Scenario {
        name: "the first revision of a job",
        before: Stored::default(),
        params: with_directory(&json!({})),
        answer: "1.1",
        revisions: [&[], &["1.1"]],
        least_requests: 14,
    }
    .walk();
}

#[test]
fn a_put_may_be_killed_anywhere() {
    Scenario {
        name: "the next revision",
        before: used(),
        params: with_directory(&json!({})),
        answer: "4.1",
        revisions: [&["1.1", "2.1"], &["1.1", "2.1", "4.1"]],
        least_requests: 12,
    }
    .walk();
}

#[test]
fn a_put_of_a_revision_of_ones_own_may_be_killed_anywhere() {
    Scenario {
        name: "a revision of one's own",
        before: used(),
        params: with_directory(&json!({"revision": "9.2"})),
        answer: "9.2",
        revisions: [&["1.1", "2.1"], &["1.1", "2.1", "9.2"]],
        least_requests: 12,
    }
    .walk();
}

#[test]
fn an_annotation_may_be_killed_anywhere() {
    let (server, resource) = server(&used());
    put(&resource, &Tree::of("a", "z"), &json!({"revision": "5.1"})).version();
    for path in tree().paths() {
        let text = tree().text(path).expect("a file");
        server.put(BUCKET, &format!("{JOB}6.1/{path}"), text, &[]);
    }
    server.put(BUCKET, &format!("{JOB}6.1/"), "", &[]);
    Scenario {
        name: "a folder that something else uploaded",
        before: server.stored(),
        params: json!({"annotate_only": true, "revision": "6.1"}),
        answer: "6.1",
        revisions: [&["1.1", "2.1", "5.1"], &["1.1", "2.1", "5.1", "6.1"]],
        least_requests: 7,
    }
    .walk();
}
