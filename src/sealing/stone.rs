//! What stands in the place of a removed set's manifest.
//!
//! A manifest is never deleted: it is replaced by a stone, on the condition that it still is what
//! was read. So whoever was about to publish there is refused, looks anew, and finds the stone.
//!
//! Invariants:
//! - a stone has a *generation*, a name that no other stone has. A set that is published in its place
//!   replaces it, and has all its files under keys with that generation in them;
//! - whoever deletes what a removed set left lists the folder, sees *then* that the stone still
//!   stands, and deletes what was listed but for keys of its generation. A later set has a later
//!   generation, of which nothing could be listed. So a deletion that arrives at any time takes
//!   nothing that a manifest names, then or later; only copies under plain keys, which the next put
//!   brings back;
//! - a stone stays: without it a new set could use plain keys again, which a deletion that is late
//!   would take.

use super::set::Folder;
use crate::words::build::{Build, Run};
use crate::words::fault::fault;
use crate::words::object::pretty;
use crate::words::time::Utc;
use serde::{Deserialize, Serialize};

const FORMAT: &str = "s3-asset-removed/1";
/// What is longer, as most manifests are, is no stone.
const MOST: usize = 16 << 10;

/// What a removal leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stone {
    format: String,
    /// In the keys of what is published in its place.
    pub generation: String,
    /// When.
    pub removed_at: Utc,
    /// By which build.
    #[serde(default, skip_serializing_if = "Build::is_empty")]
    pub build: Build,
}

impl Stone {
    /// A stone of somebody who removes now; `generation` is a name that no other has.
    pub fn new(generation: String, run: &Run) -> Stone {
        let Run { time, build } = run.clone();
        Stone { format: FORMAT.to_owned(), generation, removed_at: time, build }
    }

    /// Reads a stone; none where it is something else.
    pub fn parse(bytes: &[u8]) -> Option<Stone> {
        if bytes.len() > MOST {
            return None;
        }
        let stone: Stone = serde_json::from_slice(bytes).ok()?;
        let is_name = |text: &str| {
            !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        (stone.format == FORMAT && is_name(&stone.generation)).then_some(stone)
    }

    /// JSON, indented for people.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        pretty(self)
    }

    /// Why there is no set in a folder.
    pub fn fault(&self, folder: &Folder) -> anyhow::Error {
        fault(
            format!("the set in {} was removed{}", folder.prefix, self.told()),
            "publish it again, or take a version that stands",
        )
    }

    /// When it was, and by whom, to be put behind `removed`.
    pub fn told(&self) -> String {
        format!(" at {}{}", self.removed_at, self.build.told())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stone_reads_back_and_nothing_else_is_one() {
        let run = Run::at(Utc::read("2026-01-01T00:00:00Z"));
        let stone = Stone::new("a1".to_owned(), &run);
        let text = String::from_utf8(stone.to_bytes().expect("json")).expect("text");
        assert_eq!(Stone::parse(text.as_bytes()), Some(stone));
        for other in [
            text.replace("removed/1", "removed/2"),
            text.replace("\"a1\"", "\"\""),
            text.replace("\"a1\"", "\"a/b\""),
            text.replace("\"a1\"", "\"..\""),
            text[..20].to_owned(),
            "{}".to_owned(),
        ] {
            assert_eq!(Stone::parse(other.as_bytes()), None, "{other}");
        }
    }
}
