//! Whole or not at all: a put is killed at every request that it makes, before and after the
//! server has done what the request asks.

use crate::support::{Checkout, Embedded, Killed, Resource, Stored, Tree, Walk, noise};
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
    let killed = server.put_as_victim(&resource, checkout.inputs(), &params());
    assert_eq!(killed.code, None, "it was killed");
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
    /// Looks at what everybody sees after a kill, and after the put that follows it.
    fn look(&self, killed: &Killed<'_>) {
        let (place, server, resource) = (&killed.at, &killed.server, &killed.resource);
        let every = resource.clone().set("initial_history", 9);
        for version in every.versions(None) {
            let got = resource.get(&version, json!({}));
            assert!(got.assets() == self.tree, "{place}: a version that is not whole");
        }
        let version = killed.put();
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
        killed.put_changes_nothing();
    }

    fn walk(&self) {
        let walk = Walk {
            name: self.name,
            begin: &|| server(&self.before),
            inputs: self.checkout.inputs(),
            params: &params(),
            least_requests: self.least_requests,
        };
        walk.kill(|killed| self.look(killed));
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
