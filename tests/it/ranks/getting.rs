//! A get is a pure function of its version, and every byte of it is checked.

use super::support::{FILE, at, promote, roll_back, upload, version};
use crate::support::{BUCKET, Embedded, Inputs, Place, Tree, git};
use serde_json::json;

/// A gzipped tar with one file, made by git.
fn archive(name: &str, text: &str) -> Vec<u8> {
    let inputs = Inputs::new().with("repo", &Tree::of(name, text));
    let repo = inputs.join("repo");
    git(&repo, &["init", "--quiet"]);
    git(&repo, &["add", "--all"]);
    git(&repo, &["commit", "--quiet", "--message", "m"]);
    git(&repo, &["archive", "--format=tar.gz", "--output=../a.tgz", "HEAD"]);
    std::fs::read(inputs.join("a.tgz")).expect("the archive")
}

#[test]
fn what_comes_later_changes_nothing() {
    let place = Place::new();
    let [qa, staging, _] = super::support::RANKS.map(|rank| at(&place.resource(), rank));
    upload(&qa, "1.0", "one").json();
    promote(&staging, "1.0").json();
    let before = staging.get(&version("1.0", 1), json!({}));
    let (answer, tree) = (before.run.stdout.clone(), before.tree());
    upload(&qa, "2.0", "two").json();
    promote(&staging, "2.0").json();
    roll_back(&staging, "1.0").json();
    // What s3p, or anybody, does at the rank plays no part either.
    place.put(&format!("staging/{FILE}"), b"else", &[("version", "9.9")]);
    let after = staging.get(&version("1.0", 1), json!({}));
    assert_eq!(after.run.stdout, answer);
    assert_eq!(after.tree(), tree);
    // The next put makes the rank's object agree with the history again.
    roll_back(&staging, "1.0").json();
    assert_eq!(place.bytes(&format!("staging/{FILE}")).as_deref(), Some(&b"one"[..]));
}

#[test]
fn a_release_is_unpacked_or_left_where_it_is() {
    let place = Place::new();
    let qa = at(&place.resource(), "qa");
    upload(&qa, "1.0", archive("bin/run", "the program")).json();
    let got = qa.get(&version("1.0", 1), json!({"unpack": true})).tree();
    assert_eq!(got.text("bin/run").as_deref(), Some("the program"));
    assert!(!got.paths().contains(&FILE));
    assert_eq!(got.text("version").as_deref(), Some("1.0"));
    let beside = qa.get(&version("1.0", 1), json!({"unpack_into": "app", "keep_archive": true}));
    assert_eq!(beside.tree().text("app/bin/run").as_deref(), Some("the program"));
    assert!(beside.tree().paths().contains(&FILE));
    let error = qa.get(&version("1.0", 1), json!({"unpack_into": "rank/a"})).nothing_but_an_error();
    assert!(error.contains("params.unpack_into: `rank` is a file that this resource writes"));
    let about = ["promotion.json", "rank", "s3_uri", "url", "version"];
    for (resource, params) in [
        (qa.clone(), json!({"skip_download": "true"})),
        (qa.clone().set("skip_download", true), json!({})),
        (qa.clone().set("skip_download", true), json!({"unpack": true})),
    ] {
        assert_eq!(resource.get(&version("1.0", 1), params).tree().paths(), about);
    }
    let anyway =
        qa.set("skip_download", true).get(&version("1.0", 1), json!({"skip_download": false}));
    assert!(anyway.tree().paths().contains(&FILE));
}

#[test]
fn a_directory_is_packed_and_comes_out_again() {
    let place = Place::new();
    let qa = at(&place.resource(), "qa");
    let inputs = Inputs::of(&Tree::of("bin/run", "the program").with(".hidden", "h"));
    let params = json!({"file": "assets", "pack": "tar.zst", "version": "1.0"});
    assert_eq!(qa.put(inputs.path(), &params).version(), version("1.0", 1));
    // Packed again, it is the same.
    assert_eq!(qa.put(inputs.path(), &params).version(), version("1.0", 1));
    assert_eq!(std::fs::read_dir(inputs.path()).expect("inputs").count(), 1, "nothing stays");
    let got = qa.get(&version("1.0", 1), json!({"unpack_into": "a"})).tree();
    assert_eq!(got.text("a/bin/run").as_deref(), Some("the program"));
    assert_eq!(got.text("a/.hidden").as_deref(), Some("h"));
    let app = place.resource().unset("artifacts").set("package", json!({"name": "app"}));
    let added = app.put(inputs.path(), &json!({"file": "assets/", "pack": "zip"})).version();
    let got = app.get(&added, json!({})).tree();
    assert!(got.paths().contains(&"assets.zip"), "{:?}", got.paths());
}

#[test]
fn bytes_that_are_not_those_that_were_archived_are_refused() {
    let server = Embedded::new();
    let [qa, staging, _] = super::support::RANKS.map(|rank| at(&server.resource(), rank));
    upload(&qa, "1.0", "one").json();
    let key = format!("archive/1.0/{FILE}");
    server.corrupt(BUCKET, &key, "uno");
    let error = qa.get(&version("1.0", 1), json!({})).nothing_but_an_error();
    assert!(error.contains("not the bytes that were published"), "{error}");
    // Longer, it is not promoted either; gone, it is said to be gone; and nothing is changed.
    server.corrupt(BUCKET, &key, "more than one");
    let state = server.snapshot(BUCKET);
    let error = promote(&staging, "1.0").error();
    assert!(error.contains("not the bytes that were published"), "{error}");
    assert_eq!(server.snapshot(BUCKET), state);
    server.remove(BUCKET, &key);
    let error = promote(&staging, "1.0").error();
    assert!(error.contains("the object is gone"), "{error}");
    qa.get(&version("1.0", 1), json!({})).nothing_but_an_error();
    assert!(staging.versions(None).is_empty());
    // The very bytes heal it, whether it is gone or written over; others are refused.
    for text in [None, Some("more than one")] {
        match text {
            None => drop(server.remove(BUCKET, &key)),
            Some(text) => drop(server.corrupt(BUCKET, &key, text)),
        }
        let error = upload(&qa, "1.0", "two").error();
        assert!(error.contains("is archived with other bytes"), "{error}");
        assert_eq!(upload(&qa, "1.0", "one").version(), version("1.0", 1));
        assert_eq!(qa.get(&version("1.0", 1), json!({})).tree().text(FILE).as_deref(), Some("one"));
    }
    assert_eq!(promote(&staging, "1.0").version(), version("1.0", 1));
}

#[test]
fn a_file_may_lie_in_a_folder() {
    let place = Place::new();
    let mut qa = at(&place.resource(), "qa").set("prefix", "team/app");
    qa.source["promotion"]["file"] = "linux/amd64/tool".into();
    qa.source["promotion"]["archive_prefix"] = "kept/here".into();
    upload(&qa, "1.0", "one").json();
    let got = qa.get(&version("1.0", 1), json!({})).tree();
    assert_eq!(got.text("tool").as_deref(), Some("one"));
    let keys = place.keys();
    for key in [
        "team/app/qa/linux/amd64/tool",
        "team/app/qa/.history/linux/amd64/tool.json",
        "team/app/kept/here/1.0/linux/amd64/tool",
        "team/app/kept/here/1.0/linux/amd64/.tool/release.json",
    ] {
        assert!(keys.iter().any(|it| it == key), "{key} is not in {keys:?}");
    }
    // Version `1.0/linux/amd64` of `tool` would lie there, too.
    let mut other = qa.clone();
    other.source["promotion"]["file"] = "tool".into();
    let state = place.state();
    let error = upload(&other, "1.0/linux/amd64", "two").error();
    assert!(error.contains("would lie where version 1.0 of linux/amd64/tool does"), "{error}");
    let added: Vec<_> = place.keys().into_iter().filter(|key| !state.contains_key(key)).collect();
    assert!(added.is_empty(), "refused before anything was written: {added:?}");
}
