//! in: the files of a version, each byte checked, or an error and nothing. One file a track.
//!
//! A pure function of source, version and params: Concourse caches what it writes.

mod artifacts;
mod promotion;

pub use artifacts::describe;
pub use promotion::{describe_promotion, download_release};

use crate::digest::Sha256;
use crate::names::{Key, RelPath};
use crate::params::{GetArtifacts, GetPromotion};
use crate::protocol::{Response, Version};
use crate::set::Mode;
use crate::source::{Source, Track};
use crate::transfer::{AT_ONCE, Engine, blocking};
use crate::unpack::unpack;
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
        Track::Promotion(track) => {
            let params = GetPromotion::parse(params)?;
            promotion::get(source, track, engine, version, params, destination).await
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
    /// None: whoever uploaded it recorded none.
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
    download(engine, wishes, &staging).await?;
    let names = wishes.iter().map(|wish| (wish.path.clone(), wish.mode)).collect();
    finish(staging, names, small)
}

/// As [`fetch`] for one file, an archive: what it holds takes its place. A small file has its name
/// before one of that name in the archive, as in concourse/s3-resource.
async fn fetch_unpacked(
    engine: &Engine,
    wish: &Wish,
    small: &[(&'static str, String)],
    destination: &Path,
) -> anyhow::Result<()> {
    let staging = Staging::begin(destination)?;
    download(engine, std::slice::from_ref(wish), &staging).await?;
    let (archive, tree) = (staging.slot(0), staging.tree()?);
    let (name, into) = (wish.path.file_name().to_owned(), tree.clone());
    blocking(move || unpack(&archive, &name, &into)).await?;
    let own: Vec<&str> = small.iter().map(|(name, _)| *name).collect();
    for name in staging.spread(&tree, &own)? {
        let text =
            format!("the archive's `{name}` is left out: this resource writes a file of that name");
        engine.store.report().warn(text);
    }
    finish(staging, Vec::new(), small)
}

async fn download(engine: &Engine, wishes: &[Wish], staging: &Staging) -> anyhow::Result<()> {
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
    fetched
}

/// Gives the downloaded files their names, and small ones beside them theirs.
fn finish(
    staging: Staging,
    mut names: Vec<(RelPath, Mode)>,
    small: &[(&'static str, String)],
) -> anyhow::Result<()> {
    for (name, text) in small {
        staging.write(names.len(), text.as_bytes())?;
        names.push((RelPath::parse(name)?, Mode::Plain));
    }
    staging.finish(&names)
}
