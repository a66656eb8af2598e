//! Servers without conditional writes: found out before anything hangs on them, or accepted.

use crate::support::{Place, Tree, commit};
use serde_json::json;

#[test]
fn a_server_that_ignores_conditions_is_refused_before_anything_is_published() {
    let place = Place::without_conditions();
    // The second time, too.
    for _ in 0..2 {
        let (error, hint) = place.demanding().publish(&commit(1), &Tree::of("a", "a")).failure();
        assert!(error.contains("ignores conditional writes"), "{error}");
        assert!(error.contains("artifacts/.history.json"), "{error}");
        assert!(hint.contains("conditional_writes: false"), "{hint}");
        assert_eq!(place.keys(), ["artifacts/.history.json"]);
    }
    assert!(place.demanding().versions(None).is_empty());
}

#[test]
fn the_weaker_promise_is_accepted_after_the_refusal() {
    let place = Place::without_conditions();
    place.demanding().publish(&commit(1), &Tree::of("a", "a")).failure();
    let version = place.resource().publish(&commit(1), &Tree::of("a", "a")).version();
    assert_eq!(place.resource().versions(None), [version.clone()]);
    assert!(place.resource().get(&version, json!({})).assets() == Tree::of("a", "a"));
}

#[test]
fn it_is_accepted_with_one_writer_at_a_time() {
    let place = Place::without_conditions();
    let resource = place.resource().set("initial_history", 9);
    let tree = |n: usize| Tree::of("a", n.to_string()).with("large.bin", vec![n as u8; 17 << 20]);
    for n in 1..=3 {
        let version = resource.publish(&commit(n), &tree(n)).version();
        assert!(resource.get(&version, json!({})).assets() == tree(n));
    }
    let before = place.state();
    resource.publish(&commit(1), &Tree::of("a", "other bytes")).version();
    assert!(place.state() == before, "a published set does not change");
    let versions: Vec<_> = (1..=3).map(|n| json!({"commit": commit(n)})).collect();
    assert_eq!(resource.versions(None), versions);
    let Some(requests) = place.requests() else { return };
    let conditional = |it: &s3_test_server::LogEntry| {
        it.header("if-none-match").is_some() || it.header("if-match").is_some()
    };
    assert!(requests.iter().any(|it| it.method == "PUT"));
    assert_eq!(requests.iter().filter(|it| it.method == "PUT" && conditional(it)).count(), 0);
}
