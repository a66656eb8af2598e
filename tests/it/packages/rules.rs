//! What policies allow and servers lack; what a get unpacks; where a prefix puts things.

use super::{tagged, version};
use crate::support::{BUCKET, Embedded, Inputs, Place, Tree, noise};
use s3_test_server::Deny;
use serde_json::json;

fn deny(server: &Embedded, operations: &[&str], keys: &[&str]) {
    for operation in operations {
        keys.iter().for_each(|key| server.deny(Deny::all().on(operation).key_contains(key)));
    }
}

const WRITES: [&str; 4] = ["PutObject", "CreateMultipartUpload", "CopyObject", "DeleteObject"];

/// What assets/policies/packages-add.json allows is enough to add, and not to tag.
#[test]
fn who_may_add_may_not_tag() {
    let server = Embedded::new();
    let package = server.package("app");
    deny(&server, &WRITES, &["/tags/live", "/.history/tags/"]);
    deny(&server, &["DeleteObject"], &["app/"]);
    package.add("one", &json!({})).version();
    assert_eq!(package.add(noise(1, 17 << 20), &json!({})).version(), version(2));
    let state = server.snapshot(BUCKET);
    let (error, hint) = package.put_params(&json!({"version": 1, "tags": "live"})).failure();
    assert!(error.contains("AccessDenied") && hint.contains("s3:PutObject"), "{error} {hint}");
    assert!(server.snapshot(BUCKET) == state);
}

/// And packages-tag.json to tag, and not to add.
#[test]
fn who_may_tag_may_not_add() {
    let server = Embedded::new();
    let package = server.package("app");
    package.add("one", &json!({})).version();
    deny(&server, &WRITES, &["/versions", "/tags/latest"]);
    let live = package.clone().of_package("tag", "live");
    assert_eq!(live.put_params(&json!({"version": "latest"})).version(), tagged(1, "live", 1));
    live.put_params(&json!({"untag": "live"})).version();
    assert_eq!(live.put_params(&json!({"version": 1})).version(), tagged(1, "live", 3));
    let latest = server.text("app/tags/latest");
    assert!(package.add("two", &json!({})).error().contains("AccessDenied"));
    assert_eq!(server.text("app/tags/latest"), latest);
    assert_eq!(package.versions(None), [version(1)]);
}

#[test]
fn a_server_that_ignores_conditions_is_refused_each_time() {
    let server = Embedded::with(|options| options.ignore_conditions = true);
    let package = server.package("app");
    for _ in 0..2 {
        let (error, hint) = package.add("one", &json!({})).failure();
        assert!(error.contains("ignores conditional writes"), "{error}");
        assert!(hint.contains("conditional_writes: false"), "{hint}");
        assert_eq!(server.keys(BUCKET), ["app/.history/versions.json"]);
    }
    let package = package.set("conditional_writes", false);
    let live = package.clone().of_package("tag", "live");
    for n in 1..=3 {
        assert_eq!(live.add(format!("{n}"), &json!({})).version(), tagged(n, "live", n));
    }
    assert_eq!(live.put_params(&json!({"version": 1})).version(), tagged(1, "live", 4));
    assert_eq!(package.versions(Some(&version(1))), [1, 2, 3].map(version));
    live.put_params(&json!({"untag": "live"})).version();
    assert!(server.get(BUCKET, "app/tags/live").is_none());
}

#[test]
fn a_prefix_stands_before_everything() {
    let place = Place::new();
    let package = place.package("app").set("prefix", "team/x");
    package.add("one", &json!({"tags": "live"})).version();
    assert!(place.keys().iter().all(|key| key.starts_with("team/x/")), "{:?}", place.keys());
    assert_eq!(package.get(&version(1), json!({})).tree().text("app.jar").as_deref(), Some("one"));
    assert!(place.package("app").versions(None).is_empty());
}

#[test]
fn an_archive_is_unpacked() {
    let place = Place::new();
    let package = place.package("app");
    let inputs = Inputs::of(&Tree::of("tree/bin/run", "run").with("tree/version", "theirs"));
    let tar = std::process::Command::new("tar")
        .args(["-czf", "app.tar.gz", "-C", "tree", "."])
        .current_dir(inputs.join("assets"))
        .status();
    assert!(tar.expect("tar runs").success());
    package.put(inputs.path(), &json!({"file": "assets/app.tar.*"})).version();
    let got = package.get(&version(1), json!({"unpack": true}));
    let tree = got.tree();
    assert_eq!(tree.text("bin/run").as_deref(), Some("run"));
    assert_eq!(tree.text("version").as_deref(), Some("1"), "a file of the get's own goes before");
    assert!(got.run.stderr.contains("`version` is left out"), "{}", got.run.stderr);
    assert!(tree.text("app.tar.gz").is_none());
    let plain = package.get(&version(1), json!({"unpack": false})).tree();
    assert!(plain.text("app.tar.gz").is_some());
    package.add("no archive", &json!({})).version();
    let error = package.get(&version(2), json!({"unpack": true})).nothing_but_an_error();
    assert!(error.contains("app.jar is no archive"), "{error}");
}

/// Modes are those that were recorded, without what changes who runs a file.
#[test]
fn modes_are_restored() {
    let server = Embedded::new();
    let package = server.package("app");
    package.add("one", &json!({})).version();
    let record = server.text("app/versions/1");
    for (recorded, restored) in [(0o100_600, 0o600), (0o104_755, 0o755), (0o100_664, 0o664)] {
        let text = record.replace("\"mode\":33188", &format!("\"mode\":{recorded}"));
        assert_ne!(text, record);
        server.put(BUCKET, "app/versions/1", text, &[]);
        let got = package.get(&version(1), json!({}));
        got.tree();
        let file = std::fs::metadata(got.path().join("app.jar")).expect("the file");
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.permissions().mode() & 0o7777, restored);
    }
}

#[test]
fn versions_of_another_kind_are_refused() {
    let place = Place::new();
    let package = place.package("app");
    package.add("one", &json!({"tags": "live"})).version();
    let live = package.clone().of_package("tag", "live");
    let error = |version| package.check(Some(&version)).error();
    assert!(error(json!({"commit": "x"})).contains("unknown key `commit`"));
    assert!(error(json!({"version": "01"})).contains("`01` is no number"));
    for unknown in [version(1), tagged(1, "other", 1), tagged(1, "live", 9)] {
        assert_eq!(live.versions(Some(&unknown)), [tagged(1, "live", 1)], "{unknown}");
    }
    // A pinned version of the plain resource can be fetched through the tag's, and the other way.
    live.get(&version(1), json!({})).tree();
    package.get(&tagged(1, "live", 1), json!({})).tree();
}
