//! Files with holes in a tar: GNU's old way, and its three ways in extended headers. Only what is
//! between the holes is in the archive.

use super::detect::BLOCK;
use ::tar::{GnuExtSparseHeader, GnuHeader, GnuSparseHeader};
use anyhow::Context as _;
use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom};

/// More than a file has holes; a map is kept in memory.
const MOST_SEGMENTS: usize = 1 << 20;

/// Bytes of a file that are in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// A file's segments in order; between them are holes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Holes(pub(super) Vec<Segment>);

/// What extended headers say of a file with holes.
#[derive(Debug, Clone, Default)]
pub(super) struct SparseHeader {
    /// The file's own name: the entry's is one for programs that know no holes.
    pub(super) name: Option<Vec<u8>>,
    /// The file's own size, holes included.
    pub(super) size: Option<u64>,
    pub(super) major: Option<u64>,
    pub(super) minor: Option<u64>,
    pub(super) holes: Holes,
}

impl SparseHeader {
    pub(super) fn is_there(&self) -> bool {
        self.size.is_some() || self.major.is_some() || !self.holes.0.is_empty()
    }

    /// Whether the map is in front of the data.
    pub(super) fn is_before_the_data(&self) -> bool {
        self.major == Some(1) && self.minor == Some(0)
    }

    /// The segments and the size of the file; reads the map where it is in front of the data.
    pub(super) fn holes(self, data: &mut impl Read) -> anyhow::Result<(Holes, u64)> {
        let holes = match (self.major, self.minor) {
            (Some(1), Some(0)) => Holes::read_from(data)?,
            (None | Some(0), _) => self.holes,
            (major, minor) => anyhow::bail!(
                "has holes, written as in version {}.{} of GNU tar's format, which is unknown",
                major.unwrap_or(0),
                minor.unwrap_or(0)
            ),
        };
        Ok((holes, self.size.context("has holes, and no size")?))
    }
}

impl Holes {
    /// Reads a map in an extended header: numbers between commas.
    pub(super) fn read(map: &[u8]) -> anyhow::Result<Holes> {
        let text = std::str::from_utf8(map).context("a map of holes is damaged")?;
        let numbers: Result<Vec<u64>, _> = text.split(',').map(str::parse).collect();
        Holes::of(&numbers.context("a map of holes is damaged")?)
    }

    /// Reads a map in front of the data: how many segments, and their numbers, a line each, in whole
    /// blocks.
    fn read_from(data: &mut impl Read) -> anyhow::Result<Holes> {
        let (mut numbers, mut digits) = (Vec::new(), String::new());
        let mut block = [0; BLOCK];
        loop {
            data.read_exact(&mut block).context("its map of holes is cut off")?;
            for byte in block {
                match byte {
                    b'0'..=b'9' if digits.len() < 20 => digits.push(char::from(byte)),
                    b'\n' => {
                        numbers.push(digits.parse().context("its map of holes is damaged")?);
                        digits.clear();
                        let count = usize::try_from(numbers[0]).unwrap_or(usize::MAX);
                        anyhow::ensure!(count <= MOST_SEGMENTS, "has more holes than are read");
                        if numbers.len() == 1 + 2 * count {
                            return Holes::of(&numbers[1..]);
                        }
                    }
                    _ => anyhow::bail!("its map of holes is damaged"),
                }
            }
        }
    }

    fn of(numbers: &[u64]) -> anyhow::Result<Holes> {
        let (pairs, rest) = numbers.as_chunks::<2>();
        anyhow::ensure!(rest.is_empty(), "a map of holes is damaged");
        anyhow::ensure!(pairs.len() <= MOST_SEGMENTS, "has more holes than are read");
        Ok(Holes(
            pairs
                .iter()
                .map(|[offset, length]| Segment { offset: *offset, length: *length })
                .collect(),
        ))
    }

    /// Reads the map of an entry as GNU tar wrote it first: in its header, and in blocks after it.
    pub(super) fn old(header: &GnuHeader, plain: &mut impl Read) -> anyhow::Result<(Holes, u64)> {
        let mut holes = Holes::default();
        let mut add = |segments: &[GnuSparseHeader]| {
            for segment in segments.iter().filter(|segment| !segment.is_empty()) {
                anyhow::ensure!(holes.0.len() < MOST_SEGMENTS, "has more holes than are read");
                let (offset, length) = (segment.offset()?, segment.length()?);
                holes.0.push(Segment { offset, length });
            }
            Ok(())
        };
        add(&header.sparse)?;
        let mut goes_on = header.is_extended();
        while goes_on {
            let mut more = GnuExtSparseHeader::new();
            plain.read_exact(more.as_mut_bytes()).context("its map of holes is cut off")?;
            add(more.sparse())?;
            goes_on = more.is_extended();
        }
        Ok((holes, header.real_size()?))
    }

    /// Fills a file of `size` bytes: the segments, which are all of the data, and holes.
    pub(super) fn fill(
        &self,
        file: &mut File,
        size: u64,
        data: &mut std::io::Take<impl Read>,
    ) -> anyhow::Result<()> {
        let mut end = 0;
        let mut sum = 0_u64;
        for segment in &self.0 {
            let after = segment.offset.checked_add(segment.length);
            let after = after.filter(|after| end <= segment.offset && *after <= size);
            end = after.context("its map of holes does not fit its size")?;
            sum += segment.length;
        }
        anyhow::ensure!(sum == data.limit(), "its map of holes does not fit its bytes");
        // Programs differ on where the next begins.
        let filled = self.0.iter().rev().filter(|segment| segment.length > 0).skip(1);
        let mut odd = filled.filter(|segment| segment.length % BLOCK as u64 != 0);
        anyhow::ensure!(odd.next().is_none(), "its map of holes does not keep to blocks");
        file.set_len(size)?;
        for segment in self.0.iter().filter(|segment| segment.length > 0) {
            file.seek(SeekFrom::Start(segment.offset))?;
            super::copy_all(&mut data.take(segment.length), file)?;
        }
        Ok(())
    }
}
