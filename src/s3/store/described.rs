//! One version of an object, as it stands: what S3 knows of it, its bytes and its tags.

use super::body::{chunk, whole};
use super::{ETag, Facts, Failure, Operation, Proof, Store, failure};
use crate::input::access::{Checksum, ChecksumAlgorithm};
use crate::words::names::Key;
use crate::words::span::Span;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType, ServerSideEncryption};
use bytes::Bytes;
use std::collections::BTreeMap;

/// What S3 knows of a version of an object.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its size, tag and metadata.
    pub facts: Facts,
    /// Its id, where the bucket keeps versions.
    pub version: Option<String>,
    /// When it was written, seconds since 1970.
    pub modified: Option<i64>,
    /// What its bytes are compared with.
    pub proof: Proof,
}

impl Store {
    /// What S3 knows of an object, or of a version of it; none when it is not there.
    pub async fn describe(
        &self,
        key: &Key,
        version: Option<&str>,
    ) -> anyhow::Result<Option<Described>> {
        let described = self
            .attempts(Operation::HeadObject, key.as_str(), || async {
                let request = self.client.head_object().bucket(self.access.bucket.as_str());
                let request = request.key(key.as_str()).set_version_id(version.map(str::to_owned));
                // A server whose checksums are not to be relied upon is not asked for them.
                let asks = self.access.checksum != Checksum::None;
                let request = request.set_checksum_mode(asks.then_some(ChecksumMode::Enabled));
                let answer = match request.send().await.map_err(failure::of) {
                    Ok(answer) => answer,
                    Err(failure) if failure.is_not_s3() => {
                        return Err(self.doubt(key, failure).await);
                    }
                    Err(failure) => return Err(failure),
                };
                let etag = ETag::of(answer.e_tag.clone());
                let etag = etag.ok_or_else(|| Failure::no_result("an ETag"))?;
                // With keys of one's own, or of KMS, the tag is no MD5.
                let is_plain = matches!(
                    answer.server_side_encryption,
                    None | Some(ServerSideEncryption::Aes256)
                ) && answer.sse_customer_algorithm.is_none();
                let facts = Facts {
                    size: answer.content_length.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
                    etag,
                    metadata: answer.metadata.unwrap_or_default(),
                    content_type: answer.content_type,
                    cache_control: answer.cache_control,
                    content_disposition: answer.content_disposition,
                };
                let sums = match answer.checksum_type {
                    Some(ChecksumType::Composite) => Vec::new(),
                    _ => vec![
                        (ChecksumAlgorithm::Crc64Nvme, answer.checksum_crc64_nvme),
                        (ChecksumAlgorithm::Crc32c, answer.checksum_crc32_c),
                        (ChecksumAlgorithm::Crc32, answer.checksum_crc32),
                        (ChecksumAlgorithm::Sha256, answer.checksum_sha256),
                        (ChecksumAlgorithm::Sha1, answer.checksum_sha1),
                    ],
                };
                let proof = Proof::best(sums, facts.sha256(), &facts.etag.0, asks && is_plain);
                let modified = answer.last_modified.map(|time| time.secs());
                Ok(Described { facts, version: answer.version_id, modified, proof })
            })
            .await;
        self.optional(described, Operation::HeadObject, key.as_str())
    }

    /// Reads some bytes of what was described, or all; an error when the object has changed.
    pub async fn read(
        &self,
        key: &Key,
        of: &Described,
        version: Option<&str>,
        span: Option<Span>,
    ) -> anyhow::Result<Bytes> {
        let length = span.map_or(of.facts.size, |span| span.length);
        self.attempts(Operation::GetObject, key.as_str(), || async {
            let request = self.client.get_object().bucket(self.access.bucket.as_str());
            let request = request.key(key.as_str()).set_version_id(version.map(str::to_owned));
            let request = request.set_range(span.map(Span::header));
            let answer = request.if_match(&of.facts.etag.0).send().await.map_err(failure::of)?;
            // A server that does not know the condition may answer with another object by now.
            if ETag::of(answer.e_tag).as_ref() != Some(&of.facts.etag) {
                return Err(Failure::changed());
            }
            let coming = answer.content_length.and_then(|n| u64::try_from(n).ok());
            if coming.is_some_and(|coming| coming != length) {
                // Said before the body is read: it may be of any length.
                let coming = coming.unwrap_or(0);
                return Err(Failure::transient(format!(
                    "the answer has {coming} bytes instead of {length}"
                )));
            }
            let mut body = answer.body;
            let mut buffer = self.buffers.take(usize::try_from(length).unwrap_or(0));
            while let Some(chunk) = chunk(&mut body).await? {
                buffer.extend_from_slice(&chunk);
            }
            whole(buffer.freeze(), Some(length))
        })
        .await
        .map_err(|e| self.explain(e, Operation::GetObject, key.as_str()))
    }

    /// The tags of an object, or of a version of it.
    pub async fn tags(
        &self,
        key: &Key,
        version: Option<&str>,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let answer = self
            .attempts(Operation::GetObjectTagging, key.as_str(), || async {
                let request = self.client.get_object_tagging().bucket(self.access.bucket.as_str());
                let request = request.key(key.as_str()).set_version_id(version.map(str::to_owned));
                request.send().await.map_err(failure::of)
            })
            .await
            .map_err(|e| self.explain(e, Operation::GetObjectTagging, key.as_str()))?;
        Ok(answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }
}
