//! Where a commit's entry is in the history, if it stands: in the head, or in a part below it.
//!
//! Invariant: a part that was searched is not searched again, for it never changes; whether what was in it
//! still stands is asked each time.

use super::{Gathering, history};
use crate::history::stored::Current;
use crate::history::{Entry, Position};
use crate::s3::store::ETag;
use crate::tracks::artifacts::plan::Facts;
use crate::tracks::artifacts::rules::Published;
use crate::tracks::artifacts::standing::Stood;

impl Gathering<'_> {
    /// The entry of the commit in the head.
    pub(super) fn in_head<'c>(
        &self,
        current: Option<&'c Current<Published>>,
    ) -> Option<&'c Entry<Published>> {
        current?.head.entries().iter().find(|entry| self.is_mine(entry))
    }

    pub(super) fn is_mine(&self, entry: &Entry<Published>) -> bool {
        entry.what.commit == self.ask.commit
    }

    /// Looks for the commit's entry below the head, where it may be since a position.
    pub(super) async fn find_entry(
        &mut self,
        facts: &mut Facts,
        since: Option<&Position>,
        current: Option<&Current<Published>>,
    ) -> anyhow::Result<()> {
        let (None, Some(current)) = (&facts.entry, current) else { return Ok(()) };
        let shape = current.head.shape();
        let range = shape.segments_since(since);
        let history = history(self.store(), self.track)?;
        let unseen = if self.searched.contains(&range.start) {
            self.searched.end.min(range.end)..range.end
        } else {
            range.clone()
        };
        let found = history.find(&shape, unseen, |entry| self.is_mine(entry)).await?;
        self.searched = range;
        if let Some(entry) = found {
            self.in_segments = Some(entry);
        }
        self.in_segments.take_if(|entry| !shape.stands(entry.number));
        facts.entry = self.in_segments.as_ref().map(|entry| entry.what.clone());
        Ok(())
    }

    /// What stands of a set that is being removed: its entry is marked, and its manifest, if it had
    /// one, not replaced yet. The next set takes its place, before or after the remover's stone.
    pub(super) async fn marked(
        &self,
        facts: &Facts,
        stood: Option<&Stood>,
        current: Option<&Current<Published>>,
    ) -> anyhow::Result<Option<Option<ETag>>> {
        let Some(Current { head, .. }) = current.filter(|it| !it.head.removing().is_empty()) else {
            return Ok(None);
        };
        let (position, etag) = match stood {
            Some(Stood::Own(standing)) => (standing.position.as_ref(), standing.etag.clone()),
            Some(Stood::Copied { .. }) => return Ok(None),
            None => (None, None),
        };
        if facts.entry.is_some() {
            return Ok(None);
        }
        let (shape, marked) =
            (head.shape(), history(self.store(), self.track)?.removing(head).await?);
        let is_marked = |entry: &Entry<Published>| {
            self.is_mine(entry) && shape.is_since(position, entry.number)
        };
        Ok(marked.iter().any(is_marked).then_some(etag))
    }
}
