//! out: what a job made becomes a version. One file a track.

mod artifacts;
mod package;
mod promotion;

pub use artifacts::{Outcome, Putting, hash_code, open};
pub use package::{add, candidate_at};
pub use promotion::{AtRank, Climbing, News, Outcome as Climbed, Standing};

use crate::history::Build;
use crate::params::{PutArtifacts, PutPackage, PutPromotion};
use crate::protocol::Response;
use crate::source::{Source, Track};
use crate::transfer::Engine;
use serde_json::{Map, Value};
use std::path::Path;

/// Carries out a put; `sources` is the directory of its inputs, `time` is RFC 3339 in UTC.
pub async fn put(
    source: &Source,
    engine: &Engine,
    params: &Map<String, Value>,
    sources: &Path,
    build: &Build,
    time: &str,
) -> anyhow::Result<Response> {
    match &source.track {
        Track::Artifacts(track) => {
            let params = PutArtifacts::parse(params)?;
            artifacts::put(track, engine, &params, sources, build, time).await
        }
        Track::Package(track) => {
            let params = PutPackage::parse(params, track)?;
            package::put(track, engine, &params, sources, build, time).await
        }
        Track::Promotion(track) => {
            let params = PutPromotion::parse(params, track)?;
            promotion::put(track, engine, &params, sources, build, time).await
        }
    }
}
