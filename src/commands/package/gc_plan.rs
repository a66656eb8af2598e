//! What `gc` does with each blob: facts in, a plan out.
//!
//! A blob that no version refers to may be one that an add is about to refer to: one that it
//! uploaded, or one that it found and therefore did not upload; a client that may only write tells
//! nobody which. So nothing is deleted that an add could have found within the time that a put may
//! take, `age`:
//!
//! - a blob that nothing refers to, and that was not written for `age`, is *set aside*: copied to
//!   `.aside/`, then deleted under its own key. From then on no add finds it; one that comes
//!   uploads it again;
//! - what was set aside is deleted when it has lain there for `age` and still nothing refers to it:
//!   any add that had found it is over, and its record would be seen;
//! - what something refers to, and lies aside only, goes back under its own key. The same run does
//!   this for records that came while it was setting aside; a get meanwhile finds it aside.
//!
//! References are read after blobs are listed, so a version that was added before is seen. Only one
//! run deletes at a time: of two, one might delete what the other has set aside just then.

use crate::s3::store::Listed;
use crate::words::digest::Sha256;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};

/// The folder of what was set aside, below the prefix.
const ASIDE: &str = ".aside/";

/// What is done with a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    /// It goes back under its own key.
    Restore,
    /// It is set aside.
    SetAside,
    /// It was set aside long ago, and is deleted.
    Delete,
}

impl Action {
    /// Why it is done.
    pub(super) fn why(self) -> &'static str {
        match self {
            Action::Restore => "a version refers to it again",
            Action::SetAside => "no version refers to it",
            Action::Delete => "set aside long ago, and no version refers to it",
        }
    }
}

/// What is done with which blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Step {
    /// What.
    pub(super) action: Action,
    /// Which.
    pub(super) sha256: Sha256,
    /// In bytes.
    pub(super) size: u64,
    /// When the object was written, seconds since 1970.
    pub(super) modified: i64,
}

/// The blobs of a store: those under their own keys, and those that were set aside.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    own: BTreeMap<Sha256, (u64, i64)>,
    aside: BTreeMap<Sha256, (u64, i64)>,
}

impl Blobs {
    /// Picks the blobs out of a listing; whatever else lies in the bucket is not looked at.
    pub(super) fn new(prefix: &str, listed: &[Listed]) -> Blobs {
        let mut blobs = Blobs::default();
        for object in listed {
            let Some(key) = object.key.strip_prefix(prefix) else { continue };
            let (name, to) = match key.strip_prefix(ASIDE) {
                Some(name) => (name, &mut blobs.aside),
                None => (key, &mut blobs.own),
            };
            if let Some(sha) = Sha256::from_hex(name).filter(|sha| sha.hex() == name) {
                to.insert(sha, (object.size, object.modified));
            }
        }
        blobs
    }

    /// How many there are under their own keys.
    pub(super) fn len(&self) -> usize {
        self.own.len()
    }

    /// How many blobs no version refers to, and are left alone for now: those under their own keys, and
    /// those that were set aside.
    pub(super) fn waiting(&self, needed: &HashSet<Sha256>, now: i64, age: i64) -> [usize; 2] {
        let waits = |(sha, (_, modified)): &(&Sha256, &(u64, i64))| {
            !needed.contains(sha) && *modified > now.saturating_sub(age)
        };
        let aside = self.aside.iter().filter(|(sha, _)| !self.own.contains_key(sha));
        [self.own.iter().filter(waits).count(), aside.filter(waits).count()]
    }

    /// The plan; `now` and `age` are in seconds.
    pub(super) fn plan(&self, needed: &HashSet<Sha256>, now: i64, age: i64) -> Vec<Step> {
        let is_old = |modified: i64| modified <= now.saturating_sub(age);
        let step = |action, (sha256, (size, modified)): (&Sha256, &(u64, i64))| Step {
            action,
            sha256: *sha256,
            size: *size,
            modified: *modified,
        };
        let goes_aside = |sha: &Sha256| {
            let own = self.own.get(sha);
            !needed.contains(sha) && own.is_some_and(|(_, modified)| is_old(*modified))
        };
        let own = self.own.iter().filter(|(sha, _)| goes_aside(sha));
        let own = own.map(|blob| step(Action::SetAside, blob));
        let aside = self.aside.iter().filter_map(|blob| {
            let (sha, (_, modified)) = blob;
            if needed.contains(sha) && !self.own.contains_key(sha) {
                return Some(step(Action::Restore, blob));
            }
            // What is set aside now takes the place of what was before.
            (is_old(*modified) && !goes_aside(sha)).then(|| step(Action::Delete, blob))
        });
        let mut steps: Vec<Step> = own.chain(aside).collect();
        steps.sort_by_key(|step| (step.action, step.sha256));
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_with_a_blob() {
        const NOW: i64 = 1_000_000;
        const AGE: i64 = 1_000;
        let (old, young) = (Some(NOW - AGE), Some(NOW - AGE + 1));
        // Under its own key since, aside since, whether something refers to it, what is done.
        type Case = (Option<i64>, Option<i64>, bool, &'static [Action]);
        let cases: [Case; 15] = [
            (old, None, true, &[]),
            (young, None, true, &[]),
            (old, None, false, &[Action::SetAside]),
            (young, None, false, &[]),
            (None, old, true, &[Action::Restore]),
            (None, young, true, &[Action::Restore]),
            (None, old, false, &[Action::Delete]),
            (None, young, false, &[]),
            (old, old, true, &[Action::Delete]),
            (old, young, true, &[]),
            (young, old, false, &[Action::Delete]),
            (young, young, false, &[]),
            (old, young, false, &[Action::SetAside]),
            (old, old, false, &[Action::SetAside]),
            (None, None, true, &[]),
        ];
        let sha = Sha256::of(b"x");
        for (own, aside, needed, want) in cases {
            let object = |key: String, modified| Listed { key, size: 1, modified };
            let listed: Vec<Listed> = own
                .map(|at| object(format!("p/{sha}"), at))
                .into_iter()
                .chain(aside.map(|at| object(format!("p/.aside/{sha}"), at)))
                .collect();
            let needed: HashSet<Sha256> = needed.then_some(sha).into_iter().collect();
            let blobs = Blobs::new("p/", &listed);
            let plan = blobs.plan(&needed, NOW, AGE);
            // Nothing is left alone without being counted.
            let waits = [own, aside.filter(|_| own.is_none())]
                .map(|at| usize::from(needed.is_empty() && at == young));
            assert_eq!(blobs.waiting(&needed, NOW, AGE), waits, "{own:?} {aside:?}");
            let actions: Vec<Action> = plan.iter().map(|step| step.action).collect();
            assert_eq!(actions, want, "{own:?} {aside:?} {needed:?}");
        }
    }

    #[test]
    fn nothing_but_blobs_is_looked_at() {
        let hex = Sha256::of(b"x").hex();
        let keys = [
            format!("p/x/{hex}"),
            format!("p/{}", &hex[1..]),
            format!("p/{}", hex.to_uppercase()),
            format!("p/.aside/x/{hex}"),
            hex.clone(),
            "p/app/versions/1".to_owned(),
        ];
        let listed = keys.map(|key| Listed { key, size: 1, modified: 0 });
        assert!(Blobs::new("p/", &listed).plan(&HashSet::new(), 1 << 40, 1).is_empty());
    }
}
