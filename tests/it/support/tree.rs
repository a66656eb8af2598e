//! A directory's files as a value that can be written, read back and compared.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What a get writes beside the files of the set.
pub(crate) const RESERVED: [&str; 5] =
    [".found", ".commit-hash", ".code-hash", ".manifest.json", ".s3_uri"];

#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Tree(BTreeMap<String, (u32, Vec<u8>)>);

impl Tree {
    /// One file.
    pub(crate) fn of(path: &str, bytes: impl Into<Vec<u8>>) -> Tree {
        Tree::default().with(path, bytes)
    }

    pub(crate) fn with(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Tree {
        self.0.insert(path.to_owned(), (0o644, bytes.into()));
        self
    }

    pub(crate) fn with_program(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Tree {
        self.0.insert(path.to_owned(), (0o755, bytes.into()));
        self
    }

    pub(crate) fn without(mut self, paths: &[&str]) -> Tree {
        self.0.retain(|path, _| !paths.contains(&path.as_str()));
        self
    }

    /// Only what a set holds, nothing that a get adds.
    pub(crate) fn assets(self) -> Tree {
        self.without(&RESERVED)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn paths(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    pub(crate) fn text(&self, path: &str) -> Option<String> {
        self.0.get(path).map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
    }

    pub(crate) fn write(&self, directory: &Path) {
        fs::create_dir_all(directory).expect("the directory");
        for (path, (mode, bytes)) in &self.0 {
            let file = directory.join(path);
            fs::create_dir_all(file.parent().expect("a parent")).expect("its directory");
            fs::write(&file, bytes).expect("the file");
            fs::set_permissions(&file, fs::Permissions::from_mode(*mode)).expect("its mode");
        }
    }

    pub(crate) fn read(directory: &Path) -> Tree {
        let mut tree = Tree::default();
        tree.read_below(directory, "");
        tree
    }

    fn read_below(&mut self, directory: &Path, prefix: &str) {
        for entry in fs::read_dir(directory).expect("a directory") {
            let entry = entry.expect("an entry");
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().expect("its type");
            if kind.is_dir() {
                self.read_below(&entry.path(), &format!("{path}/"));
            } else {
                let mode = entry.metadata().expect("its mode").permissions().mode() & 0o777;
                let bytes = fs::read(entry.path()).unwrap_or_default();
                self.0.insert(path, (mode, bytes));
            }
        }
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, (mode, bytes)) in &self.0 {
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(24)]);
            writeln!(f, "{mode:o} {path:?} {} bytes {start:?}", bytes.len())?;
        }
        Ok(())
    }
}
