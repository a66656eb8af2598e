//! The file tracks, one file a story: what concourse/s3-resource does, and what goes beyond it.

mod anywhere;
mod conflicts;
mod cost;
mod faults;
mod moving;
mod patterns;
mod policies;
mod verified;
mod versions;

use crate::support::{BUCKET, Embedded, Got, Inputs, Resource, Run, Tree};
use serde_json::{Value, json};

/// A resource that follows a pattern.
fn named(server: &Embedded, regexp: &str) -> Resource {
    server.resource().unset("artifacts").set("regexp", regexp)
}

/// A resource that follows the versions of a file, in a bucket that keeps them.
fn versioned(server: &Embedded, key: &str) -> Resource {
    server.create_versioned_bucket(BUCKET);
    server.resource().unset("artifacts").set("versioned_file", key)
}

/// A version of a file that a pattern names.
fn path(path: &str) -> Value {
    json!({"path": path})
}

fn id(id: &str) -> Value {
    json!({"version_id": id})
}

/// Puts a file of this name, in an input called `built`.
fn put(resource: &Resource, name: &str, bytes: &[u8], params: Value) -> Run {
    let inputs = Inputs::new().with("built", &Tree::of(name, bytes));
    let mut all = json!({"file": format!("built/{name}")});
    all.as_object_mut().expect("a map").extend(params.as_object().expect("a map").clone());
    resource.put(inputs.path(), &all)
}

/// What a file that a get wrote holds.
fn text(got: &Got, name: &str) -> String {
    let path = got.path().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}\n{}", got.run.stderr))
}

/// The names of what a get wrote, sorted.
fn names(got: &Got) -> Vec<String> {
    got.run.json();
    let entries = std::fs::read_dir(got.path()).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}
