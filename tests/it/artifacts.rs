//! Sets are published, found again and fetched, whatever their files are called and hold.

use crate::support::{Inputs, Place, RESERVED, Tree, commit, noise};
use serde_json::{Value, json};

fn small() -> Tree {
    Tree::of("app.zip", "an archive").with("docs/readme.txt", "read me").with("empty", "")
}

#[test]
fn a_set_is_published_found_again_and_fetched() {
    let place = Place::new();
    let resource = place.resource();
    assert!(resource.versions(None).is_empty());
    let out = resource.publish(&commit(1), &small());
    let version = json!({"commit": commit(1)});
    assert_eq!(out.version(), version);
    assert_eq!(resource.versions(None), [version.clone()]);
    assert_eq!(resource.versions(Some(&version)), [version.clone()]);
    let got = resource.get(&version, json!({}));
    assert_eq!(got.assets(), small());
    assert_eq!(got.run.version(), version);

    let before = place.state();
    let again = resource.publish(&commit(1), &small());
    assert_eq!(again.version(), version);
    assert!(again.stderr.contains("already published"), "{}", again.stderr);
    assert_eq!(place.state(), before, "the same put again writes nothing");
    let other = resource.publish(&commit(1), &Tree::of("app.zip", "other bytes"));
    assert_eq!(other.version(), version);
    assert_eq!(place.state(), before, "a published commit does not change");
}

#[test]
fn names_of_all_kinds_survive() {
    let place = Place::new();
    let tree = Tree::default()
        .with("a  b", "two spaces")
        .with("a+b", "plus")
        .with("a%2Bb", "percent")
        .with("é/ü ö.txt", "not ASCII")
        .with("a/b/c/d/e", "deep")
        .with("a b/c", "below a space")
        .with("q?x=1&y#z", "a query")
        .with("'\"<>`$!*()[]{}|;,@=~^", "punctuation")
        .with("100%", "a bare percent");
    let resource = place.resource();
    let version = resource.publish(&commit(1), &tree).version();
    assert_eq!(resource.get(&version, json!({})).assets(), tree);
    let keys = place.keys();
    for path in tree.paths() {
        let key = format!("artifacts/{}/{path}", commit(1));
        assert!(keys.contains(&key), "{key}: {keys:?}");
    }
}

#[test]
fn executable_files_stay_executable() {
    let place = Place::new();
    let tree = Tree::of("data", "d").with_program("bin/run", "#!/bin/sh\n");
    let version = place.resource().publish(&commit(1), &tree).version();
    assert_eq!(place.resource().get(&version, json!({})).assets(), tree);
}

#[test]
fn more_files_than_a_listing_has_on_a_page() {
    let place = Place::new();
    let tree = (0..2_500).fold(Tree::default(), |tree, n| {
        tree.with(&format!("d{}/f{n}", n % 7), format!("file {n}"))
    });
    let resource = place.resource();
    let out = resource.publish(&commit(1), &tree);
    assert_eq!(out.metadata("files"), "2500");
    assert_eq!(resource.get(&out.version(), json!({})).assets(), tree);
}

#[test]
fn a_large_file_travels_in_parts_or_whole() {
    for (n, whole) in [(1, false), (2, true)] {
        let place = Place::new();
        let tree = Tree::of("large.bin", noise(7, 40 << 20)).with("small", "s");
        let resource = place.resource().set("disable_multipart", whole);
        let version = resource.publish(&commit(n), &tree).version();
        assert!(resource.get(&version, json!({})).assets() == tree, "disable_multipart: {whole}");
        let head = place.head(&format!("artifacts/{}/large.bin", commit(n)));
        let in_parts = head.e_tag().is_some_and(|tag| tag.contains('-'));
        assert_eq!(in_parts, !whole, "{:?}", head.e_tag());
    }
}

#[test]
fn hidden_files_are_published_only_when_asked_for() {
    let place = Place::new();
    let tree = small().with(".hidden", "h").with(".d/x", "x").with("docs/.y", "y");
    let resource = place.resource();
    let version = resource.publish(&commit(1), &tree).version();
    assert_eq!(resource.get(&version, json!({})).assets(), small());
    let inputs = Inputs::of(&tree);
    let params = json!({"commit": commit(2), "directory": "assets", "include_hidden": true});
    let version = resource.put(inputs.path(), &params).version();
    assert_eq!(resource.get(&version, json!({})).assets(), tree);
    for name in RESERVED.into_iter().chain([".pending", ".sets/x"]) {
        let inputs = Inputs::of(&Tree::of(name, "mine"));
        let params = json!({"commit": commit(3), "directory": "assets", "include_hidden": "true"});
        let error = resource.put(inputs.path(), &params).error();
        assert!(error.contains("keeps to itself"), "{error}");
    }
}

#[test]
fn globs_choose_what_is_put_and_what_is_got() {
    let place = Place::new();
    let resource = place.resource();
    let tree = Tree::of("a.zip", "a").with("b.txt", "b").with("d/c.zip", "c").with("d/e.txt", "e");
    let inputs = Inputs::of(&tree);
    let put = |n, files: Value| {
        let params = json!({"commit": commit(n), "directory": "assets", "files": files});
        resource.put(inputs.path(), &params)
    };
    let got = |n, files: Value| {
        let params = json!({"files": files});
        resource.get(&json!({"commit": commit(n)}), params).assets()
    };
    put(1, json!("*.zip")).version();
    assert_eq!(got(1, json!([])).paths(), ["a.zip"]);
    put(2, json!(["**/*.zip", "b.txt"])).version();
    assert_eq!(got(2, json!([])).paths(), ["a.zip", "b.txt", "d/c.zip"]);
    assert_eq!(got(2, json!("d/**")).paths(), ["d/c.zip"]);
    assert_eq!(got(2, json!(["b.*", "./a.zip"])).paths(), ["a.zip", "b.txt"]);
    assert!(put(3, json!("*.tar")).error().contains("*.tar"));
    let miss = resource.get(&json!({"commit": commit(2)}), json!({"files": "*.tar"}));
    assert!(miss.nothing_but_an_error().contains("*.tar"));
}

#[test]
fn a_get_that_downloads_nothing_still_says_what_there_is() {
    let place = Place::new();
    let resource = place.resource();
    let version = resource.publish(&commit(1), &small()).version();
    let skipping = resource.clone().set("skip_download", true);
    let small_files = [".commit-hash", ".found", ".manifest.json", ".s3_uri"];
    assert_eq!(resource.get(&version, json!({"skip_download": true})).tree().paths(), small_files);
    assert_eq!(skipping.get(&version, json!({})).tree().paths(), small_files);
    assert_eq!(skipping.get(&version, json!({"skip_download": "false"})).assets(), small());
}

#[test]
fn files_and_metadata_are_those_of_the_tables() {
    let place = Place::new();
    let resource =
        place.resource().env("BUILD_URL", "https://ci.example.com/builds/7").env("BUILD_ID", "7");
    let out = resource.publish(&commit(1), &small());
    let names = ["commit", "cache_hit", "files", "size", "published_at", "build_url", "s3_uri"];
    assert_eq!(out.metadata_names(), names);
    let uri = place.uri(&format!("artifacts/{}", commit(1)));
    for (name, value) in [
        ("commit", commit(1).as_str()),
        ("cache_hit", "false"),
        ("files", "3"),
        ("size", "17 B"),
        ("build_url", "https://ci.example.com/builds/7"),
        ("s3_uri", &uri),
    ] {
        assert_eq!(out.metadata(name), value, "{name}");
    }
    assert!(out.metadata("published_at").ends_with('Z'));
    let got = place.resource().get(&out.version(), json!({}));
    assert_eq!(got.run.json(), out.json(), "a get says the same as the put");
    let tree = got.tree();
    let text = |name: &str| tree.text(name);
    assert_eq!(text(".found").as_deref(), Some(""));
    assert_eq!(text(".commit-hash"), Some(commit(1)));
    assert_eq!(text(".code-hash"), None);
    assert_eq!(text(".s3_uri"), Some(uri));
    let manifest: Value =
        serde_json::from_str(&text(".manifest.json").expect("a manifest")).expect("JSON");
    let stored = place.bytes(&format!("artifacts/{}/.manifest.json", commit(1)));
    let stored = stored.expect("a manifest");
    assert_eq!(manifest, serde_json::from_slice::<Value>(&stored).expect("JSON"));
    let paths: Vec<_> =
        manifest["files"].as_array().expect("files").iter().map(|f| f["path"].clone()).collect();
    assert_eq!(paths, ["app.zip", "docs/readme.txt", "empty"]);
}

#[test]
fn the_layout_is_that_of_s3_asset_manager() {
    let place = Place::new();
    let resource = place.resource();
    resource.publish(&commit(1), &small()).version();
    let folder = format!("artifacts/{}", commit(1));
    let want = [".manifest.json", ".pending", "app.zip", "docs/readme.txt", "empty"];
    let mut want: Vec<_> = want.iter().map(|name| format!("{folder}/{name}")).collect();
    want.push("artifacts/.history.json".to_owned());
    want.sort();
    assert_eq!(place.keys(), want);
    let head = place.head(&format!("{folder}/app.zip"));
    let metadata = head.metadata().expect("metadata");
    assert_eq!(metadata["commit-hash"], commit(1));
    let sha256 = s3_asset_resource::words::digest::Sha256::of(b"an archive").base64();
    assert_eq!(metadata["package-hash"], sha256);
}

#[test]
fn prefixes_keep_resources_apart() {
    let place = Place::new();
    let a = place.resource().set("prefix", "team-a/app");
    let b = place.resource().set("prefix", "team-b/").artifacts("artifacts_prefix", "sets");
    let (tree_a, tree_b) = (Tree::of("x", "of a"), Tree::of("x", "of b"));
    let (version_a, version_b) =
        (a.publish(&commit(1), &tree_a).version(), b.publish(&commit(1), &tree_b).version());
    assert_eq!(a.get(&version_a, json!({})).assets(), tree_a);
    assert_eq!(b.get(&version_b, json!({})).assets(), tree_b);
    assert!(place.resource().versions(None).is_empty());
    let outside = |key: &String| {
        !key.starts_with("team-a/app/artifacts/") && !key.starts_with("team-b/sets/")
    };
    assert_eq!(place.keys().into_iter().filter(outside).count(), 0);
}

#[test]
fn history_is_answered_from_any_version_on() {
    let place = Place::new();
    let resource = place.resource();
    let versions: Vec<Value> = (1..=5)
        .map(|n| resource.publish(&commit(n), &Tree::of("x", n.to_string())).version())
        .collect();
    assert_eq!(resource.versions(None), versions[4..]);
    assert_eq!(resource.clone().set("initial_history", 3).versions(None), versions[2..]);
    assert_eq!(resource.clone().set("initial_history", "99").versions(None), versions);
    assert_eq!(resource.versions(Some(&versions[1])), versions[1..]);
    assert_eq!(resource.versions(Some(&json!({"commit": commit(99)}))), versions[4..]);
}

#[test]
fn a_commit_may_come_from_a_file() {
    let place = Place::new();
    let inputs = Inputs::of(&small()).with("meta", &Tree::of("sha", format!("{}\n", commit(1))));
    let params = json!({"commit_file": "meta/sha", "directory": "assets"});
    let version = place.resource().put(inputs.path(), &params).version();
    assert_eq!(version, json!({"commit": commit(1)}));
    let params = json!({"commit_file": "meta/nothing", "directory": "assets"});
    assert!(place.resource().put(inputs.path(), &params).error().contains("meta/nothing"));
}

#[test]
fn a_put_without_a_directory_says_what_it_lacks() {
    let place = Place::new();
    let inputs = Inputs::new();
    let put = |params: Value| place.resource().put(inputs.path(), &params).error();
    assert!(put(json!({"commit": commit(1)})).contains("directory"));
    assert!(put(json!({"commit": commit(1), "directory": "nowhere"})).contains("nowhere"));
    std::fs::create_dir(inputs.join("empty")).expect("a directory");
    assert!(put(json!({"commit": commit(1), "directory": "empty"})).contains("empty"));
    assert!(place.keys().is_empty());
}

#[test]
fn symbolic_links_are_followed_inside_and_refused_outside() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    let inputs = Inputs::of(&Tree::of("d/file", "bytes")).with("other", &Tree::of("x", "secret"));
    let assets = inputs.join("assets");
    symlink("d/file", assets.join("link")).expect("a link");
    symlink("d", assets.join("directory")).expect("a link");
    let params = json!({"commit": commit(1), "directory": "assets"});
    let version = place.resource().put(inputs.path(), &params).version();
    let want = Tree::of("d/file", "bytes").with("link", "bytes").with("directory/file", "bytes");
    assert_eq!(place.resource().get(&version, json!({})).assets(), want);
    for (n, target) in ["../other/x", "../other", "/etc/passwd", "nothing", "."].iter().enumerate()
    {
        let link = assets.join("bad");
        symlink(target, &link).expect("a link");
        let params = json!({"commit": commit(2), "directory": "assets"});
        let before = place.keys();
        let error = place.resource().put(inputs.path(), &params).error();
        assert!(error.contains("symbolic link"), "{n}: {error}");
        assert_eq!(place.keys(), before, "{target}");
        std::fs::remove_file(link).expect("the link goes");
    }
}
