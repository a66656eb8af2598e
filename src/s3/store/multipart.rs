//! Large bodies in parts, and no part left behind.
//!
//! Invariant: every multipart upload that this process began and has not completed, in whichever
//! bucket, is in [`Uploads`], from before the request that begins it is answered: so a put that fails or is told
//! to stop aborts all of them.

use super::checksum::Known;
use super::evidence::{NoPages, proven};
use super::{Failure, Kind, Operation, Store, failure};
use crate::input::access::{Checksum, ChecksumAlgorithm};
use crate::words::names::{Bucket, Key};
use crate::words::object::{ObjectOptions, PACKAGE_HASH, UserMetadata};
use crate::words::span::Span;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures_util::stream::{StreamExt as _, TryStreamExt as _};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Enough for a create that is under way to be answered, short enough for Concourse's patience.
const SETTLE: Duration = Duration::from_millis(1500);
/// Of one object.
const COPIES_AT_ONCE: usize = 8;

/// The uploads that are not complete.
#[derive(Debug, Default)]
pub(super) struct Uploads(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    open: HashMap<String, (Bucket, Key)>,
    beginning: usize,
}

impl Uploads {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A multipart upload under way.
#[derive(Debug, Clone)]
pub struct Upload {
    bucket: Bucket,
    key: Key,
    id: String,
    /// The user metadata that the object will have.
    metadata: UserMetadata,
}

/// A part that is there, and its size.
#[derive(Debug, Clone)]
pub struct Part(CompletedPart, u64);

impl Store {
    /// Begins an upload in parts.
    pub async fn begin(&self, key: &Key, options: &ObjectOptions) -> anyhow::Result<Upload> {
        let mut request = self
            .client
            .create_multipart_upload()
            .bucket(self.access.bucket.as_str())
            .key(key.as_str())
            .set_acl(options.acl.as_deref().map(Into::into))
            .set_content_type(options.content_type.clone())
            .set_cache_control(options.cache_control.clone())
            .set_content_disposition(options.content_disposition.clone())
            .set_storage_class(options.storage_class.as_deref().map(Into::into))
            .set_tagging(super::headers::tagging(options))
            .set_metadata(super::headers::metadata(options))
            .set_checksum_algorithm(self.part_checksum().map(|(_, name)| name.into()));
        if let Some(encryption) = &self.access.encryption {
            request = request
                .server_side_encryption(encryption.algorithm.as_str().into())
                .set_ssekms_key_id(encryption.kms_key_id.clone());
        }
        let created = self
            .attempts(Operation::CreateMultipartUpload, key.as_str(), || {
                // In a task of its own: when the put is told to stop while this is under way, the
                // answer still arrives and the upload can be aborted.
                let (request, uploads) = (request.clone(), self.uploads.clone());
                let place = (self.access.bucket.clone(), key.clone());
                uploads.lock().beginning += 1;
                let task = tokio::spawn(async move {
                    let request = request.customize().interceptor(NoPages);
                    let answer = request.send().await.map_err(failure::of);
                    let mut state = uploads.lock();
                    state.beginning -= 1;
                    let id = answer?.upload_id.filter(|id| !id.is_empty());
                    let id = id.ok_or_else(|| Failure::no_result("the upload's id"))?;
                    state.open.insert(id.clone(), place);
                    Ok(id)
                });
                async { task.await.unwrap_or_else(|e| Err(Failure::transient(e.to_string()))) }
            })
            .await;
        let id =
            created.map_err(|e| self.explain(e, Operation::CreateMultipartUpload, key.as_str()))?;
        let (bucket, metadata) = (self.access.bucket.clone(), options.metadata.clone());
        Ok(Upload { bucket, key: key.clone(), id, metadata })
    }

    /// Sends a part; `number` counts from 1, `crc64` is of the bytes, where it is known.
    pub async fn put_part(
        &self,
        upload: &Upload,
        number: i32,
        bytes: Bytes,
        crc64: Option<[u8; 8]>,
    ) -> anyhow::Result<Part> {
        let checksum = self.checksum_of(&bytes, &crc64.map_or(Known::Nothing, Known::Crc64Nvme));
        let value =
            |algorithm| checksum.as_ref().filter(|(a, _)| *a == algorithm).map(|(_, v)| v.clone());
        let crc32 = value(ChecksumAlgorithm::Crc32);
        let crc32c = value(ChecksumAlgorithm::Crc32c);
        let crc64 = value(ChecksumAlgorithm::Crc64Nvme);
        let sha1 = value(ChecksumAlgorithm::Sha1);
        let sha256 = value(ChecksumAlgorithm::Sha256);
        let etag = self
            .attempts(Operation::UploadPart, upload.key.as_str(), || async {
                let request = self
                    .client
                    .upload_part()
                    .bucket(self.access.bucket.as_str())
                    .key(upload.key.as_str())
                    .upload_id(&upload.id)
                    .part_number(number)
                    .body(ByteStream::from(bytes.clone()))
                    .set_checksum_crc32(crc32.clone())
                    .set_checksum_crc32_c(crc32c.clone())
                    .set_checksum_crc64_nvme(crc64.clone())
                    .set_checksum_sha1(sha1.clone())
                    .set_checksum_sha256(sha256.clone());
                let request = request.customize().interceptor(NoPages);
                // A checksum guards the bytes; hashing them once more to sign would only cost. Where
                // there is none, the signature must.
                let answer = match checksum {
                    Some(_) => request.disable_payload_signing().send().await,
                    None => request.send().await,
                };
                let etag = answer.map_err(failure::of)?.e_tag;
                proven(etag.clone()).map(|()| etag)
            })
            .await
            .map_err(|e| self.explain(e, Operation::UploadPart, upload.key.as_str()))?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(etag)
            .set_checksum_crc32(crc32)
            .set_checksum_crc32_c(crc32c)
            .set_checksum_crc64_nvme(crc64)
            .set_checksum_sha1(sha1)
            .set_checksum_sha256(sha256);
        Ok(Part(part.build(), bytes.len() as u64))
    }

    /// Makes the object of its parts. Whatever stands under the key is replaced: see [`crate::sealing::set`]
    /// for why no decision may hang on this.
    pub async fn complete(&self, upload: &Upload, parts: Vec<Part>) -> anyhow::Result<()> {
        self.complete_version(upload, parts).await.map(drop)
    }

    /// As [`Store::complete`]; answers the version's id where the bucket keeps versions.
    pub async fn complete_version(
        &self,
        upload: &Upload,
        mut parts: Vec<Part>,
    ) -> anyhow::Result<Option<String>> {
        parts.sort_by_key(|part| part.0.part_number);
        let (size, count) = (parts.iter().map(|part| part.1).sum(), parts.len());
        let parts = parts.into_iter().map(|part| part.0).collect();
        let whole = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let mut repeated = false;
        let completed = self
            .attempts(Operation::CompleteMultipartUpload, upload.key.as_str(), || {
                let again = std::mem::replace(&mut repeated, true);
                let request = self
                    .client
                    .complete_multipart_upload()
                    .bucket(self.access.bucket.as_str())
                    .key(upload.key.as_str())
                    .upload_id(&upload.id)
                    .multipart_upload(whole.clone());
                async move {
                    let request = request.customize().interceptor(NoPages);
                    match request.send().await.map_err(failure::of) {
                        Ok(done) => proven(done.e_tag).map(|()| done.version_id),
                        // Ceph says 500 of an upload that is gone.
                        Err(e) if e.is_no_such_upload() || again && e.kind == Kind::Transient => {
                            self.completed_before(upload, size, count, e).await.map(|()| None)
                        }
                        Err(e) => Err(e),
                    }
                }
            })
            .await;
        let version = completed.map_err(|e| {
            self.explain(e, Operation::CompleteMultipartUpload, upload.key.as_str())
        })?;
        self.uploads.lock().open.remove(&upload.id);
        Ok(version)
    }

    /// Whether an upload that is gone was completed: by an attempt whose answer was lost, or by a
    /// request that the network sent twice. Then the object stands there, with its size and metadata, and
    /// with the hash of its bytes or a tag of as many parts.
    async fn completed_before(
        &self,
        upload: &Upload,
        size: u64,
        count: usize,
        gone: Failure,
    ) -> Result<(), Failure> {
        let head =
            self.client.head_object().bucket(upload.bucket.as_str()).key(upload.key.as_str());
        match head.send().await.map_err(failure::of) {
            Ok(stands) => {
                let metadata = stands.metadata.unwrap_or_default();
                let ours =
                    upload.metadata.iter().all(|(name, value)| metadata.get(name) == Some(value));
                let tag = stands.e_tag.unwrap_or_default();
                let named = upload.metadata.contains_key(PACKAGE_HASH)
                    || tag.trim_matches('"').ends_with(&format!("-{count}"));
                let whole = stands.content_length == i64::try_from(size).ok() && ours && named;
                if whole { Ok(()) } else { Err(gone) }
            }
            Err(e) if e.kind == Kind::Transient => Err(e),
            Err(_) => Err(gone),
        }
    }

    /// Gives an upload up and frees its parts. A failure is told and goes no further: it must not
    /// hide why the upload was given up.
    pub async fn abort(&self, upload: &Upload) {
        if self.uploads.lock().open.remove(&upload.id).is_none() {
            return;
        }
        let request = self.client.abort_multipart_upload().bucket(upload.bucket.as_str());
        let request = request.key(upload.key.as_str()).upload_id(&upload.id);
        if let Err(e) = request.send().await.map_err(failure::of) {
            self.report.warn(format!(
                "the upload of s3://{}/{} was not aborted ({}); a lifecycle rule for incomplete multipart uploads removes its parts",
                upload.bucket,
                upload.key,
                e.summary(),
            ));
        }
    }

    /// Gives up every upload that is not complete, in this bucket and its siblings.
    pub async fn abort_all(&self) {
        let settled = async {
            while self.uploads.lock().beginning > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(SETTLE, settled).await;
        let open: Vec<_> = self
            .uploads
            .lock()
            .open
            .iter()
            .map(|(id, (bucket, key))| {
                let (bucket, key) = (bucket.clone(), key.clone());
                Upload { bucket, key, id: id.clone(), metadata: UserMetadata::new() }
            })
            .collect();
        futures_util::future::join_all(open.iter().map(|upload| self.abort(upload))).await;
    }

    /// Copies an object that is too large for one request, or slow in one. False: the server knows no
    /// copies of parts, and nothing was done.
    pub(super) async fn copy_parts(
        &self,
        from: &Key,
        facts: &super::Facts,
        to: &Key,
        options: &ObjectOptions,
    ) -> anyhow::Result<bool> {
        let upload = self.begin(to, options).await?;
        let part = self.limits.copy_part_of(facts.size);
        let copies = futures_util::stream::iter(Span::cover(facts.size, part).zip(1..))
            .map(|(span, number)| self.copy_part(from, &facts.etag, &upload, span, number))
            .buffer_unordered(COPIES_AT_ONCE)
            .try_collect::<Vec<_>>()
            .await;
        let done = match copies {
            Ok(parts) => self.complete(&upload, parts).await.map(|()| true),
            Err(e) if e.is_unknown_here() && facts.size <= super::limits::ONE_COPY => Ok(false),
            Err(e) => Err(self.explain(e, Operation::UploadPartCopy, to.as_str())),
        };
        if !matches!(done, Ok(true)) {
            self.abort(&upload).await;
        }
        done
    }

    async fn copy_part(
        &self,
        from: &Key,
        etag: &super::ETag,
        upload: &Upload,
        span: Span,
        number: i32,
    ) -> Result<Part, Failure> {
        let result = self
            .attempts(Operation::UploadPartCopy, upload.key.as_str(), || async {
                let request = self
                    .client
                    .upload_part_copy()
                    .bucket(self.access.bucket.as_str())
                    .key(upload.key.as_str())
                    .upload_id(&upload.id)
                    .part_number(number)
                    .copy_source(self.copy_source(from))
                    .copy_source_range(span.header())
                    .copy_source_if_match(&etag.0);
                let request = request.customize().interceptor(NoPages);
                let answer = request.send().await.map_err(failure::of)?;
                let result = answer.copy_part_result;
                let result = result.ok_or_else(|| Failure::no_result("the result of the copy"))?;
                proven(result.e_tag.clone()).map(|()| result)
            })
            .await?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(result.e_tag)
            .set_checksum_crc32(result.checksum_crc32)
            .set_checksum_crc32_c(result.checksum_crc32_c)
            .set_checksum_crc64_nvme(result.checksum_crc64_nvme)
            .set_checksum_sha1(result.checksum_sha1)
            .set_checksum_sha256(result.checksum_sha256);
        Ok(Part(part.build(), span.length))
    }

    fn part_checksum(&self) -> Option<(ChecksumAlgorithm, &'static str)> {
        let algorithm = match self.access.checksum() {
            Checksum::None => return None,
            Checksum::Default => ChecksumAlgorithm::Crc64Nvme,
            Checksum::Always(algorithm) => algorithm,
        };
        Some((algorithm, algorithm.name()))
    }
}
