//! The disk: what to publish is found and hashed, what was fetched is staged and put in place.
//!
//! Invariants:
//! - nothing outside the directory is ever published: a symbolic link that leads out is refused;
//! - a file is read twice, once to hash it and once to send it, and the CRC-64 of each part must
//!   be the same both times: a file that changes in between is an error, never wrong bytes;
//! - a fetched file gets its final name when every file of the set is whole, and the way to that
//!   name leads through no symbolic link.

use crate::input::selection::Selection;
use crate::words::digest::{Hasher, Sha256, hex};
use crate::words::fault::fault;
use crate::words::file::{FileFacts, Mode};
use crate::words::names::{RelPath, shown};
use crate::words::parts::Parts;
use crate::words::span::Span;
use anyhow::Context as _;
use bytes::Bytes;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

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
pub fn scan(
    directory: &Path,
    selection: &Selection,
    reserved: &[&str],
) -> anyhow::Result<Vec<Found>> {
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
            if !selection.takes_disk(relative) {
                continue;
            }
            return Err(fault(
                format!("the name of {} is not UTF-8", disk.display()),
                "S3's keys are UTF-8: rename it",
            ));
        };
        let path = RelPath::parse(text)?;
        if !selection.takes(&path) {
            continue;
        }
        if path.is_below(reserved) {
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

/// A path below the inputs of a put, as a user writes it; `what` names it in errors. What is not
/// there yet is no error here.
pub fn input(inputs: &Path, text: &str, what: &str) -> anyhow::Result<PathBuf> {
    const HINT: &str =
        "the path starts with the name of an input, and nothing outside of the inputs is read";
    let outside = |why: &str| fault(format!("{what}: `{}` {why}", shown(text)), HINT);
    if text.starts_with('/') {
        return Err(outside("is absolute"));
    }
    if text.split('/').any(|name| name == "..") {
        return Err(outside("leads out of its directory"));
    }
    let path = inputs.join(text);
    match (inputs.canonicalize(), path.canonicalize()) {
        (Ok(root), Ok(real)) if !real.starts_with(&root) => {
            Err(outside("is a symbolic link that leads out of the inputs"))
        }
        _ => Ok(path),
    }
}

/// Finds the one file below a directory that a glob matches, as in concourse/s3-resource: `*` stays
/// within a directory. `what` names the glob in errors.
pub fn find_one(directory: &Path, glob: &str, what: &str) -> anyhow::Result<Found> {
    let (path, disk) = find(directory, glob, what, Sought::File)?;
    found(path, disk)
}

/// As [`find_one`], the one directory.
pub fn find_directory(
    directory: &Path,
    glob: &str,
    what: &str,
) -> anyhow::Result<(RelPath, PathBuf)> {
    find(directory, glob, what, Sought::Directory)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sought {
    File,
    Directory,
}

impl Sought {
    fn of(kind: fs::FileType) -> Option<Sought> {
        match (kind.is_file(), kind.is_dir()) {
            (true, _) => Some(Sought::File),
            (_, true) => Some(Sought::Directory),
            _ => None,
        }
    }

    fn words(self) -> [&'static str; 2] {
        match self {
            Sought::File => ["file", "files"],
            Sought::Directory => ["directory", "directories"],
        }
    }

    fn hint(self) -> String {
        let [word, _] = self.words();
        format!("the path starts with the name of an input; give a glob that matches one {word}")
    }
}

fn find(
    directory: &Path,
    glob: &str,
    what: &str,
    sought: Sought,
) -> anyhow::Result<(RelPath, PathBuf)> {
    let glob = glob.trim_start_matches("./").trim_end_matches('/');
    let is_plain = |name: &&str| !name.contains(['*', '?', '[', '{', '\\']);
    let names: Vec<&str> = glob.split('/').collect();
    let plain = names.iter().copied().take(names.len() - 1).take_while(is_plain).count();
    let base = RelPath::parse(glob).map_err(|e| e.context(what.to_owned()))?;
    let selection = Selection::one(base.as_str()).map_err(|e| e.context(what.to_owned()))?;
    let root = directory.canonicalize().with_context(|| directory.display().to_string())?;
    let start: PathBuf = names[..plain].iter().fold(directory.to_owned(), |path, it| path.join(it));
    let depth = if glob.contains("**") { usize::MAX } else { names.len() - plain };
    let (mut matches, mut others) = (Vec::new(), 0);
    let walk = walkdir::WalkDir::new(&start).follow_links(true).min_depth(1).max_depth(depth);
    // What cannot be walked cannot be meant.
    for entry in walk.sort_by_file_name().into_iter().filter_map(Result::ok) {
        let below = entry.path().strip_prefix(directory).ok().and_then(Path::to_str);
        let Some(path) = below.and_then(|text| RelPath::parse(text).ok()) else { continue };
        if !selection.takes(&path) {
            continue;
        }
        match Sought::of(entry.file_type()) {
            Some(is) if is == sought => matches.push((path, entry)),
            Some(_) => others += 1,
            None => {}
        }
    }
    let [word, words] = sought.words();
    let (path, entry) = match matches.len() {
        0 if others > 0 && sought == Sought::File => {
            return Err(fault(
                format!("{what}: `{}` matches no file", shown(glob)),
                "it matches a directory: `pack: tar.gz` makes an archive of it",
            ));
        }
        0 => {
            return Err(fault(
                format!("{what}: `{}` matches no {word}", shown(glob)),
                sought.hint(),
            ));
        }
        1 => matches.remove(0),
        several => {
            let some: Vec<_> = matches.iter().take(4).map(|(path, _)| path.as_str()).collect();
            let more = if several > some.len() { ", …" } else { "" };
            return Err(fault(
                format!(
                    "{what}: `{}` matches {several} {words}: {}{more}",
                    shown(glob),
                    some.join(", ")
                ),
                sought.hint(),
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
    Ok((path, disk))
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
        // By its number, which finds the hint.
        Some(e) => match e.raw_os_error() {
            Some(number) => {
                anyhow::Error::new(io::Error::from_raw_os_error(number)).context(place.to_string())
            }
            None => anyhow::anyhow!("{place}: {e}"),
        },
        None => anyhow::anyhow!("{place}: {error}"),
    }
}

/// Bytes that a core's cache still holds when they are summed after they were read.
const SLICE: u64 = 256 << 10;
/// Slices of one file on their way to the thread that hashes it.
const SLICES: usize = 4;

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
    /// The SHA-256 of each, where there are several.
    pub parts: Option<Parts>,
}

impl Hashed {
    /// The size of a part: the last one is what is left.
    pub fn part_length(&self, index: usize) -> u64 {
        self.part.min(self.facts.size.saturating_sub(index as u64 * self.part))
    }
}

/// Hashes a file; `part` is the size of the parts that it will travel in. The whole of a file that
/// has several is hashed on a thread of its own, beside the parts.
pub fn hash(found: &Found, part: u64) -> anyhow::Result<Hashed> {
    let (part, mut file) = (part.max(1), open(&found.disk)?);
    let mut summed = Summed::default();
    let room = || Vec::with_capacity(found.size.min(SLICE) as usize);
    let sha256 = if found.size <= part {
        let mut hasher = Hasher::default();
        let mut buffer = room();
        for span in Span::cover(found.size, part) {
            let slice = |bytes: &mut Vec<u8>| hasher.update(bytes);
            buffer = summed.take(found, &mut file, span, buffer, slice)?;
        }
        hasher.finish()
    } else {
        std::thread::scope(|scope| {
            let (full, filled) = std::sync::mpsc::sync_channel::<Vec<u8>>(SLICES);
            let (empty, emptied) = std::sync::mpsc::channel::<Vec<u8>>();
            let whole = scope.spawn(move || {
                let mut hasher = Hasher::default();
                for slice in filled {
                    hasher.update(&slice);
                    // Nobody takes it when the file has been read.
                    let _ = empty.send(slice);
                }
                hasher.finish()
            });
            let mut buffer = room();
            for span in Span::cover(found.size, part) {
                let mut parts = Hasher::default();
                let slice = |bytes: &mut Vec<u8>| {
                    parts.update(bytes);
                    let next = emptied.try_recv().unwrap_or_else(|_| room());
                    // The thread ends with this one.
                    let _ = full.send(std::mem::replace(bytes, next));
                };
                buffer = summed.take(found, &mut file, span, buffer, slice)?;
                summed.digests.push(parts.finish());
            }
            drop(full);
            whole.join().map_err(|_| anyhow::anyhow!("{}: its thread", found.disk.display()))
        })?
    };
    let facts = FileFacts { path: found.path.clone(), size: summed.size, mode: found.mode, sha256 };
    let parts = Parts::new(part, &summed.digests);
    Ok(Hashed { facts, disk: found.disk.clone(), part, sums: summed.sums, parts })
}

/// What was read of a file, in parts.
#[derive(Default)]
struct Summed {
    sums: Vec<Bytes>,
    digests: Vec<Sha256>,
    size: u64,
}

impl Summed {
    /// Reads a part slice by slice, each into the buffer that the one before left.
    fn take(
        &mut self,
        found: &Found,
        file: &mut File,
        span: Span,
        mut buffer: Vec<u8>,
        mut slice: impl FnMut(&mut Vec<u8>),
    ) -> anyhow::Result<Vec<u8>> {
        let mut sum = aws_smithy_checksums::ChecksumAlgorithm::Crc64Nvme.into_impl();
        for Span { length, .. } in Span::cover(span.length, SLICE) {
            buffer.clear();
            let read = (&mut *file).take(length).read_to_end(&mut buffer);
            if read.with_context(|| found.disk.display().to_string())? as u64 != length {
                return Err(changed(&found.disk));
            }
            sum.update(&buffer);
            self.size += length;
            slice(&mut buffer);
        }
        self.sums.push(sum.finalize());
        Ok(buffer)
    }
}

/// Reads part `index` of a file that was hashed, into a buffer that the caller made.
pub fn read_part(file: &Hashed, index: usize, mut buffer: Vec<u8>) -> anyhow::Result<Bytes> {
    let place = || file.disk.display().to_string();
    let start = index as u64 * file.part;
    let mut opened = open(&file.disk)?;
    opened.seek(SeekFrom::Start(start)).with_context(place)?;
    let mut sum = aws_smithy_checksums::ChecksumAlgorithm::Crc64Nvme.into_impl();
    for span in Span::cover(file.part_length(index), SLICE) {
        let from = buffer.len();
        (&mut opened).take(span.length).read_to_end(&mut buffer).with_context(place)?;
        sum.update(&buffer[from..]);
    }
    let is_same = file.sums.get(index).is_some_and(|it| *it == sum.finalize());
    if is_same { Ok(buffer.into()) } else { Err(changed(&file.disk)) }
}

/// Opens a file to be read. What became a pipe or a device meanwhile is not waited for.
fn open(path: &Path) -> anyhow::Result<File> {
    /// Of Linux on every platform that the image is for: for regular files it changes nothing.
    const O_NONBLOCK: i32 = 0o4000;
    let place = || path.display().to_string();
    let file = File::options().read(true).custom_flags(O_NONBLOCK).open(path);
    let file = file.with_context(place)?;
    if !file.metadata().with_context(place)?.is_file() {
        return Err(changed(path));
    }
    Ok(file)
}

pub(super) fn changed(path: &Path) -> anyhow::Error {
    fault(
        format!("{} changed while it was read", path.display()),
        "publish what a finished task left; nothing may write to it meanwhile",
    )
}

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
