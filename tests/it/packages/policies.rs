//! The policies that this project gives away, on a server that enforces them (`ci/seaweedfs.sh`
//! starts one): each is enough for what it is for, and for nothing else.

use super::{number, tagged, version};
use crate::support::{Place, Resource, Run, noise};
use serde_json::json;

/// A ledger and a store; the package as each policy's user has it.
struct Enforced {
    ledger: Place,
    store: Place,
}

impl Enforced {
    fn new() -> Enforced {
        Enforced { ledger: Place::enforcing("ledger"), store: Place::enforcing("store") }
    }

    fn package(&self) -> Resource {
        self.ledger.package("app").of_package("store", self.store.uri("").trim_end_matches('/'))
    }

    fn by(&self, policy: &str) -> Resource {
        let secret = format!("{policy}-secret");
        self.package().set("access_key_id", policy).set("secret_access_key", secret)
    }
}

fn denied(run: &Run) {
    let (error, hint) = run.failure();
    assert!(error.contains("AccessDenied") && hint.contains("s3:"), "{error} {hint}");
}

#[test]
#[ignore = "needs a server that enforces policies: ci/seaweedfs.sh"]
fn to_add_blindly() {
    let place = Enforced::new();
    let writer = place.by("packages-add-blindly").of_package("numbering", "timestamp");
    let mut versions = vec![writer.add("one", &json!({"metadata": {"a": "b"}})).version()];
    versions.push(writer.add("two", &json!({})).version());
    versions.push(writer.add(noise(1, 20 << 20), &json!({})).version());
    versions.push(writer.add("one", &json!({})).version());
    denied(&writer.check(None));
    denied(&writer.put_params(&json!({"version": number(&versions[0]), "tags": "live"})));
    denied(&place.by("packages-add-blindly").add("three", &json!({})));
    let reader = place.by("packages-read");
    assert_eq!(reader.versions(Some(&versions[0])), versions);
    for (version, text) in [(&versions[1], "two"), (&versions[3], "one")] {
        assert_eq!(reader.get(version, json!({})).tree().text("app.jar").as_deref(), Some(text));
    }
}

#[test]
#[ignore = "needs a server that enforces policies: ci/seaweedfs.sh"]
fn to_add_to_tag_and_to_read() {
    let place = Enforced::new();
    let (adder, tagger) = (place.by("packages-add"), place.by("packages-tag"));
    for (n, text) in [(1, "one"), (2, "two")] {
        assert_eq!(adder.add(text, &json!({})).version(), version(n));
    }
    assert_eq!(adder.versions(Some(&version(1))), [1, 2].map(version));
    denied(&adder.put_params(&json!({"version": 1, "tags": "live"})));
    let live = tagger.clone().of_package("tag", "live");
    assert_eq!(live.put_params(&json!({"version": 1})).version(), tagged(1, "live", 1));
    assert_eq!(live.put_params(&json!({"version": "latest"})).version(), tagged(2, "live", 2));
    assert_eq!(live.put_params(&json!({"untag": "live"})).version(), tagged(2, "live", 2));
    assert_eq!(live.put_params(&json!({"version": 1})).version(), tagged(1, "live", 4));
    denied(&tagger.add("three", &json!({})));
    let reader = place.by("packages-read");
    let state = (place.ledger.state(), place.store.state());
    let followed = reader.clone().of_package("tag", "live");
    assert_eq!(followed.versions(None), [tagged(1, "live", 4)]);
    reader.get(&version(2), json!({})).tree();
    denied(&reader.add("three", &json!({})));
    denied(&reader.put_params(&json!({"version": 2, "tags": "live"})));
    assert_eq!((place.ledger.state(), place.store.state()), state);
}
