//! A history in a bucket: read in one request, extended by compare-and-swap.
//!
//! Invariants:
//! - an entry is appended only when the whole history since a known position does not hold it, and
//!   that is looked at anew for each attempt: so two puts of one thing make one entry;
//! - a write whose answer was lost is found by the same look;
//! - readers pass by what does not stand, and read no part that holds nothing else;
//! - the first write to a track's history finds out whether the server obeys conditions, before
//!   anything is published on the strength of them.

mod append;
mod entries;
mod many;
mod named;
mod removed;

pub use append::Next;
pub use many::BATCH;
pub use named::MissedPage;

use crate::history::line::Line;
use crate::history::{Entry, Head, Part, Peek, Segment, Shape};
use crate::s3::store::{Condition, ETag, Fetched, Store, Written, unique_id};
use crate::words::fault::fault;
use crate::words::names::Key;
use crate::words::object::Own;
use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Serialize, de::DeserializeOwned};
use std::marker::PhantomData;

/// Of a history: 64 segments and as many volumes reach a quarter of a million entries back.
const PARTS_AT_ONCE: usize = 128;
/// Of a search that ends at the first that fits.
const PARTS_AHEAD: usize = 8;
/// Each lost race waits longer: 200 writers at once get through.
const RACES: u32 = 200;

/// The history under a key: its head is `<key>.json`, its segments are below `<key>/`.
#[derive(Debug)]
pub struct History<'a, T> {
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

impl<T> Current<T> {
    /// Whether two reads found the same head.
    pub fn is(&self, other: &Current<T>) -> bool {
        self.etag == other.etag
    }
}

/// How far a plan was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// To its end.
    Out,
    /// Another writer was faster: look at everything anew.
    Overtaken,
}

impl From<Written> for Carried {
    fn from(written: Written) -> Carried {
        match written {
            Written::Yes => Carried::Out,
            Written::Refused => Carried::Overtaken,
        }
    }
}

impl<'a, T: Serialize + DeserializeOwned + Clone> History<'a, T> {
    /// The history under a key.
    pub fn new(store: &'a Store, key: Key) -> History<'a, T> {
        History { store, key, entries: PhantomData }
    }

    /// The head's key.
    pub fn head_key(&self) -> anyhow::Result<Key> {
        Key::parse(&format!("{}.json", self.key))
    }

    fn part_key(&self, id: &str, part: Part) -> anyhow::Result<Key> {
        Key::parse(&format!("{}/{id}/{}", self.key, part.name()))
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
        let uri = self.store.uri(key.as_str());
        Ok(Some(Peek::parse(fetched.bytes).with_context(|| uri.clone())?.at(uri)))
    }

    /// Makes an empty head where [`History::read`] found none, or no entry in it; refuses a server
    /// that ignores conditions.
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

    /// The entries that stand in a part.
    async fn part(&self, shape: &Shape, part: Part) -> anyhow::Result<Vec<Entry<T>>> {
        let lines = self.lines(shape.id(), part).await?.into_iter();
        let entries = lines.filter_map(Line::into_entry);
        Ok(entries.filter(|entry| shape.stands(entry.number)).collect())
    }

    /// All that a part holds.
    async fn lines(&self, id: &str, part: Part) -> anyhow::Result<Vec<Line<T>>> {
        let key = self.part_key(id, part)?;
        let uri = self.store.uri(key.as_str());
        let Some(fetched) = self.store.get(&key).await? else {
            return Err(crate::s3::transfer::missing(&uri));
        };
        Ok(Segment::parse(&fetched.bytes, id, part).context(uri)?.lines)
    }

    /// Writes what a head gave to segments, the volumes that these complete, and then the head,
    /// unless another writer was faster.
    async fn replace(
        &self,
        head: &Head<T>,
        segments: Vec<Segment<T>>,
        etag: ETag,
    ) -> anyhow::Result<Written> {
        let id = head.shape().id().to_owned();
        let complete: Vec<u64> = segments.iter().filter_map(|it| it.part().completes()).collect();
        stream::iter(segments)
            .map(|segment| self.seal(&id, segment))
            .buffer_unordered(PARTS_AT_ONCE)
            .try_collect::<()>()
            .await?;
        for volume in complete {
            let lines: Vec<Vec<Line<T>>> = stream::iter(Part::gathered(volume).rev())
                .map(|index| self.lines(&id, Part::Segment(index)))
                .buffered(PARTS_AT_ONCE)
                .try_collect()
                .await?;
            self.seal(&id, Segment::new(&id, lines.into_iter().flatten().collect())).await?;
        }
        let condition = Condition::Unchanged(etag);
        self.write(&self.head_key()?, head.to_bytes()?.into(), &condition).await
    }

    /// Writes a part. Refused: another writer sealed it, with the same entries.
    async fn seal(&self, id: &str, segment: Segment<T>) -> anyhow::Result<()> {
        let key = self.part_key(id, segment.part())?;
        self.write(&key, segment.to_bytes()?.into(), &Condition::Absent).await.map(drop)
    }

    /// What stands after another writer was faster, when the next attempt is due.
    async fn after_race(&self, race: u32) -> anyhow::Result<Current<T>> {
        self.pause(race).await?;
        self.again().await
    }

    /// Reads the head of a history that was there before.
    async fn again(&self) -> anyhow::Result<Current<T>> {
        let key = self.head_key()?;
        self.read().await?.with_context(|| {
            format!("{}: somebody deleted the history", self.store.uri(key.as_str()))
        })
    }

    fn too_many_races(&self) -> anyhow::Error {
        fault(
            format!(
                "{}.json: {RACES} other writers were faster",
                self.store.uri(self.key.as_str())
            ),
            "run the put again",
        )
    }

    async fn write(
        &self,
        key: &Key,
        bytes: Bytes,
        condition: &Condition,
    ) -> anyhow::Result<Written> {
        write(self.store, key, bytes, condition).await
    }
}

async fn write(
    store: &Store,
    key: &Key,
    bytes: Bytes,
    condition: &Condition,
) -> anyhow::Result<Written> {
    store.put_own(key, bytes, condition, &Own::default()).await
}
