//! Everything that a plan depends on, read into one value. Reads only.
//!
//! The order matters: pointers, then histories, then records. Who reads a pointer and afterwards a
//! history that agrees leaves a pointer that is right; why a record comes after the history of a tag
//! says [`crate::tracks::package::plan`] of removals.

use super::{Ledger, Putting};
use crate::history::stored::Current;
use crate::history::{Event, Head};
use crate::s3::store::ETag;
use crate::s3::transfer::AT_ONCE;
use crate::tracks::package::plan::{
    Act, Addition, Blob, Facts, Pointed, Recorded, Tagged, Versions, entry_of, worth_reading,
};
use crate::tracks::package::rules::{Change, Move, newest};
use crate::tracks::package::source::Numbering;
use crate::words::build::{Build, Run};
use crate::words::names::Tag;
use crate::words::time::Utc;
use futures_util::future::{OptionFuture, try_join3};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::{BTreeMap, BTreeSet};

/// More records than these are entered by their numbers alone: a ledger that sacker filled over
/// years is taken over by one put.
const READ_AT_MOST: usize = 1_000;

/// What was read, as it was read: what each write depends on. It is used up by one write.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub(super) versions: Option<Current<Change>>,
    pub(super) tags: BTreeMap<Tag, Current<Move>>,
    pub(super) latest: Option<ETag>,
    pub(super) pointers: BTreeMap<Tag, ETag>,
    pub(super) records: BTreeMap<u64, (Recorded, ETag)>,
    pub(super) blob: Option<ETag>,
}

impl Ledger {
    /// Reads what the next plan of a put depends on.
    pub(super) async fn gather(&self, putting: &mut Putting<'_>) -> anyhow::Result<(Facts, Marks)> {
        let (ask, mut marks) = (putting.ask, Marks::default());
        let wanted: BTreeSet<Tag> = match ask.act {
            Act::Remove(_) => self.tags().await?.into_iter().collect(),
            Act::Add(_) | Act::Tag(_) | Act::Agree => {
                ask.tags.iter().chain(&ask.untag).cloned().collect()
            }
        };
        let addition = match &ask.act {
            Act::Add(addition) => Some(addition),
            Act::Tag(_) | Act::Remove(_) | Act::Agree => None,
        };
        let by_time = self.package.numbering == Numbering::Timestamp && addition.is_some();
        let (latest, pointers, blob) = try_join3(
            self.latest_as(&ask.act, by_time),
            self.pointers(&wanted),
            self.blob(addition, putting),
        )
        .await?;
        let (blob, blob_tag, verified) = blob;
        putting.verified = verified;
        marks.blob = blob_tag;
        marks.latest = latest.1;
        let mut tags = BTreeMap::new();
        for (tag, pointer, etag, current) in self.heads(pointers).await? {
            let last = match &current {
                Some(current) if ask.untag.contains(&tag) => self.last(&tag, &current.head).await?,
                _ => None,
            };
            let is_begun = current.is_some();
            let head = current.as_ref().map_or_else(|| Head::new(""), |it| it.head.clone());
            marks.pointers.extend(etag.map(|etag| (tag.clone(), etag)));
            marks.tags.extend(current.map(|current| (tag.clone(), current)));
            tags.insert(tag, Tagged { head, is_begun, last, pointer });
        }
        let versions = self.versions(putting, latest.0, by_time, &mut marks).await?;
        let facts = Facts {
            name: self.package.name.clone(),
            numbering: self.package.numbering,
            ask: ask.clone(),
            run: putting.run.clone(),
            id: putting.id.clone(),
            versions,
            blob,
            tags,
            done: putting.done.clone(),
        };
        Ok((facts, marks))
    }

    /// The pointer of `latest`, where a plan needs it.
    async fn latest_as(&self, act: &Act, by_time: bool) -> anyhow::Result<(Pointed, Option<ETag>)> {
        let key = self.package.latest()?;
        let fetched = match act {
            Act::Tag(_) => None,
            _ if by_time => self.ledger.get_if_allowed(&key).await?,
            _ => self.ledger.get(&key).await?,
        };
        Ok(self.pointed_of(&key, fetched))
    }

    async fn pointers(
        &self,
        tags: &BTreeSet<Tag>,
    ) -> anyhow::Result<Vec<(Tag, Pointed, Option<ETag>)>> {
        stream::iter(tags.iter().cloned())
            .map(|tag| async move {
                let key = self.package.pointer(&tag)?;
                let (pointed, etag) = self.pointed_of(&key, self.ledger.get(&key).await?);
                anyhow::Ok((tag, pointed, etag))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn heads(
        &self,
        pointers: Vec<(Tag, Pointed, Option<ETag>)>,
    ) -> anyhow::Result<Vec<(Tag, Pointed, Option<ETag>, Option<Current<Move>>)>> {
        stream::iter(pointers)
            .map(|(tag, pointed, etag)| async move {
                let current = self.tag_history(&tag)?.read().await?;
                anyhow::Ok((tag, pointed, etag, current))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    /// The last version that a tag was on, where the head of its history does not say.
    async fn last(&self, tag: &Tag, head: &Head<Move>) -> anyhow::Result<Option<(u64, u64)>> {
        let shape = head.shape();
        if head.entries().iter().any(|entry| entry.what.version.is_some()) {
            return Ok(None);
        }
        let older = self.tag_history(tag)?;
        let fits = |entry: &crate::history::Entry<Move>| entry.what.version.is_some();
        let found = older.find(&shape, shape.segments_for(usize::MAX), fits).await?;
        Ok(found.and_then(|entry| Some((entry.what.version?, entry.number))))
    }

    /// What is known of the blob; and the tag of the one that was read and is whole.
    pub(super) async fn blob(
        &self,
        addition: Option<&Addition>,
        putting: &Putting<'_>,
    ) -> anyhow::Result<(Blob, Option<ETag>, Option<ETag>)> {
        let Some(addition) = addition else { return Ok((Blob::Unseen, None, None)) };
        let verified = putting.verified.clone();
        let (file, store) = (&addition.file.facts, &self.blobs.store);
        let key = self.package.blob(&file.sha256)?;
        let Some(facts) = store.head_if_allowed(&key).await? else {
            return Ok((Blob::Unseen, None, None));
        };
        let etag = Some(facts.etag.clone());
        if facts.size != file.size {
            let why = format!("it has {} bytes instead of {}", facts.size, file.size);
            return Ok((Blob::Wrong(why), etag, None));
        }
        if facts.sha256() == Some(file.sha256) || verified == etag {
            return Ok((Blob::Whole, etag, verified));
        }
        // sacker recorded no hash, and a size proves nothing.
        store
            .report()
            .info(format!("reading {}: nothing says what it holds", store.uri(key.as_str())));
        let got = match self.blobs.hash(&key, facts.size).await {
            Ok(got) => got,
            // `gc` may have taken it meanwhile.
            Err(e) => match store.head(&key).await? {
                None => return Ok((Blob::Unseen, None, None)),
                Some(_) => return Err(e),
            },
        };
        if got == file.sha256 {
            return Ok((Blob::Whole, etag.clone(), etag));
        }
        Ok((Blob::Wrong(format!("its SHA-256 is {got}")), etag, None))
    }

    /// What is known of the versions, as far as an act needs it.
    async fn versions(
        &self,
        putting: &Putting<'_>,
        latest: Pointed,
        by_time: bool,
        marks: &mut Marks,
    ) -> anyhow::Result<Versions> {
        let mut versions = Versions {
            head: Head::new(""),
            standing: None,
            unknown: Vec::new(),
            latest,
            records: BTreeMap::new(),
        };
        let named = match latest {
            Pointed::At(pointer) => Some(pointer.version),
            Pointed::Nothing | Pointed::Unreadable => None,
        };
        let mut wanted: BTreeSet<u64> = putting.done.tried.into_iter().collect();
        match &putting.ask.act {
            Act::Tag(version) => wanted.extend(version),
            Act::Add(_) if by_time => {
                wanted.extend(named);
                for (version, recorded, etag) in self.records_of(wanted, by_time).await? {
                    marks.records.insert(version, (recorded, etag));
                }
                versions.records = recorded(marks);
                return Ok(versions);
            }
            act => {
                let current = self.history()?.read().await?;
                if let Some(current) = &current {
                    versions.head = current.head.clone();
                }
                marks.versions = current;
                let leaves = match act {
                    Act::Remove(version) => Some(*version),
                    Act::Add(_) | Act::Tag(_) | Act::Agree => None,
                };
                wanted.extend(leaves);
                versions.standing = self.newest_standing(&versions.head, leaves).await?;
                versions.unknown = self.unknown(newest(&versions.head), named).await?;
                if let Act::Add(addition) = act {
                    let wished = addition.record(&putting.run, &putting.id);
                    let unknown = versions.unknown.iter().rev().map(|it| (&it.what, &it.run.build));
                    let known = versions.head.entries().iter().map(|it| (&it.what, &it.build));
                    let newest = versions.unknown.last().map(|event| event.what.newest());
                    let changes = unknown.chain(known);
                    wanted.extend(worth_reading(changes, newest.or(versions.standing), &wished));
                    wanted.insert(versions.next());
                }
            }
        }
        for (version, recorded, etag) in self.records_of(wanted, by_time).await? {
            marks.records.insert(version, (recorded, etag));
        }
        if matches!(putting.ask.act, Act::Add(_)) {
            // A put that was killed, or lost a race, recorded it and entered nothing.
            while let Some((recorded, _)) = marks.records.get(&versions.next()) {
                let version = versions.next();
                let (run, what) = entry_of(version, &recorded.stood, &putting.run.time);
                versions.unknown.push(Event { run, what });
                let next = BTreeSet::from([version + 1]);
                for (version, recorded, etag) in self.records_of(next, by_time).await? {
                    marks.records.insert(version, (recorded, etag));
                }
            }
        }
        versions.records = recorded(marks);
        Ok(versions)
    }

    /// The records of some versions: those that are there.
    async fn records_of(
        &self,
        versions: BTreeSet<u64>,
        if_allowed: bool,
    ) -> anyhow::Result<Vec<(u64, Recorded, ETag)>> {
        let found: Vec<Option<(u64, Recorded, ETag)>> = stream::iter(versions)
            .map(|version| async move {
                let recorded: OptionFuture<_> =
                    (!if_allowed).then(|| self.recorded_as(version)).into();
                let recorded = match recorded.await {
                    Some(recorded) => recorded?,
                    None => self.recorded_if_allowed(version).await?,
                };
                anyhow::Ok(recorded.map(|(recorded, etag)| (version, recorded, etag)))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// What stands in the ledger and is not in its history, whose newest number is `known`: what
    /// other tools, and writers that could not read, added.
    async fn unknown(&self, known: u64, latest: Option<u64>) -> anyhow::Result<Vec<Event<Change>>> {
        let newer = match known {
            0 => self.listed(0, u64::MAX).await?,
            known => self.newer(Some(known), latest).await?,
        };
        let reads = newer.len() <= READ_AT_MOST;
        stream::iter(newer)
            .map(|(added, modified)| async move {
                let recorded = if reads { self.recorded(added).await? } else { None };
                let time = Utc::of_seconds(modified);
                let (run, what) = match recorded {
                    Some(recorded) => entry_of(added, &recorded.stood, &time),
                    None => (Run { build: Build::default(), time }, Change::of_number(added)),
                };
                Ok(Event { run, what })
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }
}

fn recorded(marks: &Marks) -> BTreeMap<u64, Recorded> {
    marks.records.iter().map(|(version, (recorded, _))| (*version, recorded.clone())).collect()
}
