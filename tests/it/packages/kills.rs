//! Loses nothing: a put is killed at every request that it makes, before and after the server has
//! done what the request asks.

use super::{number, sackers_record, tagged, version};
use crate::support::{BUCKET, Embedded, Inputs, Resource, Stored, Tree, walk};
use s3_asset_resource::words::digest::Sha256;
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};
use std::path::Path;

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

fn all(package: &Resource) -> Vec<u64> {
    package.clone().set("initial_history", 99).versions(None).iter().map(number).collect()
}

fn moves(live: &Resource) -> Vec<u64> {
    live.clone().set("initial_history", 99).versions(None).iter().map(number).collect()
}

impl Scenario {
    fn put(&self, resource: &Resource, inputs: &Path) -> Value {
        resource.put(inputs, &self.params).version()
    }

    fn requests(&self) -> u64 {
        let (server, package) = server(&self.before);
        let live = package.of_package("tag", "live");
        assert_eq!(self.put(&live, self.inputs.path()), self.answer, "{}", self.name);
        server.requests().len() as u64
    }

    fn kill(&self, n: u64, action: Action) -> bool {
        let place = format!("{}, request {n}, {action:?}", self.name);
        let (server, package) = server(&self.before);
        let live = package.clone().of_package("tag", "live");
        server.fault(Fault::new(action).nth(n));
        let put = live.start_put(self.inputs.path(), &self.params);
        server.set_victim(put.pid());
        let killed = put.wait().code.is_none();
        server.clear_victim();
        server.clear_faults();

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
        assert_eq!(self.put(&live, self.inputs.path()), self.answer, "{place}");
        assert_eq!(all(&package), self.versions, "{place}");
        assert_eq!(moves(&live), self.moves, "{place}");
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
        let before = server.snapshot(BUCKET);
        assert_eq!(self.put(&live, self.inputs.path()), self.answer, "{place}");
        assert!(server.snapshot(BUCKET) == before, "{place}: the put after it writes nothing");
        // And another build's version comes after it, without a gap.
        assert_eq!(package.add("other", &json!({})).version(), version(last + 1), "{place}");
        killed
    }

    fn walk(&self) {
        walk(self.name, self.requests(), |n, action| self.kill(n, action));
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
    let before = used();
    let requests = {
        let (server, package) = server(&before);
        let live = package.of_package("tag", "live");
        live.put_params(&json!({"untag": "live"})).version();
        server.requests().len() as u64
    };
    walk("a tag that is taken away", requests, |n, action| {
        let (server, package) = server(&before);
        let live = package.of_package("tag", "live");
        server.fault(Fault::new(action).nth(n));
        let inputs = Inputs::new();
        let put = live.start_put(inputs.path(), &json!({"untag": "live"}));
        server.set_victim(put.pid());
        let killed = put.wait().code.is_none();
        server.clear_victim();
        server.clear_faults();
        assert_eq!(live.put_params(&json!({"untag": "live"})).version(), tagged(2, "live", 2));
        assert!(server.get(BUCKET, "app/tags/live").is_none());
        assert!(live.versions(None).is_empty());
        assert_eq!(live.put_params(&json!({"version": 1})).version(), tagged(1, "live", 4));
        killed
    });
}
