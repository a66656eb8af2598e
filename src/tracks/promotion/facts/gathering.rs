//! The facts of one put, in the order in which they must be read.
//!
//! The rank's head comes before the archive: what is being removed is named in the head that an
//! entry goes into, and what is removed has a stone in the archive, or no bytes, by the time that
//! no head names it any more.

use super::{Ask, AtRank, at, history};
use crate::history::stored::{Current, MissedPage};
use crate::history::{Entry, Position};
use crate::s3;
use crate::s3::store::Store;
use crate::s3::transfer::Engine;
use crate::tracks::promotion::plan::{Facts, Goal, Hit};
use crate::tracks::promotion::rules::leaving::Leaving;
use crate::tracks::promotion::rules::{Intent, Place, Promoted, Refused, Release, S3P, Turn};
use crate::tracks::promotion::source::Promotion;
use crate::words::fault::fault;
use crate::words::names::ReleaseVersion;
use crate::words::time::stamp;
use anyhow::Context as _;
use std::ops::Range;
use std::time::SystemTime;

/// Reads the facts of one put, again and again while others are faster.
#[derive(Debug)]
pub(in crate::tracks::promotion) struct Gathering<'a> {
    pub(super) engine: &'a Engine,
    pub(super) track: &'a Promotion,
    ask: &'a Ask,
    id: String,
    /// What the put is about, which is settled by the first look.
    settled: Option<Settled>,
    /// The segments of the history that were searched: they never change.
    searched: u64,
    /// What was found in them.
    found: Option<Hit>,
    /// What a put that goes on leaves for the next one's search.
    pub(in crate::tracks::promotion) missed: Vec<MissedPage>,
}

/// What a put is about.
#[derive(Debug, Clone)]
struct Settled {
    intent: Intent,
    /// Of a promotion: the bytes that stood at the rank before.
    release: Option<Release>,
}

/// How far back an entry of the put can be.
enum Reach<'a> {
    Head,
    Since(Option<&'a Position>),
}

impl<'a> Gathering<'a> {
    /// A put that has looked at nothing yet.
    pub(in crate::tracks::promotion) fn new(
        engine: &'a Engine,
        track: &'a Promotion,
        ask: &'a Ask,
    ) -> Gathering<'a> {
        let id = s3::store::unique_id();
        let missed = Vec::new();
        Gathering { engine, track, ask, id, settled: None, searched: 0, found: None, missed }
    }

    pub(super) fn store(&self) -> &'a Store {
        &self.engine.store
    }

    /// Everything that the plan depends on, and the head that it may extend.
    pub(in crate::tracks::promotion) async fn gather(
        &mut self,
        build_url: Option<&str>,
    ) -> anyhow::Result<(Facts, Option<Current<Promoted>>)> {
        // Where the version comes from is said before what may be wrong here.
        if let (None, Ask::Promote { version }) = (&self.settled, self.ask) {
            self.settled = Some(self.at_the_rank_before(version.as_ref()).await?);
        }
        let at = at(self.store(), self.track, &self.track.rank).await?;
        let Settled { intent, release } = match &self.settled {
            Some(settled) => settled.clone(),
            None => self.settled.insert(self.settle(&at, build_url)?).clone(),
        };
        let is_foreign = at.shown.is_some() && at.s3p.is_none();
        let mut facts = Facts {
            id: self.id.clone(),
            newest: at.entries().first().cloned(),
            next: at.current.as_ref().map_or(1, |current| current.head.next()),
            is_leaving: false,
            hit: None,
            file: match self.ask {
                Ask::Upload { file, .. } => Some((file.facts.size, file.facts.sha256)),
                _ => None,
            },
            goal: Goal::Unread,
            shown: None,
            is_foreign,
            s3p: at.s3p.clone(),
            intent,
        };
        let fence = at.current.as_ref().and_then(|current| current.head.fence());
        if Leaving::of(fence)?.has(facts.intent.version()) {
            facts.is_leaving = true;
            return Ok((facts, at.current));
        }
        if facts.s3p.as_ref() == Some(facts.intent.version()) {
            if facts.file.is_some() {
                facts.goal = self.by_s3p(facts.intent.version(), &at).await?;
            }
            return Ok((facts, at.current));
        }
        if is_foreign {
            return Ok((facts, at.current));
        }
        let mut since = None;
        match (self.ask, release) {
            (Ask::Upload { file, .. }, _) => {
                let version = facts.intent.version().clone();
                (facts.goal, since) = self.in_the_archive(file, &version).await?;
            }
            (_, Some(release)) => facts.goal = self.goal(release).await?,
            _ => {}
        }
        if let Some(current) = at.current.as_ref().filter(|_| facts.newest.is_some()) {
            let reach = match facts.goal {
                Goal::Vacant { .. } => Reach::Head,
                _ => Reach::Since(since.as_ref()),
            };
            facts.hit = self.search(current, &facts.intent, &reach).await?;
        }
        match &facts.hit {
            Some(Hit::Base(entry)) => facts.goal = self.goal(entry.what.release.clone()).await?,
            Some(Hit::BaseByS3p) => {
                let release = self.archived_by_s3p(facts.intent.version()).await?;
                facts.goal = self.goal(release).await?;
            }
            // After the history: whoever extended it since looks at it again after this object.
            Some(Hit::Stands(_) | Hit::StoodByS3p(_)) => {
                let pointer = self.track.pointer(&self.track.rank)?;
                facts.shown = self.object(&pointer).await?;
            }
            None => {}
        }
        Ok((facts, at.current))
    }

    /// What an upload or a rollback is about.
    fn settle(&self, at: &AtRank, build_url: Option<&str>) -> anyhow::Result<Settled> {
        let intent = match self.ask {
            Ask::Upload { version: Some(version), .. } => {
                Intent::Upload { version: version.clone() }
            }
            Ask::Upload { file, version: None } => {
                let newest = at.entries().first().map(|entry| &entry.what.release);
                let standing = newest.filter(|release| release.sha256 == file.facts.sha256);
                Intent::Upload {
                    version: match standing {
                        Some(release) => release.version.clone(),
                        None => ReleaseVersion::parse(&stamp(SystemTime::now()))?,
                    },
                }
            }
            Ask::RollBack { version } => Intent::RollBack {
                version: version.clone(),
                build_url: build_url.map(str::to_owned),
            },
            Ask::Promote { .. } => return Err(anyhow::anyhow!("a promotion is settled before")),
        };
        Ok(Settled { intent, release: None })
    }

    /// The bytes of a version that stood at the rank before, and where in its history; of the
    /// version that stands there now where none is named.
    async fn at_the_rank_before(
        &mut self,
        version: Option<&ReleaseVersion>,
    ) -> anyhow::Result<Settled> {
        let rank = self.track.previous().context("the first rank has none before it")?;
        let at = at(self.store(), self.track, rank).await?;
        let settled = |release: Release, promotion| Settled {
            intent: Intent::Promote {
                version: release.version.clone(),
                from: Place { rank: rank.clone(), promotion },
            },
            release: Some(release),
        };
        let mut by_s3p = at.s3p;
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
                let history = history(self.store(), self.track, rank)?;
                let all = shape.segments_from(1);
                found = match version.map(ReleaseVersion::as_str) {
                    Some(name) => {
                        let (names, missed) = (Promoted::names, &mut self.missed);
                        history.find_named(&shape, all, name, names, missed, fits).await?
                    }
                    None => history.find(&shape, all, fits).await?,
                };
            }
        }
        if let Some(entry) = found {
            return Ok(settled(entry.what.release, entry.number));
        }
        let by_s3p = by_s3p.filter(|it| version.is_none_or(|version| version == it));
        let Some(by_s3p) = by_s3p else {
            let file = &self.track.file;
            if let Some(version) = version {
                self.is_not_removed(version).await?;
            }
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
        Ok(settled(self.archived_by_s3p(&by_s3p).await?, S3P))
    }

    /// Looks through the rank's history for the put, newest first.
    async fn search(
        &mut self,
        current: &Current<Promoted>,
        intent: &Intent,
        reach: &Reach<'_>,
    ) -> anyhow::Result<Option<Hit>> {
        let (head, id) = (&current.head, self.id.clone());
        for (index, entry) in head.entries().iter().enumerate() {
            let turn = if index == 0 { Turn::Now } else { Turn::Before };
            if let Some(hit) = Hit::of(intent, &id, entry, turn) {
                return Ok(Some(hit));
            }
        }
        let shape = head.shape();
        let range = match reach {
            Reach::Head => return Ok(None),
            Reach::Since(since) => shape.segments_since(*since),
        };
        let unseen: Range<u64> = self.searched.max(range.start)..range.end;
        let mut hit = None;
        let (name, names) = (intent.version().as_str(), Promoted::names);
        history(&self.engine.store, self.track, &self.track.rank)?
            .find_named(&shape, unseen, name, names, &mut self.missed, |entry| {
                hit = Hit::of(intent, &id, entry, Turn::Before);
                hit.is_some()
            })
            .await?;
        self.searched = range.end;
        self.found = hit.or(self.found.take());
        // It may be removed since.
        let stands = |hit: &Hit| hit.entry().is_none_or(|entry| shape.stands(entry.number));
        self.found = self.found.take().filter(stands);
        Ok(self.found.clone())
    }
}
