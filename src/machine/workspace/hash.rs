//! A file to publish is read twice: once to hash it, once to send it.
//!
//! Invariant: the CRC-64 of each part is the same both times, or that is an error: never wrong bytes.

use super::Found;
use crate::words::digest::{Hasher, Sha256};
use crate::words::fault::fault;
use crate::words::file::FileFacts;
use crate::words::parts::Parts;
use crate::words::span::Span;
use anyhow::Context as _;
use aws_smithy_checksums::http::HttpChecksum;
use bytes::Bytes;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Bytes that a core's cache still holds when they are summed after they were read.
const SLICE: u64 = 256 << 10;
/// Slices of one file on their way to the thread that hashes it.
const SLICES: usize = 4;

/// A CRC-64, as S3 writes it.
type Sum = [u8; 8];

/// A file to publish, hashed.
#[derive(Debug, Clone)]
pub struct Hashed {
    /// What it is.
    pub facts: FileFacts,
    /// Where it is.
    pub disk: PathBuf,
    /// The size of its parts.
    pub part: u64,
    /// The CRC-64 of each part.
    pub sums: Box<[Sum]>,
    /// The SHA-256 of each, where there are several and it was asked for.
    pub parts: Option<Parts>,
}

impl Hashed {
    /// The size of a part: the last one is what is left.
    pub fn part_length(&self, index: usize) -> u64 {
        self.part.min(self.facts.size.saturating_sub(index as u64 * self.part))
    }
}

/// Of what the SHA-256 is taken: of parts only where it is recorded, for it takes as long again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digests {
    /// Of the whole file.
    Whole,
    /// Of each of its parts, too.
    Parts,
}

/// Hashes a file; `part` is the size of the parts that it will travel in. The whole of a file that
/// has several is hashed on a thread of its own, beside the parts.
pub fn hash(found: &Found, part: u64, digests: Digests) -> anyhow::Result<Hashed> {
    let (part, mut file) = (part.max(1), open(&found.disk)?);
    let mut summed = Summed::default();
    let room = || Vec::with_capacity(found.size.min(SLICE) as usize);
    let sha256 = if found.size <= part {
        let mut hasher = Hasher::default();
        let mut buffer = room();
        for span in Span::cover(found.size, part) {
            let slice = |bytes: &mut Vec<u8>| hasher.update(bytes);
            buffer = summed.take(found, &mut file, span, buffer, slice)?;
        }
        hasher.finish()
    } else {
        std::thread::scope(|scope| {
            let (full, filled) = std::sync::mpsc::sync_channel::<Vec<u8>>(SLICES);
            let (empty, emptied) = std::sync::mpsc::channel::<Vec<u8>>();
            let whole = scope.spawn(move || {
                let mut hasher = Hasher::default();
                for slice in filled {
                    hasher.update(&slice);
                    // Nobody takes it when the file has been read.
                    let _ = empty.send(slice);
                }
                hasher.finish()
            });
            let mut buffer = room();
            for span in Span::cover(found.size, part) {
                let mut its = (digests == Digests::Parts).then(Hasher::default);
                let slice = |bytes: &mut Vec<u8>| {
                    its.iter_mut().for_each(|hasher| hasher.update(bytes));
                    let next = emptied.try_recv().unwrap_or_else(|_| room());
                    // The thread ends with this one.
                    let _ = full.send(std::mem::replace(bytes, next));
                };
                buffer = summed.take(found, &mut file, span, buffer, slice)?;
                summed.digests.extend(its.map(Hasher::finish));
            }
            drop(full);
            whole.join().map_err(|_| anyhow::anyhow!("{}: its thread", found.disk.display()))
        })?
    };
    let facts = FileFacts { path: found.path.clone(), size: summed.size, mode: found.mode, sha256 };
    let parts = Parts::new(part, &summed.digests);
    Ok(Hashed { facts, disk: found.disk.clone(), part, sums: summed.sums.into(), parts })
}

fn finished(sum: Box<dyn HttpChecksum>) -> anyhow::Result<Sum> {
    sum.finalize().as_ref().try_into().context("a CRC-64")
}

/// What was read of a file, in parts.
#[derive(Default)]
struct Summed {
    sums: Vec<Sum>,
    digests: Vec<Sha256>,
    size: u64,
}

impl Summed {
    /// Reads a part slice by slice, each into the buffer that the one before left.
    fn take(
        &mut self,
        found: &Found,
        file: &mut File,
        span: Span,
        mut buffer: Vec<u8>,
        mut slice: impl FnMut(&mut Vec<u8>),
    ) -> anyhow::Result<Vec<u8>> {
        let mut sum = aws_smithy_checksums::ChecksumAlgorithm::Crc64Nvme.into_impl();
        for Span { length, .. } in Span::cover(span.length, SLICE) {
            buffer.clear();
            let read = (&mut *file).take(length).read_to_end(&mut buffer);
            if read.with_context(|| found.disk.display().to_string())? as u64 != length {
                return Err(changed(&found.disk));
            }
            sum.update(&buffer);
            self.size += length;
            slice(&mut buffer);
        }
        self.sums.push(finished(sum)?);
        Ok(buffer)
    }
}

/// Reads part `index` of a file that was hashed, into a buffer that the caller made.
pub fn read_part(file: &Hashed, index: usize, mut buffer: Vec<u8>) -> anyhow::Result<Bytes> {
    let place = || file.disk.display().to_string();
    let start = index as u64 * file.part;
    let mut opened = open(&file.disk)?;
    opened.seek(SeekFrom::Start(start)).with_context(place)?;
    let mut sum = aws_smithy_checksums::ChecksumAlgorithm::Crc64Nvme.into_impl();
    for span in Span::cover(file.part_length(index), SLICE) {
        let from = buffer.len();
        (&mut opened).take(span.length).read_to_end(&mut buffer).with_context(place)?;
        sum.update(&buffer[from..]);
    }
    let is_same = file.sums.get(index) == Some(&finished(sum)?);
    if is_same { Ok(buffer.into()) } else { Err(changed(&file.disk)) }
}

/// Opens a file to be read. What became a pipe or a device meanwhile is not waited for.
fn open(path: &Path) -> anyhow::Result<File> {
    /// Of Linux on every platform that the image is for: for regular files it changes nothing.
    const O_NONBLOCK: i32 = 0o4000;
    let place = || path.display().to_string();
    let file = File::options().read(true).custom_flags(O_NONBLOCK).open(path);
    let file = file.with_context(place)?;
    if !file.metadata().with_context(place)?.is_file() {
        return Err(changed(path));
    }
    Ok(file)
}

pub(in crate::machine) fn changed(path: &Path) -> anyhow::Error {
    fault(
        format!("{} changed while it was read", path.display()),
        "publish what a finished task left; nothing may write to it meanwhile",
    )
}
