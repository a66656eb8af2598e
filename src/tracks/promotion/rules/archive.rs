//! The archive: every version of a file, whose bytes never change.
//!
//! A version gets into it by the rule of [`crate::sealing::claim`], on a *shelf* of its own:
//! - its plain key is `archive/<version>/<file>`, where s3p puts it; a folder beside that,
//!   `archive/<version>/.<file>/`, has the rest;
//! - the claim is `claim.json`, and the digest is the SHA-256 of the bytes;
//! - the key of the bytes' own is `.<file>/<sha256>`;
//! - the record is `release.json`. A removal puts a stone in its place ([`super::removed`]), and what
//!   comes back then lies under `.<file>/<sha256>-<generation>`.
//!
//! What is of this track alone:
//! - a plain object with neither claim nor record is s3p's, and is the version as it lies. It is never
//!   written to;
//! - `a/b` of `c` and `a` of `b/c` have one shelf: the record says whose it is, and the other is
//!   refused.

use super::Release;
use super::removed::Removed;
use crate::words::build::{Build, Run};
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::names::{Key, Prefix, ReleaseFile, ReleaseVersion, refusal, shown};
use crate::words::object::pretty;
use crate::words::parts::Parts;
use crate::words::time::Utc;
use serde::{Deserialize, Serialize};

const RELEASE: &str = "s3-asset-release/1";

/// Where the archive keeps one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    /// The key that s3p, and people, look under.
    pub plain: Key,
    /// Ends in `/`.
    beside: String,
}

impl Shelf {
    /// The shelf of a version of a file.
    pub fn new(
        archive: &Prefix,
        version: &ReleaseVersion,
        file: &ReleaseFile,
    ) -> anyhow::Result<Shelf> {
        let (folder, name) = file.split();
        let shelf = Shelf {
            plain: Key::parse(&format!("{archive}{version}/{file}"))?,
            beside: format!("{archive}{version}/{folder}.{name}/"),
        };
        // The longest key of a shelf: what can be begun can be ended.
        shelf.own(&Sha256::of(b"")).map(|_| shelf)
    }

    fn key(&self, name: &str) -> anyhow::Result<Key> {
        Key::parse(&format!("{}{name}", self.beside))
    }

    /// What decides.
    pub fn record(&self) -> anyhow::Result<Key> {
        self.key("release.json")
    }

    /// Who may write the plain key.
    pub fn claim(&self) -> anyhow::Result<Key> {
        self.key("claim.json")
    }

    /// The key of bytes that may not lie under the plain one.
    pub fn own(&self, sha256: &Sha256) -> anyhow::Result<Key> {
        self.key(&sha256.hex())
    }

    /// The key of bytes that take the place of a stone of this generation.
    pub fn anew(&self, sha256: &Sha256, generation: &str) -> anyhow::Result<Key> {
        self.key(&format!("{sha256}-{generation}"))
    }

    /// Whether a key is one that took the place of a stone; of this generation, where one is given.
    pub fn is_anew(&self, key: &str, generation: Option<&str>) -> bool {
        let name = key.strip_prefix(&self.beside).and_then(|name| name.split_once('-'));
        name.is_some_and(|(_, own)| generation.is_none_or(|generation| own == generation))
    }

    /// Whether the plain key, where other tools look, has a copy of what lies under a key. What took
    /// the place of a stone has none: a deletion that is late could take it.
    pub fn agrees(&self, key: &Key) -> bool {
        *key != self.plain && !self.is_anew(key.as_str(), None)
    }

    /// The folder beside the plain key; ends in `/`.
    pub fn beside(&self) -> &str {
        &self.beside
    }

    /// Whether a key is one of this shelf's that may hold bytes.
    fn holds(&self, key: &Key) -> bool {
        *key == self.plain || key.as_str().starts_with(&self.beside)
    }
}

/// What stands where a version's record is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shelved {
    /// The version.
    Here(Box<Record>),
    /// What its removal left.
    Removed(Box<Removed>),
}

impl Shelved {
    /// Reads it, and refuses what is of another version or file.
    pub fn parse(
        bytes: &[u8],
        version: &ReleaseVersion,
        file: &ReleaseFile,
        shelf: &Shelf,
    ) -> anyhow::Result<Shelved> {
        match Removed::parse(bytes) {
            Some(removed) => {
                is_of((&removed.version, &removed.file), version, file)?;
                Ok(Shelved::Removed(Box::new(removed)))
            }
            None => {
                let record = Record::parse(bytes, version, file, shelf)?;
                Ok(Shelved::Here(Box::new(record)))
            }
        }
    }
}

/// Refuses what is of another version or file.
fn is_of(
    found: (&ReleaseVersion, &ReleaseFile),
    version: &ReleaseVersion,
    file: &ReleaseFile,
) -> anyhow::Result<()> {
    if found == (version, file) {
        return Ok(());
    }
    Err(fault(
        format!(
            "version {version} of {file} would lie where version {} of {} does",
            found.0, found.1
        ),
        "leave the `/` out of versions, or out of files",
    ))
}

/// `release.json`: a version that is in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    format: String,
    /// Which file.
    pub file: ReleaseFile,
    /// Its bytes.
    #[serde(flatten)]
    pub release: Release,
    /// When, in UTC, RFC 3339.
    pub archived_at: Utc,
    /// By which build.
    #[serde(default, skip_serializing_if = "Build::is_empty")]
    pub build: Build,
    /// Of a large file: the SHA-256 of each part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
}

impl Record {
    /// The record of a release.
    pub fn new(file: &ReleaseFile, release: Release, parts: Option<Parts>, run: &Run) -> Record {
        Record {
            format: RELEASE.to_owned(),
            file: file.clone(),
            release,
            archived_at: run.time.clone(),
            build: run.build.clone(),
            parts,
        }
    }

    /// Reads the record of a version of a file, and refuses another's.
    pub fn parse(
        bytes: &[u8],
        version: &ReleaseVersion,
        file: &ReleaseFile,
        shelf: &Shelf,
    ) -> anyhow::Result<Record> {
        let bad = |why: String| {
            fault(
                format!("the archive's record of version {version} of {file} {why}"),
                "somebody else wrote or changed it: restore it, or release another version",
            )
        };
        let record: Record = serde_json::from_slice(bytes)
            .map_err(|e| bad(format!("cannot be read: {}", refusal(e))))?;
        if record.format != RELEASE {
            return Err(fault(
                format!(
                    "the archive's record of version {version} of {file} has the format `{}`, and this release reads `{RELEASE}`",
                    shown(&record.format)
                ),
                "use the release that wrote it, or a newer one",
            ));
        }
        is_of((&record.release.version, &record.file), version, file)?;
        if !shelf.holds(&record.release.key) {
            return Err(bad(format!("names the key `{}`", shown(record.release.key.as_str()))));
        }
        Ok(record)
    }

    /// JSON, indented for people.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        pretty(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(version: &str, file: &str) -> (ReleaseVersion, ReleaseFile, Shelf) {
        let version = ReleaseVersion::parse(version).expect("a version");
        let file = ReleaseFile::parse(file).expect("a file");
        let archive = Prefix::parse("archive_prefix", "archive").expect("a folder");
        let shelf = Shelf::new(&archive, &version, &file).expect("a shelf");
        (version, file, shelf)
    }

    fn record(version: &str, file: &str, key: Option<&str>) -> Vec<u8> {
        let (version, file, shelf) = words(version, file);
        let key = key.map_or(shelf.plain, |key| Key::parse(key).expect("a key"));
        let release = Release { version, size: 1, sha256: Sha256::of(b"x"), key };
        let record = Record::new(&file, release, None, &Run::at(Utc::read("2026-01-01T00:00:00Z")));
        record.to_bytes().expect("JSON")
    }

    #[test]
    fn records_lie_beside_the_bytes() {
        let (_, _, shelf) = words("1.0+b c", "linux/my.tgz");
        assert_eq!(shelf.plain.as_str(), "archive/1.0+b c/linux/my.tgz");
        let key = shelf.record().expect("a key");
        assert_eq!(key.as_str(), "archive/1.0+b c/linux/.my.tgz/release.json");
    }

    #[test]
    fn a_record_is_read_by_those_it_is_of() {
        let cases = [
            (record("1.0", "f", None), "1.0", "f", ""),
            (record("1.0", "f", Some("archive/1.0/.f/abc")), "1.0", "f", ""),
            (
                record("1.0", "f", Some("archive/2.0/f")),
                "1.0",
                "f",
                "names the key `archive/2.0/f`",
            ),
            (record("a/b", "c", None), "a", "b/c", "would lie where version a/b of c does"),
            (record("a", "b/c", None), "a/b", "c", "would lie where version a of b/c does"),
            (b"{}".to_vec(), "1.0", "f", "cannot be read"),
        ];
        for (bytes, version, file, want) in cases {
            let (version, file, shelf) = words(version, file);
            let error = Record::parse(&bytes, &version, &file, &shelf).err();
            let error = error.map(|e| e.to_string()).unwrap_or_default();
            assert!(error.contains(want) && error.is_empty() == want.is_empty(), "{error}");
        }
        let newer =
            String::from_utf8(record("1", "f", None)).expect("text").replace("/1\"", "/2\"");
        let (version, file, shelf) = words("1", "f");
        let error = Record::parse(newer.as_bytes(), &version, &file, &shelf).expect_err("newer");
        assert!(error.to_string().contains("`s3-asset-release/2`"), "{error}");
    }

    #[test]
    fn a_stone_is_read_by_those_it_is_of() {
        let (version, file, shelf) = words("1.0", "f");
        let run = Run::at(Utc::read("2026-01-01T00:00:00Z"));
        let removed = Removed::new("a1".into(), &run, &file, &version, Some(Sha256::of(b"x")));
        let bytes = removed.to_bytes().expect("JSON");
        let read = Shelved::parse(&bytes, &version, &file, &shelf).expect("a stone");
        assert_eq!(read, Shelved::Removed(Box::new(removed)));
        assert!(Record::parse(&bytes, &version, &file, &shelf).is_err());
        let (other, file, shelf) = words("2.0", "f");
        assert!(Shelved::parse(&bytes, &other, &file, &shelf).is_err());
        let record = record("2.0", "f", None);
        let read = Shelved::parse(&record, &other, &file, &shelf).expect("a record");
        assert!(matches!(read, Shelved::Here(_)));
    }

    #[test]
    fn what_comes_back_has_a_key_of_its_own() {
        let (_, _, shelf) = words("1.0", "linux/f");
        let sha256 = Sha256::of(b"x");
        let key = shelf.anew(&sha256, "a1").expect("a key");
        assert_eq!(key.as_str(), format!("archive/1.0/linux/.f/{sha256}-a1"));
        let cases = [
            (key.as_str(), Some("a1"), true),
            (key.as_str(), None, true),
            (key.as_str(), Some("a2"), false),
            (shelf.plain.as_str(), None, false),
            (shelf.own(&sha256).expect("a key").as_str(), None, false),
        ]
        .map(|(key, generation, want)| (shelf.is_anew(key, generation), want));
        assert!(cases.iter().all(|(is, want)| is == want), "{cases:?}");
    }

    #[test]
    fn a_key_that_is_too_long_is_refused_before_anything_is_written() {
        let archive = Prefix::parse("archive_prefix", &"a/".repeat(450)).expect("a folder");
        let (version, file, _) = words(&"v".repeat(100), "f");
        assert!(Shelf::new(&archive, &version, &file).is_err());
    }

    #[test]
    fn fuzz_records() {
        let (version, file, shelf) = words("1.0", "linux/f");
        let run = Run::at(Utc::read("2026-01-01T00:00:00Z"));
        let sha256 = Some(Sha256::of(b"x"));
        let stone = Removed::new("a1".into(), &run, &file, &version, sha256);
        let seeds = [
            record("1.0", "linux/f", None),
            record("1.0", "linux/f", Some("archive/1.0/linux/.f/abc")),
            stone.to_bytes().expect("JSON"),
        ];
        fuzz_driver::bytes("releases", 3_000, seeds, |input| {
            match Shelved::parse(input, &version, &file, &shelf) {
                Ok(Shelved::Here(record)) => {
                    let key = record.release.key.as_str();
                    assert!(key.starts_with("archive/1.0/linux/"), "{key}");
                    let again = record.to_bytes().expect("JSON");
                    let again = Record::parse(&again, &version, &file, &shelf).expect("again");
                    assert_eq!(again, *record);
                    record.build.is_empty().to_string()
                }
                Ok(Shelved::Removed(removed)) => {
                    let bytes = removed.sha256.unwrap_or_else(|| Sha256::of(b""));
                    let key = shelf.anew(&bytes, &removed.stone.generation).expect("a key");
                    assert!(shelf.is_anew(key.as_str(), Some(&removed.stone.generation)));
                    removed.sha256.is_some().to_string()
                }
                Err(e) => fuzz_driver::line(e),
            }
        });
    }
}
