//! A package's ledger and store: what a put, a get, a check and the operator's commands do to them.
//!
//! [`crate::tracks::package::rules`] says what lies where and why that is safe; this module carries it out. The
//! order of an add's effects, each of which the next relies on: blob, record, history of versions,
//! `latest`; and of a tag's: history of the tag, pointer.
//!
//! Invariant of pointers, the objects that other tools read tags from: whoever changes what a
//! history says goes on until it has read a pointer, and after it a history, that agree. A pointer
//! is written only over the one that was read (its bytes are its own, so its ETag is), so a write
//! that is late changes nothing that somebody wrote since, and the last one to look repairs.

mod blobs;
mod remove;
mod tags;
mod versions;
mod whole;

pub use blobs::Placed;
pub use versions::{Added, Candidate};
pub use whole::Restored;

use crate::history::Head;
use crate::history::stored::{Current, History};
use crate::s3::store::{Condition, ETag, Store, Written};
use crate::s3::transfer::Engine;
use crate::tracks::package::rules::{
    Change, Move, Pointer, Stood, VersionRecord, newest, standing,
};
use crate::tracks::package::source::Package;
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::names::{Key, Spec, Tag};
use crate::words::object::{ObjectOptions, UserMetadata};
use futures_util::future::try_join;
use std::sync::Arc;

/// A package, and how its two buckets are reached.
#[derive(Debug)]
pub struct Ledger {
    /// Which package, and where in the buckets.
    pub package: Package,
    /// Names, versions and tags.
    pub ledger: Store,
    /// Blobs.
    pub blobs: Engine,
}

/// What stands under a record's key, with what its object carries.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The record, or what is left of it.
    pub stood: Stood,
    /// The user's metadata.
    pub metadata: UserMetadata,
    etag: ETag,
}

/// What stands under a pointer's key.
#[derive(Debug, Clone)]
struct Pointed {
    /// None: it cannot be read.
    pointer: Option<Pointer>,
    etag: ETag,
}

/// A loop that reads a pointer and its history this often has met something that never agrees.
const LOOKS: usize = 200;

impl Ledger {
    /// A package's ledger and store, of which the source's bucket is one, both or neither.
    pub fn new(store: &Store, package: &Package) -> Ledger {
        let bucket = |own: &Option<_>| store.sibling(own.as_ref().unwrap_or(store.bucket()));
        Ledger {
            package: package.clone(),
            ledger: bucket(&package.ledger),
            blobs: Engine::new(Arc::new(bucket(&package.store))),
        }
    }

    /// The same buckets, and another package of theirs.
    pub fn of(&self, package: &Package) -> Ledger {
        Ledger { package: package.clone(), ..Ledger::new(&self.ledger, package) }
    }

    /// The history of versions.
    pub fn history(&self) -> anyhow::Result<History<'_, Change>> {
        Ok(History::new(&self.ledger, self.package.history()?))
    }

    /// The history of a tag.
    pub fn tag_history(&self, tag: &Tag) -> anyhow::Result<History<'_, Move>> {
        Ok(History::new(&self.ledger, self.package.tag_history(tag)?))
    }

    /// What stands under a version's key.
    pub async fn standing(&self, version: u64) -> anyhow::Result<Option<Standing>> {
        let key = self.package.record(version)?;
        let Some(fetched) = self.ledger.get(&key).await? else { return Ok(None) };
        let stood = VersionRecord::parse(&fetched.bytes, &self.ledger.uri(key.as_str()))?;
        let metadata = fetched.metadata.into_iter().collect();
        Ok(Some(Standing { stood, metadata, etag: fetched.etag }))
    }

    /// The record of a version that must stand, and the user's metadata.
    pub async fn record(&self, version: u64) -> anyhow::Result<(VersionRecord, UserMetadata)> {
        let name = &self.package.name;
        match self.standing(version).await? {
            Some(Standing { stood: Stood::Version(record), metadata, .. }) => {
                Ok((*record, metadata))
            }
            Some(Standing { stood: Stood::Removed(tombstone), .. }) => Err(fault(
                format!("version {version} of {name} was removed at {}", tombstone.removed_at),
                "take another version",
            )),
            None => Err(fault(
                format!(
                    "{name} has no version {version}: {} is not there",
                    self.ledger.uri(self.package.record(version)?.as_str())
                ),
                "`s3-asset package versions` lists them",
            )),
        }
    }

    /// The version that somebody means.
    pub async fn resolve(&self, spec: &Spec) -> anyhow::Result<u64> {
        let (found, what) = match spec {
            Spec::Version(version) => return Ok(*version),
            Spec::Latest => (self.latest().await?, "has no version yet".to_owned()),
            Spec::Tag(tag) => (self.tagged(tag).await?, format!("has no tag `{tag}`")),
        };
        found.ok_or_else(|| {
            fault(
                format!("{} {what}", self.package.name),
                "`s3-asset package tags` and `versions` list what there is",
            )
        })
    }

    /// The newest version that stands.
    pub async fn latest(&self) -> anyhow::Result<Option<u64>> {
        let history = self.history()?;
        let (current, latest) = try_join(history.read(), self.latest_pointer()).await?;
        let head = current.map(|current| current.head);
        let known = head.as_ref().map_or(0, newest);
        let newer = self.newer(head.is_some().then_some(known), latest).await?;
        match (newer.last(), head) {
            (Some((version, _)), _) => Ok(Some(*version)),
            (None, Some(head)) => self.newest_standing(&head).await,
            (None, None) => Ok(None),
        }
    }

    /// The newest version that a history says stands.
    async fn newest_standing(&self, head: &Head<Change>) -> anyhow::Result<Option<u64>> {
        let changes = head.entries().iter().map(|entry| &entry.what);
        if let Some(version) = standing(changes.clone()) {
            return Ok(Some(version));
        }
        // All that the head holds was removed.
        let shape = head.shape();
        let older = self.history()?.segments(&shape, shape.segments_for(usize::MAX)).await?;
        Ok(standing(changes.chain(older.iter().map(|entry| &entry.what))))
    }

    /// The version that `latest` names, where reading it tells anything.
    pub async fn latest_pointer(&self) -> anyhow::Result<Option<u64>> {
        let pointed = self.pointed(&self.package.latest()?).await?;
        Ok(pointed.and_then(|it| it.pointer).map(|pointer| pointer.version))
    }

    /// Versions that are in the ledger and not in its history, whose highest number is `known`
    /// (none: there is no history), oldest first, with the times of their records in seconds.
    /// `latest` is what its pointer says: nothing is listed when there is nothing to find.
    pub async fn newer(
        &self,
        known: Option<u64>,
        latest: Option<u64>,
    ) -> anyhow::Result<Vec<(u64, i64)>> {
        match (known, latest) {
            (Some(known), latest) if latest.is_none_or(|latest| latest <= known) => Ok(Vec::new()),
            (Some(known), Some(latest)) => self.listed(known, latest).await,
            // Whatever is newer than `latest` names is of writers that were about to change it.
            (None, Some(latest)) => match self.listed(latest.saturating_sub(1), latest).await? {
                none if none.is_empty() => self.listed(0, u64::MAX).await,
                some => Ok(some),
            },
            (_, None) => self.listed(0, u64::MAX).await,
        }
    }

    /// The versions above `after` that have a record, oldest first. `upto` is about the newest.
    pub async fn listed(&self, after: u64, upto: u64) -> anyhow::Result<Vec<(u64, i64)>> {
        let start = self.package.newer_than(after, upto);
        let objects = self.ledger.list_after(&self.package.records(), start.as_deref()).await?;
        let version = |object: &crate::s3::store::Listed| {
            Some((self.package.version_at(&object.key)?, object.modified))
        };
        let mut versions: Vec<_> =
            objects.iter().filter_map(version).filter(|(version, _)| *version > after).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    async fn pointed(&self, key: &Key) -> anyhow::Result<Option<Pointed>> {
        let Some(fetched) = self.ledger.get(key).await? else { return Ok(None) };
        let uri = self.ledger.uri(key.as_str());
        let pointer = match Pointer::parse(&fetched.bytes, &uri) {
            Ok(pointer) => Some(pointer),
            Err(e) => {
                self.ledger.report().warn(format!("{e:#}"));
                None
            }
        };
        Ok(Some(Pointed { pointer, etag: fetched.etag }))
    }

    /// Makes a pointer what a history says. `says` reads the history and answers what the pointer
    /// should be, given what it is.
    async fn follow(
        &self,
        key: &Key,
        says: impl AsyncFn(Option<Pointer>) -> anyhow::Result<Option<Pointer>>,
    ) -> anyhow::Result<()> {
        for _ in 0..LOOKS {
            let pointed = self.pointed(key).await?;
            let is = pointed.as_ref().and_then(|it| it.pointer);
            let should = says(is).await?;
            if is == should && is.is_some() == pointed.is_some() {
                return Ok(());
            }
            match should {
                Some(pointer) => {
                    let condition = Condition::still(pointed.as_ref().map(|it| &it.etag));
                    self.write(key, pointer.to_bytes()?, &condition, UserMetadata::new()).await?;
                }
                None => self.ledger.delete(key).await?,
            }
        }
        Err(fault(
            format!("{}: others change it all the time", self.ledger.uri(key.as_str())),
            "run the put again",
        ))
    }

    /// Writes a small JSON object of the ledger.
    async fn write(
        &self,
        key: &Key,
        bytes: Vec<u8>,
        condition: &Condition,
        metadata: UserMetadata,
    ) -> anyhow::Result<Written> {
        let options = ObjectOptions {
            content_type: Some("application/json".to_owned()),
            metadata,
            ..ObjectOptions::default()
        };
        let sha256 = Sha256::of(&bytes);
        self.ledger.put(key, bytes.into(), sha256, condition, &options).await
    }
}

/// A history that stands, or a new one; also where somebody began it and went no further, perhaps
/// because the server ignores conditions, which this finds out.
async fn begun<T>(
    record: &History<'_, T>,
    current: Option<Current<T>>,
) -> anyhow::Result<Current<T>>
where
    T: serde::Serialize + serde::de::DeserializeOwned + Clone,
{
    match current {
        Some(current) if !current.head.entries().is_empty() => Ok(current),
        _ => record.begin().await,
    }
}
