//! The disk: what to publish is found and hashed, what was fetched is staged and put in place.
//!
//! Invariants:
//! - nothing outside the directory is ever published: a symbolic link that leads out is refused;
//! - a file is read twice, once to hash it and once to send it, and the CRC-64 of each part must
//!   be the same both times: a file that changes in between is an error, never wrong bytes;
//! - a fetched file gets its final name when every file of the set is whole, and the way to that
//!   name leads through no symbolic link.

use crate::digest::{Hasher, hex};
use crate::fault::fault;
use crate::names::{RelPath, shown};
use crate::selection::Selection;
use crate::set::{FileFacts, Mode};
use crate::store::{Span, crc64};
use anyhow::Context as _;
use bytes::Bytes;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A file to publish.
#[derive(Debug, Clone)]
pub struct Found {
    /// Below the directory.
    pub path: RelPath,
    /// Where it is.
    pub disk: PathBuf,
    /// In bytes.
    pub size: u64,
    /// Its permissions.
    pub mode: Mode,
}

/// Finds the files of a directory, sorted by path.
pub fn scan(directory: &Path, selection: &Selection) -> anyhow::Result<Vec<Found>> {
    let root = directory.canonicalize().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => fault(
            format!("directory: there is no {}", directory.display()),
            "its first component must be an input of the put, or the output of a task",
        ),
        _ => anyhow::Error::new(e).context(directory.display().to_string()),
    })?;
    if !root.is_dir() {
        return Err(fault(
            format!("directory: {} is a file", directory.display()),
            "give the directory and pick the file with `files`",
        ));
    }
    let mut found = Vec::new();
    let walk = walkdir::WalkDir::new(&root).follow_links(true).into_iter();
    let visible = |entry: &walkdir::DirEntry| {
        entry.depth() == 0
            || selection.takes_hidden()
            || !entry.file_name().to_string_lossy().starts_with('.')
    };
    for entry in walk.filter_entry(visible) {
        let entry = entry.map_err(|e| walk_error(&e, &root))?;
        if entry.depth() == 0 {
            continue;
        }
        let disk = entry.path();
        if entry.path_is_symlink() {
            let target = disk.canonicalize().with_context(|| disk.display().to_string())?;
            if !target.starts_with(&root) {
                return Err(fault(
                    format!(
                        "{} is a symbolic link that leads out of the directory",
                        disk.display()
                    ),
                    "copy what it points to, or leave it out with `files`",
                ));
            }
        }
        if entry.file_type().is_dir() {
            continue;
        }
        let relative = disk.strip_prefix(&root).unwrap_or(disk);
        let Some(text) = relative.to_str() else {
            return Err(fault(
                format!("the name of {} is not UTF-8", disk.display()),
                "S3's keys are UTF-8: rename it",
            ));
        };
        let path = RelPath::parse(text)?;
        if !selection.takes(&path) {
            continue;
        }
        if crate::artifacts::is_reserved(&path) {
            return Err(fault(
                format!("{} has a name that this resource keeps to itself", disk.display()),
                "leave it out with `files`, or without `include_hidden`",
            ));
        }
        if !entry.file_type().is_file() {
            return Err(fault(
                format!("{} is neither a file nor a directory", disk.display()),
                "sockets, pipes and devices cannot be published: leave it out with `files`",
            ));
        }
        let metadata = entry.metadata().map_err(|e| walk_error(&e, &root))?;
        let mode =
            if metadata.permissions().mode() & 0o100 != 0 { Mode::Executable } else { Mode::Plain };
        found.push(Found { path, size: metadata.len(), mode, disk: disk.to_owned() });
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Finds the one file below a directory that a glob matches, as in concourse/s3-resource: `*` stays
/// within a directory. `what` names the glob in errors.
pub fn find_one(directory: &Path, glob: &str, what: &str) -> anyhow::Result<Found> {
    const HINT: &str =
        "the path starts with the name of an input; give a glob that matches one file";
    let glob = glob.trim_start_matches("./");
    let is_plain = |name: &&str| !name.contains(['*', '?', '[', '{', '\\']);
    let names: Vec<&str> = glob.split('/').collect();
    let plain = names.iter().copied().take(names.len() - 1).take_while(is_plain).count();
    let base = RelPath::parse(glob).map_err(|e| e.context(what.to_owned()))?;
    let selection =
        Selection::new(&[base.to_string()], true).map_err(|e| e.context(what.to_owned()))?;
    let root = directory.canonicalize().with_context(|| directory.display().to_string())?;
    let start: PathBuf = names[..plain].iter().fold(directory.to_owned(), |path, it| path.join(it));
    let depth = if glob.contains("**") { usize::MAX } else { names.len() - plain };
    let mut matches = Vec::new();
    let walk = walkdir::WalkDir::new(&start).follow_links(true).min_depth(1).max_depth(depth);
    // What cannot be walked cannot be meant.
    for entry in walk.sort_by_file_name().into_iter().filter_map(Result::ok) {
        let below = entry.path().strip_prefix(directory).ok().and_then(Path::to_str);
        let Some(path) = below.and_then(|text| RelPath::parse(text).ok()) else { continue };
        if entry.file_type().is_file() && selection.takes(&path) {
            matches.push((path, entry));
        }
    }
    let (path, entry) = match matches.len() {
        0 => return Err(fault(format!("{what}: `{}` matches no file", shown(glob)), HINT)),
        1 => matches.remove(0),
        several => {
            let some: Vec<_> = matches.iter().take(4).map(|(path, _)| path.as_str()).collect();
            let more = if several > some.len() { ", …" } else { "" };
            return Err(fault(
                format!(
                    "{what}: `{}` matches {several} files: {}{more}",
                    shown(glob),
                    some.join(", ")
                ),
                HINT,
            ));
        }
    };
    let disk = entry.path().canonicalize().with_context(|| entry.path().display().to_string())?;
    if !disk.starts_with(&root) {
        return Err(fault(
            format!("{what}: {path} is a symbolic link that leads out of the inputs"),
            "copy what it points to",
        ));
    }
    found(path, disk)
}

/// A file that somebody named.
pub fn found(path: RelPath, disk: PathBuf) -> anyhow::Result<Found> {
    let metadata = fs::metadata(&disk).with_context(|| disk.display().to_string())?;
    if !metadata.is_file() {
        return Err(fault(format!("{} is no file", disk.display()), "name a file"));
    }
    let is_program = metadata.permissions().mode() & 0o100 != 0;
    let mode = if is_program { Mode::Executable } else { Mode::Plain };
    Ok(Found { path, disk, size: metadata.len(), mode })
}

fn walk_error(error: &walkdir::Error, root: &Path) -> anyhow::Error {
    let place = error.path().unwrap_or(root).display();
    if error.loop_ancestor().is_some() {
        return fault(
            format!("{place} is a symbolic link to a directory that it is in"),
            "remove the link, or leave it out with `files`",
        );
    }
    match error.io_error() {
        Some(e) if e.kind() == io::ErrorKind::NotFound => fault(
            format!("{place} is a symbolic link to nothing"),
            "remove the link, or leave it out with `files`",
        ),
        Some(e) => anyhow::anyhow!("{place}: {e}"),
        None => anyhow::anyhow!("{place}: {error}"),
    }
}

/// A file to publish, hashed.
#[derive(Debug, Clone)]
pub struct Hashed {
    /// What it is.
    pub facts: FileFacts,
    /// Where it is.
    pub disk: PathBuf,
    /// The size of its parts.
    pub part: u64,
    /// The CRC-64 of each part.
    pub sums: Vec<Bytes>,
}

impl Hashed {
    /// The size of a part: the last one is what is left.
    pub fn part_length(&self, index: usize) -> u64 {
        self.part.min(self.facts.size.saturating_sub(index as u64 * self.part))
    }
}

/// Hashes a file; `part` is the size of the parts that it will travel in.
pub fn hash(found: &Found, part: u64) -> anyhow::Result<Hashed> {
    let place = || found.disk.display().to_string();
    let mut file = File::open(&found.disk).with_context(place)?;
    let part = part.max(1);
    let mut hasher = Hasher::default();
    let mut sums = Vec::new();
    let mut size = 0;
    // A part is hashed from one buffer where it is small, and in pieces where it is not.
    let mut buffer =
        vec![0; usize::try_from(found.size.min(part).clamp(1, 256 << 10)).unwrap_or(1)];
    for span in Span::cover(found.size, part) {
        let mut sum = aws_smithy_checksums::ChecksumAlgorithm::Crc64Nvme.into_impl();
        let mut left = span.length;
        while left > 0 {
            let want = usize::try_from(left.min(buffer.len() as u64)).unwrap_or(buffer.len());
            let read = file.read(&mut buffer[..want]).with_context(place)?;
            if read == 0 {
                return Err(changed(&found.disk));
            }
            hasher.update(&buffer[..read]);
            sum.update(&buffer[..read]);
            left -= read as u64;
            size += read as u64;
        }
        sums.push(sum.finalize());
    }
    let facts =
        FileFacts { path: found.path.clone(), size, mode: found.mode, sha256: hasher.finish() };
    Ok(Hashed { facts, disk: found.disk.clone(), part, sums })
}

/// Reads part `index` of a file that was hashed, into a buffer that the caller made.
pub fn read_part(file: &Hashed, index: usize, mut buffer: Vec<u8>) -> anyhow::Result<Bytes> {
    let place = || file.disk.display().to_string();
    let start = index as u64 * file.part;
    let mut opened = File::open(&file.disk).with_context(place)?;
    opened.seek(SeekFrom::Start(start)).with_context(place)?;
    opened.take(file.part_length(index)).read_to_end(&mut buffer).with_context(place)?;
    let is_same = file.sums.get(index).is_some_and(|sum| *sum == crc64(&buffer));
    if is_same { Ok(buffer.into()) } else { Err(changed(&file.disk)) }
}

fn changed(path: &Path) -> anyhow::Error {
    fault(
        format!("{} changed while it was read", path.display()),
        "publish what a finished task left; nothing may write to it meanwhile",
    )
}

/// Fetched files on their way to their names.
#[derive(Debug)]
pub struct Staging {
    destination: PathBuf,
    directory: PathBuf,
}

impl Staging {
    /// Begins a stage in a directory, which is made where it is not there.
    pub fn begin(destination: &Path) -> anyhow::Result<Staging> {
        let place = || destination.display().to_string();
        fs::create_dir_all(destination).with_context(place)?;
        let destination = destination.canonicalize().with_context(place)?;
        let directory =
            destination.join(format!(".s3-asset-{}", hex(&fastrand::u64(..).to_be_bytes())));
        fs::create_dir(&directory).with_context(|| directory.display().to_string())?;
        Ok(Staging { destination, directory })
    }

    /// Where file number `index` is written until it is whole.
    pub fn slot(&self, index: usize) -> PathBuf {
        self.directory.join(index.to_string())
    }

    /// Writes a small file that is whole.
    pub fn write(&self, index: usize, bytes: &[u8]) -> anyhow::Result<()> {
        let slot = self.slot(index);
        fs::write(&slot, bytes).with_context(|| slot.display().to_string())
    }

    /// An empty directory in the stage, for what an archive holds.
    pub fn tree(&self) -> anyhow::Result<PathBuf> {
        let tree = self.directory.join("tree");
        fs::create_dir(&tree).with_context(|| tree.display().to_string())?;
        Ok(tree)
    }

    /// Gives what lies in a [`Staging::tree`] its names; answers those of `except` that lay at its
    /// root, and stay behind.
    pub fn spread(&self, tree: &Path, except: &[&str]) -> anyhow::Result<Vec<String>> {
        let place = |path: &Path| path.display().to_string();
        let mut left = Vec::new();
        for entry in fs::read_dir(tree).with_context(|| place(tree))? {
            let entry = entry.with_context(|| place(tree))?;
            let name = entry.file_name();
            if let Some(name) = name.to_str().filter(|name| except.contains(name)) {
                left.push(name.to_owned());
                continue;
            }
            let target = self.destination.join(&name);
            fs::rename(entry.path(), &target).with_context(|| place(&target))?;
        }
        Ok(left)
    }

    /// Gives every file its name: slot `i` becomes `files[i]`.
    pub fn finish(self, files: &[(RelPath, Mode)]) -> anyhow::Result<()> {
        for (index, (path, mode)) in files.iter().enumerate() {
            let target = self.target(path)?;
            let slot = self.slot(index);
            fs::set_permissions(&slot, fs::Permissions::from_mode(mode.bits()))
                .with_context(|| slot.display().to_string())?;
            fs::rename(&slot, &target).with_context(|| target.display().to_string())?;
        }
        Ok(())
    }

    /// The final name of a path, with its directories made and none of them a symbolic link.
    fn target(&self, path: &RelPath) -> anyhow::Result<PathBuf> {
        let mut target = self.destination.clone();
        let mut names = path.components().peekable();
        while let Some(name) = names.next() {
            target.push(name);
            if names.peek().is_none() {
                break;
            }
            match fs::symlink_metadata(&target) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => {
                    return Err(fault(
                        format!("{} is in the way of {path}", target.display()),
                        "get into an empty directory",
                    ));
                }
                Err(_) => fs::create_dir(&target).with_context(|| target.display().to_string())?,
            }
        }
        Ok(target)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // A thread that still writes a slot finds no directory under the old name, so nothing
        // appears in this one while it is removed.
        let leaving = self.directory.with_extension("gone");
        let _ = fs::rename(&self.directory, &leaving).and_then(|()| fs::remove_dir_all(&leaving));
    }
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
