//! A git checkout, through libgit2: which commit it stands at, what is in that commit's tree, and
//! whether the files on disk are still those.
//!
//! Checkouts as Concourse hands them over are all right: shallow, with a detached HEAD, owned by
//! another user, with submodules, linked worktrees, without blobs (a partial clone), with objects that are
//! named by SHA-256. One whose refs are a reftable libgit2 cannot read, and is refused.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

use anyhow::{Context as _, Result};
use git2::{ErrorCode, ObjectType, Repository, RepositoryOpenFlags, StatusOptions};

use crate::code_hash::{Algorithm, Below, ContentId, Entry, Listing, Mode, Patterns};
use crate::words::fault::Fault;

#[cfg(test)]
mod tests;

/// How many paths [`Dirt`] names.
const NAMED: usize = 5;

/// An open checkout that stands at a commit.
pub struct Repo {
    git: Repository,
    path: PathBuf,
    commit: git2::Oid,
}

/// Why a directory is not a checkout of a commit.
#[derive(Debug)]
pub enum RepoError {
    /// There is no git repository at this very path; parents are not searched.
    NotARepository {
        /// The path that was given.
        path: PathBuf,
    },
    /// The checkout's `.git` is a file that points at a repository, and that is not there.
    Elsewhere {
        /// The path that was given.
        path: PathBuf,
        /// Where it points.
        target: String,
    },
    /// The repository has no files checked out.
    Bare {
        /// The path that was given.
        path: PathBuf,
    },
    /// HEAD points to no commit: nothing was committed yet.
    NoCommit {
        /// The path that was given.
        path: PathBuf,
    },
    /// There is a repository, and libgit2 cannot read it.
    Unreadable {
        /// The path that was given.
        path: PathBuf,
        /// What libgit2 says.
        source: git2::Error,
    },
}

impl RepoError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotARepository { .. } => {
                "name the root of the checkout, the directory that holds .git; parent directories are not searched"
            }
            Self::Elsewhere { .. } => {
                "a linked worktree or a submodule alone is no repository: make the one that it points at an input too, under the same path, or clone it; or name the `commit`"
            }
            Self::Bare { .. } => "use a checkout with files; `git clone` without --bare makes one",
            Self::NoCommit { .. } => "commit something, or check out a branch that has commits",
            Self::Unreadable { .. } => {
                "try `git fsck`; a repository with `refstorage = reftable` cannot be read here: clone it with `--ref-format=files`, or name the `commit` and take `code_hash_algorithm` `sha256` or `md5`, which read the files themselves"
            }
        }
    }
}

impl fmt::Display for RepoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARepository { path } => {
                write!(f, "{} is not a git repository", path.display())
            }
            Self::Elsewhere { path, target } => {
                let (path, target) = (path.display(), crate::words::names::shown(target));
                write!(f, "{path}/.git points at `{target}`, where there is no git repository")
            }
            Self::Bare { path } => write!(f, "{} is a bare git repository", path.display()),
            Self::NoCommit { path } => {
                write!(f, "the git repository {} has no commit at HEAD", path.display())
            }
            Self::Unreadable { path, .. } => {
                write!(f, "cannot read the git repository {}", path.display())
            }
        }
    }
}

impl std::error::Error for RepoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::NotARepository { .. }
            | Self::Elsewhere { .. }
            | Self::Bare { .. }
            | Self::NoCommit { .. } => None,
        }
    }
}

impl From<RepoError> for Fault {
    fn from(error: RepoError) -> Fault {
        let hint = error.hint();
        Fault::new(format!("{:#}", anyhow::Error::new(error)), hint)
    }
}

impl Repo {
    /// Opens the checkout whose root is `path`; parent directories are not searched.
    ///
    /// # Errors
    /// See [`RepoError`].
    pub fn open(path: &Path) -> Result<Self, RepoError> {
        prepare_libgit2();
        let path = path.to_path_buf();
        let flags = RepositoryOpenFlags::NO_SEARCH;
        let git = match Repository::open_ext(&path, flags, std::iter::empty::<&Path>()) {
            Ok(git) => git,
            Err(error) if error.code() == ErrorCode::NotFound => {
                return Err(match points_at(&path) {
                    Some(target) => RepoError::Elsewhere { path, target },
                    None => RepoError::NotARepository { path },
                });
            }
            Err(source) if points_at(&path).is_some_and(|it| !path.join(it).exists()) => {
                let target = points_at(&path).unwrap_or_default();
                drop(source);
                return Err(RepoError::Elsewhere { path, target });
            }
            Err(source) => return Err(RepoError::Unreadable { path, source }),
        };
        if git.is_bare() {
            return Err(RepoError::Bare { path });
        }
        let commit = match git.head().and_then(|head| head.peel(ObjectType::Commit)) {
            Ok(commit) => commit.id(),
            Err(error) if error.code() == ErrorCode::UnbornBranch => {
                return Err(RepoError::NoCommit { path });
            }
            Err(source) => return Err(RepoError::Unreadable { path, source }),
        };
        Ok(Self { git, path, commit })
    }

    /// The commit that is checked out: 40 hex digits, or 64 of a repository of SHA-256.
    #[must_use]
    pub fn head_commit(&self) -> String {
        self.commit.to_string()
    }

    /// The commits that tags point to, annotated ones too, each with the first of its tags by name.
    ///
    /// # Errors
    /// The tags cannot be read.
    pub fn tags(&self) -> Result<BTreeMap<String, String>> {
        let names = self.git.tag_names(None).context("reading the tags")?;
        let mut names: Vec<&str> = names.iter().flatten().flatten().collect();
        names.sort_unstable();
        let mut tags = BTreeMap::new();
        for name in names {
            let reference = self.git.find_reference(&format!("refs/tags/{name}"));
            let commit = reference.and_then(|it| it.peel_to_commit());
            // A tag of a tree or a blob names no commit.
            if let Ok(commit) = commit {
                tags.entry(commit.id().to_string()).or_insert_with(|| name.to_owned());
            }
        }
        Ok(tags)
    }

    /// The entries of HEAD's tree that the patterns cover, without reading any file. Directories
    /// that no pattern reaches are not entered.
    ///
    /// A submodule is covered by its commit, a symlink by its target's text: where a pattern could
    /// match something below such an entry, the entry is taken in.
    ///
    /// # Errors
    /// A tree is missing or damaged.
    pub fn tree_listing(&self, patterns: &Patterns) -> Result<Listing> {
        let mut walk = TreeWalk { git: &self.git, patterns, path: Vec::new(), entries: Vec::new() };
        self.git
            .find_commit(self.commit)
            .and_then(|commit| walk.tree(commit.tree_id(), patterns.below(b"")))
            .with_context(|| {
                format!(
                    "reading the tree of {} in {}, at {:?}",
                    self.commit,
                    self.path.display(),
                    String::from_utf8_lossy(&walk.path)
                )
            })?;
        Ok(Listing::new(Algorithm::GitTree, walk.entries))
    }

    /// Whether the files on disk are those of the commit.
    ///
    /// Asks what `git status` asks: a file whose size and times are those in the index is taken to
    /// be unchanged, another one is read (all of them are, once a checkout has been copied). Ignored
    /// files do not count, nor does anything in a submodule.
    ///
    /// # Errors
    /// The index or a directory cannot be read.
    pub fn dirt(&self) -> Result<Dirt> {
        let mut options = StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(false).exclude_submodules(true);
        let statuses = self
            .git
            .statuses(Some(&mut options))
            .with_context(|| format!("comparing {} with its commit", self.path.display()))?;
        let mut dirt = Dirt::default();
        let index = self.git.index().context("the index")?;
        for entry in statuses.iter() {
            if is_left_out(&self.git, &index, &entry) {
                continue;
            }
            let (count, named) = if entry.status().is_wt_new() {
                (&mut dirt.untracked, &mut dirt.first_untracked)
            } else {
                (&mut dirt.changed, &mut dirt.first_changed)
            };
            *count += 1;
            if named.len() < NAMED {
                named.push(String::from_utf8_lossy(entry.path_bytes()).into_owned());
            }
        }
        Ok(dirt)
    }
}

/// Whether a difference is none: a sparse checkout leaves the file out, or a filter as of git-lfs, which
/// libgit2 does not run, makes the file of something else.
fn is_left_out(git: &Repository, index: &git2::Index, entry: &git2::StatusEntry<'_>) -> bool {
    const SKIP_WORKTREE: u16 = 1 << 14;
    let path = Path::new(std::ffi::OsStr::from_bytes(entry.path_bytes()));
    let status = entry.status();
    if status == git2::Status::WT_DELETED {
        let indexed = index.get_path(path, 0);
        return indexed.is_some_and(|it| it.flags_extended & SKIP_WORKTREE != 0);
    }
    let filter = git.get_attr(path, "filter", git2::AttrCheckFlags::FILE_THEN_INDEX);
    status == git2::Status::WT_MODIFIED && matches!(filter, Ok(Some(_)))
}

/// Where a checkout's `.git` points, when it is a file.
fn points_at(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path.join(".git")).ok()?;
    text.strip_prefix("gitdir:").map(|target| target.trim().to_owned())
}

/// What in a checkout differs from its commit; the default is a clean one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dirt {
    /// How many tracked files differ: changed, removed, staged, in conflict.
    pub changed: usize,
    /// The first few of them, relative to the root.
    pub first_changed: Vec<String>,
    /// How many files git neither tracks nor ignores; a whole directory of them counts as one.
    pub untracked: usize,
    /// The first few of them, relative to the root.
    pub first_untracked: Vec<String>,
}

struct TreeWalk<'a> {
    git: &'a Repository,
    patterns: &'a Patterns,
    /// The directory being read: "" or ending in `/`.
    path: Vec<u8>,
    entries: Vec<Entry>,
}

impl TreeWalk<'_> {
    fn tree(&mut self, id: git2::Oid, below: Below) -> Result<(), git2::Error> {
        if below == Below::Nothing {
            return Ok(());
        }
        let tree = self.git.find_tree(id)?;
        let length = self.path.len();
        for entry in &tree {
            self.path.extend_from_slice(entry.name_bytes());
            if let Some(mode) = mode(entry.filemode()) {
                if below == Below::Everything || self.patterns.cover(&self.path, mode) {
                    self.entries.push(Entry {
                        path: self.path.clone(),
                        mode,
                        id: ContentId::new(entry.id().as_bytes()),
                    });
                }
            } else {
                let below = match below {
                    Below::Everything => Below::Everything,
                    _ => self.patterns.below(&self.path),
                };
                self.path.push(b'/');
                self.tree(entry.id(), below)?;
            }
            self.path.truncate(length);
        }
        Ok(())
    }
}

/// The mode of a tree's entry; `None` for a subtree. As git reads them (its `canon_mode`): every
/// regular file is `100644` or, when its owner may execute it, `100755`.
fn mode(filemode: i32) -> Option<Mode> {
    match filemode & 0o170_000 {
        0o040_000 => None,
        0o120_000 => Some(Mode::Symlink),
        0o160_000 => Some(Mode::Submodule),
        _ if filemode & 0o100 == 0 => Some(Mode::File),
        _ => Some(Mode::Executable),
    }
}

/// Tells libgit2, once, what it would refuse otherwise: repositories of other users (Concourse's
/// inputs belong to whoever fetched them, and no hook or command of theirs is run), and partial
/// clones (no blob is fetched).
fn prepare_libgit2() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: both write to libgit2's globals, which must not happen while another thread uses
        // libgit2. This module is its only user in the process and comes through here before its
        // first use; `Once` makes other threads wait.
        #[allow(unsafe_code)]
        let outcomes = unsafe {
            [
                git2::opts::set_verify_owner_validation(false),
                git2::opts::set_extensions(&["partialclone"]),
            ]
        };
        // Where one failed, opening such a repository fails and says why.
        drop(outcomes);
    });
}
