//! Sets that a put removes, as its params ask.

use super::{all_whole, keys, tree};
use crate::support::{Embedded, Grown, Inputs, age, commit};
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};

/// A put may keep the newest sets: it removes a few old ones, in few requests, and never its own.
#[test]
fn a_put_removes_what_its_params_do_not_keep() {
    let server = Embedded::new();
    let resource = server.resource();
    let put = |n: usize, more: Value| {
        let inputs = Inputs::of(&tree(n));
        let mut params = json!({"commit": commit(n), "directory": "assets"});
        let more = more.as_object().expect("a map").clone();
        params.as_object_mut().expect("a map").extend(more);
        resource.put(inputs.path(), &params)
    };
    let old = 40;
    for n in 1..=old {
        put(n, json!({})).version();
    }
    age(&server);
    // Within the time, or among the newest.
    put(old + 1, json!({"keep_last": 5, "keep_within": "9999d"})).version();
    assert_eq!(all_whole(&resource, "kept").len(), old + 1);
    server.reset_requests();
    put(old + 2, json!({"keep_last": 5})).version();
    let requests = server.requests().len();
    let want: Vec<String> = (17..=old + 2).map(commit).collect();
    assert_eq!(all_whole(&resource, "sixteen"), want);
    // A put of a few requests, and for each of 16 sets a stone and two files.
    assert!(requests < 20 + 16 * 9, "{requests}");
    // The own set is kept, however old.
    put(17, json!({"keep_last": 5})).version();
    let shown = all_whole(&resource, "its own");
    assert_eq!(shown.len(), old + 2 - 32, "{shown:?}");
    assert!(shown.contains(&commit(17)));
    put(old + 2, json!({"keep_last": 5})).version();
    let shown = all_whole(&resource, "the rest");
    assert_eq!(shown, (old - 2..=old + 2).map(commit).collect::<Vec<_>>());
    // What retention cannot do fails no put.
    age(&server);
    server.fault(Fault::new(Action::Status(403, "AccessDenied")).on("DeleteObject").always());
    let run = put(old + 3, json!({"keep_last": 2}));
    run.version();
    assert!(run.stderr.contains("old sets were not removed"), "{}", run.stderr);
    server.clear_faults();
    put(old + 4, json!({"keep_last": 2})).version();
    let shown = all_whole(&resource, "the rest");
    assert!(
        shown.contains(&commit(old + 4))
            && !server.text("artifacts/.history.json").contains("removing")
    );
    assert!(keys(&server).iter().all(|key| !key.contains(&commit(old - 2))));
}

/// A long history: what is older than the head is read by parts, the oldest first.
#[test]
fn a_put_removes_from_a_long_history() {
    let server = Embedded::new();
    Grown::new(&server, 400, &[]);
    let resource = server.resource();
    let inputs = Inputs::of(&tree(1));
    for round in 1..=3 {
        let params =
            json!({"commit": commit(900 + round), "directory": "assets", "keep_last": 380});
        server.reset_requests();
        resource.put(inputs.path(), &params).version();
        let parts = server.requests_of("GetObject");
        let parts = parts
            .iter()
            .filter(|it| it.key.as_deref().is_some_and(|key| key.contains(".history/")));
        assert!(parts.count() <= 18);
    }
    let versions = resource.set("initial_history", 999).versions(None);
    // Two rounds of sixteen at most: 403 sets, of which 380 are kept.
    assert_eq!(versions.len(), 380);
    assert_eq!(versions[0], json!({"commit": commit(24)}));
}
