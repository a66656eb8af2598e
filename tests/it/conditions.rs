//! Servers without conditional writes: found out before anything hangs on them, or accepted.

use crate::support::{BUCKET, Embedded, Tree, commit};
use serde_json::json;

#[test]
fn a_server_that_ignores_conditions_is_refused_before_anything_is_published() {
    let server = Embedded::with(|options| options.ignore_conditions = true);
    let (error, hint) = server.resource().publish(&commit(1), &Tree::of("a", "a")).failure();
    assert!(error.contains("ignores conditional writes"), "{error}");
    assert!(error.contains("artifacts/.history.json"), "{error}");
    assert!(hint.contains("conditional_writes: false"), "{hint}");
    assert_eq!(server.keys(BUCKET), ["artifacts/.history.json"]);
    assert!(server.resource().versions(None).is_empty());
}

#[test]
fn it_is_accepted_with_one_writer_at_a_time() {
    let server = Embedded::with(|options| options.ignore_conditions = true);
    let resource = server.resource().set("conditional_writes", "false").set("initial_history", 9);
    let tree = |n: usize| Tree::of("a", n.to_string()).with("large.bin", vec![n as u8; 17 << 20]);
    for n in 1..=3 {
        let version = resource.publish(&commit(n), &tree(n)).version();
        assert!(resource.get(&version, json!({})).assets() == tree(n));
    }
    let before = server.snapshot(BUCKET);
    resource.publish(&commit(1), &Tree::of("a", "other bytes")).version();
    assert!(server.snapshot(BUCKET) == before, "a published set does not change");
    let versions: Vec<_> = (1..=3).map(|n| json!({"commit": commit(n)})).collect();
    assert_eq!(resource.versions(None), versions);
    let conditional = |it: &s3_test_server::LogEntry| {
        it.header("if-none-match").is_some() || it.header("if-match").is_some()
    };
    let writes = server.requests().into_iter().filter(|it| it.method == "PUT");
    assert_eq!(writes.filter(conditional).count(), 0);
}
