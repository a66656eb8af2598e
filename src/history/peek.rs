//! A head, read as far as a check needs it.

use super::line::Line;
use super::place::Shape;
use super::ranges::Ranges;
use super::{Entry, FORMAT, FORMAT_WITH_REMOVALS, Head, MOST, damaged};
use crate::words::names::refusal;
use anyhow::Context as _;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A head that is read entry by entry, newest first, and no further than a reader asks.
///
/// A head as this release writes it has its entries on lines of their own, so a check that needs
/// the newest one parses that alone; any other JSON of the same meaning is parsed whole.
#[derive(Debug)]
pub struct Peek<T> {
    /// Where it was read, for errors that come to light later.
    uri: String,
    shape: Shape,
    entries: Unread<T>,
}

#[derive(Debug)]
enum Unread<T> {
    Lines { bytes: bytes::Bytes, next: usize },
    Parsed(std::vec::IntoIter<Entry<T>>),
}

impl<T: Serialize + DeserializeOwned> Peek<T> {
    /// Reads the first line, or everything.
    pub fn parse(bytes: bytes::Bytes) -> anyhow::Result<Peek<T>> {
        if let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
            && let Some(shape) = first_line(&bytes[..end])
        {
            let entries = Unread::Lines { bytes, next: end + 1 };
            return Ok(Peek { uri: String::new(), shape, entries });
        }
        let head = Head::parse(&bytes)?;
        let shape = head.shape();
        let entries = Unread::Parsed(head.into_entries().into_iter());
        Ok(Peek { uri: String::new(), shape, entries })
    }

    /// The same, with the object that it was read from.
    pub fn at(self, uri: String) -> Peek<T> {
        Peek { uri, ..self }
    }

    /// Which history this is.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The next older entry of those that stand; none at the head's end.
    pub fn older(&mut self) -> anyhow::Result<Option<Entry<T>>> {
        let (bytes, next) = match &mut self.entries {
            Unread::Parsed(entries) => return Ok(entries.next()),
            Unread::Lines { bytes, next } => (bytes, next),
        };
        loop {
            let rest = bytes.get(*next..).unwrap_or_default();
            let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            *next += length + 1;
            let line = &rest[..length];
            if line.is_empty() || line == b"]}" {
                return Ok(None);
            }
            let line = line.strip_suffix(b",").unwrap_or(line);
            if let Some(entry) = standing(line, &self.shape).with_context(|| self.uri.clone())? {
                return Ok(Some(entry));
            }
        }
    }
}

#[cfg(test)]
impl<T> Peek<T> {
    pub(super) fn is_by_line(&self) -> bool {
        matches!(self.entries, Unread::Lines { .. })
    }
}

/// The entry in a line, if it stands: where nothing was ever removed, each line is one.
fn standing<T: DeserializeOwned>(line: &[u8], shape: &Shape) -> anyhow::Result<Option<Entry<T>>> {
    fn parsed<L: DeserializeOwned>(line: &[u8]) -> anyhow::Result<L> {
        let bad = |e| damaged(&format!("an entry cannot be read: {}", refusal(e)));
        serde_json::from_slice(line).map_err(bad)
    }
    if shape.gone.is_empty() {
        return parsed(line).map(Some);
    }
    if number(line).is_some_and(|number| !shape.stands(number)) {
        return Ok(None);
    }
    let entry = parsed::<Line<T>>(line)?.into_entry();
    Ok(entry.filter(|entry| shape.stands(entry.number)))
}

/// The number that a line begins with, as this release writes it.
fn number(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"{\"number\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

/// The shape in the first line of a head as this release writes it.
fn first_line(line: &[u8]) -> Option<Shape> {
    #[derive(Deserialize)]
    struct First {
        format: String,
        id: String,
        sealed: u64,
        #[serde(default)]
        removed: String,
        #[serde(default)]
        removing: String,
    }
    let mut whole = line.strip_suffix(b"\"entries\":[")?.strip_suffix(b",")?.to_vec();
    whole.push(b'}');
    let First { format, id, sealed, removed, removing } = serde_json::from_slice(&whole).ok()?;
    let mut gone = Ranges::parse(&removed)?;
    if !removing.is_empty() {
        gone = gone.union(&Ranges::parse(&removing)?);
    }
    let is_known = [FORMAT, FORMAT_WITH_REMOVALS].contains(&format.as_str());
    (is_known && sealed <= MOST).then_some(Shape { id, sealed, gone })
}
