//! Removal on whichever server the suite runs, where it obeys conditions.

use super::{all_whole, tree};
use crate::support::{Place, aged, commit, on_threads, run};
use serde_json::json;
use std::sync::Mutex;

const KEEP_TWO: [&str; 5] = ["artifacts", "gc", "--keep-last", "2", "--delete"];
const HISTORY: &str = "artifacts/.history.json";

/// Three removals beside eight puts: what a check shows is whole, what was removed is said to be, and can
/// be published again.
#[test]
fn removals_beside_puts() {
    let place = Place::of_writers();
    let resource = place.resource();
    for n in 1..=4 {
        resource.publish(&commit(n), &tree(n)).version();
    }
    let history = place.bytes(HISTORY).expect("a history");
    let history = String::from_utf8(history).expect("text");
    place.put(HISTORY, aged(&history).as_bytes(), &[]);

    // The program's commands, and no `Place`, go to the threads; none: a removal.
    let removals: Mutex<Vec<_>> = Mutex::new((0..3).map(|_| place.program(&KEEP_TWO)).collect());
    let mut crowd: Vec<Option<usize>> = (5..=12).map(Some).collect();
    [1, 4, 7].into_iter().for_each(|at| crowd.insert(at, None));
    on_threads(6, &crowd, |put| match put {
        Some(n) => drop(resource.publish(&commit(*n), &tree(*n)).version()),
        None => {
            let removal = removals.lock().expect("no panic").pop();
            run(&mut removal.expect("one of three")).told();
        }
    });
    let mut left = all_whole(&resource, "after the crowd");
    left.retain(|it| (1..=4).all(|n| *it != commit(n)));
    assert_eq!(left.len(), 8, "what is young stays: {left:?}");

    run(&mut place.program(&KEEP_TWO)).told();
    assert_eq!(all_whole(&resource, "in the end"), left);
    for n in 1..=4 {
        let version = json!({"commit": commit(n)});
        let error = resource.get(&version, json!({})).nothing_but_an_error();
        assert!(error.contains("was removed at 20"), "{error}");
        assert_eq!(resource.publish(&commit(n), &tree(n)).version(), version);
        assert_eq!(resource.get(&version, json!({})).assets(), tree(n));
    }
    assert_eq!(all_whole(&resource, "again").len(), 12);
}
