//! An object as S3 describes it, into a file: read from that one version, and compared with the
//! best that S3 knows of its bytes.

use super::{Engine, PARTS_AT_ONCE, Target, blocking};
use crate::s3::store::Described;
use crate::words::fault::fault;
use crate::words::names::Key;
use crate::words::span::Span;
use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::fs::File;

impl Engine {
    /// Fetches what was described, of one version where it names one, into a file.
    pub async fn download_described(
        &self,
        key: &Key,
        of: &Described,
        version: Option<&str>,
        file: File,
    ) -> anyhow::Result<()> {
        let (store, size, target) = (&self.store, of.facts.size, &Target::new(file));
        let part = if size <= store.limits.single { size.max(1) } else { store.limits.part };
        let spans = Span::cover(size, part).map(|span| async move {
            // The first part in line asks for room first, so it never waits for those behind it.
            let room = self.room(span.length).await?;
            let some = (span.length != size).then_some(span);
            let bytes = store.read(key, of, version, some).await?;
            let written = target.write(bytes, span.start).await;
            anyhow::Ok((written.with_context(|| store.uri(key.as_str()))?, room))
        });
        let parts = stream::iter(spans).buffered(PARTS_AT_ONCE);
        let summed = parts.try_fold(of.proof.verifier(), |mut sum, (bytes, room)| async move {
            store.report().advance(0, bytes.len() as u64);
            let (sum, bytes) = blocking(move || {
                sum.update(&bytes);
                Ok((sum, bytes))
            })
            .await?;
            store.buffers.give(bytes);
            drop(room);
            anyhow::Ok(sum)
        });
        if let Some(difference) = summed.await?.difference() {
            let uri = store.uri(key.as_str());
            return Err(fault(
                format!("{uri}: not the bytes that S3 knows: {difference}"),
                "try again; if it stays, put the object anew, or set `skip_s3_checksums: true` for a server whose checksums and tags are its own",
            ));
        }
        store.report().advance(1, 0);
        Ok(())
    }
}
