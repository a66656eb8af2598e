//! Places: a path below a directory, an object's key, and what stands before every key.
//!
//! Invariants: a [`RelPath`] joined to a directory stays inside it; a [`Prefix`] is empty or ends in one
//! `/`; a [`Key`] is no longer than S3 takes.

use super::shown;
use crate::words::fault::{Fault, fault};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What stands before every key of a track: empty, or a folder that ends in one `/`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prefix(String);

impl Prefix {
    /// `team`, `team/` and `team//` are the same folder. A leading `/` is refused: S3 would make
    /// it a folder without a name.
    pub fn parse(name: &str, text: &str) -> anyhow::Result<Self> {
        if text.chars().any(char::is_control) {
            return Err(fault(
                format!(
                    "{name}: `{}` has a line end or another control character in it",
                    shown(text)
                ),
                "write it on one line, without `|` or `>` before it",
            ));
        }
        let folder = text.trim_end_matches('/');
        if folder.is_empty() && text.is_empty() {
            return Ok(Prefix::default());
        }
        let path = RelPath::parse(folder).map_err(|e| {
            fault(
                format!("{name}: {e}"),
                "a prefix is a folder in the bucket, for example `team-a/app`",
            )
        })?;
        Ok(Prefix(format!("{path}/")))
    }

    /// This folder, and one below it.
    pub fn folder(&self, name: &str) -> Prefix {
        Prefix(format!("{}{name}/", self.0))
    }

    /// The key of something directly or deeper below this folder.
    pub fn key(&self, rest: &str) -> anyhow::Result<Key> {
        Key::parse(&format!("{}{rest}", self.0))
    }

    /// The text, which ends in `/` unless it is empty.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An object's key: 1 to 1,024 bytes (S3's limit).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(Arc<str>);
text_type!(Key);

impl Key {
    /// Refuses an empty key, one over 1,024 bytes and one with a NUL.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        if text.is_empty() || text.contains('\0') {
            return Err(fault(
                "an empty key, or one with a NUL, is no object's key",
                "name a file",
            ));
        }
        if text.len() > 1024 {
            return Err(fault(
                format!("the key `{}` has {} bytes, and S3 allows 1,024", shown(text), text.len()),
                "shorten the path, or the prefix",
            ));
        }
        Ok(Key(text.into()))
    }
}

/// A path below some directory, `/` between its names, that cannot lead out of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(Arc<str>);
text_type!(RelPath);

impl RelPath {
    /// Refuses what is absolute, has an empty, `.` or `..` component, or a NUL.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let why = if text.is_empty() {
            Some("is empty")
        } else if text.contains('\0') {
            Some("has a NUL in it")
        } else if text.starts_with('/') {
            Some("is absolute")
        } else {
            text.split('/').find_map(|part| match part {
                "" => Some("has an empty component"),
                "." => Some("has `.` as a component"),
                ".." => Some("leads out of its directory"),
                _ if part.len() > 255 => Some("has a component of over 255 bytes"),
                _ => None,
            })
        };
        match why {
            None => Ok(RelPath(text.into())),
            Some(why) => Err(anyhow::Error::new(Fault::new(
                format!("the path `{}` {why}", shown(text)),
                "paths are relative, with plain names between single slashes",
            ))),
        }
    }

    /// Whether the first name is one of these.
    pub fn is_below(&self, names: &[&str]) -> bool {
        self.components().next().is_some_and(|first| names.contains(&first))
    }

    /// The names between the slashes.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether any name starts with a dot.
    pub fn is_hidden(&self) -> bool {
        self.components().any(|name| name.starts_with('.'))
    }

    /// The last name.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_stay_inside() {
        let long = "x".repeat(255);
        for path in ["a", "a/b", "a b+é%/…", "..a", "a..", ".hidden/x", "-", long.as_str()] {
            assert_eq!(RelPath::parse(path).expect(path).as_str(), path);
        }
    }

    #[test]
    fn paths_that_do_not() {
        let long = "x".repeat(256);
        let cases = [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../a",
            "a/..",
            "a/../b",
            ".",
            "./a",
            "a/./b",
            "a//b",
            "a/",
            "a\0b",
            long.as_str(),
        ];
        for path in cases {
            assert!(RelPath::parse(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn prefixes_are_folders() {
        for (text, want) in [("", ""), ("team", "team/"), ("team/", "team/"), ("a/b//", "a/b/")] {
            assert_eq!(Prefix::parse("prefix", text).expect(text).as_str(), want);
        }
        for text in ["/", "/a", "a/../b", "a//b", "a\n", "a\u{7f}b"] {
            assert!(Prefix::parse("prefix", text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_have_a_length() {
        assert!(Key::parse(&"k".repeat(1024)).is_ok());
        assert!(Key::parse(&"k".repeat(1025)).is_err());
        assert!(Key::parse("").is_err());
    }
}
