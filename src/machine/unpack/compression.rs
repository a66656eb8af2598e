//! What is around a tar or a single file: each compression, and a bound on what comes out of it.

use super::detect::Kind;
use crate::machine::report::size;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// The dictionary of `xz -9` is a quarter of it; it bounds what an archive makes us allocate.
const XZ_MEMORY_KIB: u32 = 256 << 10;

/// The bytes of a compressed file.
pub(super) fn plain(kind: Kind, file: File) -> io::Result<Box<dyn Read>> {
    let file = BufReader::with_capacity(64 << 10, file);
    Ok(match kind {
        Kind::Gzip => Box::new(Members { member: Some(flate2::bufread::GzDecoder::new(file)) }),
        Kind::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
        Kind::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(file, true, XZ_MEMORY_KIB)),
        Kind::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(file)?),
        Kind::Zip | Kind::Tar => Box::new(file),
    })
}

/// The endings of the names of compressed files, and what takes their place.
pub(super) fn endings(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Gzip => &[(".tgz", ".tar"), (".gz", ""), (".gzip", "")],
        Kind::Bzip2 => &[(".tbz2", ".tar"), (".tbz", ".tar"), (".bz2", "")],
        Kind::Xz => &[(".txz", ".tar"), (".xz", "")],
        Kind::Zstd => &[(".tzst", ".tar"), (".zst", ""), (".zstd", "")],
        Kind::Zip | Kind::Tar => &[],
    }
}

/// Gzip's members, one after the other. Zeros may follow the last, as tapes and some programs fill
/// their blocks.
struct Members<R> {
    /// None: all is read.
    member: Option<flate2::bufread::GzDecoder<R>>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(member) = &mut self.member else { return Ok(0) };
            match member.read(buffer)? {
                0 if !buffer.is_empty() => {}
                some => return Ok(some),
            }
            let Some(mut file) = self.member.take().map(|it| it.into_inner()) else { continue };
            loop {
                let rest = file.fill_buf()?;
                let zeros = rest.iter().take_while(|byte| **byte == 0).count();
                match (rest.len(), zeros) {
                    (0, _) => return Ok(0),
                    (_, 0) => break,
                    _ => file.consume(zeros),
                }
            }
            self.member = Some(flate2::bufread::GzDecoder::new(file));
        }
    }
}

/// How much may come out of an archive.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) left: u64,
    too_much: TooMuch,
}

impl Budget {
    /// `times` the archive's size, but never less than a gigabyte.
    pub(super) fn new(archive: u64, times: u64) -> Budget {
        let most = archive.saturating_mul(times).max(AT_LEAST);
        Budget { left: most, too_much: TooMuch { most, archive, times } }
    }

    pub(super) fn bound<R: Read>(&mut self, inner: R) -> Bounded<'_, R> {
        Bounded { inner, budget: self }
    }
}

const AT_LEAST: u64 = 1 << 30;

/// An archive that holds more than its size lets one expect.
#[derive(Debug, Clone, Copy)]
pub(super) struct TooMuch {
    most: u64,
    archive: u64,
    times: u64,
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooMuch { most, archive, times } = *self;
        write!(f, "it holds more than {}, and is {}", size(most), size(archive))?;
        if most == AT_LEAST { Ok(()) } else { write!(f, ": more than {times} times its size") }
    }
}

impl std::error::Error for TooMuch {}

/// Reads until the budget is spent.
pub(super) struct Bounded<'a, R> {
    inner: R,
    budget: &'a mut Budget,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.budget.left.checked_sub(read as u64);
        self.budget.left = left.ok_or_else(|| io::Error::other(self.budget.too_much))?;
        Ok(read)
    }
}
