//! The extended headers of a tar: records of a length, a key and a value, which say of the next
//! entry what its header has no room for.

use super::sparse::{Holes, Segment, SparseHeader};
use super::tree::text;
use anyhow::Context as _;
use std::time::{Duration, SystemTime};

/// What extended headers say of an entry.
#[derive(Debug, Clone, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) modified: Option<SystemTime>,
    pub(super) sparse: SparseHeader,
}

impl Pax {
    /// Takes up the records of a header; later ones win, and an empty value takes an earlier back.
    pub(super) fn take_up(&mut self, mut records: &[u8]) -> anyhow::Result<()> {
        while !records.is_empty() {
            let (record, rest) = split(records).context("an extended header is damaged")?;
            self.record(record)?;
            records = rest;
        }
        Ok(())
    }

    fn record(&mut self, (key, value): Record<'_>) -> anyhow::Result<()> {
        let number = || {
            let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            number.with_context(|| format!("the extended header {} is no number", text(key)))
        };
        let bytes = || Some(value.to_vec()).filter(|value| !value.is_empty());
        let sparse = &mut self.sparse;
        match key {
            b"path" => self.path = bytes(),
            b"linkpath" => self.link = bytes(),
            b"size" => self.size = if value.is_empty() { None } else { Some(number()?) },
            b"mtime" => self.modified = time(value),
            b"GNU.sparse.name" => sparse.name = bytes(),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => sparse.size = Some(number()?),
            b"GNU.sparse.major" => sparse.major = Some(number()?),
            b"GNU.sparse.minor" => sparse.minor = Some(number()?),
            b"GNU.sparse.map" => sparse.holes = Holes::read(value)?,
            b"GNU.sparse.offset" => {
                sparse.holes.0.push(Segment { offset: number()?, length: 0 });
            }
            b"GNU.sparse.numbytes" => {
                let last = sparse.holes.0.last_mut().context("an extended header is damaged")?;
                last.length = number()?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// A key and its value.
type Record<'a> = (&'a [u8], &'a [u8]);

/// The first record, and what comes after it. A value may hold line ends.
fn split(records: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let blank = records.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&records[..blank]).ok()?.parse().ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let record = record.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some(((&record[..equals], &record[equals + 1..]), rest))
}

/// A time in seconds since 1970, with a fraction; none: one that no file can have.
fn time(value: &[u8]) -> Option<SystemTime> {
    let seconds: f64 = std::str::from_utf8(value).ok()?.parse().ok()?;
    let since = Duration::try_from_secs_f64(seconds.abs()).ok()?;
    match seconds < 0.0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(since),
        false => SystemTime::UNIX_EPOCH.checked_add(since),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_by_their_length() {
        let mut pax = Pax::default();
        // A value with line ends in it, as macOS writes, and a record in disguise among them.
        let tricky = b"25 xattr=a\n11 path=no\n b\n13 path=real\n10 size=7\n21 mtime=1.500000000\n";
        pax.take_up(tricky).expect("reads");
        assert_eq!(pax.path.as_deref(), Some(&b"real"[..]));
        assert_eq!(pax.size, Some(7));
        let since = pax.modified.expect("a time").duration_since(SystemTime::UNIX_EPOCH);
        assert_eq!(since.expect("after 1970"), Duration::from_millis(1500));
        pax.take_up(b"8 path=\n").expect("reads");
        assert_eq!(pax.path, None, "taken back");
    }

    #[test]
    fn what_is_damaged_is_an_error() {
        for bad in [
            &b"x"[..],
            b"5 a=b\n",
            b"7 a=b\n",
            b"99 path=a\n",
            b"0 a=b\n",
            b" 6 a=b\n",
            b"6 aaa\n",
            b"12 size=-12\n",
            b"27 GNU.sparse.numbytes=12\n",
            b"22 GNU.sparse.map=1,x\n",
        ] {
            assert!(Pax::default().take_up(bad).is_err(), "{}", text(bad));
        }
    }
}
