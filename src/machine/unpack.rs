//! Archives that a get unpacks: tar and zip, and gzip and bzip2 around a tar or a single file, the
//! formats of concourse/s3-resource, told apart by their first bytes.
//!
//! Invariant: nothing is written outside the directory that is unpacked into. An entry that would
//! lead out of it is an error; the crates besides write through no link that an entry before made.

use crate::words::fault::fault;
use anyhow::Context as _;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _};
use std::path::Path;

/// Enough to tell a tar, whose mark lies at its 257th byte.
const START: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gzip,
    Bzip2,
    Zip,
    Tar,
}

impl Kind {
    fn of(start: &[u8]) -> Option<Kind> {
        let is_tar = start.get(257..262) == Some(b"ustar")
            // An archive of nothing is two blocks of zeros.
            || start.len() == START && start.iter().all(|byte| *byte == 0);
        match start {
            [0x1f, 0x8b, ..] => Some(Kind::Gzip),
            [b'B', b'Z', b'h', ..] => Some(Kind::Bzip2),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Kind::Zip),
            _ if is_tar => Some(Kind::Tar),
            _ => None,
        }
    }
}

/// Unpacks an archive into a directory that is there. `name` is the archive's: a single file that
/// was compressed gets it without its ending.
pub fn unpack(archive: &Path, name: &str, into: &Path) -> anyhow::Result<()> {
    let mut file = File::open(archive).with_context(|| name.to_owned())?;
    let kind = Kind::of(&start_of(&mut file).with_context(|| name.to_owned())?);
    file.rewind().with_context(|| name.to_owned())?;
    let unpacked = match kind {
        None => {
            return Err(fault(
                format!("unpack: {name} is no archive that can be unpacked"),
                "tar, zip, gzip and bzip2 can be; leave `unpack` out for other files",
            ));
        }
        Some(Kind::Zip) => zip(file, into),
        Some(Kind::Tar) => tar(file, into),
        Some(Kind::Gzip) => {
            let plain = flate2::read::MultiGzDecoder::new(BufReader::new(file));
            stream(plain, name, &[(".tgz", ".tar"), (".gz", ""), (".gzip", "")], into)
        }
        Some(Kind::Bzip2) => {
            let plain = bzip2::read::MultiBzDecoder::new(BufReader::new(file));
            stream(plain, name, &[(".tbz2", ".tar"), (".tbz", ".tar"), (".bz2", "")], into)
        }
    };
    unpacked.map_err(|e| {
        fault(
            format!("unpack: {name}: {e:#}"),
            "the bytes are those that were published: mend the archive, or leave `unpack` out",
        )
    })
}

fn start_of(file: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(START);
    file.take(START as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// What came out of a compression: a tar, or one file.
fn stream(
    mut plain: impl Read,
    name: &str,
    endings: &[(&str, &str)],
    into: &Path,
) -> anyhow::Result<()> {
    let start = start_of(&mut plain)?;
    let is_tar = Kind::of(&start) == Some(Kind::Tar);
    let mut plain = start.chain(plain);
    if is_tar {
        return tar(plain, into);
    }
    let ending = endings.iter().find(|(ending, _)| name.to_ascii_lowercase().ends_with(ending));
    let name = match ending {
        Some((ending, new)) if name.len() > ending.len() => {
            format!("{}{new}", &name[..name.len() - ending.len()])
        }
        _ => name.to_owned(),
    };
    let mut out = File::create_new(into.join(name))?;
    std::io::copy(&mut plain, &mut out)?;
    Ok(())
}

fn tar(plain: impl Read, into: &Path) -> anyhow::Result<()> {
    fn place(mut entry: tar::Entry<'_, impl Read>, into: &Path) -> anyhow::Result<()> {
        let path = entry.path()?.display().to_string();
        if entry.unpack_in(into).with_context(|| path.clone())? {
            Ok(())
        } else {
            anyhow::bail!("{path} leads out of the directory")
        }
    }
    let mut archive = tar::Archive::new(BufReader::new(plain));
    // Directories last, the deepest first: one that may not be written to still gets its files.
    let mut directories = Vec::new();
    for entry in archive.entries()? {
        let entry = entry?;
        if entry.header().entry_type().is_dir() {
            directories.push(entry);
        } else {
            place(entry, into)?;
        }
    }
    directories.sort_by(|a, b| b.path_bytes().cmp(&a.path_bytes()));
    directories.into_iter().try_for_each(|directory| place(directory, into))
}

fn zip(file: File, into: &Path) -> anyhow::Result<()> {
    Ok(zip::ZipArchive::new(BufReader::new(file))?.extract(into)?)
}

#[cfg(test)]
mod tests;
