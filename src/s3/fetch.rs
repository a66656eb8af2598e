//! Files from S3 to a directory: whole and checked, or nothing.

use super::transfer::{AT_ONCE, Engine, blocking};
use crate::input::get_file::{GetFile, Unpacking};
use crate::machine::unpack::unpack;
use crate::machine::workspace::{DirectoryFacts, Staging};
use crate::s3::store::Described;
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::file::Mode;
use crate::words::names::{Key, RelPath};
use crate::words::parts::Parts;
use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// A file to fetch.
pub struct Wish {
    /// Below the destination.
    pub path: RelPath,
    /// Where it is.
    pub key: Key,
    /// In bytes.
    pub size: u64,
    /// Its permission bits.
    pub mode: u32,
    /// None: whoever uploaded it recorded none.
    pub sha256: Option<Sha256>,
    /// What is recorded of its parts.
    pub parts: Option<Parts>,
}

/// Fetches files and writes small ones, and gives all of them their names when all are whole.
pub async fn fetch(
    engine: &Engine,
    wishes: &[Wish],
    small: &[(&'static str, String)],
    destination: &Path,
) -> anyhow::Result<()> {
    let staging = Staging::begin(destination)?;
    download(engine, wishes, |wish| staging.create(&wish.path, wish.mode)).await?;
    finish(staging, small, &[])
}

/// As [`fetch`] for one file, an archive: what it holds takes its place. A small file goes before
/// one of its name in the archive, as in concourse/s3-resource.
pub async fn fetch_unpacked(
    engine: &Engine,
    wish: &Wish,
    unpacking: &Unpacking,
    small: &[(&'static str, String)],
    destination: &Path,
) -> anyhow::Result<()> {
    refuse_taken(unpacking, small)?;
    let staging = Staging::begin(destination)?;
    let archive = staging.archive();
    let create =
        |_: &Wish| File::create_new(&archive).with_context(|| archive.display().to_string());
    download(engine, std::slice::from_ref(wish), create).await?;
    unpack_staged(engine, staging, wish, unpacking, small).await
}

/// Refuses to unpack where this resource writes a file.
fn refuse_taken(unpacking: &Unpacking, small: &[(&'static str, String)]) -> anyhow::Result<()> {
    if let Some(name) = unpacking.taken_by(small.iter().map(|(name, _)| *name)) {
        return Err(fault(
            format!("params.unpack_into: `{name}` is a file that this resource writes"),
            "give the directory another name",
        ));
    }
    Ok(())
}

/// Unpacks the stage's archive, and finishes.
async fn unpack_staged(
    engine: &Engine,
    staging: Staging,
    wish: &Wish,
    unpacking: &Unpacking,
    small: &[(&'static str, String)],
) -> anyhow::Result<()> {
    let (archive, tree) = (staging.archive(), staging.tree().to_owned());
    let into = unpacking.into.as_ref().map_or(Path::new(""), |into| Path::new(into.as_str()));
    let (name, place) = (wish.path.file_name().to_owned(), tree.join(into));
    let times = unpacking.times;
    let mut directories = blocking(move || {
        std::fs::create_dir_all(&place).with_context(|| place.display().to_string())?;
        unpack(&archive, &name, &place, times)
    })
    .await?;
    for directory in &mut directories {
        directory.path = into.join(&directory.path);
    }
    for (name, _) in small {
        if staging.take_out(name)? {
            engine.store.report().warn(format!(
                "the archive's `{name}` is left out: this resource writes a file of that name"
            ));
        }
    }
    if unpacking.keep_archive && !staging.keep_archive(&wish.path, wish.mode)? {
        return Err(fault(
            format!("params.keep_archive: {} is also what the archive holds", wish.path),
            "unpack it elsewhere with `unpack_into`",
        ));
    }
    finish(staging, small, &directories)
}

/// As [`fetch`] and [`fetch_unpacked`], for a file of which S3 knows what `described` says; of a
/// version of the object, where one is named. A small file goes before one of its name.
pub async fn fetch_described(
    engine: &Engine,
    wish: &Wish,
    described: &Described,
    version: Option<&str>,
    how: &GetFile,
    small: &[(&'static str, String)],
    destination: &Path,
) -> anyhow::Result<()> {
    if let Some(unpacking) = &how.unpack {
        refuse_taken(unpacking, small)?;
    }
    let staging = Staging::begin(destination)?;
    let file = if how.unpack.is_some() {
        let archive = staging.archive();
        File::create_new(&archive).with_context(|| archive.display().to_string())?
    } else {
        staging.create(&wish.path, wish.mode)?
    };
    let report = engine.store.report();
    report.begin("downloading", 1, wish.size);
    let fetched = engine.download_described(&wish.key, described, version, file).await;
    report.end();
    fetched?;
    if let Some(unpacking) = &how.unpack {
        return unpack_staged(engine, staging, wish, unpacking, small).await;
    }
    if let Some((name, _)) = small.iter().find(|(name, _)| wish.path.as_str() == *name) {
        staging.take_out(name)?;
        report.warn(format!(
            "the file `{name}` is left out: this resource writes a file of that name"
        ));
    }
    finish(staging, small, &[])
}

/// Writes files, and gives all of them their names when all are whole.
pub fn write_files(files: &[(RelPath, Vec<u8>)], destination: &Path) -> anyhow::Result<()> {
    let staging = Staging::begin(destination)?;
    for (path, bytes) in files {
        let mut file = staging.create(path, Mode::Plain.bits())?;
        file.write_all(bytes).with_context(|| path.to_string())?;
    }
    staging.finish(&[])
}

async fn download(
    engine: &Engine,
    wishes: &[Wish],
    create: impl Fn(&Wish) -> anyhow::Result<File>,
) -> anyhow::Result<()> {
    let report = engine.store.report();
    report.begin("downloading", wishes.len(), wishes.iter().map(|wish| wish.size).sum());
    let fetched = stream::iter(wishes)
        .map(|wish| {
            let (sha256, parts) = (wish.sha256, wish.parts.as_ref());
            engine.download(&wish.key, wish.size, sha256, parts, || create(wish))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await;
    report.end();
    fetched
}

/// Writes the small files, and gives everything its name.
fn finish(
    staging: Staging,
    small: &[(&'static str, String)],
    directories: &[DirectoryFacts],
) -> anyhow::Result<()> {
    for (name, text) in small {
        let mut file = staging.create(&RelPath::parse(name)?, Mode::Plain.bits())?;
        file.write_all(text.as_bytes()).with_context(|| (*name).to_owned())?;
    }
    staging.finish(directories)
}
