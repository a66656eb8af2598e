//! The directory that an archive is unpacked into: every entry's way is walked from its root, one
//! name at a time, through the symbolic links of the archive itself and never out of it.
//!
//! Nothing else writes to the directory meanwhile, so what a step of the walk saw stays so. Nothing
//! is written through a link at an entry's own name: it is replaced, as by tar, where the later of
//! two entries of one name stands.

use crate::machine::workspace::DirectoryFacts;
use crate::words::names::shown;
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// As many as Linux follows.
const MOST_LINKS: u32 = 40;

/// What an entry says of itself beside its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes {
    pub(super) mode: u32,
    pub(super) modified: Option<SystemTime>,
}

#[derive(Debug)]
pub(super) struct Tree<'a> {
    root: &'a Path,
    directories: BTreeMap<PathBuf, Attributes>,
}

/// What a walk does about a directory that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Made,
    Refused,
}

impl<'a> Tree<'a> {
    pub(super) fn new(root: &'a Path) -> Tree<'a> {
        Tree { root, directories: BTreeMap::new() }
    }

    /// What is left to do for the directories when all files are in their places.
    pub(super) fn into_directories(self) -> Vec<DirectoryFacts> {
        let facts = |(path, attributes): (PathBuf, Attributes)| DirectoryFacts {
            path,
            mode: enterable(attributes.mode),
            modified: attributes.modified,
        };
        self.directories.into_iter().map(facts).collect()
    }

    pub(super) fn directory(&mut self, name: &[u8], attributes: Attributes) -> anyhow::Result<()> {
        let path = self.walk(names(name), Missing::Made).with_context(|| text(name))?;
        // The root is whoever's it was before.
        if !path.as_os_str().is_empty() {
            self.directories.insert(path, attributes);
        }
        Ok(())
    }

    /// Makes a file, which `write` fills.
    pub(super) fn file(
        &mut self,
        name: &[u8],
        attributes: Attributes,
        write: impl FnOnce(&mut File) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let make = || {
            let path = self.vacant(name)?;
            let mut file = File::create_new(path)?;
            write(&mut file)?;
            if let Some(time) = attributes.modified {
                file.set_modified(time)?;
            }
            file.set_permissions(Permissions::from_mode(attributes.mode & 0o777))?;
            anyhow::Ok(())
        };
        make().with_context(|| text(name))
    }

    /// Makes a symbolic link, wherever it leads: only what is written goes through none that leads
    /// out.
    pub(super) fn symbolic_link(&mut self, name: &[u8], target: &[u8]) -> anyhow::Result<()> {
        let make = || {
            anyhow::ensure!(!target.is_empty(), "is a symbolic link to nothing");
            symlink(OsStr::from_bytes(target), self.vacant(name)?)?;
            anyhow::Ok(())
        };
        make().with_context(|| text(name))
    }

    /// Makes another name for a file that is there already.
    pub(super) fn hard_link(&mut self, name: &[u8], target: &[u8]) -> anyhow::Result<()> {
        let make = || {
            let is = || format!("is a hard link to {}", text(target));
            let first = self.place(target, Missing::Refused).with_context(is)?;
            let there = seen(&first)?.filter(|there| !there.is_dir());
            anyhow::ensure!(there.is_some(), "{}, which is no file before it", is());
            if self.place(name, Missing::Made)? != first {
                fs::hard_link(first, self.vacant(name)?)?;
            }
            anyhow::Ok(())
        };
        make().with_context(|| text(name))
    }

    /// The place of an entry's name, with nothing there: what was there is removed.
    fn vacant(&self, name: &[u8]) -> anyhow::Result<PathBuf> {
        let path = self.place(name, Missing::Made)?;
        match seen(&path)? {
            Some(there) if there.is_dir() => anyhow::bail!("is a directory before"),
            Some(_) => fs::remove_file(&path)?,
            None => {}
        }
        Ok(path)
    }

    /// Where an entry's name lies: its directory walked to, the name itself not followed.
    fn place(&self, name: &[u8], missing: Missing) -> anyhow::Result<PathBuf> {
        let mut names = names(name);
        let own = names.pop().filter(|own| own != "..").context("is no name of a file")?;
        Ok(self.root.join(self.walk(names, missing)?).join(own))
    }

    /// Walks to a directory, and answers its real path below the root.
    fn walk(&self, mut names: Vec<OsString>, missing: Missing) -> anyhow::Result<PathBuf> {
        names.reverse();
        let (mut at, mut links) = (PathBuf::new(), 0);
        while let Some(name) = names.pop() {
            if name == ".." {
                anyhow::ensure!(at.pop(), "leads out of the directory");
                continue;
            }
            let next = at.join(&name);
            let path = self.root.join(&next);
            match seen(&path)? {
                Some(there) if there.is_dir() => at = next,
                Some(there) if there.is_symlink() => {
                    links += 1;
                    anyhow::ensure!(links <= MOST_LINKS, "leads in a circle of symbolic links");
                    let target = fs::read_link(&path)?.into_os_string().into_vec();
                    anyhow::ensure!(
                        !target.starts_with(b"/"),
                        "leads out of the directory, through the symbolic link {}",
                        text(next.as_os_str().as_bytes())
                    );
                    names.extend(self::names(&target).into_iter().rev());
                }
                Some(_) => anyhow::bail!(
                    "lies below {}, which is a file before",
                    text(next.as_os_str().as_bytes())
                ),
                None if missing == Missing::Refused => anyhow::bail!("is not there before it"),
                None => {
                    fs::create_dir(&path)?;
                    at = next;
                }
            }
        }
        Ok(at)
    }
}

/// What is at a path, itself: no link is followed.
fn seen(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// The names of a path. An absolute one is one below the directory, as for tar itself.
fn names(path: &[u8]) -> Vec<OsString> {
    let names = path.split(|byte| *byte == b'/');
    let names = names.filter(|name| !matches!(name, [] | [b'.']));
    names.map(|name| OsStr::from_bytes(name).to_owned()).collect()
}

/// A path as errors show it.
pub(super) fn text(name: &[u8]) -> String {
    shown(&String::from_utf8_lossy(name))
}

/// A directory's permissions, with which its owner, and whoever may read it, may enter it: some
/// programs, most of them on Windows, write directories without.
fn enterable(mode: u32) -> u32 {
    let mode = mode & 0o777 | 0o500;
    mode | (mode & 0o444) >> 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_reads_a_directory_enters_it() {
        for (mode, want) in
            [(0o755, 0o755), (0o555, 0o555), (0o644, 0o755), (0o600, 0o700), (0, 0o500)]
        {
            assert_eq!(enterable(mode), want, "{mode:o}");
        }
    }
}
