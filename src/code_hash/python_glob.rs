//! Files as Python finds them: `sorted(glob.glob(root + "/" + pattern, recursive=True))`, and the
//! md5 that s3-asset-manager makes of them, so that caches it has filled are still hit.
//!
//! The rules are those of `glob` and `fnmatch` in CPython 3.11 on POSIX, observed there:
//! - A leading `.` of a name is matched only by a `.` that the pattern's component starts with;
//!   `**` neither yields nor enters hidden names.
//! - `**` is special only as a whole component; it stands for the directory itself (`dir/`) and
//!   everything below, and follows symlinks to directories until the kernel gives up on a loop.
//! - What two ways lead to is found twice: `a/**/**` hashes files more than once.
//! - Components without magic, `.` and `..` included, need only exist; a slash at the end asks for
//!   a directory. Directories that cannot be read are passed over in silence.
//! - The order is that of Python's strings: by code point, a byte that is not UTF-8 standing for
//!   U+DC80 to U+DCFF.
//!
//! One difference: Python also expands `*`, `?` and `[` in the root's own path, because it is
//! pasted before the pattern. Here the root is taken literally, which is what its owner means.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileType};
use std::io::{self, Read as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use md5::{Digest as _, Md5};

mod fnmatch;
#[cfg(test)]
mod tests;

use fnmatch::{NamePattern, code_points};

/// Bytes read at a time; larger gains nothing.
const READ_SIZE: usize = 128 * 1024;

/// The files that `pattern` finds below `root`, in Python's order, each path starting with `root`;
/// symlinks to files count, directories do not.
///
/// # Errors
/// A path that was found cannot be asked what it is, as Python's `Path.is_file` raises.
pub fn files(root: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let glob = Glob::new(root);
    let mut paths = Vec::new();
    for found in glob.sorted(pattern) {
        let path = glob.full(&found.path);
        if found.is_file(&path)? {
            paths.push(path);
        }
    }
    Ok(paths)
}

/// The md5 of the contents of all files of all patterns, one after the other, in lowercase hex,
/// and how many files that were. No file at all gives the md5 of nothing.
///
/// # Errors
/// A file cannot be read; the path is in the context.
pub fn md5_of_files<S: AsRef<str>>(root: &Path, patterns: &[S]) -> Result<(String, usize)> {
    let glob = Glob::new(root);
    let mut hash = Md5::new();
    let mut buffer = vec![0; READ_SIZE];
    let mut count = 0;
    for pattern in patterns {
        for found in glob.sorted(pattern.as_ref()) {
            let path = glob.full(&found.path);
            if found.is_file(&path)? {
                add_contents(&path, &mut buffer, &mut hash)
                    .with_context(|| format!("reading {}", path.display()))?;
                count += 1;
            }
        }
    }
    Ok((crate::code_hash::hex(&hash.finalize()), count))
}

fn add_contents(path: &Path, buffer: &mut [u8], hash: &mut Md5) -> io::Result<()> {
    let mut file = File::open(path)?;
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Something that a pattern found.
struct Found {
    /// What Python's path has after `root/`. Empty: the root itself.
    path: Vec<u8>,
    /// What the directory said it is; unknown for a path that was only probed.
    kind: Option<FileType>,
}

impl Found {
    /// Python's `Path(path).is_file()`: symlinks are followed, a slash at the end is ignored, and a
    /// path that leads nowhere is no file; any other failure is raised.
    fn is_file(&self, path: &Path) -> Result<bool> {
        // The numbers of EBADF, ENOTDIR and ELOOP on Linux; `io::ErrorKind` does not have them all.
        const NOWHERE: [i32; 3] = [9, 20, 40];
        if let Some(kind) = self.kind.filter(|kind| !kind.is_symlink()) {
            return Ok(kind.is_file());
        }
        let bytes = path.as_os_str().as_bytes();
        let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(1, |last| last + 1);
        match fs::metadata(OsStr::from_bytes(&bytes[..end.min(bytes.len())])) {
            Ok(metadata) => Ok(metadata.is_file()),
            Err(error)
                if error.kind() == io::ErrorKind::NotFound
                    || error.raw_os_error().is_some_and(|code| NOWHERE.contains(&code)) =>
            {
                Ok(false)
            }
            Err(error) => Err(error).with_context(|| format!("looking at {}", path.display())),
        }
    }
}

/// Whether a step wants everything or, being followed by another, directories only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Anything,
    Directories,
}

/// The expansion of patterns below one root. Paths are relative to it, "" being the root.
struct Glob<'a> {
    root: &'a Path,
}

impl<'a> Glob<'a> {
    fn new(root: &'a Path) -> Self {
        Self { root }
    }

    fn full(&self, path: &[u8]) -> PathBuf {
        let root = self.root.as_os_str().as_bytes();
        let mut full = Vec::with_capacity(root.len() + 1 + path.len());
        full.extend_from_slice(root);
        full.push(b'/');
        full.extend_from_slice(path);
        PathBuf::from(OsString::from_vec(full))
    }

    fn sorted(&self, pattern: &str) -> Vec<Found> {
        let mut found = self.expand(pattern, Want::Anything);
        // UTF-8 sorts by bytes as its code points do.
        if found.iter().all(|found| std::str::from_utf8(&found.path).is_ok()) {
            found.sort_by(|a, b| a.path.cmp(&b.path));
        } else {
            found.sort_by_cached_key(|found| code_points(&found.path));
        }
        found
    }

    fn expand(&self, pattern: &str, want: Want) -> Vec<Found> {
        if !has_magic(pattern) {
            let path = pattern.as_bytes().to_vec();
            let full = self.full(&path);
            let exists = if path.is_empty() || path.ends_with(b"/") {
                full.is_dir()
            } else {
                full.symlink_metadata().is_ok()
            };
            return exists.then_some(Found { path, kind: None }).into_iter().collect();
        }
        let (parent, name) = split(pattern);
        let parents = if has_magic(parent) {
            self.expand(parent, Want::Directories)
        } else {
            let path = parent.as_bytes().to_vec();
            vec![Found { path, kind: None }]
        };
        let matcher = has_magic(name).then(|| NamePattern::new(name));
        let mut found = Vec::new();
        for Found { path, .. } in parents {
            match &matcher {
                None => self.probe(&path, name.as_bytes(), &mut found),
                Some(_) if name == "**" => {
                    found.push(Found { path: join(&path, b""), kind: None });
                    self.descend(&path, want, &mut found);
                }
                Some(matcher) => self.match_names(&path, matcher, want, &mut found),
            }
        }
        found
    }

    /// Adds `directory/name` if it is there; for an empty name `directory/` if that is a directory.
    fn probe(&self, directory: &[u8], name: &[u8], found: &mut Vec<Found>) {
        let path = join(directory, name);
        let full = self.full(&path);
        let exists = if name.is_empty() { full.is_dir() } else { full.symlink_metadata().is_ok() };
        if exists {
            found.push(Found { path, kind: None });
        }
    }

    fn match_names(
        &self,
        directory: &[u8],
        pattern: &NamePattern,
        want: Want,
        found: &mut Vec<Found>,
    ) {
        for (name, kind) in self.names(directory, want) {
            let name = name.as_bytes();
            if (pattern.takes_hidden() || !is_hidden(name)) && pattern.matches(name) {
                found.push(Found { path: join(directory, name), kind });
            }
        }
    }

    /// Adds everything below a directory that no hidden name leads to.
    fn descend(&self, directory: &[u8], want: Want, found: &mut Vec<Found>) {
        for (name, kind) in self.names(directory, want) {
            let name = name.as_bytes();
            if is_hidden(name) {
                continue;
            }
            let path = join(directory, name);
            // Python tries to list whatever it finds; only these can be listed.
            let may_be_directory = kind.is_none_or(|kind| kind.is_dir() || kind.is_symlink());
            if may_be_directory {
                found.push(Found { path: path.clone(), kind });
                self.descend(&path, want, found);
            } else {
                found.push(Found { path, kind });
            }
        }
    }

    /// The names in a directory; none if it cannot be read, those so far if that fails midway.
    fn names(&self, directory: &[u8], want: Want) -> Vec<(OsString, Option<FileType>)> {
        let full = self.full(directory);
        let Ok(entries) = fs::read_dir(&full) else {
            return Vec::new();
        };
        entries
            .map_while(Result::ok)
            .map(|entry| (entry.file_name(), entry.file_type().ok()))
            .filter(|(name, kind)| {
                want == Want::Anything
                    || match kind {
                        Some(kind) if !kind.is_symlink() => kind.is_dir(),
                        _ => full.join(name).is_dir(),
                    }
            })
            .collect()
    }
}

fn has_magic(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

fn is_hidden(name: &[u8]) -> bool {
    name.first() == Some(&b'.')
}

/// Python's `os.path.split` of `root/pattern`, without the root: what is before the last slash,
/// slashes at its end removed, and what is after.
fn split(pattern: &str) -> (&str, &str) {
    match pattern.rsplit_once('/') {
        Some((parent, name)) => (parent.trim_end_matches('/'), name),
        None => ("", pattern),
    }
}

/// Python's `os.path.join` of `root/directory` and `name`, without the root.
fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(directory.len() + 1 + name.len());
    path.extend_from_slice(directory);
    if !directory.is_empty() && !directory.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}
