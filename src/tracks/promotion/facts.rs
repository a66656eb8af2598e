//! What a put at a rank depends on, read from S3: reads only.

use super::plan::{Facts, Goal, Hit, Object};
use super::rules::archive::{Record, Shelf};
use super::rules::{Intent, Place, Promoted, Refused, Release, S3P, Turn};
use super::source::Promotion;
use crate::history::stored::{Current, History, MissedPage};
use crate::history::{Entry, Position};
use crate::machine::workspace::Hashed;
use crate::s3;
use crate::s3::store::Store;
use crate::s3::transfer::Engine;
use crate::sealing::claim::{At, Claimed, Kind, Seen, place};
use crate::words::fault::fault;
use crate::words::file::FileFacts;
use crate::words::names::{Key, Rank, ReleaseVersion};
use crate::words::object::{POSITION, PROMOTION, VERSION};
use crate::words::time::stamp;
use anyhow::Context as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

/// What a put is asked for.
#[derive(Debug, Clone)]
pub enum Ask {
    /// A file goes up to the first rank.
    Upload {
        /// The file.
        file: Arc<Hashed>,
        /// Its version; none: the time, unless its very bytes stand there already.
        version: Option<ReleaseVersion>,
    },
    /// A version climbs from the rank before.
    Promote {
        /// Which; none: what stands there.
        version: Option<ReleaseVersion>,
    },
    /// The rank goes back to a version that stood there.
    RollBack {
        /// Which.
        version: ReleaseVersion,
    },
}

/// What there is at a rank.
#[derive(Debug)]
pub struct AtRank {
    /// The history; none: nothing of ours.
    pub current: Option<Current<Promoted>>,
    /// What s3p put there, while the history has no entry.
    pub s3p: Option<ReleaseVersion>,
    /// The rank's object, read while the history has no entry.
    shown: Option<s3::store::Facts>,
}

impl AtRank {
    /// The entries of the head, newest first.
    pub fn entries(&self) -> &[Entry<Promoted>] {
        self.current.as_ref().map_or(&[], |current| current.head.entries())
    }
}

/// The history of a rank.
pub(super) fn history<'a>(
    store: &'a Store,
    track: &Promotion,
    rank: &Rank,
) -> anyhow::Result<History<'a, Promoted>> {
    Ok(History::new(store, track.history(rank)?))
}

/// Reads what there is at a rank.
pub async fn at(store: &Store, track: &Promotion, rank: &Rank) -> anyhow::Result<AtRank> {
    let history = history(store, track, rank)?;
    let mut at = AtRank { current: history.read().await?, s3p: None, shown: None };
    if !at.entries().is_empty() {
        return Ok(at);
    }
    let pointer = track.pointer(rank)?;
    let Some(shown) = store.head(&pointer).await? else { return Ok(at) };
    // The history came between the two, unless somebody deleted it.
    if shown.metadata.contains_key(PROMOTION) {
        at.current = history.read().await?;
        if !at.entries().is_empty() {
            return Ok(at);
        }
    }
    let version = shown.metadata.get(VERSION).map(|text| ReleaseVersion::parse(text));
    at.s3p = version.transpose().with_context(|| store.uri(pointer.as_str()))?;
    at.shown = Some(shown);
    Ok(at)
}

/// The version that stood at the track's rank before the one that stands there now.
pub async fn version_before(store: &Store, track: &Promotion) -> anyhow::Result<ReleaseVersion> {
    let history = history(store, track, &track.rank)?;
    let none = || {
        let why = format!("no other version of {} stood at the rank `{}`", track.file, track.rank);
        fault(why, "`s3-asset release history` lists what stood there").context(Refused::ROLL_BACK)
    };
    let Some(Current { head, .. }) = history.read().await? else { return Err(none()) };
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
        history.find(&shape, shape.segments_from(1), &mut look).await?;
    }
    before.ok_or_else(none)
}

/// Reads the facts of one put, again and again while others are faster.
#[derive(Debug)]
pub(super) struct Gathering<'a> {
    engine: &'a Engine,
    track: &'a Promotion,
    ask: &'a Ask,
    id: String,
    /// What the put is about, which is settled by the first look.
    settled: Option<Settled>,
    /// The segments of the history that were searched: they never change.
    searched: u64,
    /// What was found in them.
    found: Option<Hit>,
    /// What a put that goes on leaves for the next one's search.
    pub(super) missed: Vec<MissedPage>,
}

/// What a put is about.
#[derive(Debug, Clone)]
struct Settled {
    intent: Intent,
    /// Of a promotion: the bytes that stood at the rank before.
    release: Option<Release>,
}

/// A version that the archive holds.
struct Archived {
    release: Release,
    /// Its entry in the first rank's history, where there is one, was made after this.
    since: Option<Position>,
}

/// How far back an entry of the put can be.
enum Reach<'a> {
    Head,
    Since(Option<&'a Position>),
}

impl<'a> Gathering<'a> {
    /// A put that has looked at nothing yet.
    pub(super) fn new(engine: &'a Engine, track: &'a Promotion, ask: &'a Ask) -> Gathering<'a> {
        let id = s3::store::unique_id();
        let missed = Vec::new();
        Gathering { engine, track, ask, id, settled: None, searched: 0, found: None, missed }
    }

    fn store(&self) -> &'a Store {
        &self.engine.store
    }

    /// Everything that the plan depends on, and the head that it may extend.
    pub(super) async fn gather(
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

    /// The bytes of a version that s3p promoted.
    async fn archived_by_s3p(&self, version: &ReleaseVersion) -> anyhow::Result<Release> {
        let shelf = self.track.shelf(version)?;
        if let Some(archived) = self.recorded(version, &shelf).await? {
            return Ok(archived.release);
        }
        match self.read_through(version, &shelf).await? {
            Some(release) => Ok(release),
            None => Err(fault(
                format!("{} is not in the archive", self.store().uri(shelf.plain.as_str())),
                "s3p kept every version there: restore it, or upload the file to the first rank",
            )
            .context(Refused::PROMOTE)),
        }
    }

    /// What s3p put at the rank: the archive's object, or else the rank's.
    async fn by_s3p(&self, version: &ReleaseVersion, at: &AtRank) -> anyhow::Result<Goal> {
        let shelf = self.track.shelf(version)?;
        let archived = match self.recorded(version, &shelf).await? {
            Some(archived) => Some(archived.release),
            None => self.read_through(version, &shelf).await?,
        };
        let release = match (archived, &at.shown) {
            (Some(release), _) => release,
            (None, Some(shown)) => {
                let key = self.track.pointer(&self.track.rank)?;
                let sha256 = self.engine.hash(&key, shown.size).await?;
                Release { version: version.clone(), size: shown.size, sha256, key }
            }
            (None, None) => return Ok(Goal::Unread),
        };
        Ok(Goal::Archived { release, object: None, plain: Seen::Nothing })
    }

    /// What the archive holds of a file's version.
    async fn in_the_archive(
        &self,
        file: &Hashed,
        version: &ReleaseVersion,
    ) -> anyhow::Result<(Goal, Option<Position>)> {
        let shelf = self.track.shelf(version)?;
        if let Some(Archived { release, since }) = self.recorded(version, &shelf).await? {
            let object = self.object(&release.key).await?;
            let plain = match release.key == shelf.plain {
                true => Seen::Nothing,
                false => seen(self.object(&shelf.plain).await?, &file.facts),
            };
            return Ok((Goal::Archived { release, object, plain }, since));
        }
        let plain = self.object(&shelf.plain).await?;
        // Asked for after the object: whoever writes it claims it first.
        let claim = self.store().get(&shelf.claim()?).await?;
        let claim = Kind::Release.claimed(claim.as_ref().map(|it| it.bytes.as_ref()));
        if let (Some(object), Claimed::ByNobody) = (&plain, claim) {
            let release = self.hashed(version, &shelf.plain, object.size).await?;
            let object = Some(object.clone());
            return Ok((Goal::Archived { release, object, plain: Seen::Nothing }, None));
        }
        let sha256 = &file.facts.sha256;
        let plain = seen(plain, &file.facts);
        let own = match place(claim, sha256, plain, Seen::Nothing) {
            (At::Plain, _) => Seen::Nothing,
            (At::Own, _) => seen(self.object(&shelf.own(sha256)?).await?, &file.facts),
        };
        Ok((Goal::Vacant { claim, plain, own }, None))
    }

    /// What the archive's record says of a version.
    async fn recorded(
        &self,
        version: &ReleaseVersion,
        shelf: &Shelf,
    ) -> anyhow::Result<Option<Archived>> {
        let key = shelf.record()?;
        let Some(fetched) = self.store().get(&key).await? else { return Ok(None) };
        let record = Record::parse(&fetched.bytes, version, &self.track.file, shelf)
            .with_context(|| self.store().uri(key.as_str()))?;
        let since = fetched.metadata.get(POSITION).and_then(|text| Position::parse(text));
        Ok(Some(Archived { release: record.release, since }))
    }

    /// What s3p archived, which has no record; none: nothing that is whole.
    async fn read_through(
        &self,
        version: &ReleaseVersion,
        shelf: &Shelf,
    ) -> anyhow::Result<Option<Release>> {
        let Some(object) = self.object(&shelf.plain).await? else { return Ok(None) };
        // Asked for after the object: whoever writes it claims it first.
        if self.store().head(&shelf.claim()?).await?.is_some() {
            return Ok(None);
        }
        self.hashed(version, &shelf.plain, object.size).await.map(Some)
    }

    async fn hashed(
        &self,
        version: &ReleaseVersion,
        key: &Key,
        size: u64,
    ) -> anyhow::Result<Release> {
        self.store().report().info(format!(
            "reading {}, of which s3p recorded no SHA-256",
            self.store().uri(key.as_str())
        ));
        let sha256 = self.engine.hash(key, size).await?;
        Ok(Release { version: version.clone(), size, sha256, key: key.clone() })
    }

    /// A release of the archive, and whether it still is there.
    async fn goal(&self, release: Release) -> anyhow::Result<Goal> {
        let object = self.object(&release.key).await?;
        Ok(Goal::Archived { release, object, plain: Seen::Nothing })
    }

    async fn object(&self, key: &Key) -> anyhow::Result<Option<Object>> {
        Ok(self.store().head(key).await?.as_ref().map(Object::from))
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
        Ok(self.found.clone())
    }
}

/// What lies under a key, as a file sees it that is to lie there.
fn seen(object: Option<Object>, file: &FileFacts) -> Seen {
    match object {
        None => Seen::Nothing,
        Some(object) if object.holds(file.size, &file.sha256) => Seen::These,
        Some(_) => Seen::Others,
    }
}
