//! A search by name, in a few requests however long the history is.

use super::{History, PARTS_AHEAD, write};
use crate::history::index::{Index, Page};
use crate::history::line::Line;
use crate::history::{Entry, Part, SEGMENT, Shape};
use crate::s3::store::{Condition, Store};
use crate::words::names::Key;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Serialize, de::DeserializeOwned};
use std::ops::Range;

/// Parts that are read as they are: pages of an index would hardly save a request.
const FEW: usize = 3;
/// A page of an index that was missing, to be left behind by whoever looked for it, unless it must
/// not write.
#[derive(Debug)]
pub struct MissedPage {
    key: Key,
    bytes: Bytes,
}

impl MissedPage {
    /// Writes it. Who may not write there has what it needs without it.
    pub async fn leave(self, store: &Store) {
        let _ = write(store, &self.key, self.bytes, &Condition::None).await;
    }
}

/// Segments that may hold what is sought, read at once: the newest most likely does.
const LIKELY: usize = 2;

impl<T: Serialize + DeserializeOwned + Clone> History<'_, T> {
    /// As [`History::find`], for entries that have this name among their `names`, which the index
    /// knows: the others are passed by. Pages of the index that are not there go to `missed`.
    pub async fn find_named(
        &self,
        shape: &Shape,
        range: Range<u64>,
        name: &str,
        names: impl Fn(&T) -> Vec<&str>,
        missed: &mut Vec<MissedPage>,
        mut fits: impl FnMut(&Entry<T>) -> bool,
    ) -> anyhow::Result<Option<Entry<T>>> {
        if shape.parts(range.clone()).len() <= FEW {
            return self.find(shape, range, fits).await;
        }
        let pages = Page::cover(shape.sealed).into_iter();
        let pages = pages.filter(|page| page.segments().end > range.start);
        let pages: Vec<(Index, Option<MissedPage>)> = stream::iter(pages)
            .map(|page| self.page(shape.id(), page, &names))
            .buffered(PARTS_AHEAD)
            .try_collect()
            .await?;
        let mut likely = Vec::new();
        for (index, made) in pages {
            likely.extend(index.holding(name));
            missed.extend(made);
        }
        likely.retain(|segment| range.contains(segment));
        likely.sort_unstable_by(|a, b| b.cmp(a));
        let mut parts = stream::iter(likely)
            .map(|segment| self.part(shape, Part::Segment(segment)))
            .buffered(LIKELY);
        while let Some(entries) = parts.next().await {
            if let Some(entry) = entries?.into_iter().find(&mut fits) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// A page of the index; made where it is missing.
    async fn page(
        &self,
        id: &str,
        page: Page,
        names: &impl Fn(&T) -> Vec<&str>,
    ) -> anyhow::Result<(Index, Option<MissedPage>)> {
        if let Some(index) = self.standing(id, page).await? {
            return Ok((index, None));
        }
        let before = match page.before() {
            Some(before) => self.standing(id, before).await?,
            None => None,
        };
        let mut index = before.unwrap_or_else(|| Index::new(page.segments().start));
        let rest = index.segments().end..page.segments().end;
        let mut parts = stream::iter(Part::cover(rest).into_iter().rev())
            .map(|part| self.lines(id, part))
            .buffered(PARTS_AHEAD);
        while let Some(lines) = parts.next().await {
            let mut lines = lines?;
            lines.reverse();
            for segment in lines.chunks(SEGMENT as usize) {
                let entries = segment.iter().filter_map(Line::entry);
                index.push(entries.flat_map(|entry| names(&entry.what)));
            }
        }
        drop(parts);
        let (key, bytes) = (self.index_key(id, page)?, index.to_bytes(id)?);
        Ok((index, Some(MissedPage { key, bytes: bytes.into() })))
    }

    async fn standing(&self, id: &str, page: Page) -> anyhow::Result<Option<Index>> {
        let key = self.index_key(id, page)?;
        let Some(fetched) = self.store.get(&key).await? else { return Ok(None) };
        let index = Index::parse(&fetched.bytes, id, page);
        if index.is_err() {
            let uri = self.store.uri(key.as_str());
            self.store.report().warn(format!("{uri} is damaged, and made anew"));
        }
        Ok(index.ok())
    }

    fn index_key(&self, id: &str, page: Page) -> anyhow::Result<Key> {
        Key::parse(&format!("{}/{id}/{}", self.key, page.name()))
    }
}
