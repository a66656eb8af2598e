//! Whole or not at all: a put is killed at every request that it makes, before and after the
//! server has done what the request asks.

use crate::support::{BUCKET, Checkout, Embedded, Resource, Stored, Tree, noise, walk};
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};

/// A put to be killed: over what the bucket holds before, for the checkout's commit.
struct Scenario {
    name: &'static str,
    checkout: Checkout,
    before: Stored,
    /// What the put publishes.
    tree: Tree,
    /// Versions that stand before.
    old: Vec<Value>,
    least_requests: u64,
}

fn server(before: &Stored) -> (Embedded, Resource) {
    let server = Embedded::with(|options| options.fast_etags = true);
    server.restore(before);
    let resource = server.resource().artifacts("code_hash", "src/**");
    (server, resource)
}

fn params() -> Value {
    json!({"repository": "repo", "directory": "assets"})
}

fn code() -> Tree {
    Tree::of("src/main.rs", "fn main() {}").with("README", "one")
}

fn assets(seed: u64) -> Tree {
    Tree::of("large.bin", noise(seed, 17 << 20))
        .with("a.txt", format!("a {seed}"))
        .with_program("bin/b", format!("b {seed}"))
        .with("empty", "")
}

fn checkout(tree: &Tree) -> Checkout {
    let checkout = Checkout::of(&code());
    checkout.input("assets", tree);
    checkout
}

fn fresh() -> Scenario {
    let tree = assets(1);
    Scenario {
        name: "a fresh set",
        checkout: checkout(&tree),
        before: Stored::default(),
        tree,
        old: Vec::new(),
        least_requests: 25,
    }
}

/// The code was built for the commit before.
fn cached() -> Scenario {
    let tree = assets(2);
    let checkout = checkout(&tree);
    let (server, resource) = server(&Stored::default());
    let old = resource.put(checkout.inputs(), &params()).version();
    std::fs::write(checkout.repo().join("README"), "two").expect("the file");
    checkout.commit("second");
    checkout.input("assets", &Tree::of("never", "uploaded"));
    Scenario {
        name: "a cache hit",
        checkout,
        before: server.stored(),
        tree,
        old: vec![old],
        least_requests: 15,
    }
}

/// A put of other bytes for the same commit was killed when it was about to publish them.
fn leftover() -> Scenario {
    let checkout = checkout(&assets(3));
    let (server, resource) = server(&Stored::default());
    server.fault(Fault::new(Action::KillBefore).on("PutObject").key_contains(".manifest.json"));
    let killed = resource.start_put(checkout.inputs(), &params());
    server.set_victim(killed.pid());
    assert_eq!(killed.wait().code, None, "it was killed");
    server.clear_victim();
    let tree = assets(4);
    checkout.input("assets", &tree);
    Scenario {
        name: "a leftover of other bytes",
        checkout,
        before: server.stored(),
        tree,
        old: Vec::new(),
        least_requests: 30,
    }
}

impl Scenario {
    fn version_of(&self, resource: &Resource) -> Value {
        resource.put(self.checkout.inputs(), &params()).version()
    }

    /// How many requests an undisturbed put makes.
    fn requests(&self) -> u64 {
        let (server, resource) = server(&self.before);
        self.version_of(&resource);
        let requests = server.requests().len() as u64;
        assert!(requests >= self.least_requests, "{}: {requests} requests", self.name);
        requests
    }

    /// Kills a put at request `n` and looks at what everybody sees then; whether it was killed.
    fn kill(&self, n: u64, action: Action) -> bool {
        let place = format!("{}, request {n}, {action:?}", self.name);
        let (server, resource) = server(&self.before);
        server.fault(Fault::new(action).nth(n));
        let put = resource.start_put(self.checkout.inputs(), &params());
        server.set_victim(put.pid());
        let killed = put.wait().code.is_none();
        server.clear_victim();
        server.clear_faults();

        let every = resource.clone().set("initial_history", 9);
        for version in every.versions(None) {
            let got = resource.get(&version, json!({}));
            assert!(got.assets() == self.tree, "{place}: a version that is not whole");
        }
        let version = self.version_of(&resource);
        let all = every.versions(None);
        let want: Vec<Value> = self.old.iter().chain([&version]).cloned().collect();
        assert_eq!(all, want, "{place}");
        for version in &all {
            let got = resource.get(version, json!({}));
            assert!(got.assets() == self.tree, "{place}: other bytes in {version}");
        }
        // Each published set, and the cache: what the manifest says, under the plain keys too.
        for version in &all {
            let commit = version["commit"].as_str().expect("a commit");
            let set = server.published(&format!("artifacts/{commit}"));
            assert!(set.as_ref() == Some(&self.tree), "{place}: the set differs");
        }
        let code = version["code_hash"].as_str().expect("a code hash");
        let set = server.published(&format!("cache/{code}"));
        assert!(set.as_ref() == Some(&self.tree), "{place}: the cache differs");
        let again = server.snapshot(BUCKET);
        assert_eq!(self.version_of(&resource), version, "{place}");
        assert!(server.snapshot(BUCKET) == again, "{place}: the put after it writes nothing");
        killed
    }

    fn walk(&self) {
        walk(self.name, self.requests(), |n, action| self.kill(n, action));
    }
}

#[test]
fn a_fresh_put_may_be_killed_anywhere() {
    fresh().walk();
}

#[test]
fn a_put_out_of_the_cache_may_be_killed_anywhere() {
    cached().walk();
}

#[test]
fn a_put_over_a_leftover_may_be_killed_anywhere() {
    leftover().walk();
}
