//! A put is killed at every request that it makes, before and after the server has done what the
//! request asks: the next put makes history, archive and rank's object agree.

use super::support::{FILE, RANKS, at, version};
use crate::support::{BUCKET, Embedded, Inputs, Killed, Resource, Stored, Tree, Walk, noise};
use s3_asset_resource::words::digest::Sha256;
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};

/// A put to be killed: over what the bucket holds before, at a rank.
struct Scenario {
    name: &'static str,
    rank: &'static str,
    before: Stored,
    inputs: Inputs,
    params: Value,
    /// What the put answers when nothing disturbs it.
    answer: Value,
    /// What the rank's versions are after it, oldest first.
    after: Vec<Value>,
    bytes: Vec<u8>,
    least_requests: u64,
}

fn server(before: &Stored) -> Embedded {
    let server = Embedded::with(|options| options.fast_etags = true);
    server.restore(before);
    server
}

fn input(bytes: &[u8]) -> Inputs {
    Inputs::of(&Tree::of("f", bytes))
}

fn uploading(version: &str) -> Value {
    json!({"file": "assets/f", "version": version})
}

/// What the bucket holds after some puts.
fn stored(puts: &[(&str, &[u8], Value)]) -> Stored {
    let server = server(&Stored::default());
    for (rank, bytes, params) in puts {
        at(&server.resource(), rank).put(input(bytes).path(), params).json();
    }
    server.stored()
}

fn fresh(name: &'static str, bytes: Vec<u8>) -> Scenario {
    Scenario {
        name,
        rank: "qa",
        before: Stored::default(),
        inputs: input(&bytes),
        params: uploading("1.0"),
        answer: version("1.0", 1),
        after: vec![version("1.0", 1)],
        bytes,
        least_requests: 12,
    }
}

/// A put of other bytes for the same version was killed before its record stood.
fn leftover(large: usize) -> Scenario {
    let (old, new) = (noise(1, large), noise(2, large));
    let server = server(&stored(&[("qa", b"zero", uploading("0.9"))]));
    server.fault(Fault::new(Action::KillBefore).on("PutObject").key_contains("release.json"));
    let inputs = input(&old);
    let qa = at(&server.resource(), "qa");
    let killed = server.put_as_victim(&qa, inputs.path(), &uploading("1.0"));
    assert_eq!(killed.code, None, "it was killed");
    Scenario {
        name: "an upload over a leftover of other bytes",
        rank: "qa",
        before: server.stored(),
        inputs: input(&new),
        params: uploading("1.0"),
        answer: version("1.0", 2),
        after: vec![version("0.9", 1), version("1.0", 2)],
        bytes: new,
        least_requests: 13,
    }
}

fn promotion() -> Scenario {
    let puts: [(&str, &[u8], Value); 3] = [
        ("qa", b"one", uploading("1.0")),
        ("staging", b"", json!({})),
        ("qa", b"two", uploading("2.0")),
    ];
    Scenario {
        name: "a promotion",
        rank: "staging",
        before: stored(&puts),
        inputs: Inputs::new(),
        params: json!({"version": "2.0"}),
        answer: version("2.0", 2),
        after: vec![version("1.0", 1), version("2.0", 2)],
        bytes: b"two".to_vec(),
        least_requests: 7,
    }
}

fn rollback() -> Scenario {
    let puts: [(&str, &[u8], Value); 4] = [
        ("qa", b"one", uploading("1.0")),
        ("staging", b"", json!({})),
        ("qa", b"two", uploading("2.0")),
        ("staging", b"", json!({})),
    ];
    Scenario {
        name: "a rollback",
        rank: "staging",
        before: stored(&puts),
        inputs: Inputs::new(),
        params: json!({"version": "1.0", "rollback": true}),
        answer: version("1.0", 3),
        after: vec![version("1.0", 1), version("2.0", 2), version("1.0", 3)],
        bytes: b"one".to_vec(),
        least_requests: 6,
    }
}

/// s3p wrote both ranks.
fn takeover() -> Scenario {
    let server = server(&Stored::default());
    for (rank, text) in [("qa", "2.0"), ("staging", "1.0")] {
        server.put(BUCKET, &format!("{rank}/{FILE}"), text, &[("version", text)]);
        server.put(BUCKET, &format!("archive/{text}/{FILE}"), text, &[("version", text)]);
    }
    Scenario {
        name: "a promotion after s3p",
        rank: "staging",
        before: server.stored(),
        inputs: Inputs::new(),
        params: json!({}),
        answer: version("2.0", 1),
        after: vec![version("1.0", 0), version("2.0", 1)],
        bytes: b"2.0".to_vec(),
        least_requests: 12,
    }
}

impl Scenario {
    /// Looks at what everybody sees after a kill, and after the put that follows it.
    fn look(&self, killed: &Killed<'_>) {
        let (place, resource) = (&killed.at, &killed.resource);
        // Whatever a check shows, a get finds.
        let every = resource.clone().set("initial_history", 9);
        for shown in every.versions(None) {
            assert!(self.after.contains(&shown), "{place}: {shown}");
            resource.get(&shown, json!({})).tree();
        }
        assert_eq!(killed.put(), self.answer, "{place}");
        assert_eq!(every.versions(None), self.after, "{place}");
        self.agrees(&killed.server, resource, place);
        killed.put_changes_nothing();
    }

    /// History, archive and rank's object say the same.
    fn agrees(&self, server: &Embedded, resource: &Resource, place: &str) {
        let text = |name: &str| self.answer[name].as_str().expect("a text").to_owned();
        let head: Value =
            serde_json::from_str(&server.text(&format!("{}/.history/{FILE}.json", self.rank)))
                .expect("JSON");
        let newest = &head["entries"][0];
        assert_eq!(newest["number"].to_string(), text("promotion"), "{place}");
        assert_eq!(newest["what"]["version"], text("version"), "{place}");
        assert_eq!(newest["what"]["sha256"], Sha256::of(&self.bytes).hex(), "{place}");
        let key = newest["what"]["key"].as_str().expect("a key");
        let plain = format!("archive/{}/{FILE}", text("version"));
        let pointer = format!("{}/{FILE}", self.rank);
        for key in [key, &plain, &pointer] {
            let object = server.get(BUCKET, key).unwrap_or_else(|| panic!("{place}: no {key}"));
            assert!(object.bytes() == self.bytes, "{place}: other bytes in {key}");
        }
        let shown = server.get(BUCKET, &pointer).expect("the rank's object").attributes.metadata;
        assert_eq!(shown.get("version"), Some(&text("version")), "{place}");
        assert_eq!(shown.get("promotion"), Some(&text("promotion")), "{place}");
        let got = resource.get(&self.answer, json!({}));
        got.run.json();
        let file = std::fs::read(got.path().join(FILE)).expect("the file");
        assert!(file == self.bytes, "{place}: other bytes come out");
    }

    fn walk(&self) {
        assert!(RANKS.contains(&self.rank));
        let begin = || {
            let server = server(&self.before);
            let resource = at(&server.resource(), self.rank);
            (server, resource)
        };
        let walk = Walk {
            name: self.name,
            begin: &begin,
            inputs: self.inputs.path(),
            params: &self.params,
            least_requests: self.least_requests,
        };
        walk.kill(|killed| self.look(killed));
    }
}

#[test]
fn an_upload_may_be_killed_anywhere() {
    fresh("a first upload", b"one".to_vec()).walk();
}

#[test]
fn an_upload_in_parts_may_be_killed_anywhere() {
    fresh("a first upload in parts", noise(3, 17 << 20)).walk();
}

#[test]
fn an_upload_over_a_leftover_may_be_killed_anywhere() {
    leftover(100).walk();
}

#[test]
fn a_promotion_may_be_killed_anywhere() {
    promotion().walk();
}

#[test]
fn a_rollback_may_be_killed_anywhere() {
    rollback().walk();
}

#[test]
fn a_takeover_from_s3p_may_be_killed_anywhere() {
    takeover().walk();
}
