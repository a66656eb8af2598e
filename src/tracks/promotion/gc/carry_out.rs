//! Removals, carried out. Why they may be slow, killed, or twice at once, the module above says.

use super::facts::{at_ranks, gather};
use super::plan::{AtRank, Facts, Fate, Policy};
use crate::history::stored::History;
use crate::history::{Entry, Ranges, Shape};
use crate::s3::store::{ETag, Fetched, Store, Written, unique_id};
use crate::tracks::promotion::facts::history;
use crate::tracks::promotion::rules::Promoted;
use crate::tracks::promotion::rules::archive::{Shelf, Shelved};
use crate::tracks::promotion::rules::leaving::Leaving;
use crate::tracks::promotion::source::Promotion;
use crate::words::build::Run;
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::names::{Rank, ReleaseVersion};
use crate::words::retention::Action;
use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::cell::Cell;

/// How many versions are named at once: each check reads them as long as they are.
const BATCH: usize = 64;
/// Shelves that are emptied at once.
const SHELVES: usize = 8;

/// Removes versions.
#[derive(Debug, Clone, Copy)]
pub struct Remover<'a> {
    /// The bucket.
    pub store: &'a Store,
    /// Which file, and all its ranks.
    pub track: &'a Promotion,
    /// Who does it, and when.
    pub run: &'a Run,
}

/// A version that goes, as it was when every rank named it.
#[derive(Debug)]
pub(super) struct Doomed {
    pub(super) version: ReleaseVersion,
    /// Its entries, rank by rank.
    numbers: Vec<Ranges>,
    pub(super) record: Found,
    /// Of its bytes.
    pub(super) sha256: Option<Sha256>,
    /// Whether its entries name the plain key.
    pub(super) has_plain: bool,
}

/// What was found where its record is looked for.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    Record(ETag),
    Stone,
}

impl Remover<'_> {
    fn history(&self, rank: &Rank) -> anyhow::Result<History<'_, Promoted>> {
        history(self.store, self.track, rank)
    }

    /// Removes what a policy does not keep; answers the plan, and how many objects were deleted.
    pub async fn remove(&self, policy: &Policy) -> anyhow::Result<(Facts, Vec<Fate>, usize)> {
        let facts = gather(self.store, self.track).await?;
        let mut plan = facts.plan(policy);
        // What somebody named and does not remove is named no more.
        let removed = plan.iter().filter(|fate| fate.action == Action::Remove);
        let mut versions = facts.leaving();
        versions.extend(removed.filter_map(Fate::version).cloned());
        let versions: Vec<ReleaseVersion> = versions.into_iter().collect();
        let report = self.store.report();
        report.begin_all("removing", "version", versions.len());
        let mut deleted = 0;
        for batch in versions.chunks(BATCH) {
            let (kept, count) = match self.batch(&facts, policy, batch).await {
                Ok(done) => done,
                Err(e) => {
                    report.end_all();
                    return Err(e);
                }
            };
            deleted += count;
            for fate in &mut plan {
                let why = fate.version().and_then(|it| kept.iter().find(|(own, _)| own == it));
                if let Some((_, why)) = why {
                    (fate.action, fate.why) = (Action::Keep, why.clone());
                }
            }
        }
        report.end_all();
        deleted += self.clean(&plan).await?;
        Ok((facts, plan, deleted))
    }

    /// Removes some versions; answers which of them are kept after all, and why, and how many objects
    /// were deleted.
    async fn batch(
        &self,
        facts: &Facts,
        policy: &Policy,
        versions: &[ReleaseVersion],
    ) -> anyhow::Result<(Vec<(ReleaseVersion, String)>, usize)> {
        let by = self.begin(versions).await?;
        let now = Facts { ranks: at_ranks(self.store, self.track).await?, ..facts.clone() };
        let (mut doomed, mut kept) = (Vec::new(), Vec::new());
        for fate in now.plan(policy) {
            let Some(version) = fate.version().filter(|it| versions.contains(it)) else { continue };
            if fate.action == Action::Keep {
                kept.push((version.clone(), fate.why));
                continue;
            }
            match self.doomed(&now, version).await? {
                Ok(it) => doomed.push(it),
                Err(why) => kept.push((version.clone(), why)),
            }
        }
        let decided = match self.decide(by, &mut doomed, &kept).await {
            Ok(decided) => decided,
            Err(e) => {
                // What is not decided is to be free again.
                let _ = self.give_up(versions, by).await;
                return Err(e);
            }
        };
        let free: Vec<ReleaseVersion> = kept.iter().map(|(version, _)| version.clone()).collect();
        self.give_up(&free, by).await?;
        kept.extend(decided);
        for (at, rank) in self.track.ranks.iter().enumerate().skip(1) {
            self.mark(rank, at, &doomed).await?;
        }
        let emptied = stream::iter(&doomed).map(|it| async move {
            let deleted = self.clear(it).await;
            self.store.report().advance_all();
            deleted
        });
        let deleted = emptied
            .buffer_unordered(SHELVES)
            .try_fold(0, |all, one| async move { Ok(all + one) })
            .await?;
        for rank in &self.track.ranks {
            self.finish(rank, &doomed).await?;
        }
        self.forget(versions, by).await?;
        Ok((kept, deleted))
    }

    /// Names versions at every rank, at the first one first; answers this removal's number.
    async fn begin(&self, versions: &[ReleaseVersion]) -> anyhow::Result<u64> {
        let (first, later) = self.track.ranks.split_first().context("a track has ranks")?;
        let number = Cell::new(0);
        self.rename(first, |leaving| number.set(leaving.begin(versions))).await?;
        for rank in later {
            self.rename(rank, |leaving| leaving.name(versions, number.get())).await?;
        }
        Ok(number.get())
    }

    /// Changes which versions a rank's head names.
    async fn rename(&self, rank: &Rank, change: impl Fn(&mut Leaving)) -> anyhow::Result<()> {
        let history = self.history(rank)?;
        if history.read().await?.is_none() {
            history.begin().await?;
        }
        history
            .refence(|fence| {
                let before = Leaving::of(fence)?;
                let mut leaving = before.clone();
                change(&mut leaving);
                (leaving != before).then(|| leaving.fence(unique_id())).transpose()
            })
            .await
    }

    /// Names versions no more, at the first rank last, unless somebody else does.
    async fn forget(&self, versions: &[ReleaseVersion], by: u64) -> anyhow::Result<()> {
        for rank in self.track.ranks.iter().rev() {
            self.rename(rank, |leaving| {
                versions.iter().for_each(|version| leaving.forget(version, by));
            })
            .await?;
        }
        Ok(())
    }

    /// Names versions no more of which nothing is decided, at the first rank first: a removal that finds
    /// its name gone there decides nothing. What is decided there, perhaps by a write whose answer was
    /// lost, stays named everywhere.
    async fn give_up(&self, versions: &[ReleaseVersion], by: u64) -> anyhow::Result<()> {
        let (first, later) = self.track.ranks.split_first().context("a track has ranks")?;
        self.rename(first, |leaving| {
            versions.iter().for_each(|version| leaving.give_up(version, by));
        })
        .await?;
        let current = self.history(first)?.read().await?.context("the history was begun")?;
        let stays = Leaving::of(current.head.fence())?;
        let free: Vec<_> = versions.iter().filter(|version| !stays.is_decided(version)).collect();
        for rank in later {
            self.rename(rank, |leaving| {
                free.iter().for_each(|version| leaving.forget(version, by));
            })
            .await?;
        }
        Ok(())
    }

    /// A version as it is now that every rank names it; or why it must be kept.
    async fn doomed(
        &self,
        now: &Facts,
        version: &ReleaseVersion,
    ) -> anyhow::Result<Result<Doomed, String>> {
        let shelf = self.track.shelf(version)?;
        let of_rank = |rank: &AtRank| {
            let own = rank.entries.iter().filter(|it| it.what.release.version == *version);
            own.map(|entry| entry.number).collect()
        };
        let numbers = now.ranks.iter().map(of_rank).collect();
        let mut entries = now
            .ranks
            .iter()
            .flat_map(|rank| &rank.entries)
            .filter(|it| it.what.release.version == *version)
            .peekable();
        let of_entry = entries.peek().map(|entry| entry.what.release.sha256);
        let mut has_plain = entries.any(|entry| entry.what.release.key == shelf.plain);
        let (record, sha256) = match self.store.get(&shelf.record()?).await? {
            None => (Found::Nothing, of_entry),
            Some(found) => match self.read(&shelf, version, &found) {
                Ok(Shelved::Here(record)) => {
                    has_plain |= record.release.key == shelf.plain;
                    (Found::Record(found.etag), Some(record.release.sha256))
                }
                Ok(Shelved::Removed(removed)) => (Found::Stone, removed.sha256),
                // Decided before somebody wrote over it: what is left must not be forgotten.
                Err(why) if now.is_decided(version) => return Err(why),
                Err(why) => return Ok(Err(why.to_string())),
            },
        };
        Ok(Ok(Doomed { version: version.clone(), numbers, record, sha256, has_plain }))
    }

    pub(super) fn read(
        &self,
        shelf: &Shelf,
        version: &ReleaseVersion,
        found: &Fetched,
    ) -> anyhow::Result<Shelved> {
        Shelved::parse(&found.bytes, version, &self.track.file, shelf)
    }

    /// Decides by one write of the first rank's head: what still has this removal's name is removed, and
    /// what is kept is named no more. Those that another removal has taken over leave `doomed`, and are
    /// answered.
    async fn decide(
        &self,
        by: u64,
        doomed: &mut Vec<Doomed>,
        kept: &[(ReleaseVersion, String)],
    ) -> anyhow::Result<Vec<(ReleaseVersion, String)>> {
        // Before anything is decided: each of the other heads can say it.
        for (at, rank) in self.track.ranks.iter().enumerate().skip(1) {
            let Some(current) = self.history(rank)?.read().await? else { continue };
            let gone = standing(&current.head.shape(), at, doomed);
            if !gone.is_empty() {
                current.head.mark(self.run, &gone)?;
            }
        }
        let rank = self.track.ranks.first().context("a track has ranks")?;
        let history = self.history(rank)?;
        let mut taken = Vec::new();
        history
            .until_first(async || {
                let current = history.read().await?.context("the history was begun")?;
                let mut leaving = Leaving::of(current.head.fence())?;
                let (own, others): (Vec<Doomed>, Vec<Doomed>) = std::mem::take(doomed)
                    .into_iter()
                    .partition(|it| leaving.is_by(&it.version, by));
                *doomed = own;
                taken.extend(others.into_iter().map(|it| it.version));
                for it in doomed.iter() {
                    leaving.decide(&it.version);
                }
                for (version, _) in kept {
                    leaving.give_up(version, by);
                }
                self.is_not_newest(rank, current.head.entries().first(), doomed)?;
                let gone = standing(&current.head.shape(), 0, doomed);
                let fence = leaving.fence(unique_id())?;
                let marked = history.try_mark_fenced(current, self.run, &gone, &fence).await?;
                Ok((marked == Written::Yes).then_some(()))
            })
            .await?;
        let by_others = "another removal has it".to_owned();
        Ok(taken.into_iter().map(|version| (version, by_others.clone())).collect())
    }

    /// What stands at a rank is never removed. No put of this resource can have brought it there.
    fn is_not_newest(
        &self,
        rank: &Rank,
        newest: Option<&Entry<Promoted>>,
        doomed: &[Doomed],
    ) -> anyhow::Result<()> {
        let newest = newest.map(|entry| &entry.what.release.version);
        match doomed.iter().find(|it| Some(&it.version) == newest) {
            None => Ok(()),
            Some(it) => Err(fault(
                format!(
                    "version {} came to stand at `{rank}` while it was being removed",
                    it.version
                ),
                "another program writes to this history: use one release of this resource only",
            )),
        }
    }

    /// The entries of versions that are decided stand no more at a later rank.
    async fn mark(&self, rank: &Rank, at: usize, doomed: &[Doomed]) -> anyhow::Result<()> {
        let history = self.history(rank)?;
        history
            .until_first(async || {
                let Some(current) = history.read().await? else { return Ok(Some(())) };
                let gone = standing(&current.head.shape(), at, doomed);
                if gone.is_empty() {
                    return Ok(Some(()));
                }
                self.is_not_newest(rank, current.head.entries().first(), doomed)?;
                let marked = history.try_mark(current, self.run, &gone).await?;
                Ok((marked == Written::Yes).then_some(()))
            })
            .await
    }

    /// Says at a rank that nothing is left of these versions, by whomever their entries were marked.
    async fn finish(&self, rank: &Rank, doomed: &[Doomed]) -> anyhow::Result<()> {
        let history = self.history(rank)?;
        let Some(current) = history.read().await? else { return Ok(()) };
        let removing = history.removing(&current.head).await?.into_iter();
        let own =
            removing.filter(|it| doomed.iter().any(|one| one.version == it.what.release.version));
        let numbers: Ranges = own.map(|entry| entry.number).collect();
        if numbers.is_empty() { Ok(()) } else { history.finish(&numbers).await }
    }
}

/// The entries of these versions at a rank that still stand.
fn standing(shape: &Shape, at: usize, doomed: &[Doomed]) -> Ranges {
    let numbers = doomed.iter().filter_map(|it| it.numbers.get(at)).flat_map(Ranges::iter);
    numbers.filter(|number| shape.stands(*number)).collect()
}
