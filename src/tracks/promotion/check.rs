//! The check of the `promotion` track.
//!
//! One request: the head of the rank's history. Only when the given version is older than what the
//! head holds, a second round reads the segments from it on, all at once; and where there is no
//! history, the second request is for the rank's object, which s3p may have written.

use crate::history::stored::History;
use crate::input::common::Settings;
use crate::input::protocol::Version;
use crate::s3::store::Store;
use crate::tracks::promotion::rules::{Answer, Promoted, S3P, Wanted, version};
use crate::tracks::promotion::source::Promotion;
use crate::words::names::ReleaseVersion;
use crate::words::object::{PROMOTION, VERSION};
use anyhow::Context as _;

/// The answer of a check of the `promotion` track, oldest first.
pub(in crate::tracks) async fn check(
    settings: &Settings,
    track: &Promotion,
    store: &Store,
    given: Option<&Version>,
) -> anyhow::Result<Vec<Version>> {
    let given = given.map(Wanted::parse).transpose()?;
    let record = History::<Promoted>::new(store, track.history(&track.rank)?);
    let mut answer = Answer::new(given, settings.initial_history);
    let mut held = 0;
    if let Some(mut head) = record.peek().await? {
        while let Some(entry) = head.older()? {
            if answer.take(&entry) {
                return Ok(answer.finish());
            }
            held += 1;
        }
        if held > 0 {
            let shape = head.shape();
            let older = record.segments(shape, answer.older(shape, held)).await?;
            let _ = older.iter().any(|entry| answer.take(entry));
            return Ok(answer.finish());
        }
    }
    let pointer = track.pointer(&track.rank)?;
    let Some(facts) = store.head(&pointer).await? else {
        return Ok(Vec::new());
    };
    let Some(text) = facts.metadata.get(VERSION) else { return Ok(Vec::new()) };
    let shown = ReleaseVersion::parse(text).with_context(|| store.uri(pointer.as_str()))?;
    // Where it says a number, the history came between the two requests.
    let number = facts.metadata.get(PROMOTION).and_then(|text| text.parse().ok());
    Ok(vec![version(&shown, number.unwrap_or(S3P))])
}
