//! The `package` track, decided: keys, records, numbers, and what a check answers.
//!
//! A version is two objects: its blob, in the store under its own SHA-256, and its *record*, in
//! the ledger. They are sacker's, which reads what is written here, and the other way round. What
//! sacker has not is the history of versions, and one of each tag; they order and explain what the
//! records and the tags' pointers say, and live where sacker lists nothing (`<name>/.history/`).
//!
//! Invariants:
//! - a version's keys and values never change between releases: Concourse identifies it by them;
//! - a record is created once and never changed, except that a removal marks it (see
//!   [`super::plan`]) and then replaces it by a [`Tombstone`], which keeps the number taken;
//! - a record is written when its blob is in the store: so whatever a record names, a get finds;
//! - with sequential numbers, the record `n` is written by a writer that read a history whose
//!   highest number was `n - 1`, and is entered in the history, by whoever comes first, before
//!   anybody writes `n + 1`: so the history is in the order of the numbers, without a gap, and
//!   nothing that a dead writer recorded is lost;
//! - with timestamps nobody need read anything: the history does not know of such a version until
//!   a later writer, who may read, enters it. Its number is higher than any before, so a reader
//!   finds it: `tags/latest` names a number that the history does not have yet, and a listing from
//!   the history's newest number on names it and all others.

mod answer;
mod describe;
mod exported;
mod reads;
mod record;

pub use answer::{TagAnswer, VersionAnswer};
pub use describe::describe;
pub use exported::{Exported, ExportedTag, ExportedVersion};
pub use reads::{Found, Given, Head as SeenHead, Listing, Reads, reads};
pub use record::{
    Entered, OWN_FILES, Pointer, Removal, Stood, Tombstone, VersionRecord, permissions,
};

use crate::history::Head;
use crate::input::protocol::Version;
use crate::tracks::package::source::Package;
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::names::{Key, Tag, refusal, shown};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What happened to a package's versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Change {
    /// A version came.
    Added {
        /// Its number.
        added: u64,
        /// Its blob; none where another tool, or a writer that could not read, added it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha: Option<Sha256>,
        /// Its file's name, in the same cases.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basename: Option<String>,
    },
    /// A version was made unavailable.
    Removed {
        /// Its number.
        removed: u64,
        /// The highest number given out before: numbers never come back.
        newest: u64,
    },
}

impl Change {
    /// A version of which nothing but its number is known.
    pub fn of_number(added: u64) -> Change {
        Change::Added { added, sha: None, basename: None }
    }

    /// The highest number that was given out when this had happened.
    pub fn newest(&self) -> u64 {
        match self {
            Change::Added { added, .. } => *added,
            Change::Removed { newest, .. } => *newest,
        }
    }
}

/// The highest number that a history has given out; 0 where it is empty.
pub fn newest(head: &Head<Change>) -> u64 {
    head.entries().first().map_or(0, |entry| entry.what.newest())
}

/// The newest version among changes, newest first, that was not removed, and is not `except`.
pub fn standing<'a>(
    changes: impl IntoIterator<Item = &'a Change>,
    except: Option<u64>,
) -> Option<u64> {
    let mut removed: BTreeSet<u64> = except.into_iter().collect();
    changes.into_iter().find_map(|change| match change {
        Change::Added { added, .. } => (!removed.contains(added)).then_some(*added),
        Change::Removed { removed: version, .. } => {
            removed.insert(*version);
            None
        }
    })
}

/// Where a tag went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// To this version; none: the tag was taken away.
    pub version: Option<u64>,
    /// Which put did it: so that one whose answer was lost knows its own entry.
    pub id: String,
}

/// A version of this track, as Concourse gives it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its number.
    pub version: u64,
    /// The tag, and the number of the entry of its history that put it there.
    pub tagged: Option<(Tag, u64)>,
}

impl Wanted {
    /// Reads a version.
    pub fn parse(version: &Version) -> anyhow::Result<Wanted> {
        let hint = "a version is {version: <number>}, and of a tag {version, tag, tagged}";
        let known = ["version", "tag", "tagged"];
        if let Some(key) = version.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(fault(format!("version: unknown key `{}`", shown(key)), hint));
        }
        let number = |name: &str| {
            let text = version.get(name).map_or("", String::as_str);
            match text.parse::<u64>() {
                Ok(number) if number.to_string() == text => Ok(number),
                _ => Err(fault(format!("version.{name}: `{}` is no number", shown(text)), hint)),
            }
        };
        let tagged = match version.get("tag") {
            None => None,
            Some(tag) => {
                Some((Tag::parse(tag).map_err(|e| e.context("version.tag"))?, number("tagged")?))
            }
        };
        Ok(Wanted { version: number("version")?, tagged })
    }

    /// As Concourse gets it.
    pub fn version(&self) -> Version {
        let mut version = Version::from([("version".to_owned(), self.version.to_string())]);
        if let Some((tag, tagged)) = &self.tagged {
            version.insert("tag".to_owned(), tag.to_string());
            version.insert("tagged".to_owned(), tagged.to_string());
        }
        version
    }
}

/// Where things are. All but the histories is sacker's.
impl Package {
    fn below(&self, rest: &str) -> anyhow::Result<Key> {
        self.prefix.key(&format!("{}/{rest}", self.name))
    }

    /// The records, in the ledger.
    pub fn records(&self) -> String {
        format!("{}{}/versions/", self.prefix, self.name)
    }

    /// The tags' pointers, in the ledger.
    pub fn pointers(&self) -> String {
        format!("{}{}/tags/", self.prefix, self.name)
    }

    /// The record of a version, in the ledger.
    pub fn record(&self, version: u64) -> anyhow::Result<Key> {
        self.below(&format!("versions/{version}"))
    }

    /// The pointer of a tag, in the ledger.
    pub fn pointer(&self, tag: &Tag) -> anyhow::Result<Key> {
        self.below(&format!("tags/{tag}"))
    }

    /// The pointer of `latest`: sacker's list of packages is a list of these.
    pub fn latest(&self) -> anyhow::Result<Key> {
        self.below("tags/latest")
    }

    /// The history of versions, in the ledger.
    pub fn history(&self) -> anyhow::Result<Key> {
        self.below(".history/versions")
    }

    /// The histories of tags, in the ledger.
    pub fn tag_histories(&self) -> String {
        format!("{}{}/.history/tags/", self.prefix, self.name)
    }

    /// The history of a tag, in the ledger.
    pub fn tag_history(&self, tag: &Tag) -> anyhow::Result<Key> {
        self.below(&format!(".history/tags/{tag}"))
    }

    /// A blob, in the store.
    pub fn blob(&self, sha: &Sha256) -> anyhow::Result<Key> {
        self.prefix.key(&sha.hex())
    }

    /// Where `gc` sets a blob aside, in the store.
    pub fn aside(&self, sha: &Sha256) -> anyhow::Result<Key> {
        self.prefix.key(&format!(".aside/{sha}"))
    }

    /// The version whose record lies under a key; none: the key is no record's.
    pub fn version_at(&self, key: &str) -> Option<u64> {
        let digits = key.strip_prefix(&self.records())?;
        digits.parse().ok().filter(|n: &u64| n.to_string() == digits)
    }

    /// The key that listings of records newer than a version start after; none: from the start,
    /// because S3 lists by text and the newest has another number of digits.
    pub fn newer_than(&self, version: u64, newest: u64) -> Option<String> {
        let (from, to) = (version.to_string(), newest.to_string());
        (from.len() == to.len()).then(|| format!("{}{from}", self.records()))
    }
}

/// Reads a small JSON object of a ledger; an error says what is wrong with it.
fn read<T: DeserializeOwned>(bytes: &[u8], what: &str) -> anyhow::Result<T> {
    serde_json::from_slice(bytes).map_err(|e| {
        fault(
            format!("{what} is damaged: {}", refusal(e)),
            "somebody wrote to the object: restore it, or take another version",
        )
    })
}

#[cfg(test)]
mod tests;
