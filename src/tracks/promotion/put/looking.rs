//! What stands, and stood, at a rank.

use super::Climbing;
use crate::history::stored::{Current, History};
use crate::history::{Entry, Head, Position};
use crate::s3::store::Facts;
use crate::tracks::promotion::rules::{Intent, Look, Place, Promoted, Refused, Release, S3P};
use crate::words::fault::fault;
use crate::words::names::{Rank, ReleaseVersion};
use crate::words::object::{PROMOTION, VERSION};
use anyhow::Context as _;

/// What there is at a rank.
#[derive(Debug)]
pub struct AtRank {
    /// The history; none: nothing of ours.
    pub current: Option<Current<Promoted>>,
    /// What s3p put there, while the history has no entry.
    pub s3p: Option<(ReleaseVersion, Facts)>,
    /// Whether the rank's object is neither's.
    pub(super) is_foreign: bool,
}

impl AtRank {
    /// The entries of the head, newest first.
    pub fn entries(&self) -> &[Entry<Promoted>] {
        self.current.as_ref().map_or(&[], |current| current.head.entries())
    }
}

impl<'a> Climbing<'a> {
    /// The history of a rank.
    pub(super) fn record(&self, rank: &Rank) -> anyhow::Result<History<'a, Promoted>> {
        Ok(History::new(&self.engine.store, self.track.history(rank)?))
    }

    /// Reads what there is at a rank.
    pub async fn at(&self, rank: &Rank) -> anyhow::Result<AtRank> {
        let record = self.record(rank)?;
        let mut at = AtRank { current: record.read().await?, s3p: None, is_foreign: false };
        if !at.entries().is_empty() {
            return Ok(at);
        }
        let Some((by_s3p, facts)) = self.shown(rank).await? else { return Ok(at) };
        // The history came between the two, unless somebody deleted it.
        if facts.metadata.contains_key(PROMOTION) {
            at.current = record.read().await?;
            if !at.entries().is_empty() {
                return Ok(at);
            }
        }
        at.is_foreign = by_s3p.is_none();
        at.s3p = by_s3p.map(|version| (version, facts));
        Ok(at)
    }

    /// A rank's object, and the version that it says it is.
    async fn shown(&self, rank: &Rank) -> anyhow::Result<Option<(Option<ReleaseVersion>, Facts)>> {
        let (store, pointer) = (&self.engine.store, self.track.pointer(rank)?);
        let Some(facts) = store.head(&pointer).await? else { return Ok(None) };
        let version = facts.metadata.get(VERSION).map(|text| ReleaseVersion::parse(text));
        let version = version.transpose().with_context(|| store.uri(pointer.as_str()))?;
        Ok(Some((version, facts)))
    }

    /// The version that stood at this rank before the one that stands there now.
    pub async fn version_before(&self) -> anyhow::Result<ReleaseVersion> {
        let record = self.record(&self.track.rank)?;
        let none = || {
            let file = &self.track.file;
            let why = format!("no other version of {file} stood at the rank `{}`", self.track.rank);
            fault(why, "`s3-asset release history` lists what stood there")
                .context(Refused::ROLL_BACK)
        };
        let Some(Current { head, .. }) = record.read().await? else { return Err(none()) };
        let Some(newest) = head.entries().first() else { return Err(none()) };
        let now = &newest.what.release.version;
        let mut before = None;
        let mut look = |entry: &Entry<Promoted>| {
            let own = Some(&entry.what.release.version).filter(|version| *version != now);
            before = own.or(entry.what.after_s3p.as_ref()).filter(|it| *it != now).cloned();
            before.is_some()
        };
        if !head.entries().iter().any(&mut look) {
            let shape = head.shape();
            record.find(&shape, shape.segments_from(1), &mut look).await?;
        }
        before.ok_or_else(none)
    }

    /// The bytes of a version that stood at a rank, and where in its history; of the version that
    /// stands there now where none is named.
    pub(super) async fn standing_at(
        &self,
        rank: &Rank,
        version: Option<&ReleaseVersion>,
    ) -> anyhow::Result<(Release, Place)> {
        let at = self.at(rank).await?;
        let place = |promotion| Place { rank: rank.clone(), promotion };
        let mut by_s3p = at.s3p.map(|(standing, _)| standing);
        let mut found = None;
        if let Some(Current { head, .. }) = &at.current {
            let mut fits = |entry: &Entry<Promoted>| {
                let own = &entry.what.release.version;
                if version.is_none_or(|version| version == own) {
                    return true;
                }
                by_s3p = by_s3p.take().or_else(|| entry.what.after_s3p.clone());
                false
            };
            found = head.entries().iter().find(|entry| fits(entry)).cloned();
            if found.is_none() {
                let shape = head.shape();
                found = self.record(rank)?.find(&shape, shape.segments_from(1), fits).await?;
            }
        }
        if let Some(entry) = found {
            return Ok((entry.what.release, place(entry.number)));
        }
        let by_s3p = by_s3p.filter(|it| version.is_none_or(|version| version == it));
        let Some(by_s3p) = by_s3p else {
            let file = &self.track.file;
            let what = match version {
                Some(version) => format!("version {version} of {file} never stood"),
                None => format!("nothing of {file} stands"),
            };
            return Err(fault(
                format!("{what} at the rank `{rank}`"),
                format!("promote it to `{rank}` first: a release climbs rank by rank"),
            )
            .context(Refused::SKIP));
        };
        Ok((self.archived_by_s3p(&by_s3p).await?, place(S3P)))
    }

    /// The bytes of a version that s3p promoted.
    pub(super) async fn archived_by_s3p(
        &self,
        version: &ReleaseVersion,
    ) -> anyhow::Result<Release> {
        let Some(archived) = self.archived(version).await? else {
            let key = self.track.shelf(version)?.plain;
            return Err(fault(
                format!("{} is not in the archive", self.engine.store.uri(key.as_str())),
                "s3p kept every version there: restore it, or upload the file to the first rank",
            )
            .context(Refused::PROMOTE));
        };
        Ok(archived.release)
    }
}

/// What a search in a rank's history found.
#[derive(Debug, Clone)]
pub(super) enum Hit {
    /// The put is done: this is its entry.
    Stands(Entry<Promoted>),
    /// It was done by s3p.
    StoodByS3p(ReleaseVersion),
    /// What the rank goes back to.
    Base(Entry<Promoted>),
    /// The same, put there by s3p.
    BaseByS3p,
}

fn judge(intent: &Intent, id: &str, entry: &Entry<Promoted>, is_newest: bool) -> Option<Hit> {
    match intent.look(id, entry, is_newest) {
        Look::Stands => return Some(Hit::Stands(entry.clone())),
        Look::Base => return Some(Hit::Base(entry.clone())),
        Look::Nothing => {}
    }
    let before = entry.what.after_s3p.as_ref()?;
    match intent.look_at_s3p(before) {
        Look::Stands => Some(Hit::StoodByS3p(before.clone())),
        Look::Base => Some(Hit::BaseByS3p),
        Look::Nothing => None,
    }
}

/// A search for what a put is about, in the heads that it meets. Segments never change: what was
/// looked through once need not be again.
#[derive(Debug)]
pub(super) struct Search<'a> {
    record: &'a History<'a, Promoted>,
    intent: &'a Intent,
    /// The put's own.
    id: &'a str,
    /// The entry, where there is one, was made after this.
    since: Option<&'a Position>,
    done: u64,
    below: Option<Hit>,
}

impl<'a> Search<'a> {
    /// A search that has seen nothing yet.
    pub(super) fn new(
        record: &'a History<'a, Promoted>,
        intent: &'a Intent,
        id: &'a str,
        since: Option<&'a Position>,
    ) -> Search<'a> {
        Search { record, intent, id, since, done: 0, below: None }
    }

    /// Looks through a history, newest first.
    pub(super) async fn through(&mut self, head: &Head<Promoted>) -> anyhow::Result<Option<Hit>> {
        for (index, entry) in head.entries().iter().enumerate() {
            if let Some(hit) = judge(self.intent, self.id, entry, index == 0) {
                return Ok(Some(hit));
            }
        }
        let shape = head.shape();
        let range = shape.segments_since(self.since);
        let mut hit = None;
        let unseen = self.done.max(range.start)..range.end;
        self.record
            .find(&shape, unseen, |entry| {
                hit = judge(self.intent, self.id, entry, false);
                hit.is_some()
            })
            .await?;
        self.done = range.end;
        self.below = hit.or(self.below.take());
        Ok(self.below.clone())
    }
}
