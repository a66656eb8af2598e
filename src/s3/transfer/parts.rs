//! A large object whose parts' SHA-256s are recorded: its parts are verified side by side, each as
//! it arrives, and one that is wrong is fetched once more alone.

use super::{Engine, PARTS_AT_ONCE, Target, blocking, corrupt, missing, unsteady};
use crate::s3::store::ETag;
use crate::words::digest::Sha256;
use crate::words::names::Key;
use crate::words::span::Span;
use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::fs::File;

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
        let target = &Target::new(file);
        stream::iter(parts)
            .map(|(span, sha256)| self.receive_part(key, etag, span, sha256, target))
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
        target: &Target,
    ) -> anyhow::Result<()> {
        let _room = self.room(span.length).await?;
        let bytes = match self.part_of_object(key, etag, span).await? {
            (first, bytes) if first == sha256 => bytes,
            (first, bytes) => {
                self.store.buffers.give(bytes);
                self.once_more(key, etag, span, first, sha256).await?
            }
        };
        let written = target.write(bytes, span.start).await;
        self.store.buffers.give(written.with_context(|| self.store.uri(key.as_str()))?);
        self.store.report().advance(0, span.length);
        Ok(())
    }

    /// Fetches a part whose SHA-256 was `first`, and not the recorded one: it may have changed on its way.
    async fn once_more(
        &self,
        key: &Key,
        etag: &ETag,
        span: Span,
        first: Sha256,
        sha256: Sha256,
    ) -> anyhow::Result<Bytes> {
        let uri = self.store.uri(key.as_str());
        let what = format!(
            "the SHA-256 of {} bytes from {} on is {first} instead of {sha256}",
            span.length, span.start
        );
        self.store.report().warn(format!("{uri}: {what}; trying again in 0 s (2 of 2)"));
        match self.part_of_object(key, etag, span).await? {
            (second, bytes) if second == sha256 => Ok(bytes),
            (second, _) if second == first => Err(corrupt(&uri, what)),
            _ => Err(unsteady(&uri)),
        }
    }

    /// Fetches a part, and says what it is.
    async fn part_of_object(
        &self,
        key: &Key,
        etag: &ETag,
        span: Span,
    ) -> anyhow::Result<(Sha256, Bytes)> {
        let bytes = self.store.get_span(key, span, etag).await?;
        blocking(move || Ok((Sha256::of(&bytes), bytes))).await
    }
}
