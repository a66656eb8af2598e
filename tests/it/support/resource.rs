//! The real program, called as Concourse calls it, with an environment that a test chose.

use super::Tree;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_s3-asset");

/// A resource of a pipeline: its `source`, and what the worker's environment holds.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) source: Value,
    environment: BTreeMap<String, String>,
}

impl Resource {
    pub(crate) fn new(source: Value) -> Resource {
        Resource { source, environment: BTreeMap::new() }
    }

    /// With a key of `source`.
    pub(crate) fn set(mut self, key: &str, value: impl Into<Value>) -> Resource {
        self.source[key] = value.into();
        self
    }

    /// Without a key of `source`.
    pub(crate) fn unset(mut self, key: &str) -> Resource {
        self.source.as_object_mut().expect("a map").remove(key);
        self
    }

    /// With a key of `source.artifacts`.
    pub(crate) fn artifacts(mut self, key: &str, value: impl Into<Value>) -> Resource {
        self.source["artifacts"][key] = value.into();
        self
    }

    /// With a key of `source.package`.
    pub(crate) fn of_package(mut self, key: &str, value: impl Into<Value>) -> Resource {
        self.source["package"][key] = value.into();
        self
    }

    /// Adds a file of this content to the package, or does whatever else these params say.
    pub(crate) fn add(&self, content: impl Into<Vec<u8>>, params: &Value) -> Run {
        let inputs = Inputs::of(&Tree::of("app.jar", content));
        let mut all = json!({"file": "assets/app.jar"});
        all.as_object_mut().expect("a map").extend(params.as_object().expect("a map").clone());
        self.put(inputs.path(), &all)
    }

    /// Puts with nothing in its inputs.
    pub(crate) fn put_params(&self, params: &Value) -> Run {
        self.put(Inputs::new().path(), params)
    }

    /// With a variable in the environment, which is empty otherwise.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Resource {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn check(&self, version: Option<&Value>) -> Run {
        let mut request = json!({ "source": self.source });
        if let Some(version) = version {
            request["version"] = version.clone();
        }
        self.start("check", None, &request).wait()
    }

    /// The versions of a check that must succeed.
    pub(crate) fn versions(&self, version: Option<&Value>) -> Vec<Value> {
        match self.check(version).json() {
            Value::Array(versions) => versions,
            other => panic!("a check answers a list, not {other}"),
        }
    }

    pub(crate) fn get(&self, version: &Value, params: Value) -> Got {
        self.get_into(version, params, TempDir::new().expect("a directory"))
    }

    pub(crate) fn get_into(&self, version: &Value, params: Value, directory: TempDir) -> Got {
        let request = json!({"source": self.source, "version": version, "params": params});
        let run = self.start("in", Some(directory.path()), &request).wait();
        Got { run, directory }
    }

    pub(crate) fn put(&self, inputs: &Path, params: &Value) -> Run {
        self.start_put(inputs, params).wait()
    }

    pub(crate) fn start_put(&self, inputs: &Path, params: &Value) -> Running {
        let request = json!({"source": self.source, "params": params});
        self.start("out", Some(inputs), &request)
    }

    /// Publishes a tree for a commit that is named in params.
    pub(crate) fn publish(&self, commit: &str, tree: &Tree) -> Run {
        let inputs = Inputs::of(tree);
        self.put(inputs.path(), &json!({"commit": commit, "directory": "assets"}))
    }

    pub(crate) fn start(
        &self,
        program: &str,
        directory: Option<&Path>,
        request: &Value,
    ) -> Running {
        self.start_raw(program, directory, request.to_string().as_bytes())
    }

    /// With options before the directory.
    pub(crate) fn start_with(
        &self,
        program: &str,
        options: &[&str],
        directory: Option<&Path>,
        request: &Value,
    ) -> Running {
        self.spawn(program, options, directory, request.to_string().as_bytes())
    }

    pub(crate) fn start_raw(
        &self,
        program: &str,
        directory: Option<&Path>,
        input: &[u8],
    ) -> Running {
        self.spawn(program, &[], directory, input)
    }

    fn spawn(
        &self,
        program: &str,
        options: &[&str],
        directory: Option<&Path>,
        input: &[u8],
    ) -> Running {
        let mut command = Command::new(PROGRAM);
        command
            .arg0(format!("/opt/resource/{program}"))
            .args(options)
            .args(directory)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        // One that ends before it has read everything is no error here.
        let _ = child.stdin.take().expect("its standard input").write_all(input);
        Running { child, request: format!("{program} {}", String::from_utf8_lossy(input)) }
    }
}

/// Starts a command of the program.
pub(crate) fn start(command: &mut Command) -> Running {
    let words: Vec<_> = command.get_args().map(|it| it.to_string_lossy().into_owned()).collect();
    Running { child: command.spawn().expect("the program starts"), request: words.join(" ") }
}

/// Carries out a command of the program.
pub(crate) fn run(command: &mut Command) -> Run {
    start(command).wait()
}

/// A step, or a command, that is under way.
pub(crate) struct Running {
    child: Child,
    request: String,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, unless it is over already.
    pub(crate) fn kill(mut self) -> Run {
        self.child.kill().expect("a signal");
        self.wait()
    }

    pub(crate) fn wait(self) -> Run {
        let output = self.child.wait_with_output().expect("it ends");
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: plain(&String::from_utf8(output.stderr).expect("UTF-8")),
            request: self.request,
        }
    }
}

/// What a step, or a command, answered.
#[derive(Debug)]
pub(crate) struct Run {
    /// None where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    /// Without colours.
    pub(crate) stderr: String,
    request: String,
}

impl Run {
    pub(crate) fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// The standard output of what must succeed.
    #[track_caller]
    pub(crate) fn told(&self) -> &str {
        assert!(self.succeeded(), "{} ended with {:?}:\n{}", self.request, self.code, self.stderr);
        &self.stdout
    }

    /// The one JSON value on standard output of what must succeed.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.told()).expect("one JSON value on standard output")
    }

    pub(crate) fn version(&self) -> Value {
        self.json()["version"].clone()
    }

    /// A line of the metadata; empty where there is none.
    pub(crate) fn metadata(&self, name: &str) -> String {
        let json = self.json();
        let lines = json["metadata"].as_array().expect("metadata").clone();
        let line = lines.iter().find(|line| line["name"] == name);
        line.and_then(|line| line["value"].as_str()).unwrap_or("").to_owned()
    }

    pub(crate) fn metadata_names(&self) -> Vec<String> {
        let lines = self.json()["metadata"].as_array().expect("metadata").clone();
        lines.iter().map(|line| line["name"].as_str().expect("a name").to_owned()).collect()
    }

    /// Asserts the form of every failure, and answers its error line and its hint.
    pub(crate) fn failure(&self) -> (String, String) {
        let Run { code, stdout, stderr, request } = self;
        assert_eq!(*code, Some(1), "{request}\n{stdout}{stderr}");
        assert_eq!(stdout, "", "nothing on standard output: {request}");
        let of = |label: &str| -> Vec<String> {
            stderr.lines().filter_map(|line| line.strip_prefix(label)).map(str::to_owned).collect()
        };
        let (errors, hints) = (of("error: "), of("hint: "));
        assert_eq!((errors.len(), hints.len()), (1, 1), "one error, one hint: {request}\n{stderr}");
        let last: Vec<&str> = stderr.lines().rev().take(2).collect();
        assert!(last[0].starts_with("hint: ") && last[1].starts_with("error: "), "{stderr}");
        (errors[0].clone(), hints[0].clone())
    }

    pub(crate) fn error(&self) -> String {
        self.failure().0
    }

    /// How many retries were announced.
    pub(crate) fn retries(&self) -> usize {
        self.stderr.matches("trying again in").count()
    }
}

/// What a get wrote.
pub(crate) struct Got {
    pub(crate) run: Run,
    directory: TempDir,
}

impl Got {
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Everything there, of a get that must succeed.
    pub(crate) fn tree(&self) -> Tree {
        self.run.json();
        Tree::read(self.path())
    }

    /// Only the set's files.
    pub(crate) fn assets(&self) -> Tree {
        self.tree().assets()
    }

    /// The one error line of a get that must fail and leave nothing behind.
    pub(crate) fn nothing_but_an_error(&self) -> String {
        let error = self.run.error();
        assert_eq!(Tree::read(self.path()), Tree::default(), "{error}");
        let left = std::fs::read_dir(self.path()).expect("a directory").count();
        assert_eq!(left, 0, "no stage is left behind: {error}");
        error
    }
}

/// The inputs of a put.
pub(crate) struct Inputs(TempDir);

impl Inputs {
    pub(crate) fn new() -> Inputs {
        Inputs(TempDir::new().expect("a directory"))
    }

    /// One input, `assets`.
    pub(crate) fn of(tree: &Tree) -> Inputs {
        Inputs::new().with("assets", tree)
    }

    pub(crate) fn with(self, name: &str, tree: &Tree) -> Inputs {
        tree.write(&self.join(name));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// A text without its colours and frames.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => {
                chars.by_ref().find(|c| c.is_ascii_alphabetic());
            }
            '\r' => out.push('\n'),
            c => out.push(c),
        }
    }
    out
}
