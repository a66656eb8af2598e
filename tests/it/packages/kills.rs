//! Loses nothing: a put is killed at every request that it makes, before and after the server has
//! done what the request asks.

use super::{number, sackers_record, tagged, version};
use crate::support::{BUCKET, Embedded, Inputs, Killed, Resource, Stored, Tree, Walk};
use s3_asset_resource::words::digest::Sha256;
use serde_json::{Value, json};

/// A put to be killed.
struct Scenario {
    name: &'static str,
    before: Stored,
    inputs: Inputs,
    params: Value,
    /// What the put answers whenever it gets through.
    answer: Value,
    /// Every version afterwards.
    versions: Vec<u64>,
    /// The moves of `live` afterwards: versions.
    moves: Vec<u64>,
}

fn server(before: &Stored) -> (Embedded, Resource) {
    let server = Embedded::with(|options| options.fast_etags = true);
    server.restore(before);
    let package = server.package("app");
    (server, package)
}

fn adding() -> (Inputs, Value) {
    let inputs = Inputs::of(&Tree::of("app.jar", "mine"));
    (inputs, json!({"file": "assets/app.jar", "tags": "live", "metadata": {"a": "b"}}))
}

/// Versions 1 to 3, and a tag that was on 1 and then on 2.
fn used() -> Stored {
    let (server, package) = server(&Stored::default());
    package.add("one", &json!({"tags": "live"})).version();
    package.add("two", &json!({"tags": "live"})).version();
    package.add("three", &json!({})).version();
    server.stored()
}

/// The numbers of every version that a resource shows.
fn all(package: &Resource) -> Vec<u64> {
    package.clone().set("initial_history", 99).versions(None).iter().map(number).collect()
}

/// A server, and the resource that follows the tag `live`.
fn live(before: &Stored) -> (Embedded, Resource) {
    let (server, package) = server(before);
    (server, package.of_package("tag", "live"))
}

impl Scenario {
    /// Looks at what everybody sees after a kill, and after the put that follows it.
    fn look(&self, killed: &Killed<'_>) {
        let (place, server, live) = (&killed.at, &killed.server, &killed.resource);
        let package = server.package("app");
        // Whatever anybody is shown is whole.
        let seen = all(&package);
        assert!(self.versions.starts_with(&seen), "{place}: {seen:?}");
        for version in live.clone().set("initial_history", 99).versions(None) {
            live.get(&version, json!({})).tree();
        }
        for n in &seen {
            package.get(&version(*n), json!({})).tree();
        }
        // The same put finishes, and nothing is there twice.
        assert_eq!(killed.put(), self.answer, "{place}");
        assert_eq!(all(&package), self.versions, "{place}");
        assert_eq!(all(live), self.moves, "{place}");
        let last = *self.versions.last().expect("a version");
        let pointer = |tag: &str| -> Value {
            serde_json::from_str(&server.text(&format!("app/tags/{tag}"))).expect("JSON")
        };
        assert_eq!(pointer("latest")["version"], last, "{place}");
        assert_eq!(Some(&pointer("live")["version"]), self.moves.last().map(|n| json!(n)).as_ref());
        for n in &self.versions {
            let record: Value =
                serde_json::from_str(&server.text(&format!("app/versions/{n}"))).expect("JSON");
            let blob = server.get(BUCKET, record["sha"].as_str().expect("a sha")).expect("a blob");
            assert_eq!(record["sha"], Sha256::of(&blob.bytes()).hex(), "{place}");
        }
        killed.put_changes_nothing();
        // And another build's version comes after it, without a gap.
        assert_eq!(package.add("other", &json!({})).version(), version(last + 1), "{place}");
    }

    fn walk(&self) {
        let walk = Walk {
            name: self.name,
            begin: &|| live(&self.before),
            inputs: self.inputs.path(),
            params: &self.params,
            least_requests: 5,
        };
        walk.kill(|killed| self.look(killed));
    }
}

#[test]
fn the_first_add_with_a_tag_may_be_killed_anywhere() {
    let (inputs, params) = adding();
    Scenario {
        name: "the first version of a package, and its tag",
        before: Stored::default(),
        inputs,
        params,
        answer: tagged(1, "live", 1),
        versions: vec![1],
        moves: vec![1],
    }
    .walk();
}

#[test]
fn an_add_with_a_tag_may_be_killed_anywhere() {
    let (inputs, params) = adding();
    Scenario {
        name: "a version, and its tag",
        before: used(),
        inputs,
        params,
        answer: tagged(4, "live", 3),
        versions: vec![1, 2, 3, 4],
        moves: vec![1, 2, 4],
    }
    .walk();
}

#[test]
fn moving_a_tag_back_may_be_killed_anywhere() {
    Scenario {
        name: "a tag that moves back",
        before: used(),
        inputs: Inputs::new(),
        params: json!({"version": 1}),
        answer: tagged(1, "live", 3),
        versions: vec![1, 2, 3],
        moves: vec![1, 2, 1],
    }
    .walk();
}

/// sacker added two versions and a tag; the put is the first to keep a history.
#[test]
fn taking_over_from_sacker_may_be_killed_anywhere() {
    let server = Embedded::new();
    let ts = 1_700_000_000_000;
    for (n, content) in [(ts, b"one"), (ts + 5, b"two")] {
        server.put(BUCKET, &Sha256::of(content).hex(), &content[..], &[]);
        server.put(BUCKET, &format!("app/versions/{n}"), sackers_record(content), &[]);
    }
    for (tag, n) in [("latest", ts + 5), ("live", ts)] {
        server.put(BUCKET, &format!("app/tags/{tag}"), format!("{{\"version\": {n}}}"), &[]);
    }
    let (inputs, params) = adding();
    Scenario {
        name: "the first put after sacker",
        before: server.stored(),
        inputs,
        params,
        answer: tagged(ts + 6, "live", 2),
        versions: vec![ts, ts + 5, ts + 6],
        moves: vec![ts, ts + 6],
    }
    .walk();
}

#[test]
fn taking_a_tag_away_may_be_killed_anywhere() {
    let (before, inputs) = (used(), Inputs::new());
    let walk = Walk {
        name: "a tag that is taken away",
        begin: &|| live(&before),
        inputs: inputs.path(),
        params: &json!({"untag": "live"}),
        least_requests: 3,
    };
    walk.kill(|killed| {
        let (server, live) = (&killed.server, &killed.resource);
        assert_eq!(killed.put(), tagged(2, "live", 2));
        assert!(server.get(BUCKET, "app/tags/live").is_none());
        assert!(live.versions(None).is_empty());
        assert_eq!(live.put_params(&json!({"version": 1})).version(), tagged(1, "live", 4));
    });
}
