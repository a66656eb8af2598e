//! The code hash of a checkout: reads what [`code_hash`](crate::code_hash) is made of from disk, or
//! has git read it.

use std::ffi::OsString;
use std::fs::{self, File, FileType};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::code_hash::python_glob;
use crate::code_hash::repo::Repo;
use crate::code_hash::{
    Algorithm, Below, CodeHash, ContentId, Entry, Listing, Mode, NoFiles, NothingMatches, Patterns,
    Recipe,
};
use crate::words::fault::Fault;

#[cfg(test)]
mod tests;

/// Bytes read at a time; larger gains nothing.
const READ_SIZE: usize = 128 * 1024;

/// The code hash of the checkout whose root is `root`. Only `git-tree` needs it to be a repository.
///
/// # Errors
/// `root` is not a directory, something below it cannot be read (the path is in the context), no
/// file matches ([`NothingMatches`], unless `no_files` allows it), or for `git-tree` what
/// [`Repo::open`] and [`Repo::tree_listing`] say.
pub fn code_hash(root: &Path, recipe: &Recipe, no_files: NoFiles) -> Result<CodeHash> {
    let metadata = fs::metadata(root).with_context(|| format!("looking at {}", root.display()))?;
    ensure!(metadata.is_dir(), "{} is not a directory", root.display());
    let hash = match recipe {
        Recipe::Sha256(patterns) => of_listing(disk_listing(root, patterns)?),
        Recipe::GitTree(patterns) => {
            let repo = Repo::open(root).map_err(Fault::from)?;
            of_listing(repo.tree_listing(patterns)?)
        }
        Recipe::Md5(patterns) => {
            let (hex, files) = python_glob::md5_of_files(root, patterns)?;
            CodeHash { hex, files, listing: None }
        }
    };
    if hash.files == 0 && no_files == NoFiles::Refuse {
        return Err(NothingMatches::new(recipe).into());
    }
    Ok(hash)
}

fn of_listing(listing: Listing) -> CodeHash {
    CodeHash { hex: listing.digest(), files: listing.entries().len(), listing: Some(listing) }
}

/// The files below `root` that the patterns cover, as they are on disk: tracked by git or not,
/// in submodules too. Symlinks are entries of their own and not followed. Whatever is named `.git`
/// is left out, and so are sockets, pipes and devices.
///
/// # Errors
/// A directory that a pattern reaches, or a file that one matches, cannot be read.
pub fn disk_listing(root: &Path, patterns: &Patterns) -> Result<Listing> {
    let mut walk = Walk { patterns, buffer: vec![0; READ_SIZE], entries: Vec::new() };
    walk.directory(root, b"", patterns.below(b""))?;
    Ok(Listing::new(Algorithm::Sha256, walk.entries))
}

struct Walk<'a> {
    patterns: &'a Patterns,
    buffer: Vec<u8>,
    entries: Vec<Entry>,
}

impl Walk<'_> {
    /// Adds what is below `directory`, whose path from the root is `path` ("" or ending in `/`).
    fn directory(&mut self, directory: &Path, path: &[u8], below: Below) -> Result<()> {
        if below == Below::Nothing {
            return Ok(());
        }
        for (name, kind) in names(directory)
            .with_context(|| format!("reading the directory {}", directory.display()))?
        {
            if name == ".git" {
                continue;
            }
            let full = directory.join(&name);
            let mut path = [path, name.as_bytes()].concat();
            if kind.is_dir() {
                let below = match below {
                    Below::Everything => Below::Everything,
                    _ => self.patterns.below(&path),
                };
                path.push(b'/');
                self.directory(&full, &path, below)?;
            } else if kind.is_file() {
                if below == Below::Everything || self.patterns.cover(&path, Mode::File) {
                    let (mode, id) = self
                        .read_file(&full)
                        .with_context(|| format!("reading {}", full.display()))?;
                    self.entries.push(Entry { path, mode, id });
                }
            } else if kind.is_symlink() && self.patterns.cover(&path, Mode::Symlink) {
                let target = fs::read_link(&full)
                    .with_context(|| format!("reading the symlink {}", full.display()))?;
                self.entries.push(Entry {
                    path,
                    mode: Mode::Symlink,
                    id: ContentId::new(&Sha256::digest(target.as_os_str().as_bytes())),
                });
            }
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path) -> io::Result<(Mode, ContentId)> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        let mut hash = Sha256::new();
        let mut total: u64 = 0;
        loop {
            let read = match file.read(&mut self.buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hash.update(&self.buffer[..read]);
            total += read as u64;
            // Nearly every file ends with this read: asking again for its end would only cost.
            if read == 0 || total == metadata.len() {
                break;
            }
        }
        // Git looks at the owner's bit only.
        let mode =
            if metadata.permissions().mode() & 0o100 == 0 { Mode::File } else { Mode::Executable };
        Ok((mode, ContentId::new(&hash.finalize())))
    }
}

/// The names in a directory, all read before any is used: a deep tree holds no directories open.
fn names(directory: &Path) -> io::Result<Vec<(OsString, FileType)>> {
    fs::read_dir(directory)?
        .map(|entry| {
            let entry = entry?;
            Ok((entry.file_name(), entry.file_type()?))
        })
        .collect()
}
