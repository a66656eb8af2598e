//! What a team does with packages every day: add, deploy, tag, move a tag back, take it away.

use super::{tagged, version};
use crate::support::{Inputs, Place, Tree};
use serde_json::{Value, json};

#[test]
fn versions_are_added_found_and_fetched() {
    let place = Place::new();
    let package = place.package("team/app");
    assert!(package.versions(None).is_empty());
    for n in 1..=3 {
        let inputs = Inputs::new().with(
            "built",
            &Tree::default().with_program(&format!("app-{n}.bin"), format!("content {n}")),
        );
        let params =
            json!({"file": "built/app-*.bin", "metadata": {"Commit": format!("c{n}"), "n": n}});
        let run = package.put(inputs.path(), &params);
        assert_eq!(run.version(), version(n));
        assert_eq!(run.metadata("commit"), format!("c{n}"));
        assert_eq!(run.metadata("file"), format!("app-{n}.bin"));
    }
    assert_eq!(package.versions(None), [version(3)]);
    assert_eq!(package.versions(Some(&version(2))), [version(2), version(3)]);
    assert_eq!(package.versions(Some(&version(9))), [version(3)]);
    let all = package.clone().set("initial_history", 9).versions(None);
    assert_eq!(all, [version(1), version(2), version(3)]);
    let got = package.get(&version(2), json!({}));
    let tree = got.tree();
    assert_eq!(tree.paths(), ["app-2.bin", "package-info.json", "sha256", "version"]);
    assert_eq!(tree.text("version").as_deref(), Some("2"));
    let program = tree.clone().without(&["package-info.json", "sha256", "version"]);
    assert_eq!(program, Tree::default().with_program("app-2.bin", "content 2"));
    let about: Value =
        serde_json::from_str(&tree.text("package-info.json").expect("it")).expect("JSON");
    assert_eq!((&about["version"], &about["mode"]), (&json!(2), &json!("0755")));
    assert_eq!(about["metadata"], json!({"commit": "c2", "n": "2"}));
    assert_eq!(about["sha256"].as_str(), tree.text("sha256").as_deref());
    assert_eq!(package.get(&version(2), json!({})).tree(), tree, "a pure function");
    let little = package.get(&version(2), json!({"skip_download": true})).tree();
    assert_eq!(little, tree.without(&["app-2.bin"]));
}

#[test]
fn the_same_put_again_writes_nothing() {
    let place = Place::new();
    let package = place.package("app");
    let params = json!({"tags": ["live"], "metadata": {"a": "b"}});
    assert_eq!(package.add("one", &params).version(), version(1));
    let before = place.state();
    let again = package.add("one", &params);
    assert_eq!(again.version(), version(1));
    assert!(again.stderr.contains("is version 1 of app already"), "{}", again.stderr);
    assert_eq!(place.state(), before);
    // Other metadata, another mode and a revert are versions of their own, of blobs that are there.
    assert_eq!(package.add("one", &json!({})).version(), version(2));
    assert_eq!(package.add("two", &json!({})).version(), version(3));
    let revert = package.add("one", &json!({}));
    assert_eq!(revert.version(), version(4));
    assert!(revert.stderr.contains("already in the store"), "{}", revert.stderr);
    let blobs = place.keys().into_iter().filter(|key| key.len() == 64).count();
    assert_eq!(blobs, 2);
    // A build that runs again knows what it added, though others added since.
    let build = package.clone().env("BUILD_ID", "7");
    assert_eq!(build.add("three", &json!({})).version(), version(5));
    assert_eq!(package.add("four", &json!({})).version(), version(6));
    assert_eq!(build.add("three", &json!({})).version(), version(5));
}

#[test]
fn a_tag_is_followed_moved_back_and_taken_away() {
    let place = Place::new();
    let package = place.package("app");
    let live = package.clone().of_package("tag", "live");
    assert!(live.versions(None).is_empty());
    let first = package.add("one", &json!({"tags": ["live", "canary"]}));
    assert_eq!(first.version(), version(1), "a resource without a tag answers the version");
    assert_eq!(live.versions(None), [tagged(1, "live", 1)]);
    let second = live.add("two", &json!({}));
    assert_eq!(second.version(), tagged(2, "live", 2), "a followed tag is moved");
    let ana = live.clone().env("BUILD_CREATED_BY", "ana").env("BUILD_ID", "7");
    let back = ana.put_params(&json!({"version": 1}));
    assert_eq!(back.version(), tagged(1, "live", 3), "Concourse has not seen it");
    let got = live.get(&tagged(1, "live", 3), json!({"skip_download": true}));
    for run in [&back, &got.run] {
        assert_eq!(run.metadata("tagged_by"), "ana");
        assert!(run.metadata("tagged_at") >= run.metadata("added_at"));
    }
    let unsaid = live.get(&tagged(2, "live", 2), json!({"skip_download": true}));
    assert_eq!(unsaid.run.metadata("tagged_by"), "");
    assert!(!unsaid.run.metadata("tagged_at").is_empty());
    assert_eq!(live.put_params(&json!({"version": "canary"})).version(), tagged(1, "live", 3));
    let all = [tagged(1, "live", 1), tagged(2, "live", 2), tagged(1, "live", 3)];
    assert_eq!(live.versions(Some(&all[0])), all);
    assert_eq!(live.versions(Some(&all[1])), all[1..]);
    assert_eq!(live.versions(None), all[2..]);
    let got = live.get(&all[1], json!({})).tree();
    assert_eq!(got.text("app.jar").as_deref(), Some("two"));
    let about = got.text("package-info.json").expect("it");
    assert!(about.contains("\"tagged\": 2"), "{about}");

    let gone = live.put_params(&json!({"untag": "live"}));
    assert_eq!(gone.version(), all[2], "a version that Concourse knows");
    assert!(live.versions(None).is_empty());
    assert_eq!(live.versions(Some(&all[1])), all[1..]);
    assert!(place.bytes("app/tags/live").is_none());
    assert_eq!(live.put_params(&json!({"untag": "live"})).version(), all[2], "and again");
    assert_eq!(package.put_params(&json!({"untag": "live"})).version(), version(1));
    let inputs = Inputs::new().with("it", &Tree::of("version", "2\n"));
    let run = live.put(inputs.path(), &json!({"version_file": "it/version"}));
    assert_eq!(run.version(), tagged(2, "live", 5));
    assert_eq!(live.versions(Some(&all[2])), [all[2].clone(), tagged(2, "live", 5)]);
    let history =
        String::from_utf8(place.bytes("app/.history/tags/live.json").expect("it")).expect("text");
    assert!(history.contains("\"time\""), "{history}");
}

#[test]
fn mistakes_are_explained() {
    let place = Place::new();
    let package = place.package("app");
    let error = |params: Value| package.put_params(&params).error();
    assert!(error(json!({"version": 7, "tags": "live"})).contains("app has no version 7"));
    assert!(error(json!({"version": "live", "tags": "x"})).contains("app has no tag `live`"));
    assert!(error(json!({"version": "latest", "tags": "x"})).contains("has no version yet"));
    assert!(
        error(json!({"file": "built/*.jar"}))
            .contains("params.file: `built/*.jar` matches no file")
    );
    assert!(error(json!({"untag": "live"})).contains("has no version yet"));
    let live = package.clone().of_package("tag", "live");
    assert!(
        live.put_params(&json!({"untag": "live"})).error().contains("never had the tag `live`")
    );
    assert!(
        package.get(&version(7), json!({})).nothing_but_an_error().contains("app has no version 7")
    );
    let inputs = Inputs::of(&Tree::of("version", "x"));
    let run = package.put(inputs.path(), &json!({"file": "assets/version"}));
    assert!(run.error().contains("version: a get writes a file of that name itself"));
    assert!(place.keys().is_empty(), "{:?}", place.keys());
}
