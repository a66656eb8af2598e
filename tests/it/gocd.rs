//! The gocd track, one file a story.

mod annotating;
mod cost;
mod daily;
mod fetching;
mod kills;
mod markers;
mod races;

use crate::support::{BUCKET, Embedded, Inputs, Resource, Run, Tree};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const JOB: &str = "app/build/package/";

/// A version of the track.
fn version(revision: &str) -> Value {
    json!({"revision": revision})
}

/// The revision in a version.
fn revision(version: &Value) -> &str {
    version["revision"].as_str().expect("a revision")
}

/// Every revision that a check shows.
fn all(resource: &Resource) -> Vec<String> {
    let versions = resource.clone().set("initial_history", 99).versions(None);
    versions.iter().map(|version| revision(version).to_owned()).collect()
}

/// Puts a tree with these params, beside `directory`.
fn put(resource: &Resource, tree: &Tree, params: &Value) -> Run {
    let inputs = Inputs::of(tree);
    resource.put(inputs.path(), &with_directory(params))
}

fn with_directory(params: &Value) -> Value {
    let mut all = json!({"directory": "assets"});
    all.as_object_mut().expect("a map").extend(params.as_object().expect("a map").clone());
    all
}

/// What a plugin reports of a job.
#[derive(Debug, PartialEq, Eq)]
struct Reported {
    revision: String,
    user: Option<String>,
    traceback_url: Option<String>,
    label: Option<String>,
}

/// What the poller of GoCD's S3 material makes of the bucket: it asks for the marker of every folder
/// below the job, keeps those with `completed`, and stops at a marker that is not there.
fn poll(server: &Embedded) -> Result<Reported, String> {
    let marker = |folder: &str| -> Result<BTreeMap<String, String>, String> {
        let key = format!("{JOB}{folder}/");
        let object = server.get(BUCKET, &key).ok_or_else(|| format!("404 {key}"))?;
        Ok(object.attributes.metadata.clone())
    };
    let keys = server.keys(BUCKET);
    let below = keys.iter().filter_map(|key| key.strip_prefix(JOB)?.split_once('/'));
    let folders: BTreeSet<&str> = below.map(|(folder, _)| folder).collect();
    let mut greatest = ([0; 3], "0.0.0");
    for folder in folders {
        if !marker(folder)?.contains_key("completed") {
            continue;
        }
        let parts: Vec<i32> = folder
            .split('.')
            .map(|part| part.parse().map_err(|_| format!("no Java integer: {folder}")))
            .collect::<Result<_, _>>()?;
        let third = if parts.len() == 3 { parts[2] } else { 0 };
        let [first, second] = parts.get(..2).ok_or("no second part")? else { unreachable!() };
        greatest = greatest.max(([*first, *second, third], folder));
    }
    let found = marker(greatest.1)?;
    Ok(Reported {
        revision: greatest.1.to_owned(),
        user: found.get("user").cloned(),
        traceback_url: found.get("traceback_url").cloned(),
        label: found.get("go_pipeline_label").cloned(),
    })
}

/// A folder as GoCD itself publishes it.
fn by_gocd(server: &Embedded, revision: &str, files: &Tree) {
    for path in files.paths() {
        let text = files.text(path).expect("a file");
        server.put(BUCKET, &format!("{JOB}{revision}/{path}"), text, &[]);
    }
    let metadata = [
        ("user", "anonymous"),
        ("traceback_url", "https://gocd/go/tab/build/detail/app/7/build/1/package"),
        ("completed", "completed"),
        ("go_pipeline_label", "7"),
    ];
    server.put(BUCKET, &format!("{JOB}{revision}/"), "", &metadata);
}
