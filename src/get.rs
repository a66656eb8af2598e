//! in: the files of a version, each byte checked, or an error and nothing. One file a track.
//!
//! A pure function of source, version and params: Concourse caches what it writes.

mod artifacts;
mod package;
mod promotion;

pub use artifacts::describe;
pub use package::{describe as describe_package, download_version};
pub use promotion::{describe_promotion, download_release};

use crate::digest::Sha256;
use crate::names::{Key, RelPath};
use crate::params::{GetArtifacts, GetFile};
use crate::protocol::{Response, Version};
use crate::set::Mode;
use crate::source::{Source, Track};
use crate::transfer::{AT_ONCE, Engine, blocking};
use crate::unpack::unpack;
use crate::workspace::Staging;
use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Write as _;
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
        Track::Package(track) => {
            let params = GetFile::parse(params)?;
            package::get(source, track, engine, version, &params, destination).await
        }
        Track::Promotion(track) => {
            let params = GetFile::parse(params)?;
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
    /// Its permission bits.
    mode: u32,
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
    download(engine, wishes, |wish| staging.create(&wish.path, wish.mode)).await?;
    finish(staging, small)
}

/// As [`fetch`] for one file, an archive: what it holds takes its place. A small file goes before
/// one of its name in the archive, as in concourse/s3-resource.
async fn fetch_unpacked(
    engine: &Engine,
    wish: &Wish,
    small: &[(&'static str, String)],
    destination: &Path,
) -> anyhow::Result<()> {
    let staging = Staging::begin(destination)?;
    let (archive, tree) = (staging.archive(), staging.tree().to_owned());
    let create =
        |_: &Wish| File::create_new(&archive).with_context(|| archive.display().to_string());
    download(engine, std::slice::from_ref(wish), create).await?;
    let name = wish.path.file_name().to_owned();
    blocking(move || unpack(&archive, &name, &tree)).await?;
    for (name, _) in small {
        if staging.take_out(name)? {
            engine.store.report().warn(format!(
                "the archive's `{name}` is left out: this resource writes a file of that name"
            ));
        }
    }
    finish(staging, small)
}

async fn download(
    engine: &Engine,
    wishes: &[Wish],
    create: impl Fn(&Wish) -> anyhow::Result<File>,
) -> anyhow::Result<()> {
    let report = engine.store.report();
    report.begin("downloading", wishes.len(), wishes.iter().map(|wish| wish.size).sum());
    let fetched = stream::iter(wishes)
        .map(|wish| engine.download(&wish.key, wish.size, wish.sha256, || create(wish)))
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await;
    report.end();
    fetched
}

/// Writes the small files, and gives everything its name.
fn finish(staging: Staging, small: &[(&'static str, String)]) -> anyhow::Result<()> {
    for (name, text) in small {
        let mut file = staging.create(&RelPath::parse(name)?, Mode::Plain.bits())?;
        file.write_all(text.as_bytes()).with_context(|| (*name).to_owned())?;
    }
    staging.finish()
}
