//! The `promotion` track, decided: keys, versions, what a check answers, and what an entry of a
//! rank's history says about a put.
//!
//! A rank's history is what stands there and stood there; the object at `<rank>/<file>` follows it.
//!
//! Invariants:
//! - a version's keys and values never change between releases: Concourse identifies it by them.
//!   `promotion` is the entry's number in the rank's history, so every promotion is a version of
//!   its own; `"0"` is what s3p put at a rank before there was a history;
//! - an entry names the bytes: key, size and SHA-256. It is appended only when they are in the
//!   archive, where nothing changes them ([`archive`]): so whatever a check names, a get finds, and
//!   it is the same bytes at every rank;
//! - a put is known by what it promotes: the first rank's by the version, a later rank's by the
//!   version and the number under which it stood at the rank before. So the same put again is no
//!   second entry, however long ago it was, and going back at one rank climbs as a new promotion.

mod answer;
pub mod archive;
mod describe;
mod intent;
pub mod leaving;
pub mod removed;

pub use answer::{Answer, Wanted};
pub use describe::describe;
pub use intent::{Intent, Look, Turn};

use crate::input::protocol::Version;
use crate::tracks::promotion::source::Promotion;
use crate::words::digest::Sha256;
use crate::words::names::{Key, Prefix, Rank, ReleaseVersion};
use archive::Shelf;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The number of what s3p put at a rank.
pub const S3P: u64 = 0;

/// The bytes of a version, and where they lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its version.
    pub version: ReleaseVersion,
    /// In bytes.
    pub size: u64,
    /// Of all bytes.
    pub sha256: Sha256,
    /// The object in the archive.
    pub key: Key,
}

/// What the history of a rank says of one promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promoted {
    /// What stands at the rank since.
    #[serde(flatten)]
    pub release: Release,
    /// Where it stood before; none: it was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Place>,
    /// Whether the rank went back to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
    /// The version that s3p had put at the rank, in the first entry that followed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_s3p: Option<ReleaseVersion>,
    /// The writer's own, so that it knows its entry again.
    pub id: String,
}

impl Promoted {
    /// The versions that a search for one finds here.
    pub(super) fn names(&self) -> Vec<&str> {
        let before = self.after_s3p.iter();
        std::iter::once(&self.release.version).chain(before).map(|it| it.as_str()).collect()
    }
}

/// A place in a rank's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The rank.
    pub rank: Rank,
    /// The number of the promotion.
    pub promotion: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.rank, self.promotion)
    }
}

/// The version that Concourse knows a promotion by.
pub fn version(release: &ReleaseVersion, number: u64) -> Version {
    Version::from([
        ("version".to_owned(), release.to_string()),
        ("promotion".to_owned(), number.to_string()),
    ])
}

/// A promotion that is refused; nothing was changed. Its cause, a fault, says why.
#[derive(Debug, Clone, Copy)]
pub struct Refused(&'static str);

impl Refused {
    /// In s3p's words: the version does not stand where it would have to come from.
    pub const SKIP: Refused = Refused("could not promote, trying to skip rank?");
    /// Anything else.
    pub const PROMOTE: Refused = Refused("could not promote");
    /// Nothing stands at the rank.
    pub const DOWNLOAD: Refused = Refused("could not download");
    /// The version never stood at the rank.
    pub const ROLL_BACK: Refused = Refused("could not roll back");
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Refused {}

/// Where things are: s3p's layout, and what this resource adds to it.
impl Promotion {
    fn folder(&self, rank: &Rank) -> Prefix {
        self.prefix.folder(rank.as_str())
    }

    /// The object that shows what stands at a rank.
    pub fn pointer(&self, rank: &Rank) -> anyhow::Result<Key> {
        self.folder(rank).key(self.file.as_str())
    }

    /// The history of a rank.
    pub fn history(&self, rank: &Rank) -> anyhow::Result<Key> {
        self.folder(rank).folder(".history").key(self.file.as_str())
    }

    /// Where the archive keeps a version.
    pub fn shelf(&self, version: &ReleaseVersion) -> anyhow::Result<Shelf> {
        Shelf::new(&self.archive, version, &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ranks_in_order_and_where_they_lie() {
        let source = json!({
            "bucket": "b", "prefix": "team",
            "promotion": {"ranks": "qa, staging,production", "rank": "staging", "file": "my.tgz"},
        });
        let source = crate::tracks::Source::parse(source.as_object().expect("a map"));
        let crate::tracks::Track::Promotion(track) = source.expect("valid").track else {
            panic!("the promotion track")
        };
        let [qa, staging, production] = &track.ranks[..] else { panic!("three ranks") };
        assert_eq!(track.previous(), Some(qa));
        let at = |rank: &Rank| Promotion { rank: rank.clone(), ..track.clone() };
        assert_eq!(at(production).previous(), Some(staging));
        assert_eq!(at(qa).previous(), None);
        assert_eq!(track.pointer(qa).expect("a key").as_str(), "team/qa/my.tgz");
        assert_eq!(track.history(qa).expect("a key").as_str(), "team/qa/.history/my.tgz");
        let version = ReleaseVersion::parse("1.0").expect("a version");
        let shelf = track.shelf(&version).expect("a shelf");
        assert_eq!(shelf.plain.as_str(), "team/archive/1.0/my.tgz");
    }

    #[test]
    fn an_entry_is_flat_and_keeps_its_keys() {
        let promoted = Promoted {
            release: Release {
                version: ReleaseVersion::parse("1.0").expect("a version"),
                size: 3,
                sha256: Sha256::of(b"abc"),
                key: Key::parse("archive/1.0/f").expect("a key"),
            },
            from: Some(Place { rank: Rank::parse("qa").expect("a rank"), promotion: 7 }),
            rollback: false,
            after_s3p: None,
            id: "i".into(),
        };
        let value = serde_json::to_value(&promoted).expect("JSON");
        let want = json!({
            "version": "1.0", "size": 3, "sha256": Sha256::of(b"abc").hex(),
            "key": "archive/1.0/f", "from": {"rank": "qa", "promotion": 7}, "id": "i",
        });
        assert_eq!(value, want);
        assert_eq!(serde_json::from_value::<Promoted>(value).expect("reads"), promoted);
    }
}
