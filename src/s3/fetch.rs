//! Files from S3 to a directory: whole and checked, or nothing.

use super::transfer::{AT_ONCE, Engine, blocking};
use crate::input::get_file::Unpacking;
use crate::machine::unpack::unpack;
use crate::machine::workspace::{DirectoryFacts, Staging};
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::file::Mode;
use crate::words::names::{Key, RelPath};
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
    if let Some(name) = unpacking.taken_by(small.iter().map(|(name, _)| *name)) {
        return Err(fault(
            format!("params.unpack_into: `{name}` is a file that this resource writes"),
            "give the directory another name",
        ));
    }
    let staging = Staging::begin(destination)?;
    let (archive, tree) = (staging.archive(), staging.tree().to_owned());
    let create =
        |_: &Wish| File::create_new(&archive).with_context(|| archive.display().to_string());
    download(engine, std::slice::from_ref(wish), create).await?;
    let into = unpacking.into.as_ref().map_or(Path::new(""), |into| Path::new(into.as_str()));
    let (name, place) = (wish.path.file_name().to_owned(), tree.join(into));
    let (archive, times) = (archive.clone(), unpacking.times);
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
