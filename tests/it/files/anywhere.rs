//! The file tracks on whichever server the suite runs.

use super::{id, path, put};
use crate::support::{Place, Resource, noise};
use serde_json::{Value, json};

const LARGE: usize = 20 << 20;

fn bytes_of(app: &Resource, version: &Value, name: &str) -> Vec<u8> {
    let got = app.get(version, json!({}));
    assert!(got.run.succeeded(), "{version}: {}", got.run.stderr);
    std::fs::read(got.path().join(name)).expect("the file")
}

#[test]
fn files_that_a_pattern_names() {
    let place = Place::new();
    let app = place.resource().unset("artifacts").set("regexp", "r/a b%20&é/app-(.*).bin");
    assert_eq!(app.versions(None), [] as [Value; 0]);
    let sizes = [("9", 9), ("10", LARGE), ("10.1", 0)];
    for (seed, (version, size)) in (1..).zip(sizes) {
        let run = put(&app, &format!("app-{version}.bin"), &noise(seed, size), json!({}));
        assert_eq!(run.version(), path(&format!("r/a b%20&é/app-{version}.bin")));
    }
    let all = app.versions(Some(&path("r/a b%20&é/app-9.bin")));
    let want = sizes.map(|(version, _)| path(&format!("r/a b%20&é/app-{version}.bin")));
    assert_eq!(all, want);
    assert_eq!(app.versions(None), want[2..]);
    for (seed, ((version, size), at)) in (1..).zip(sizes.iter().zip(&all)) {
        let got = bytes_of(&app, at, &format!("app-{version}.bin"));
        assert!(got == noise(seed, *size), "{version}");
    }
    // Written by something else, without a word of its SHA-256.
    place.put("r/a b%20&é/app-11.bin", b"theirs", &[]);
    assert_eq!(app.versions(None), [path("r/a b%20&é/app-11.bin")]);
    assert_eq!(bytes_of(&app, &path("r/a b%20&é/app-11.bin"), "app-11.bin"), b"theirs");
}

/// Where the server keeps versions; elsewhere a put and a check say that it does not.
#[test]
fn versions_of_a_file_or_a_word_of_why_not() {
    let place = Place::new();
    let app = place.resource().unset("artifacts").set("versioned_file", "r/app.bin");
    if !place.keep_versions() {
        for run in [app.check(None), put(&app, "app.bin", b"x", json!({}))] {
            let (error, hint) = run.failure();
            println!("{error}");
            assert!(!hint.is_empty(), "{error}");
        }
        return;
    }
    let versions: Vec<Value> = [(1, 9), (2, LARGE), (3, 1)]
        .map(|(seed, size)| put(&app, "app.bin", &noise(seed, size), json!({})).version())
        .into();
    assert!(versions.iter().all(|version| *version != id("null")), "{versions:?}");
    assert_eq!(app.versions(Some(&versions[0])), versions);
    assert_eq!(app.versions(None), versions[2..]);
    for (version, (seed, size)) in versions.iter().zip([(1, 9), (2, LARGE), (3, 1)]) {
        assert!(bytes_of(&app, version, "app.bin") == noise(seed, size), "{version}");
    }
}
