//! GetObject: whole, or a range.

use super::body::{chunk, collect, collect_up_to, whole};
use super::{ETag, Failure, Fetched, Operation, Store, failure};
use crate::words::names::{Key, shown};
use crate::words::span::Span;
use aws_sdk_s3::operation::RequestId as _;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use bytes::Bytes;
use std::collections::HashMap;

/// What is read whole is a manifest, a record or a part of a history, and no more than this of it; so
/// no more is written. The manifest of a set of 100,000 files has about 25 MiB.
pub const WHOLE: u64 = 64 << 20;

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
            if is_page(&answer) {
                return Err(Failure::not_s3());
            }
            let bytes = collect_up_to(answer.body, WHOLE).await?;
            Ok(Fetched {
                etag: ETag::of(answer.e_tag).ok_or_else(|| Failure::no_result("an ETag"))?,
                metadata: answer.metadata.unwrap_or_default(),
                bytes,
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
                let page = is_page(&answer);
                return Err(if page {
                    Failure::not_s3()
                } else {
                    Failure::wrong_size(length, size)
                });
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
            check_range(span, answer.content_range.as_deref(), answer.content_length)?;
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

/// Whether an answer is a page for people, and not an object that happens to be one.
fn is_page(answer: &GetObjectOutput) -> bool {
    let html = answer.content_type.as_deref().is_some_and(|media| media.starts_with("text/html"));
    html && answer.request_id().is_none() && answer.metadata.as_ref().is_none_or(HashMap::is_empty)
}

/// Refuses an answer with other bytes than were asked for, before its body is read.
fn check_range(span: Span, range: Option<&str>, length: Option<i64>) -> Result<(), Failure> {
    let wanted = format!("bytes {}-{}", span.start, span.start + span.length - 1);
    match range {
        // Some servers leave the unit out.
        Some(range) => {
            let (got, _) = range.split_once('/').unwrap_or((range, ""));
            if got.trim_start_matches("bytes ") == wanted.trim_start_matches("bytes ") {
                return Ok(());
            }
            Err(Failure::no_range(&format!("`{}`", shown(got)), &wanted))
        }
        None if length == i64::try_from(span.length).ok() && span.start == 0 => Ok(()),
        None => Err(Failure::no_range("the whole object", &wanted)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_the_one_that_was_asked_for() {
        let span = Span { start: 8, length: 8 };
        let cases = [
            (Some("bytes 8-15/100"), Some(8), true),
            (Some("bytes 8-15/*"), Some(8), true),
            (Some("8-15/100"), Some(8), true),
            (Some("bytes 0-7/100"), Some(8), false),
            (Some("bytes 8-99/100"), Some(92), false),
            (None, Some(100), false),
            (None, Some(8), false),
            (None, None, false),
        ];
        for (range, length, good) in cases {
            assert_eq!(check_range(span, range, length).is_ok(), good, "{range:?} {length:?}");
        }
        // An object that is no longer than its first range comes whole.
        assert!(check_range(Span { start: 0, length: 8 }, None, Some(8)).is_ok());
    }
}
