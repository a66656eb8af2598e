//! The small objects of a ledger, as sacker has them and with what this resource adds.

use super::read;
use crate::history::Position;
use crate::words::build::{Build, Run};
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::file::FileFacts;
use crate::words::names::{RelPath, shown};
use crate::words::time::Utc;
use serde::{Deserialize, Serialize};

/// The permission bits of a mode as Python's `os.stat` has it: nothing that changes who runs it.
pub fn permissions(mode: u32) -> u32 {
    mode & 0o777
}

/// Names of files that a get of this track writes.
pub const OWN_FILES: [&str; 3] = ["version", "sha256", "package-info.json"];

/// The record of a version. The first three fields are sacker's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// The SHA-256 of the blob, which is its key.
    pub sha: Sha256,
    /// The file's name.
    pub basename: String,
    /// The file's mode, as `st_mode`.
    pub mode: u32,
    /// The blob's size; sacker records none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When, by which build, and where the history stood; sacker records none of it.
    #[serde(flatten)]
    pub entered: Entered,
    /// The removal that is under way, or was killed: no tag comes on the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<Removal>,
}

/// A removal that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Its own, which the histories of tags bear as their fence.
    pub id: String,
    /// Since when, in UTC, RFC 3339.
    pub since: Utc,
}

/// How a record came to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entered {
    /// Which put wrote it, so that one whose answer was lost knows its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When, in UTC, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_at: Option<Utc>,
    /// By which build.
    #[serde(default, skip_serializing_if = "Build::is_empty")]
    pub build: Build,
    /// A [`Position`]: the entry in the history of versions has at least this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    history: Option<String>,
}

impl Entered {
    /// By a put.
    pub fn new(id: &str, run: &Run) -> Entered {
        Entered {
            id: Some(id.to_owned()),
            added_at: Some(run.time.clone()),
            build: run.build.clone(),
            history: None,
        }
    }

    /// Where the history stood.
    pub fn position(&self) -> Option<Position> {
        Position::parse(self.history.as_deref()?)
    }
}

/// What stands under a record's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stood {
    /// A version.
    Version(Box<VersionRecord>),
    /// What is left of a version that was removed.
    Removed(Tombstone),
}

/// What takes the place of the record of a version that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// When, in UTC, RFC 3339.
    pub removed_at: Utc,
    /// By which build.
    #[serde(default, skip_serializing_if = "Build::is_empty")]
    pub build: Build,
    /// What it was: sacker, which knows no removal, goes on reading it.
    #[serde(flatten)]
    pub was: Option<Was>,
}

/// What sacker reads of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Was {
    sha: Sha256,
    basename: String,
    mode: u32,
}

impl VersionRecord {
    /// The record of a file that is to be a version, by the put with this id.
    pub fn of_file(file: &FileFacts, mode: u32, run: &Run, id: &str) -> VersionRecord {
        VersionRecord {
            sha: file.sha256,
            basename: file.path.file_name().to_owned(),
            mode,
            size: Some(file.size),
            entered: Entered::new(id, run),
            removal: None,
        }
    }

    /// What takes its place when it is removed.
    pub fn buried(&self, run: &Run) -> Tombstone {
        let was = Was { sha: self.sha, basename: self.basename.clone(), mode: self.mode };
        Tombstone { removed_at: run.time.clone(), build: run.build.clone(), was: Some(was) }
    }

    /// The same, written when the history stood there.
    pub fn at(mut self, position: &Position) -> VersionRecord {
        self.entered.history = Some(position.to_string());
        self
    }

    /// Whether two versions are the same thing: all that a user gave of them.
    pub fn is_same(&self, other: &VersionRecord) -> bool {
        (&self.sha, &self.basename, self.mode) == (&other.sha, &other.basename, other.mode)
    }

    /// Reads a record, and refuses one that could lead a reader out of its directory. `what` names
    /// the object.
    pub fn parse(bytes: &[u8], what: &str) -> anyhow::Result<Stood> {
        if let Ok(tombstone) = serde_json::from_slice(bytes) {
            return Ok(Stood::Removed(tombstone));
        }
        let record: VersionRecord = read(bytes, what)?;
        if record.basename.contains('/') || RelPath::parse(&record.basename).is_err() {
            return Err(fault(
                format!("{what} is damaged: `{}` is no file's name", shown(&record.basename)),
                "somebody wrote to the object: restore it, or take another version",
            ));
        }
        Ok(Stood::Version(Box::new(record)))
    }

    /// JSON.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }
}

/// The object that other tools read a tag from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The version that it is on.
    pub version: u64,
    /// The number of the entry that it follows, in the history of the tag, or of versions for
    /// `latest`; none: another tool wrote it, or a writer that could not read. It also makes each
    /// pointer's bytes, and so its ETag, its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tagged: Option<u64>,
}

impl Pointer {
    /// Reads a pointer. sacker's `tag` command writes the number as a text.
    pub fn parse(bytes: &[u8], what: &str) -> anyhow::Result<Pointer> {
        #[derive(Deserialize)]
        struct Raw {
            version: serde_json::Value,
            tagged: Option<u64>,
        }
        let raw: Raw = read(bytes, what)?;
        let version = match &raw.version {
            serde_json::Value::Number(number) => number.as_u64(),
            serde_json::Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let Some(version) = version else {
            return Err(fault(
                format!("{what} is damaged: its version is no number"),
                "somebody wrote to the object: assign the tag again, or take it away with `s3-asset package untag`",
            ));
        };
        Ok(Pointer { version, tagged: raw.tagged })
    }

    /// JSON.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }
}
