//! The same bytes for ever, or an error: and never anything outside the destination.

use crate::support::{BUCKET, Embedded, Got, Place, Resource, Tree, commit, noise};
use serde_json::{Value, json};
use tempfile::TempDir;

fn tree() -> Tree {
    Tree::of("d/small", "small bytes")
        .with_program("run", "#!/bin/sh")
        .with("empty", "")
        .with("large.bin", noise(3, 17 << 20))
}

fn published() -> (Embedded, Resource, Value) {
    let server = Embedded::new();
    let resource = server.resource();
    let version = resource.publish(&commit(1), &tree()).version();
    (server, resource, version)
}

fn key(path: &str) -> String {
    format!("artifacts/{}/{path}", commit(1))
}

#[test]
fn a_get_twice_is_the_same() {
    let place = Place::new();
    let resource = place.resource();
    let version = resource.publish(&commit(1), &tree()).version();
    let first = resource.clone().env("BUILD_ID", "1").get(&version, json!({}));
    resource.publish(&commit(2), &Tree::of("x", "a newer set")).version();
    let second = resource.env("BUILD_ID", "2").env("BUILD_URL", "u").get(&version, json!({}));
    assert!(first.tree() == second.tree());
    assert!(first.assets() == tree());
    assert_eq!(first.run.json(), second.run.json());
}

#[test]
fn an_object_that_changed_is_an_error_that_names_it() {
    let large = noise(3, 17 << 20);
    let mut flipped = large.clone();
    flipped[9 << 20] ^= 1;
    let cases: [(&str, Option<Vec<u8>>); 9] = [
        ("d/small", Some(b"small Bytes".to_vec())),
        ("d/small", Some(b"small".to_vec())),
        ("d/small", Some(b"small bytes and more".to_vec())),
        ("empty", Some(b"x".to_vec())),
        ("d/small", None),
        ("large.bin", Some(flipped)),
        ("large.bin", Some(large[..16 << 20].to_vec())),
        ("large.bin", Some([&large[..], b"more"].concat())),
        ("large.bin", None),
    ];
    let (server, resource, version) = published();
    let whole = server.stored();
    for (path, bytes) in cases {
        match &bytes {
            Some(bytes) => assert!(server.corrupt(BUCKET, &key(path), bytes.clone())),
            None => assert!(server.remove(BUCKET, &key(path))),
        }
        let error = resource.get(&version, json!({})).nothing_but_an_error();
        assert!(error.contains(&key(path)), "{path}: {error}");
        server.restore(&whole);
    }
    assert!(resource.get(&version, json!({})).assets() == tree());
}

#[test]
fn a_set_that_is_gone_is_an_error() {
    let (server, resource, version) = published();
    server.remove(BUCKET, &key(".manifest.json"));
    let error = resource.get(&version, json!({})).nothing_but_an_error();
    assert!(error.contains(".manifest.json"), "{error}");
    let unknown = resource.get(&json!({"commit": commit(9)}), json!({}));
    unknown.nothing_but_an_error();
}

#[test]
fn a_version_is_not_another_sets() {
    let (_server, resource, _) = published();
    let other = json!({"commit": commit(1), "code_hash": "a".repeat(64)});
    resource.get(&other, json!({})).nothing_but_an_error();
    for version in [
        json!({"commit": "../../x"}),
        json!({"commit": commit(1), "path": "x"}),
        json!({"code_hash": ".."}),
        json!({"found": "false"}),
        json!({"commit": 7}),
        json!({}),
    ] {
        resource.get(&version, json!({})).nothing_but_an_error();
    }
}

/// Gets into a directory below one that must stay as it is.
fn get_below(resource: &Resource, version: &Value) -> (Got, TempDir) {
    let outer = TempDir::new().expect("a directory");
    let inner = TempDir::new_in(outer.path()).expect("a directory");
    let got = resource.get_into(version, json!({}), inner);
    let around = std::fs::read_dir(outer.path()).expect("a directory").count();
    assert_eq!(around, 1, "nothing beside the destination");
    (got, outer)
}

#[test]
fn a_manifest_cannot_lead_outside() {
    let paths = [
        "..",
        "../x",
        "a/../../x",
        "/etc/x",
        "/",
        "",
        ".",
        "./x",
        "a/.",
        "a//b",
        "a/",
        "a\0b",
        ".manifest.json",
        ".found",
        ".pending",
        ".sets/x",
        ".commit-hash",
        ".code-hash",
        ".s3_uri",
    ];
    let (server, resource, version) = published();
    let manifest: Value =
        serde_json::from_str(&server.text(&key(".manifest.json"))).expect("a manifest");
    let refused = |change: &dyn Fn(&mut Value), what: &str| {
        let mut changed = manifest.clone();
        change(&mut changed);
        let bytes = serde_json::to_vec(&changed).expect("JSON");
        server.put(BUCKET, &key(".manifest.json"), bytes, &[]);
        let (got, _outer) = get_below(&resource, &version);
        let error = got.nothing_but_an_error();
        assert!(error.contains(".manifest.json"), "{what}: {error}");
    };
    for path in paths {
        refused(&|it| it["files"][0]["path"] = path.into(), path);
    }
    let keys = [
        "x".to_owned(),
        format!("artifacts/{}/x", commit(2)),
        format!("artifacts/{}/../{}/x", commit(1), commit(2)),
        key("/x"),
        key(""),
        "\0".to_owned(),
        "x".repeat(1_025),
    ];
    for outside in &keys {
        refused(&|it| it["files"][0]["key"] = outside.as_str().into(), outside);
    }
    refused(&|it| it["files"][1]["path"] = it["files"][0]["path"].clone(), "twice");
    refused(&|it| it["files"][0]["mode"] = "4755".into(), "a mode");
    refused(&|it| it["files"][0]["size"] = 1.into(), "a size");
    refused(&|it| it["format"] = "s3-asset-set/2".into(), "a format");
    refused(&|it| *it = json!([]), "no map");
}

/// What s3-asset-manager's folder holds is not ours to choose.
#[test]
fn a_listing_cannot_lead_outside() {
    for path in ["../x", "/x", "a/../../x", "./x", "a//b"] {
        let server = Embedded::new();
        server.put(BUCKET, &key("app"), "fine", &[]);
        server.put(BUCKET, &key(path), "not fine", &[]);
        let (got, _outer) = get_below(&server.resource(), &json!({"commit": commit(1)}));
        got.nothing_but_an_error();
    }
}

#[test]
fn a_symbolic_link_in_the_destination_leads_nowhere() {
    let (_server, resource, version) = published();
    let (outside, directory) =
        (TempDir::new().expect("a directory"), TempDir::new().expect("a directory"));
    std::os::unix::fs::symlink(outside.path(), directory.path().join("d")).expect("a link");
    let got = resource.get_into(&version, json!({}), directory);
    assert!(got.run.error().contains("in the way"));
    assert_eq!(Tree::read(outside.path()), Tree::default());

    let directory = TempDir::new().expect("a directory");
    let victim = outside.path().join("victim");
    std::fs::write(&victim, "as it was").expect("the file");
    std::os::unix::fs::symlink(&victim, directory.path().join("run")).expect("a link");
    let got = resource.get_into(&version, json!({}), directory);
    assert!(got.assets() == tree());
    assert_eq!(std::fs::read_to_string(victim).expect("the file"), "as it was");
}
