//! A history in a bucket: read in one request, extended by compare-and-swap.
//!
//! Invariants:
//! - an entry is appended only when the whole history since a known position does not hold it, and
//!   that is looked at anew for each attempt: so two puts of one thing make one entry;
//! - a write whose answer was lost is found by the same look;
//! - readers pass by what does not stand, and read no part that holds nothing else;
//! - the first write to a track's history finds out whether the server obeys conditions, before
//!   anything is published on the strength of them.

mod named;
mod removed;

pub use named::MissedPage;

use crate::history::line::Line;
use crate::history::{Entry, Event, Head, Part, Peek, Position, SEGMENT, Segment, Shape, merged};
use crate::s3::store::{Condition, ETag, Fetched, Store, Written, unique_id};
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::Key;
use crate::words::object::Own;
use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashSet;
use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::Range;
use std::time::Duration;

/// Of a history: 64 segments and as many volumes reach a quarter of a million entries back.
const PARTS_AT_ONCE: usize = 128;
/// Of a search that ends at the first that fits.
const PARTS_AHEAD: usize = 8;
/// Each lost race waits longer: 200 writers at once get through.
const RACES: u32 = 200;
/// Events entered at one write of a head, which holds them all until the next: about 1 MB.
pub const BATCH: usize = 4096;

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

/// What becomes of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next<T> {
    /// This is appended.
    Append(T),
    /// Nothing is: this entry says it already.
    Stands(Entry<T>),
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

    /// The newest entries, newest first, read in at most two rounds; none where there is no history.
    pub async fn newest(&self, count: usize) -> anyhow::Result<Option<Vec<Entry<T>>>> {
        let Some(Current { head, .. }) = self.read().await? else { return Ok(None) };
        let (mut entries, shape) = (head.entries().to_vec(), head.shape());
        let below = shape.segments_for(count.saturating_sub(entries.len()));
        entries.extend(self.segments(&shape, below).await?);
        entries.truncate(count);
        Ok(Some(entries))
    }

    /// Reads the entries of some segments, and perhaps older ones, all at once, newest first.
    pub async fn segments(
        &self,
        shape: &Shape,
        range: Range<u64>,
    ) -> anyhow::Result<Vec<Entry<T>>> {
        let parts: Vec<Vec<Entry<T>>> = stream::iter(shape.parts(range))
            .map(|part| self.part(shape, part))
            .buffered(PARTS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// The newest entry that fits among those of some segments, and perhaps older ones: they are
    /// read newest first, and not much further than needed.
    pub async fn find(
        &self,
        shape: &Shape,
        range: Range<u64>,
        mut fits: impl FnMut(&Entry<T>) -> bool,
    ) -> anyhow::Result<Option<Entry<T>>> {
        let mut parts = stream::iter(shape.parts(range))
            .map(|part| self.part(shape, part))
            .buffered(PARTS_AHEAD);
        while let Some(entries) = parts.next().await {
            if let Some(entry) = entries?.into_iter().find(&mut fits) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The entry of a number that stands: one request, or a second where the head no longer holds it.
    pub async fn entry(&self, number: u64) -> anyhow::Result<Option<Entry<T>>> {
        let Some(mut head) = self.peek().await? else { return Ok(None) };
        if !head.shape().stands(number) {
            return Ok(None);
        }
        if let Some(segment) = head.shape().segment_of(number) {
            let entries = self.part(head.shape(), Part::Segment(segment)).await?;
            return Ok(entries.into_iter().find(|entry| entry.number == number));
        }
        while let Some(entry) = head.older()? {
            if entry.number == number {
                return Ok(Some(entry));
            }
        }
        Ok(None)
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

    /// Appends `what` unless an entry since `position` is the same thing; answers the entry that
    /// stands.
    pub async fn append(
        &self,
        current: Current<T>,
        position: Option<&Position>,
        is_same: impl Fn(&T) -> bool,
        run: &Run,
        what: &T,
    ) -> anyhow::Result<Entry<T>> {
        // Segments never change: what was looked through once need not be again.
        let mut looked_through = 0;
        let decide = async |head: &Head<T>| {
            if let Some(entry) = head.entries().iter().find(|entry| is_same(&entry.what)) {
                return Ok(Next::Stands(entry.clone()));
            }
            let shape = head.shape();
            let since = shape.segments_since(position);
            for part in shape.parts(looked_through.max(since.start)..since.end) {
                let entries = self.part(&shape, part).await?;
                if let Some(entry) = entries.into_iter().find(|entry| is_same(&entry.what)) {
                    return Ok(Next::Stands(entry));
                }
            }
            looked_through = since.end;
            Ok(Next::Append(what.clone()))
        };
        Ok(self.extend(current, run, decide).await?.0)
    }

    /// Appends what `decide` makes of the head, and answers the entry that stands with the head
    /// that it was decided by or is in. Called anew after each lost race, and after a write whose
    /// answer was lost: `decide` must then know its own entry.
    pub async fn extend(
        &self,
        mut current: Current<T>,
        run: &Run,
        mut decide: impl AsyncFnMut(&Head<T>) -> anyhow::Result<Next<T>>,
    ) -> anyhow::Result<(Entry<T>, Head<T>)> {
        for race in 0..RACES {
            let what = match decide(&current.head).await? {
                Next::Stands(entry) => return Ok((entry, current.head)),
                Next::Append(what) => what,
            };
            let event = Event { run: run.clone(), what };
            let (head, segments) = current.head.append([event]);
            if self.replace(&head, segments, current.etag).await? == Written::Yes {
                let entry = head.entries().first().cloned();
                return Ok((entry.context("an appended entry is in the head")?, head));
            }
            current = self.after_race(race).await?;
        }
        Err(self.too_many_races())
    }

    /// Appends one event to a head as it was read, unless another writer was faster.
    pub async fn try_append(
        &self,
        current: Current<T>,
        run: &Run,
        what: T,
    ) -> anyhow::Result<Written> {
        self.try_append_all(current, &[Event { run: run.clone(), what }]).await
    }

    /// Appends events, the oldest first, to a head as it was read, unless another writer was faster.
    pub async fn try_append_all(
        &self,
        current: Current<T>,
        events: &[Event<T>],
    ) -> anyhow::Result<Written> {
        let (head, segments) = current.head.append(events.iter().cloned());
        self.replace(&head, segments, current.etag).await
    }

    /// Gives a head as it was read other bytes, unless another writer was faster: whoever decided on
    /// it before then fails to write it.
    pub async fn fence(&self, current: Current<T>, fence: &str) -> anyhow::Result<Written> {
        self.replace(&current.head.fenced(fence), Vec::new(), current.etag).await
    }

    /// Attempts a put until no other writer is faster; an attempt that was overtaken answers none.
    pub async fn until_first<R>(
        &self,
        mut attempt: impl AsyncFnMut() -> anyhow::Result<Option<R>>,
    ) -> anyhow::Result<R> {
        let mut race = 0;
        loop {
            if let Some(done) = attempt().await? {
                return Ok(done);
            }
            self.pause(race).await?;
            race += 1;
        }
    }

    /// Waits until the next attempt of a put is due, after `race` attempts were overtaken; an
    /// error when that is often enough.
    pub async fn pause(&self, race: u32) -> anyhow::Result<()> {
        if race >= RACES {
            return Err(self.too_many_races());
        }
        let most = Duration::from_millis(50 * u64::from(race + 1)).min(Duration::from_secs(1));
        tokio::time::sleep(most.mul_f64(fastrand::f64())).await;
        Ok(())
    }

    /// Enters many events, the oldest first, at few writes; an event whose `name` the history, or
    /// an event before it, has already is left out.
    pub async fn append_all<N: Eq + Hash>(
        &self,
        mut current: Current<T>,
        name: impl Fn(&T) -> N,
        mut events: Vec<Event<T>>,
    ) -> anyhow::Result<()> {
        let mut known = HashSet::new();
        let (mut looked_through, mut race) = (0, 0);
        let mut gone = current.head.shape().gone;
        while race < RACES {
            let shape = current.head.shape();
            if shape.gone != gone {
                // What was known may be removed since.
                known.clear();
                (looked_through, gone) = (0, shape.gone.clone());
            }
            let range = looked_through..shape.segments_since(None).end;
            looked_through = range.end;
            let older = self.segments(&shape, range).await?;
            known.extend(older.iter().chain(current.head.entries()).map(|entry| name(&entry.what)));
            let mut batch = HashSet::new();
            events.retain(|event| {
                let name = name(&event.what);
                !known.contains(&name) && batch.insert(name)
            });
            if events.is_empty() && !current.head.is_full() {
                return Ok(());
            }
            let (head, segments) = current.head.append(events.iter().take(BATCH).cloned());
            if self.replace(&head, segments, current.etag).await? == Written::Yes {
                race = 0;
                current = self.again().await?;
            } else {
                current = self.after_race(race).await?;
                race += 1;
            }
        }
        Err(self.too_many_races())
    }

    /// Enters events, each before the first that is later than it, unless the history has their
    /// names already. Numbers only grow, so the whole history is written anew, under an id of its
    /// own: a reader of the one before still finds all of that. What is removed does not come along.
    pub async fn interleave<N: Eq + Hash>(
        &self,
        mut current: Current<T>,
        name: impl Fn(&T) -> N,
        events: Vec<Event<T>>,
    ) -> anyhow::Result<()> {
        for race in 0..RACES {
            if !current.head.removing().is_empty() {
                return Err(fault(
                    format!(
                        "{}.json: a removal was begun and not ended",
                        self.store.uri(self.key.as_str())
                    ),
                    "end it by running `gc --delete` again, and repeat this then",
                ));
            }
            let shape = current.head.shape();
            let older = self.segments(&shape, shape.segments_since(None)).await?;
            let standing = older.iter().rev().chain(current.head.entries().iter().rev());
            let event = |it: &Entry<T>| Event {
                run: Run { time: it.time.clone(), build: it.build.clone() },
                what: it.what.clone(),
            };
            let standing: Vec<Event<T>> = standing.map(event).collect();
            let known: HashSet<N> = standing.iter().map(|it| name(&it.what)).collect();
            let mut events = events.clone();
            events.retain(|event| !known.contains(&name(&event.what)));
            if events.is_empty() {
                return Ok(());
            }
            let mut all = merged(standing, events).into_iter().peekable();
            let (mut head, mut segments) = (Head::new(unique_id()), Vec::new());
            while all.peek().is_some() {
                let (next, sealed) = head.append(all.by_ref().take(SEGMENT as usize));
                head = next;
                segments.extend(sealed);
            }
            if self.replace(&head, segments, current.etag).await? == Written::Yes {
                return Ok(());
            }
            current = self.after_race(race).await?;
        }
        Err(self.too_many_races())
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
