//! Which files are meant: those of a directory, or the one that a user names.
//!
//! Invariant: nothing outside the directory is found; a symbolic link that leads out is refused.

use crate::input::selection::Selection;
use crate::words::fault::fault;
use crate::words::file::Mode;
use crate::words::names::{RelPath, shown};
use anyhow::Context as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

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
