//! What a head has given away: segments, and the volumes that gather them.

use super::line::Line;
use super::{SEGMENT, VOLUME, damaged, format_of, quoted, read, sound, write};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::ops::Range;

/// A volume is read when at least this many of its segments are wanted.
const WORTHWHILE: u64 = 8;

/// A sealed part of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Segment `k`, counted from 0.
    Segment(u64),
    /// Volume `v`, counted from 0: the segments `v * VOLUME .. (v + 1) * VOLUME`.
    Volume(u64),
}

impl Part {
    /// The parts, newest first, that hold the entries of these segments.
    pub fn cover(segments: Range<u64>) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut end = segments.end;
        while end > segments.start {
            let wanted = end - segments.start;
            if end.is_multiple_of(VOLUME) && wanted >= WORTHWHILE {
                parts.push(Part::Volume(end / VOLUME - 1));
                end -= wanted.min(VOLUME);
            } else {
                end -= 1;
                parts.push(Part::Segment(end));
            }
        }
        parts
    }

    /// The segments that a volume gathers.
    pub fn gathered(volume: u64) -> Range<u64> {
        volume * VOLUME..(volume + 1) * VOLUME
    }

    /// The volume that this part completes, if it is the last segment of one.
    pub fn completes(self) -> Option<u64> {
        match self {
            Part::Segment(index) if (index + 1).is_multiple_of(VOLUME) => Some(index / VOLUME),
            _ => None,
        }
    }

    /// The end of its key.
    pub fn name(self) -> String {
        match self {
            Part::Segment(index) => format!("{index:08}.json"),
            Part::Volume(index) => format!("volumes/{index:06}.json"),
        }
    }

    /// The number of its oldest entry, and how many it holds.
    pub(super) fn numbers(self) -> (u64, u64) {
        match self {
            Part::Segment(index) => (index * SEGMENT + 1, SEGMENT),
            Part::Volume(index) => (index * SEGMENT * VOLUME + 1, SEGMENT * VOLUME),
        }
    }
}

/// Older entries that never change again: a segment or a volume.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
pub struct Segment<T> {
    format: String,
    id: String,
    /// Newest first.
    #[serde(rename = "entries")]
    pub(super) lines: Vec<Line<T>>,
}

impl<T: Serialize + DeserializeOwned> Segment<T> {
    /// Lines of the history `id`, newest first.
    pub(super) fn new(id: &str, lines: Vec<Line<T>>) -> Segment<T> {
        Segment { format: format_of(&lines).to_owned(), id: id.to_owned(), lines }
    }

    /// The volume of these segments, the oldest first.
    pub fn gathering(id: &str, segments: Vec<Segment<T>>) -> Segment<T> {
        Segment::new(id, segments.into_iter().rev().flat_map(|it| it.lines).collect())
    }

    /// Reads a part of the history `id`, and refuses another one.
    pub fn parse(bytes: &[u8], id: &str, part: Part) -> anyhow::Result<Segment<T>> {
        let segment: Segment<T> = read(bytes)?;
        let (first, count) = part.numbers();
        sound(&segment.format, segment.lines.iter(), first)?;
        if segment.id != id || segment.lines.len() as u64 != count {
            return Err(damaged("a part of it is not the one that its key says"));
        }
        Ok(segment)
    }

    /// JSON, an entry a line.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        let top = format!("\"format\":\"{}\",\"id\":{}", self.format, quoted(&self.id)?);
        write(&top, self.lines.iter())
    }

    /// Which part it is.
    pub fn part(&self) -> Part {
        let oldest = self.lines.last().map_or(1, Line::number);
        match self.lines.len() as u64 {
            SEGMENT => Part::Segment((oldest - 1) / SEGMENT),
            _ => Part::Volume((oldest - 1) / (SEGMENT * VOLUME)),
        }
    }
}
