//! What a put removes when it is done: a few of the oldest sets, in a bounded number of requests, so
//! that nobody needs a job for it. What it cannot do it leaves to the next one.

use super::carry_out::Remover;
use super::facts::now;
use super::marks::CacheMarks;
use super::plan::{Facts, Fate, Policy, Thing};
use crate::history::Shape;
use crate::history::stored::{Current, History};
use crate::machine::report::count;
use crate::s3::store::Written;
use crate::tracks::artifacts::rules::{self, Published};
use crate::words::retention::Action;
use std::collections::BTreeMap;

/// How many sets a put removes at most.
pub const SETS: usize = 16;
/// How many older parts of the history a put reads for it at most.
pub const PARTS: usize = 16;

impl Remover<'_> {
    /// Removes what a policy does not keep, [`SETS`] sets at most.
    pub(in crate::tracks::artifacts) async fn after_put(
        &self,
        policy: &Policy,
    ) -> anyhow::Result<()> {
        let history = History::<Published>::new(self.store, self.track.history()?);
        let Some(current) = history.read().await? else { return Ok(()) };
        let cached = CacheMarks::of(current.head.fence()).codes().count();
        if current.head.removing().len() > SETS as u64 || cached > SETS {
            // Somebody removes many, or was stopped at it.
            self.store.report().info("a removal of many sets is under way: this put removes none");
            return Ok(());
        }
        self.finish().await?;
        let Some(current) = history.read().await? else { return Ok(()) };
        let plan = self.oldest(&history, &current, policy).await?;
        let sets = plan.iter().filter(|fate| fate.action == Action::Remove);
        let sets = sets.filter(|fate| fate.commit().is_some()).count();
        if sets == 0 {
            return Ok(());
        }
        if self.mark(current, &plan).await? == Written::Yes {
            self.finish().await?;
            self.store
                .report()
                .info(format!("removed {} that nothing keeps", count(sets, "old set")));
        }
        Ok(())
    }

    /// What becomes of the oldest sets.
    async fn oldest(
        &self,
        history: &History<'_, Published>,
        current: &Current<Published>,
        policy: &Policy,
    ) -> anyhow::Result<Vec<Fate>> {
        let shape = current.head.shape();
        let head = current.head.entries();
        let below = standing_below(&shape);
        let (mut older, mut parts) = (Vec::new(), 0);
        let now = now(self.store);
        for (segment, _) in below.iter().take(PARTS) {
            let entries = history.segments(&shape, *segment..*segment + 1).await?;
            parts += 1;
            older.splice(0..0, entries);
            // Newest first: those of later segments, and of the head, are newer than all of these.
            let later: usize = below.iter().skip(parts).map(|(_, count)| count).sum();
            let newer = later + head.len();
            let goes =
                (0..).zip(&older).filter(|(at, it)| policy.keeps(it, newer + at, now).is_none());
            if goes.count() >= SETS
                || older.first().is_some_and(|it| policy.keeps(it, newer, now).is_some())
            {
                break;
            }
        }
        let is_all = parts == below.len();
        let later: usize = below.iter().skip(parts).map(|(_, count)| count).sum();
        let mut entries = Vec::new();
        if is_all {
            entries.extend(head.iter().cloned());
        }
        // What was not read is newer: it counts, and is kept.
        let newer = if is_all { 0 } else { later + head.len() };
        entries.extend(older);
        let facts = Facts { now, entries, newer, ..Facts::default() };
        let mut plan = facts.plan(policy);
        let mut removed = 0;
        plan.retain(|fate| {
            removed += usize::from(fate.action == Action::Remove);
            fate.action == Action::Keep || removed <= SETS
        });
        if is_all {
            plan.extend(self.unused_caches(&facts, &plan, policy).await?);
        }
        Ok(plan)
    }

    /// What of the cache goes with the sets that are removed: every entry is known.
    async fn unused_caches(
        &self,
        facts: &Facts,
        plan: &[Fate],
        policy: &Policy,
    ) -> anyhow::Result<Vec<Fate>> {
        let removed: Vec<_> = plan.iter().filter(|fate| fate.action == Action::Remove).collect();
        let goes = |published: &Published| {
            removed.iter().any(|fate| fate.commit() == Some(&published.commit))
        };
        let mut codes = BTreeMap::new();
        for entry in &facts.entries {
            if let Some(code_hash) = &entry.what.code_hash {
                let goes = goes(&entry.what);
                codes
                    .entry(code_hash.clone())
                    .and_modify(|all: &mut bool| *all &= goes)
                    .or_insert(goes);
            }
        }
        let mut fates = Vec::new();
        for code_hash in codes.into_iter().filter(|(_, goes)| *goes).map(|(code_hash, _)| code_hash)
        {
            let key = rules::folder(self.track.cached(&code_hash)).manifest()?;
            let listed = self.store.list(key.as_str()).await?;
            let there = listed.iter().find(|object| object.key == key.as_str());
            let is_old =
                there.is_some_and(|it| facts.now.saturating_sub(it.modified) >= policy.wait);
            if is_old {
                fates.push(Fate {
                    thing: Thing::Cache(code_hash),
                    action: Action::Remove,
                    why: "no set that is kept has its code".to_owned(),
                    time: None,
                    bytes: 0,
                });
            }
        }
        Ok(fates)
    }
}

/// The segments in which something stands, oldest first, and how many entries stand in each.
fn standing_below(shape: &Shape) -> Vec<(u64, usize)> {
    let segments = shape.segments_since(None);
    let counted = segments.map(|segment| (segment, shape.standing_in_segment(segment)));
    counted.filter(|(_, count)| *count > 0).collect()
}
