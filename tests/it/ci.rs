//! The project's own pipeline: what it names is there.

use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The resource types that every worker brings, of those that are used here.
const CORE: [&str; 4] = ["git", "github-release", "registry-image", "time"];
/// Steps that only hold others.
const HOLDERS: [&str; 3] = ["do", "in_parallel", "try"];
const HOOKS: [&str; 5] = ["on_success", "on_failure", "on_error", "on_abort", "ensure"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn yaml(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let value: Result<serde_yaml_ng::Value, _> = serde_yaml_ng::from_str(&text);
    let mut value = value.unwrap_or_else(|e| panic!("{path:?}: {e}"));
    value.apply_merge().expect("merge keys");
    serde_json::to_value(value).expect("JSON")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn names(value: &Value, list_name: &str) -> BTreeSet<String> {
    list(value, list_name).iter().map(|it| text(it, "name").to_owned()).collect()
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 == 0o111)
}

/// A task's config runs by itself: on a checkout called `repo`, with an image of its own.
fn check_task(path: &Path) -> Value {
    let task = yaml(path);
    assert_eq!(task["platform"], "linux", "{path:?}");
    assert_eq!(task["image_resource"]["type"], "registry-image", "{path:?}");
    assert!(task["image_resource"]["source"]["repository"].is_string(), "{path:?}");
    let program = text(&task["run"], "path");
    if let Some(script) = program.strip_prefix("repo/") {
        assert!(is_executable(&root().join(script)), "{path:?}: {script}");
    } else {
        assert_eq!(program, "build", "the program of Concourse's image for building images");
    }
    for input in list(&task, "inputs").iter().filter(|it| it["optional"] != true) {
        assert_eq!(input["name"], "repo", "{path:?}");
    }
    task
}

struct Plan<'a> {
    resources: &'a BTreeSet<String>,
    used: BTreeSet<String>,
    artifacts: BTreeSet<String>,
    tasks: BTreeSet<PathBuf>,
}

impl Plan<'_> {
    fn resource(&mut self, step: &Value, verb: &str) {
        let name = step["resource"].as_str().unwrap_or_else(|| text(step, verb));
        assert!(self.resources.contains(name), "{name} is not declared");
        self.used.insert(name.to_owned());
    }

    /// Every string whose first part names an artifact must name one that exists by then.
    fn artifact(&self, path: &str) {
        let first = path.split('/').next().unwrap_or_default();
        assert!(self.artifacts.contains(first), "{path}: there is no {first} at this step");
    }

    fn task(&mut self, step: &Value) {
        let file = text(step, "file");
        self.artifact(file);
        // Each artifact that has a ci/ is a checkout of this repository.
        let (_, path) = file.split_once('/').expect("a path in a checkout");
        let path = root().join(path);
        let config = check_task(&path);
        for input in list(&config, "inputs") {
            let name = text(input, "name");
            let mapped = step["input_mapping"][name].as_str().unwrap_or(name);
            assert!(input["optional"] == true || self.artifacts.contains(mapped), "{mapped}");
        }
        for (param, value) in step["params"].as_object().into_iter().flatten() {
            assert!(config["params"].get(param).is_some(), "{path:?} has no {param}");
            self.artifact(value.as_str().expect("a path"));
        }
        self.artifacts.extend(names(&config, "outputs"));
        self.tasks.insert(path);
    }

    fn step(&mut self, step: &Value) {
        for holder in HOLDERS {
            let steps = list(step, holder).iter().chain(list(&step[holder], "steps"));
            steps.for_each(|step| self.step(step));
        }
        if step.get("get").is_some() {
            self.resource(step, "get");
            self.artifacts.insert(text(step, "get").to_owned());
        } else if step.get("put").is_some() {
            self.resource(step, "put");
            let inputs = list(step, "inputs");
            inputs.iter().for_each(|it| self.artifact(it.as_str().expect("a name")));
            let params = step["params"].as_object().expect("params").values();
            let paths = params.filter_map(Value::as_str).filter(|it| it.contains('/'));
            paths.for_each(|path| self.artifact(path));
        } else if step.get("task").is_some() {
            self.task(step);
        } else if step.get("load_var").is_some() {
            self.artifact(text(step, "file"));
        }
        HOOKS.iter().filter_map(|hook| step.get(hook)).for_each(|step| self.step(step));
    }
}

#[test]
fn the_pipeline_names_what_exists() {
    let pipeline = yaml(&root().join("ci/pipeline.yml"));
    let types = names(&pipeline, "resource_types");
    for resource in list(&pipeline, "resources") {
        let kind = text(resource, "type");
        assert!(types.contains(kind) || CORE.contains(&kind), "{kind} is not declared");
    }
    let resources = names(&pipeline, "resources");
    let (mut used, mut tasks) = (BTreeSet::new(), BTreeSet::new());
    for job in list(&pipeline, "jobs") {
        let artifacts = BTreeSet::new();
        let mut plan = Plan { resources: &resources, used, artifacts, tasks };
        list(job, "plan").iter().for_each(|step| plan.step(step));
        HOOKS.iter().filter_map(|hook| job.get(hook)).for_each(|step| plan.step(step));
        (used, tasks) = (plan.used, plan.tasks);
    }
    assert_eq!(used, resources, "each resource is used");
    let files = std::fs::read_dir(root().join("ci/tasks"))
        .expect("the tasks")
        .map(|it| it.expect("a file").path());
    let configs: BTreeSet<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|it| it == "yml")).collect();
    assert_eq!(tasks, configs, "each task is used");
}

#[test]
fn every_script_is_executable() {
    for directory in ["ci", "ci/tasks", ".ci"] {
        for file in std::fs::read_dir(root().join(directory)).expect(directory) {
            let path = file.expect("a file").path();
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(is_executable(&path), text.starts_with("#!"), "{path:?}");
        }
    }
}

fn ended(output: &Output) -> (bool, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.success(), String::from_utf8(text).expect("text"))
}

fn notes(changelog: &Path, version: &str) -> (bool, String) {
    let mut command = Command::new(root().join("ci/release-notes.sh"));
    ended(&command.arg(version).arg(changelog).output().expect("the script runs"))
}

const CHANGELOG: &str = "\
# Changelog

## Unreleased

- new

## 1.10.0 - 2027-02-01

### Added

- ten

### Fixed

- eleven

## [1.1.0]
- one
## 1.0.0

## 0.9.0

- last
";

#[test]
fn release_notes_are_one_version_s_section() {
    let directory = TempDir::new().expect("a directory");
    let changelog = directory.path().join("CHANGELOG.md");
    std::fs::write(&changelog, CHANGELOG).expect("written");
    let cases = [
        ("Unreleased", "- new\n"),
        ("1.10.0", "### Added\n\n- ten\n\n### Fixed\n\n- eleven\n"),
        ("1.1.0", "- one\n"),
        ("0.9.0", "- last\n"),
    ];
    for (version, section) in cases {
        assert_eq!(notes(&changelog, version), (true, section.to_owned()), "{version}");
    }
    for missing in ["1.1", "1.10", "1.0.0", "1x1y0", "2.0.0", "Added"] {
        let (succeeded, said) = notes(&changelog, missing);
        assert!(!succeeded, "{missing}: {said}");
        assert!(said.starts_with("error: ") && said.contains(missing), "{said}");
    }
    let (succeeded, _) = notes(&root().join("CHANGELOG.md"), "Unreleased");
    assert!(succeeded, "the project's own changelog");
}

/// A checkout as Concourse fetches a tag, with the scripts of this one.
fn release(tag: &str, changelog: &str) -> (TempDir, (bool, String)) {
    let directory = TempDir::new().expect("a directory");
    let tasks = directory.path().join("repo/ci/tasks");
    std::fs::create_dir_all(&tasks).expect("created");
    std::fs::create_dir(directory.path().join("release")).expect("created");
    for script in ["ci/release-notes.sh", "ci/tasks/release.sh"] {
        let link = directory.path().join("repo").join(script);
        std::os::unix::fs::symlink(root().join(script), link).expect("linked");
    }
    let repo = directory.path().join("repo");
    std::fs::write(repo.join("Cargo.toml"), "[package]\nversion = \"1.10.0\"\n").expect("written");
    std::fs::write(repo.join("CHANGELOG.md"), changelog).expect("written");
    crate::support::git(&repo, &["init", "-q"]);
    crate::support::git(&repo, &["add", "."]);
    crate::support::git(&repo, &["commit", "-qm", "release"]);
    std::fs::write(repo.join(".git/ref"), format!("{tag}\n")).expect("written");
    let mut command = Command::new("repo/ci/tasks/release.sh");
    let outcome = ended(&command.current_dir(directory.path()).output().expect("it runs"));
    (directory, outcome)
}

#[test]
fn a_release_is_of_its_tag_and_has_notes() {
    let (directory, (succeeded, said)) = release("v1.10.0", CHANGELOG);
    assert!(succeeded, "{said}");
    let read = |name: &str| {
        std::fs::read_to_string(directory.path().join("release").join(name)).expect(name)
    };
    assert_eq!(read("version"), "1.10.0\n");
    assert_eq!(read("tag"), "v1.10.0\n");
    assert!(read("notes.md").starts_with("### Added\n"));
    let head = crate::support::git(&directory.path().join("repo"), &["rev-parse", "HEAD"]);
    let arguments = read("build-args");
    let arguments: Vec<&str> = arguments.lines().collect();
    assert_eq!(arguments[..2], ["VERSION=1.10.0", &format!("REVISION={}", head.trim())]);
    let time = arguments[2].strip_prefix("SOURCE_DATE_EPOCH=").expect("the commit's time");
    assert!(time.parse::<u64>().is_ok_and(|time| time > 0), "{time}");

    let (_directory, (succeeded, said)) = release("v1.9.0", CHANGELOG);
    assert!(!succeeded && said.contains("the tag is v1.9.0"), "{said}");
    let (_directory, (succeeded, said)) = release("v1.10.0", "# Changelog\n");
    assert!(!succeeded && said.contains("1.10.0"), "{said}");
}

#[test]
fn one_version_of_rust_is_named_everywhere() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect(path);
    let manifest = read("Cargo.toml");
    let line = manifest.lines().find_map(|it| it.strip_prefix("rust-version = "));
    let version = line.expect("a rust-version").trim_matches('"').to_owned();
    for (path, words) in [
        ("Dockerfile", format!("rust:{version}-")),
        ("README.md", format!("Rust {version} or newer")),
        ("CONTRIBUTING.md", format!("Rust {version} or newer")),
        ("ci/tasks/release.yml", format!("tag: {version}-")),
        ("ci/tasks/test.yml", format!("tag: {version}-")),
    ] {
        assert!(read(path).contains(&words), "{path} does not say {words}");
    }
}
