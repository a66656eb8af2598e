//! Where something is in a history: a position, and which parts hold what.

use super::ranges::Ranges;
use super::{Part, SEGMENT};
use std::fmt;
use std::ops::Range;

/// A place in a history: everything appended after it was read has at least this number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub(super) history: String,
    pub(super) next: u64,
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

/// Which history a head is of, how much of it is sealed, and which numbers do not stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub(super) id: String,
    pub(super) sealed: u64,
    /// Removals, and the entries that they removed.
    pub(super) gone: Ranges,
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

    /// Whether an entry of this history may have been appended since a position.
    pub fn is_since(&self, position: Option<&Position>, number: u64) -> bool {
        position.is_none_or(|it| it.history != self.id || it.next <= number)
    }

    /// Whether the entry of a number is neither removed nor a removal.
    pub fn stands(&self, number: u64) -> bool {
        !self.gone.contains(number)
    }

    /// The segments that hold the newest `count` entries below the head, of those that stand.
    pub fn segments_for(&self, count: usize) -> Range<u64> {
        let (mut first, mut found) = (self.sealed, 0);
        if self.gone.is_empty() {
            first = first.saturating_sub((count as u64).div_ceil(SEGMENT));
        }
        while first > 0 && found < count as u64 && !self.gone.is_empty() {
            first -= 1;
            found += self.standing_in(Part::Segment(first));
        }
        first..self.sealed
    }

    /// How many entries stand in a segment.
    pub fn standing_in_segment(&self, segment: u64) -> usize {
        usize::try_from(self.standing_in(Part::Segment(segment))).unwrap_or(usize::MAX)
    }

    /// The parts, newest first, that hold what stands in these segments.
    pub(super) fn parts(&self, segments: Range<u64>) -> Vec<Part> {
        let mut parts = Part::cover(segments);
        if !self.gone.is_empty() {
            parts.retain(|part| self.standing_in(*part) > 0);
        }
        parts
    }

    fn standing_in(&self, part: Part) -> u64 {
        let (oldest, count) = part.numbers();
        count - self.gone.count_in(oldest..=oldest + count - 1)
    }
}
