//! A file that arrives in parts.

use super::{SLICE, briefly};
use bytes::Bytes;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use tokio::sync::Mutex;

/// A file that arrives in parts, each written where it belongs while those before it may still be on
/// their way: what is to be hashed in order need not be written in it.
#[derive(Debug)]
pub(super) struct Target {
    file: Arc<File>,
    /// Of one writer at a time: the kernel lets no more into a file, and those that wait for it there
    /// spin, which took as much CPU as the writing.
    turn: Mutex<()>,
}

impl Target {
    /// A file of which nothing is written yet.
    pub(super) fn new(file: File) -> Target {
        Target { file: Arc::new(file), turn: Mutex::new(()) }
    }

    /// Writes bytes, and gives them back.
    pub(super) async fn write(&self, bytes: Bytes, at: u64) -> anyhow::Result<Bytes> {
        let (_turn, file) = (self.turn.lock().await, self.file.clone());
        briefly(bytes.len() as u64, move || {
            write_at(&bytes, &file, at)?;
            Ok(bytes)
        })
        .await
    }
}

/// Writes bytes where they belong in a file, slice by slice.
fn write_at(bytes: &[u8], file: &File, mut at: u64) -> io::Result<()> {
    for slice in bytes.chunks(SLICE) {
        file.write_all_at(slice, at)?;
        at += slice.len() as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_written_in_any_order_lie_where_they_belong() {
        let bytes: Vec<u8> = (0..3 * SLICE + 5).map(|i| (i % 251) as u8).collect();
        let directory = tempfile::tempdir().expect("a directory");
        for part in [SLICE - 1, SLICE, SLICE + 1, bytes.len()] {
            let path = directory.path().join(part.to_string());
            let file = File::create(&path).expect("a file");
            for (number, part_of) in bytes.chunks(part).enumerate().collect::<Vec<_>>().iter().rev()
            {
                write_at(part_of, &file, (number * part) as u64).expect("written");
            }
            assert!(std::fs::read(path).expect("a file") == bytes, "{part}");
        }
    }
}
