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
//! - the head holds every number above `sealed * SEGMENT`, and the newest entry that stands, unless
//!   that was removed. A segment, and the volume that it
//!   completes, are written before the head that no longer holds its entries, so a reader of any
//!   head finds every entry in the place that its number says;
//! - a segment's content is decided by heads that were current, so two writers that seal the same
//!   segment write the same entries: creating it is idempotent. So what is appended goes into the
//!   head, however much it is, and the *next* write seals it;
//! - a removal is a line like an entry: it has a number, says who and when, and is sealed. The head
//!   also says which numbers do not stand, removals among them, and every reader passes those by:
//!   so what is sealed need not change, and a check needs nothing beside the head to know;
//! - a removed number never stands again: what is published again gets a new one;
//! - beside it lie pages of an `index`, which anybody can make anew from it;
//! - a history has an id, part of its segments' keys and of every [`Position`]: a history that was
//!   lost and begun anew never meets the segments or positions of the old one.

mod index;
mod line;
mod peek;
mod place;
mod ranges;
mod removal;
mod sealed;
pub mod stored;

pub use line::Removal;
pub use peek::Peek;
pub use place::{Position, Shape};
pub use ranges::Ranges;
pub use removal::MOST_PIECES;
pub use sealed::{Part, Segment};

use line::{Line, LineOf};

use crate::words::build::{Build, Run};
use crate::words::fault::fault;
use crate::words::names::{refusal, shown};
use crate::words::time::Utc;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// How many entries a segment holds.
pub const SEGMENT: u64 = 64;
/// How many segments a volume holds.
pub const VOLUME: u64 = 64;
/// How many entries stay in the head when a segment is sealed, so that a check that is a few
/// versions behind reads the head alone.
pub const KEEP: usize = 32;

/// More segments than any history has: all that is reckoned with numbers below fits.
const MOST: u64 = 1 << 32;

const FORMAT: &str = "s3-asset-history/1";
/// Of a history that has removals: a release that knows none would show what is gone.
const FORMAT_WITH_REMOVALS: &str = "s3-asset-history/2";

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

/// The head of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head<T> {
    id: String,
    /// How many segments are sealed.
    sealed: u64,
    /// What a writer left to make writes fail that were decided before it.
    fence: Option<String>,
    /// What stands, newest first.
    entries: Vec<Entry<T>>,
    /// Removals, and what they removed, newest first.
    gone: Vec<Line<T>>,
    /// The numbers of removals, and of entries of which nothing is left.
    removed: Ranges,
    /// The numbers of entries that do not stand any more, of which something may be left.
    removing: Ranges,
}

/// A head as it is written.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
struct Written<T> {
    format: String,
    id: String,
    sealed: u64,
    #[serde(default)]
    fence: Option<String>,
    #[serde(default)]
    removed: String,
    #[serde(default)]
    removing: String,
    entries: Vec<Line<T>>,
}

impl<T: Serialize + DeserializeOwned> Head<T> {
    /// An empty history with an id of its own.
    pub fn new(id: impl Into<String>) -> Head<T> {
        Head {
            id: id.into(),
            sealed: 0,
            fence: None,
            entries: Vec::new(),
            gone: Vec::new(),
            removed: Ranges::default(),
            removing: Ranges::default(),
        }
    }

    /// Reads a head, and refuses one whose numbers do not add up.
    pub fn parse(bytes: &[u8]) -> anyhow::Result<Head<T>> {
        let Written { format, id, sealed, fence, removed, removing, entries } = read(bytes)?;
        if sealed > MOST {
            return Err(damaged("it has more segments than there can be"));
        }
        sound(&format, entries.iter(), sealed * SEGMENT + 1)?;
        let ranges = |text: &str| {
            Ranges::parse(text).ok_or_else(|| damaged("what it says to be removed cannot be read"))
        };
        let (removed, removing) = (ranges(&removed)?, ranges(&removing)?);
        let mut head = Head { id, sealed, fence, removed, removing, ..Head::new("") };
        let is_removed = |line: &Line<T>| match line {
            Line::Entry(entry) => {
                head.removed.contains(entry.number) || head.removing.contains(entry.number)
            }
            Line::Removal(_) => true,
        };
        let (gone, standing): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_removed);
        head.entries = standing.into_iter().filter_map(Line::into_entry).collect();
        head.gone = gone;
        head.removals_are_sound()?;
        Ok(head)
    }

    fn removals_are_sound(&self) -> anyhow::Result<()> {
        let last = self.removed.last().max(self.removing.last());
        let of_removals = self.gone.iter().filter_map(Line::removal);
        if !self.removed.common(&self.removing).is_empty()
            || last.is_some_and(|last| last >= self.next())
            || !of_removals.map(|it| it.number).all(|number| self.removed.contains(number))
        {
            return Err(damaged("what it says to be removed does not agree with its entries"));
        }
        Ok(())
    }

    /// JSON, an entry a line, for a reader in the S3 console.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        let is_plain = self.removed.is_empty() && self.removing.is_empty();
        let format = if is_plain { FORMAT } else { FORMAT_WITH_REMOVALS };
        let mut top = format!(
            "\"format\":\"{format}\",\"id\":{},\"sealed\":{}",
            quoted(&self.id)?,
            self.sealed
        );
        if let Some(fence) = &self.fence {
            top += &format!(",\"fence\":{}", quoted(fence)?);
        }
        for (name, ranges) in [("removed", &self.removed), ("removing", &self.removing)] {
            if !ranges.is_empty() {
                top += &format!(",\"{name}\":\"{ranges}\"");
            }
        }
        write(&top, self.lines())
    }

    /// All that the head holds, newest first.
    fn lines(&self) -> impl Iterator<Item = LineOf<'_, T>> {
        let (mut standing, mut gone) =
            (self.entries.iter().peekable(), self.gone.iter().peekable());
        std::iter::from_fn(move || {
            let is_gone = match (standing.peek(), gone.peek()) {
                (Some(entry), Some(line)) => line.number() > entry.number,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            if is_gone { gone.next().map(LineOf::Line) } else { standing.next().map(LineOf::Entry) }
        })
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

    /// The entries that stand and that the head itself holds, newest first.
    pub fn entries(&self) -> &[Entry<T>] {
        &self.entries
    }

    fn into_entries(self) -> Vec<Entry<T>> {
        self.entries
    }

    /// The number that the next entry gets.
    pub fn next(&self) -> u64 {
        self.sealed * SEGMENT + self.len() as u64 + 1
    }

    fn len(&self) -> usize {
        self.entries.len() + self.gone.len()
    }

    /// Where the history stands now.
    pub fn position(&self) -> Position {
        Position { history: self.id.clone(), next: self.next() }
    }

    /// Which history this is, how much of it is sealed, and what does not stand.
    pub fn shape(&self) -> Shape {
        let gone = self.removed.union(&self.removing);
        Shape { id: self.id.clone(), sealed: self.sealed, gone }
    }

    /// Whether the head holds enough to seal a segment. It never gives the newest entry that stands,
    /// however many removals came after it: so a reader of what stands needs the head alone.
    pub fn is_full(&self) -> bool {
        let last = (self.sealed + 1) * SEGMENT;
        self.len() >= KEEP + SEGMENT as usize
            && self.entries.first().is_none_or(|newest| newest.number > last)
    }

    /// Puts events in front, the oldest first. A head that is full gives what it holds, and none
    /// of the events, to segments, which must be written before the head is.
    pub fn append(
        mut self,
        events: impl IntoIterator<Item = Event<T>>,
    ) -> (Head<T>, Vec<Segment<T>>) {
        let segments = self.sealed_off();
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

    /// Takes what a full head holds too much.
    fn sealed_off(&mut self) -> Vec<Segment<T>> {
        let mut segments = Vec::new();
        while self.is_full() {
            let last = (self.sealed + 1) * SEGMENT;
            let standing = self.entries.partition_point(|entry| entry.number > last);
            let gone = self.gone.partition_point(|line| line.number() > last);
            let mut lines: Vec<Line<T>> =
                self.entries.split_off(standing).into_iter().map(Line::Entry).collect();
            if gone < self.gone.len() {
                lines.extend(self.gone.split_off(gone));
                lines.sort_unstable_by_key(|line| std::cmp::Reverse(line.number()));
            }
            segments.push(Segment::new(&self.id, lines));
            self.sealed += 1;
        }
        segments
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
        Ok(Format { format }) if !is_known(&format) => newer(&format),
        _ => damaged(&format!("it is no history: {}", refusal(e))),
    })
}

/// Checks that lines, newest first, go down to `oldest` without a gap.
fn sound<'l, T: 'l>(
    format: &str,
    lines: impl DoubleEndedIterator<Item = &'l Line<T>>,
    oldest: u64,
) -> anyhow::Result<()> {
    if !is_known(format) {
        return Err(newer(format));
    }
    let numbers = lines.rev().map(Line::number);
    if numbers.zip(oldest..).any(|(number, expected)| number != expected) {
        return Err(damaged("its numbers have a gap or a repeat"));
    }
    Ok(())
}

fn is_known(format: &str) -> bool {
    [FORMAT, FORMAT_WITH_REMOVALS].contains(&format)
}

/// What lines are written as: releases from before removals refuse them by name.
fn format_of<T>(lines: &[Line<T>]) -> &'static str {
    let has_removal = lines.iter().any(|line| line.removal().is_some());
    if has_removal { FORMAT_WITH_REMOVALS } else { FORMAT }
}

fn newer(format: &str) -> anyhow::Error {
    fault(
        format!(
            "the history has the format `{}`, and this release reads `{FORMAT_WITH_REMOVALS}`",
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

fn write(top: &str, lines: impl Iterator<Item = impl Serialize>) -> anyhow::Result<Vec<u8>> {
    let mut out = format!("{{{top},\"entries\":[").into_bytes();
    for (i, line) in lines.enumerate() {
        out.extend_from_slice(if i == 0 { b"\n" } else { b",\n" });
        serde_json::to_writer(&mut out, &line)?;
    }
    out.extend_from_slice(b"\n]}\n");
    Ok(out)
}

#[cfg(test)]
mod tests;
