//! The check of the `package` track.
//!
//! Every version: the head of the history, what `latest` names and the record of the given version,
//! at once. A second round, at once too, reads the segments that are needed when the given version
//! is older than what the head holds; and it lists, from the given version on, or from the one that
//! `latest` names, what sacker and writers that may only write have added since the history's
//! newest: all versions where there is no history.
//!
//! A tag: the head of its history; a second round reads segments, or the pointer that another tool
//! wrote where there is no history.

use crate::input::common::Settings;
use crate::input::protocol::Version;
use crate::s3::store::Store;
use crate::tracks::package::ledger::Ledger;
use crate::tracks::package::rules::{Stood, TagAnswer, VersionAnswer, Wanted};
use crate::tracks::package::source::Package;
use crate::words::names::Tag;
use futures_util::future::{OptionFuture, try_join, try_join3};

/// The answer of a check of the `package` track, oldest first.
pub(in crate::tracks) async fn check(
    settings: &Settings,
    track: &Package,
    store: &Store,
    version: Option<&Version>,
) -> anyhow::Result<Vec<Version>> {
    let ledger = Ledger::new(store, track);
    let given = version.map(Wanted::parse).transpose()?;
    match &track.tag {
        Some(tag) => moves(settings, &ledger, tag, given.as_ref()).await,
        None => versions(settings, &ledger, given.map(|given| given.version)).await,
    }
}

async fn versions(
    settings: &Settings,
    ledger: &Ledger,
    given: Option<u64>,
) -> anyhow::Result<Vec<Version>> {
    let history = ledger.history()?;
    let standing = async {
        let standing: OptionFuture<_> = given.map(|given| ledger.recorded(given)).into();
        Ok(standing.await.transpose()?.flatten())
    };
    let (head, latest, standing) =
        try_join3(history.peek(), ledger.latest_pointer(), standing).await?;
    let record = match standing.map(|it| it.stood) {
        Some(Stood::Version(record)) => Some(record),
        Some(Stood::Removed(_)) | None => None,
    };
    let mut answer = VersionAnswer::new(given, settings.initial_history, record.is_none());
    let Some(mut head) = head else {
        let newer = match (given, &record, latest) {
            // From the given version on.
            (Some(given), Some(_), Some(latest)) if latest >= given => {
                ledger.listed(given.saturating_sub(1), latest).await?
            }
            (None, _, _) if settings.initial_history > 1 => ledger.listed(0, u64::MAX).await?,
            _ => ledger.newer(None, latest).await?,
        };
        let _ = newer.iter().rev().any(|(version, _)| answer.version(*version));
        return Ok(answer.finish());
    };
    let (mut known, mut enough) = (0, false);
    while !enough {
        let Some(entry) = head.older()? else { break };
        known = known.max(entry.what.newest());
        enough = answer.take(&entry.what);
    }
    let shape = head.shape();
    let older = match (enough, given, &record) {
        (true, ..) => 0..0,
        (false, None, _) => shape.segments_for(answer.wants()),
        (false, Some(_), Some(record)) => shape.segments_since(record.entered.position().as_ref()),
        // All that the head holds was removed.
        (false, Some(_), None) => shape.segments_for(1),
    };
    let newer = async {
        match (given, &record, latest) {
            // The given version itself is newer than the history.
            (Some(given), Some(_), latest) if given > known => {
                ledger.listed(given.saturating_sub(1), latest.unwrap_or(0).max(given)).await
            }
            (None, _, Some(latest)) if settings.initial_history > 1 => {
                ledger.newer(Some(known), Some(latest)).await
            }
            // Only the newest is of interest.
            (None, _, Some(latest)) | (Some(_), None, Some(latest)) => {
                ledger.newer(Some(known.max(latest.saturating_sub(1))), Some(latest)).await
            }
            _ => ledger.newer(Some(known), latest).await,
        }
    };
    let (older, newer) = try_join(history.segments(shape, older), newer).await?;
    let _ = older.iter().any(|entry| answer.take(&entry.what));
    answer.newer(newer.iter().map(|(version, _)| *version));
    Ok(answer.finish())
}

async fn moves(
    settings: &Settings,
    ledger: &Ledger,
    tag: &Tag,
    given: Option<&Wanted>,
) -> anyhow::Result<Vec<Version>> {
    let number = match given.map(|given| &given.tagged) {
        None => None,
        Some(Some((of, number))) if of == tag => Some(*number),
        // None of this tag's: unknown, as a number that no move has yet.
        Some(_) => Some(u64::MAX),
    };
    let history = ledger.tag_history(tag)?;
    let head = history.peek().await?;
    let mut answer = TagAnswer::new(tag, number, settings.initial_history);
    let mut is_empty = true;
    if let Some(mut head) = head {
        while let Some(entry) = head.older()? {
            is_empty = false;
            if answer.take(entry.number, &entry.what) {
                return Ok(answer.finish());
            }
        }
        if !is_empty {
            let shape = head.shape();
            let older = match number {
                Some(number) => shape.segments_from(number),
                None => shape.segments_for(answer.wants()),
            };
            let older = history.segments(shape, older).await?;
            let _ = older.iter().any(|entry| answer.take(entry.number, &entry.what));
            return Ok(answer.finish());
        }
    }
    let found = ledger.foreign_tag(tag).await?;
    Ok(found
        .map(|version| Wanted { version, tagged: Some((tag.clone(), 0)) }.version())
        .into_iter()
        .collect())
}
