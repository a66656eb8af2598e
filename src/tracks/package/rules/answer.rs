//! What a check answers, from what it reads newest first.

use super::{Change, Given, Move, Wanted};
use crate::input::protocol::Version;
use crate::words::names::Tag;
use std::collections::HashSet;

/// A check's answer for every version, in the making: it takes what happened, newest first, until
/// it has enough.
#[derive(Debug)]
pub struct VersionAnswer {
    given: Option<u64>,
    /// How many versions the very first check wants.
    initial: usize,
    removed: HashSet<u64>,
    newest_first: Vec<u64>,
    /// Whether the given version has come by, and was not removed.
    known: bool,
}

impl VersionAnswer {
    /// An answer that has seen nothing yet.
    pub fn new(given: Given, initial: usize) -> VersionAnswer {
        let removed = match given {
            Given::Gone(version) => HashSet::from([version]),
            Given::Nothing | Given::Stands(_) => HashSet::new(),
        };
        VersionAnswer {
            given: given.number(),
            initial,
            removed,
            newest_first: Vec::new(),
            known: false,
        }
    }

    /// Takes the next older change; true: no older one is needed.
    pub fn take(&mut self, change: &Change) -> bool {
        match change {
            Change::Removed { removed, .. } => {
                self.removed.insert(*removed);
                false
            }
            Change::Added { added, .. } => self.version(*added),
        }
    }

    /// Takes the next older version; true: no older one is needed.
    pub fn version(&mut self, version: u64) -> bool {
        let stands = !self.removed.contains(&version);
        let Some(given) = self.given else {
            self.newest_first.extend(stands.then_some(version));
            return self.newest_first.len() >= self.initial;
        };
        // Numbers only grow: below the given one, it does not come any more.
        if stands && (version >= given || self.newest_first.is_empty()) {
            self.newest_first.push(version);
        }
        self.known |= stands && version == given;
        version <= given && !self.newest_first.is_empty()
            || self.removed.contains(&given) && !self.newest_first.is_empty()
    }

    /// Takes versions, oldest first, that are newer than all others.
    pub fn newer(&mut self, versions: impl DoubleEndedIterator<Item = u64>) {
        let stand = versions.rev().filter(|version| !self.removed.contains(version));
        let newer: Vec<u64> = stand.collect();
        self.known |= self.given.is_some_and(|given| newer.contains(&given));
        let first = self.given.map_or(0, |given| if newer.contains(&given) { given } else { 0 });
        self.newest_first.retain(|version| *version >= first);
        self.newest_first.splice(0..0, newer.into_iter().filter(|version| *version >= first));
        if self.given.is_none() {
            self.newest_first.truncate(self.initial);
        }
    }

    /// How many more the very first check wants.
    pub fn wants(&self) -> usize {
        self.initial.saturating_sub(self.newest_first.len())
    }

    /// Whether older versions than those that came by are missing, if there are any.
    pub fn is_short(&self) -> bool {
        match self.given {
            None => self.newest_first.len() < self.initial,
            Some(_) => self.newest_first.is_empty(),
        }
    }

    /// The versions, oldest first: from the given one on, or, where it did not come by, the newest.
    pub fn finish(mut self) -> Vec<Version> {
        if self.given.is_some() && !self.known {
            self.newest_first.truncate(1);
        }
        let version = |version| Wanted { version, tagged: None }.version();
        self.newest_first.into_iter().rev().map(version).collect()
    }
}

/// The same for a tag: every move of it is a version, except those that took it away.
#[derive(Debug)]
pub struct TagAnswer {
    tag: Tag,
    /// The number of the given move.
    given: Option<u64>,
    initial: usize,
    newest_first: Vec<Wanted>,
    known: bool,
    begun: bool,
}

impl TagAnswer {
    /// An answer that has seen nothing yet.
    pub fn new(tag: &Tag, given: Option<u64>, initial: usize) -> TagAnswer {
        let tag = tag.clone();
        TagAnswer { tag, given, initial, newest_first: Vec::new(), known: false, begun: false }
    }

    /// Takes the next older move and its number; true: no older one is needed.
    pub fn take(&mut self, number: u64, to: &Move) -> bool {
        let is_newest = !std::mem::replace(&mut self.begun, true);
        if let Some(version) = to.version.filter(|_| is_newest || self.given <= Some(number)) {
            let tagged = Some((self.tag.clone(), number));
            self.newest_first.push(Wanted { version, tagged });
        }
        match self.given {
            Some(given) => {
                self.known |= number == given && to.version.is_some();
                number <= given
            }
            // Where nothing has the tag now, it is of no interest what had it before.
            None => is_newest && to.version.is_none() || self.newest_first.len() >= self.initial,
        }
    }

    /// How many more the very first check wants.
    pub fn wants(&self) -> usize {
        self.initial.saturating_sub(self.newest_first.len())
    }

    /// The versions, oldest first.
    pub fn finish(mut self) -> Vec<Version> {
        if self.given.is_some() && !self.known {
            self.newest_first.truncate(1);
        }
        self.newest_first.iter().rev().map(Wanted::version).collect()
    }
}
