//! A head, read as far as a check needs it.

use super::line::Line;
use super::place::Shape;
use super::ranges::Ranges;
use super::{Entry, FORMAT, FORMAT_WITH_REMOVALS, Head, MOST, SEGMENT};
use anyhow::Context as _;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A head that is read entry by entry, newest first, and no further than a reader asks.
///
/// A head as this release writes it has its entries on lines of their own, so a check that needs
/// the newest one parses that alone; any other JSON of the same meaning is parsed whole, from the line
/// on that is another. So what [`Head::parse`] reads, this reads too, to the last entry.
#[derive(Debug)]
pub struct Peek<T> {
    /// Where it was read, for errors that come to light later.
    uri: String,
    shape: Shape,
    entries: Unread<T>,
}

#[derive(Debug)]
enum Unread<T> {
    /// From the byte `next` on; `last` is the number of the line before it.
    Lines {
        bytes: bytes::Bytes,
        next: usize,
        last: Option<u64>,
    },
    Parsed(std::vec::IntoIter<Entry<T>>),
}

impl<T: Serialize + DeserializeOwned> Peek<T> {
    /// Reads the first line, or everything.
    pub fn parse(bytes: bytes::Bytes) -> anyhow::Result<Peek<T>> {
        if let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
            && let Some(shape) = first_line(&bytes[..end])
        {
            let entries = Unread::Lines { bytes, next: end + 1, last: None };
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
        let oldest = self.shape.sealed * SEGMENT + 1;
        let (bytes, next, last) = match &mut self.entries {
            Unread::Parsed(entries) => return Ok(entries.next()),
            Unread::Lines { bytes, next, last } => (bytes, next, last),
        };
        loop {
            let rest = bytes.get(*next..).unwrap_or_default();
            let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let (line, after) = rest.split_at(length);
            if line == b"]}" && after.len() < 2 && last.is_none_or(|last| last == oldest) {
                return Ok(None);
            }
            let line = line.strip_suffix(b",").unwrap_or(line);
            let follows =
                |number: &u64| last.is_none_or(|last| last.checked_sub(1) == Some(*number));
            let Some(number) = number(line).filter(follows) else { return self.whole() };
            let Ok(entry) = standing(line, number, &self.shape) else { return self.whole() };
            *next += length + 1;
            *last = Some(number);
            if entry.is_some() {
                return Ok(entry);
            }
        }
    }

    /// The same after the head was parsed whole: for its lines are no longer what this release writes.
    fn whole(&mut self) -> anyhow::Result<Option<Entry<T>>> {
        if let Unread::Lines { bytes, last, .. } = &self.entries {
            let head = Head::parse(bytes).with_context(|| self.uri.clone())?;
            let mut older = head.into_entries();
            older.retain(|entry| last.is_none_or(|last| entry.number < last));
            self.entries = Unread::Parsed(older.into_iter());
        }
        self.older()
    }
}

#[cfg(test)]
impl<T> Peek<T> {
    pub(super) fn is_by_line(&self) -> bool {
        matches!(self.entries, Unread::Lines { .. })
    }
}

/// The entry in a line, if it stands: where nothing was ever removed, each line is one.
fn standing<T: DeserializeOwned>(
    line: &[u8],
    number: u64,
    shape: &Shape,
) -> serde_json::Result<Option<Entry<T>>> {
    if shape.gone.is_empty() {
        return serde_json::from_slice(line).map(Some);
    }
    if !shape.stands(number) {
        return Ok(None);
    }
    Ok(serde_json::from_slice::<Line<T>>(line)?.into_entry())
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
