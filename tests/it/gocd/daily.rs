//! What a pipeline does each day: revisions go up, GoCD is told of them, and they are fetched.

use super::{JOB, Reported, all, poll, put, version, with_directory};
use crate::support::{BUCKET, Embedded, Inputs, Place, Resource, Tree};
use serde_json::{Value, json};

fn tree() -> Tree {
    Tree::of("app.jar", "jar").with_program("bin/run", "#!/bin/sh\n").with("empty", "")
}

/// A put as one build makes it.
fn of_build(resource: &Resource, id: &str) -> Resource {
    let resource = resource.clone().env("BUILD_ID", id).env("BUILD_CREATED_BY", "ana");
    resource.env("ATC_EXTERNAL_URL", "https://ci.example.com")
}

#[test]
fn a_build_is_published_and_gocd_reports_it() {
    let server = Embedded::new();
    let resource = server.gocd();
    assert_eq!(resource.versions(None), [] as [Value; 0]);
    let run = put(&of_build(&resource, "7"), &tree(), &json!({"metadata": {"branch": "main"}}));
    assert_eq!(run.version(), version("1.1"));
    let lines = ["label", "user", "traceback_url", "files", "s3_uri"].map(|it| run.metadata(it));
    assert_eq!(
        lines,
        ["1", "ana", "https://ci.example.com/builds/7", "3", "s3://assets/app/build/package/1.1"]
    );
    let reported = Reported {
        revision: "1.1".to_owned(),
        user: Some("ana".to_owned()),
        traceback_url: Some("https://ci.example.com/builds/7".to_owned()),
        label: Some("1".to_owned()),
    };
    assert_eq!(poll(&server), Ok(reported));
    let below: Vec<String> =
        server.keys(BUCKET).into_iter().filter(|key| key.starts_with(JOB)).collect();
    let want = ["1.1/", "1.1/app.jar", "1.1/bin/run", "1.1/empty"].map(|it| format!("{JOB}{it}"));
    assert_eq!(below, want, "nothing else lies below the job");

    assert_eq!(resource.versions(None), [version("1.1")]);
    let got = resource.get(&version("1.1"), json!({}));
    let fetched = got.tree();
    assert_eq!(fetched.text(".revision").as_deref(), Some("1.1"));
    assert_eq!(fetched.text(".label").as_deref(), Some("1"));
    let annotations: Value =
        serde_json::from_str(&fetched.text(".annotations.json").expect("a file")).expect("JSON");
    assert_eq!(
        annotations,
        json!({
            "branch": "main", "completed": "completed", "go_pipeline_label": "1", "user": "ana",
            "traceback_url": "https://ci.example.com/builds/7",
        })
    );
    assert_eq!(fetched.without(&[".revision", ".label", ".annotations.json"]), tree());
    assert_eq!(got.run.metadata("files"), "3");
}

#[test]
fn the_same_put_is_the_same_revision_and_another_builds_the_next() {
    let server = Embedded::new();
    let resource = server.gocd();
    let publish = |id: &str| put(&of_build(&resource, id), &tree(), &json!({})).version();
    assert_eq!(publish("1"), version("1.1"));
    let before = server.snapshot(BUCKET);
    assert_eq!(publish("1"), version("1.1"));
    assert!(server.snapshot(BUCKET) == before, "nothing is written");
    assert_eq!(publish("2"), version("2.1"));
    assert_eq!(publish("1"), version("1.1"));
    let other = put(&of_build(&resource, "2"), &Tree::of("other", "x"), &json!({}));
    assert_eq!(other.version(), version("3.1"));
    assert_eq!(all(&resource), ["1.1", "2.1", "3.1"]);
    assert_eq!(resource.versions(Some(&version("2.1"))), [version("2.1"), version("3.1")]);
    assert_eq!(poll(&server).expect("reports").revision, "3.1");
}

#[test]
fn a_revision_of_ones_own_stays_as_it_is() {
    let server = Embedded::new();
    let resource = server.gocd();
    let inputs = Inputs::of(&tree())
        .with("v", &Tree::of("revision", "42.1\n").with("label", " 1042\n").with("bad", "42.1.0"));
    let params = with_directory(&json!({"revision_file": "v/revision", "label_file": "v/label"}));
    let run = of_build(&resource, "1").put(inputs.path(), &params);
    assert_eq!(run.version(), version("42.1"));
    assert_eq!(run.metadata("label"), "1042");
    let before = server.snapshot(BUCKET);
    // The same files by another build: nothing is written, and what is said stays.
    let again = put(&of_build(&resource, "2"), &tree(), &json!({"revision": "42.1"}));
    assert_eq!(again.version(), version("42.1"));
    assert_eq!(again.metadata("label"), "1042");
    let (error, hint) = put(&resource, &Tree::of("a", "b"), &json!({"revision": "42.1"})).failure();
    assert_eq!(error, "revision 42.1 is published with other files");
    assert!(hint.contains("take another revision"), "{hint}");
    let bad = with_directory(&json!({"revision_file": "v/bad"}));
    let (error, _) = resource.put(inputs.path(), &bad).failure();
    assert!(error.contains("v/bad: GoCD takes the revision `42.1.0` for 42.1"), "{error}");
    assert!(server.snapshot(BUCKET) == before, "nothing is written");
    // The next counter follows.
    assert_eq!(put(&resource, &tree(), &json!({})).version(), version("43.1"));
    let lower = put(&resource, &tree(), &json!({"revision": "41.2"}));
    assert_eq!(lower.version(), version("41.2"));
    assert!(lower.stderr.contains("it does not notice 41.2"), "{}", lower.stderr);
    assert_eq!(all(&resource), ["41.2", "42.1", "43.1"]);
}

#[test]
fn what_is_chosen_is_what_is_published() {
    let server = Embedded::new();
    let resource = server.gocd();
    let tree = Tree::of("a.txt", "1").with("b/c.txt", "2").with("d.log", "3").with(".hidden", "4");
    put(&resource, &tree, &json!({"files": "**/*.txt"})).version();
    assert!(server.get(BUCKET, "app/build/package/1.1/b/c.txt").is_some());
    assert!(server.get(BUCKET, "app/build/package/1.1/d.log").is_none());
    assert!(server.get(BUCKET, "app/build/package/1.1/.hidden").is_none());
    let (error, hint) = put(&resource, &tree, &json!({"files": "*.zip"})).failure();
    assert!(error.starts_with("directory: nothing to publish in "), "{error}");
    assert!(hint.contains("GoCD would start for an empty folder"), "{hint}");
    let reserved = Tree::of(".label", "x");
    let (error, _) = put(&resource, &reserved, &json!({"include_hidden": true})).failure();
    assert!(error.contains("has a name that this resource keeps to itself"), "{error}");
    let chosen = resource.get(&version("1.1"), json!({"files": "b/**"})).tree();
    assert_eq!(chosen.paths(), [".annotations.json", ".label", ".revision", "b/c.txt"]);
    let none = resource.get(&version("1.1"), json!({"skip_download": true})).tree();
    assert_eq!(none.len(), 3);
}

#[test]
fn a_prefix_stands_before_everything_and_the_objects_carry_what_was_asked() {
    let server = Embedded::new();
    let resource = server.gocd().set("prefix", "team/x");
    let params = json!({
        "acl": "bucket-owner-full-control", "storage_class": "STANDARD_IA",
        "object_tags": {"team": "x"}, "object_metadata": {"colour": "red"},
    });
    put(&resource, &tree(), &params).version();
    let keys = server.keys(BUCKET);
    assert!(keys.iter().all(|key| key.starts_with("team/x/")), "{keys:?}");
    assert!(keys.iter().any(|key| key == "team/x/.history/app/build/package.json"), "{keys:?}");
    let of = |key: &str| {
        let object = server.get(BUCKET, &format!("team/x/app/build/package/1.1/{key}"));
        object.expect(key).attributes
    };
    let (file, marker) = (of("app.jar"), of(""));
    assert_eq!(file.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(file.metadata["colour"], "red");
    assert_eq!(marker.storage_class, None, "an empty object is not stored away");
    assert!(!marker.metadata.contains_key("colour"));
    for attributes in [&file, &marker] {
        assert_eq!(attributes.acl.as_deref(), Some("bucket-owner-full-control"));
    }
    assert_eq!(all(&resource), ["1.1"]);
    assert!(server.gocd().versions(None).is_empty());
}

/// On whichever server the suite runs: it keeps the metadata of markers, or the put says that it does
/// not, and nothing is shown.
#[test]
fn a_server_keeps_markers_or_the_put_says_so() {
    let place = Place::new();
    let resource = place.gocd();
    let run = put(&resource, &tree(), &json!({}));
    if run.succeeded() {
        assert_eq!(run.version(), version("1.1"));
        assert_eq!(resource.versions(None), [version("1.1")]);
        let got = resource.get(&version("1.1"), json!({})).tree();
        assert_eq!(got.without(&[".revision", ".label", ".annotations.json"]), tree());
        assert_eq!(put(&resource, &tree(), &json!({})).version(), version("1.1"));
    } else {
        let (error, hint) = run.failure();
        println!("{error}");
        assert!(hint.contains("use a server that keeps it"), "{error} {hint}");
        assert_eq!(resource.versions(None), [] as [Value; 0]);
    }
}
