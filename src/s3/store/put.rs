//! PutObject.

use super::checksum::Known;
use super::evidence::{NoPages, proven};
use super::headers::{metadata, tagging};
use super::object::Quotes;
use super::signing::PrecomputedPayload;
use super::{Condition, Failure, Kind, Operation, Store, WHOLE, Written, failure};
use crate::input::access::ChecksumAlgorithm;
use crate::machine::report::size;
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::names::Key;
use crate::words::object::{ObjectOptions, Own};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use std::sync::atomic::Ordering::Relaxed;

impl Store {
    /// Writes a small JSON object of this resource's own.
    pub async fn put_own(
        &self,
        key: &Key,
        bytes: impl Into<Bytes>,
        condition: &Condition,
        own: &Own,
    ) -> anyhow::Result<Written> {
        let bytes = bytes.into();
        if bytes.len() as u64 > WHOLE {
            let (of, most) = (size(bytes.len() as u64), size(WHOLE));
            return Err(fault(
                format!(
                    "{}: {of} of JSON, and no reader takes more than {most}",
                    self.uri(key.as_str())
                ),
                "publish fewer files, or with shorter names",
            ));
        }
        let sha256 = Sha256::of(&bytes);
        self.put(key, bytes, sha256, condition, &own.options()).await
    }

    /// Writes an object in one piece. `sha256` is of the bytes: it signs the request and, unless
    /// checksums are off, the server checks what arrived against it.
    pub async fn put(
        &self,
        key: &Key,
        bytes: Bytes,
        sha256: Sha256,
        condition: &Condition,
        options: &ObjectOptions,
    ) -> anyhow::Result<Written> {
        self.put_version(key, bytes, sha256, condition, options).await.map(|(written, _)| written)
    }

    /// As [`Store::put`]; answers the version's id, too, where the bucket keeps versions.
    pub async fn put_version(
        &self,
        key: &Key,
        bytes: Bytes,
        sha256: Sha256,
        condition: &Condition,
        options: &ObjectOptions,
    ) -> anyhow::Result<(Written, Option<String>)> {
        if !self.conditional
            && matches!(condition, Condition::Absent)
            && self.head(key).await?.is_some()
        {
            return Ok((Written::Refused, None));
        }
        let sent = self.put_if(key, &bytes, sha256, condition, options).await;
        let refused = matches!(&sent, Err(failure) if failure.kind == Kind::Refused);
        if refused
            && let Condition::Unchanged(etag) = condition
            && !self.bare_tags.load(Relaxed)
            && self.head_if_allowed(key).await?.is_some_and(|facts| facts.etag == *etag)
        {
            // Refused though nothing changed: this server may know tags without quotes only.
            self.bare_tags.store(true, Relaxed);
            let again = self.put_if(key, &bytes, sha256, condition, options).await;
            self.bare_tags.store(again.is_ok(), Relaxed);
            return self.with_version(again, key);
        }
        self.with_version(sent, key)
    }

    /// What became of a write, and the version that it made.
    fn with_version(
        &self,
        sent: Result<Option<String>, Failure>,
        key: &Key,
    ) -> anyhow::Result<(Written, Option<String>)> {
        let version = sent.as_ref().ok().cloned().flatten();
        Ok((self.written(sent.map(drop), Operation::PutObject, key)?, version))
    }

    async fn put_if(
        &self,
        key: &Key,
        bytes: &Bytes,
        sha256: Sha256,
        condition: &Condition,
        options: &ObjectOptions,
    ) -> Result<Option<String>, Failure> {
        let quotes = if self.bare_tags.load(Relaxed) { Quotes::Left } else { Quotes::Kept };
        let signing = PrecomputedPayload(sha256.hex());
        let checksum = self.checksum_of(bytes, &Known::Sha256(sha256));
        self.attempts(Operation::PutObject, key.as_str(), || async {
            let mut request = self
                .client
                .put_object()
                .bucket(self.access.bucket.as_str())
                .key(key.as_str())
                .body(ByteStream::from(bytes.clone()))
                .set_acl(options.acl.as_deref().map(Into::into))
                .set_content_type(options.content_type.clone())
                .set_cache_control(options.cache_control.clone())
                .set_content_disposition(options.content_disposition.clone())
                .set_storage_class(options.storage_class.as_deref().map(Into::into))
                .set_tagging(tagging(options))
                .set_metadata(metadata(options));
            if self.conditional {
                request = match condition {
                    Condition::None => request,
                    Condition::Absent => request.if_none_match("*"),
                    Condition::Unchanged(etag) => request.if_match(etag.as_condition(quotes)),
                };
            }
            if let Some(encryption) = &self.access.encryption {
                request = request
                    .server_side_encryption(encryption.algorithm.as_str().into())
                    .set_ssekms_key_id(encryption.kms_key_id.clone());
            }
            if let Some((algorithm, value)) = &checksum {
                request = match algorithm {
                    ChecksumAlgorithm::Crc32 => request.checksum_crc32(value),
                    ChecksumAlgorithm::Crc32c => request.checksum_crc32_c(value),
                    ChecksumAlgorithm::Crc64Nvme => request.checksum_crc64_nvme(value),
                    ChecksumAlgorithm::Sha1 => request.checksum_sha1(value),
                    ChecksumAlgorithm::Sha256 => request.checksum_sha256(value),
                };
            }
            let request = request.customize().interceptor(signing.clone());
            let answer = request.interceptor(NoPages).send().await.map_err(failure::of)?;
            proven(answer.e_tag).map(|()| answer.version_id)
        })
        .await
    }
}
