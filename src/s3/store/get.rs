//! GetObject: whole, or a range.

use super::body::{chunk, collect, whole};
use super::{ETag, Failure, Fetched, Operation, Store, failure};
use crate::words::names::Key;
use crate::words::span::Span;
use bytes::Bytes;

impl Store {
    /// Reads a whole object that is small; none when it is not there.
    pub async fn get(&self, key: &Key) -> anyhow::Result<Option<Fetched>> {
        self.optional(self.fetch(key).await, Operation::GetObject, key.as_str())
    }

    /// As [`Store::get`], for clients that may perhaps only write: none as well when reading is
    /// forbidden.
    pub async fn get_if_allowed(&self, key: &Key) -> anyhow::Result<Option<Fetched>> {
        let fetched = self.fetch(key).await.map_err(Failure::missing_if_forbidden);
        self.optional(fetched, Operation::GetObject, key.as_str())
    }

    async fn fetch(&self, key: &Key) -> Result<Fetched, Failure> {
        self.attempts(Operation::GetObject, key.as_str(), || async {
            let request =
                self.client.get_object().bucket(self.access.bucket.as_str()).key(key.as_str());
            let answer = request.send().await.map_err(failure::of)?;
            Ok(Fetched {
                etag: ETag(answer.e_tag.unwrap_or_default()),
                metadata: answer.metadata.unwrap_or_default(),
                bytes: collect(answer.body, None).await?,
            })
        })
        .await
    }

    /// Reads a whole object that must have this size; an error when it is not there.
    pub async fn get_sized(&self, key: &Key, size: u64) -> anyhow::Result<Bytes> {
        self.attempts(Operation::GetObject, key.as_str(), || async {
            let request =
                self.client.get_object().bucket(self.access.bucket.as_str()).key(key.as_str());
            let answer = request.send().await.map_err(failure::of)?;
            // Said before the body is read: it may be of any length.
            let length = answer.content_length.and_then(|n| u64::try_from(n).ok()).unwrap_or(size);
            if length != size {
                return Err(Failure::wrong_size(length, size));
            }
            collect(answer.body, Some(size)).await
        })
        .await
        .map_err(|e| self.explain(e, Operation::GetObject, key.as_str()))
    }

    /// Reads some bytes of an object; an error when its tag is another than `etag`: so ranges read
    /// one after the other are of the same bytes.
    pub async fn get_span(&self, key: &Key, span: Span, etag: &ETag) -> anyhow::Result<Bytes> {
        self.attempts(Operation::GetObject, key.as_str(), || async {
            let request =
                self.client.get_object().bucket(self.access.bucket.as_str()).key(key.as_str());
            let answer =
                request.range(span.header()).if_match(&etag.0).send().await.map_err(failure::of)?;
            let mut body = answer.body;
            let mut buffer = self.buffers.take(usize::try_from(span.length).unwrap_or(0));
            while let Some(chunk) = chunk(&mut body).await? {
                buffer.extend_from_slice(&chunk);
            }
            whole(buffer.freeze(), Some(span.length))
        })
        .await
        .map_err(|e| self.explain(e, Operation::GetObject, key.as_str()))
    }
}
