//! What a code hash covers, as a structure to hash, to print and to compare.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use sha2::{Digest as _, Sha256};

use super::Algorithm;

/// A file's mode as git has it; git has no others (gitformat-index, "mode").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A file that its owner may not execute: `100644`.
    File,
    /// A file that its owner may execute: `100755`.
    Executable,
    /// A symlink: `120000`.
    Symlink,
    /// A submodule's commit, a "gitlink": `160000`.
    Submodule,
}

impl Mode {
    /// Six octal digits, as `git ls-tree` prints them.
    #[must_use]
    pub fn octal(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Symlink => "120000",
            Self::Submodule => "160000",
        }
    }

    /// Whether files may stand below the entry on disk, though a listing has none: a submodule, or
    /// a symlink to a directory. A pattern that reaches below such an entry takes it in.
    #[must_use]
    pub fn may_hide_files(self) -> bool {
        matches!(self, Self::Symlink | Self::Submodule)
    }
}

/// The id of an entry's contents: at most 32 bytes, printed as lowercase hex.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ContentId {
    bytes: [u8; 32],
    length: usize,
}

impl ContentId {
    /// The id of these bytes; of more than 32 the first 32 (no id in use is longer).
    #[must_use]
    pub fn new(id: &[u8]) -> Self {
        let mut bytes = [0; 32];
        let length = id.len().min(bytes.len());
        bytes[..length].copy_from_slice(&id[..length]);
        Self { bytes, length }
    }

    /// Appends the id in lowercase hex.
    fn push_hex(&self, to: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for byte in &self.bytes[..self.length] {
            to.push(DIGITS[usize::from(byte >> 4)]);
            to.push(DIGITS[usize::from(byte & 15)]);
        }
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.bytes[..self.length]))
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Bytes as lowercase hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// One file, symlink or submodule of a [`Listing`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The path from the root, `/` between names, as bytes: git and file systems have names that
    /// are not UTF-8.
    pub path: Vec<u8>,
    /// What kind of file it is.
    pub mode: Mode,
    /// What it holds.
    pub id: ContentId,
}

impl fmt::Display for Entry {
    /// `mode id path` on one line, whatever the path holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = printable(&self.path);
        write!(f, "{} {} {path}", self.mode.octal(), self.id)
    }
}

/// A path for people: as it is, or quoted with escapes where it holds control characters, quotes,
/// backslashes or bytes that are not UTF-8.
fn printable(path: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(path) {
        Ok(text) if !text.contains(|c: char| c.is_control() || c == '"' || c == '\\') => {
            Cow::Borrowed(text)
        }
        _ => Cow::Owned(format!("\"{}\"", path.escape_ascii())),
    }
}

/// Everything that a code hash covers, sorted by path: printed, it explains the hash; two of them
/// compared explain why a cache was missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    algorithm: Algorithm,
    entries: Vec<Entry>,
}

impl Listing {
    /// A listing of these entries, in any order; `algorithm` says what their ids are.
    #[must_use]
    pub fn new(algorithm: Algorithm, mut entries: Vec<Entry>) -> Self {
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Self { algorithm, entries }
    }

    /// The entries in the order of their paths' bytes.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The code hash: 64 hex digits, see [`code_hash`](super) for the encoding.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("s3-asset code hash 1 {}\n", self.algorithm));
        let mut record = Vec::with_capacity(512);
        for entry in &self.entries {
            record.clear();
            record.extend_from_slice(entry.mode.octal().as_bytes());
            record.push(b' ');
            entry.id.push_hex(&mut record);
            record.push(0);
            record.extend_from_slice(&entry.path);
            record.push(0);
            hash.update(&record);
        }
        hex(&hash.finalize())
    }

    /// What differs in `new`, in the order of the paths. Empty exactly when the entries are equal.
    #[must_use]
    pub fn explain<'a>(&'a self, new: &'a Self) -> Vec<Difference<'a>> {
        let mut sides: BTreeMap<&[u8], (Option<&Entry>, Option<&Entry>)> = BTreeMap::new();
        for entry in &self.entries {
            sides.entry(&entry.path).or_default().0 = Some(entry);
        }
        for entry in &new.entries {
            sides.entry(&entry.path).or_default().1 = Some(entry);
        }
        sides
            .into_values()
            .filter_map(|side| match side {
                (Some(old), Some(new)) if old == new => None,
                (Some(old), Some(new)) => Some(Difference::Changed { old, new }),
                (Some(old), None) => Some(Difference::Removed(old)),
                (None, Some(new)) => Some(Difference::Added(new)),
                (None, None) => None,
            })
            .collect()
    }
}

impl fmt::Display for Listing {
    /// One line an entry, fit for `diff`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

/// One difference between two listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference<'a> {
    /// Only the new listing has the path.
    Added(&'a Entry),
    /// Only the old listing has the path.
    Removed(&'a Entry),
    /// Both have the path, with another mode or other contents.
    Changed {
        /// As it was.
        old: &'a Entry,
        /// As it is.
        new: &'a Entry,
    },
}

impl fmt::Display for Difference<'_> {
    /// One line: `added path`, `removed path`, `changed path`, with the modes where they differ.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added(entry) => write!(f, "added {}", printable(&entry.path)),
            Self::Removed(entry) => write!(f, "removed {}", printable(&entry.path)),
            Self::Changed { old, new } => {
                write!(f, "changed {}", printable(&new.path))?;
                if old.mode == new.mode {
                    return Ok(());
                }
                write!(f, " (mode {} to {})", old.mode.octal(), new.mode.octal())
            }
        }
    }
}
