//! Moving tags: the history of a tag gets an entry, and its pointer follows.

use super::step::{Number, Of, Planned, Step, To, push};
use super::{Facts, Pointed, Tagged};
use crate::tracks::package::rules::Pointer;
use crate::words::fault::fault;
use crate::words::names::Tag;

impl Tagged {
    /// The version that the tag is on, and the number of the move that put it there.
    fn now(&self) -> (Option<u64>, u64) {
        match (self.head.entries().first(), self.pointer) {
            (Some(entry), _) => (entry.what.version, entry.number),
            // A tag without a history is another tool's.
            (None, Pointed::At(pointer)) => (Some(pointer.version), 0),
            (None, _) => (None, 0),
        }
    }

    /// The version that the tag is on.
    pub(super) fn version(&self) -> Option<u64> {
        self.now().0
    }

    /// The last version that the tag was on, and the number of the move that put it there.
    pub(super) fn last_version(&self) -> Option<(u64, u64)> {
        let entries = self.head.entries().iter();
        let last = entries.filter_map(|entry| Some((entry.what.version?, entry.number))).next();
        last.or(self.last)
    }
}

impl Facts {
    /// Plans a move of a tag: to a version, or away.
    pub(super) fn move_tag(
        &self,
        tag: &Tag,
        to: Option<Number>,
        steps: &mut Vec<Planned>,
    ) -> anyhow::Result<()> {
        let Some(tagged) = self.tags.get(tag) else { return Ok(()) };
        let entries = tagged.head.entries();
        if to.is_none() && entries.is_empty() && tagged.pointer == Pointed::Nothing {
            return Ok(());
        }
        if entries.iter().any(|entry| entry.what.id == self.id) {
            self.follow_tag(tag, steps);
            return Ok(());
        }
        let (mut is, mut number) = (tagged.version(), tagged.head.next());
        let mut stays = is.map(Number::Is) == to && !entries.is_empty();
        if entries.is_empty() {
            let of = Of::Tag(tag.clone());
            if !self.done.begun.contains(&of) {
                push(steps, Step::Begin(of), "there is none yet");
            }
            if let Some(version) = is {
                let why = "another tool put it there";
                push(steps, Step::TakeOver(tag.clone(), version), why);
                stays = is.map(Number::Is) == to;
                number += 1;
            }
        }
        if stays {
            number -= 1;
        } else {
            if let Some(Number::Is(version)) = to {
                self.may_be_tagged(version)?;
            }
            let why = match is {
                Some(version) => format!("it is on version {version}"),
                None => "it is on no version".to_owned(),
            };
            push(steps, Step::Move(tag.clone(), to), why);
            is = None;
        }
        let version = to.or(is.map(Number::Is));
        let should = version.map(|version| To { version, entry: Some(number) });
        self.point(&Of::Tag(tag.clone()), tagged.pointer, should, steps);
        Ok(())
    }

    /// Makes a tag's pointer what its history says.
    pub(super) fn follow_tag(&self, tag: &Tag, steps: &mut Vec<Planned>) {
        let Some(tagged) = self.tags.get(tag) else { return };
        if tagged.head.entries().is_empty() {
            return;
        }
        let (version, number) = tagged.now();
        let should = version.map(|version| Pointer { version, tagged: Some(number) });
        self.point(&Of::Tag(tag.clone()), tagged.pointer, should.map(To::from), steps);
    }

    /// The number of the move that put a tag on a version: this put's own, or the newest.
    pub(super) fn moved(&self, tag: &Tag, to: Option<Number>) -> Option<u64> {
        let tagged = self.tags.get(tag)?;
        let entries = tagged.head.entries();
        let own = entries.iter().find(|entry| entry.what.id == self.id);
        let there = entries.first().filter(|entry| entry.what.version.map(Number::Is) == to);
        own.or(there).map(|entry| entry.number)
    }

    /// Refuses a version that does not stand, or is being removed. One that this plan records is
    /// neither.
    fn may_be_tagged(&self, version: u64) -> anyhow::Result<()> {
        if matches!(self.ask.act, super::Act::Add(_))
            && !self.versions.records.contains_key(&version)
        {
            return Ok(());
        }
        if self.record(version)?.removal.is_some() {
            return Err(fault(
                format!("version {version} of {} is being removed", self.name),
                format!(
                    "take another version; or run `s3-asset package remove {} {version}` again: it ends what a removal began",
                    self.name
                ),
            ));
        }
        Ok(())
    }
}
