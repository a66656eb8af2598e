//! A package's ledger and store: what a put, a get, a check and the operator's commands do to them.
//!
//! [`crate::tracks::package::rules`] says what lies where and why that is safe;
//! [`crate::tracks::package::plan`] says what is done; this module reads what plans depend on, and carries
//! them out.

mod blobs;
mod carry_out;
mod gather;
mod tags;
mod whole;

pub use whole::Restored;

use crate::history::Head;
use crate::history::stored::{Current, History};
use crate::s3::store::{Condition, ETag, Fetched, Store, Written, unique_id};
use crate::s3::transfer::Engine;
use crate::tracks::package::plan::{Ask, Done, Pointed, Recorded, standing_record};
use crate::tracks::package::rules::{Change, Move, Pointer, VersionRecord, newest, standing};
use crate::tracks::package::source::Package;
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::{Key, Spec, Tag};
use crate::words::object::{Own, UserMetadata};
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

/// A put under way: what is asked for, and what it did so far.
#[derive(Debug)]
struct Putting<'a> {
    ask: &'a Ask,
    run: Run,
    /// Its own, by which it knows its record and its moves again.
    id: String,
    done: Done,
    /// The blob that was read and is whole.
    verified: Option<ETag>,
}

impl<'a> Putting<'a> {
    fn new(ask: &'a Ask, run: &Run) -> Putting<'a> {
        let (run, id) = (run.clone(), unique_id());
        Putting { ask, run, id, done: Done::default(), verified: None }
    }
}

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
    pub async fn recorded(&self, version: u64) -> anyhow::Result<Option<Recorded>> {
        Ok(self.recorded_as(version).await?.map(|(recorded, _)| recorded))
    }

    async fn recorded_as(&self, version: u64) -> anyhow::Result<Option<(Recorded, ETag)>> {
        let key = self.package.record(version)?;
        self.read_record(&key, self.ledger.get(&key).await?)
    }

    /// The same for clients that may perhaps only write.
    async fn recorded_if_allowed(&self, version: u64) -> anyhow::Result<Option<(Recorded, ETag)>> {
        let key = self.package.record(version)?;
        self.read_record(&key, self.ledger.get_if_allowed(&key).await?)
    }

    fn read_record(
        &self,
        key: &Key,
        fetched: Option<Fetched>,
    ) -> anyhow::Result<Option<(Recorded, ETag)>> {
        let Some(fetched) = fetched else { return Ok(None) };
        let stood = VersionRecord::parse(&fetched.bytes, &self.ledger.uri(key.as_str()))?;
        let metadata = fetched.metadata.into_iter().collect();
        Ok(Some((Recorded { stood, metadata }, fetched.etag)))
    }

    /// The record of a version that must stand, and the user's metadata.
    pub async fn record(&self, version: u64) -> anyhow::Result<(VersionRecord, UserMetadata)> {
        let recorded = self.recorded(version).await?;
        let record = standing_record(&self.package.name, version, recorded.as_ref())?.clone();
        Ok((record, recorded.map(|it| it.metadata).unwrap_or_default()))
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
        let latest = latest.map(|pointer| pointer.version);
        let newer = self.newer(head.is_some().then_some(known), latest).await?;
        match (newer.last(), head) {
            (Some((version, _)), _) => Ok(Some(*version)),
            (None, Some(head)) => self.newest_standing(&head, None).await,
            (None, None) => Ok(None),
        }
    }

    /// The newest version that a history says stands, one left out.
    async fn newest_standing(
        &self,
        head: &Head<Change>,
        except: Option<u64>,
    ) -> anyhow::Result<Option<u64>> {
        let changes = head.entries().iter().map(|entry| &entry.what);
        if let Some(version) = standing(changes.clone(), except) {
            return Ok(Some(version));
        }
        // All that the head holds was removed.
        let shape = head.shape();
        let older = self.history()?.segments(&shape, shape.segments_for(usize::MAX)).await?;
        Ok(standing(changes.chain(older.iter().map(|entry| &entry.what)), except))
    }

    /// The pointer of `latest`, where reading it tells anything.
    pub async fn latest_pointer(&self) -> anyhow::Result<Option<Pointer>> {
        let key = self.package.latest()?;
        Ok(match self.pointed_of(&key, self.ledger.get(&key).await?).0 {
            Pointed::At(pointer) => Some(pointer),
            Pointed::Nothing | Pointed::Unreadable => None,
        })
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

    /// What stands under a pointer's key.
    fn pointed_of(&self, key: &Key, fetched: Option<Fetched>) -> (Pointed, Option<ETag>) {
        let Some(fetched) = fetched else { return (Pointed::Nothing, None) };
        let pointed = match Pointer::parse(&fetched.bytes, &self.ledger.uri(key.as_str())) {
            Ok(pointer) => Pointed::At(pointer),
            Err(e) => {
                self.ledger.report().warn(format!("{e:#}"));
                Pointed::Unreadable
            }
        };
        (pointed, Some(fetched.etag))
    }

    /// Writes a small JSON object of the ledger.
    async fn write(
        &self,
        key: &Key,
        bytes: Vec<u8>,
        condition: &Condition,
        metadata: UserMetadata,
    ) -> anyhow::Result<Written> {
        self.ledger.put_own(key, bytes, condition, &Own { metadata }).await
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
