//! What a put, or a command that changes a package, does: facts in, a plan out.
//!
//! A plan names every step that is left, each with its reason; where none is, all is done. Whoever
//! carries one out gathers facts and plans anew afterwards, and where another writer was faster, until
//! no step is left. So whatever several writers do, and wherever one is killed, the last to look
//! leaves everything in order: a blob that `gc` set aside meanwhile, a record that the history lacks,
//! a pointer that shows what was.
//!
//! Each write depends on what was read: a record is create-only, a history and a pointer are written
//! over what the facts have of them and nothing else. Why that is enough: for versions see
//! [`super::rules`], for tags beside removals see `removing`.

mod adding;
mod removing;
mod step;
mod tagging;

pub(super) use adding::{entry_of, sending, worth_reading};
pub use step::{Number, Of, Over, Planned, Step, To};

use super::rules::{Change, Move, Pointer, Stood, VersionRecord, newest};
use super::source::Numbering;
use crate::history::{Event, Head};
use crate::machine::workspace::Hashed;
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::{PackageName, Tag};
use crate::words::object::{ObjectOptions, UserMetadata};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A file that is to be a version.
#[derive(Debug, Clone)]
pub struct Addition {
    /// Its bytes.
    pub file: Arc<Hashed>,
    /// Its mode, as `st_mode`.
    pub mode: u32,
    /// What the user says of the version.
    pub metadata: UserMetadata,
    /// What the blob's object carries.
    pub options: ObjectOptions,
}

/// What somebody wants of a package.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What becomes of its versions.
    pub act: Act,
    /// They go on the version that is added or named.
    pub tags: Vec<Tag>,
    /// They are taken away.
    pub untag: Vec<Tag>,
}

/// What becomes of a package's versions.
#[derive(Debug, Clone)]
pub enum Act {
    /// A file is added, unless it is the newest version, or a recent one of the same build, already.
    Add(Addition),
    /// Nothing: tags go on this one, or are only taken away.
    Tag(Option<u64>),
    /// One is made unavailable.
    Remove(u64),
    /// The history takes up what it lacks, and pointers follow it: `latest`, and those of the tags.
    Agree,
}

/// All that a plan depends on.
#[derive(Debug)]
pub(super) struct Facts {
    /// Which package.
    pub(super) name: PackageName,
    /// How new versions are numbered.
    pub(super) numbering: Numbering,
    /// What is wanted.
    pub(super) ask: Ask,
    /// Who wants it.
    pub(super) run: Run,
    /// The put's own, by which it knows its record and its moves again.
    pub(super) id: String,
    /// The versions.
    pub(super) versions: Versions,
    /// The blob of what is added.
    pub(super) blob: Blob,
    /// The tags that are wanted; of a removal, all that there are.
    pub(super) tags: BTreeMap<Tag, Tagged>,
    /// What this put did, and cannot see where it may only write.
    pub(super) done: Done,
}

/// What is known of a package's versions.
#[derive(Debug)]
pub(super) struct Versions {
    /// The head of their history, empty where nobody entered anything.
    pub(super) head: Head<Change>,
    /// The newest version of the history that stands, one to be removed left out.
    pub(super) standing: Option<u64>,
    /// What stands in the ledger and is not in the history, oldest first.
    pub(super) unknown: Vec<Event<Change>>,
    /// The pointer of `latest`.
    pub(super) latest: Pointed,
    /// The records that were looked at and are there.
    pub(super) records: BTreeMap<u64, Recorded>,
}

/// What stands under a record's key, with what its object carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The record, or what is left of it.
    pub stood: Stood,
    /// The user's metadata.
    pub metadata: UserMetadata,
}

/// What stands under a pointer's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pointed {
    /// Nothing, or the client may not look.
    Nothing,
    /// It cannot be read.
    Unreadable,
    /// A pointer.
    At(Pointer),
}

/// What is known of the blob of what is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Blob {
    /// It is not there, or the client may not look.
    Unseen,
    /// It is there with the right bytes.
    Whole,
    /// What is there is not its content; why.
    Wrong(String),
}

/// What is known of a tag.
#[derive(Debug)]
pub(super) struct Tagged {
    /// The head of its history, empty where nobody moved it.
    pub(super) head: Head<Move>,
    /// Whether the head is an object.
    pub(super) is_begun: bool,
    /// The last version that it was on, and the number of that move, where the head does not say.
    pub(super) last: Option<(u64, u64)>,
    /// Its pointer.
    pub(super) pointer: Pointed,
}

/// What a put did.
#[derive(Debug, Clone, Default)]
pub(super) struct Done {
    /// The histories that it began: nobody may have entered anything since.
    pub(super) begun: Vec<Of>,
    /// Whether it sent the blob.
    pub(super) sent: Sent,
    /// The number under which it last tried to record the version.
    pub(super) tried: Option<u64>,
    /// Whether the server said that it did.
    pub(super) recorded: Option<u64>,
    /// Whether it pointed `latest` at what it recorded.
    pub(super) pointed: bool,
    /// Whether it made a version unavailable.
    pub(super) buried: bool,
}

/// What became of a blob that was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Sent {
    /// It was not sent.
    #[default]
    No,
    /// It was written: `gc` leaves what is so young alone.
    Written,
    /// Something was there, which `gc` may take until a record names it.
    Refused,
    /// It was sent again when a record named it.
    Again,
}

/// What is there when no step is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The version that was added, or found to be there already.
    pub added: Option<Added>,
    /// The number of each tag's move.
    pub tags: Vec<(Tag, u64)>,
    /// The last version that each tag was on, with the number of that move; none: nobody set it.
    pub untagged: Vec<(Tag, Option<(u64, u64)>)>,
    /// Whether a version was made unavailable just now.
    pub removed: bool,
}

/// A version that an add made or found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its number.
    pub version: u64,
    /// Its record.
    pub record: VersionRecord,
    /// The user's metadata.
    pub metadata: UserMetadata,
    /// Whether this add made it.
    pub is_new: bool,
}

/// The steps that are left, and what is there when none is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In their order.
    pub steps: Vec<Planned>,
    /// None: there are steps left.
    pub outcome: Option<Outcome>,
}

/// The plan of what is left to do.
pub(super) fn plan(facts: &Facts) -> anyhow::Result<Plan> {
    let mut steps = Vec::new();
    let mut to = None;
    match &facts.ask.act {
        Act::Add(addition) => to = facts.add(addition, &mut steps)?,
        Act::Tag(version) => to = version.map(Number::Is),
        Act::Remove(version) => facts.remove(*version, &mut steps)?,
        Act::Agree => {
            facts.take_up(&mut steps);
            facts.follow_latest(None, &mut steps);
        }
    }
    for tag in &facts.ask.tags {
        match facts.ask.act {
            Act::Agree => facts.follow_tag(tag, &mut steps),
            _ => facts.move_tag(tag, to, &mut steps)?,
        }
    }
    for tag in &facts.ask.untag {
        facts.move_tag(tag, None, &mut steps)?;
    }
    let outcome = steps.is_empty().then(|| facts.outcome(to));
    Ok(Plan { steps, outcome })
}

impl Outcome {
    /// The version that was added, or that tags were put on.
    pub fn version(&self, ask: &Ask) -> Option<u64> {
        match (&ask.act, &self.added) {
            (_, Some(added)) => Some(added.version),
            (Act::Tag(version), None) => *version,
            (Act::Add(_) | Act::Remove(_) | Act::Agree, None) => None,
        }
    }
}

impl Addition {
    /// The record of this file as a version.
    pub(super) fn record(&self, run: &Run, id: &str) -> VersionRecord {
        VersionRecord::of_file(&self.file.facts, self.mode, run, id)
    }
}

impl Facts {
    fn outcome(&self, to: Option<Number>) -> Outcome {
        let added = match (&self.ask.act, to) {
            (Act::Add(addition), Some(Number::Is(version))) => self.added(addition, version),
            _ => None,
        };
        let number = |tag: &Tag| (tag.clone(), self.moved(tag, to).unwrap_or(0));
        let last = |tag: &Tag| (tag.clone(), self.tags.get(tag).and_then(Tagged::last_version));
        Outcome {
            added,
            tags: self.ask.tags.iter().map(number).collect(),
            untagged: self.ask.untag.iter().map(last).collect(),
            removed: self.done.buried,
        }
    }

    /// The version under a number, or why there is none.
    pub(super) fn record(&self, version: u64) -> anyhow::Result<&VersionRecord> {
        standing_record(&self.name, version, self.versions.records.get(&version))
    }
}

impl Versions {
    /// The number that the next version gets, after what the history lacks.
    pub(super) fn next(&self) -> u64 {
        let unknown = self.unknown.iter().map(|event| event.what.newest());
        unknown.fold(newest(&self.head), u64::max) + 1
    }
}

/// The version that a record says stands, or why it does not.
pub(super) fn standing_record<'a>(
    name: &PackageName,
    version: u64,
    recorded: Option<&'a Recorded>,
) -> anyhow::Result<&'a VersionRecord> {
    match recorded.map(|it| &it.stood) {
        Some(Stood::Version(record)) => Ok(record),
        Some(Stood::Removed(tombstone)) => Err(fault(
            format!("version {version} of {name} was removed at {}", tombstone.removed_at),
            "take another version",
        )),
        None => Err(fault(
            format!("{name} has no version {version}"),
            "`s3-asset package versions` lists them",
        )),
    }
}

#[cfg(test)]
mod tests;
