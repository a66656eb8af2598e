//! What a check costs.

use super::{Embedded, Resource};
use serde_json::Value;
use std::time::Duration;

/// Requests that come this long after the last one was answered make another round.
const QUIET: Duration = Duration::from_millis(60);

/// What a check answered, its requests, and its rounds: how many of them had to wait for the one
/// before.
pub(crate) fn check(
    server: &Embedded,
    resource: &Resource,
    version: Option<&Value>,
) -> (Vec<Value>, usize, u64) {
    server.reset_requests();
    server.measure_rounds(QUIET);
    let versions = resource.versions(version);
    let rounds = server.rounds();
    server.stop_rounds();
    (versions, server.requests().len(), rounds)
}
