//! The one file that a put's `file` names, by its path or by a glob.

use super::{Found, walk_error};
use crate::fault::fault;
use crate::names::{RelPath, shown};
use crate::selection::Selection;
use crate::set::Mode;
use anyhow::Context as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A file that was picked.
#[derive(Debug, Clone)]
pub struct Picked {
    /// The file; its path is below the directory that no wildcard is in.
    pub found: Found,
    /// Its mode, as `st_mode`.
    pub mode: u32,
}

/// Finds the one file below `root` that matches a glob. `*` stays within a directory, `**` does
/// not; a file of exactly that name needs no glob. Nothing outside `root` is picked.
pub fn pick(root: &Path, glob: &str, what: &str) -> anyhow::Result<Picked> {
    let glob = glob.trim_start_matches("./");
    let asked = RelPath::parse(glob).map_err(|e| e.context(what.to_owned()))?;
    let root = root.canonicalize().with_context(|| root.display().to_string())?;
    if root.join(glob).is_file() {
        return picked(&root, asked, what);
    }
    // Only what no wildcard is in front of is walked through.
    let fixed = glob.split('/').take_while(|part| !part.contains(['*', '?', '[', '{'])).count();
    let parts: Vec<&str> = glob.split('/').collect();
    let base = parts[..fixed.min(parts.len() - 1)].join("/");
    let selection =
        Selection::new(&[glob.to_owned()], true).map_err(|e| e.context(what.to_owned()))?;
    let mut fitting = Vec::new();
    let from = root.join(&base);
    if !from.is_dir() {
        return Err(nothing(what, glob, &from));
    }
    for entry in walkdir::WalkDir::new(&from).follow_links(true).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            // A link to nothing is no file.
            Err(e) if e.io_error().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound) => {
                continue;
            }
            Err(e) => return Err(walk_error(&e, &from)),
        };
        let relative = entry.path().strip_prefix(&root).unwrap_or(entry.path());
        let Some(Ok(path)) = relative.to_str().map(RelPath::parse) else { continue };
        if entry.file_type().is_file() && selection.takes(&path) {
            fitting.push(path);
        }
    }
    match fitting.as_slice() {
        [one] => picked(&root, one.clone(), what),
        [] => Err(nothing(what, glob, &from)),
        several => {
            let names: Vec<&str> = several.iter().take(4).map(RelPath::as_str).collect();
            Err(fault(
                format!(
                    "{what}: {} files match `{}`: {}{}",
                    several.len(),
                    shown(glob),
                    names.join(", "),
                    if several.len() > 4 { ", ..." } else { "" }
                ),
                "give a glob that only one file matches",
            ))
        }
    }
}

/// The file of this name in a directory; where it is a link, what it points to.
pub fn picked_at(directory: &Path, name: &str) -> anyhow::Result<Picked> {
    let place = directory.join(name);
    let disk = place
        .canonicalize()
        .map_err(|e| fault(format!("{}: {e}", place.display()), "give a file that is there"))?;
    if !disk.is_file() {
        return Err(fault(format!("{} is no file", place.display()), "give a file"));
    }
    found(disk, RelPath::parse(name)?)
}

fn nothing(what: &str, glob: &str, from: &Path) -> anyhow::Error {
    fault(
        format!("{what}: no file matches `{}` in {}", shown(glob), from.display()),
        "its first component must be an input of the put, or the output of a task",
    )
}

fn picked(root: &Path, path: RelPath, what: &str) -> anyhow::Result<Picked> {
    let place = root.join(path.as_str());
    let disk: PathBuf = place.canonicalize().with_context(|| place.display().to_string())?;
    if !disk.starts_with(root) {
        return Err(fault(
            format!("{what}: {} is a symbolic link that leads out of the inputs", place.display()),
            "copy what it points to",
        ));
    }
    found(disk, path)
}

fn found(disk: PathBuf, path: RelPath) -> anyhow::Result<Picked> {
    let metadata = fs::metadata(&disk).with_context(|| disk.display().to_string())?;
    let mode = metadata.permissions().mode();
    let kind = if mode & 0o100 != 0 { Mode::Executable } else { Mode::Plain };
    Ok(Picked { found: Found { path, size: metadata.len(), mode: kind, disk }, mode })
}

#[cfg(test)]
mod tests {
    use super::pick;
    use crate::fault::hint_of;
    use std::fs;

    #[test]
    fn one_file_or_an_error() {
        let root = tempfile::tempdir().expect("a directory");
        for path in ["in/app-1.jar", "in/lib/a.so", "in/lib/b.so", "in/x[1].bin", ".h/x"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, "x").expect("written");
        }
        std::os::unix::fs::symlink("/etc/hostname", root.path().join("in/out")).expect("a link");
        std::os::unix::fs::symlink("nowhere", root.path().join("in/broken")).expect("a link");
        for (glob, want) in [
            ("in/app-1.jar", "in/app-1.jar"),
            ("./in/app-*.jar", "in/app-1.jar"),
            ("in/*.jar", "in/app-1.jar"),
            ("*/app-?.jar", "in/app-1.jar"),
            ("in/**/a.so", "in/lib/a.so"),
            ("in/x[1].bin", "in/x[1].bin"),
            (".h/*", ".h/x"),
        ] {
            let picked = pick(root.path(), glob, "params.file").expect(glob);
            assert_eq!(picked.found.path.as_str(), want);
            assert_eq!(picked.mode & 0o170_000, 0o100_000, "as st_mode has it");
        }
        for (glob, want) in [
            ("in/lib/*.so", "2 files match `in/lib/*.so`: in/lib/a.so, in/lib/b.so"),
            ("in/*.zip", "no file matches `in/*.zip`"),
            ("other/*.zip", "no file matches `other/*.zip`"),
            ("in/lib", "no file matches"),
            ("in/out", "leads out of the inputs"),
            ("../x", "params.file"),
            ("in/[", "params.file"),
        ] {
            let error = pick(root.path(), glob, "params.file").expect_err(glob);
            assert!(format!("{error:#}").contains(want), "{error:#} / {want}");
            assert!(hint_of(&error).is_some(), "{glob}");
        }
    }
}
