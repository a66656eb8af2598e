//! Which versions are being removed: the fence of each rank's head says so.
//!
//! A put at a rank decides by the rank's head, and its entry goes into that very head or nowhere. So
//! a version that is named in the heads of all ranks gets no entry any more: who read a head before
//! is refused by it, and who reads it then finds the name.
//!
//! Invariants:
//! - the first rank's head numbers removals, and never gives a number twice. A name has the number of
//!   the newest removal that put it there; at the first rank that one has the version, and no other
//!   may decide anything of it;
//! - a removal takes away, at later ranks, only names of its own number or of older removals, which do
//!   not have the version any more;
//! - each fence has an id of its own: a head whose names are gone again is not, byte for byte, the one
//!   from before they came, and who read that is refused as well.

use crate::words::fault::fault;
use crate::words::names::{ReleaseVersion, refusal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const BEGIN: &str = "removing releases: ";

/// What a fence says, as it is written.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Fence {
    /// That no other fence has.
    id: String,
    /// The number of the newest removal; of the first rank's only.
    #[serde(default)]
    removals: u64,
    versions: BTreeMap<ReleaseVersion, Name>,
}

/// The versions that are being removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaving {
    removals: u64,
    versions: BTreeMap<ReleaseVersion, Name>,
}

/// Why a version is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Name {
    /// The number of the removal.
    by: u64,
    /// Whether nobody can take that back any more. Only the first rank's head says it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    decided: bool,
}

impl Leaving {
    /// What a fence says; any other text says nothing.
    pub fn of(fence: Option<&str>) -> anyhow::Result<Leaving> {
        let Some(names) = fence.and_then(|text| text.strip_prefix(BEGIN)) else {
            return Ok(Leaving::default());
        };
        let fence = serde_json::from_str(names)
            .map(|Fence { removals, versions, .. }| Leaving { removals, versions });
        fence.map_err(|e| {
            fault(
                format!("which releases are being removed cannot be read: {}", refusal(e)),
                "use the release that removes them, or a newer one",
            )
        })
    }

    /// A fence that says it; `id` is one that no other has.
    pub fn fence(&self, id: String) -> anyhow::Result<String> {
        let Leaving { removals, versions } = self.clone();
        let fence = Fence { id, removals, versions };
        Ok(format!("{BEGIN}{}", serde_json::to_string(&fence)?))
    }

    /// Whether it is being removed.
    pub fn has(&self, version: &ReleaseVersion) -> bool {
        self.versions.contains_key(version)
    }

    /// Whether nobody can take that back any more.
    pub fn is_decided(&self, version: &ReleaseVersion) -> bool {
        self.versions.get(version).is_some_and(|name| name.decided)
    }

    /// Whether it is a certain removal that has it: at the first rank.
    pub fn is_by(&self, version: &ReleaseVersion, by: u64) -> bool {
        self.versions.get(version).is_some_and(|name| name.by == by)
    }

    /// At the first rank: another removal, whose number is answered, has these versions from now on.
    pub fn begin<'v>(&mut self, versions: impl IntoIterator<Item = &'v ReleaseVersion>) -> u64 {
        self.removals += 1;
        self.name(versions, self.removals);
        self.removals
    }

    /// They are being removed, by this removal unless a newer one has named them.
    pub fn name<'v>(&mut self, versions: impl IntoIterator<Item = &'v ReleaseVersion>, by: u64) {
        for version in versions {
            let name = self.versions.entry(version.clone()).or_insert(Name { by, decided: false });
            name.by = name.by.max(by);
        }
    }

    /// Nobody can take it back any more.
    pub fn decide(&mut self, version: &ReleaseVersion) {
        if let Some(name) = self.versions.get_mut(version) {
            name.decided = true;
        }
    }

    /// It is not being removed by this one any more, unless that is decided.
    pub fn give_up(&mut self, version: &ReleaseVersion, by: u64) {
        if !self.is_decided(version) {
            self.forget(version, by);
        }
    }

    /// It is not being removed by this one any more, or by those before it.
    pub fn forget(&mut self, version: &ReleaseVersion, by: u64) {
        if self.versions.get(version).is_some_and(|name| name.by <= by) {
            self.versions.remove(version);
        }
    }

    /// All of them.
    pub fn versions(&self) -> impl Iterator<Item = &ReleaseVersion> {
        self.versions.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(version: &str) -> ReleaseVersion {
        ReleaseVersion::parse(version).expect("a version")
    }

    fn named(leaving: &Leaving) -> Vec<&str> {
        leaving.versions().map(ReleaseVersion::as_str).collect()
    }

    #[test]
    fn names_are_taken_away_by_whoever_has_them() {
        let (a, b) = (text("1.0+b c"), text("2.0"));
        let mut first = Leaving::default();
        let one = first.begin([&a, &b]);
        first.decide(&b);
        let fence = first.fence("f".to_owned()).expect("JSON");
        let mut first = Leaving::of(Some(&fence)).expect("names");
        assert_eq!(first.fence("f".to_owned()).expect("JSON"), fence);
        assert_eq!((first.is_decided(&a), first.is_decided(&b)), (false, true));
        let two = first.begin([&b]);
        assert!(two > one && first.is_by(&b, two) && first.is_decided(&b), "a decision stays");
        first.forget(&b, one);
        assert!(first.has(&b), "a newer one has it");
        first.give_up(&b, two);
        assert!(first.has(&b), "what is decided is not taken back");
        first.give_up(&a, one);
        first.forget(&b, two);
        assert!(named(&first).is_empty());
        assert!(first.begin([]) > two, "no number comes twice");
    }

    /// At a later rank, whichever of two removals comes first there.
    #[test]
    fn a_removal_that_was_overtaken_leaves_the_names_of_the_other() {
        let a = text("1.0");
        for order in [[1, 2], [2, 1]] {
            let mut later = Leaving::default();
            order.iter().for_each(|by| later.name([&a], *by));
            later.give_up(&a, 1);
            assert_eq!(named(&later), ["1.0"], "{order:?}");
            later.forget(&a, 2);
            assert!(named(&later).is_empty(), "{order:?}");
        }
    }

    #[test]
    fn another_fence_says_nothing() {
        for fence in [None, Some("x"), Some("removing from the cache:")] {
            assert!(named(&Leaving::of(fence).expect("nothing")).is_empty(), "{fence:?}");
        }
        // Who cannot read the names must not write beside them.
        assert!(Leaving::of(Some("removing releases: x")).is_err());
    }

    #[test]
    fn fuzz_leaving() {
        let mut leaving = Leaving::default();
        leaving.begin([&text("1.0+b c"), &text("2.0")]);
        leaving.decide(&text("2.0"));
        let seed = leaving.fence("f".to_owned()).expect("JSON").into_bytes();
        fuzz_driver::bytes("leaving", 3_000, [seed], |input| {
            let text = String::from_utf8_lossy(input);
            match Leaving::of(Some(&text)) {
                Ok(leaving) => {
                    let again = leaving.fence("g".to_owned()).expect("JSON");
                    assert_eq!(Leaving::of(Some(&again)).expect("again"), leaving);
                    leaving.versions().count().to_string()
                }
                Err(e) => fuzz_driver::line(e),
            }
        });
    }
}
