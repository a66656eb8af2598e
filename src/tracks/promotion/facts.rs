//! What a put at a rank depends on, read from S3: reads only.

mod archive;
mod gathering;

pub(super) use gathering::Gathering;

use super::rules::{Promoted, Refused};
use super::source::Promotion;
use crate::history::Entry;
use crate::history::stored::{Current, History};
use crate::machine::workspace::Hashed;
use crate::s3;
use crate::s3::store::Store;
use crate::words::fault::fault;
use crate::words::names::{Rank, ReleaseVersion};
use crate::words::object::{PROMOTION, VERSION};
use anyhow::Context as _;
use std::sync::Arc;

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
pub fn history<'a>(
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
