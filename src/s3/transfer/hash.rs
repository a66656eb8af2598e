//! Hashing what is to go up, on all cores.

use super::{Engine, blocking};
use crate::machine::workspace::{Digests, Found, Hashed, hash};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::sync::Arc;

impl Engine {
    /// Hashes files as they go up, in parts where they are large, in the same order.
    pub async fn hash_all(
        &self,
        found: Vec<Found>,
        digests: Digests,
    ) -> anyhow::Result<Vec<Arc<Hashed>>> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let hashed = stream::iter(bundles(found))
            .map(|bundle| {
                let store = self.store.clone();
                blocking(move || {
                    let hashed = |file: Found| hash(&file, store.part_of(file.size), digests);
                    bundle.into_iter().map(|file| hashed(file).map(Arc::new)).collect()
                })
            })
            .buffered(threads)
            .try_collect::<Vec<Vec<_>>>()
            .await?;
        Ok(hashed.into_iter().flatten().collect())
    }
}

/// Files in bundles that are worth a thread's hand-over each, in the same order.
fn bundles(files: Vec<Found>) -> Vec<Vec<Found>> {
    const BYTES: u64 = 4 << 20;
    const FILES: usize = 256;
    let mut bundles: Vec<Vec<Found>> = Vec::new();
    let mut room = 0;
    for file in files {
        match bundles.last_mut() {
            Some(last) if file.size <= room && last.len() < FILES => {
                room -= file.size;
                last.push(file);
            }
            _ => {
                room = BYTES.saturating_sub(file.size);
                bundles.push(vec![file]);
            }
        }
    }
    bundles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::file::Mode;
    use crate::words::names::RelPath;

    #[test]
    fn bundles_keep_every_file_in_order() {
        let file = |(n, size): (usize, u64)| Found {
            path: RelPath::parse(&format!("f{n}")).expect("a path"),
            disk: std::path::PathBuf::new(),
            size,
            mode: Mode::Plain,
        };
        let cases: [(&[u64], &[usize]); 5] = [
            (&[], &[]),
            (&[1, 2, 3], &[3]),
            (&[4 << 20, 0, 1], &[2, 1]),
            (&[9 << 20, 9 << 20], &[1, 1]),
            (&[0; 600], &[256, 256, 88]),
        ];
        for (sizes, want) in cases {
            let files: Vec<_> = sizes.iter().copied().enumerate().map(file).collect();
            let paths: Vec<_> = files.iter().map(|file| file.path.clone()).collect();
            let bundles = bundles(files);
            assert_eq!(bundles.iter().map(Vec::len).collect::<Vec<_>>(), want);
            assert!(bundles.iter().flatten().map(|file| &file.path).eq(&paths));
        }
    }
}
