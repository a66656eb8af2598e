//! in: the files of a version, each byte checked, or an error and nothing. One file a track.
//!
//! A pure function of source, version and params: Concourse caches what it writes.

mod artifacts;

pub use artifacts::describe;

use crate::digest::Sha256;
use crate::names::{Key, RelPath};
use crate::params::GetArtifacts;
use crate::protocol::{Response, Version};
use crate::set::Mode;
use crate::source::{Source, Track};
use crate::transfer::{AT_ONCE, Engine};
use crate::workspace::Staging;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Map, Value};
use std::path::Path;

/// Fetches a version into a directory.
pub async fn get(
    source: &Source,
    engine: &Engine,
    version: &Version,
    params: &Map<String, Value>,
    destination: &Path,
) -> anyhow::Result<Response> {
    match &source.track {
        Track::Artifacts(track) => {
            let params = GetArtifacts::parse(params)?;
            artifacts::get(source, track, engine, version, &params, destination).await
        }
    }
}

/// A file to fetch.
struct Wish {
    /// Below the destination.
    path: RelPath,
    /// Where it is.
    key: Key,
    /// In bytes.
    size: u64,
    /// Its permissions.
    mode: Mode,
    /// None: s3-asset-manager recorded none.
    sha256: Option<Sha256>,
}

/// Fetches files and writes small ones, and gives all of them their names when all are whole.
async fn fetch(
    engine: &Engine,
    wishes: &[Wish],
    small: &[(&'static str, String)],
    destination: &Path,
) -> anyhow::Result<()> {
    let staging = Staging::begin(destination)?;
    let report = engine.store.report();
    report.begin("downloading", wishes.len(), wishes.iter().map(|wish| wish.size).sum());
    let fetched = stream::iter(wishes.iter().enumerate())
        .map(|(index, wish)| {
            let slot = staging.slot(index);
            async move { engine.download(&wish.key, wish.size, wish.sha256, &slot).await }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await;
    report.end();
    fetched?;
    let mut names: Vec<(RelPath, Mode)> =
        wishes.iter().map(|wish| (wish.path.clone(), wish.mode)).collect();
    for (name, text) in small {
        staging.write(names.len(), text.as_bytes())?;
        names.push((RelPath::parse(name)?, Mode::Plain));
    }
    staging.finish(&names)
}
