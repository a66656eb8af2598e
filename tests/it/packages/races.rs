//! Adds and tag moves at once: nothing is lost, no number comes twice, no pointer stays behind.

use super::{number, version};
use crate::support::{Inputs, Place, Running, Tree};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const WRITERS: u64 = 16;

fn pointer(place: &Place, tag: &str) -> u64 {
    let bytes = place.bytes(&format!("app/tags/{tag}")).expect("a pointer");
    let pointer: Value = serde_json::from_slice(&bytes).expect("JSON");
    pointer["version"].as_u64().expect("a number")
}

#[test]
fn sixteen_adds_at_once() {
    let place = Place::of_writers();
    let package = place.package("app");
    let puts: Vec<(Inputs, Running)> = (0..WRITERS)
        .map(|n| {
            let inputs = Inputs::of(&Tree::of("app.jar", format!("content {n}")));
            let params = json!({"file": "assets/app.jar", "metadata": {"n": n}});
            let put = package.start_put(inputs.path(), &params);
            (inputs, put)
        })
        .collect();
    let mut numbers = BTreeSet::new();
    for (n, (_, put)) in puts.into_iter().enumerate() {
        let version = put.wait().version();
        let got = package.get(&version, json!({})).tree();
        assert_eq!(got.text("app.jar"), Some(format!("content {n}")), "{version}");
        numbers.insert(number(&version));
    }
    assert_eq!(numbers, (1..=WRITERS).collect(), "each number once, and no gap");
    let all = package.set("initial_history", 99).versions(None);
    assert_eq!(all, (1..=WRITERS).map(version).collect::<Vec<_>>());
    assert_eq!(pointer(&place, "latest"), WRITERS);
}

#[test]
fn the_same_file_at_once_is_one_version() {
    let place = Place::of_writers();
    let package = place.package("app");
    let inputs = Inputs::of(&Tree::of("app.jar", "the same"));
    let params = json!({"file": "assets/app.jar"});
    let puts: Vec<Running> = (0..8).map(|_| package.start_put(inputs.path(), &params)).collect();
    for put in puts {
        assert_eq!(put.wait().version(), version(1));
    }
    assert_eq!(package.set("initial_history", 99).versions(None), [version(1)]);
}

#[test]
fn sixteen_moves_of_a_tag_at_once() {
    let place = Place::of_writers();
    let package = place.package("app");
    for n in 1..=WRITERS {
        package.add(format!("content {n}"), &json!({})).version();
    }
    let live = package.of_package("tag", "live");
    let nothing = Inputs::new();
    let puts: Vec<Running> =
        (1..=WRITERS).map(|n| live.start_put(nothing.path(), &json!({"version": n}))).collect();
    let mut moves = BTreeSet::new();
    for (n, put) in (1..=WRITERS).zip(puts) {
        let version = put.wait().version();
        assert_eq!(number(&version), n);
        moves.insert(version["tagged"].as_str().expect("a number").parse::<u64>().expect("one"));
    }
    assert_eq!(moves, (1..=WRITERS).collect(), "each move once");
    let all = live.clone().set("initial_history", 99).versions(None);
    assert_eq!(all.len() as u64, WRITERS);
    assert_eq!(all.iter().map(number).collect::<BTreeSet<_>>(), (1..=WRITERS).collect());
    assert_eq!(pointer(&place, "live"), number(all.last().expect("a move")));
}

#[test]
fn adds_with_tags_and_moves_at_once() {
    let place = Place::of_writers();
    let package = place.package("app");
    package.add("first", &json!({"tags": ["live", "old"]})).version();
    let live = package.clone().of_package("tag", "live");
    let inputs: Vec<Inputs> =
        (0..6).map(|n| Inputs::of(&Tree::of("app.jar", format!("content {n}")))).collect();
    let params = json!({"file": "assets/app.jar", "tags": ["canary"]});
    let mut puts: Vec<Running> =
        inputs.iter().map(|inputs| live.start_put(inputs.path(), &params)).collect();
    puts.extend((0..4).map(|_| package.start_put(inputs[0].path(), &json!({"untag": "old"}))));
    puts.extend((0..4).map(|_| live.start_put(inputs[0].path(), &json!({"version": 1}))));
    for put in puts {
        put.wait().version();
    }
    let all = package.clone().set("initial_history", 99).versions(None);
    assert_eq!(all, (1..=7).map(version).collect::<Vec<_>>());
    assert_eq!(pointer(&place, "latest"), 7);
    for tag in ["live", "canary"] {
        let newest = package.clone().of_package("tag", tag).versions(None);
        assert_eq!(pointer(&place, tag), number(&newest[0]), "{tag}");
    }
    assert!(place.bytes("app/tags/old").is_none());
}
