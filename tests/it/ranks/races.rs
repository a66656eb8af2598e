//! Many promotions at once: none is lost, and the rank shows the last.

use super::support::{FILE, at, promote, roll_back, upload, version};
use crate::support::{BUCKET, Embedded, Inputs, Place, Resource, Running, Tree, noise};
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const WRITERS: usize = 16;

fn start(resource: &Resource, inputs: &Inputs, version: &str) -> Running {
    resource.start_put(inputs.path(), &json!({"file": "assets/f", "version": version}))
}

/// Starts uploads of these bytes, each as its version, at once.
fn upload_at_once(qa: &Resource, what: &[(String, Vec<u8>)]) -> Vec<crate::support::Run> {
    let inputs: Vec<Inputs> =
        what.iter().map(|(_, bytes)| Inputs::of(&Tree::of("f", bytes.clone()))).collect();
    let puts: Vec<Running> =
        what.iter().zip(&inputs).map(|((version, _), inputs)| start(qa, inputs, version)).collect();
    puts.into_iter().map(Running::wait).collect()
}

fn pointer(place: &Place, rank: &str) -> Value {
    let metadata = place.head(&format!("{rank}/{FILE}")).metadata.unwrap_or_default();
    json!({"version": metadata["version"], "promotion": metadata["promotion"]})
}

fn number(version: &Value) -> u64 {
    version["promotion"].as_str().and_then(|text| text.parse().ok()).expect("a number")
}

#[test]
fn sixteen_promotions_at_once() {
    let place = Place::of_writers();
    let [qa, staging] = ["qa", "staging"].map(|rank| at(&place.resource(), rank));
    let what: Vec<(String, Vec<u8>)> =
        (0..WRITERS).map(|n| (format!("1.{n}"), format!("bytes {n}").into_bytes())).collect();
    for rank in ["qa", "staging"] {
        let resource = if rank == "qa" { &qa } else { &staging };
        let versions: Vec<Value> = if rank == "qa" {
            upload_at_once(&qa, &what).iter().map(|run| run.version()).collect()
        } else {
            let none = Inputs::new();
            let puts: Vec<Running> = what
                .iter()
                .map(|(version, _)| staging.start_put(none.path(), &json!({"version": version})))
                .collect();
            puts.into_iter().map(|put| put.wait().version()).collect()
        };
        let numbers: BTreeSet<u64> = versions.iter().map(number).collect();
        assert_eq!(numbers, (1..=WRITERS as u64).collect(), "{rank}");
        let all = resource.clone().set("initial_history", 99).versions(None);
        assert_eq!(all.len(), WRITERS, "{rank}");
        assert!(versions.iter().all(|version| all.contains(version)), "{rank}");
        let last = all.last().expect("a version");
        assert_eq!(pointer(&place, rank), *last, "{rank}");
        let at = what.iter().find(|(version, _)| *version == last["version"]).expect("one of them");
        assert_eq!(place.bytes(&format!("{rank}/{FILE}")), Some(at.1.clone()), "{rank}");
    }
}

/// One version, uploaded by several at once: the same bytes are one entry.
#[test]
fn one_version_with_the_same_bytes() {
    let place = Place::of_writers();
    let qa = at(&place.resource(), "qa");
    let what = vec![("1.0".to_owned(), b"the same".to_vec()); 8];
    for run in upload_at_once(&qa, &what) {
        assert_eq!(run.version(), version("1.0", 1));
    }
    assert_eq!(qa.clone().set("initial_history", 99).versions(None), [version("1.0", 1)]);
    // The promotion too.
    let staging = at(&place.resource(), "staging");
    let none = Inputs::new();
    let puts: Vec<Running> = (0..8).map(|_| staging.start_put(none.path(), &json!({}))).collect();
    for put in puts {
        assert_eq!(put.wait().version(), version("1.0", 1));
    }
    assert_eq!(staging.clone().set("initial_history", 99).versions(None), [version("1.0", 1)]);
}

/// One version with different bytes: one decides, the others are refused.
fn one_wins(qa: &Resource, large: usize, read: impl Fn(&str) -> Option<Vec<u8>>) {
    let all: Vec<Vec<u8>> = (0..4).map(|seed| noise(seed + 1, large)).collect();
    let what: Vec<_> = all.iter().map(|bytes| ("1.0".to_owned(), bytes.clone())).collect();
    let runs = upload_at_once(qa, &what);
    let winners: Vec<usize> = (0..4).filter(|n| runs[*n].succeeded()).collect();
    let [winner] = winners[..] else { panic!("winners: {winners:?}") };
    for (n, run) in runs.iter().enumerate().filter(|(n, _)| *n != winner) {
        let error = run.error();
        assert!(error.contains("is archived with other bytes"), "{n}: {error}");
    }
    assert_eq!(runs[winner].version(), version("1.0", 1));
    // The same put again repairs what a late writer did under the plain key.
    assert_eq!(upload_at_once(qa, &what[winner..=winner])[0].version(), version("1.0", 1));
    let got = qa.get(&version("1.0", 1), json!({}));
    got.run.json();
    assert!(std::fs::read(got.path().join(FILE)).expect("the file") == all[winner]);
    for key in [format!("archive/1.0/{FILE}"), format!("qa/{FILE}")] {
        assert!(read(&key).as_ref() == Some(&all[winner]), "{key} is another's");
    }
}

#[test]
fn one_version_with_different_bytes() {
    let place = Place::of_writers();
    one_wins(&at(&place.resource(), "qa"), 1000, |key| place.bytes(key));
}

#[test]
fn one_version_with_different_large_bytes() {
    let place = Place::of_writers();
    one_wins(&at(&place.resource(), "qa"), 17 << 20, |key| place.bytes(key));
}

#[test]
fn large_bytes_on_a_server_whose_completions_ignore_conditions() {
    let server = Embedded::with(|options| options.ignore_complete_conditions = true);
    let read = |key: &str| server.get(BUCKET, key).map(|object| object.bytes().to_vec());
    one_wins(&at(&server.resource(), "qa"), 17 << 20, read);
}

/// The writer of the entry before writes the rank's object last: it looks again, and repairs it.
#[test]
fn a_slow_writer_of_the_ranks_object_leaves_the_newest() {
    let server = Embedded::new();
    let [qa, staging] = ["qa", "staging"].map(|rank| at(&server.resource(), rank));
    for text in ["1.0", "2.0"] {
        upload(&qa, text, text).json();
    }
    // While the first promotion copies, the second goes all the way.
    let (other, done) = (staging.clone(), Arc::new(AtomicBool::new(false)));
    let seen = done.clone();
    let overtake = Action::Call(Arc::new(move |_| {
        if !seen.swap(true, Ordering::SeqCst) {
            promote(&other, "2.0").json();
        }
    }));
    server.fault(Fault::new(overtake).on("CopyObject").key(&format!("staging/{FILE}")));
    assert_eq!(promote(&staging, "1.0").version(), version("1.0", 1));
    assert!(done.load(Ordering::SeqCst), "it was overtaken");
    assert_eq!(server.text(&format!("staging/{FILE}")), "2.0");
}

/// An answer that was lost, and another's promotion on top of it: still one entry.
#[test]
fn a_lost_answer_makes_no_second_entry() {
    for rollback in [false, true] {
        let server = Embedded::new();
        let [qa, staging] = ["qa", "staging"].map(|rank| at(&server.resource(), rank));
        for text in ["1.0", "2.0", "3.0", "4.0"] {
            upload(&qa, text, text).json();
        }
        promote(&staging, "1.0").json();
        promote(&staging, "2.0").json();
        let head = format!("staging/.history/{FILE}.json");
        let other = staging.clone();
        let on_top = Action::Call(Arc::new(move |_| drop(promote(&other, "4.0").json())));
        server.fault(Fault::new(Action::DropAfter).on("PutObject").key(&head));
        server.fault(Fault::new(on_top).on("PutObject").key(&head).skip(1));
        let (run, want) = if rollback {
            (roll_back(&staging, "1.0"), version("1.0", 3))
        } else {
            (promote(&staging, "3.0"), version("3.0", 3))
        };
        assert_eq!(run.version(), want);
        server.clear_faults();
        let all = staging.clone().set("initial_history", 99).versions(None);
        let stands = [version("1.0", 1), version("2.0", 2), want, version("4.0", 4)];
        assert_eq!(all, stands);
        assert_eq!(server.text(&format!("staging/{FILE}")), "4.0");
    }
}

/// The first promotion to a rank comes between a look at its history and one at its object: what
/// the object shows is then no promotion of s3p's.
#[test]
fn a_first_promotion_in_between_is_not_taken_for_s3ps() {
    for is_check in [true, false] {
        let server = Embedded::new();
        let [qa, staging] = ["qa", "staging"].map(|rank| at(&server.resource(), rank));
        upload(&qa, "1.0", "one").json();
        let (other, done) = (staging.clone(), AtomicBool::new(false));
        let between = Action::Call(Arc::new(move |_| {
            if !done.swap(true, Ordering::SeqCst) {
                promote(&other, "1.0").json();
            }
        }));
        server.fault(Fault::new(between).on("HeadObject").key(&format!("staging/{FILE}")));
        if is_check {
            assert_eq!(staging.versions(None), [version("1.0", 1)]);
        } else {
            assert_eq!(promote(&staging, "1.0").version(), version("1.0", 1));
        }
        assert_eq!(staging.clone().set("initial_history", 9).versions(None), [version("1.0", 1)]);
    }
}
