//! What is kept and what is removed, each with its reason. Pure: the time comes in.

use crate::history::Entry;
use crate::tracks::promotion::rules::Promoted;
use crate::tracks::promotion::rules::leaving::Leaving;
use crate::words::names::{Rank, ReleaseVersion};
use crate::words::retention::{self, Action, named, told, young};
use std::collections::{BTreeMap, BTreeSet};

/// What somebody wants to keep, beside what stands at a rank. A version is kept if any of these keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// At each rank, this many of those that stood there last, the one that stands among them.
    pub keep_last: Option<usize>,
    /// What stood at a rank within so many seconds.
    pub keep_within: Option<i64>,
    /// These.
    pub keep: BTreeSet<ReleaseVersion>,
    /// Whatever is younger than so many seconds is left alone.
    pub wait: i64,
}

/// What something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// A version, at whatever ranks it stood.
    Version(ReleaseVersion),
    /// What lies on the shelf of a version that is not in the archive.
    Left(ReleaseVersion),
    /// Keys on the shelf of a version that its record does not name.
    Unnamed(Vec<String>),
    /// An upload in parts that was not completed.
    Upload(String, String),
}

/// What becomes of a thing, and why.
pub type Fate = retention::Fate<Thing>;

/// A rank.
#[derive(Debug, Clone)]
pub struct AtRank {
    /// Which.
    pub rank: Rank,
    /// The entries that stand, newest first.
    pub entries: Vec<Entry<Promoted>>,
    /// What s3p put there, while there is no entry.
    pub s3p: Option<ReleaseVersion>,
    /// What its head says to be under way.
    pub leaving: Leaving,
}

/// An object on a shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    /// Its key.
    pub key: String,
    /// In bytes.
    pub bytes: u64,
    /// When it was written, seconds since 1970.
    pub time: i64,
}

/// What a listing shows of a version's shelf.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnShelf {
    /// What lies under the plain key.
    pub plain: Option<Lying>,
    /// The record, or a stone.
    pub record: Option<Lying>,
    /// The claim.
    pub claim: Option<Lying>,
    /// Whatever else lies beside.
    pub others: Vec<Lying>,
    /// What the record is, where that had to be read.
    pub stands: Option<Stands>,
}

/// What stands where a version's record is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stands {
    /// The version.
    Here,
    /// A stone of this generation.
    Stone(String),
    /// Something that is not this version's, and why.
    Foreign(String),
}

/// All that the plan depends on.
#[derive(Debug, Default, Clone)]
pub struct Facts {
    /// Now, in seconds since 1970.
    pub now: i64,
    /// The ranks, in order.
    pub ranks: Vec<AtRank>,
    /// The archive.
    pub shelves: BTreeMap<ReleaseVersion, OnShelf>,
    /// Uploads that are not complete: key, id, when they began.
    pub uploads: Vec<(String, String, i64)>,
}

/// How a version stood at a rank, by its newest entry there.
#[derive(Debug)]
struct Stood<'a> {
    rank: &'a Rank,
    /// How many other versions stood there since.
    place: usize,
    /// When another took its place; none: it stands, or nobody can tell.
    until: Option<i64>,
}

/// All that the ranks say of a version.
#[derive(Debug, Default)]
struct Known<'a> {
    stood: Vec<Stood<'a>>,
    /// The ranks whose first entry it is, which says what s3p had put there.
    after_s3p: Option<&'a Rank>,
    /// The keys that its entries name.
    keys: BTreeSet<&'a str>,
    oldest: Option<i64>,
    newest: Option<i64>,
    /// Whether some time cannot be read.
    is_timeless: bool,
}

impl Policy {
    /// Whether it keeps nothing but what stands.
    pub fn is_empty(&self) -> bool {
        let Policy { keep_last, keep_within, keep, wait: _ } = self;
        keep_last.is_none() && keep_within.is_none() && keep.is_empty()
    }

    /// Why a version is kept; none: it is not.
    fn keeps(&self, version: &ReleaseVersion, known: &Known<'_>, now: i64) -> Option<String> {
        if let Some(stood) = known.stood.iter().find(|stood| stood.place == 0) {
            return Some(format!("stands at {}", stood.rank));
        }
        if self.keep.contains(version) {
            return Some("named to be kept".to_owned());
        }
        for stood in &known.stood {
            if let Some(last) = self.keep_last.filter(|last| stood.place < *last) {
                return Some(format!("one of the last {last} at {}", stood.rank));
            }
        }
        let within = |until: i64, age: i64| now.saturating_sub(until) < age;
        for stood in &known.stood {
            match (stood.until, self.keep_within) {
                (None, _) => return Some("nobody can tell how old it is".to_owned()),
                (Some(until), Some(age)) if within(until, age) => {
                    return Some(format!("stood at {} within {}", stood.rank, told(age)));
                }
                _ => {}
            }
        }
        if known.is_timeless {
            return Some("nobody can tell how old it is".to_owned());
        }
        let newest = known.newest.into_iter().chain(known.stood.iter().filter_map(|it| it.until));
        if newest.max().is_some_and(|newest| within(newest, self.wait)) {
            return Some(format!("changed within {}", told(self.wait)));
        }
        known.after_s3p.map(|rank| format!("its entry says what s3p had put at {rank}"))
    }
}

impl OnShelf {
    /// Everything on it.
    pub fn all(&self) -> impl Iterator<Item = &Lying> {
        self.plain.iter().chain(&self.record).chain(&self.claim).chain(&self.others)
    }

    fn bytes(&self) -> u64 {
        self.all().map(|it| it.bytes).sum()
    }

    fn newest(&self) -> Option<i64> {
        self.all().map(|it| it.time).max()
    }
}

impl Facts {
    /// Whether the first rank's head says that a version is removed, whatever anybody wants to keep.
    pub fn is_decided(&self, version: &ReleaseVersion) -> bool {
        self.ranks.first().is_some_and(|rank| rank.leaving.is_decided(version))
    }

    /// The versions that some rank's head names.
    pub fn leaving(&self) -> BTreeSet<ReleaseVersion> {
        self.ranks.iter().flat_map(|rank| rank.leaving.versions().cloned()).collect()
    }

    /// The plan, in the order in which it is told: versions, oldest first, then what is left over.
    pub fn plan(&self, policy: &Policy) -> Vec<Fate> {
        let known = self.known();
        let mut fates = self.of_versions(policy, &known);
        fates.sort_by_key(|fate| fate.time);
        let removed = fates.iter().filter(|fate| fate.is_removed());
        let removed = removed.filter_map(Fate::version).cloned().collect();
        fates.extend(self.of_shelves(policy, &known, &removed));
        let fate = |(key, id, begun): &(String, String, i64)| {
            let (action, why) = match self.is_young(policy, Some(*begun)) {
                true => (Action::Keep, young(policy.wait)),
                false => (Action::Remove, "an upload that was not completed".to_owned()),
            };
            let thing = Thing::Upload(key.clone(), id.clone());
            Fate { thing, action, why, time: Some(*begun), bytes: 0 }
        };
        fates.extend(self.uploads.iter().map(fate));
        fates
    }

    /// What the ranks say of each version.
    fn known(&self) -> BTreeMap<&ReleaseVersion, Known<'_>> {
        let mut all: BTreeMap<&ReleaseVersion, Known<'_>> = BTreeMap::new();
        for AtRank { rank, entries, s3p, .. } in &self.ranks {
            if let Some(version) = s3p {
                let stood = Stood { rank, place: 0, until: None };
                all.entry(version).or_default().stood.push(stood);
            }
            let mut seen = BTreeSet::new();
            let mut until = None;
            for entry in entries {
                let version = &entry.what.release.version;
                let known = all.entry(version).or_default();
                let time = entry.time.seconds();
                if seen.insert(version) {
                    known.stood.push(Stood { rank, place: seen.len() - 1, until });
                }
                if entry.what.after_s3p.is_some() {
                    known.after_s3p = Some(rank);
                }
                known.keys.insert(entry.what.release.key.as_str());
                known.oldest = known.oldest.into_iter().chain(time).min();
                known.newest = known.newest.max(time);
                known.is_timeless |= time.is_none();
                until = time;
            }
        }
        all
    }

    fn of_versions(
        &self,
        policy: &Policy,
        known: &BTreeMap<&ReleaseVersion, Known<'_>>,
    ) -> Vec<Fate> {
        let decided = self.leaving().into_iter().filter(|version| self.is_decided(version));
        let mut fates = Vec::new();
        for version in decided {
            let bytes = self.shelves.get(&version).map_or(0, OnShelf::bytes);
            let time = known.get(&version).and_then(|known| known.oldest);
            let why = "a removal was begun".to_owned();
            fates.push(Fate {
                thing: Thing::Version(version),
                action: Action::Remove,
                why,
                time,
                bytes,
            });
        }
        for (version, known) in known {
            if self.is_decided(version) {
                continue;
            }
            let shelf = self.shelves.get(*version);
            let written = shelf.and_then(|shelf| shelf.record.as_ref()).map(|it| it.time);
            let kept = policy.keeps(version, known, self.now).or_else(|| {
                let is_young = written.is_some_and(|time| self.is_young(policy, Some(time)));
                is_young.then(|| young(policy.wait))
            });
            fates.push(Fate {
                thing: Thing::Version((*version).clone()),
                action: if kept.is_some() { Action::Keep } else { Action::Remove },
                why: kept.unwrap_or_else(|| "nothing keeps it".to_owned()),
                time: known.oldest,
                bytes: shelf.map_or(0, OnShelf::bytes),
            });
        }
        fates
    }

    /// What lies on shelves beside what a version's record names.
    fn of_shelves(
        &self,
        policy: &Policy,
        known: &BTreeMap<&ReleaseVersion, Known<'_>>,
        removed: &BTreeSet<ReleaseVersion>,
    ) -> Vec<Fate> {
        let mut fates = Vec::new();
        for (version, shelf) in &self.shelves {
            // What is removed takes its whole shelf with it.
            if removed.contains(version) {
                continue;
            }
            if let Some(known) = known.get(version) {
                fates.extend(self.unnamed(policy, version, shelf, known));
                continue;
            }
            let is_young = self.is_young(policy, shelf.newest());
            let left = || Thing::Left(version.clone());
            let (thing, action, why) = match (&shelf.stands, is_young) {
                // A stone, or a record without bytes: there is nothing to be had.
                (None, _) if shelf.record.is_some() => continue,
                (Some(Stands::Foreign(why)), _) => (left(), Action::Keep, why.clone()),
                (Some(Stands::Here), _) if policy.keep.contains(version) => {
                    (Thing::Version(version.clone()), Action::Keep, "named to be kept".to_owned())
                }
                (_, true) => (left(), Action::Keep, young(policy.wait)),
                (Some(Stands::Here), false) => {
                    let why = "in the archive, and at no rank: its put did not end".to_owned();
                    (Thing::Version(version.clone()), Action::Remove, why)
                }
                (Some(Stands::Stone(_)) | None, false) => {
                    let why = "left by a put that did not end, or by a removal".to_owned();
                    (left(), Action::Remove, why)
                }
            };
            fates.push(Fate { thing, action, why, time: shelf.newest(), bytes: shelf.bytes() });
        }
        fates
    }

    fn unnamed(
        &self,
        policy: &Policy,
        version: &ReleaseVersion,
        shelf: &OnShelf,
        known: &Known<'_>,
    ) -> Option<Fate> {
        // Without a record, as of s3p's, an upload that is slow may still name them in one.
        shelf.record.as_ref()?;
        let unnamed: Vec<&Lying> =
            shelf.others.iter().filter(|it| !known.keys.contains(it.key.as_str())).collect();
        let newest = unnamed.iter().map(|it| it.time).max()?;
        let (action, why) = match self.is_young(policy, Some(newest)) {
            true => (Action::Keep, young(policy.wait)),
            false => (Action::Remove, format!("version {version} has other bytes")),
        };
        let bytes = unnamed.iter().map(|it| it.bytes).sum();
        let thing = Thing::Unnamed(unnamed.into_iter().map(|it| it.key.clone()).collect());
        Some(Fate { thing, action, why, time: Some(newest), bytes })
    }

    fn is_young(&self, policy: &Policy, time: Option<i64>) -> bool {
        time.is_none_or(|time| self.now.saturating_sub(time) < policy.wait)
    }
}

impl Fate {
    /// The version that it is.
    pub fn version(&self) -> Option<&ReleaseVersion> {
        match &self.thing {
            Thing::Version(version) => Some(version),
            _ => None,
        }
    }

    /// What kind of thing it is, in one word.
    pub fn kind(&self) -> &'static str {
        match self.thing {
            Thing::Version(_) => "version",
            Thing::Left(_) => "leftover",
            Thing::Unnamed(_) => "unnamed",
            Thing::Upload(..) => "upload",
        }
    }

    /// Its name.
    pub fn name(&self) -> String {
        match &self.thing {
            Thing::Version(version) | Thing::Left(version) => version.to_string(),
            Thing::Unnamed(keys) => named(keys),
            Thing::Upload(key, _) => key.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
