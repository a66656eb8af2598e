//! The check of the `package` track.
//!
//! Every version: the head of the history, what `latest` names and the record of the given version,
//! at once. A second round, at once too, reads the segments that are needed when the given version
//! is older than what the head holds; and it lists, from the given version on, or from the one that
//! `latest` names, what sacker and writers that may only write have added since the history's
//! newest: all versions where there is no history. Where all that was read was removed, and `latest`
//! does not say what stands, a third one reads the rest of the history.
//!
//! A tag: the head of its history; a second round reads segments, or the pointer that another tool
//! wrote where there is no history.

use crate::input::common::Settings;
use crate::input::protocol::Version;
use crate::s3::store::Store;
use crate::tracks::package::ledger::Ledger;
use crate::tracks::package::rules::{
    Found, Given, Listing, SeenHead, Stood, TagAnswer, VersionAnswer, Wanted, reads,
};
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
    let (history, initial) = (ledger.history()?, settings.initial_history);
    let recorded = async {
        let recorded: OptionFuture<_> = given.map(|given| ledger.recorded(given)).into();
        Ok(recorded.await.transpose()?.flatten())
    };
    let (head, pointer, recorded) =
        try_join3(history.peek(), ledger.latest_pointer(), recorded).await?;
    let (given, position) = match (given, recorded.map(|it| it.stood)) {
        (None, _) => (Given::Nothing, None),
        (Some(given), Some(Stood::Version(record))) => {
            (Given::Stands(given), record.entered.position())
        }
        (Some(given), Some(Stood::Removed(_)) | None) => (Given::Gone(given), None),
    };
    let mut answer = VersionAnswer::new(given, initial);
    let latest = pointer.map(|pointer| pointer.version);
    let mut found = Found { given, initial, latest, head: None };
    let Some(mut head) = head else {
        let newer = listed(ledger, &reads(&found).listing, latest).await?;
        answer.newer(newer.into_iter());
        return Ok(answer.finish());
    };
    let (mut known, mut newest, mut is_enough) = (0, None, false);
    while !is_enough {
        let Some(entry) = head.older()? else { break };
        newest = newest.or(Some(entry.number));
        known = known.max(entry.what.newest());
        is_enough = answer.take(&entry.what);
    }
    let shape = head.shape();
    found.head = Some(SeenHead {
        shape,
        known,
        is_enough,
        wants: answer.wants(),
        is_pointed_at: newest.is_some() && pointer.and_then(|it| it.tagged) == newest,
        since_given: shape.segments_since(position.as_ref()),
    });
    let reads = reads(&found);
    let rest = 0..reads.segments.start;
    let (older, newer) =
        try_join(history.segments(shape, reads.segments), listed(ledger, &reads.listing, latest))
            .await?;
    let _ = reads.newest.is_some_and(|newest| answer.version(newest));
    let _ = older.iter().any(|entry| answer.take(&entry.what));
    // Nothing but removals came by: whatever stands is further back.
    if !is_enough && answer.is_short() && newer.is_empty() {
        let _ = history.segments(shape, rest).await?.iter().any(|it| answer.take(&it.what));
    }
    answer.newer(newer.into_iter());
    Ok(answer.finish())
}

/// Lists versions, oldest first.
async fn listed(
    ledger: &Ledger,
    listing: &Listing,
    latest: Option<u64>,
) -> anyhow::Result<Vec<u64>> {
    let listed = match *listing {
        Listing::Above { after, upto } => ledger.listed(after, upto).await?,
        Listing::Newer { known } => ledger.newer(known, latest).await?,
    };
    Ok(listed.into_iter().map(|(version, _)| version).collect())
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
            let rest = 0..older.start;
            let older = history.segments(shape, older).await?;
            let is_enough = older.iter().any(|entry| answer.take(entry.number, &entry.what));
            if !is_enough && number.is_none() && answer.wants() > 0 {
                let rest = history.segments(shape, rest).await?;
                let _ = rest.iter().any(|entry| answer.take(entry.number, &entry.what));
            }
            return Ok(answer.finish());
        }
    }
    let found = ledger.foreign_tag(tag).await?;
    Ok(found
        .map(|version| Wanted { version, tagged: Some((tag.clone(), 0)) }.version())
        .into_iter()
        .collect())
}
