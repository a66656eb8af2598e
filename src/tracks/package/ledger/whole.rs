//! A package as a whole: read into a value, written from one, and the blobs that it needs.

use super::{Ledger, begun};
use crate::history::{Entry, Event};
use crate::s3::store::{Condition, Written};
use crate::s3::transfer::AT_ONCE;
use crate::tracks::package::plan::{Act, Addition, Ask, Recorded};
use crate::tracks::package::rules::{
    Change, Exported, ExportedTag, ExportedVersion, Move, Stood, VersionRecord, newest,
};
use crate::words::build::{Build, Run};
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::names::Tag;
use crate::words::object::UserMetadata;
use crate::words::time::Utc;
use anyhow::Context as _;
use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What writing a package did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Restored {
    /// How many versions came.
    pub versions: usize,
    /// How many were there.
    pub there: usize,
}

impl Ledger {
    /// What happened to the versions, oldest first: what the history says, and then what other
    /// tools, and writers that could not read, added.
    async fn changes(&self) -> anyhow::Result<Vec<Entry<Change>>> {
        let history = self.history()?;
        // The listing first: whatever it has, the history has, or will be seen to lack.
        let listed = self.listed(0, u64::MAX).await?;
        let mut entries = history.newest(usize::MAX).await?.unwrap_or_default();
        entries.reverse();
        let known: HashSet<u64> = entries
            .iter()
            .filter_map(|entry| match entry.what {
                Change::Added { added, .. } => Some(added),
                Change::Removed { .. } => None,
            })
            .collect();
        let next = entries.last().map_or(1, |entry| entry.number + 1);
        let unknown = listed.into_iter().filter(|(version, _)| !known.contains(version));
        entries.extend(unknown.zip(next..).map(|((added, modified), number)| Entry {
            number,
            time: Utc::of_seconds(modified),
            build: Build::default(),
            what: Change::of_number(added),
        }));
        Ok(entries)
    }

    /// The blobs that this package's versions need.
    pub async fn references(&self) -> anyhow::Result<HashSet<Sha256>> {
        let changes = self.changes().await?;
        let mut versions = BTreeMap::new();
        for entry in &changes {
            match entry.what {
                Change::Added { added, sha, .. } => versions.insert(added, sha),
                Change::Removed { removed, .. } => versions.remove(&removed),
            };
        }
        let unread = versions.iter().filter(|(_, sha)| sha.is_none()).map(|(version, _)| *version);
        let read: Vec<Option<Sha256>> = stream::iter(unread.collect::<Vec<_>>())
            .map(|version| async move {
                Ok::<_, anyhow::Error>(match self.recorded(version).await?.map(|it| it.stood) {
                    Some(Stood::Version(record)) => Some(record.sha),
                    Some(Stood::Removed(_)) | None => None,
                })
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(versions.into_values().chain(read).flatten().collect())
    }

    /// The package as a value. Tags are read first, so that every version that one is on is in it.
    pub async fn export(&self) -> anyhow::Result<Exported> {
        let mut tags = Vec::new();
        for tag in self.tags().await? {
            tags.push(self.export_tag(&tag).await?);
        }
        let changes = self.changes().await?;
        let added = changes.iter().filter_map(|entry| match entry.what {
            Change::Added { added, .. } => Some(added),
            Change::Removed { .. } => None,
        });
        let versions: Vec<Option<ExportedVersion>> = stream::iter(added.collect::<Vec<_>>())
            .map(|version| async move {
                let recorded = self.recorded(version).await?;
                if recorded.is_none() {
                    self.ledger.report().warn(format!(
                        "version {version} of {} is left out: its record is gone",
                        self.package.name
                    ));
                }
                Ok::<_, anyhow::Error>(recorded.map(|Recorded { stood, metadata }| {
                    ExportedVersion::new(version, stood, metadata)
                }))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let versions = versions.into_iter().flatten().collect();
        Ok(Exported::new(&self.package.name, changes, versions, tags))
    }

    async fn export_tag(&self, tag: &Tag) -> anyhow::Result<ExportedTag> {
        let mut moves = self.tag_history(tag)?.newest(usize::MAX).await?.unwrap_or_default();
        moves.reverse();
        if moves.is_empty()
            && let Some(version) = self.foreign_tag_if_readable(tag).await?
        {
            let what = Move { version: Some(version), id: format!("found on {version}") };
            let (time, build) = (Utc::of_seconds(0), Build::default());
            moves.push(Entry { number: 1, time, build, what });
        }
        Ok(ExportedTag { tag: tag.to_string(), moves })
    }

    /// Writes a package that was exported, with its numbers. What is there already is compared and
    /// left as it is. `addition` answers a version's file.
    pub async fn restore(
        &self,
        exported: &Exported,
        run: &Run,
        addition: impl AsyncFn(&VersionRecord, &UserMetadata) -> anyhow::Result<Addition>,
    ) -> anyhow::Result<Restored> {
        self.agree(Vec::new(), run).await?;
        let history = self.history()?;
        let current = history.read().await?.context("a history was deleted meanwhile")?;
        let known = newest(&current.head);
        let (shape, next) = (current.head.shape(), current.head.next());
        let there: BTreeSet<u64> =
            self.listed(0, u64::MAX).await?.into_iter().map(|(version, _)| version).collect();
        let mut restored = Restored::default();
        for version in &exported.versions {
            if there.contains(&version.version) {
                self.agrees(version).await?;
                restored.there += 1;
                continue;
            }
            if version.version <= known {
                return Err(fault(
                    format!(
                        "{} has gone on to version {known} here, and has no version {}",
                        self.package.name, version.version
                    ),
                    "import into a ledger that has nothing of the package, or only what came from the same one",
                ));
            }
            // As many have come before it; what others enter in between only makes it later.
            let number = next + restored.versions as u64;
            restored.versions += 1;
            let key = self.package.record(version.version)?;
            let (bytes, metadata) = match (&version.record, &version.removed) {
                (Some(record), _) => {
                    self.place(&addition(record, &version.metadata).await?).await?;
                    let record = record.clone().at(&shape.at(number));
                    (record.to_bytes()?, version.metadata.clone())
                }
                (None, Some(tombstone)) => (serde_json::to_vec(tombstone)?, UserMetadata::new()),
                (None, None) => continue,
            };
            let written = self.write(&key, bytes, &Condition::Absent, metadata).await?;
            if written == Written::Refused {
                self.agrees(version).await?;
            }
        }
        let events = exported.changes.iter().map(|entry| Event {
            run: Run { time: entry.time.clone(), build: entry.build.clone() },
            what: entry.what.clone(),
        });
        let name = |change: &Change| match change {
            Change::Added { added, .. } => (true, *added),
            Change::Removed { removed, .. } => (false, *removed),
        };
        history.append_all(current, name, events.collect()).await?;
        let mut tags = Vec::new();
        for tag in &exported.tags {
            tags.extend(self.restore_tag(tag).await?);
        }
        self.agree(tags, run).await?;
        Ok(restored)
    }

    /// Enters what the history lacks, and makes `latest` and the pointers of tags what histories say.
    async fn agree(&self, tags: Vec<Tag>, run: &Run) -> anyhow::Result<()> {
        let ask = Ask { act: Act::Agree, tags, untag: Vec::new() };
        self.put(&ask, run, || 0).await.map(drop)
    }

    /// Refuses another version under the same number.
    async fn agrees(&self, wanted: &ExportedVersion) -> anyhow::Result<()> {
        let same = match (self.recorded(wanted.version).await?, &wanted.record) {
            (Some(Recorded { stood: Stood::Version(it), metadata }), Some(record)) => {
                it.is_same(record) && metadata == wanted.metadata
            }
            (Some(Recorded { stood: Stood::Removed(_), .. }), _) => true,
            _ => false,
        };
        if same {
            return Ok(());
        }
        Err(fault(
            format!(
                "version {} of {} is another here than the one to import",
                wanted.version, self.package.name
            ),
            "import into a ledger that has nothing of the package, or only what came from the same one",
        ))
    }

    /// Answers the tag whose history now has all its moves.
    async fn restore_tag(&self, exported: &ExportedTag) -> anyhow::Result<Option<Tag>> {
        let tag = Tag::parse(&exported.tag)?;
        let history = self.tag_history(&tag)?;
        let (current, moves) = try_join(history.read(), history.newest(usize::MAX)).await?;
        let moves = moves.unwrap_or_default();
        let mut known = moves.iter().rev().map(|entry| &entry.what.id);
        let mut came = exported.moves.iter().map(|entry| &entry.what.id);
        if !known.all(|id| came.next() == Some(id)) {
            self.ledger
                .report()
                .warn(format!("{tag} has moved here on its own: it stays where it is"));
            return Ok(None);
        }
        let events = exported.moves.iter().map(|entry| Event {
            run: Run { time: entry.time.clone(), build: entry.build.clone() },
            what: entry.what.clone(),
        });
        let current = begun(&history, current).await?;
        history.append_all(current, |it: &Move| it.id.clone(), events.collect()).await?;
        Ok(Some(tag))
    }
}
