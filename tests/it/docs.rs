//! What the documents show is what the program takes.

use s3_asset_resource::params::{self, GetArtifacts, PutArtifacts};
use s3_asset_resource::source::{self, Source};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// YAML as Concourse reads it, merge keys applied.
fn yaml(text: &str) -> Value {
    let mut value: serde_yaml_ng::Value = serde_yaml_ng::from_str(text).expect("YAML");
    value.apply_merge().expect("merge keys");
    serde_json::to_value(value).expect("JSON")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// Parses the sources and params of a pipeline, or of a part of one; answers how many there were.
fn check(pipeline: &Value) -> usize {
    let is_ours = |resource: &&Value| resource["type"] == "s3-asset";
    let ours: HashMap<&str, &Value> = list(pipeline, "resources")
        .iter()
        .filter(is_ours)
        .map(|resource| (resource["name"].as_str().expect("a name"), &resource["source"]))
        .collect();
    for source in ours.values() {
        Source::parse(&map(source)).expect("a valid source");
    }
    let steps = list(pipeline, "jobs").iter().flat_map(|job| list(job, "plan"));
    ours.len() + steps.filter(|step| check_step(step, |name| ours.contains_key(name))).count()
}

fn check_step(step: &Value, is_ours: impl Fn(&str) -> bool) -> bool {
    let name = |verb: &str| step[verb].as_str().filter(|name| is_ours(name));
    if name("get").is_some() {
        GetArtifacts::parse(&map(&step["params"])).expect("valid params of a get");
    } else if name("put").is_some() {
        PutArtifacts::parse(&map(&step["params"])).expect("valid params of a put");
    } else {
        return false;
    }
    true
}

#[test]
fn the_example_pipeline_is_valid() {
    assert_eq!(check(&yaml(&read("assets/pipelines/artifacts.yml"))), 5);
}

#[test]
fn what_the_readme_shows_is_valid() {
    let readme = read("README.md");
    let blocks = readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut checked = 0;
    for block in blocks {
        match yaml(block) {
            Value::Array(steps) => {
                let ours = |name: &str| ["packages", "assets"].contains(&name);
                checked += steps.iter().filter(|step| check_step(step, ours)).count();
            }
            pipeline => checked += check(&pipeline),
        }
    }
    assert!(checked >= 5, "{checked}");
}

#[test]
fn the_readme_names_every_key() {
    let readme = read("README.md");
    let known = source::known_keys().into_iter().chain(params::known_keys());
    for (place, keys) in known {
        for key in keys {
            assert!(readme.contains(&format!("`{key}`")), "{place}.{key} is not in the README");
        }
    }
}

#[test]
fn the_policies_are_json_and_the_links_lead_to_the_executable() {
    for policy in ["artifacts-publish", "artifacts-read"] {
        let text = read(&format!("assets/policies/{policy}.json"));
        serde_json::from_str::<Value>(&text).expect(policy);
    }
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    for link in [
        "opt/resource/check",
        "opt/resource/in",
        "opt/resource/out",
        "usr/local/bin/check",
        "usr/local/bin/upload",
    ] {
        let target = std::fs::read_link(assets.join(link)).expect(link);
        let executable = Path::new(link).parent().expect("a directory").join(target);
        let mut path = Vec::new();
        for part in executable.to_str().expect("text").split('/') {
            if part == ".." {
                path.pop();
            } else {
                path.push(part);
            }
        }
        assert_eq!(path.join("/"), "usr/local/bin/s3-asset", "{link}");
    }
}
