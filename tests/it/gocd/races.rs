//! Puts at once: each its own revision, none of them shared, none lost.

use super::{all, poll, revision, with_directory};
use crate::support::{Embedded, Inputs, Running, Tree};
use serde_json::json;

const WRITERS: usize = 16;

fn started(
    server: &Embedded,
    count: usize,
    params: &serde_json::Value,
    build: impl Fn(usize) -> usize,
) -> Vec<(Inputs, Running)> {
    (0..count)
        .map(|n| {
            let inputs = Inputs::of(&Tree::of("a", build(n).to_string()).with("b/c", "same"));
            let resource = server.gocd().env("BUILD_ID", &build(n).to_string());
            let put = resource.start_put(inputs.path(), &with_directory(params));
            (inputs, put)
        })
        .collect()
}

#[test]
fn sixteen_puts_at_once_take_sixteen_revisions() {
    let server = Embedded::new();
    let resource = server.gocd();
    let mut taken = Vec::new();
    for (n, (_, put)) in started(&server, WRITERS, &json!({}), |n| n).into_iter().enumerate() {
        let version = put.wait().version();
        let got = resource.get(&version, json!({})).tree();
        assert_eq!(got.text("a"), Some(n.to_string()), "{version}");
        taken.push(revision(&version).to_owned());
    }
    taken.sort_by_key(|it| it.split('.').next().and_then(|it| it.parse::<u32>().ok()));
    let want: Vec<String> = (1..=WRITERS).map(|n| format!("{n}.1")).collect();
    assert_eq!(taken, want, "each counter once, and no gap");
    assert_eq!(all(&resource), want);
    assert_eq!(poll(&server).expect("reports").revision, "16.1");
}

#[test]
fn the_same_put_at_once_is_one_revision() {
    let server = Embedded::new();
    for (_, put) in started(&server, 6, &json!({}), |_| 7) {
        assert_eq!(put.wait().version(), json!({"revision": "1.1"}));
    }
    assert_eq!(all(&server.gocd()), ["1.1"]);
}

#[test]
fn one_of_several_gets_a_revision_that_all_want() {
    let server = Embedded::new();
    let resource = server.gocd();
    let puts = started(&server, 6, &json!({"revision": "7.1"}), |n| n);
    let runs: Vec<_> = puts.into_iter().map(|(_, put)| put.wait()).collect();
    let won: Vec<usize> = (0..6).filter(|n| runs[*n].succeeded()).collect();
    assert_eq!(won.len(), 1, "{runs:?}");
    for run in runs.iter().filter(|run| !run.succeeded()) {
        let error = run.error();
        assert!(error.contains("revision 7.1"), "{error}");
    }
    let got = resource.get(&json!({"revision": "7.1"}), json!({})).tree();
    assert_eq!(got.text("a"), Some(won[0].to_string()));
}
