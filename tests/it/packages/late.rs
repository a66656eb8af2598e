//! Writes that arrive after their writer's death change nothing that others decided since.

use super::{tagged, version};
use crate::support::{BUCKET, Embedded, Inputs, Resource, Tree};
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};
use std::time::Duration;

const DELAY: Duration = Duration::from_millis(1_200);

/// Starts a put whose write of a key is on its way for long, and kills it meanwhile.
fn dies_writing(server: &Embedded, resource: &Resource, params: &Value, key: &str) {
    server.reset_requests();
    server.fault(Fault::new(Action::Slow(DELAY)).on("PutObject").key(key));
    let inputs = Inputs::of(&Tree::of("app.jar", "late"));
    let put = resource.start_put(inputs.path(), params);
    let is_it = |it: &s3_test_server::LogEntry| it.key.as_deref() == Some(key);
    while !server.requests_of("PutObject").iter().any(is_it) {
        std::thread::sleep(Duration::from_millis(5));
    }
    put.kill();
}

fn used() -> (Embedded, Resource) {
    let server = Embedded::new();
    let package = server.package("app");
    package.add("one", &json!({"tags": "live"})).version();
    package.add("two", &json!({})).version();
    (server, package)
}

#[test]
fn a_tags_pointer() {
    let (server, package) = used();
    let live = package.of_package("tag", "live");
    dies_writing(&server, &live, &json!({"version": 2}), "app/tags/live");
    // The move is in the history; another one takes it back.
    let back = live.put_params(&json!({"version": 1})).version();
    assert_eq!(back, tagged(1, "live", 3));
    let pointer = server.text("app/tags/live");
    std::thread::sleep(DELAY);
    assert_eq!(server.text("app/tags/live"), pointer);
    assert_eq!(pointer, "{\"version\":1,\"tagged\":3}");
}

#[test]
fn a_versions_record() {
    let (server, package) = used();
    let params = json!({"file": "assets/app.jar"});
    dies_writing(&server, &package, &params, "app/versions/3");
    assert_eq!(package.add("three", &json!({})).version(), version(3));
    let record = server.text("app/versions/3");
    std::thread::sleep(DELAY);
    assert_eq!(server.text("app/versions/3"), record);
    let got = package.get(&version(3), json!({})).tree();
    assert_eq!(got.text("app.jar").as_deref(), Some("three"));
    assert_eq!(package.add("late", &json!({})).version(), version(4));
}

#[test]
fn the_history() {
    let (server, package) = used();
    let params = json!({"file": "assets/app.jar"});
    dies_writing(&server, &package, &params, "app/.history/versions.json");
    // Its record stands: the next put enters it, and comes after it.
    assert_eq!(package.add("four", &json!({})).version(), version(4));
    let head = server.text("app/.history/versions.json");
    std::thread::sleep(DELAY);
    assert_eq!(server.text("app/.history/versions.json"), head);
    let all = package.versions(Some(&version(1)));
    assert_eq!(all, [1, 2, 3, 4].map(version));
    let got = package.get(&version(3), json!({})).tree();
    assert_eq!(
        got.text("app.jar").as_deref(),
        Some("late"),
        "what a dead writer recorded is there"
    );
    assert_eq!(server.keys(BUCKET).iter().filter(|key| key.contains("/versions/")).count(), 4);
}
