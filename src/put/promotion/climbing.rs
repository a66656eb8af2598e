//! A rank's history is extended, and the rank's object follows it: what a put and the operator's
//! commands share.
//!
//! The order of effects, each of which the next relies on: the bytes are in the archive, the
//! history has the entry, the rank's object shows it. The history decides. Whoever writes the
//! object looks at the history again afterwards, and goes on until the object shows the newest
//! entry: so whatever several writers do, the last of them leaves the newest; and after one that was
//! killed, the next put does.

use super::archiving::holds;
use super::default_version;
use crate::fault::fault;
use crate::history::{Build, Entry, Head, Position};
use crate::names::{Rank, ReleaseVersion};
use crate::object::{ObjectOptions, PROMOTION, VERSION};
use crate::promotion::{Intent, Look, Place, Promoted, Refused, Release, S3P};
use crate::record::{Current, Next, Record};
use crate::report::{Report, size};
use crate::source::Promotion;
use crate::store::{Facts, unique_id};
use crate::transfer::{Engine, blocking};
use crate::workspace::{Found, hash};
use anyhow::Context as _;
use std::sync::Arc;

/// A file at a rank.
#[derive(Debug)]
pub struct Climbing<'a> {
    /// Moves the bytes.
    pub engine: &'a Engine,
    /// Which file, which rank.
    pub track: &'a Promotion,
    /// Who.
    pub build: &'a Build,
    /// When, in UTC, RFC 3339.
    pub time: &'a str,
    /// What the objects carry.
    pub options: &'a ObjectOptions,
}

/// What a put answers.
#[derive(Debug)]
pub struct Outcome {
    /// What the put was about.
    pub standing: Standing,
    /// What became of it.
    pub news: News,
}

/// Something that stands or stood at a rank.
#[derive(Debug, Clone)]
pub enum Standing {
    /// An entry of the rank's history.
    Entry(Box<Entry<Promoted>>),
    /// What s3p put there.
    S3p(ReleaseVersion),
}

/// What became of a put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The version stands there now.
    Promoted,
    /// It stood there already.
    Already,
    /// It was put there before, and this version stands there now: nothing was done.
    Before(ReleaseVersion),
}

impl Standing {
    /// Its version.
    pub fn version(&self) -> &ReleaseVersion {
        match self {
            Standing::Entry(entry) => &entry.what.release.version,
            Standing::S3p(version) => version,
        }
    }

    /// Its number in the rank's history.
    pub fn number(&self) -> u64 {
        self.entry().map_or(S3P, |entry| entry.number)
    }

    /// Its entry, where it has one.
    pub fn entry(&self) -> Option<&Entry<Promoted>> {
        match self {
            Standing::Entry(entry) => Some(entry),
            Standing::S3p(_) => None,
        }
    }
}

impl Outcome {
    /// Says what became of it.
    pub fn tell(&self, track: &Promotion, report: &Report) {
        let (file, rank, version) = (&track.file, &track.rank, self.standing.version());
        match &self.news {
            News::Promoted => {
                let what = self.standing.entry().map(|entry| &entry.what);
                let bytes = size(what.map_or(0, |what| what.release.size));
                let number = self.standing.number();
                report.success(if what.is_some_and(|what| what.rollback) {
                    format!("rolled back {file} to version {version} ({bytes}) in {rank} rank, promotion {number}")
                } else {
                    format!("promoted {file} version {version} ({bytes}) to {rank} rank, promotion {number}")
                });
            }
            News::Already => report.info(format!("{file} version {version} already in {rank} rank")),
            News::Before(now) => report.warn(format!(
                "{file} version {version} was in {rank} rank before (promotion {}), and {now} is there now: nothing is changed; `rollback: true` puts it back",
                self.standing.number()
            )),
        }
    }
}

/// What there is at a rank.
#[derive(Debug)]
pub struct AtRank {
    /// The history; none: nothing of ours.
    pub current: Option<Current<Promoted>>,
    /// What s3p put there, while the history has no entry.
    pub s3p: Option<(ReleaseVersion, Facts)>,
    /// Whether the rank's object is neither's.
    is_foreign: bool,
}

impl AtRank {
    /// The entries of the head, newest first.
    pub fn entries(&self) -> &[Entry<Promoted>] {
        self.current.as_ref().map_or(&[], |current| current.head.entries())
    }
}

/// What a search in a rank's history found.
#[derive(Debug, Clone)]
enum Hit {
    Stands(Entry<Promoted>),
    StoodByS3p(ReleaseVersion),
    Base(Entry<Promoted>),
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

/// Segments never change: what was looked through once need not be again.
#[derive(Debug, Default)]
struct Searched {
    through: u64,
    hit: Option<Hit>,
}

impl<'a> Climbing<'a> {
    fn record(&self, rank: &Rank) -> anyhow::Result<Record<'a, Promoted>> {
        Ok(Record::new(&self.engine.store, self.track.history(rank)?))
    }

    /// Reads what there is at a rank.
    pub async fn at(&self, rank: &Rank) -> anyhow::Result<AtRank> {
        let current = self.record(rank)?.read().await?;
        let mut at = AtRank { current, s3p: None, is_foreign: false };
        if at.entries().is_empty()
            && let Some((by_s3p, facts)) = self.shown(rank).await?
        {
            at.is_foreign = by_s3p.is_none();
            at.s3p = by_s3p.map(|version| (version, facts));
        }
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

    /// Uploads a file to the first rank; without a version it gets the time, unless its very bytes
    /// stand there already.
    pub async fn upload(
        &self,
        file: Found,
        version: Option<ReleaseVersion>,
    ) -> anyhow::Result<Outcome> {
        let store = &self.engine.store;
        let part = store.part_of(file.size);
        let file = Arc::new(blocking(move || hash(&file, part)).await?);
        let at = self.at(&self.track.rank).await?;
        let standing =
            at.entries().first().filter(|it| it.what.release.sha256 == file.facts.sha256);
        let version = match (version, standing) {
            (Some(version), _) => version,
            (None, Some(entry)) => entry.what.release.version.clone(),
            (None, None) => default_version()?,
        };
        if let Some((standing, facts)) = &at.s3p
            && *standing == version
        {
            let release = match self.archived(&version).await? {
                Some(archived) => archived.release,
                None => {
                    let key = self.track.pointer(&self.track.rank)?;
                    let sha256 = self.engine.hash(&key, facts.size).await?;
                    Release { version: version.clone(), size: facts.size, sha256, key }
                }
            };
            self.same_bytes(&file, &release)?;
            return Ok(Outcome { standing: Standing::S3p(version), news: News::Already });
        }
        let (current, s3p) = self.begun(at).await?;
        let position = current.head.position();
        let archived = self.archive(&file, &version, &position).await?;
        let intent = Intent::Upload { release: archived.release };
        self.enter(current, s3p, &intent, archived.since.as_ref()).await
    }

    /// Promotes a version, or what stands there, from the rank before.
    pub async fn promote(&self, version: Option<&ReleaseVersion>) -> anyhow::Result<Outcome> {
        let Some(previous) = self.track.previous() else {
            return Err(anyhow::anyhow!("the first rank has none before it"));
        };
        let (release, from) = self.standing_at(previous, version).await?;
        let at = self.at(&self.track.rank).await?;
        if let Some((standing, _)) = &at.s3p
            && *standing == release.version
        {
            let standing = Standing::S3p(standing.clone());
            return Ok(Outcome { standing, news: News::Already });
        }
        // Before anything is changed.
        self.original(&release).await?;
        let (current, s3p) = self.begun(at).await?;
        self.enter(current, s3p, &Intent::Promote { release, from }, None).await
    }

    /// Puts back a version that stood at this rank before.
    pub async fn roll_back(&self, version: &ReleaseVersion) -> anyhow::Result<Outcome> {
        let at = self.at(&self.track.rank).await?;
        match &at.s3p {
            Some((standing, _)) if standing == version => {
                let standing = Standing::S3p(version.clone());
                return Ok(Outcome { standing, news: News::Already });
            }
            _ if at.entries().is_empty() => return Err(self.never_stood(version)),
            _ => {}
        }
        let (current, s3p) = self.begun(at).await?;
        let build_url = self.build.url.clone();
        let intent = Intent::RollBack { version: version.clone(), build_url };
        self.enter(current, s3p, &intent, None).await
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
    async fn standing_at(
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
    async fn archived_by_s3p(&self, version: &ReleaseVersion) -> anyhow::Result<Release> {
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

    /// The history of this rank, begun where there is none, and what s3p had put there.
    async fn begun(
        &self,
        at: AtRank,
    ) -> anyhow::Result<(Current<Promoted>, Option<ReleaseVersion>)> {
        if at.is_foreign {
            let pointer = self.track.pointer(&self.track.rank)?;
            return Err(fault(
                format!(
                    "{} is no release: it has no `version` metadata",
                    self.engine.store.uri(pointer.as_str())
                ),
                "move it away, or give `file` another name",
            )
            .context(Refused::PROMOTE));
        }
        let current = match at.current {
            Some(current) if !current.head.entries().is_empty() => current,
            // Also where somebody began it and went no further: perhaps because the server ignores
            // conditions, which this finds out.
            _ => self.record(&self.track.rank)?.begin().await?,
        };
        Ok((current, at.s3p.map(|(version, _)| version)))
    }

    /// Enters a promotion in this rank's history unless it is there, and makes the rank's object
    /// show what stands. `since`: the entry, where there is one, was made after this.
    async fn enter(
        &self,
        current: Current<Promoted>,
        s3p: Option<ReleaseVersion>,
        intent: &Intent,
        since: Option<&Position>,
    ) -> anyhow::Result<Outcome> {
        let (rank, id) = (&self.track.rank, unique_id());
        let record = self.record(rank)?;
        let mut searched = Searched::default();
        let mut stood_by_s3p = None;
        let decide = async |head: &Head<Promoted>| {
            stood_by_s3p = None;
            let hit = search(&record, head, since, intent, &id, &mut searched).await?;
            let own = |release: Release, from: Option<Place>, rollback: bool| Promoted {
                release,
                from,
                rollback,
                after_s3p: s3p.clone().filter(|_| head.next() == 1),
                id: id.clone(),
            };
            let back = |promotion| Some(Place { rank: rank.clone(), promotion });
            Ok(Next::Append(match (hit, intent) {
                (Some(Hit::Stands(entry)), _) => return Ok(Next::Stands(entry)),
                (Some(Hit::StoodByS3p(version)), _) => {
                    stood_by_s3p = Some(version);
                    let newest = head.entries().first().cloned();
                    return newest.map(Next::Stands).ok_or_else(|| anyhow::anyhow!("no entry"));
                }
                (Some(Hit::Base(entry)), _) => {
                    self.original(&entry.what.release).await?;
                    own(entry.what.release, back(entry.number), true)
                }
                (Some(Hit::BaseByS3p), _) => {
                    own(self.archived_by_s3p(intent.version()).await?, back(S3P), true)
                }
                (None, Intent::Upload { release }) => own(release.clone(), None, false),
                (None, Intent::Promote { release, from }) => {
                    own(release.clone(), Some(from.clone()), false)
                }
                (None, Intent::RollBack { version, .. }) => return Err(self.never_stood(version)),
            }))
        };
        let (entry, head) = record.extend(current, self.time, self.build, decide).await?;
        let newest = head.entries().first().unwrap_or(&entry).clone();
        let news = match &stood_by_s3p {
            None if entry.what.id == id => News::Promoted,
            None if entry.number == newest.number => News::Already,
            _ => News::Before(newest.what.release.version.clone()),
        };
        self.show(&record, newest).await?;
        let standing = match stood_by_s3p {
            Some(version) => Standing::S3p(version),
            None => Standing::Entry(Box::new(entry)),
        };
        Ok(Outcome { standing, news })
    }

    /// Makes the rank's object show the newest entry.
    async fn show(
        &self,
        record: &Record<'_, Promoted>,
        mut newest: Entry<Promoted>,
    ) -> anyhow::Result<()> {
        let pointer = self.track.pointer(&self.track.rank)?;
        loop {
            let there = self.engine.store.head(&pointer).await?;
            if there.is_some_and(|there| shows(&there, &newest)) {
                return Ok(());
            }
            self.copy(&newest.what.release, &pointer, Some(newest.number)).await?;
            if let Some(mut head) = record.peek().await?
                && let Some(entry) = head.older()?
            {
                newest = entry;
            }
        }
    }

    fn never_stood(&self, version: &ReleaseVersion) -> anyhow::Error {
        fault(
            format!("version {version} of {} never stood at the rank `{}`", self.track.file, self.track.rank),
            "`s3-asset release history` lists what stood there; a version that did not is promoted without `rollback`",
        )
        .context(Refused::ROLL_BACK)
    }
}

/// Looks through a history, newest first: its head, and the segments since a position.
async fn search(
    record: &Record<'_, Promoted>,
    head: &Head<Promoted>,
    since: Option<&Position>,
    intent: &Intent,
    id: &str,
    searched: &mut Searched,
) -> anyhow::Result<Option<Hit>> {
    for (index, entry) in head.entries().iter().enumerate() {
        if let Some(hit) = judge(intent, id, entry, index == 0) {
            return Ok(Some(hit));
        }
    }
    let shape = head.shape();
    let range = shape.segments_since(since);
    let mut hit = None;
    let unseen = searched.through.max(range.start)..range.end;
    record
        .find(&shape, unseen, |entry| {
            hit = judge(intent, id, entry, false);
            hit.is_some()
        })
        .await?;
    searched.through = range.end;
    if hit.is_some() {
        searched.hit = hit;
    }
    Ok(searched.hit.clone())
}

/// Whether a rank's object shows an entry.
fn shows(there: &Facts, entry: &Entry<Promoted>) -> bool {
    let release = &entry.what.release;
    let says = |name: &str, value: &str| there.metadata.get(name).is_some_and(|it| it == value);
    holds(there, release.size, &release.sha256)
        && says(VERSION, release.version.as_str())
        && says(PROMOTION, &entry.number.to_string())
}
