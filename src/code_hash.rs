//! The code hash: one name for "the same code", under which a build's assets are found again.
//!
//! Pure: facts about files come in, a digest goes out; `code_hash_files` reads the facts from disk
//! and `repo` from git. Where in doubt a path is taken in: a file too many costs a rebuild, a file
//! too few hands out assets of other code.
//!
//! # The encoding, a promise
//!
//! Caches are found by this digest, so the encoding never changes under the same version number.
//! The digest of the algorithms `sha256` and `git-tree` is the SHA-256, in lowercase hex, of
//!
//! ```text
//! s3-asset code hash 1 <algorithm>\n
//! <mode> <id>\0<path>\0                     for each entry, in the order of the paths' bytes
//! ```
//!
//! where `<algorithm>` is `sha256` or `git-tree`; `<mode>` is git's, six octal digits (`100644`,
//! `100755`, `120000` for a symlink, `160000` for a submodule); `<id>` is lowercase hex: for
//! `sha256` the SHA-256 of the file's bytes or of the symlink's target, for `git-tree` the id that
//! HEAD's tree gives the entry; `<path>` is the path from the root, `/` between names, in the bytes
//! that the file system or git has. A path holds no NUL, so no two listings encode alike.
//!
//! The patterns are not part of it: two filters that pick the same files give the same hash.
//! `md5` is not built this way, see `python_glob`.

use std::fmt;
use std::str::FromStr;

pub mod files;
mod listing;
mod patterns;
pub mod python_glob;
pub mod repo;
#[cfg(test)]
mod tests;

pub use listing::{ContentId, Difference, Entry, Listing, Mode, hex};
pub use patterns::{Below, PatternError, Patterns};

/// How the code hash is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Paths, modes and contents of the files on disk.
    Sha256,
    /// Paths, modes and ids in the tree of git's HEAD; no file is read.
    GitTree,
    /// The bytes that s3-asset-manager hashes, in its order: contents only, neither paths nor modes.
    Md5,
}

impl Algorithm {
    /// Every algorithm, in the order in which people are told of them.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::GitTree, Self::Md5];

    /// The name in `code_hash_algorithm`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::GitTree => "git-tree",
            Self::Md5 => "md5",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == text)
            .ok_or_else(|| UnknownAlgorithm(text.to_owned()))
    }
}

/// What was written is the name of no [`Algorithm`].
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm(String);

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no code hash algorithm: it is one of sha256, git-tree, md5", self.0)
    }
}

impl std::error::Error for UnknownAlgorithm {}

/// What goes into a code hash: an algorithm and, in the form that it needs, which files.
#[derive(Clone, Debug)]
pub enum Recipe {
    /// [`Algorithm::Sha256`] over the files that the patterns match.
    Sha256(Patterns),
    /// [`Algorithm::GitTree`] over the entries that the patterns match.
    GitTree(Patterns),
    /// [`Algorithm::Md5`]: patterns for Python's `glob`, each to be expanded after the one before.
    Md5(Vec<String>),
}

impl Recipe {
    /// Makes a recipe of what the user wrote: a list, or one string with spaces between patterns.
    ///
    /// # Errors
    /// For `sha256` and `git-tree`, see [`Patterns::parse`]. For `md5` nothing is refused but `!pattern`,
    /// which would mean something else there: Python refuses nothing, so a pattern may climb with `..`, and a space too many is the pattern
    /// "" (Python's `str.split(" ")` keeps it), which matches no file.
    pub fn parse<S: AsRef<str>>(algorithm: Algorithm, written: &[S]) -> Result<Self, PatternError> {
        Ok(match algorithm {
            Algorithm::Sha256 => Self::Sha256(Patterns::parse(written)?),
            Algorithm::GitTree => Self::GitTree(Patterns::parse(written)?),
            Algorithm::Md5 => {
                Self::md5(written.iter().flat_map(|element| element.as_ref().split(' ')))?
            }
        })
    }

    /// Makes a recipe of a list, of which each element is one pattern, spaces and all.
    ///
    /// # Errors
    /// As [`Recipe::parse`].
    pub fn of_list<S: AsRef<str>>(
        algorithm: Algorithm,
        written: &[S],
    ) -> Result<Self, PatternError> {
        Ok(match algorithm {
            Algorithm::Sha256 => Self::Sha256(Patterns::of_list(written)?),
            Algorithm::GitTree => Self::GitTree(Patterns::of_list(written)?),
            Algorithm::Md5 => Self::md5(written.iter().map(AsRef::as_ref))?,
        })
    }

    fn md5<'a>(words: impl Iterator<Item = &'a str>) -> Result<Self, PatternError> {
        let words = words.map(|word| match word.starts_with('!') {
            false => Ok(word.to_owned()),
            true => Err(PatternError::new(
                word,
                "`md5` leaves nothing out, as s3-asset-manager does not; take `sha256` or `git-tree`"
                    .to_owned(),
            )),
        });
        words.collect::<Result<_, _>>().map(Self::Md5)
    }

    /// The algorithm of this recipe.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::GitTree(_) => Algorithm::GitTree,
            Self::Md5(_) => Algorithm::Md5,
        }
    }

    /// The patterns as one string, for messages.
    #[must_use]
    pub fn written(&self) -> String {
        match self {
            Self::Sha256(patterns) | Self::GitTree(patterns) => patterns.to_string(),
            Self::Md5(patterns) => patterns.join(" "),
        }
    }
}

/// What to do when a recipe's patterns match nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFiles {
    /// [`NothingMatches`]: a hash of nothing would make every commit find every other's assets.
    Refuse,
    /// The hash of nothing, as s3-asset-manager has it (`d41d8cd98f00b204e9800998ecf8427e`).
    Allow,
}

/// The patterns of a code hash match no file.
#[derive(Debug, PartialEq, Eq)]
pub struct NothingMatches {
    patterns: String,
}

impl NothingMatches {
    /// The error for a recipe that took in no file.
    #[must_use]
    pub fn new(recipe: &Recipe) -> Self {
        Self { patterns: recipe.written() }
    }

    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "check that the patterns are relative to the repository's root; everything below a directory is written dir/**"
    }
}

impl fmt::Display for NothingMatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no file matches the code hash's patterns {:?}", self.patterns)
    }
}

impl std::error::Error for NothingMatches {}

/// A code hash and what it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeHash {
    /// Lowercase hex: 64 digits, for `md5` 32.
    pub hex: String,
    /// How many files are in it (for `md5` a file counts as often as it is hashed).
    pub files: usize,
    /// What was hashed; `md5` has none, since it hashes neither paths nor modes.
    pub listing: Option<Listing>,
}
