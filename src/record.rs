//! A history in a bucket: read in one request, extended by compare-and-swap.
//!
//! Invariants:
//! - an entry is appended only when the whole history since a known position does not hold it, and
//!   that is looked at anew for each attempt: so two puts of one thing make one entry;
//! - a write whose answer was lost is found by the same look;
//! - the first write to a track's history finds out whether the server obeys conditions, before
//!   anything is published on the strength of them.

use crate::digest::Sha256;
use crate::fault::fault;
use crate::history::{Build, Entry, Head, Peek, Position, Segment, Shape};
use crate::names::Key;
use crate::object::ObjectOptions;
use crate::store::{Condition, ETag, Fetched, Store, Written, unique_id};
use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Serialize, de::DeserializeOwned};
use std::marker::PhantomData;
use std::ops::Range;
use std::time::Duration;

const SEGMENTS_AT_ONCE: usize = 128;
/// Each lost race waits longer: 200 writers at once get through.
const RACES: u32 = 200;

/// The history under a key: its head is `<key>.json`, its segments are below `<key>/`.
#[derive(Debug)]
pub struct Record<'a, T> {
    store: &'a Store,
    key: Key,
    entries: PhantomData<T>,
}

/// A head as it was read, and what a write depends on.
#[derive(Debug)]
pub struct Current<T> {
    /// The head.
    pub head: Head<T>,
    etag: ETag,
}

impl<'a, T: Serialize + DeserializeOwned + Clone> Record<'a, T> {
    /// The history under a key.
    pub fn new(store: &'a Store, key: Key) -> Record<'a, T> {
        Record { store, key, entries: PhantomData }
    }

    /// The head's key.
    pub fn head_key(&self) -> anyhow::Result<Key> {
        Key::parse(&format!("{}.json", self.key))
    }

    fn segment_key(&self, id: &str, index: u64) -> anyhow::Result<Key> {
        Key::parse(&format!("{}/{id}/{index:08}.json", self.key))
    }

    /// Reads the head: one request. None: nothing was ever published.
    pub async fn read(&self) -> anyhow::Result<Option<Current<T>>> {
        let key = self.head_key()?;
        let Some(Fetched { bytes, etag, .. }) = self.store.get(&key).await? else {
            return Ok(None);
        };
        let head = Head::parse(&bytes).with_context(|| self.store.uri(key.as_str()))?;
        Ok(Some(Current { head, etag }))
    }

    /// Reads the head as far as a check needs it: one request.
    pub async fn peek(&self) -> anyhow::Result<Option<Peek<T>>> {
        let key = self.head_key()?;
        let Some(fetched) = self.store.get(&key).await? else { return Ok(None) };
        Peek::parse(fetched.bytes).with_context(|| self.store.uri(key.as_str())).map(Some)
    }

    /// Makes an empty head where [`Record::read`] found none.
    pub async fn begin(&self) -> anyhow::Result<Current<T>> {
        let bytes: Bytes = Head::<T>::new(unique_id()).to_bytes()?.into();
        let key = self.head_key()?;
        if self.write(&key, bytes.clone(), &Condition::Absent).await? == Written::Yes
            && self.store.is_conditional()
            && self.write(&key, bytes, &Condition::Absent).await? == Written::Yes
        {
            return Err(fault(
                format!(
                    "{} was overwritten though the request forbade it: the server ignores conditional writes",
                    self.store.uri(key.as_str())
                ),
                "use a server that has them (AWS S3 does), or set `conditional_writes: false` and let one build at a time write to this track",
            ));
        }
        self.read()
            .await?
            .with_context(|| format!("{}: written, and not there", self.store.uri(key.as_str())))
    }

    /// Reads segments, all at once, newest first.
    pub async fn segments(
        &self,
        shape: &Shape,
        range: Range<u64>,
    ) -> anyhow::Result<Vec<Entry<T>>> {
        let segments: Vec<Vec<Entry<T>>> = stream::iter(range.rev())
            .map(|index| self.segment(shape.id(), index))
            .buffered(SEGMENTS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(segments.into_iter().flatten().collect())
    }

    async fn segment(&self, id: &str, index: u64) -> anyhow::Result<Vec<Entry<T>>> {
        let key = self.segment_key(id, index)?;
        let uri = self.store.uri(key.as_str());
        let Some(fetched) = self.store.get(&key).await? else {
            return Err(crate::transfer::missing(&uri));
        };
        Ok(Segment::parse(&fetched.bytes, id, index).context(uri)?.into_entries())
    }

    /// Appends `what` unless an entry since `position` is the same thing; answers the entry that
    /// stands.
    pub async fn append(
        &self,
        mut current: Current<T>,
        position: Option<&Position>,
        is_same: impl Fn(&T) -> bool,
        time: &str,
        build: &Build,
        what: &T,
    ) -> anyhow::Result<Entry<T>> {
        let key = self.head_key()?;
        // Segments never change: what was looked through once need not be again.
        let mut looked_through = 0;
        for race in 0..RACES {
            if let Some(entry) = current.head.entries().iter().find(|entry| is_same(&entry.what)) {
                return Ok(entry.clone());
            }
            let shape = current.head.shape();
            let since = shape.segments_since(position);
            for index in (looked_through.max(since.start)..since.end).rev() {
                let entries = self.segment(shape.id(), index).await?;
                if let Some(entry) = entries.into_iter().find(|entry| is_same(&entry.what)) {
                    return Ok(entry);
                }
            }
            looked_through = since.end;
            let (head, sealed) = current.head.append(time.to_owned(), build.clone(), what.clone());
            if let Some(segment) = sealed {
                // Refused: another writer sealed it, with the same entries.
                let key = self.segment_key(shape.id(), segment.index())?;
                self.write(&key, segment.to_bytes()?.into(), &Condition::Absent).await?;
            }
            let condition = Condition::Unchanged(current.etag);
            if self.write(&key, head.to_bytes()?.into(), &condition).await? == Written::Yes {
                return head.entries().first().cloned().context("an appended entry is in the head");
            }
            let most = Duration::from_millis(50 * u64::from(race + 1)).min(Duration::from_secs(1));
            tokio::time::sleep(most.mul_f64(fastrand::f64())).await;
            current = self.read().await?.with_context(|| {
                format!("{}: somebody deleted the history", self.store.uri(key.as_str()))
            })?;
        }
        Err(fault(
            format!("{}: {RACES} other writers were faster", self.store.uri(key.as_str())),
            "run the put again",
        ))
    }

    async fn write(
        &self,
        key: &Key,
        bytes: Bytes,
        condition: &Condition,
    ) -> anyhow::Result<Written> {
        let sha256 = Sha256::of(&bytes);
        let options = ObjectOptions {
            content_type: Some("application/json".to_owned()),
            ..ObjectOptions::default()
        };
        self.store.put(key, bytes, sha256, condition, &options).await
    }
}
