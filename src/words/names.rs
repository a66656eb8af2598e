//! A type for each noun that ends up in a key or a path: parsed once, or an error that says why.
//!
//! Invariants, each held by the one door into its type:
//! - a [`RelPath`] joined to a directory stays inside it, whatever it was made from;
//! - a [`Key`] is at most 1,024 bytes, S3's limit, and holds no NUL;
//! - a [`Rank`], a [`ReleaseVersion`] and a [`ReleaseFile`] have no name that starts with a dot, so
//!   what a release keeps beside them under such names is never one of them;
//! - a [`CommitId`] or [`CodeHash`] is lower-case hexadecimal, so it is one path component;
//! - no two keys of packages mean the same: see [`PackageName`] and [`Tag`].

use crate::words::fault::{Fault, fault};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! text_type {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = anyhow::Error;

            fn try_from(text: String) -> anyhow::Result<Self> {
                $name::parse(&text)
            }
        }
    };
}

mod package;
mod release;

pub use package::{PackageName, Spec, Tag};
pub use release::{Rank, ReleaseFile, ReleaseVersion};

/// A bucket's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket(String);
text_type!(Bucket);

impl Bucket {
    /// `s3://bucket/key`.
    pub fn uri(&self, key: &str) -> String {
        format!("s3://{self}/{key}")
    }

    /// The access point that it is, where its name is an ARN.
    pub fn access_point(&self) -> Option<AccessPoint<'_>> {
        AccessPoint::parse(&self.0)
    }

    /// Accepts what any S3 server may call a bucket, and the ARN of an access point; refuses what cannot
    /// be one (a URL, a path).
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        if text.starts_with("arn:") {
            return Bucket::arn(text);
        }
        let hint =
            "`bucket` is the bucket's bare name: no `s3://`, no path; use `prefix` for a folder";
        let bad = |c: char| {
            !c.is_ascii_graphic() || matches!(c, '/' | ':' | '?' | '#' | '%' | '@' | '\\')
        };
        if text.is_empty() {
            return Err(fault("bucket: the name is empty", hint));
        }
        if text.contains(bad) || text.len() > 255 {
            return Err(fault(format!("bucket: `{}` is no bucket name", shown(text)), hint));
        }
        Ok(Bucket(text.to_owned()))
    }

    fn arn(text: &str) -> anyhow::Result<Self> {
        let (service, rest) = text
            .strip_prefix("arn:")
            .and_then(|rest| rest.split_once(':'))
            .and_then(|(_, rest)| rest.split_once(':'))
            .unwrap_or_default();
        let (why, hint) = match service {
            _ if AccessPoint::parse(text).is_some() => return Ok(Bucket(text.to_owned())),
            "s3" if rest.starts_with("::") => {
                ("it is the ARN of a bucket", "give the bucket's bare name")
            }
            "s3" if rest.starts_with(':') => (
                "it is the ARN of a multi-region access point, whose signatures this release lacks",
                "name the access point of one region, or the bucket",
            ),
            "s3-outposts" | "s3-object-lambda" => (
                "access points of Outposts and Object Lambda have not all that is needed of a bucket",
                "name an access point of S3 itself, or the bucket",
            ),
            _ => (
                "it is no ARN of an access point",
                "for example arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point",
            ),
        };
        Err(fault(format!("bucket: `{}`: {why}", shown(text)), hint))
    }
}

/// An access point: another door to a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessPoint<'a> {
    /// Where it is.
    pub region: &'a str,
    /// Whose it is.
    pub account: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl<'a> AccessPoint<'a> {
    /// Reads `arn:PARTITION:s3:REGION:ACCOUNT:accesspoint/NAME`; AWS takes `:` before the name as well.
    fn parse(arn: &'a str) -> Option<AccessPoint<'a>> {
        let is_word = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let mut fields = arn.splitn(6, ':');
        let mut next = || fields.next();
        let ("arn", partition, "s3", region, account, resource) =
            (next()?, next()?, next()?, next()?, next()?, next()?)
        else {
            return None;
        };
        let name = resource.strip_prefix("accesspoint")?.strip_prefix(['/', ':'])?;
        let is_whole = [partition, region, account, name].into_iter().all(is_word);
        is_whole.then_some(AccessPoint { region, account, name })
    }
}

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
pub struct Key(String);
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
        Ok(Key(text.to_owned()))
    }
}

/// A path below some directory, `/` between its names, that cannot lead out of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);
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
            None => Ok(RelPath(text.to_owned())),
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

/// A git commit's full hash: 40 hexadecimal digits, or 64 in a SHA-256 repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);
text_type!(CommitId);

impl CommitId {
    /// Accepts either case, surrounded by white space (a file's last line end); holds lower case.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        if matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(CommitId(text.to_ascii_lowercase()));
        }
        Err(fault(
            format!("`{}` is no commit hash", shown(text)),
            "give the full hash: 40 hexadecimal digits (`git rev-parse HEAD`)",
        ))
    }
}

/// A code hash: 32 (md5) to 64 (SHA-256) hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CodeHash(String);
text_type!(CodeHash);

impl CodeHash {
    /// Accepts surrounding white space and either case; holds lower case.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        if (32..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(CodeHash(text.to_ascii_lowercase()));
        }
        Err(fault(
            format!("`{}` is no code hash", shown(text)),
            "a code hash is 32 to 64 hexadecimal digits, as `s3-asset check` writes to .code-hash",
        ))
    }

    /// Whether it is an MD5, as s3-asset-manager makes them.
    pub fn is_md5(&self) -> bool {
        self.0.len() == 32
    }
}

/// A text that somebody else chose, cut and escaped so that it fits one line of an error.
pub fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}

/// What a server said, for a message: on one line of at most so many characters, with nothing in it
/// that a terminal obeys.
pub fn shown_to(text: &str, longest: usize) -> String {
    let mut out = String::new();
    for c in text.chars().take(longest) {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_obeyed(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    if text.chars().nth(longest).is_some() {
        out.push('…');
    }
    out
}

/// Why a parser refuses a text. Some quote it as it is: see [`shown_to`].
pub fn refusal(error: impl fmt::Display) -> String {
    shown_to(&error.to_string(), 300)
}

/// Whether a terminal, or a log that shows text, does something else than draw a character: controls,
/// and what turns the direction of writing.
pub fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
    fn commits_and_code_hashes() {
        let sha1 = "0123456789abcdefABCDEF0123456789abcdef01";
        assert_eq!(
            CommitId::parse(&format!("{sha1}\n")).expect("sha1").as_str(),
            sha1.to_lowercase()
        );
        for text in ["", "abc", &sha1[1..], "../../../../../../../../../../../../../a"] {
            assert!(CommitId::parse(text).is_err(), "{text}");
        }
        assert!(CodeHash::parse("d41d8cd98f00b204e9800998ecf8427e").is_ok());
        assert!(CodeHash::parse("d41d8cd98f00b204e9800998ecf8427").is_err());
    }

    #[test]
    fn keys_and_buckets() {
        assert!(Key::parse(&"k".repeat(1024)).is_ok());
        assert!(Key::parse(&"k".repeat(1025)).is_err());
        assert!(Key::parse("").is_err());
        for bad in ["", "s3://b", "a/b", "a b", "a\n", "é", "a?b", "a@b"] {
            assert!(Bucket::parse(bad).is_err(), "{bad}");
        }
        assert!(Bucket::parse("my_bucket.1").is_ok());
    }

    #[test]
    fn what_others_chose_is_shown_on_one_short_line() {
        assert_eq!(shown("a\nb\u{1b}"), "a\\nb\\u{1b}");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), 81);
        assert_eq!(shown_to("it's\r\n\u{1b}[2Jgone\u{202e}", 99), "it's  \\u{1b}[2Jgone\\u{202e}");
        assert_eq!(shown_to("0123456789", 4), "0123…");
    }

    #[test]
    fn what_a_parser_quotes_is_on_one_line() {
        #[derive(Debug, Deserialize)]
        enum Mode {
            #[serde(rename = "0644")]
            Plain,
        }
        for text in [r#""\u001b[2J\n""#, r#""\u202e""#] {
            let error = serde_json::from_str::<Mode>(text).expect_err("unknown");
            let told = refusal(error);
            assert!(told.starts_with("unknown variant") && !told.contains(is_obeyed), "{told:?}");
        }
        assert!(matches!(serde_json::from_str(r#""0644""#), Ok(Mode::Plain)));
    }

    /// Every name, and what digests and times are written as.
    #[test]
    fn fuzz_names() {
        use crate::words::{digest::Sha256, time::Utc};
        let seeds = [
            "a/b-c_d.e/1.0",
            "my-bucket",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "2026-01-01T00:00:00Z",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "../x",
        ];
        fuzz_driver::texts("names", 10_000, seeds, |input| {
            fn of<T: fmt::Display>(parsed: anyhow::Result<T>) -> Result<String, String> {
                parsed.map(|it| it.to_string()).map_err(fuzz_driver::line)
            }
            let path = of(RelPath::parse(input));
            if let Ok(path) = &path {
                let mut names = std::path::Path::new(path).components();
                assert!(names.all(|it| matches!(it, std::path::Component::Normal(_))), "{path:?}");
            }
            let prefix = Prefix::parse("prefix", input);
            if let Ok(prefix) = &prefix {
                assert!(prefix.as_str().is_empty() || prefix.as_str().ends_with('/'), "{prefix}");
            }
            let all = [
                path,
                of(Bucket::parse(input)),
                of(prefix),
                of(Key::parse(input)),
                of(CommitId::parse(input)),
                of(CodeHash::parse(input)),
                of(PackageName::parse(input)),
                of(Tag::parse(input)),
                of(Rank::parse(input)),
                of(ReleaseVersion::parse(input)),
                of(ReleaseFile::parse(input)),
            ];
            for text in [shown(input), shown_to(input, 500)] {
                assert!(!text.contains(is_obeyed), "{text:?}");
            }
            let digest = Sha256::from_hex(input).or_else(|| Sha256::from_base64(input));
            let kinds = all.map(|it| it.map_or_else(|error| error, |_| "read".to_owned()));
            format!(
                "{} {} {}",
                kinds.join(" "),
                digest.is_some(),
                Utc::read(input).seconds().is_some()
            )
        });
    }
}
