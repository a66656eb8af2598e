//! The entries below the head, which are in parts that never change.

use super::{Current, History, PARTS_AHEAD, PARTS_AT_ONCE};
use crate::history::{Entry, Part, Shape};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Serialize, de::DeserializeOwned};
use std::ops::Range;

impl<T: Serialize + DeserializeOwned + Clone> History<'_, T> {
    /// The newest entries, newest first, read in at most two rounds; none where there is no history.
    pub async fn newest(&self, count: usize) -> anyhow::Result<Option<Vec<Entry<T>>>> {
        let Some(Current { head, .. }) = self.read().await? else { return Ok(None) };
        let (mut entries, shape) = (head.entries().to_vec(), head.shape());
        let below = shape.segments_for(count.saturating_sub(entries.len()));
        entries.extend(self.segments(&shape, below).await?);
        entries.truncate(count);
        Ok(Some(entries))
    }

    /// Reads the entries of some segments, and perhaps older ones, all at once, newest first.
    pub async fn segments(
        &self,
        shape: &Shape,
        range: Range<u64>,
    ) -> anyhow::Result<Vec<Entry<T>>> {
        let parts: Vec<Vec<Entry<T>>> = stream::iter(shape.parts(range))
            .map(|part| self.part(shape, part))
            .buffered(PARTS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// The newest entry that fits among those of some segments, and perhaps older ones: they are
    /// read newest first, and not much further than needed.
    pub async fn find(
        &self,
        shape: &Shape,
        range: Range<u64>,
        mut fits: impl FnMut(&Entry<T>) -> bool,
    ) -> anyhow::Result<Option<Entry<T>>> {
        let mut parts = stream::iter(shape.parts(range))
            .map(|part| self.part(shape, part))
            .buffered(PARTS_AHEAD);
        while let Some(entries) = parts.next().await {
            if let Some(entry) = entries?.into_iter().find(&mut fits) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The entry of a number that stands: one request, or a second where the head no longer holds it.
    pub async fn entry(&self, number: u64) -> anyhow::Result<Option<Entry<T>>> {
        let Some(mut head) = self.peek().await? else { return Ok(None) };
        if !head.shape().stands(number) {
            return Ok(None);
        }
        if let Some(segment) = head.shape().segment_of(number) {
            let entries = self.part(head.shape(), Part::Segment(segment)).await?;
            return Ok(entries.into_iter().find(|entry| entry.number == number));
        }
        while let Some(entry) = head.older()? {
            if entry.number == number {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}
