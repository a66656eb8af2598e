//! The package track, one file a story.

mod cost;
mod daily;
mod kills;
mod late;
mod policies;
mod races;
mod rules;
mod sacker;
mod timestamps;

use s3_asset_resource::tracks::package::rules::VersionRecord;
use serde_json::{Value, json};

/// A version of a package.
fn version(n: u64) -> Value {
    json!({"version": n.to_string()})
}

/// A version of a package's tag.
fn tagged(n: u64, tag: &str, tagged: u64) -> Value {
    json!({"version": n.to_string(), "tag": tag, "tagged": tagged.to_string()})
}

/// The number in a version.
fn number(version: &Value) -> u64 {
    version["version"].as_str().and_then(|text| text.parse().ok()).expect("a number")
}

/// The record that sacker writes of a file called `app.jar`.
fn sackers_record(content: &[u8]) -> String {
    let sha = s3_asset_resource::words::digest::Sha256::of(content);
    format!(r#"{{"basename": "app.jar", "sha": "{sha}", "mode": 33188}}"#)
}

/// The record of a version among others that a test made up.
fn record(position: &s3_asset_resource::history::Position) -> Vec<u8> {
    let record: VersionRecord =
        serde_json::from_str(&sackers_record(b"made up")).expect("a record");
    record.at(position).to_bytes().expect("JSON")
}
