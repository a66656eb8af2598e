//! Which commit a checkout stands at, read by hand: for repositories that name objects by SHA-256, which
//! libgit2 does not open. No object is read for it: HEAD and refs are text.
//!
//! Invariant: a commit is answered only where git itself would answer it: HEAD, then the refs that it
//! leads to, each as a file before a line of `packed-refs`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Refs that lead to refs: git follows as many.
const DEEPEST: usize = 5;
/// Of these, every worktree has its own.
const OWN: [&str; 3] = ["refs/bisect/", "refs/rewritten/", "refs/worktree/"];

/// What a repository of SHA-256 stands at.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// A commit: 64 hex digits.
    Commit(String),
    /// Nothing was committed yet.
    Unborn,
    /// It has no files.
    Bare,
}

/// Where HEAD of a checkout leads; none where it is no repository of SHA-256 whose refs are files.
pub(super) fn of_sha256(checkout: &Path) -> Option<Head> {
    let own = git_directory(checkout)?;
    let common = match fs::read_to_string(own.join("commondir")) {
        Ok(text) => own.join(text.trim_end_matches('\n')),
        Err(_) => own.clone(),
    };
    let config = git2::Config::open(&common.join("config")).ok()?;
    let said = |name: &str| config.get_string(name).ok();
    let is_sha256 = said("extensions.objectformat").as_deref() == Some("sha256");
    if !is_sha256 || said("extensions.refstorage").is_some_and(|it| it != "files") {
        return None;
    }
    if own == common && config.get_bool("core.bare").unwrap_or(false) {
        return Some(Head::Bare);
    }
    let mut text = fs::read_to_string(own.join("HEAD")).ok()?;
    for _ in 0..DEEPEST {
        let Some(name) = text.strip_prefix("ref:").map(str::trim) else {
            return commit(&text).map(Head::Commit);
        };
        if !is_ref(name) {
            return None;
        }
        let is_own = OWN.iter().any(|prefix| name.starts_with(prefix));
        let file = if is_own { &own } else { &common }.join(name);
        text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(e) if is_absent(&e) => match packed(&common, name) {
                Some(text) => text,
                None => return Some(Head::Unborn),
            },
            Err(_) => return None,
        };
    }
    None
}

/// The directory of git's own files: `.git`, or where that points.
fn git_directory(checkout: &Path) -> Option<PathBuf> {
    let git = checkout.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    super::points_at(checkout).map(|target| checkout.join(target)).filter(|it| it.is_dir())
}

/// A name that leads out of no directory.
fn is_ref(name: &str) -> bool {
    name.starts_with("refs/") && name.split('/').all(|it| !it.is_empty() && it != "." && it != "..")
}

/// There is no such file, or a directory stands where refs of longer names were.
fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | IsADirectory | NotADirectory)
}

/// The line of a ref in `packed-refs`.
fn packed(common: &Path, name: &str) -> Option<String> {
    let all = fs::read_to_string(common.join("packed-refs")).ok()?;
    let mut lines = all.lines().filter(|line| !line.starts_with(['#', '^']));
    lines.find_map(|line| {
        line.split_once(' ').filter(|(_, of)| *of == name).map(|(id, _)| id.to_owned())
    })
}

/// The id of a commit.
fn commit(text: &str) -> Option<String> {
    let id = text.trim_end();
    let is_id = id.len() == 64 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_id.then(|| id.to_owned())
}
