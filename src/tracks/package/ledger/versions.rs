//! Adding versions, with sequential numbers and with timestamps.

use super::{Ledger, Standing};
use crate::history::stored::{Current, Next};
use crate::history::{Event, Head};
use crate::machine::workspace::Hashed;
use crate::s3::store::{Condition, Written, unique_id};
use crate::s3::transfer::AT_ONCE;
use crate::tracks::package::rules::{
    Change, Entered, Pointer, Stood, VersionRecord, newest, standing,
};
use crate::tracks::package::source::Numbering;
use crate::words::build::{Build, Run};
use crate::words::object::{ObjectOptions, UserMetadata};
use anyhow::Context as _;
use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::sync::Arc;

/// A file that is to be a version.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its bytes.
    pub file: Arc<Hashed>,
    /// Its mode, as `st_mode`.
    pub mode: u32,
    /// What the user says of the version.
    pub metadata: UserMetadata,
    /// What the blob's object carries.
    pub options: ObjectOptions,
}

/// A version that an add made or found.
#[derive(Debug, Clone)]
pub struct Added {
    /// Its number.
    pub version: u64,
    /// Its record.
    pub record: VersionRecord,
    /// The user's metadata.
    pub metadata: UserMetadata,
    /// Whether this add made it.
    pub is_new: bool,
}

impl Candidate {
    fn record(&self, run: &Run) -> VersionRecord {
        VersionRecord {
            sha: self.file.facts.sha256,
            basename: self.file.facts.path.file_name().to_owned(),
            mode: self.mode,
            size: Some(self.file.facts.size),
            entered: Entered::new(&unique_id(), run),
        }
    }

    fn is(&self, wanted: &VersionRecord, record: &VersionRecord, metadata: &UserMetadata) -> bool {
        wanted.is_same(record) && self.metadata == *metadata
    }
}

/// What the history says of a record, whoever wrote it: when, by which build, what. `time` is for
/// those of other tools.
fn change(version: u64, stood: &Stood, time: &str) -> (Run, Change) {
    let Stood::Version(record) = stood else {
        return (Run::at(time), Change::of_number(version));
    };
    let Entered { added_at, build, .. } = &record.entered;
    let (sha, basename) = (Some(record.sha), Some(record.basename.clone()));
    let time = added_at.as_deref().unwrap_or(time).to_owned();
    (Run { build: build.clone(), time }, Change::Added { added: version, sha, basename })
}

/// More records than these are entered by their numbers alone: a ledger that sacker filled over
/// years is taken over by one put.
const READ_AT_MOST: usize = 1_000;

impl Ledger {
    /// Adds a version, unless the newest one, or a recent one of the same build, is the same file
    /// with the same name, mode and metadata: then that one is the answer. So a put that was
    /// killed and runs again adds nothing twice, and a revert to older bytes is a new version.
    /// `now` is in milliseconds since 1970, for timestamps.
    pub async fn add(
        &self,
        candidate: &Candidate,
        run: &Run,
        now: impl Fn() -> u64,
    ) -> anyhow::Result<Added> {
        match self.package.numbering {
            Numbering::Sequential => self.add_next(candidate, run).await,
            Numbering::Timestamp => self.add_now(candidate, run, now).await,
        }
    }

    async fn add_next(&self, candidate: &Candidate, run: &Run) -> anyhow::Result<Added> {
        let wanted = candidate.record(run);
        let history = self.history()?;
        let mut current = self.current().await?;
        let mut placed = None;
        let added = loop {
            let found = self.same(candidate, &wanted, &current.head, &run.build).await?;
            // Also where the version stands: what became of its blob is mended.
            if placed.is_none() {
                placed = Some(self.place(candidate).await?);
            }
            if let Some(found) = found {
                break found;
            }
            let version = newest(&current.head) + 1;
            let mine = wanted.clone().at(&current.head.position());
            let stood = self.record_at(version, mine, candidate).await?;
            self.enter(current, version, &stood, &run.time).await?;
            if let Stood::Version(record) = stood
                && record.entered.id == wanted.entered.id
            {
                let metadata = candidate.metadata.clone();
                break Added { version, record: *record, metadata, is_new: true };
            }
            current = history.read().await?.context("a history was deleted meanwhile")?;
        };
        if let Some(placed) = placed {
            self.place_again(candidate, placed).await?;
        }
        self.follow_latest().await?;
        Ok(added)
    }

    /// Creates a record, and answers the one that stands afterwards.
    async fn record_at(
        &self,
        version: u64,
        mine: VersionRecord,
        candidate: &Candidate,
    ) -> anyhow::Result<Stood> {
        let key = self.package.record(version)?;
        let metadata = candidate.metadata.clone();
        match self.write(&key, mine.to_bytes()?, &Condition::Absent, metadata).await? {
            Written::Yes => Ok(Stood::Version(Box::new(mine))),
            // Another's, or this put's own, whose answer was lost.
            Written::Refused => {
                self.standing(version).await?.map(|standing| standing.stood).with_context(|| {
                    format!("{}: refused, and not there", self.ledger.uri(key.as_str()))
                })
            }
        }
    }

    /// Enters a record in the history, whoever wrote it.
    async fn enter(
        &self,
        current: Current<Change>,
        version: u64,
        stood: &Stood,
        time: &str,
    ) -> anyhow::Result<()> {
        let (run, added) = change(version, stood, time);
        let decide = async |head: &Head<Change>| {
            Ok(match head.entries().first() {
                Some(entry) if entry.what.newest() >= version => Next::Stands(entry.clone()),
                _ => Next::Append(added.clone()),
            })
        };
        self.history()?.extend(current, &run, decide).await.map(drop)
    }

    /// The version that an add need not make.
    async fn same(
        &self,
        candidate: &Candidate,
        wanted: &VersionRecord,
        head: &Head<Change>,
        build: &Build,
    ) -> anyhow::Result<Option<Added>> {
        let newest = standing(head.entries().iter().map(|entry| &entry.what));
        let worth_reading = |change: &Change, by: &Build| match change {
            Change::Added { added, sha, .. } => {
                let ours = !build.is_empty() && by == build;
                let fits = sha.is_none_or(|sha| sha == wanted.sha);
                (fits && (Some(*added) == newest || ours)).then_some(*added)
            }
            Change::Removed { .. } => None,
        };
        let entries = head.entries().iter();
        for version in entries.filter_map(|entry| worth_reading(&entry.what, &entry.build)) {
            let Some(Standing { stood: Stood::Version(record), metadata, .. }) =
                self.standing(version).await?
            else {
                continue;
            };
            if candidate.is(wanted, &record, &metadata) {
                return Ok(Some(Added { version, record: *record, metadata, is_new: false }));
            }
        }
        Ok(None)
    }

    /// The history of versions with all in it that stands in the ledger: what other tools, and
    /// writers that could not read, added since is entered first.
    pub async fn current(&self) -> anyhow::Result<Current<Change>> {
        let history = self.history()?;
        let (current, latest) = try_join(history.read(), self.latest_pointer()).await?;
        let current = super::begun(&history, current).await?;
        let known = newest(&current.head);
        let newer = match known {
            0 => self.listed(0, u64::MAX).await?,
            known => self.newer(Some(known), latest).await?,
        };
        if newer.is_empty() {
            return Ok(current);
        }
        self.ledger.report().info(format!(
            "entering {} of {} that are not in its history",
            crate::machine::report::count(newer.len(), "version"),
            self.package.name
        ));
        let reads = newer.len() <= READ_AT_MOST;
        let events: Vec<Event<Change>> = stream::iter(newer)
            .map(|(added, modified)| async move {
                let standing = if reads { self.standing(added).await? } else { None };
                let time = crate::words::time::rfc3339_of(modified);
                let (run, what) = match standing.map(|it| it.stood) {
                    Some(stood) => change(added, &stood, &time),
                    None => (Run::at(&time), Change::of_number(added)),
                };
                Ok::<_, anyhow::Error>(Event { run, what })
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let name = |change: &Change| match change {
            Change::Added { added, .. } => (true, *added),
            Change::Removed { removed, .. } => (false, *removed),
        };
        history.append_all(current, name, events).await?;
        history.read().await?.context("a history was deleted meanwhile")
    }

    /// Makes `latest` name the newest version.
    pub(super) async fn follow_latest(&self) -> anyhow::Result<()> {
        let history = self.history()?;
        self.follow(&self.package.latest()?, async |is| {
            let Some(current) = history.read().await? else { return Ok(is) };
            // Another tool added a version that the history does not have yet.
            if is.is_some_and(|is| is.version > newest(&current.head)) {
                return Ok(is);
            }
            let number = current.head.entries().first().map(|entry| entry.number);
            let version = self.newest_standing(&current.head).await?;
            Ok(version.map(|version| Pointer { version, tagged: number }))
        })
        .await
    }

    /// Adds a version by a client that may only write. Where it may read, what is the newest
    /// version already is not added again.
    async fn add_now(
        &self,
        candidate: &Candidate,
        run: &Run,
        now: impl Fn() -> u64,
    ) -> anyhow::Result<Added> {
        let wanted = candidate.record(run);
        let key = self.package.latest()?;
        if let Some(fetched) = self.ledger.get_if_allowed(&key).await?
            && let Ok(pointer) = Pointer::parse(&fetched.bytes, key.as_str())
            && let Some(added) = self.is_at(candidate, &wanted, pointer.version).await?
        {
            self.place(candidate).await?;
            return Ok(added);
        }
        let placed = self.place(candidate).await?;
        // Taken late: a reader that has seen a higher number does not look for lower ones.
        let mut version = now();
        loop {
            let key = self.package.record(version)?;
            let metadata = candidate.metadata.clone();
            match self.write(&key, wanted.to_bytes()?, &Condition::Absent, metadata).await? {
                Written::Yes => break,
                // Perhaps by this put, whose answer was lost.
                Written::Refused => match self.is_at(candidate, &wanted, version).await? {
                    Some(it) if it.record.entered.id == wanted.entered.id => break,
                    _ => version += 1,
                },
            }
        }
        self.place_again(candidate, placed).await?;
        let pointer = Pointer { version, tagged: None }.to_bytes()?;
        self.write(&key, pointer, &Condition::None, UserMetadata::new()).await?;
        let metadata = candidate.metadata.clone();
        Ok(Added { version, record: wanted, metadata, is_new: true })
    }

    /// The version under a number, when it may be read and is the candidate.
    async fn is_at(
        &self,
        candidate: &Candidate,
        wanted: &VersionRecord,
        version: u64,
    ) -> anyhow::Result<Option<Added>> {
        let key = self.package.record(version)?;
        let Some(fetched) = self.ledger.get_if_allowed(&key).await? else { return Ok(None) };
        let metadata: UserMetadata = fetched.metadata.into_iter().collect();
        let stood = VersionRecord::parse(&fetched.bytes, &self.ledger.uri(key.as_str()))?;
        Ok(match stood {
            Stood::Version(record) if candidate.is(wanted, &record, &metadata) => {
                Some(Added { version, record: *record, metadata, is_new: false })
            }
            _ => None,
        })
    }
}
