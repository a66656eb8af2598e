//! Names of packages and tags, and how people say which version they mean.
//!
//! Invariants:
//! - a [`PackageName`] has no component `versions`, `tags` or `.history`, so no key of one package
//!   lies where another's are listed;
//! - a [`Tag`] is one component of a key, is not `latest`, and cannot be taken for a version.

use super::{RelPath, shown};
use crate::words::fault::fault;
use std::fmt;

/// A package's name, which may have slashes in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName(String);
text_type!(PackageName);

/// Where a ledger keeps things, below the package's name.
const RESERVED: [&str; 3] = ["versions", "tags", ".history"];

impl PackageName {
    /// Refuses what is no path, and names that would mix with another package's records.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let hint = "for example `frontend` or `team/frontend`";
        let path = RelPath::parse(text)
            .map_err(|e| fault(format!("`{}` is no package name: {e}", shown(text)), hint))?;
        if let Some(part) = path.components().find(|part| RESERVED.contains(part)) {
            return Err(fault(
                format!(
                    "`{}` is no package name: a ledger keeps its own things under `{part}`",
                    shown(text)
                ),
                hint,
            ));
        }
        if text.chars().any(char::is_control) {
            return Err(fault(
                format!("`{}` is no package name: it has a control character", shown(text)),
                hint,
            ));
        }
        Ok(PackageName(text.to_owned()))
    }
}

/// A tag of a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);
text_type!(Tag);

impl Tag {
    /// The tag that every ledger keeps by itself.
    pub const LATEST: &str = "latest";

    /// Accepts a line end (a file's), and refuses what cannot be one component of a key, what
    /// sacker would take for a version, and `latest`.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim_end_matches(['\r', '\n']);
        let why = if text == Self::LATEST {
            "it always is the newest version, and cannot be moved"
        } else if RelPath::parse(text).is_err() || text.contains('/') {
            "it cannot be part of a key"
        } else if text.chars().any(char::is_control) || text.trim() != text {
            "it has white space around it, or a control character"
        } else if is_number(text) {
            "it could be taken for a version"
        } else {
            return Ok(Tag(text.to_owned()));
        };
        Err(fault(
            format!("`{}` is no tag: {why}", shown(text)),
            "for example `live` or `staging`: a word, no number, without `/`",
        ))
    }
}

/// What sacker, in Python, reads as a number.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.chars().all(|c| c.is_numeric() || c == '_')
}

/// Which version of a package somebody means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    /// This one.
    Version(u64),
    /// The one that a tag is on.
    Tag(Tag),
    /// The newest.
    Latest,
}

impl Spec {
    /// A version's number, a tag, or `latest`.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        match text.parse() {
            Ok(version) if text.bytes().all(|b| b.is_ascii_digit()) => Ok(Spec::Version(version)),
            _ if text == Tag::LATEST => Ok(Spec::Latest),
            _ => Tag::parse(text).map(Spec::Tag).map_err(|e| {
                fault(
                    format!("`{}` names no version: {e}", shown(text)),
                    "give a version's number, a tag, or `latest`",
                )
            }),
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spec::Version(version) => version.fmt(f),
            Spec::Tag(tag) => tag.fmt(f),
            Spec::Latest => f.write_str(Tag::LATEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_do_not_mix() {
        for name in ["frontend", "team/frontend", "a b", "versions2", "tags.d/x", "é"] {
            assert_eq!(PackageName::parse(name).expect(name).as_str(), name);
        }
        for name in
            ["", "/a", "a/", "a//b", "../a", "a/versions", "tags", "a/tags/b", ".history/x", "a\nb"]
        {
            assert!(PackageName::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn tags_are_words() {
        for tag in ["live", "v1.2", "release candidate", "2026-11-21", "é", "1.0"] {
            assert_eq!(Tag::parse(&format!("{tag}\n")).expect(tag).as_str(), tag);
        }
        for tag in ["", "latest", "7", "+7", "-7", "1_000", "a/b", "..", ".", " a", "a\tb", "٣"] {
            assert!(Tag::parse(tag).is_err(), "{tag:?}");
        }
    }

    #[test]
    fn what_people_mean() {
        let tag = |text| Spec::Tag(Tag::parse(text).expect(text));
        for (text, want) in [
            ("7\n", Spec::Version(7)),
            ("latest", Spec::Latest),
            ("live", tag("live")),
            ("v7", tag("v7")),
        ] {
            assert_eq!(Spec::parse(text).expect(text), want);
        }
        for text in ["", "+7", "-1", "99999999999999999999999", "a/b"] {
            assert!(Spec::parse(text).is_err(), "{text}");
        }
    }
}
