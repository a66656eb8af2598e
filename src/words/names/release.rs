//! The words of a release: its rank, its version, its file.
//!
//! All three become parts of keys. None has an empty name, or one that starts with a dot: so there
//! is no `.` and no `..`, and the records that lie beside them (`<rank>/.history`,
//! `archive/<version>/.<file>`) can be none of them. A version may have `/` in it, as branches do;
//! a file too: where version and file together make the key of another pair, the record beside that
//! key tells whose it is.

use super::{RelPath, shown};
use crate::words::fault::fault;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A rank: the folder of what stands there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rank(String);
text_type!(Rank);

impl Rank {
    /// Takes one plain name, without the white space around it.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        let why = if text.contains('/') { Some("has a `/` in it") } else { flaw(text) };
        match why {
            None => Ok(Rank(text.to_owned())),
            Some(why) => Err(fault(
                format!("the rank `{}` {why}", shown(text)),
                "a rank is a folder's name, for example `qa`; folders above it go into `prefix`",
            )),
        }
    }
}

/// The version of a release, as somebody chose it: `0.1.1`, a commit's hash, a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseVersion(String);
text_type!(ReleaseVersion);

impl ReleaseVersion {
    /// Takes what can be a part of a key and the value of a header, without the white space around
    /// it (a file's last line end).
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        let why = if text.len() > 255 {
            Some("has over 255 bytes")
        } else if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            Some("is not all printable ASCII")
        } else {
            flaw(text)
        };
        match why {
            None => Ok(ReleaseVersion(text.to_owned())),
            Some(why) => Err(fault(
                format!("the version `{}` {why}", shown(text)),
                "up to 255 printable ASCII characters, for example `1.4.0` or a commit's hash; no name between slashes is empty or starts with a dot",
            )),
        }
    }
}

/// The name of a file at the ranks: a path, `/` between its names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseFile(RelPath);

impl ReleaseFile {
    /// Refuses what is no [`RelPath`], and hidden names.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let path = RelPath::parse(text)?;
        match flaw(text) {
            None => Ok(ReleaseFile(path)),
            Some(why) => Err(fault(
                format!("the file `{}` {why}", shown(text)),
                "give a name that does not start with a dot, for example `my.tar.gz`",
            )),
        }
    }

    /// The path.
    pub fn path(&self) -> &RelPath {
        &self.0
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The last name, and the folder before it, which is empty or ends in `/`.
    pub fn split(&self) -> (&str, &str) {
        let name = self.0.file_name();
        (&self.as_str()[..self.as_str().len() - name.len()], name)
    }
}

impl fmt::Display for ReleaseFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<ReleaseFile> for String {
    fn from(file: ReleaseFile) -> String {
        file.0.into()
    }
}

impl TryFrom<String> for ReleaseFile {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Self> {
        ReleaseFile::parse(&text)
    }
}

/// Why a text cannot be a part of a release's keys.
fn flaw(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("is empty");
    }
    if text.chars().any(char::is_control) {
        return Some("has a control character in it");
    }
    text.split('/').find_map(|name| match name {
        "" => Some("has an empty name between slashes"),
        _ if name.starts_with('.') => Some("has a name that starts with a dot"),
        _ if name.len() > 255 => Some("has a name of over 255 bytes"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_safe_as_keys() {
        let long = "x".repeat(255);
        for (text, want) in [
            ("0.1.1", "0.1.1"),
            ("839de03f972e8182\n", "839de03f972e8182"),
            (" 1.0 rc 1 ", "1.0 rc 1"),
            ("1.0+build/7", "1.0+build/7"),
            ("feature/x", "feature/x"),
            ("a..b", "a..b"),
            ("%2e%2e\\?#&\"'<>", "%2e%2e\\?#&\"'<>"),
            (long.as_str(), long.as_str()),
        ] {
            assert_eq!(ReleaseVersion::parse(text).expect(text).as_str(), want);
        }
    }

    #[test]
    fn versions_that_are_not() {
        let cases = [
            ("", "is empty"),
            (" \n", "is empty"),
            (".", "starts with a dot"),
            ("..", "starts with a dot"),
            ("a/../b", "starts with a dot"),
            ("a/.b", "starts with a dot"),
            ("/a", "has an empty name"),
            ("a/", "has an empty name"),
            ("a//b", "has an empty name"),
            ("a\nb", "is not all printable ASCII"),
            ("é", "is not all printable ASCII"),
        ];
        for (text, want) in cases {
            let error = ReleaseVersion::parse(text).expect_err(text).to_string();
            assert!(error.contains(want), "{text:?}: {error}");
        }
        let long = ReleaseVersion::parse(&"x".repeat(1000)).expect_err("long").to_string();
        assert!(long.ends_with("… has over 255 bytes") || long.contains("over 255"), "{long}");
    }

    #[test]
    fn ranks_and_files() {
        assert_eq!(Rank::parse(" qa ").expect("a rank").as_str(), "qa");
        for text in ["", ".", "..", "a/b", ".history", "a\tb"] {
            assert!(Rank::parse(text).is_err(), "{text:?}");
        }
        for (text, want) in [("my.tar.gz", ("", "my.tar.gz")), ("a/b c/d+é", ("a/b c/", "d+é"))] {
            assert_eq!(ReleaseFile::parse(text).expect(text).split(), want);
        }
        for text in ["", "/a", "a/../b", ".history/x", "a/.b", "a//b", "a/"] {
            assert!(ReleaseFile::parse(text).is_err(), "{text:?}");
        }
    }
}
