//! A directory as an archive, for a put: of the same files the same bytes, whoever packs them, when
//! and where. So entries are sorted, and times, owners and a umask are left out.
//!
//! Links are kept as links; one that leads out of the directory is refused, as in a set.

use super::workspace::{Found, changed, find_directory, found};
use crate::words::digest::hex;
use crate::words::fault::fault;
use crate::words::names::RelPath;
use crate::words::packing::Packing;
use ::tar::{Builder, EntryType, Header};
use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, DateTime, ZipWriter};
use anyhow::Context as _;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

/// An archive, which is removed when this is dropped.
#[derive(Debug)]
pub struct Packed {
    file: Found,
    /// Where it is, alone.
    directory: PathBuf,
}

impl Packed {
    /// Packs the one directory below a put's inputs that a glob names. What it holds is at the
    /// archive's root, and the archive's name is the directory's with the ending of its kind.
    pub fn of(inputs: &Path, glob: &str, packing: Packing) -> anyhow::Result<Packed> {
        let (path, source) = find_directory(inputs, glob, "params.file")?;
        let entries = entries(&source)?;
        let path = RelPath::parse(&format!("{path}.{}", packing.ending()))?;
        let directory = inputs.join(format!(".s3-asset-{}", hex(&fastrand::u64(..).to_be_bytes())));
        let disk = directory.join("archive");
        fs::create_dir(&directory).with_context(|| directory.display().to_string())?;
        let leaving = Leaving(Some(&directory));
        let archive = File::create_new(&disk).with_context(|| disk.display().to_string())?;
        let mut archive = BufWriter::with_capacity(256 << 10, archive);
        write(&entries, packing, &mut archive)?;
        archive.flush().with_context(|| disk.display().to_string())?;
        fs::set_permissions(&disk, fs::Permissions::from_mode(0o644))
            .with_context(|| disk.display().to_string())?;
        let file = found(path, disk)?;
        leaving.stay();
        Ok(Packed { file, directory })
    }

    /// The archive.
    pub fn file(&self) -> &Found {
        &self.file
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Removes a directory where what is made in it is not finished.
struct Leaving<'a>(Option<&'a Path>);

impl Leaving<'_> {
    fn stay(mut self) {
        self.0 = None;
    }
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if let Some(directory) = self.0 {
            let _ = fs::remove_dir_all(directory);
        }
    }
}

/// What is packed.
#[derive(Debug)]
struct Entry {
    /// Below the directory.
    path: PathBuf,
    disk: PathBuf,
    what: What,
}

#[derive(Debug)]
enum What {
    Directory,
    File { size: u64, mode: u32 },
    Link(PathBuf),
}

/// Everything below a directory, hidden or not, sorted by path.
fn entries(source: &Path) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in walkdir::WalkDir::new(source).min_depth(1) {
        let entry = entry.with_context(|| source.display().to_string())?;
        let (disk, kind) = (entry.path().to_owned(), entry.file_type());
        let place = || disk.display().to_string();
        let path = disk.strip_prefix(source).unwrap_or(&disk).to_owned();
        let what = if kind.is_dir() {
            What::Directory
        } else if kind.is_symlink() {
            let target = fs::read_link(&disk).with_context(place)?;
            if leads_out(&path, &target) {
                return Err(fault(
                    format!("{} is a symbolic link that leads out of the directory", place()),
                    "copy what it points to, or remove it",
                ));
            }
            What::Link(target)
        } else if kind.is_file() {
            let metadata = entry.metadata().with_context(place)?;
            let is_program = metadata.permissions().mode() & 0o100 != 0;
            What::File { size: metadata.len(), mode: if is_program { 0o755 } else { 0o644 } }
        } else {
            return Err(fault(
                format!("{} is neither a file nor a directory", place()),
                "sockets, pipes and devices cannot be packed: remove it",
            ));
        };
        entries.push(Entry { path, disk, what });
    }
    entries.sort_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    Ok(entries)
}

/// Whether a link's target lies elsewhere than below the directory that `path` is below.
fn leads_out(path: &Path, target: &Path) -> bool {
    let mut depth = path.components().count().saturating_sub(1);
    target.components().any(|component| match component {
        Component::Prefix(_) | Component::RootDir => true,
        Component::CurDir => false,
        Component::Normal(_) => {
            depth += 1;
            false
        }
        Component::ParentDir => match depth.checked_sub(1) {
            Some(above) => {
                depth = above;
                false
            }
            None => true,
        },
    })
}

fn write(
    entries: &[Entry],
    packing: Packing,
    archive: &mut (impl Write + Seek),
) -> anyhow::Result<()> {
    match packing {
        Packing::TarGz => {
            let gzip = flate2::write::GzEncoder::new(archive, flate2::Compression::default());
            tar(entries, gzip)?.finish()?;
        }
        Packing::TarZst => {
            let mut zstd = zstd::stream::write::Encoder::new(archive, 3)?;
            zstd.include_checksum(true)?;
            tar(entries, zstd)?.finish()?;
        }
        Packing::Zip => zip(entries, archive)?,
    }
    Ok(())
}

fn tar<W: Write>(entries: &[Entry], out: W) -> anyhow::Result<W> {
    let mut builder = Builder::new(out);
    for Entry { path, disk, what } in entries {
        let mut header = Header::new_gnu();
        header.set_size(0);
        let place = || disk.display().to_string();
        match what {
            What::Directory => {
                header.set_entry_type(EntryType::Directory);
                header.set_mode(0o755);
                let name = [path.as_os_str().as_bytes(), b"/"].concat();
                builder
                    .append_data(&mut header, OsStr::from_bytes(&name), io::empty())
                    .with_context(place)?;
            }
            What::Link(target) => {
                header.set_entry_type(EntryType::Symlink);
                header.set_mode(0o777);
                builder.append_link(&mut header, path, target).with_context(place)?;
            }
            What::File { size, mode } => {
                header.set_entry_type(EntryType::Regular);
                header.set_mode(*mode);
                header.set_size(*size);
                let mut file = opened(disk, *size)?;
                builder.append_data(&mut header, path, &mut file).with_context(place)?;
                is_read(disk, file)?;
            }
        }
    }
    Ok(builder.into_inner()?)
}

fn zip(entries: &[Entry], out: impl Write + Seek) -> anyhow::Result<()> {
    let mut writer = ZipWriter::new(out);
    for Entry { path, disk, what } in entries {
        let place = || disk.display().to_string();
        let text = |path: &Path| {
            let text = path.to_str().map(str::to_owned);
            let what = || format!("the name of {} is not UTF-8", disk.display());
            text.ok_or_else(|| fault(what(), "a zip's names are UTF-8: rename it"))
        };
        // The earliest time of the format.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default());
        let path = text(path)?;
        match what {
            What::Directory => {
                writer.add_directory(path, options.unix_permissions(0o755)).with_context(place)?;
            }
            What::Link(target) => {
                let options = options.unix_permissions(0o777);
                writer.add_symlink(path, text(target)?, options).with_context(place)?;
            }
            What::File { size, mode } => {
                let is_large = *size >= u64::from(u32::MAX);
                let options = options.unix_permissions(*mode).large_file(is_large);
                let mut file = opened(disk, *size)?;
                writer.start_file(path, options).with_context(place)?;
                io::copy(&mut file, &mut writer).with_context(place)?;
                is_read(disk, file)?;
            }
        }
    }
    writer.finish()?;
    Ok(())
}

/// A file's bytes, of which there are to be so many.
fn opened(disk: &Path, size: u64) -> anyhow::Result<io::Take<File>> {
    Ok(File::open(disk).with_context(|| disk.display().to_string())?.take(size))
}

/// An error unless all of a file was read.
fn is_read(disk: &Path, file: io::Take<File>) -> anyhow::Result<()> {
    let is_short = file.limit() > 0;
    let more = file.into_inner().read(&mut [0]).with_context(|| disk.display().to_string())?;
    if is_short || more > 0 { Err(changed(disk)) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
