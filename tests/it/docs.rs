//! What the documents show is what the program takes.

mod commands;
mod tables;
mod troubleshooting;

use s3_asset_resource::input::get_file::GetFile;
use s3_asset_resource::tracks::artifacts::params::{GetArtifacts, PutArtifacts};
use s3_asset_resource::tracks::files::params::{GetFiles, PutFiles};
use s3_asset_resource::tracks::gocd::params::{GetGocd, PutGocd};
use s3_asset_resource::tracks::package::params::PutPackage;
use s3_asset_resource::tracks::promotion::params::PutPromotion;
use s3_asset_resource::tracks::{self, Source, Track};
use serde_json::{Map, Value, json};
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

/// Asserts that a value is as a schema says, in the words of JSON Schema that ours use.
fn conforms(value: &Value, schema: &Value, place: &str) -> Result<(), String> {
    let kind = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::Null => "null",
    };
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let is_kind = |it: &&str| *it == kind || *it == "integer" && value.is_u64();
    if !kinds.is_empty() && !kinds.iter().any(is_kind) {
        return Err(format!("{place} is a {kind}"));
    }
    if let Some(values) = schema["enum"].as_array().filter(|values| !values.contains(value)) {
        return Err(format!("{place} is none of {values:?}"));
    }
    for (name, below) in map(value) {
        let place = format!("{place}.{name}");
        match (&schema["properties"][&name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => return Err(format!("{place} is unknown")),
            (Value::Null, schema) | (schema, _) => conforms(&below, schema, &place)?,
        }
    }
    for item in value.as_array().into_iter().flatten() {
        conforms(item, &schema["items"], place)?;
    }
    for name in list(schema, "required") {
        let name = name.as_str().expect("a name");
        value.get(name).ok_or_else(|| format!("{place}.{name} is missing"))?;
    }
    for (word, most) in [("anyOf", usize::MAX), ("oneOf", 1)] {
        let all: Vec<_> =
            list(schema, word).iter().map(|below| conforms(value, below, place)).collect();
        let good = all.iter().filter(|it| it.is_ok()).count();
        if !all.is_empty() && (good == 0 || good > most) {
            return Err(format!("{place}: {word}: {all:?}"));
        }
    }
    Ok(())
}

/// Asserts that each property is described; answers their names.
fn described(schema: &Value, place: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (name, below) in map(&schema["properties"]) {
        let place = format!("{place}.{name}");
        assert!(below["description"].is_string(), "{place} has no description");
        names.extend(described(&below, &place));
        names.push(name);
    }
    for track in list(schema, "anyOf") {
        names.extend(described(track, place));
    }
    names
}

#[test]
fn the_schema_is_current_and_describes_every_key() {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_s3-asset")).arg("schema").output();
    let printed = String::from_utf8(run.expect("the program runs").stdout).expect("UTF-8");
    assert!(
        printed == read("assets/s3-asset.schema.json"),
        "bring it up to date: cargo run -- schema > assets/s3-asset.schema.json"
    );
    let schema: Value = serde_json::from_str(&printed).expect("JSON");
    let described: Vec<String> =
        map(&schema["$defs"]).iter().flat_map(|(name, it)| described(it, name)).collect();
    let tracks = ["artifacts", "promotion", "package", "gocd", "regexp", "versioned_file"];
    for (place, keys) in tracks::known_keys() {
        for key in keys {
            let is_there = described.iter().any(|it| it == key) || tracks.contains(&key);
            assert!(is_there, "{place}.{key} is not in the schema");
        }
    }
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let schema = tracks::schema();
    let cases = [
        (json!({"bucket": "b", "artifacts": {}}), ""),
        (
            json!({"bucket": "b", "artifacts": {"code_hash": ["a", "b"]}, "use_path_style": "true"}),
            "",
        ),
        (json!({"artifacts": {}}), "source.bucket is missing"),
        (
            json!({"bucket": "b", "artifacts": {"folow": "code"}}),
            "source.artifacts.folow is unknown",
        ),
        (
            json!({"bucket": "b", "artifacts": {"follow": "cod"}}),
            "source.artifacts.follow is none of",
        ),
        (json!({"bucket": ["b"], "artifacts": {}}), "source.bucket is a array"),
        (json!({"bucket": "b"}), "source: oneOf"),
    ];
    for (source, want) in cases {
        let error = conforms(&source, &schema, "source").err().unwrap_or_default();
        assert!(error.starts_with(want) && error.is_empty() == want.is_empty(), "{error}");
        assert_eq!(Source::parse(&map(&source)).is_ok(), want.is_empty(), "{source}");
    }
}

/// The tracks of our resources, by name.
type Tracks = HashMap<String, Track>;

/// Parses the sources of a pipeline, or of a part of one.
fn tracks(pipeline: &Value) -> Tracks {
    let ours = list(pipeline, "resources").iter().filter(|it| it["type"] == "s3-asset");
    ours.map(|resource| {
        let source = &resource["source"];
        conforms(source, &tracks::schema(), "source").expect("as the schema says");
        let name = resource["name"].as_str().expect("a name").to_owned();
        (name, Source::parse(&map(source)).expect("a valid source").track)
    })
    .collect()
}

/// Parses the sources and params of a pipeline, or of a part of one; answers how many there were.
fn check(pipeline: &Value) -> usize {
    let tracks = tracks(pipeline);
    let steps = list(pipeline, "jobs").iter().flat_map(|job| list(job, "plan"));
    tracks.len() + steps.filter(|step| check_step(step, &tracks)).count()
}

/// Parses the params of a step of ours, by the track of its resource; whether it is one.
fn check_step(step: &Value, tracks: &Tracks) -> bool {
    let track = |verb: &str| {
        let name = step[verb].as_str()?;
        tracks.get(step["resource"].as_str().unwrap_or(name))
    };
    if let Some(track) = track("get") {
        check_get(track, map(&step["params"]));
    } else if let Some(track) = track("put") {
        check_put(track, map(&step["params"]));
        check_get(track, map(&step["get_params"]));
    } else {
        return false;
    }
    true
}

fn check_get(track: &Track, params: Map<String, Value>) {
    let parsed = match track {
        Track::Artifacts(_) => GetArtifacts::parse(&params).map(drop),
        Track::Gocd(_) => GetGocd::parse(&params).map(drop),
        Track::Package(_) => GetFile::parse(&params).map(drop),
        Track::Promotion(_) => GetFile::parse(&params).map(drop),
        Track::Files(_) => GetFiles::parse(&params).map(drop),
    };
    parsed.unwrap_or_else(|e| panic!("{params:?}: {e:#}"));
    let [get, _] = tracks::params_schemas();
    conforms(&params.into(), &get, "params").expect("as the schema says");
}

fn check_put(track: &Track, params: Map<String, Value>) {
    let parsed = match track {
        Track::Artifacts(_) => PutArtifacts::parse(&params).map(drop),
        Track::Gocd(_) => PutGocd::parse(&params).map(drop),
        Track::Package(it) => PutPackage::parse(&params, it).map(drop),
        Track::Promotion(it) => PutPromotion::parse(&params, it).map(drop),
        Track::Files(_) => PutFiles::parse(&params).map(drop),
    };
    parsed.unwrap_or_else(|e| panic!("{params:?}: {e:#}"));
    let [_, put] = tracks::params_schemas();
    conforms(&params.into(), &put, "params").expect("as the schema says");
}

#[test]
fn the_example_pipelines_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/pipelines");
    let mut pipelines = 0;
    for entry in std::fs::read_dir(folder).expect("pipelines") {
        let name = entry.expect("an entry").file_name().into_string().expect("text");
        let used = check(&yaml(&read(&format!("assets/pipelines/{name}"))));
        assert!(used >= 3, "{name} has hardly a step of ours");
        pipelines += 1;
    }
    assert!(pipelines >= 4, "{pipelines}");
}

/// Every page outside of `docs/`.
const ELSEWHERE: [&str; 6] = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "assets/policies/README.md",
    "tests/s3-server/README.md",
];

/// Every page: name and text.
fn pages() -> Vec<(String, String)> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut names = ELSEWHERE.map(str::to_owned).to_vec();
    let mut folders = vec![docs];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("docs") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("inside");
            match path.extension() {
                Some(it) if it == "md" => names.push(name.to_str().expect("text").to_owned()),
                _ if path.is_dir() => folders.push(path),
                _ => (),
            }
        }
    }
    names.sort();
    names.into_iter().map(|name| (name.clone(), read(&name))).collect()
}

/// A page with what is between each `<!-- NAME: ... -->` and `<!-- /NAME -->` made anew, of the words in the
/// marker.
fn filled(page: &str, name: &str, fill: impl Fn(&str) -> String) -> String {
    let (open, close) = (format!("<!-- {name}: "), format!("<!-- /{name} -->"));
    let mut parts = page.split(&open);
    let mut new = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (words, rest) = part.split_once("-->").expect("the end of the marker");
        let (_, after) = rest.split_once(&close).expect(&close);
        new.push_str(&format!("{open}{words}-->\n{}{close}{after}", fill(words.trim())));
    }
    new
}

/// Asserts that a page is what it would be written anew, or writes it.
fn is_current(name: &str, page: &str, new: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() && new != page {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        std::fs::write(path, new).expect("the page is written");
    } else {
        assert!(new == page, "bring {name} up to date: UPDATE_DOCS=1 cargo test --test it docs::");
    }
}

/// The YAML blocks of a page.
fn blocks(page: &str) -> Vec<Value> {
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(yaml).collect()
}

#[test]
fn what_the_pages_show_is_valid() {
    let pages: Vec<_> = pages().into_iter().map(|(name, text)| (name, blocks(&text))).collect();
    // A page may take a step of a resource that another page declares, or that only steps name.
    let mut elsewhere: Tracks = pages.iter().flat_map(|(_, it)| it).flat_map(tracks).collect();
    elsewhere.insert("assets".to_owned(), elsewhere["packages"].clone());
    for (name, blocks) in &pages {
        let mut all = elsewhere.clone();
        all.extend(blocks.iter().flat_map(tracks));
        for block in blocks {
            let checked = match block {
                Value::Array(steps) => steps.iter().filter(|step| check_step(step, &all)).count(),
                pipeline => check(pipeline),
            };
            assert!(checked > 0, "{name} shows YAML in which nothing is ours: {block}");
        }
    }
    let blocks = pages.iter().map(|(_, blocks)| blocks.len());
    assert!(blocks.sum::<usize>() >= 12);
}

/// What a heading of a page is called in a link to it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|it| it.is_alphanumeric() || "-_".contains(*it)).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut followed = 0;
    for (name, text) in pages() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => root.join(&name),
                file => root.join(&name).parent().expect("a folder").join(file),
            };
            assert!(target.exists(), "{name} links to {link}");
            if !place.is_empty() {
                let page = std::fs::read_to_string(&target).expect(link);
                let headings = page.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#')));
                assert!(anchors.any(|it| it == place), "{name} links to {link}");
            }
            followed += 1;
        }
    }
    assert!(followed >= 30, "{followed}");
}

#[test]
fn the_readme_is_short_and_leads_to_every_page() {
    let readme = read("README.md");
    assert!(
        readme.lines().count() <= 240,
        "move something into docs/; a page's marker may name keys of `source`, which leave this table"
    );
    for (name, _) in pages() {
        // What decisions and other folders hold is led to by the pages that the README links.
        let is_linked = name.split('/').count() > 2 || readme.contains(&format!("]({name}"));
        assert!(name == "README.md" || is_linked, "the README does not link {name}");
    }
}

#[test]
fn every_decision_is_listed() {
    let list = read("docs/decisions/README.md");
    for (name, _) in pages() {
        let Some(decision) = name.strip_prefix("docs/decisions/") else { continue };
        let is_listed = decision == "README.md" || list.contains(&format!("]({decision})"));
        assert!(is_listed, "docs/decisions/README.md does not list {decision}");
    }
}

#[test]
fn the_policies_are_json_and_the_links_lead_to_the_executable() {
    let (list, permissions) = (read("assets/policies/README.md"), read("docs/guarantees.md"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut policies = 0;
    for entry in std::fs::read_dir(root.join("assets/policies")).expect("policies") {
        let name = entry.expect("an entry").file_name().into_string().expect("text");
        let Some(policy) = name.strip_suffix(".json") else { continue };
        serde_json::from_str::<Value>(&read(&format!("assets/policies/{name}"))).expect(policy);
        assert!(list.contains(&format!("]({name})")), "assets/policies/README.md lacks {name}");
        assert!(permissions.contains(&format!("`{policy}`")), "docs/guarantees.md lacks {policy}");
        policies += 1;
    }
    assert!(policies >= 9, "{policies}");
    let assets = root.join("assets");
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
