//! A large object whose parts' SHA-256s are recorded: its parts are verified side by side, each as
//! it arrives, and one that is wrong is fetched once more alone.

use super::{Engine, PARTS_AT_ONCE, SLICE, blocking, corrupt, missing, unsteady};
use crate::s3::store::ETag;
use crate::words::digest::{Hasher, Sha256};
use crate::words::names::Key;
use crate::words::span::Span;
use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

impl Engine {
    /// Fetches an object part by part into a file, where each part belongs.
    pub(super) async fn receive_parts(
        &self,
        key: &Key,
        size: u64,
        parts: Vec<(Span, Sha256)>,
        file: File,
    ) -> anyhow::Result<()> {
        let etag = &self.tag_of(key, size).await?;
        let file = &Arc::new(file);
        stream::iter(parts)
            .map(|(span, sha256)| self.receive_part(key, etag, span, sha256, file))
            .buffer_unordered(PARTS_AT_ONCE)
            .try_collect()
            .await
    }

    /// The tag of an object that must have this size.
    pub(super) async fn tag_of(&self, key: &Key, size: u64) -> anyhow::Result<ETag> {
        let uri = self.store.uri(key.as_str());
        let facts = self.store.head(key).await?.ok_or_else(|| missing(&uri))?;
        if facts.size != size {
            return Err(corrupt(&uri, format!("it has {} bytes instead of {size}", facts.size)));
        }
        Ok(facts.etag)
    }

    async fn receive_part(
        &self,
        key: &Key,
        etag: &ETag,
        span: Span,
        sha256: Sha256,
        file: &Arc<File>,
    ) -> anyhow::Result<()> {
        let uri = self.store.uri(key.as_str());
        let first = self.part_into(key, etag, span, file).await?;
        if first != sha256 {
            let what = format!(
                "the SHA-256 of {} bytes from {} on is {first} instead of {sha256}",
                span.length, span.start
            );
            self.store.report().warn(format!("{uri}: {what}; trying again in 0 s (2 of 2)"));
            let second = self.part_into(key, etag, span, file).await?;
            if second == first {
                return Err(corrupt(&uri, what));
            }
            if second != sha256 {
                return Err(unsteady(&uri));
            }
        }
        self.store.report().advance(0, span.length);
        Ok(())
    }

    /// Fetches a part and writes it, and answers what it is.
    async fn part_into(
        &self,
        key: &Key,
        etag: &ETag,
        span: Span,
        file: &Arc<File>,
    ) -> anyhow::Result<Sha256> {
        let _room = self.room(span.length).await?;
        let bytes = self.store.get_span(key, span, etag).await?;
        let (file, uri) = (file.clone(), self.store.uri(key.as_str()));
        let kept = blocking(move || Ok((keep_at(&bytes, &file, span.start).context(uri)?, bytes)));
        let (sha256, bytes) = kept.await?;
        self.store.buffers.give(bytes);
        Ok(sha256)
    }
}

/// Hashes bytes and writes them where they belong, slice by slice.
fn keep_at(bytes: &Bytes, file: &File, mut at: u64) -> io::Result<Sha256> {
    let mut hasher = Hasher::default();
    for slice in bytes.chunks(SLICE) {
        hasher.update(slice);
        file.write_all_at(slice, at)?;
        at += slice.len() as u64;
    }
    Ok(hasher.finish())
}
