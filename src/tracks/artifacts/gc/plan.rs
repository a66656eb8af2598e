//! What is kept and what is removed, each with its reason. Pure: the time comes in.

use crate::history::{Entry, Ranges};
use crate::tracks::artifacts::rules::Published;
use crate::words::names::{CodeHash, CommitId, Prefix};
use crate::words::retention::{self, Action, named, told, young};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What somebody wants to keep. A set is kept if any of these keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// This many of the newest.
    pub keep_last: Option<usize>,
    /// What was published within so many seconds.
    pub keep_within: Option<i64>,
    /// These.
    pub keep: BTreeSet<CommitId>,
    /// Those that have names in a checkout.
    pub tagged: BTreeMap<CommitId, String>,
    /// Whatever is younger than so many seconds is left alone.
    pub wait: i64,
}

/// What something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// The set of a commit, and its numbers in the history.
    Set(CommitId, Ranges),
    /// A set in the cache.
    Cache(CodeHash),
    /// What lies in a folder that no set stands in.
    Folder(Prefix),
    /// Keys in the folder of a set that it does not name.
    Unnamed(Vec<String>),
    /// An upload in parts that was not completed.
    Upload(String, String),
}

/// What becomes of a thing, and why.
pub type Fate = retention::Fate<Thing>;

/// What a folder holds, as a listing shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// The bytes of all objects.
    pub bytes: u64,
    /// When the newest of them, but for the manifest, was written.
    pub newest: Option<i64>,
    /// When the manifest, or the stone, was written.
    pub sealed: Option<i64>,
    /// Whether a put claimed it.
    pub is_claimed: bool,
    /// Whether there are files under plain keys.
    pub has_files: bool,
    /// Whether there are keys below `.sets/`.
    pub has_own: bool,
}

/// What stands where a manifest is looked for, as far as it had to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stands {
    /// A stone.
    Stone,
    /// A set; with the keys in the folder that it does not name, the newest of them, and their bytes.
    Set {
        /// Those keys.
        unnamed: Vec<String>,
        /// When the newest of them was written.
        newest: i64,
        /// Their bytes.
        bytes: u64,
    },
    /// A copy of the cache's manifest for this code, or something that cannot be read.
    Foreign(Option<CodeHash>),
}

/// All that the plan depends on.
#[derive(Debug, Default)]
pub struct Facts {
    /// Now, in seconds since 1970.
    pub now: i64,
    /// The entries that stand, newest first.
    pub entries: Vec<Entry<Published>>,
    /// How many stand that are newer than these.
    pub newer: usize,
    /// The folders of commits.
    pub sets: BTreeMap<CommitId, (Prefix, Contents)>,
    /// What stands in those of them that had to be looked at.
    pub stands: HashMap<CommitId, Stands>,
    /// The folders of the cache.
    pub caches: BTreeMap<CodeHash, (Prefix, Contents)>,
    /// Those of them in which a stone stands.
    pub stones: HashSet<CodeHash>,
    /// Uploads that are not complete: key, id, when they began.
    pub uploads: Vec<(String, String, i64)>,
}

impl Policy {
    /// Whether it keeps nothing.
    pub fn is_empty(&self) -> bool {
        let Policy { keep_last, keep_within, keep, tagged, wait: _ } = self;
        keep_last.is_none() && keep_within.is_none() && keep.is_empty() && tagged.is_empty()
    }

    /// Why an entry is kept, `newer` of the same or other commits being newer; none: it is not.
    pub fn keeps(&self, entry: &Entry<Published>, newer: usize, now: i64) -> Option<String> {
        let commit = &entry.what.commit;
        let Some(time) = entry.time.seconds() else {
            return Some("nobody can tell how old it is".to_owned());
        };
        let age = now.saturating_sub(time);
        if newer == 0 {
            return Some("the newest".to_owned());
        }
        if self.keep.contains(commit) {
            return Some("named to be kept".to_owned());
        }
        if let Some(tag) = self.tagged.get(commit) {
            return Some(format!("tagged {tag}"));
        }
        match (self.keep_last, self.keep_within) {
            (Some(last), _) if newer < last => Some(format!("one of the newest {last}")),
            (_, Some(within)) if age < within => Some(format!("published within {}", told(within))),
            _ if age < self.wait => Some(young(self.wait)),
            _ => None,
        }
    }
}

impl Facts {
    /// The plan, in the order in which it is told: sets, oldest first, the cache, what is left over.
    pub fn plan(&self, policy: &Policy) -> Vec<Fate> {
        let mut fates = self.of_sets(policy);
        let mut needed: HashMap<CodeHash, CommitId> = HashMap::new();
        let kept = fates.iter().filter(|fate| fate.action == Action::Keep);
        let kept: HashSet<CommitId> = kept.filter_map(Fate::commit).cloned().collect();
        for entry in self.entries.iter().filter(|entry| kept.contains(&entry.what.commit)) {
            if let Some(code_hash) = &entry.what.code_hash {
                needed.insert(code_hash.clone(), entry.what.commit.clone());
            }
        }
        for (commit, stands) in &self.stands {
            if let Stands::Foreign(Some(code_hash)) = stands {
                needed.insert(code_hash.clone(), commit.clone());
            }
        }
        fates.extend(self.of_caches(policy, &needed));
        fates.extend(self.of_folders(policy, &kept));
        fates.extend(self.of_uploads(policy));
        fates
    }

    fn of_sets(&self, policy: &Policy) -> Vec<Fate> {
        let mut fates: Vec<Fate> = Vec::new();
        let mut at: HashMap<&CommitId, usize> = HashMap::new();
        for (newer, entry) in self.entries.iter().enumerate() {
            let commit = &entry.what.commit;
            let number: Ranges = [entry.number].into_iter().collect();
            let kept = policy.keeps(entry, self.newer + newer, self.now);
            // One folder, one fate.
            if let Some(fate) = at.get(commit).and_then(|at| fates.get_mut(*at)) {
                if let Thing::Set(_, numbers) = &mut fate.thing {
                    *numbers = numbers.union(&number);
                }
                if let Some(why) = kept.filter(|_| fate.action == Action::Remove) {
                    (fate.action, fate.why) = (Action::Keep, why);
                }
                continue;
            }
            at.insert(commit, fates.len());
            fates.push(Fate {
                thing: Thing::Set(commit.clone(), number),
                action: if kept.is_some() { Action::Keep } else { Action::Remove },
                why: kept.unwrap_or_else(|| "nothing keeps it".to_owned()),
                time: entry.time.seconds(),
                bytes: self.sets.get(commit).map_or(0, |(_, contents)| contents.bytes),
            });
        }
        fates.reverse();
        fates
    }

    fn of_caches(&self, policy: &Policy, needed: &HashMap<CodeHash, CommitId>) -> Vec<Fate> {
        let mut fates = Vec::new();
        for (code_hash, (prefix, contents)) in &self.caches {
            let cache = || Thing::Cache(code_hash.clone());
            let folder = || Thing::Folder(prefix.clone());
            let (thing, action, why) = match contents.sealed {
                _ if self.stones.contains(code_hash) => match self.left_over(policy, contents) {
                    Some((action, why)) => (folder(), action, why),
                    None => continue,
                },
                Some(sealed) => match needed.get(code_hash) {
                    Some(commit) => (cache(), Action::Keep, format!("the code of {commit}")),
                    None if self.is_young(policy, Some(sealed)) => {
                        (cache(), Action::Keep, young(policy.wait))
                    }
                    None => {
                        (cache(), Action::Remove, "no set that is kept has its code".to_owned())
                    }
                },
                None if contents.is_claimed || contents.has_own => {
                    match self.left_over(policy, contents) {
                        Some((action, why)) => (folder(), action, why),
                        None => continue,
                    }
                }
                None if contents.has_files => {
                    (cache(), Action::Keep, "s3-asset-manager's, without a manifest".to_owned())
                }
                None => continue,
            };
            let time = contents.sealed.or(contents.newest);
            fates.push(Fate { thing, action, why, time, bytes: contents.bytes });
        }
        fates
    }

    /// Folders of commits that have no entry, and keys in the others that no manifest names.
    fn of_folders(&self, policy: &Policy, kept: &HashSet<CommitId>) -> Vec<Fate> {
        let entered: HashSet<&CommitId> = self.entries.iter().map(|it| &it.what.commit).collect();
        let mut fates = Vec::new();
        for (commit, (prefix, contents)) in &self.sets {
            let time = contents.sealed.or(contents.newest);
            let folder = |action, why: String| {
                let thing = Thing::Folder(prefix.clone());
                Fate { thing, action, why, time, bytes: contents.bytes }
            };
            match (self.stands.get(commit), contents.sealed) {
                (Some(Stands::Set { unnamed, newest, bytes }), _) if kept.contains(commit) => {
                    if !unnamed.is_empty() {
                        let is_young = self.is_young(policy, Some(*newest));
                        let (action, why) = match is_young {
                            true => (Action::Keep, young(policy.wait)),
                            false => {
                                (Action::Remove, format!("the set of {commit} does not name it"))
                            }
                        };
                        let thing = Thing::Unnamed(unnamed.clone());
                        let time = Some(*newest);
                        fates.push(Fate { thing, action, why, time, bytes: *bytes });
                    }
                }
                _ if entered.contains(commit) => {}
                (Some(Stands::Stone), _) => {
                    let fate = self.left_over(policy, contents);
                    fates.extend(fate.map(|(action, why)| folder(action, why)));
                }
                (_, Some(_)) => fates.push(folder(
                    Action::Keep,
                    "published, and not in the history: `artifacts import` enters it".to_owned(),
                )),
                (_, None) if contents.is_claimed || contents.has_own => {
                    let fate = self.left_over(policy, contents);
                    fates.extend(fate.map(|(action, why)| folder(action, why)));
                }
                (_, None) if contents.has_files => fates.push(folder(
                    Action::Keep,
                    "s3-asset-manager's, and not in the history: `artifacts import` enters it"
                        .to_owned(),
                )),
                (_, None) => {}
            }
        }
        fates
    }

    /// What becomes of what a put or a removal left in a folder; none: nothing is left.
    fn left_over(&self, policy: &Policy, contents: &Contents) -> Option<(Action, String)> {
        let newest = contents.newest?;
        Some(if self.is_young(policy, Some(newest)) {
            let why = format!("no set stands there, and it is {}", young(policy.wait));
            (Action::Keep, why)
        } else {
            (Action::Remove, "left by a put that did not end, or by a removal".to_owned())
        })
    }

    fn of_uploads(&self, policy: &Policy) -> Vec<Fate> {
        let fate = |(key, id, begun): &(String, String, i64)| {
            let (action, why) = match self.is_young(policy, Some(*begun)) {
                true => (Action::Keep, young(policy.wait)),
                false => (Action::Remove, "an upload that was not completed".to_owned()),
            };
            let thing = Thing::Upload(key.clone(), id.clone());
            Fate { thing, action, why, time: Some(*begun), bytes: 0 }
        };
        self.uploads.iter().map(fate).collect()
    }

    fn is_young(&self, policy: &Policy, time: Option<i64>) -> bool {
        time.is_none_or(|time| self.now.saturating_sub(time) < policy.wait)
    }
}

impl Fate {
    /// Whose set it is.
    pub fn commit(&self) -> Option<&CommitId> {
        match &self.thing {
            Thing::Set(commit, _) => Some(commit),
            _ => None,
        }
    }

    /// What kind of thing it is, in one word.
    pub fn kind(&self) -> &'static str {
        match self.thing {
            Thing::Set(..) => "set",
            Thing::Cache(_) => "cache",
            Thing::Folder(_) => "leftover",
            Thing::Unnamed(_) => "unnamed",
            Thing::Upload(..) => "upload",
        }
    }

    /// Its name.
    pub fn name(&self) -> String {
        match &self.thing {
            Thing::Set(commit, _) => commit.to_string(),
            Thing::Cache(code_hash) => code_hash.to_string(),
            Thing::Folder(prefix) => prefix.to_string(),
            Thing::Unnamed(keys) => named(keys),
            Thing::Upload(key, _) => key.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
