//! An object as S3 describes it, into a file: read from that one version, and compared with the
//! best that S3 knows of its bytes.

use super::Engine;
use crate::s3::store::{Described, Verifier};
use crate::words::fault::fault;
use crate::words::names::Key;
use crate::words::span::Span;
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
        let (store, size) = (&self.store, of.facts.size);
        let part = if size <= store.limits.single { size.max(1) } else { store.limits.part };
        let fetch = |span: Span| {
            let some = (span.length != size).then_some(span);
            store.read(key, of, version, some)
        };
        let update = |sum: &mut Verifier, bytes: &[u8]| sum.update(bytes);
        let (spans, sum) = (Span::cover(size, part), of.proof.verifier());
        let summed = self.in_order(key, spans, fetch, Some(file), sum, update).await?;
        if let Some(difference) = summed.difference() {
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
