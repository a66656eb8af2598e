//! A line of a head or a segment: an entry, or a removal of entries.

use super::Entry;
use super::ranges::Ranges;
use crate::words::build::Build;
use crate::words::time::Utc;
use serde::{Deserialize, Serialize, Serializer};

/// Says that entries are removed: who did it, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Its place in the order.
    pub number: u64,
    /// When, in UTC, RFC 3339.
    pub time: Utc,
    /// Which build did it.
    pub build: Build,
    /// The numbers of the entries.
    pub removed: Ranges,
}

/// What a number stands for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written<T>", bound(deserialize = "T: serde::de::DeserializeOwned"))]
pub(super) enum Line<T> {
    Entry(Entry<T>),
    Removal(Removal),
}

/// Either of them, as it is written.
#[derive(Deserialize)]
struct Written<T> {
    number: u64,
    time: Utc,
    #[serde(default)]
    build: Build,
    #[serde(default = "Option::default")]
    what: Option<T>,
    #[serde(default)]
    removed: Option<String>,
}

impl<T> Line<T> {
    pub(super) fn number(&self) -> u64 {
        match self {
            Line::Entry(entry) => entry.number,
            Line::Removal(removal) => removal.number,
        }
    }

    pub(super) fn entry(&self) -> Option<&Entry<T>> {
        match self {
            Line::Entry(entry) => Some(entry),
            Line::Removal(_) => None,
        }
    }

    pub(super) fn into_entry(self) -> Option<Entry<T>> {
        match self {
            Line::Entry(entry) => Some(entry),
            Line::Removal(_) => None,
        }
    }

    pub(super) fn removal(&self) -> Option<&Removal> {
        match self {
            Line::Entry(_) => None,
            Line::Removal(removal) => Some(removal),
        }
    }
}

/// A line that a head holds, borrowed.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum LineOf<'a, T> {
    Entry(&'a Entry<T>),
    Line(&'a Line<T>),
}

impl<T> TryFrom<Written<T>> for Line<T> {
    type Error = String;

    fn try_from(written: Written<T>) -> Result<Line<T>, String> {
        let Written { number, time, build, what, removed } = written;
        match (what, removed) {
            (Some(what), None) => Ok(Line::Entry(Entry { number, time, build, what })),
            (None, Some(text)) => {
                let removed = Ranges::parse(&text).filter(|removed| !removed.is_empty());
                let removed = removed.ok_or("a removal names no numbers")?;
                Ok(Line::Removal(Removal { number, time, build, removed }))
            }
            (None, None) => Err("an entry has neither `what` nor `removed`".to_owned()),
            (Some(_), Some(_)) => Err("an entry has both `what` and `removed`".to_owned()),
        }
    }
}

impl<T: Serialize> Serialize for Line<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            number: u64,
            time: &'a Utc,
            #[serde(skip_serializing_if = "Build::is_empty")]
            build: &'a Build,
            removed: String,
        }
        match self {
            Line::Entry(entry) => entry.serialize(serializer),
            Line::Removal(Removal { number, time, build, removed }) => {
                let removed = removed.to_string();
                Written { number: *number, time, build, removed }.serialize(serializer)
            }
        }
    }
}
