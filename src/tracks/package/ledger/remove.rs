//! Making a version unavailable. Its number stays taken.

use super::{Ledger, Standing};
use crate::history::Head;
use crate::history::stored::Next;
use crate::s3::store::{Condition, Written};
use crate::tracks::package::rules::{Change, Stood, Tombstone, newest};
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::Tag;
use crate::words::object::UserMetadata;

impl Ledger {
    /// Removes a version: its history says so, and its record becomes a tombstone. Its blob stays
    /// until `gc` finds that nothing refers to it. False: it was removed before.
    pub async fn remove(&self, version: u64, run: &Run) -> anyhow::Result<bool> {
        let Some(Standing { stood, etag, .. }) = self.standing(version).await? else {
            self.record(version).await?;
            return Ok(false);
        };
        if matches!(stood, Stood::Removed(_)) {
            self.follow_latest().await?;
            return Ok(false);
        }
        for tag in self.tags().await? {
            if self.tagged(&tag).await? == Some(version) {
                return Err(fault(
                    format!("version {version} of {} has the tag `{tag}`", self.package.name),
                    "move the tag, or take it away, and then remove the version",
                ));
            }
        }
        let current = self.current().await?;
        let decide = async |head: &Head<Change>| {
            let is_it = |change: &Change| matches!(change, Change::Removed { removed, .. } if *removed == version);
            Ok(match head.entries().iter().find(|entry| is_it(&entry.what)) {
                Some(entry) => Next::Stands(entry.clone()),
                None => Next::Append(Change::Removed { removed: version, newest: newest(head) }),
            })
        };
        self.history()?.extend(current, run, decide).await?;
        let tombstone = Tombstone { removed_at: run.time.clone(), build: run.build.clone() };
        let (key, bytes) = (self.package.record(version)?, serde_json::to_vec(&tombstone)?);
        let condition = Condition::Unchanged(etag);
        if self.write(&key, bytes, &condition, UserMetadata::new()).await? == Written::Refused
            && !matches!(
                self.standing(version).await?,
                Some(Standing { stood: Stood::Removed(_), .. })
            )
        {
            return Err(fault(
                format!("{} changed meanwhile", self.ledger.uri(key.as_str())),
                "somebody wrote to the record, which never changes: look at it, and try again",
            ));
        }
        self.follow_latest().await?;
        Ok(true)
    }

    /// The tags that there are, or were: those with a pointer and those with a history.
    pub async fn tags(&self) -> anyhow::Result<Vec<Tag>> {
        let (pointers, histories) = (self.package.pointers(), self.package.tag_histories());
        let (pointed, kept) = futures_util::future::try_join(
            self.ledger.list(&pointers),
            self.ledger.list(&histories),
        )
        .await?;
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
