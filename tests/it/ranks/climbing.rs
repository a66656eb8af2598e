//! The main job: up, rank by rank, and back; and what is refused.

use super::support::{FILE, at, promote, put, roll_back, upload, version};
use crate::support::{Inputs, Place, Tree, noise};
use serde_json::json;

fn shown(place: &Place, rank: &str) -> (String, String, String) {
    let key = format!("{rank}/{FILE}");
    let metadata = place.head(&key).metadata.unwrap_or_default();
    let of = |name: &str| metadata.get(name).cloned().unwrap_or_default();
    let bytes = place.bytes(&key).expect("the rank's object");
    (of("version"), of("promotion"), String::from_utf8_lossy(&bytes).into_owned())
}

fn triple(version: &str, promotion: u64, bytes: &str) -> (String, String, String) {
    (version.to_owned(), promotion.to_string(), bytes.to_owned())
}

#[test]
fn a_release_climbs_and_goes_back() {
    let place = Place::new();
    let [qa, staging, production] = super::support::RANKS.map(|rank| at(&place.resource(), rank));
    assert!(qa.versions(None).is_empty());

    assert_eq!(upload(&qa, "1.0", "one").version(), version("1.0", 1));
    assert_eq!(upload(&qa, "2.0", "two").version(), version("2.0", 2));
    assert_eq!(qa.versions(None), [version("2.0", 2)]);
    assert_eq!(qa.versions(Some(&version("1.0", 1))), [version("1.0", 1), version("2.0", 2)]);
    assert_eq!(shown(&place, "qa"), triple("2.0", 2, "two"));
    assert_eq!(place.bytes("archive/1.0/my.tar.gz").as_deref(), Some(&b"one"[..]));

    // The one named, not the one that stands there now; then, by default, that one.
    assert_eq!(promote(&staging, "1.0").version(), version("1.0", 1));
    assert_eq!(shown(&place, "staging"), triple("1.0", 1, "one"));
    let by_default = put(&staging, &json!({}));
    assert_eq!(by_default.version(), version("2.0", 2));
    assert_eq!(by_default.metadata("from"), "qa #2");
    assert_eq!(shown(&place, "staging"), triple("2.0", 2, "two"));
    assert_eq!(promote(&production, "2.0").version(), version("2.0", 1));

    // Going back is a version that nobody has seen, and climbs on.
    let back = roll_back(&qa, "1.0");
    assert_eq!(back.version(), version("1.0", 3));
    assert_eq!(back.metadata("rollback"), "true");
    assert_eq!(qa.versions(Some(&version("2.0", 2))), [version("2.0", 2), version("1.0", 3)]);
    assert_eq!(shown(&place, "qa"), triple("1.0", 3, "one"));
    assert_eq!(put(&staging, &json!({})).version(), version("1.0", 3));
    assert_eq!(shown(&place, "staging"), triple("1.0", 3, "one"));

    let got = production.get(&version("2.0", 1), json!({})).tree();
    assert_eq!(got.text(FILE).as_deref(), Some("two"));
    assert_eq!(got.text("version").as_deref(), Some("2.0"));
    assert_eq!(got.text("rank").as_deref(), Some("production"));
    assert_eq!(got.text("s3_uri"), Some(place.uri("archive/2.0/my.tar.gz")));
    assert!(got.text("url").is_some_and(|url| url.ends_with("/archive/2.0/my.tar.gz")));
    let about: serde_json::Value =
        serde_json::from_str(&got.text("promotion.json").expect("it is there")).expect("JSON");
    assert_eq!(about["from"], json!({"rank": "staging", "promotion": 2}));
    assert_eq!(got.len(), 6);
}

#[test]
fn the_same_put_again_writes_nothing() {
    let place = Place::new();
    let [qa, staging, _] = super::support::RANKS.map(|rank| at(&place.resource(), rank));
    upload(&qa, "1.0", "one").json();
    promote(&staging, "1.0").json();
    let state = place.state();
    assert_eq!(upload(&qa, "1.0", "one").version(), version("1.0", 1));
    assert_eq!(promote(&staging, "1.0").version(), version("1.0", 1));
    assert_eq!(put(&staging, &json!({})).version(), version("1.0", 1));
    assert_eq!(roll_back(&staging, "1.0").version(), version("1.0", 1));
    assert_eq!(place.state(), state);

    // However long ago: another stands there now, and a rerun does not take it away.
    upload(&qa, "2.0", "two").json();
    put(&staging, &json!({})).json();
    let state = place.state();
    let again = upload(&qa, "1.0", "one");
    assert_eq!(again.version(), version("1.0", 1));
    assert!(again.stderr.contains("2.0 is there now: nothing is changed"), "{}", again.stderr);
    assert_eq!(promote(&staging, "1.0").version(), version("1.0", 1));
    assert_eq!(place.state(), state);
    // Without a version, the same bytes are what stands there.
    let inputs = Inputs::of(&Tree::of("f", "two"));
    let unnamed = json!({"file": "assets/f"});
    assert_eq!(qa.put(inputs.path(), &unnamed).version(), version("2.0", 2));
    assert_eq!(place.state(), state);
}

#[test]
fn what_is_refused_changes_nothing() {
    let place = Place::new();
    let [qa, staging, production] = super::support::RANKS.map(|rank| at(&place.resource(), rank));
    const SKIP: &str = "could not promote, trying to skip rank?: ";
    let empty = place.state();
    assert_eq!(
        put(&staging, &json!({})).error(),
        format!("{SKIP}nothing of my.tar.gz stands at the rank `qa`")
    );
    assert_eq!(place.state(), empty);
    upload(&qa, "1.0", "one").json();
    upload(&qa, "2.0", "two").json();
    promote(&staging, "1.0").json();
    let state = place.state();
    let cases = [
        (
            promote(&production, "2.0"),
            format!("{SKIP}version 2.0 of my.tar.gz never stood at the rank `staging`"),
        ),
        (
            promote(&staging, "3.0"),
            format!("{SKIP}version 3.0 of my.tar.gz never stood at the rank `qa`"),
        ),
        (
            roll_back(&staging, "2.0"),
            "could not roll back: version 2.0 of my.tar.gz never stood at the rank `staging`"
                .into(),
        ),
        (
            roll_back(&production, "1.0"),
            "could not roll back: version 1.0 of my.tar.gz never stood at the rank `production`"
                .into(),
        ),
        (
            upload(&qa, "1.0", "uno"),
            "could not promote: version 1.0 of my.tar.gz is archived with other bytes".into(),
        ),
        (put(&qa, &json!({})), "params.file: missing, and `qa` is the first rank".into()),
        (
            put(&staging, &json!({"file": "x"})),
            "params.file: files are uploaded to the rank `qa` only".into(),
        ),
        (put(&qa, &json!({"file": "x/*.gz"})), "params.file: `x/*.gz` matches no file".into()),
        (
            put(&at(&place.resource(), "prod"), &json!({})),
            "source.promotion.rank: invalid rank: `prod` is none of the ranks".into(),
        ),
        (upload(&qa, "a/../b", "x"), "params.version: the version `a/../b` has a name".into()),
        (upload(&qa, &"x".repeat(1000), "x"), "params.version: the version `xxx".into()),
        (
            qa.get(&version("1.0", 2), json!({})).run,
            "promotion 2 to the rank `qa` is not of version 1.0".into(),
        ),
        (
            qa.get(&version("1.0", 9), json!({})).run,
            "promotion 9 to the rank `qa` is not of version 1.0".into(),
        ),
    ];
    for (run, want) in cases {
        let error = run.error();
        assert!(error.starts_with(&want), "{error}\n{want}");
    }
    assert_eq!(place.state(), state);
}

#[test]
fn the_file_is_one_that_a_glob_matches() {
    let place = Place::new();
    let qa = at(&place.resource(), "qa");
    let tree = Tree::of("a/my-1.tar.gz", "1").with("b/my-2.tar.gz", "2").with(".my-3.gz", "3");
    let inputs = Inputs::of(&tree).with("v", &Tree::of("version", " 7.0 \n"));
    let put =
        |file: &str| qa.put(inputs.path(), &json!({"file": file, "version_file": "v/version"}));
    for (glob, want) in [
        ("assets/*.tar.gz", "params.file: `assets/*.tar.gz` matches no file"),
        (
            "assets/*/*.gz",
            "params.file: `assets/*/*.gz` matches 2 files: assets/a/my-1.tar.gz, assets/b/my-2.tar.gz",
        ),
        ("assets/**/my*", "params.file: `assets/**/my*` matches 2 files"),
        ("nowhere/f", "params.file: `nowhere/f` matches no file"),
        ("../etc/passwd", "params.file: the path `../etc/passwd` leads out"),
        ("assets/[", "params.file"),
    ] {
        let error = put(glob).error();
        assert!(error.starts_with(want), "{error}");
    }
    assert_eq!(put("./assets/a/my-?.tar.gz").version(), version("7.0", 1));
    let unnamed = qa.put(inputs.path(), &json!({"file": "assets/b/my-2.tar.gz"})).version();
    let text = unnamed["version"].as_str().expect("a version");
    assert!(text.len() == 20 && text.starts_with("20") && text.ends_with('Z'), "{text}");
}

#[test]
fn versions_with_odd_characters() {
    let place = Place::new();
    let [qa, staging, _] = super::support::RANKS.map(|rank| at(&place.resource(), rank));
    let long = "x".repeat(200);
    let odd =
        ["1.0 rc 1", "1.0+build.7", "feature/x", "a..b", "50%25", "q?a#b&c=d", "it's \"q\"", &long];
    for (n, text) in (1..).zip(odd) {
        let bytes = format!("bytes of {text}");
        assert_eq!(upload(&qa, text, bytes.clone()).version(), version(text, n));
        assert_eq!(promote(&staging, text).version(), version(text, n));
        let got = staging.get(&version(text, n), json!({})).tree();
        assert_eq!(got.text(FILE), Some(bytes));
        assert_eq!(got.text("version").as_deref(), Some(text));
    }
    let every = staging.clone().set("initial_history", 99);
    let want: Vec<_> = (1..).zip(odd).map(|(n, text)| version(text, n)).collect();
    assert_eq!(every.versions(None), want);
}

#[test]
fn a_large_file_climbs_in_parts_and_keeps_its_headers() {
    let place = Place::new();
    let [qa, staging, _] = super::support::RANKS.map(|rank| at(&place.resource(), rank));
    let inputs = Inputs::of(&Tree::of("f", noise(7, 17 << 20)));
    let params = json!({
        "file": "assets/f", "version": "1.0", "content_type": "application/x-mine",
        "cache_control": "max-age=60", "object_metadata": {"colour": "red"},
    });
    qa.put(inputs.path(), &params).json();
    put(&staging, &json!({"object_metadata": {"team": "a"}})).json();
    for key in ["archive/1.0/my.tar.gz", "qa/my.tar.gz", "staging/my.tar.gz"] {
        let head = place.head(key);
        assert_eq!(head.content_type.as_deref(), Some("application/x-mine"), "{key}");
        assert_eq!(head.cache_control.as_deref(), Some("max-age=60"), "{key}");
        let metadata = head.metadata.unwrap_or_default();
        assert_eq!(metadata.get("colour").map(String::as_str), Some("red"), "{key}");
        assert_eq!(metadata.contains_key("team"), key.starts_with("staging"), "{key}");
        assert!(place.bytes(key).as_deref() == Some(&noise(7, 17 << 20)[..]), "{key}");
    }
    assert!(staging.get(&version("1.0", 1), json!({})).tree().text(FILE).is_some());
}
