//! check: which versions there are, at a cost that does not grow with their number. One file a
//! track.

mod artifacts;
mod package;
mod promotion;

use crate::protocol::Version;
use crate::source::{Source, Track};
use crate::store::Store;

/// The answer of a check, oldest first.
pub async fn check(
    source: &Source,
    store: &Store,
    version: Option<&Version>,
) -> anyhow::Result<Vec<Version>> {
    match &source.track {
        Track::Artifacts(track) => artifacts::check(source, track, store, version).await,
        Track::Package(track) => package::check(source, track, store, version).await,
        Track::Promotion(track) => promotion::check(source, track, store, version).await,
    }
}
