//! Archives that a get unpacks: tar and zip, and gzip, bzip2, xz and zstd around a tar or a single
//! file, told apart by their first bytes.
//!
//! Invariants:
//! - nothing is written outside the directory that is unpacked into: an entry that would lead out of
//!   it is an error, and so is one of which this cannot make what it says;
//! - what comes out is at most a multiple of the archive.

mod compression;
mod detect;
mod pax;
mod sparse;
mod tar;
mod tree;
mod zip;

use self::compression::{Budget, TooMuch, endings, plain};
use self::detect::{Kind, start_of};
use self::tree::{Attributes, Tree};
use crate::machine::workspace::DirectoryFacts;
use crate::words::fault::fault;
use crate::words::names::shown_to;
use anyhow::Context as _;
use std::fs::File;
use std::io::{self, Read, Seek as _, Write};
use std::path::Path;

/// Characters of what is said of an archive: two paths and more.
const LONGEST: usize = 10_000;

/// Unpacks an archive into a directory that is there, and answers what its directories are to be
/// given when they have their names. `name` is the archive's: a single file that was compressed gets
/// it without its ending. What comes out is at most `times` the archive's size.
pub fn unpack(
    archive: &Path,
    name: &str,
    into: &Path,
    times: u64,
) -> anyhow::Result<Vec<DirectoryFacts>> {
    let open = || {
        let mut file = File::open(archive)?;
        let kind = Kind::of(&start_of(&mut file)?, name);
        file.rewind()?;
        io::Result::Ok((file, kind))
    };
    let (file, kind) = open().with_context(|| name.to_owned())?;
    let Some(kind) = kind else {
        return Err(fault(
            format!("unpack: {name} is no archive that can be unpacked"),
            "tar, zip, gzip, bzip2, xz and zstd can be; leave `unpack` out for other files",
        ));
    };
    let mut tree = Tree::new(into);
    let size = file.metadata().with_context(|| name.to_owned())?.len();
    place(&mut tree, file, kind, name, &mut Budget::new(size, times)).map_err(|e| {
        let hint = hint(&e).unwrap_or(
            "the bytes are those that were published: mend the archive, or leave `unpack` out",
        );
        // What decodes an archive may say of it what the archive says.
        let why = shown_to(&format!("{e:#}"), LONGEST);
        fault(format!("unpack: {name}: {why}"), hint)
    })?;
    Ok(tree.into_directories())
}

/// What to do about an error that is not the archive's.
fn hint(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|e| {
        let e = e.downcast_ref::<io::Error>()?;
        match e.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Some("the disk is full: the archive and what it holds are there at once")
            }
            _ if e.get_ref()?.is::<TooMuch>() => Some(
                "where that is right, set `unpack_limit` to how many times its size it may hold",
            ),
            _ => None,
        }
    })
}

fn place(
    tree: &mut Tree<'_>,
    file: File,
    kind: Kind,
    name: &str,
    budget: &mut Budget,
) -> anyhow::Result<()> {
    match kind {
        Kind::Zip => zip::unpack(file, budget, tree),
        Kind::Tar => tar::unpack(plain(Kind::Tar, file)?, tree),
        Kind::Gzip | Kind::Bzip2 | Kind::Xz | Kind::Zstd => {
            let mut plain = budget.bound(plain(kind, file)?);
            let start = start_of(&mut plain)?;
            let is_tar = Kind::of(&start, name) == Some(Kind::Tar);
            let mut plain = start.chain(plain);
            if is_tar {
                return tar::unpack(plain, tree);
            }
            let attributes = Attributes { mode: 0o644, modified: None };
            tree.file(without_ending(name, endings(kind)).as_bytes(), attributes, |out| {
                io::copy(&mut plain, out)?;
                Ok(())
            })
        }
    }
}

/// The name of what a compressed file of that name holds.
fn without_ending(name: &str, endings: &[(&str, &str)]) -> String {
    let ending = endings.iter().find(|(ending, _)| name.to_ascii_lowercase().ends_with(ending));
    match ending {
        Some((ending, new)) if name.len() > ending.len() => {
            format!("{}{new}", &name[..name.len() - ending.len()])
        }
        _ => name.to_owned(),
    }
}

/// Copies all that is left of a limited reader; an error where there is less than its limit.
fn copy_all(data: &mut io::Take<impl Read>, out: &mut impl Write) -> anyhow::Result<()> {
    io::copy(data, out)?;
    anyhow::ensure!(data.limit() == 0, "the archive ends in the middle of it");
    Ok(())
}

fn skip(plain: &mut impl Read, bytes: u64) -> anyhow::Result<()> {
    copy_all(&mut plain.by_ref().take(bytes), &mut io::sink())
}

#[cfg(test)]
mod tests;
