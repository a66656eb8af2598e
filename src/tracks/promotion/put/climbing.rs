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
use super::looking::{AtRank, Hit, Search};
use super::outcome::{News, Outcome, Standing};
use crate::history::stored::{Current, History, Next};
use crate::history::{Entry, Head, Position};
use crate::machine::workspace::{Found, hash};
use crate::s3::store::{Facts, unique_id};
use crate::s3::transfer::{Engine, blocking};
use crate::tracks::promotion::rules::{Intent, Place, Promoted, Refused, Release, S3P};
use crate::tracks::promotion::source::Promotion;
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::ReleaseVersion;
use crate::words::object::{ObjectOptions, PROMOTION, VERSION};
use std::sync::Arc;

/// A file at a rank.
#[derive(Debug)]
pub struct Climbing<'a> {
    /// Moves the bytes.
    pub engine: &'a Engine,
    /// Which file, which rank.
    pub track: &'a Promotion,
    /// Who does it, and when.
    pub run: &'a Run,
    /// What the objects carry.
    pub options: &'a ObjectOptions,
}

impl Climbing<'_> {
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
        let build_url = self.run.build.url.clone();
        let intent = Intent::RollBack { version: version.clone(), build_url };
        self.enter(current, s3p, &intent, None).await
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
        let mut search = Search::new(&record, intent, &id, since);
        let mut stood_by_s3p = None;
        let decide = async |head: &Head<Promoted>| {
            stood_by_s3p = None;
            let hit = search.through(head).await?;
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
        let (entry, head) = record.extend(current, self.run, decide).await?;
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
        record: &History<'_, Promoted>,
        mut newest: Entry<Promoted>,
    ) -> anyhow::Result<()> {
        let pointer = self.track.pointer(&self.track.rank)?;
        loop {
            let there = self.engine.store.head(&pointer).await?;
            if there.is_some_and(|there| shows(&there, &newest)) {
                return Ok(());
            }
            self.copy(&newest.what.release, &pointer, Some(newest.number)).await?;
            let Some(mut head) = record.peek().await? else { return Ok(()) };
            match head.older()? {
                Some(entry) if entry.number != newest.number => newest = entry,
                _ => return Ok(()),
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

/// Whether a rank's object shows an entry.
fn shows(there: &Facts, entry: &Entry<Promoted>) -> bool {
    let release = &entry.what.release;
    let says = |name: &str, value: &str| there.metadata.get(name).is_some_and(|it| it == value);
    holds(there, release.size, &release.sha256)
        && says(VERSION, release.version.as_str())
        && says(PROMOTION, &entry.number.to_string())
}
