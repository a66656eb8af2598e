//! Others at work on the same bucket: s3-asset-manager's own programs, lifecycle rules, people.

use crate::support::{BUCKET, Checkout, Embedded, Grown, Inputs, Resource, Tree, commit};
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};
use std::sync::Arc;

fn params() -> Value {
    json!({"repository": "repo", "directory": "assets"})
}

fn built() -> Tree {
    Tree::of("app.zip", "built").with("nested/run", "x")
}

/// A bucket with a set for one commit in it, and the cache filled; a checkout that stands at another
/// commit with the same code; and the cache's folder.
fn cached(algorithm: &str) -> (Embedded, Resource, Checkout, String) {
    let server = Embedded::new();
    let resource = server.resource();
    let resource =
        resource.artifacts("code_hash", "src/**").artifacts("code_hash_algorithm", algorithm);
    let checkout = Checkout::of(&Tree::of("src/a", "a").with("README", "one"));
    checkout.input("assets", &built());
    let first = resource.put(checkout.inputs(), &params()).version();
    let folder = format!("cache/{}", first["code_hash"].as_str().expect("a hash"));
    std::fs::write(checkout.repo().join("README"), "two").expect("the file");
    checkout.commit("second");
    (server, resource, checkout, folder)
}

/// What s3-asset-manager's check does where it finds the code cached: every object goes to the
/// commit's folder, under its last name.
fn copy_as_asset_manager_does(server: &Embedded, cache: &str, to: &str) {
    for key in server.keys(BUCKET).into_iter().filter(|key| key.starts_with(cache)) {
        let object = server.get(BUCKET, &key).expect("an object");
        let name = key.rsplit('/').next().expect("a name");
        server.put_with(BUCKET, &format!("{to}/{name}"), object.bytes(), object.attributes.clone());
    }
}

#[test]
fn a_cache_that_asset_manager_copied_is_served_and_made_a_set() {
    let (server, resource, checkout, cache) = cached("md5");
    let folder = format!("artifacts/{}", checkout.head());
    copy_as_asset_manager_does(&server, &cache, &folder);
    assert!(server.get(BUCKET, &format!("{folder}/nested/run")).is_none());

    let version = json!({"commit": checkout.head()});
    assert_eq!(resource.get(&version, json!({})).assets(), built(), "a get before any put");
    checkout.input("assets", &Tree::of("app.zip", "built anew, and other"));
    let put = resource.put(checkout.inputs(), &params());
    assert_eq!(put.version()["commit"], checkout.head());
    assert_eq!(put.metadata("cache_hit"), "true");
    assert_eq!(resource.get(&put.version(), json!({})).assets(), built());
    assert_eq!(server.published(&folder), Some(built()), "a set of its own, whole");
    assert_eq!(resource.versions(None), [put.version()]);
    assert_eq!(resource.put(checkout.inputs(), &params()).version(), put.version());

    // Once more over the set, as a check that was slow would: nothing is lost.
    copy_as_asset_manager_does(&server, &cache, &folder);
    assert_eq!(resource.get(&put.version(), json!({})).assets(), built());
    assert_eq!(resource.put(checkout.inputs(), &params()).version(), put.version());
    assert_eq!(resource.versions(Some(&put.version())), [put.version()], "no second entry");
}

#[test]
fn a_copied_manifest_without_its_files_does_not_count() {
    let (server, resource, checkout, cache) = cached("md5");
    let folder = format!("artifacts/{}", checkout.head());
    copy_as_asset_manager_does(&server, &cache, &folder);
    for key in server.keys(BUCKET).into_iter().filter(|key| key.starts_with(&cache)) {
        server.remove(BUCKET, &key);
    }
    let other = Tree::of("app.zip", "built again, and other");
    checkout.input("assets", &other);
    let put = resource.put(checkout.inputs(), &params());
    assert!(put.stderr.contains("it does not count"), "{}", put.stderr);
    assert_eq!(resource.get(&put.version(), json!({})).assets(), other);
}

#[test]
fn a_damaged_cache_is_a_miss_and_filled_anew() {
    for (what, damage) in [
        ("a file is gone", "remove app.zip"),
        ("a file has other bytes", "write app.zip"),
        ("the manifest is cut", "write .manifest.json"),
        ("a lifecycle rule took everything but the manifest", "keep .manifest.json"),
        ("a lifecycle rule took the claim and the manifest", "remove .pending .manifest.json"),
    ] {
        let (server, resource, checkout, cache) = cached("sha256");
        let (verb, names) = damage.split_once(' ').expect("a verb");
        let names: Vec<String> = names.split(' ').map(|it| format!("{cache}/{it}")).collect();
        for key in server.keys(BUCKET).into_iter().filter(|key| key.starts_with(&cache)) {
            match verb {
                "remove" if names.contains(&key) => drop(server.remove(BUCKET, &key)),
                "write" if names.contains(&key) => server.put(BUCKET, &key, "{\"for", &[]),
                "keep" if !names.contains(&key) => drop(server.remove(BUCKET, &key)),
                _ => {}
            }
        }
        let other = Tree::of("app.zip", "built again, and other");
        checkout.input("assets", &other);
        let put = resource.put(checkout.inputs(), &params());
        assert_eq!(put.metadata("cache_hit"), "false", "{what}: {}", put.stderr);
        assert_eq!(put.stderr.contains("is damaged"), verb != "remove" || names.len() == 1);
        assert_eq!(resource.get(&put.version(), json!({})).assets(), other, "{what}");

        std::fs::write(checkout.repo().join("README"), "three").expect("the file");
        checkout.commit("third");
        checkout.input("assets", &Tree::of("app.zip", "not even looked at"));
        let hit = resource.put(checkout.inputs(), &params());
        assert_eq!(hit.metadata("cache_hit"), "true", "{what}: {}", hit.stderr);
        assert_eq!(resource.get(&hit.version(), json!({})).assets(), other, "{what}");
    }
}

#[test]
fn a_lost_object_of_a_set_is_healed_by_its_very_bytes() {
    let server = Embedded::new();
    let resource = server.resource();
    let version = resource.publish(&commit(1), &built()).version();
    let key = format!("artifacts/{}/nested/run", commit(1));
    for damage in ["gone", "cut"] {
        match damage {
            "gone" => drop(server.remove(BUCKET, &key)),
            _ => server.put(BUCKET, &key, "", &[]),
        }
        let put = |tree: &Tree| {
            let inputs = Inputs::of(tree);
            resource.put(inputs.path(), &json!({"commit": commit(1), "directory": "assets"}))
        };
        let other = put(&Tree::of("nested/run", "y"));
        assert!(other.error().contains("the directory has other bytes for nested/run"));
        let without = resource.put_params(&json!({"commit": commit(1)}));
        assert!(without.error().contains("the object is gone"), "{}", without.stderr);
        let healed = put(&built());
        assert_eq!(healed.version(), version, "{damage}");
        assert!(healed.stderr.contains("brought back"), "{}", healed.stderr);
        assert_eq!(resource.get(&version, json!({})).assets(), built(), "{damage}");
    }
    assert_eq!(resource.versions(Some(&version)), [version.clone()]);
}

#[test]
fn verify_repairs_from_a_directory_what_has_the_very_bytes() {
    let server = Embedded::new();
    let resource = server.resource();
    let version = resource.publish(&commit(1), &built()).version();
    let folder = format!("artifacts/{}", commit(1));
    let cases = [("gone", ""), ("other bytes of the same size", "BUILT")];
    for (what, bytes) in cases {
        let key = format!("{folder}/app.zip");
        match bytes {
            "" => drop(server.remove(BUCKET, &key)),
            bytes => server.put(BUCKET, &key, bytes, &[]),
        }
        let repair = |tree: &Tree| {
            let inputs = Inputs::of(tree);
            std::process::Command::new(env!("CARGO_BIN_EXE_s3-asset"))
                .args(["artifacts", "verify", &commit(1), "--bucket", BUCKET, "--repair"])
                .arg(inputs.join("assets"))
                .env_clear()
                .env("AWS_ACCESS_KEY_ID", server.access_key())
                .env("AWS_SECRET_ACCESS_KEY", server.secret_key())
                .env("AWS_ENDPOINT_URL", server.endpoint())
                .env("AWS_REGION", "us-east-1")
                .output()
                .expect("runs")
        };
        let text =
            |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
        let other = repair(&Tree::of("app.zip", "other"));
        assert!(!other.status.success() && text(&other).contains("1 object wrong"), "{what}");
        let same = repair(&built());
        assert!(same.status.success(), "{what}: {}", text(&same));
        assert_eq!(resource.get(&version, json!({})).assets(), built(), "{what}");
    }
}

#[test]
fn a_marker_of_a_folder_is_no_set() {
    let server = Embedded::new();
    server.put(BUCKET, &format!("artifacts/{}/", commit(1)), "", &[]);
    let resource = server.resource();
    let get = resource.get(&json!({"commit": commit(1)}), json!({}));
    get.nothing_but_an_error();
    let version = resource.publish(&commit(1), &built()).version();
    assert_eq!(resource.get(&version, json!({})).assets(), built());
}

/// Overtaken while it mends, a put looks at everything anew: what it had found in the older part of
/// the history is still there, and nothing is entered twice.
#[test]
fn a_set_is_mended_beside_a_writer_and_entered_once() {
    let server = Embedded::new();
    let (resource, tree) = (server.resource(), Tree::of("app", "built"));
    resource.publish(&commit(1), &tree).version();
    // Its entry sinks below the head.
    let grown = Grown::new(&server, 400, &[]);
    let key = format!("artifacts/{}/app", commit(1));
    server.remove(BUCKET, &key);
    let (place, at) = (s3_test_server::Handle::clone(&server), key.clone());
    let between = Action::Call(Arc::new(move |_| place.put(BUCKET, &at, "of others", &[])));
    server.fault(Fault::new(between).on("PutObject").key(&key));
    resource.publish(&commit(1), &tree).version();
    assert_eq!(server.text(&key), "built");
    let all = resource.set("initial_history", 999).versions(None);
    assert!(all == grown.since(1), "{} entries of {}", all.len(), grown.count);
}
