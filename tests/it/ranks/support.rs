//! A file at three ranks.

use crate::support::{Inputs, Resource, Run, Tree};
use serde_json::{Value, json};

pub(super) const FILE: &str = "my.tar.gz";
pub(super) const RANKS: [&str; 3] = ["qa", "staging", "production"];

/// The resource of a rank, over the bucket of another resource.
pub(super) fn at(resource: &Resource, rank: &str) -> Resource {
    let track = json!({"ranks": RANKS, "rank": rank, "file": FILE});
    resource.clone().unset("artifacts").set("promotion", track)
}

pub(super) fn version(version: &str, promotion: u64) -> Value {
    json!({"version": version, "promotion": promotion.to_string()})
}

/// Uploads a file's bytes to the first rank.
pub(super) fn upload(qa: &Resource, version: &str, bytes: impl Into<Vec<u8>>) -> Run {
    let inputs = Inputs::of(&Tree::of("my-1.tar.gz", bytes));
    qa.put(inputs.path(), &json!({"file": "assets/my-*.tar.gz", "version": version}))
}

/// A put that needs no input.
pub(super) fn put(resource: &Resource, params: &Value) -> Run {
    resource.put(Inputs::new().path(), params)
}

pub(super) fn promote(resource: &Resource, version: &str) -> Run {
    put(resource, &json!({"version": version}))
}

pub(super) fn roll_back(resource: &Resource, version: &str) -> Run {
    put(resource, &json!({"version": version, "rollback": true}))
}
