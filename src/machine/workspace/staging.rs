//! Fetched files wait for their names below a directory of their own.
//!
//! Invariant: a file gets its final name when every file is whole, and the way to that name leads
//! through no symbolic link.

use crate::words::digest::hex;
use crate::words::fault::fault;
use crate::words::names::RelPath;
use anyhow::Context as _;
use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Fetched files on their way to their names.
///
/// They are written under their paths in a tree of the stage, and the tree's top entries are what
/// is renamed: ten thousand files below one directory cost one rename.
#[derive(Debug)]
pub struct Staging {
    destination: PathBuf,
    directory: PathBuf,
    tree: PathBuf,
    /// The directories that were made in the tree.
    made: Mutex<HashSet<PathBuf>>,
    /// Whether the process's umask takes something from the modes that files are to have.
    masked: bool,
}

impl Staging {
    /// Begins a stage in a directory, which is made where it is not there.
    pub fn begin(destination: &Path) -> anyhow::Result<Staging> {
        let place = |path: &Path| path.display().to_string();
        fs::create_dir_all(destination).with_context(|| place(destination))?;
        let destination = destination.canonicalize().with_context(|| place(destination))?;
        let directory =
            destination.join(format!(".s3-asset-{}", hex(&fastrand::u64(..).to_be_bytes())));
        let tree = directory.join("tree");
        fs::create_dir_all(&tree).with_context(|| place(&tree))?;
        let mode = fs::metadata(&tree).with_context(|| place(&tree))?.permissions().mode();
        let masked = mode & EVERY_BIT != EVERY_BIT;
        Ok(Staging { destination, directory, tree, made: Mutex::default(), masked })
    }

    /// Where an archive is written that is unpacked into [`Staging::tree`].
    pub fn archive(&self) -> PathBuf {
        self.directory.join("archive")
    }

    /// What gets its names: everything in it.
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// Begins a file that gets this path and these permission bits; an error where another has it.
    pub fn create(&self, path: &RelPath, mode: u32) -> anyhow::Result<File> {
        let target = self.tree.join(path.as_str());
        let place = || target.display().to_string();
        if let Some(parent) = target.parent().filter(|parent| *parent != self.tree) {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            if !made.contains(parent) {
                fs::create_dir_all(parent).with_context(place)?;
                made.insert(parent.to_owned());
            }
        }
        let mut options = File::options();
        let file = options.write(true).create_new(true).mode(mode).open(&target);
        let file = file.with_context(place)?;
        if self.masked || mode & !EVERY_BIT != 0 {
            file.set_permissions(fs::Permissions::from_mode(mode)).with_context(place)?;
        }
        Ok(file)
    }

    /// Takes something out of the tree's root; whether it was there.
    pub fn take_out(&self, name: &str) -> anyhow::Result<bool> {
        let path = self.tree.join(name);
        let removed = match fs::symlink_metadata(&path) {
            Err(_) => return Ok(false),
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
        };
        removed.with_context(|| path.display().to_string())?;
        Ok(true)
    }

    /// Moves the archive to a path of the tree, beside what it held; false when that is taken.
    pub fn keep_archive(&self, path: &RelPath, mode: u32) -> anyhow::Result<bool> {
        let target = self.tree.join(path.as_str());
        if fs::symlink_metadata(&target).is_ok() {
            return Ok(false);
        }
        let archive = self.archive();
        let kept = fs::set_permissions(&archive, fs::Permissions::from_mode(mode))
            .and_then(|()| fs::rename(&archive, &target));
        kept.with_context(|| target.display().to_string())?;
        Ok(true)
    }

    /// Gives everything in the tree its name, and then directories what they are to have.
    ///
    /// Only then: whoever is not root moves no directory that may not be written to, nor removes it
    /// when something fails.
    pub fn finish(self, directories: &[DirectoryFacts]) -> anyhow::Result<()> {
        spread(&self.tree, &self.destination)?;
        // The deepest first, since one may become one that cannot be entered.
        for directory in directories.iter().rev() {
            directory.give(&self.destination)?;
        }
        Ok(())
    }
}

/// What a directory gets when everything in it has its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryFacts {
    /// Below the destination, through no symbolic link.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
    /// When it was changed, where that is known.
    pub modified: Option<SystemTime>,
}

impl DirectoryFacts {
    fn give(&self, destination: &Path) -> anyhow::Result<()> {
        let path = destination.join(&self.path);
        // A small file may have taken its place.
        if !fs::symlink_metadata(&path).is_ok_and(|it| it.is_dir()) {
            return Ok(());
        }
        let give = || {
            if let Some(time) = self.modified {
                File::open(&path)?.set_modified(time)?;
            }
            fs::set_permissions(&path, fs::Permissions::from_mode(self.mode))
        };
        give().with_context(|| path.display().to_string())
    }
}

/// What the modes of most files are made of, see [`Mode`].
const EVERY_BIT: u32 = 0o755;

/// Moves what a directory holds into another. Where both have a directory of one name, what it
/// holds is moved; never through a symbolic link.
fn spread(from: &Path, to: &Path) -> anyhow::Result<()> {
    let place = |path: &Path| path.display().to_string();
    for entry in fs::read_dir(from).with_context(|| place(from))? {
        let entry = entry.with_context(|| place(from))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let Err(error) = fs::rename(&from, &to) else { continue };
        let is_dir = |path: &Path| fs::symlink_metadata(path).is_ok_and(|it| it.is_dir());
        match (is_dir(&from), is_dir(&to)) {
            (true, true) => spread(&from, &to)?,
            _ if fs::symlink_metadata(&to).is_ok() => {
                return Err(fault(
                    format!("{} is in the way of a file or directory of that name", place(&to)),
                    "get into an empty directory",
                ));
            }
            _ => return Err(anyhow::Error::new(error).context(place(&to))),
        }
    }
    Ok(())
}

impl Drop for Staging {
    fn drop(&mut self) {
        // A thread that still writes a file finds no directory under the old name, so nothing
        // appears in this one while it is removed.
        let leaving = self.directory.with_extension("gone");
        let _ = fs::rename(&self.directory, &leaving).and_then(|()| fs::remove_dir_all(&leaving));
    }
}
