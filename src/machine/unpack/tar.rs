//! Tar, of any age: v7, ustar, pax, GNU's and Sun's. Headers describe entries; extended ones the next.

use super::detect::BLOCK;
use super::pax::Pax;
use super::sparse::Holes;
use super::tree::{Attributes, Tree, text};
use super::{copy_all, skip};
use ::tar::{EntryType, Header};
use anyhow::Context as _;
use std::io::{self, Read};
use std::time::{Duration, SystemTime};

/// More than any program writes to describe one entry; it is kept in memory.
const LARGEST_DESCRIPTION: u64 = 8 << 20;

/// Whether a file begins as a tar does: with the mark, or a header whose checksum is right, which
/// is all that the oldest ones have.
pub(super) fn begins(start: &[u8]) -> bool {
    let Some(block) = start.first_chunk::<BLOCK>() else { return false };
    block[257..262] == *b"ustar" || is_whole(Header::from_byte_slice(block))
}

/// Whether a header's checksum is right. Some old programs took its bytes for signed numbers.
fn is_whole(header: &Header) -> bool {
    let bytes = header.as_bytes().iter().enumerate();
    let summed = bytes.map(|(at, byte)| if (148..156).contains(&at) { b' ' } else { *byte });
    let (plain, signed) = summed.fold((0, 0), |(plain, signed), byte| {
        (plain + i64::from(byte), signed + i64::from(byte.cast_signed()))
    });
    let is_empty = header.as_bytes().iter().all(|byte| *byte == 0);
    !is_empty && header.cksum().is_ok_and(|sum| [plain, signed].contains(&i64::from(sum)))
}

/// What the headers before an entry say of it.
#[derive(Debug, Default)]
struct Described {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Option<Pax>,
}

/// Unpacks a tar, and reads on to the end of what holds it, so that its checksum is checked.
pub(super) fn unpack(mut plain: impl Read, tree: &mut Tree<'_>) -> anyhow::Result<()> {
    let (mut described, mut every) = (Described::default(), Pax::default());
    while let Some(header) = next_header(&mut plain)? {
        match header.entry_type().as_byte() {
            b'L' => described.name = Some(until_nul(description(&mut plain, &header)?)),
            b'K' => described.link = Some(until_nul(description(&mut plain, &header)?)),
            // Sun's came before the standard's.
            b'x' | b'X' => {
                let mut pax = every.clone();
                pax.take_up(&description(&mut plain, &header)?)?;
                described.pax = Some(pax);
            }
            b'g' => every.take_up(&description(&mut plain, &header)?)?,
            // A volume's label.
            b'V' => skip_entry(&mut plain, header.entry_size()?)?,
            _ => {
                let Described { name, link, pax } = std::mem::take(&mut described);
                let pax = pax.unwrap_or_else(|| every.clone());
                Entry::new(header, name, link, pax).place(&mut plain, tree)?;
            }
        }
    }
    let is_described =
        described.name.is_some() || described.link.is_some() || described.pax.is_some();
    anyhow::ensure!(!is_described, "ends before the entry that its last header describes");
    io::copy(&mut plain, &mut io::sink())?;
    Ok(())
}

/// The next header; none: the archive ends here.
fn next_header(plain: &mut impl Read) -> anyhow::Result<Option<Header>> {
    let mut header = Header::new_old();
    let block = header.as_mut_bytes();
    let mut read = 0;
    while read < BLOCK {
        match plain.read(&mut block[read..])? {
            0 if read == 0 => return Ok(None),
            0 => anyhow::bail!("ends in the middle of a header"),
            some => read += some,
        }
    }
    if header.as_bytes().iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    anyhow::ensure!(is_whole(&header), "a header is damaged: its checksum is wrong");
    Ok(Some(header))
}

fn description(plain: &mut impl Read, header: &Header) -> anyhow::Result<Vec<u8>> {
    let size = header.entry_size()?;
    anyhow::ensure!(size <= LARGEST_DESCRIPTION, "an extended header is larger than any is");
    let mut bytes = Vec::new();
    plain.by_ref().take(size).read_to_end(&mut bytes)?;
    anyhow::ensure!(bytes.len() as u64 == size, "ends in the middle of an extended header");
    skip(plain, padding(size))?;
    Ok(bytes)
}

fn until_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    bytes
}

/// What fills the last block of so many bytes.
fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

fn skip_entry(plain: &mut impl Read, size: u64) -> anyhow::Result<()> {
    skip(plain, size)?;
    skip(plain, padding(size))
}

/// An entry, with all that its headers say of it.
struct Entry {
    header: Header,
    name: Vec<u8>,
    link: Vec<u8>,
    pax: Pax,
}

impl Entry {
    fn new(header: Header, name: Option<Vec<u8>>, link: Option<Vec<u8>>, mut pax: Pax) -> Entry {
        let name = pax.sparse.name.take().or(pax.path.take()).or(name);
        let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
        let link = pax.link.take().or(link);
        let link = link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
        Entry { name, link: link.unwrap_or_default(), header, pax }
    }

    fn place(self, plain: &mut impl Read, tree: &mut Tree<'_>) -> anyhow::Result<()> {
        let own = text(&self.name);
        let attributes = Attributes {
            mode: self.header.mode().with_context(|| own.clone())?,
            modified: self.modified(),
        };
        match self.header.entry_type().as_byte() {
            // Before there was a type for them, a slash made a directory.
            b'0' if self.name.ends_with(b"/") => self.directory(attributes, plain, tree),
            b'0' | b'7' | b'S' => {
                let name = self.name.clone();
                self.file(&name, attributes, plain, tree)
            }
            // Links and directories have no bytes: some programs give them the size of what they
            // link to.
            b'1' => tree.hard_link(&self.name, &self.link),
            b'2' => tree.symbolic_link(&self.name, &self.link),
            b'5' => tree.directory(&self.name, attributes),
            // GNU's, with a list of its files.
            b'D' => self.directory(attributes, plain, tree),
            b'3' | b'4' => anyhow::bail!("{own}: is a device, which is not unpacked"),
            b'6' => anyhow::bail!("{own}: is a named pipe, which is not unpacked"),
            b'M' => anyhow::bail!("{own}: goes on from another archive"),
            byte => {
                let kind = char::from(byte).escape_default();
                anyhow::bail!("{own}: is an entry of the unknown type `{kind}`")
            }
        }
    }

    /// A directory with bytes, which mean nothing here.
    fn directory(
        &self,
        attributes: Attributes,
        plain: &mut impl Read,
        tree: &mut Tree<'_>,
    ) -> anyhow::Result<()> {
        tree.directory(&self.name, attributes)?;
        skip_entry(plain, self.header.entry_size()?)
    }

    fn file(
        self,
        name: &[u8],
        attributes: Attributes,
        plain: &mut impl Read,
        tree: &mut Tree<'_>,
    ) -> anyhow::Result<()> {
        let size = self.size().with_context(|| text(name))?;
        let old = match self.header.entry_type() {
            EntryType::GNUSparse => Some(self.old_holes(plain).with_context(|| text(name))?),
            _ => None,
        };
        let mut data = plain.by_ref().take(size);
        let holes = match old {
            None if self.pax.sparse.is_there() => {
                Some(self.pax.sparse.holes(&mut data).with_context(|| text(name))?)
            }
            old => old,
        };
        tree.file(name, attributes, |out| match holes {
            Some((holes, whole)) => holes.fill(out, whole, &mut data),
            None => copy_all(&mut data, out),
        })?;
        skip(plain, padding(size))
    }

    fn old_holes(&self, plain: &mut impl Read) -> anyhow::Result<(Holes, u64)> {
        Holes::old(self.header.as_gnu().context("has holes, and no list of them")?, plain)
    }

    /// How many bytes the archive has of it.
    fn size(&self) -> anyhow::Result<u64> {
        let (own, sparse) = (self.header.entry_size(), &self.pax.sparse);
        match self.pax.size {
            // Some programs write the size with holes there, and the other in the header alone.
            Some(size) if sparse.is_before_the_data() && sparse.size == Some(size) => {
                Ok(own.map_or(size, |own| own.min(size)))
            }
            Some(size) => Ok(size),
            None => Ok(own?),
        }
    }

    fn modified(&self) -> Option<SystemTime> {
        let own = || {
            let since = Duration::from_secs(self.header.mtime().ok()?);
            SystemTime::UNIX_EPOCH.checked_add(since)
        };
        self.pax.modified.or_else(own)
    }
}
