//! What stands in the archive in the place of a removed version's record, or of none.
//!
//! Invariants:
//! - a version whose bytes were published once never has others: the stone keeps their SHA-256, and
//!   only they may come back;
//! - they come back under a key with the stone's generation in its name, of which no deletion that is
//!   late knows ([`crate::sealing::stone`]); the plain key stays empty then.

use crate::sealing::stone::Stone;
use crate::tracks::promotion::rules::Refused;
use crate::words::build::Run;
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::names::{ReleaseFile, ReleaseVersion};
use crate::words::object::pretty;
use serde::{Deserialize, Serialize};

/// A stone in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Its generation, who and when.
    #[serde(flatten)]
    pub stone: Stone,
    /// Of which file.
    pub file: ReleaseFile,
    /// Of which version.
    pub version: ReleaseVersion,
    /// Of its bytes; none: it never was in the archive, only what a put had left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
}

impl Removed {
    /// A stone of somebody who removes now; `generation` is a name that no other has.
    pub fn new(
        generation: String,
        run: &Run,
        file: &ReleaseFile,
        version: &ReleaseVersion,
        sha256: Option<Sha256>,
    ) -> Removed {
        let stone = Stone::new(generation, run);
        Removed { stone, file: file.clone(), version: version.clone(), sha256 }
    }

    /// Reads a stone; none where it is something else.
    pub fn parse(bytes: &[u8]) -> Option<Removed> {
        Stone::parse(bytes)?;
        serde_json::from_slice(bytes).ok()
    }

    /// JSON, indented for people.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        pretty(self)
    }

    /// Whether these bytes may be published in its place.
    pub fn lets(&self, sha256: &Sha256) -> bool {
        self.sha256.is_none_or(|own| own == *sha256)
    }

    /// Why a version cannot be had.
    pub fn fault(&self) -> anyhow::Error {
        fault(
            format!("version {} of {} was removed{}", self.version, self.file, self.stone.told()),
            "take a version that stands; the very same bytes may be uploaded again to the first rank",
        )
    }

    /// Why other bytes are refused.
    pub fn others(&self) -> anyhow::Error {
        fault(
            format!(
                "version {} of {} had other bytes before it was removed{} (SHA-256 {})",
                self.version,
                self.file,
                self.stone.told(),
                self.sha256.map(|it| it.hex()).unwrap_or_default()
            ),
            "a version's bytes never change: give these a version of their own",
        )
        .context(Refused::PROMOTE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::time::Utc;

    #[test]
    fn a_stone_keeps_whose_bytes_may_come_back() {
        let run = Run::at(Utc::read("2026-01-01T00:00:00Z"));
        let file = ReleaseFile::parse("f.tgz").expect("a file");
        let version = ReleaseVersion::parse("1.0").expect("a version");
        let (own, other) = (Sha256::of(b"own"), Sha256::of(b"other"));
        let removed = Removed::new("a1".into(), &run, &file, &version, Some(own));
        let bytes = removed.to_bytes().expect("JSON");
        assert_eq!(Removed::parse(&bytes), Some(removed.clone()));
        assert_eq!((removed.lets(&own), removed.lets(&other)), (true, false));
        let left = Removed::new("a1".into(), &run, &file, &version, None);
        assert!(left.lets(&own) && left.lets(&other));
        // A set's stone is none of a version's.
        let of_a_set = Stone::new("a1".into(), &run).to_bytes().expect("JSON");
        assert_eq!(Removed::parse(&of_a_set), None);
    }
}
