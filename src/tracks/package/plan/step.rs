//! The steps of a plan, and how they are told.

use crate::history::Event;
use crate::machine::report::{count, size};
use crate::tracks::package::rules::{Change, Pointer};
use crate::words::digest::Sha256;
use crate::words::names::Tag;
use std::fmt;

/// A step, and why it is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// What is done.
    pub step: Step,
    /// Why.
    pub reason: String,
}

/// One write, or a few that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An empty history is written, which finds out whether the server obeys conditions.
    Begin(Of),
    /// The history of versions gets these entries, the oldest first.
    Enter(Vec<Event<Change>>),
    /// The blob is sent.
    Send {
        /// Which.
        sha256: Sha256,
        /// In bytes.
        size: u64,
        /// What it is written over.
        over: Over,
    },
    /// The version is recorded, create-only.
    Record(Number),
    /// A pointer is written over the one that was read, or deleted.
    Point {
        /// Whose.
        of: Of,
        /// Where to; none: it goes.
        to: Option<To>,
    },
    /// The history of a tag begins with where another tool put it.
    TakeOver(Tag, u64),
    /// A tag moves to a version, or is taken away.
    Move(Tag, Option<Number>),
    /// The record says that its version is being removed.
    Mark(u64),
    /// The record says so no longer.
    Unmark(u64),
    /// The history of a tag gets other bytes, so that a move that was decided before fails.
    Fence(Tag, String),
    /// A tombstone takes the place of the record.
    Bury(u64),
}

/// Whose history, or pointer, it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// That of versions; the pointer is `latest`.
    Versions,
    /// A tag's.
    Tag(Tag),
}

/// What a blob is written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Nothing may be there.
    Nothing,
    /// What is there is not its content.
    WrongBytes,
}

/// The number of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// This one.
    Is(u64),
    /// The time when it is recorded, in milliseconds.
    OfTime,
}

/// Where a pointer goes: to a version, as an entry of a history says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct To {
    /// The version.
    pub version: Number,
    /// The number of the entry; none: no history says it.
    pub entry: Option<u64>,
}

impl Step {
    /// Whether what follows depends on what this makes: all is gathered anew after it.
    pub(in crate::tracks::package) fn ends_a_round(&self) -> bool {
        matches!(self, Step::Begin(_) | Step::TakeOver(..) | Step::Mark(_) | Step::Unmark(_))
    }
}

impl From<Pointer> for To {
    fn from(pointer: Pointer) -> To {
        To { version: Number::Is(pointer.version), entry: pointer.tagged }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Is(version) => write!(f, "version {version}"),
            Number::OfTime => f.write_str("the version of that time"),
        }
    }
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Of::Versions => f.write_str(Tag::LATEST),
            Of::Tag(tag) => tag.fmt(f),
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Step::Begin(Of::Versions) => f.write_str("begin the history of versions"),
            Step::Begin(Of::Tag(tag)) => write!(f, "begin the history of {tag}"),
            Step::Enter(events) => match events.as_slice() {
                [Event { what: Change::Added { added, .. }, .. }] => {
                    write!(f, "enter version {added} in the history")
                }
                [Event { what: Change::Removed { removed, .. }, .. }] => {
                    write!(f, "enter in the history that version {removed} is removed")
                }
                several => {
                    write!(f, "enter {} in the history", count(several.len(), "version"))
                }
            },
            Step::Send { sha256, size: bytes, .. } => {
                write!(f, "send {} to the store as {sha256}", size(*bytes))
            }
            Step::Record(Number::Is(version)) => write!(f, "record version {version}"),
            Step::Record(Number::OfTime) => f.write_str("record a version of the time then"),
            Step::Point { of, to: Some(to) } => write!(f, "point {of} at {}", to.version),
            Step::Point { of, to: None } => write!(f, "delete the pointer of {of}"),
            Step::TakeOver(tag, version) => {
                write!(f, "begin the moves of {tag} with version {version}")
            }
            Step::Move(tag, Some(to)) => write!(f, "move {tag} to {to}"),
            Step::Move(tag, None) => write!(f, "take {tag} away"),
            Step::Mark(version) => write!(f, "mark version {version}"),
            Step::Unmark(version) => write!(f, "take the mark off version {version}"),
            Step::Fence(tag, _) => write!(f, "fence {tag}"),
            Step::Bury(version) => write!(f, "put a tombstone in place of version {version}"),
        }?;
        write!(f, ": {}", self.reason)
    }
}

/// A step at the end of those that are planned.
pub(super) fn push(steps: &mut Vec<Planned>, step: Step, reason: impl Into<String>) {
    steps.push(Planned { step, reason: reason.into() });
}
