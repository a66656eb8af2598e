//! The check of the `artifacts` track.
//!
//! With no version given: one request. With one: the head of the history and the manifest of the
//! given version, at once. Only when the given version is older than what the head holds, a second
//! round reads the segments from it on, all at once.

use crate::history::Position;
use crate::history::stored::History;
use crate::input::common::Settings;
use crate::input::protocol::Version;
use crate::s3::store::Store;
use crate::tracks::artifacts::rules;
use crate::tracks::artifacts::rules::{Answer, Given, Published, Wanted};
use crate::tracks::artifacts::source::{Artifacts, Follow};
use crate::words::object::{POSITION, REMOVED};

/// The answer of a check of the `artifacts` track, oldest first.
pub(in crate::tracks) async fn check(
    settings: &Settings,
    track: &Artifacts,
    store: &Store,
    version: Option<&Version>,
) -> anyhow::Result<Vec<Version>> {
    if track.lookup {
        return Ok(version.cloned().into_iter().collect());
    }
    let wanted = version.map(Wanted::parse).transpose()?;
    let record = History::<Published>::new(store, track.history()?);
    let facts = async {
        match &wanted {
            None => Ok(None),
            Some(wanted) => store.head(&rules::folder(track.folder(wanted)).manifest()?).await,
        }
    };
    let (head, facts) = futures_util::future::try_join(record.peek(), facts).await?;
    let Some(mut head) = head else { return Ok(Vec::new()) };
    // A stone in the place of the manifest is no set.
    let facts = facts.filter(|facts| !facts.metadata.contains_key(REMOVED));
    let (first, stands) = (wanted.is_none(), facts.is_some());
    let given = wanted.map_or(Given::None, |wanted| Given::Version { wanted, stands });
    let mut answer = Answer::new(given, settings.initial_history, track.follow);
    let mut held = 0;
    while let Some(entry) = head.older()? {
        if answer.take(&entry.what) {
            return Ok(answer.finish());
        }
        held += 1;
    }
    let shape = head.shape();
    if first && track.follow == Follow::Code {
        // Entries of one code are one version: how far back there are enough cannot be told.
        record.find(shape, shape.segments_from(1), |entry| answer.take(&entry.what)).await?;
        return Ok(answer.finish());
    }
    let older = match &facts {
        Some(facts) => {
            let since = facts.metadata.get(POSITION).and_then(|text| Position::parse(text));
            shape.segments_since(since.as_ref())
        }
        None if first => shape.segments_for(settings.initial_history.saturating_sub(held)),
        // The given version is gone: of interest is the newest that stands.
        None => shape.segments_for(1usize.saturating_sub(held)),
    };
    let older = record.segments(shape, older).await?;
    let _ = older.iter().any(|entry| answer.take(&entry.what));
    Ok(answer.finish())
}
