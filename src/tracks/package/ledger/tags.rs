//! Moving tags. The history of a tag decides; the pointer follows it.

use super::{Ledger, begun};
use crate::history::stored::{Current, Next};
use crate::history::{Entry, Head};
use crate::s3::store::unique_id;
use crate::tracks::package::rules::{Move, Pointer};
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::Tag;
use anyhow::Context as _;
use futures_util::future::try_join;

impl Ledger {
    /// Puts a tag on a version, and answers the number of the move that did. A tag that is there
    /// already stays where it is.
    pub async fn tag(&self, tag: &Tag, version: u64, run: &Run) -> anyhow::Result<u64> {
        self.record(version).await?;
        Ok(self.move_tag(tag, Some(version), run).await?.0.number)
    }

    /// Takes a tag away; answers the last version that it was on, and the number of the move that
    /// put it there. None: nobody ever set it.
    pub async fn untag(&self, tag: &Tag, run: &Run) -> anyhow::Result<Option<(u64, u64)>> {
        let history = self.tag_history(tag)?;
        let (current, pointed) =
            try_join(history.read(), self.pointed(&self.package.pointer(tag)?)).await?;
        if current.is_none() && pointed.is_none() {
            return Ok(None);
        }
        let (_, head) = self.move_tag(tag, None, run).await?;
        let last = |entries: &[Entry<Move>]| {
            entries.iter().find_map(|entry| Some((entry.what.version?, entry.number)))
        };
        if let Some(last) = last(head.entries()) {
            return Ok(Some(last));
        }
        let shape = head.shape();
        Ok(last(&history.segments(&shape, shape.segments_for(1)).await?))
    }

    /// The version that a tag is on.
    pub async fn tagged(&self, tag: &Tag) -> anyhow::Result<Option<u64>> {
        Ok(self.tag_state(tag).await?.and_then(|(version, _)| version))
    }

    /// The version that a tag is on, none where it was taken away, and the number of the move. A
    /// tag without a history is another tool's.
    pub async fn tag_state(&self, tag: &Tag) -> anyhow::Result<Option<(Option<u64>, u64)>> {
        let current = self.tag_history(tag)?.read().await?;
        if let Some(entry) = current.as_ref().and_then(|current| current.head.entries().first()) {
            return Ok(Some((entry.what.version, entry.number)));
        }
        Ok(self.foreign_tag(tag).await?.map(|version| (Some(version), 0)))
    }

    /// Where another tool put a tag.
    pub async fn foreign_tag(&self, tag: &Tag) -> anyhow::Result<Option<u64>> {
        let key = self.package.pointer(tag)?;
        match self.pointed(&key).await? {
            None => Ok(None),
            Some(pointed) => match pointed.pointer {
                Some(pointer) => Ok(Some(pointer.version)),
                None => Err(fault(
                    format!("{} is damaged", self.ledger.uri(key.as_str())),
                    "somebody wrote to the object: assign the tag again",
                )),
            },
        }
    }

    async fn move_tag(
        &self,
        tag: &Tag,
        version: Option<u64>,
        run: &Run,
    ) -> anyhow::Result<(Entry<Move>, Head<Move>)> {
        let history = self.tag_history(tag)?;
        let mut current = begun(&history, history.read().await?).await?;
        if current.head.entries().is_empty() {
            current = self.take_over(tag, current, &run.time).await?;
        }
        let mine = Move { version, id: unique_id() };
        let decide = async |head: &Head<Move>| {
            let own = head.entries().iter().find(|entry| entry.what.id == mine.id);
            let there = head.entries().first().filter(|entry| entry.what.version == version);
            Ok(match own.or(there) {
                Some(entry) => Next::Stands(entry.clone()),
                None => Next::Append(mine.clone()),
            })
        };
        let moved = history.extend(current, run, decide).await?;
        self.follow_tag(tag).await?;
        Ok(moved)
    }

    /// Begins a history with where another tool put the tag.
    async fn take_over(
        &self,
        tag: &Tag,
        current: Current<Move>,
        time: &str,
    ) -> anyhow::Result<Current<Move>> {
        let Some(pointed) = self.pointed(&self.package.pointer(tag)?).await? else {
            return Ok(current);
        };
        let Some(Pointer { version, .. }) = pointed.pointer else { return Ok(current) };
        let history = self.tag_history(tag)?;
        let found = Move { version: Some(version), id: unique_id() };
        let decide = async |head: &Head<Move>| {
            Ok(match head.entries().first() {
                Some(entry) => Next::Stands(entry.clone()),
                None => Next::Append(found.clone()),
            })
        };
        history.extend(current, &Run::at(time), decide).await?;
        history.read().await?.context("a history was deleted meanwhile")
    }

    pub(super) async fn follow_tag(&self, tag: &Tag) -> anyhow::Result<()> {
        let history = self.tag_history(tag)?;
        self.follow(&self.package.pointer(tag)?, async |_| {
            let current = history.read().await?;
            let newest = current.as_ref().and_then(|current| current.head.entries().first());
            Ok(newest.and_then(|entry| {
                let version = entry.what.version?;
                Some(Pointer { version, tagged: Some(entry.number) })
            }))
        })
        .await
    }
}
