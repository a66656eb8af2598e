//! Reading tags. The history of a tag decides; a tag without one is another tool's.

use super::Ledger;
use crate::history::Entry;
use crate::tracks::package::plan::Pointed;
use crate::tracks::package::rules::{Move, Wanted};
use crate::words::fault::fault;
use crate::words::names::Tag;
use futures_util::future::try_join;

impl Ledger {
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

    /// Where another tool put a tag; a tag that names no version is on none, with a warning: one that
    /// is damaged takes no other with it.
    pub async fn foreign_tag_if_readable(&self, tag: &Tag) -> anyhow::Result<Option<u64>> {
        let key = self.package.pointer(tag)?;
        Ok(match self.pointed_of(&key, self.ledger.get(&key).await?).0 {
            Pointed::At(pointer) => Some(pointer.version),
            Pointed::Nothing | Pointed::Unreadable => None,
        })
    }

    /// The move that put a tag on a version. It says who did it, and no more: what cannot be read of it
    /// is a warning.
    pub async fn moved(&self, wanted: &Wanted) -> Option<Entry<Move>> {
        let (tag, number) = wanted.tagged.as_ref().filter(|(_, number)| *number > 0)?;
        let entry = async { self.tag_history(tag)?.entry(*number).await };
        match entry.await {
            Ok(entry) => entry.filter(|entry| entry.what.version == Some(wanted.version)),
            Err(e) => {
                self.ledger
                    .report()
                    .warn(format!("who moved {tag}, and when, is not known: {e:#}"));
                None
            }
        }
    }

    /// Where another tool put a tag.
    pub async fn foreign_tag(&self, tag: &Tag) -> anyhow::Result<Option<u64>> {
        let key = self.package.pointer(tag)?;
        let fetched = self.ledger.get(&key).await?;
        match self.pointed_of(&key, fetched).0 {
            Pointed::Nothing => Ok(None),
            Pointed::At(pointer) => Ok(Some(pointer.version)),
            Pointed::Unreadable => Err(fault(
                format!("{} is damaged: it names no version", self.ledger.uri(key.as_str())),
                format!(
                    "assign the tag again, or `s3-asset package untag {} {tag}`",
                    self.package.name
                ),
            )),
        }
    }

    /// The tags that there are, or were: those with a pointer and those with a history.
    pub async fn tags(&self) -> anyhow::Result<Vec<Tag>> {
        let (pointers, histories) = (self.package.pointers(), self.package.tag_histories());
        let (pointed, kept) =
            try_join(self.ledger.list(&pointers), self.ledger.list(&histories)).await?;
        let pointed = pointed.iter().filter_map(|object| object.key.strip_prefix(&pointers));
        let kept = kept.iter().filter_map(|object| {
            object
                .key
                .strip_prefix(&histories)?
                .strip_suffix(".json")
                .filter(|it| !it.contains('/'))
        });
        // `latest` is no tag of this type.
        let mut tags: Vec<Tag> =
            pointed.chain(kept).filter_map(|name| Tag::parse(name).ok()).collect();
        tags.sort();
        tags.dedup();
        Ok(tags)
    }
}
