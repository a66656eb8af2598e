//! What a file is, by its first bytes; its name decides only whether nothing but zeros is a tar.

use super::tar;
use std::io::Read;

/// A block of a tar.
pub(super) const BLOCK: usize = 512;

/// No program writes an empty tar that is larger.
const LARGEST_EMPTY_TAR: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    Zip,
    Tar,
}

impl Kind {
    /// The kind of what begins with `start`, which is as [`start_of`] reads it.
    pub(super) fn of(start: &[u8], name: &str) -> Option<Kind> {
        match start {
            [0x1f, 0x8b, ..] => Some(Kind::Gzip),
            [b'B', b'Z', b'h', ..] => Some(Kind::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Kind::Xz),
            // A frame, or one that decoders skip, which is where some programs keep an index.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Kind::Zstd),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Kind::Zip),
            _ if tar::begins(start) || is_empty_tar(start, name) => Some(Kind::Tar),
            _ => None,
        }
    }
}

/// An archive of nothing is zeros alone. So is much else, and disk images begin with them.
fn is_empty_tar(start: &[u8], name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let endings = [".tgz", ".tbz", ".tbz2", ".txz", ".tzst"];
    start.len() >= 2 * BLOCK
        && start.len() <= LARGEST_EMPTY_TAR
        && start.len().is_multiple_of(BLOCK)
        && start.iter().all(|byte| *byte == 0)
        && (name.contains(".tar") || endings.iter().any(|it| name.ends_with(it)))
}

/// Reads as much as tells what it is: a block, and more where that is all zeros.
pub(super) fn start_of(file: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(BLOCK);
    file.by_ref().take(BLOCK as u64).read_to_end(&mut start)?;
    if start.len() == BLOCK && start.iter().all(|byte| *byte == 0) {
        file.by_ref().take(LARGEST_EMPTY_TAR as u64).read_to_end(&mut start)?;
    }
    Ok(start)
}
