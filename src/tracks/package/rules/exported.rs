//! A package as a value: what `export` writes and `import` reads.

use super::{Change, Move, Stood, Tombstone, VersionRecord};
use crate::history::Entry;
use crate::words::fault::fault;
use crate::words::names::{PackageName, Tag, refusal, shown};
use crate::words::object::UserMetadata;
use serde::{Deserialize, Serialize};

const FORMAT: &str = "s3-asset-package/1";

/// A package: everything but its blobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    format: String,
    name: String,
    /// What happened to its versions, oldest first.
    pub changes: Vec<Entry<Change>>,
    /// What stands of them, in the order of their numbers.
    pub versions: Vec<ExportedVersion>,
    /// Its tags.
    pub tags: Vec<ExportedTag>,
}

/// A version's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedVersion {
    /// Its number.
    pub version: u64,
    /// Absent where it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<VersionRecord>,
    /// What is left of it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Tombstone>,
    /// The user's metadata.
    #[serde(default, skip_serializing_if = "UserMetadata::is_empty")]
    pub metadata: UserMetadata,
}

/// A tag, with its moves, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedTag {
    /// Its name.
    pub tag: String,
    /// Where it went.
    pub moves: Vec<Entry<Move>>,
}

impl ExportedVersion {
    /// Of what stands under a version's key.
    pub fn new(version: u64, stood: Stood, metadata: UserMetadata) -> ExportedVersion {
        let (record, removed) = match stood {
            Stood::Version(record) => (Some(VersionRecord { removal: None, ..*record }), None),
            Stood::Removed(tombstone) => (None, Some(tombstone)),
        };
        ExportedVersion { version, record, removed, metadata }
    }
}

impl Exported {
    /// A package as a value.
    pub fn new(
        name: &PackageName,
        changes: Vec<Entry<Change>>,
        versions: Vec<ExportedVersion>,
        tags: Vec<ExportedTag>,
    ) -> Exported {
        let (format, name) = (FORMAT.to_owned(), name.to_string());
        Exported { format, name, changes, versions, tags }
    }

    /// Which package it is.
    pub fn name(&self) -> anyhow::Result<PackageName> {
        PackageName::parse(&self.name)
    }

    /// Reads one, and refuses what could not be a package. `what` names the file.
    pub fn parse(bytes: &[u8], what: &str) -> anyhow::Result<Exported> {
        let hint = "export the package again";
        let exported: Exported = serde_json::from_slice(bytes)
            .map_err(|e| fault(format!("{what} is no exported package: {}", refusal(e)), hint))?;
        if exported.format != FORMAT {
            return Err(fault(
                format!(
                    "{what} has the format `{}`, and this release reads `{FORMAT}`",
                    shown(&exported.format)
                ),
                "use the release that wrote it, or a newer one",
            ));
        }
        exported.name().map_err(|e| e.context(what.to_owned()))?;
        for tag in &exported.tags {
            Tag::parse(&tag.tag).map_err(|e| e.context(what.to_owned()))?;
        }
        let numbers = |change: &Change| match change {
            Change::Added { added, .. } => Some(*added),
            Change::Removed { .. } => None,
        };
        let added: Vec<u64> =
            exported.changes.iter().filter_map(|entry| numbers(&entry.what)).collect();
        if !added.is_sorted_by(|a, b| a < b) {
            return Err(fault(format!("{what} is damaged: its numbers do not grow"), hint));
        }
        Ok(exported)
    }

    /// JSON, indented for people.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        crate::words::object::pretty(self)
    }
}
