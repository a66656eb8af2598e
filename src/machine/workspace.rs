//! The disk: what to publish is found and hashed, what was fetched is staged and put in place.
//!
//! Invariants:
//! - nothing outside the directory is ever published: a symbolic link that leads out is refused;
//! - a file is read twice, once to hash it and once to send it, and the CRC-64 of each part must
//!   be the same both times: a file that changes in between is an error, never wrong bytes;
//! - a fetched file gets its final name when every file of the set is whole, and the way to that
//!   name leads through no symbolic link.

use crate::words::fault::fault;
use anyhow::Context as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::{fs, io};

mod find;
mod hash;
mod staging;

pub use find::{Found, find_directory, find_one, found, input, scan};
pub(super) use hash::changed;
pub use hash::{Digests, Hashed, hash, read_part};
pub use staging::{DirectoryFacts, Staging};

/// A file's mode, as `st_mode`.
pub fn mode_of(path: &Path) -> anyhow::Result<u32> {
    let metadata = fs::metadata(path).with_context(|| path.display().to_string())?;
    Ok(metadata.permissions().mode())
}

/// A text file that a step before wrote: a commit hash, a version.
pub fn read_text(path: &Path, what: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => fault(
            format!("{what}: there is no {}", path.display()),
            "its first component must be an input of the put, or the output of a task",
        ),
        _ => anyhow::Error::new(e).context(format!("{what}: {}", path.display())),
    })
}

#[cfg(test)]
mod tests;
