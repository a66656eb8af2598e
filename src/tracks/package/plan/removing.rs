//! Removing a version, beside tags that move.
//!
//! Invariant: what a check shows of a tag, a get finds. No tag is on a version without a record.
//!
//! A tag's history and a version's record are two objects, and S3 changes one at a time. So:
//!
//! - who moves a tag reads its history first and then the record of the version, and moves it only
//!   where the record stands without a mark, by a write that fails when the history has changed;
//! - who removes a version *marks* its record first. Then it reads each tag that there is: one that is
//!   on the version ends the removal, and the mark is taken off. Each other one it *fences*: its
//!   history gets other bytes, by a write that fails when it has changed since it was read. Then the
//!   history of versions says it, and a tombstone takes the place of the record, by a write that
//!   fails unless the record bears the very same mark.
//!
//! A mover that read the history before the fence fails. One that read it after the fence reads the
//! record after the mark. One whose move came before the fence was seen. And a tag that nobody had
//! moved when the tags were read has a history that was begun after the mark. A removal that ends
//! after its mark, or is killed, loses nothing: the version stands, and the next removal goes on.
//!
//! Tools that write pointers alone, as sacker does, know nothing of this: their tags are looked at,
//! and no more.

use super::step::{Planned, Step, push};
use super::{Facts, Tagged};
use crate::history::Event;
use crate::tracks::package::rules::{Change, Stood};
use crate::words::fault::fault;
use crate::words::names::Tag;

impl Facts {
    /// Plans a removal.
    pub(super) fn remove(&self, version: u64, steps: &mut Vec<Planned>) -> anyhow::Result<()> {
        let recorded = self.versions.records.get(&version);
        if matches!(recorded.map(|it| &it.stood), Some(Stood::Removed(_))) {
            self.follow_latest(None, steps);
            return Ok(());
        }
        let mark = self.record(version)?.removal.as_ref();
        if let Some(tag) = self.tag_on(version) {
            if mark.is_none() {
                return Err(fault(
                    format!("version {version} of {} has the tag `{tag}`", self.name),
                    format!(
                        "move the tag, or `s3-asset package untag {} {tag}`, and then remove the version",
                        self.name
                    ),
                ));
            }
            push(steps, Step::Unmark(version), format!("`{tag}` came on it meanwhile"));
            return Ok(());
        }
        self.take_up(steps);
        if mark.is_none() {
            push(steps, Step::Mark(version), "from then on no tag comes on it");
        }
        let mark = mark.map_or(self.id.as_str(), |mark| mark.id.as_str());
        for (tag, _) in self.tags.iter().filter(|(_, tagged)| tagged.is_open(mark)) {
            let why = format!("whoever is about to move it to version {version} looks again");
            push(steps, Step::Fence(tag.clone(), mark.to_owned()), why);
        }
        let is_it =
            |what: &Change| matches!(what, Change::Removed { removed, .. } if *removed == version);
        if !self.versions.head.entries().iter().any(|entry| is_it(&entry.what)) {
            let what = Change::Removed { removed: version, newest: self.versions.next() - 1 };
            let why = "checks do not show it any more";
            push(steps, Step::Enter(vec![Event { run: self.run.clone(), what }]), why);
        }
        push(steps, Step::Bury(version), "its number stays taken");
        self.follow_latest(None, steps);
        Ok(())
    }

    /// A tag that is on a version.
    fn tag_on(&self, version: u64) -> Option<&Tag> {
        let mut tags = self.tags.iter();
        tags.find(|(_, tagged)| tagged.version() == Some(version)).map(|(tag, _)| tag)
    }
}

impl Tagged {
    /// Whether a move that was decided before the mark could still come.
    fn is_open(&self, mark: &str) -> bool {
        self.is_begun && self.head.fence() != Some(mark)
    }
}
