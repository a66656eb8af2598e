//! Checkouts, made with the git program.

use super::Tree;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A repository below a directory that serves as a put's inputs, under the name `repo`.
pub(crate) struct Checkout {
    inputs: TempDir,
}

impl Checkout {
    /// A repository with one commit of this tree.
    pub(crate) fn of(tree: &Tree) -> Checkout {
        let checkout = Checkout { inputs: TempDir::new().expect("a directory") };
        tree.write(&checkout.repo());
        git(&checkout.repo(), &["init", "--quiet", "--initial-branch=main"]);
        checkout.commit("first");
        checkout
    }

    /// An empty one, to clone into.
    pub(crate) fn empty() -> Checkout {
        Checkout { inputs: TempDir::new().expect("a directory") }
    }

    pub(crate) fn inputs(&self) -> &Path {
        self.inputs.path()
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.inputs.path().join("repo")
    }

    /// Another input beside the repository.
    pub(crate) fn input(&self, name: &str, tree: &Tree) {
        let directory = self.inputs.path().join(name);
        let _ = std::fs::remove_dir_all(&directory);
        tree.write(&directory);
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.repo(), arguments)
    }

    /// Commits whatever the work tree holds; answers the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }
}

pub(crate) fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(directory)
        .args(["-c", "protocol.file.allow=always", "-c", "safe.directory=*"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.com")])
        .envs([("GIT_COMMITTER_NAME", "a"), ("GIT_COMMITTER_EMAIL", "a@example.com")])
        .output()
        .expect("git runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}
