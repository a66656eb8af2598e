//! Removals, in a bucket: marked and ended by compare-and-swap.

use super::{Current, History, PARTS_AT_ONCE, RACES};
use crate::history::line::Line;
use crate::history::{Entry, Head, Part, Ranges, Removal};
use crate::s3::store::Written;
use crate::words::build::Run;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Serialize, de::DeserializeOwned};

impl<T: Serialize + DeserializeOwned + Clone> History<'_, T> {
    /// Marks entries as removed, unless another writer was faster: from then on no reader shows
    /// them, and what they published may be deleted. Refused also means that the answer to this very
    /// write was lost: then they stand among [`Head::removing`] of the head that is read next.
    pub async fn try_mark(
        &self,
        current: Current<T>,
        run: &Run,
        numbers: &Ranges,
    ) -> anyhow::Result<Written> {
        let (head, segments) = current.head.mark(run, numbers)?;
        self.replace(&head, segments, current.etag).await
    }

    /// As [`History::try_mark`], and leaves a fence by the same write; of no numbers, only the fence.
    pub async fn try_mark_fenced(
        &self,
        current: Current<T>,
        run: &Run,
        numbers: &Ranges,
        fence: &str,
    ) -> anyhow::Result<Written> {
        if numbers.is_empty() {
            return self.fence(current, fence).await;
        }
        let (head, segments) = current.head.fenced(fence).mark(run, numbers)?;
        self.replace(&head, segments, current.etag).await
    }

    /// Changes the fence to what `fence` makes of it; none: it stays. A fence never goes, and no two
    /// are alike: a head must not become again, byte for byte, what a writer has read before.
    pub async fn refence(
        &self,
        fence: impl Fn(Option<&str>) -> anyhow::Result<Option<String>>,
    ) -> anyhow::Result<()> {
        for race in 0..RACES {
            let Some(Current { head, etag }) = self.read().await? else { return Ok(()) };
            let Some(next) = fence(head.fence())? else { return Ok(()) };
            if self.replace(&head.fenced(&next), Vec::new(), etag).await? == Written::Yes {
                return Ok(());
            }
            self.pause(race).await?;
        }
        Err(self.too_many_races())
    }

    /// Says that nothing is left of what these entries published.
    pub async fn finish(&self, numbers: &Ranges) -> anyhow::Result<()> {
        for race in 0..RACES {
            let Some(Current { head, etag }) = self.read().await? else { return Ok(()) };
            let Some(head) = head.finish(numbers) else { return Ok(()) };
            if self.replace(&head, Vec::new(), etag).await? == Written::Yes {
                return Ok(());
            }
            self.pause(race).await?;
        }
        Err(self.too_many_races())
    }

    /// The entries that are marked as removed and of which something may be left, oldest first:
    /// whoever removes finishes these first.
    pub async fn removing(&self, head: &Head<T>) -> anyhow::Result<Vec<Entry<T>>> {
        let (shape, marked) = (head.shape(), head.removing());
        let mut segments: Vec<u64> = marked.iter().filter_map(|it| shape.segment_of(it)).collect();
        segments.dedup();
        let parts: Vec<Vec<Line<T>>> = stream::iter(segments)
            .map(|segment| self.lines(shape.id(), Part::Segment(segment)))
            .buffered(PARTS_AT_ONCE)
            .try_collect()
            .await?;
        let sealed = parts.into_iter().flatten().filter_map(Line::into_entry);
        let mut entries: Vec<Entry<T>> =
            sealed.chain(head.gone.iter().filter_map(Line::entry).cloned()).collect();
        entries.retain(|entry| marked.contains(entry.number));
        entries.sort_unstable_by_key(|entry| entry.number);
        Ok(entries)
    }

    /// The removal of a number: who removed its entry, and when. None: it stands, or never did.
    /// Reads the history from there on, which is for messages.
    pub async fn removal_of(&self, number: u64) -> anyhow::Result<Option<Removal>> {
        let Some(Current { head, .. }) = self.read().await? else { return Ok(None) };
        let shape = head.shape();
        if shape.stands(number) {
            return Ok(None);
        }
        let is_it = |it: &&Removal| it.removed.contains(number);
        if let Some(removal) = head.removals().find(is_it) {
            return Ok(Some(removal.clone()));
        }
        let mut parts = stream::iter(Part::cover(shape.segments_from(number)))
            .map(|part| self.lines(shape.id(), part))
            .buffered(PARTS_AT_ONCE);
        while let Some(lines) = parts.next().await {
            if let Some(removal) = lines?.iter().filter_map(Line::removal).find(is_it) {
                return Ok(Some(removal.clone()));
            }
        }
        Ok(None)
    }
}
