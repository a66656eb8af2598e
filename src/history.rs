//! The ordered record that a track keeps in S3: who published, promoted or tagged what, and when.
//!
//! Three kinds of object: one *head*, rewritten by compare-and-swap, with the newest entries;
//! immutable *segments* of [`SEGMENT`] older entries each; and immutable *volumes*, which hold
//! [`VOLUME`] segments once more, so that a reader from far back makes few requests. This file is the record as a value: it
//! reads, appends and seals, and knows nothing of S3; [`crate::history::stored`] carries it out.
//!
//! Invariants:
//! - numbers start at 1 and grow by 1: no gap, no repeat;
//! - segment `k` (from 0) holds exactly the numbers `k * SEGMENT + 1 ..= (k + 1) * SEGMENT`, so a
//!   number says where its entry is and the head needs no index that grows;
//! - the head holds every number above `sealed * SEGMENT`. A segment, and the volume that it
//!   completes, are written before the head that no longer holds its entries, so a reader of any
//!   head finds every entry in the place that its number says;
//! - a segment's content is decided by heads that were current, so two writers that seal the same
//!   segment write the same entries: creating it is idempotent. So what is appended goes into the
//!   head, however much it is, and the *next* write seals it;
//! - beside it lie pages of an `index`, which anybody can make anew from it;
//! - a history has an id, part of its segments' keys and of every [`Position`]: a history that was
//!   lost and begun anew never meets the segments or positions of the old one.

mod index;
mod sealed;
pub mod stored;

pub use sealed::{Part, Segment};

use crate::words::build::{Build, Run};
use crate::words::fault::fault;
use crate::words::names::shown;
use crate::words::time::Utc;
use anyhow::Context as _;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;
use std::ops::Range;

/// How many entries a segment holds.
pub const SEGMENT: u64 = 64;
/// How many segments a volume holds.
pub const VOLUME: u64 = 64;
/// How many entries stay in the head when a segment is sealed, so that a check that is a few
/// versions behind reads the head alone.
pub const KEEP: usize = 32;

const FORMAT: &str = "s3-asset-history/1";

/// One entry: `T` is what the track needs to make a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<T> {
    /// Its place in the order, from 1.
    pub number: u64,
    /// When.
    pub time: Utc,
    /// Which build did it.
    #[serde(default, skip_serializing_if = "Build::is_empty")]
    pub build: Build,
    /// What happened.
    pub what: T,
}

/// Something to enter: an [`Entry`] that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<T> {
    /// Who did it, and when.
    pub run: Run,
    /// What happened.
    pub what: T,
}

/// A place in a history: everything appended after it was read has at least this number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    history: String,
    next: u64,
}

impl Position {
    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Position> {
        let (history, next) = text.rsplit_once(':')?;
        Some(Position { history: history.to_owned(), next: next.parse().ok()? })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.history, self.next)
    }
}

/// The head of a history.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Head<T> {
    format: String,
    id: String,
    /// How many segments are sealed.
    sealed: u64,
    /// What a writer left to make writes fail that were decided before it.
    #[serde(default)]
    fence: Option<String>,
    /// Newest first.
    entries: Vec<Entry<T>>,
}

/// Which history a head is of, and how much of it is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Shape {
    id: String,
    sealed: u64,
}

impl Shape {
    /// What tells this history from another under the same key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The place of an entry of this history.
    pub fn at(&self, number: u64) -> Position {
        Position { history: self.id.clone(), next: number }
    }

    /// The segments that hold what is not in the head but may have been appended since a
    /// position; every segment where the position is of another history, or unknown.
    pub fn segments_since(&self, position: Option<&Position>) -> Range<u64> {
        self.segments_from(match position {
            Some(p) if p.history == self.id => p.next,
            _ => 1,
        })
    }

    /// The segments that hold what is not in the head and has this number or a greater one.
    pub fn segments_from(&self, number: u64) -> Range<u64> {
        (number.saturating_sub(1) / SEGMENT).min(self.sealed)..self.sealed
    }

    /// The segment that holds a number; none: the head does, or nothing.
    pub fn segment_of(&self, number: u64) -> Option<u64> {
        let index = number.checked_sub(1)? / SEGMENT;
        (index < self.sealed).then_some(index)
    }

    /// The segments that hold the newest `count` entries below the head.
    pub fn segments_for(&self, count: usize) -> Range<u64> {
        self.sealed.saturating_sub((count as u64).div_ceil(SEGMENT))..self.sealed
    }
}

/// A head that is read entry by entry, newest first, and no further than a reader asks.
///
/// A head as this release writes it has its entries on lines of their own, so a check that needs
/// the newest one parses that alone; any other JSON of the same meaning is parsed whole.
#[derive(Debug)]
pub struct Peek<T> {
    /// Where it was read, for errors that come to light later.
    uri: String,
    shape: Shape,
    entries: Unread<T>,
}

#[derive(Debug)]
enum Unread<T> {
    Lines { bytes: bytes::Bytes, next: usize },
    Parsed(std::vec::IntoIter<Entry<T>>),
}

impl<T: Serialize + DeserializeOwned> Peek<T> {
    /// Reads the first line, or everything.
    pub fn parse(bytes: bytes::Bytes) -> anyhow::Result<Peek<T>> {
        if let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
            && let Some(shape) = first_line(&bytes[..end])
        {
            let entries = Unread::Lines { bytes, next: end + 1 };
            return Ok(Peek { uri: String::new(), shape, entries });
        }
        let head = Head::parse(&bytes)?;
        let shape = head.shape();
        let entries = Unread::Parsed(head.entries.into_iter());
        Ok(Peek { uri: String::new(), shape, entries })
    }

    /// The same, with the object that it was read from.
    pub fn at(self, uri: String) -> Peek<T> {
        Peek { uri, ..self }
    }

    /// Which history this is.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The next older entry; none at the head's end.
    pub fn older(&mut self) -> anyhow::Result<Option<Entry<T>>> {
        match &mut self.entries {
            Unread::Parsed(entries) => Ok(entries.next()),
            Unread::Lines { bytes, next } => {
                let rest = bytes.get(*next..).unwrap_or_default();
                let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                *next += length + 1;
                let line = &rest[..length];
                if line.is_empty() || line == b"]}" {
                    return Ok(None);
                }
                let entry = line.strip_suffix(b",").unwrap_or(line);
                serde_json::from_slice(entry)
                    .map(Some)
                    .map_err(|e| damaged(&format!("an entry cannot be read: {e}")))
                    .with_context(|| self.uri.clone())
            }
        }
    }
}

/// The shape in the first line of a head as this release writes it.
fn first_line(line: &[u8]) -> Option<Shape> {
    #[derive(Deserialize)]
    struct First {
        format: String,
        #[serde(flatten)]
        shape: Shape,
    }
    let mut whole = line.strip_suffix(b"\"entries\":[")?.strip_suffix(b",")?.to_vec();
    whole.push(b'}');
    let first: First = serde_json::from_slice(&whole).ok()?;
    (first.format == FORMAT).then_some(first.shape)
}

impl<T: Serialize + DeserializeOwned> Head<T> {
    /// An empty history with an id of its own.
    pub fn new(id: impl Into<String>) -> Head<T> {
        let (format, id) = (FORMAT.to_owned(), id.into());
        Head { format, id, sealed: 0, fence: None, entries: Vec::new() }
    }

    /// Reads a head, and refuses one whose numbers do not add up.
    pub fn parse(bytes: &[u8]) -> anyhow::Result<Head<T>> {
        let head: Head<T> = read(bytes)?;
        sound(&head.format, &head.entries, head.sealed * SEGMENT + 1)?;
        Ok(head)
    }

    /// JSON, an entry a line, for a reader in the S3 console.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        let mut top = format!(
            "\"format\":\"{FORMAT}\",\"id\":{},\"sealed\":{}",
            quoted(&self.id)?,
            self.sealed
        );
        if let Some(fence) = &self.fence {
            top += &format!(",\"fence\":{}", quoted(fence)?);
        }
        write(&top, &self.entries)
    }

    /// The fence that was left last.
    pub fn fence(&self) -> Option<&str> {
        self.fence.as_deref()
    }

    /// The same history in other bytes.
    pub fn fenced(mut self, fence: &str) -> Head<T> {
        self.fence = Some(fence.to_owned());
        self
    }

    /// The entries that the head itself holds, newest first.
    pub fn entries(&self) -> &[Entry<T>] {
        &self.entries
    }

    /// The number that the next entry gets.
    pub fn next(&self) -> u64 {
        self.sealed * SEGMENT + self.entries.len() as u64 + 1
    }

    /// Where the history stands now.
    pub fn position(&self) -> Position {
        Position { history: self.id.clone(), next: self.next() }
    }

    /// Which history this is, and how much of it is sealed.
    pub fn shape(&self) -> Shape {
        Shape { id: self.id.clone(), sealed: self.sealed }
    }

    /// Whether the head holds enough to seal a segment.
    pub fn is_full(&self) -> bool {
        self.entries.len() >= KEEP + SEGMENT as usize
    }

    /// Puts events in front, the oldest first. A head that is full gives what it holds, and none
    /// of the events, to segments, which must be written before the head is.
    pub fn append(
        mut self,
        events: impl IntoIterator<Item = Event<T>>,
    ) -> (Head<T>, Vec<Segment<T>>) {
        let mut segments = Vec::new();
        while self.is_full() {
            let entries = self.entries.split_off(self.entries.len() - SEGMENT as usize);
            segments.push(Segment::new(&self.id, entries));
            self.sealed += 1;
        }
        let next = self.next();
        let mut entries: Vec<Entry<T>> = events
            .into_iter()
            .zip(next..)
            .map(|(Event { run: Run { time, build }, what }, number)| Entry {
                number,
                time,
                build,
                what,
            })
            .collect();
        entries.reverse();
        entries.append(&mut self.entries);
        self.entries = entries;
        (self, segments)
    }
}

/// Events among those that stand, all oldest first: each comes before the first that is later than
/// it. What stands keeps its order.
fn merged<T>(standing: Vec<Event<T>>, mut events: Vec<Event<T>>) -> Vec<Event<T>> {
    events.sort_by(|a, b| a.run.time.cmp(&b.run.time));
    let mut events = events.into_iter().peekable();
    let mut all = Vec::new();
    for standing in standing {
        while let Some(event) = events.next_if(|event| event.run.time < standing.run.time) {
            all.push(event);
        }
        all.push(standing);
    }
    all.extend(events);
    all
}

fn read<R: DeserializeOwned>(bytes: &[u8]) -> anyhow::Result<R> {
    #[derive(Deserialize)]
    struct Format {
        format: String,
    }
    serde_json::from_slice(bytes).map_err(|e| match serde_json::from_slice::<Format>(bytes) {
        Ok(Format { format }) if format != FORMAT => newer(&format),
        _ => damaged(&format!("it is no history: {e}")),
    })
}

/// Checks that entries, newest first, go down to `oldest` without a gap.
fn sound<T>(format: &str, entries: &[Entry<T>], oldest: u64) -> anyhow::Result<()> {
    if format != FORMAT {
        return Err(newer(format));
    }
    let numbers = entries.iter().rev().map(|entry| entry.number);
    if numbers.zip(oldest..).any(|(number, expected)| number != expected) {
        return Err(damaged("its numbers have a gap or a repeat"));
    }
    Ok(())
}

fn newer(format: &str) -> anyhow::Error {
    fault(
        format!(
            "the history has the format `{}`, and this release reads `{FORMAT}`",
            shown(format)
        ),
        "use the release that wrote it, or a newer one",
    )
}

fn damaged(why: &str) -> anyhow::Error {
    fault(
        format!("the history is damaged: {why}"),
        "restore an older version of the object; or move it away, and the next put begins a new history (of sets, `s3-asset artifacts import`)",
    )
}

fn quoted(text: &str) -> anyhow::Result<String> {
    Ok(serde_json::to_string(text)?)
}

fn write<T: Serialize>(top: &str, entries: &[Entry<T>]) -> anyhow::Result<Vec<u8>> {
    let mut out = format!("{{{top},\"entries\":[").into_bytes();
    for (i, entry) in entries.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"\n" } else { b",\n" });
        serde_json::to_writer(&mut out, entry)?;
    }
    out.extend_from_slice(b"\n]}\n");
    Ok(out)
}

#[cfg(test)]
mod tests;
