//! A bucket, a checkout, and the program between them.

use s3_test_server::{Handle, Options, Server};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

use crate::support::only_listed;
pub(super) use crate::support::{BUCKET, program};

pub(super) fn server() -> Server {
    only_listed(false);
    Server::start(Options::with_bucket(BUCKET))
}

/// What a run left.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) status: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        Run {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Run {
    /// Asserts that the program succeeded.
    #[track_caller]
    pub(super) fn ok(self) -> Run {
        assert_eq!(self.status, Some(0), "{}", self.stderr);
        self
    }

    /// Asserts that it ended with a status, an error that contains a text, and a hint.
    #[track_caller]
    pub(super) fn failed(self, status: i32, what: &str) -> Run {
        assert_eq!(self.status, Some(status), "{}", self.stderr);
        let lines: Vec<&str> = self.stderr.lines().collect();
        let error = lines.iter().position(|line| line.contains("error: ") && line.contains(what));
        let error = error.unwrap_or_else(|| panic!("no error about {what}: {}", self.stderr));
        assert!(
            lines.get(error + 1).is_some_and(|line| line.contains("hint: ")),
            "{}",
            self.stderr
        );
        self
    }

    #[track_caller]
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }
}

pub(super) fn run(server: &Handle, arguments: &[&str]) -> Run {
    program(server, arguments).output().expect("runs").into()
}

/// The commands that a help lists.
pub(super) fn listed(server: &Handle, words: &[&str]) -> Vec<String> {
    let help = run(server, &[words, &["--help"]].concat()).ok().stdout;
    let list = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
    let names = list.lines().take_while(|it| !it.is_empty());
    let names = names.filter_map(|it| it.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Starts the program as the victim of the server's faults, and waits for its end.
pub(super) fn run_as_victim(server: &Handle, arguments: &[&str]) {
    crate::support::run_as_victim(server, &mut program(server, arguments));
}

/// A checkout and a package directory, as a task of s3-asset-manager finds them.
pub(super) struct Task {
    directory: TempDir,
    git: git2::Repository,
}

impl Task {
    pub(super) fn new() -> Task {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("packages")).expect("packages");
        let git = git2::Repository::init(directory.path().join("repo")).expect("a repository");
        let task = Task { directory, git };
        task.commit(&[("lambdas/a.py", "print('a')"), ("README.md", "1")]);
        task
    }

    pub(super) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn repository(&self) -> PathBuf {
        self.root().join("repo")
    }

    /// Commits files, and answers the commit's hash.
    pub(super) fn commit(&self, files: &[(&str, &str)]) -> String {
        let mut index = self.git.index().expect("an index");
        for (path, text) in files {
            let disk = self.repository().join(path);
            std::fs::create_dir_all(disk.parent().expect("a parent")).expect("a directory");
            std::fs::write(disk, text).expect("a file");
            index.add_path(Path::new(path)).expect("added");
        }
        index.write().expect("written");
        let tree = self.git.find_tree(index.write_tree().expect("a tree")).expect("a tree");
        let who = git2::Signature::new("t", "t@example.com", &git2::Time::new(1, 0)).expect("who");
        let parent = self.git.head().ok().map(|head| head.peel_to_commit().expect("a commit"));
        let parents: Vec<_> = parent.iter().collect();
        let id = self.git.commit(Some("HEAD"), &who, &who, "c", &tree, &parents);
        id.expect("a commit").to_string()
    }

    pub(super) fn head(&self) -> String {
        self.git.head().expect("a head").peel_to_commit().expect("a commit").id().to_string()
    }

    /// A file of the package directory; none: it is not there.
    pub(super) fn package(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.root().join("packages").join(name)).ok()
    }

    /// Writes into the package directory.
    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.root().join("packages").join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    /// Empties the package directory, as Concourse does between builds.
    pub(super) fn clean(&self) {
        std::fs::remove_dir_all(self.root().join("packages")).expect("removed");
        std::fs::create_dir(self.root().join("packages")).expect("made");
    }

    /// `check` or `upload` under that very name, with the variables of the original's image.
    pub(super) fn command(&self, server: &Handle, name: &str) -> Command {
        let mut command = program(server, &[]);
        command
            .arg0(name)
            .current_dir(self.root())
            .env("GIT_REPO_PATH", "./repo")
            .env("PACKAGE_DIRECTORY", "./packages");
        command
    }

    pub(super) fn check(&self, server: &Handle, filter: Option<&str>) -> Run {
        let mut command = self.command(server, "check");
        filter.map(|filter| command.env("CODE_HASH_FIND_FILTER", filter));
        command.output().expect("runs").into()
    }

    pub(super) fn upload(&self, server: &Handle) -> Run {
        self.command(server, "upload").output().expect("runs").into()
    }
}
