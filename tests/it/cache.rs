//! Code that was built before is not built again: code hashes, the cache, lookups, followed code.

use crate::support::{Checkout, Place, Resource, Tree, commit};
use serde_json::{Value, json};

fn code() -> Tree {
    Tree::of("src/a.py", "a").with("src/b/c.py", "c").with("README", "one")
}

fn params() -> Value {
    json!({"repository": "repo", "directory": "assets"})
}

/// Commits a change of this file.
fn change(checkout: &Checkout, path: &str, text: &str) -> String {
    std::fs::write(checkout.repo().join(path), text).expect("the file");
    checkout.commit(text)
}

fn cached(place: &Place) -> Resource {
    place.resource().artifacts("code_hash", "src/**")
}

#[test]
fn the_same_code_is_found_with_every_algorithm() {
    for algorithm in ["sha256", "git-tree", "md5"] {
        let place = Place::new();
        let resource = cached(&place).artifacts("code_hash_algorithm", algorithm);
        let checkout = Checkout::of(&code());
        let built = Tree::of("app.zip", "built").with_program("d/run", "x");
        checkout.input("assets", &built);
        let first = resource.put(checkout.inputs(), &params());
        assert_eq!(first.metadata("cache_hit"), "false");

        let second = change(&checkout, "README", "two");
        checkout.input("assets", &Tree::of("app.zip", "built again, otherwise"));
        let hit = resource.put(checkout.inputs(), &params());
        assert_eq!(hit.metadata("cache_hit"), "true", "{algorithm}");
        assert_eq!(hit.version()["commit"], second);
        assert_eq!(hit.version()["code_hash"], first.version()["code_hash"]);
        let got = resource.get(&hit.version(), json!({}));
        assert_eq!(got.assets(), built, "{algorithm}");
        let hash = hit.version()["code_hash"].as_str().expect("a hash").to_owned();
        assert_eq!(got.tree().text(".code-hash"), Some(hash.clone()));
        assert_eq!(hash.len(), if algorithm == "md5" { 32 } else { 64 });
        for folder in [format!("cache/{hash}"), format!("artifacts/{second}")] {
            let head = place.head(&format!("{folder}/app.zip"));
            assert_eq!(head.metadata().expect("metadata")["code-hash"], hash, "{folder}");
        }

        change(&checkout, "src/a.py", "changed");
        let other = Tree::of("app.zip", "of other code");
        checkout.input("assets", &other);
        let miss = resource.put(checkout.inputs(), &params());
        assert_eq!(miss.metadata("cache_hit"), "false", "{algorithm}");
        assert_ne!(miss.version()["code_hash"], hash.as_str());
        assert_eq!(resource.get(&miss.version(), json!({})).assets(), other);
        assert_eq!(resource.versions(Some(&first.version())).len(), 3);
    }
}

#[test]
fn a_dirty_checkout_is_said() {
    let place = Place::new();
    let checkout = Checkout::of(&code());
    checkout.input("assets", &Tree::of("x", "x"));
    std::fs::write(checkout.repo().join("src/a.py"), "not committed").expect("the file");
    let out = cached(&place).put(checkout.inputs(), &params());
    out.version();
    assert!(out.stderr.contains("warning: ") && out.stderr.contains("src/a.py"), "{}", out.stderr);
}

#[test]
fn a_lookup_tells_a_miss_from_a_hit_and_writes_nothing() {
    let place = Place::new();
    let (builder, lookup) = (cached(&place), cached(&place).artifacts("lookup", true));
    let checkout = Checkout::of(&code());
    let built = Tree::of("app.zip", "built");
    checkout.input("assets", &built);
    let ask = json!({"repository": "repo"});
    let miss = lookup.put(checkout.inputs(), &ask);
    let version = miss.version();
    assert_eq!(version["found"], "false");
    assert_eq!(version["commit"], checkout.head());
    let hash = version["code_hash"].clone();
    assert_eq!(lookup.put(checkout.inputs(), &params()).version(), version);
    assert!(place.keys().is_empty(), "a miss writes nothing: {:?}", place.keys());
    let got = lookup.get(&version, json!({}));
    assert_eq!(got.tree().paths(), [".code-hash", ".commit-hash"]);
    assert_eq!(got.tree().text(".commit-hash"), Some(checkout.head()));
    assert!(lookup.versions(None).is_empty());
    assert_eq!(lookup.versions(Some(&version)), [version.clone()]);

    let published = builder.put(checkout.inputs(), &params()).version();
    let before = place.state();
    let hit = lookup.put(checkout.inputs(), &ask);
    assert_eq!(hit.version(), published);
    assert_eq!(hit.version(), json!({"commit": checkout.head(), "code_hash": hash}));
    assert_eq!(place.state(), before, "a hit writes nothing");
    let got = lookup.get(&hit.version(), json!({}));
    assert_eq!(got.assets(), built);
    assert_eq!(got.tree().text(".found").as_deref(), Some(""));

    change(&checkout, "README", "two");
    let cache_hit = lookup.put(checkout.inputs(), &ask);
    assert_eq!(cache_hit.version(), json!({"commit": checkout.head(), "code_hash": hash}));
    assert_eq!(cache_hit.metadata("cache_hit"), "true");
    assert_eq!(lookup.get(&cache_hit.version(), json!({})).assets(), built);
}

#[test]
fn followed_code_is_a_new_version_only_when_it_changed() {
    let place = Place::new();
    let resource = cached(&place).artifacts("follow", "code").set("initial_history", 9);
    let checkout = Checkout::of(&code());
    let put = |text: &str| {
        checkout.input("assets", &Tree::of("x", text));
        resource.put(checkout.inputs(), &params()).version()
    };
    let one = put("one");
    assert_eq!(one.as_object().expect("a map").len(), 1, "only the code hash: {one}");
    change(&checkout, "README", "two");
    assert_eq!(put("two"), one);
    assert_eq!(resource.versions(None), [one.clone()]);
    change(&checkout, "src/a.py", "other");
    let other = put("three");
    assert_eq!(resource.versions(None), [one.clone(), other.clone()]);
    assert_eq!(resource.get(&one, json!({})).assets(), Tree::of("x", "one"));
    assert_eq!(resource.get(&other, json!({})).assets(), Tree::of("x", "three"));
    change(&checkout, "src/a.py", "a");
    assert_eq!(put("four"), one);
    assert_eq!(resource.versions(Some(&other)), [other, one.clone()], "a return to older code");
    let by_commit = cached(&place).set("initial_history", 9);
    assert_eq!(by_commit.versions(None).len(), 4);
}

#[test]
fn what_cannot_be_hashed_is_an_error() {
    let place = Place::new();
    let checkout = Checkout::of(&code());
    checkout.input("assets", &Tree::of("x", "x"));
    let nothing = place.resource().artifacts("code_hash", "lib/**");
    assert!(nothing.put(checkout.inputs(), &params()).error().contains("lib/**"));
    let no_code = place.resource().artifacts("follow", "code");
    assert!(no_code.put(checkout.inputs(), &params()).error().contains("code_hash"));
    assert!(place.keys().is_empty());
    let no_repository = json!({"commit": commit(1), "directory": "assets"});
    let out = cached(&place).put(checkout.inputs(), &no_repository);
    assert_eq!(out.version(), json!({"commit": commit(1)}));
    assert!(out.stderr.contains("no code hash"), "{}", out.stderr);
}

#[test]
fn a_set_that_s3_asset_manager_uploaded_is_found_fetched_and_cached() {
    let place = Place::new();
    let resource = cached(&place).artifacts("code_hash_algorithm", "md5");
    let checkout = Checkout::of(&code());
    let old = checkout.head();
    let hash =
        |bytes: &str| s3_asset_resource::words::digest::Sha256::of(bytes.as_bytes()).base64();
    let set = Tree::of("app.zip", "old").with("d/e", "deep");
    for (path, bytes) in [("app.zip", "old"), ("d/e", "deep")] {
        let facts = [("commit-hash", old.as_str()), ("package-hash", &hash(bytes))];
        place.put(&format!("artifacts/{old}/{path}"), bytes.as_bytes(), &facts);
    }
    let found = resource.put(checkout.inputs(), &json!({"repository": "repo"}));
    assert_eq!(found.version(), json!({"commit": old}));
    assert!(found.stderr.contains("s3-asset-manager"), "{}", found.stderr);
    assert_eq!(resource.versions(None), [found.version()]);
    let got = resource.get(&found.version(), json!({}));
    assert_eq!(got.assets(), set);
    assert_eq!(got.tree().text(".commit-hash"), Some(old.clone()));
    assert_eq!(got.run.metadata("files"), "2");
    let listed = resource.get(&found.version(), json!({"files": "d/*"}));
    assert_eq!(listed.assets().paths(), ["d/e"]);

    // Its cache: below the md5 of the code, without a manifest.
    let lookup = resource.clone().artifacts("lookup", true);
    change(&checkout, "README", "two");
    let version = lookup.put(checkout.inputs(), &json!({"repository": "repo"})).version();
    let code_hash = version["code_hash"].as_str().expect("a hash").to_owned();
    for (path, bytes) in [("app.zip", "old"), ("d/e", "deep")] {
        let facts = [("code-hash", code_hash.as_str()), ("package-hash", &hash(bytes))];
        place.put(&format!("cache/{code_hash}/{path}"), bytes.as_bytes(), &facts);
    }
    let hit = resource.put(checkout.inputs(), &json!({"repository": "repo"}));
    assert_eq!(hit.version(), json!({"commit": checkout.head(), "code_hash": code_hash}));
    assert_eq!(resource.get(&hit.version(), json!({})).assets(), set);
    assert_eq!(resource.versions(Some(&found.version())), [found.version(), hit.version()]);
}

/// What is left out is no code, by either algorithm, on disk or in git; and no file of a set.
#[test]
fn what_patterns_leave_out_makes_no_other_code_and_no_file() {
    for algorithm in ["sha256", "git-tree"] {
        let place = Place::new();
        let resource = place
            .resource()
            .artifacts("code_hash", json!(["src/**", "!src/**/test_*"]))
            .artifacts("code_hash_algorithm", algorithm);
        let checkout = Checkout::of(&Tree::of("src/a", "a").with("src/deep/test_a", "1"));
        checkout
            .input("assets", &Tree::of("app.js", "js").with("lib.js", "l").with("app.js.map", "m"));
        let params = json!({"repository": "repo", "directory": "assets", "files": "!**/*.map"});
        let first = resource.put(checkout.inputs(), &params);
        let version = first.version();
        let whole = Tree::of("app.js", "js").with("lib.js", "l");
        assert_eq!(resource.get(&version, json!({})).assets(), whole);
        let part = resource.get(&version, json!({"files": ["!lib*", "**"]}));
        assert_eq!(part.assets(), Tree::of("app.js", "js"), "{algorithm}");
        std::fs::write(checkout.repo().join("src/deep/test_a"), "2").expect("the file");
        checkout.commit("another test");
        let cached = resource.put(checkout.inputs(), &params);
        assert_eq!(cached.version()["code_hash"], version["code_hash"], "{algorithm}");
        std::fs::write(checkout.repo().join("src/a"), "b").expect("the file");
        checkout.commit("other code");
        let other = resource.put(checkout.inputs(), &params).version();
        assert_ne!(other["code_hash"], version["code_hash"], "{algorithm}");
    }
    let place = Place::new();
    let md5 = place.resource().artifacts("code_hash", json!(["src/**", "!src/x"]));
    let checkout = Checkout::of(&Tree::of("src/a", "a"));
    checkout.input("assets", &Tree::of("app.js", "js"));
    let md5 = md5.artifacts("code_hash_algorithm", "md5").put(checkout.inputs(), &params());
    let (error, _) = md5.failure();
    assert!(error.contains("!src/x") && error.contains("`md5` leaves nothing out"), "{error}");
}
