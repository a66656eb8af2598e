//! The check of the `gocd` track.
//!
//! The bucket decides, since GoCD and GoS3-matic publish there too: one listing of the job's folders, a
//! page for each thousand, then the markers of the newest, or of the given revision and all that are
//! greater, at once. Where these are many, the history says which of them need not be read.

use super::rules::{AT_MOST, Published, Search, Walk, of_version, sorted, version};
use super::source::Gocd;
use crate::history::stored::History;
use crate::input::common::Settings;
use crate::input::protocol::Version;
use crate::s3::store::Store;
use crate::tracks::gocd::rules::{Marker, Revision};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::HashSet;

/// The answer of a check of the `gocd` track, oldest first.
pub(in crate::tracks) async fn check(
    settings: &Settings,
    track: &Gocd,
    store: &Store,
    given: Option<&Version>,
) -> anyhow::Result<Vec<Version>> {
    let search = match given {
        None => Search::Newest(settings.initial_history),
        Some(version) => Search::Since(of_version(version)?),
    };
    let (folders, _) = sorted(store.folders(track.job.as_str()).await?);
    let mut walk = Walk::new(folders, search);
    if walk.is_long() {
        walk.trust(&entered(store, track).await?);
    }
    loop {
        let next = walk.next();
        if next.is_empty() {
            return Ok(walk.answer().iter().map(version).collect());
        }
        for (revision, marker) in markers(store, track, next).await? {
            walk.learn(revision, marker.is_some_and(|marker| marker.is_completed));
        }
    }
}

/// Every revision that the history has.
async fn entered(store: &Store, track: &Gocd) -> anyhow::Result<HashSet<Revision>> {
    let history = History::<Published>::new(store, track.history()?);
    let entries = history.newest(usize::MAX).await?.unwrap_or_default();
    Ok(entries.into_iter().map(|entry| entry.what.revision).collect())
}

/// Reads markers, many at once; none where a folder has no marker.
pub async fn markers(
    store: &Store,
    track: &Gocd,
    revisions: Vec<Revision>,
) -> anyhow::Result<Vec<(Revision, Option<Marker>)>> {
    stream::iter(revisions)
        .map(|revision| async {
            let facts = store.head(&track.marker(&revision)?).await?;
            anyhow::Ok((revision, facts.map(|facts| Marker::of(&facts.metadata))))
        })
        .buffered(AT_MOST)
        .try_collect()
        .await
}
