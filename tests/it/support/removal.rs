//! What stories of removal share: a bucket from long ago, what is left of it, and what was asked for.

use super::{BUCKET, Got, Resource, Running, start};
use s3_test_server::{Action, Fault, Handle};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

const ENTERED: &str = "2026-01-01T00:00:00Z";

/// When was written, or begun, what is old enough to go.
pub(crate) fn long_ago() -> SystemTime {
    SystemTime::now() - 30 * Duration::from_hours(24)
}

/// Lets everything in the bucket be written, and entered, long ago.
pub(crate) fn age(server: &Handle) {
    for key in server.keys(BUCKET) {
        if key.contains("/.history") {
            let text = server.get(BUCKET, &key).expect("there").text();
            server.put(BUCKET, &key, aged(&text), &[]);
        }
        server.set_modified(BUCKET, &key, long_ago());
    }
}

/// A history's object, as if everything had been entered long ago.
pub(crate) fn aged(text: &str) -> String {
    let aged = |line: &str| match line.split_once("\"time\":\"") {
        Some((before, rest)) => {
            format!("{before}\"time\":\"{ENTERED}{}\n", &rest[ENTERED.len()..])
        }
        None => format!("{line}\n"),
    };
    text.lines().map(aged).collect()
}

/// Whether an object says that something was removed.
pub(crate) fn is_stone(server: &Handle, key: &str) -> bool {
    let is_record = ["/.manifest.json", "/release.json"].iter().any(|name| key.ends_with(name));
    let object = server.get(BUCKET, key).filter(|_| is_record);
    object.is_some_and(|object| object.text().contains("s3-asset-removed/1"))
}

/// Gets everything that a check shows, which must be whole; answers what `look` makes of each.
#[track_caller]
pub(crate) fn get_all<T>(
    resource: &Resource,
    at: &str,
    mut look: impl FnMut(&Value, &Got) -> T,
) -> Vec<T> {
    let mut seen = Vec::new();
    for version in resource.clone().set("initial_history", 99).versions(None) {
        let got = resource.get(&version, serde_json::json!({}));
        assert!(got.run.succeeded(), "{at}: {version}: {}", got.run.stderr);
        seen.push(look(&version, &got));
    }
    seen
}

/// Asserts that a plan in words does so with something, and why.
#[track_caller]
pub(crate) fn is_planned(plan: &str, action: &str, what: &str, why: &str) {
    let mut lines = plan.lines().filter(|line| line.starts_with(action) && line.contains(what));
    assert!(lines.any(|line| line.contains(why)), "{what}: {plan}");
}

/// What a plan in JSON does with something, and why.
#[track_caller]
pub(crate) fn fate<'a>(plan: &'a Value, name: &str) -> [&'a str; 2] {
    let steps = plan["plan"].as_array().expect("a plan");
    let step = steps.iter().find(|step| step["name"] == name);
    let step = step.unwrap_or_else(|| panic!("{name}: {plan}"));
    ["action", "why"].map(|key| step[key].as_str().expect("a text"))
}

/// Asserts that a server was asked, since its log was emptied, for no action that a policy does not
/// name.
#[track_caller]
pub(crate) fn only_allowed(server: &Handle, policy: &str) {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/policies");
    let policy = std::fs::read_to_string(place.join(policy)).expect("a policy");
    for request in server.requests() {
        let action = match request.operation {
            "HeadObject" => "GetObject",
            "ListObjectsV2" => "ListBucket",
            "ListMultipartUploads" => "ListBucketMultipartUploads",
            other => other,
        };
        assert!(policy.contains(&format!("\"s3:{action}\"")), "{action}");
    }
}

/// Starts a removal, and waits until three or more of its deletions are under way, which arrive late.
pub(crate) fn start_late(server: &Handle, removal: &mut Command, delay: Duration) -> Running {
    server.fault(Fault::new(Action::Slow(delay)).on("DeleteObject").always());
    let late = start(removal);
    while server.requests_of("DeleteObject").len() < 3 {
        std::thread::sleep(Duration::from_millis(5));
    }
    server.clear_faults();
    late
}
