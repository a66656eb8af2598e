//! One bucket: every request to S3 goes through here, and is retried, announced and explained here.
//!
//! The SDK's own retries are off: this file's cover bodies that break while they are read as well,
//! and say what they do. A conditional write that was retried may find its own first attempt;
//! callers therefore compare what stands with what they wrote before they call it lost.

mod body;
mod failure;
mod listing;
mod multipart;
mod siblings;

pub use body::Buffers;
pub use failure::{Failure, Kind};
pub use listing::Listed;
pub use multipart::{Part, Upload};

use body::{checksum, chunk, collect, whole};

use crate::input::access::{Access, Checksum, ChecksumAlgorithm};
use crate::machine::report::Report;
use crate::words::digest::{Sha256, hex};
use crate::words::names::{Bucket, Key};
use crate::words::object::ObjectOptions;
use crate::words::span::Span;
use aws_runtime::auth::PayloadSigningOverride;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, ConfigBag, Intercept, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, RuntimeComponents, StalledStreamProtectionConfig,
};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const ATTEMPTS: u32 = 8;
const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(8);

/// How large things may be before they travel in parts.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bodies above this go up in parts, and down in ranges.
    pub single: u64,
    /// The least size of a part; larger where 10,000 parts, S3's limit, would not do.
    pub part: u64,
    /// Copies above this go by parts: S3 refuses to copy more than 5 GiB at once.
    pub copy: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { single: 16 << 20, part: 8 << 20, copy: 5 << 30 }
    }
}

impl Limits {
    /// The size of the parts of a body.
    pub fn part_of(&self, size: u64) -> u64 {
        self.part.max(size.div_ceil(10_000))
    }
}

/// A bucket, and how to reach it.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    access: Access,
    conditional: bool,
    /// How large things may be before they travel in parts.
    pub limits: Limits,
    report: Arc<Report>,
    uploads: Arc<multipart::Uploads>,
    /// For the parts of large bodies.
    pub buffers: Arc<Buffers>,
}

/// On what a write depends.
#[derive(Debug, Clone)]
pub enum Condition {
    /// Nothing: whatever stands there is replaced.
    None,
    /// Nothing stands there (`If-None-Match: *`).
    Absent,
    /// What was read there still stands (`If-Match`).
    Unchanged(ETag),
}

/// The tag of an object's bytes, as the server wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is there.
    Yes,
    /// The condition did not hold: something else is there.
    Refused,
}

/// User metadata, in the type that the client takes.
fn metadata(options: &ObjectOptions) -> Option<HashMap<String, String>> {
    (!options.metadata.is_empty()).then(|| options.metadata.clone().into_iter().collect())
}

/// The tags as a query string, which is how S3 takes them in a header.
fn tagging(options: &ObjectOptions) -> Option<String> {
    let encode = |text: &str| percent_encoding::utf8_percent_encode(text, UNRESERVED).to_string();
    let pairs: Vec<_> =
        options.tags.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v))).collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

const UNRESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An object that was read whole.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its bytes.
    pub bytes: Bytes,
    /// Their tag.
    pub etag: ETag,
    /// User metadata.
    pub metadata: HashMap<String, String>,
}

/// What S3 knows of an object.
#[derive(Debug, Clone)]
pub struct Facts {
    /// In bytes.
    pub size: u64,
    /// The tag of its bytes.
    pub etag: ETag,
    /// User metadata.
    pub metadata: HashMap<String, String>,
    /// The media type.
    pub content_type: Option<String>,
    /// How long it may be kept by caches.
    pub cache_control: Option<String>,
    /// What a browser does with it.
    pub content_disposition: Option<String>,
}

impl Facts {
    /// The SHA-256 that its uploader recorded in `package-hash`, as s3-asset-manager does too.
    pub fn sha256(&self) -> Option<Sha256> {
        self.metadata.get("package-hash").and_then(|text| Sha256::from_base64(text))
    }
}

impl Store {
    /// A client for a source; asks nothing of the network yet.
    pub async fn open(access: &Access, report: Arc<Report>) -> Store {
        if let crate::input::access::Identity::Key { secret, token, .. } = &access.identity {
            report.hide(secret);
            token.iter().for_each(|token| report.hide(token));
        }
        Store {
            client: client(access).await,
            access: access.clone(),
            conditional: access.conditional_writes,
            limits: Limits::default(),
            report,
            uploads: Arc::default(),
            buffers: Arc::default(),
        }
    }

    /// The bucket.
    pub fn bucket(&self) -> &Bucket {
        &self.access.bucket
    }

    /// Where people are told.
    pub fn report(&self) -> &Arc<Report> {
        &self.report
    }

    /// Whether writes may carry conditions.
    pub fn is_conditional(&self) -> bool {
        self.conditional
    }

    /// Whether a body of this size goes up in one piece.
    pub fn is_single(&self, size: u64) -> bool {
        !self.access.multipart || size <= self.limits.single
    }

    /// The size of the parts in which a body goes up: its own, when it goes in one piece.
    pub fn part_of(&self, size: u64) -> u64 {
        if self.is_single(size) { size } else { self.limits.part_of(size) }
    }

    /// `s3://bucket/key`.
    pub fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.access.bucket)
    }

    /// The URL of an object, without anything that signs it.
    pub fn url(&self, key: &Key) -> String {
        format!("{}{}", self.access.url(), path(key))
    }

    /// Reads a whole object that is small; none when it is not there.
    pub async fn get(&self, key: &Key) -> anyhow::Result<Option<Fetched>> {
        self.optional(self.fetch(key).await, "GetObject", key.as_str())
    }

    async fn fetch(&self, key: &Key) -> Result<Fetched, Failure> {
        self.attempts("GetObject", key.as_str(), || async {
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
        self.attempts("GetObject", key.as_str(), || async {
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
        .map_err(|e| self.explain(e, "GetObject", key.as_str()))
    }

    /// Reads some bytes of an object; an error when its tag is another than `etag`: so ranges read
    /// one after the other are of the same bytes.
    pub async fn get_span(&self, key: &Key, span: Span, etag: &ETag) -> anyhow::Result<Bytes> {
        self.attempts("GetObject", key.as_str(), || async {
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
        .map_err(|e| self.explain(e, "GetObject", key.as_str()))
    }

    /// What S3 knows of an object; none when it is not there.
    pub async fn head(&self, key: &Key) -> anyhow::Result<Option<Facts>> {
        self.optional(self.facts(key).await, "HeadObject", key.as_str())
    }

    async fn facts(&self, key: &Key) -> Result<Facts, Failure> {
        self.attempts("HeadObject", key.as_str(), || async {
            let request =
                self.client.head_object().bucket(self.access.bucket.as_str()).key(key.as_str());
            let answer = request.send().await.map_err(failure::of)?;
            Ok(Facts {
                size: answer.content_length.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
                etag: ETag(answer.e_tag.unwrap_or_default()),
                metadata: answer.metadata.unwrap_or_default(),
                content_type: answer.content_type,
                cache_control: answer.cache_control,
                content_disposition: answer.content_disposition,
            })
        })
        .await
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
        if !self.conditional
            && matches!(condition, Condition::Absent)
            && self.head(key).await?.is_some()
        {
            return Ok(Written::Refused);
        }
        let signing = PrecomputedPayload(sha256.hex());
        let checksum = self.checksum_of(&bytes, Some(sha256));
        let sent = self
            .attempts("PutObject", key.as_str(), || async {
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
                        Condition::Unchanged(etag) => request.if_match(&etag.0),
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
                request
                    .customize()
                    .interceptor(signing.clone())
                    .send()
                    .await
                    .map_err(failure::of)?;
                Ok(())
            })
            .await;
        self.written(sent, "PutObject", key)
    }

    /// Copies an object inside the bucket, by parts where it is too large for one request. An
    /// error when the source's tag is another than `etag`.
    pub async fn copy(
        &self,
        from: &Key,
        facts: &Facts,
        to: &Key,
        options: &ObjectOptions,
    ) -> anyhow::Result<()> {
        if facts.size > self.limits.copy && self.access.multipart {
            return self.copy_parts(from, facts, to, options).await;
        }
        self.attempts("CopyObject", to.as_str(), || async {
            let mut request = self
                .client
                .copy_object()
                .bucket(self.access.bucket.as_str())
                .key(to.as_str())
                .copy_source(self.copy_source(from))
                .copy_source_if_match(&facts.etag.0)
                .metadata_directive(aws_sdk_s3::types::MetadataDirective::Replace)
                .set_acl(options.acl.as_deref().map(Into::into))
                .set_content_type(options.content_type.clone())
                .set_cache_control(options.cache_control.clone())
                .set_content_disposition(options.content_disposition.clone())
                .set_storage_class(options.storage_class.as_deref().map(Into::into))
                .set_metadata(metadata(options));
            if let Some(tagging) = tagging(options) {
                request = request
                    .tagging(tagging)
                    .tagging_directive(aws_sdk_s3::types::TaggingDirective::Replace);
            }
            if let Some(encryption) = &self.access.encryption {
                request = request
                    .server_side_encryption(encryption.algorithm.as_str().into())
                    .set_ssekms_key_id(encryption.kms_key_id.clone());
            }
            request.send().await.map(drop).map_err(failure::of)
        })
        .await
        .map_err(|e| self.explain(e, "CopyObject", to.as_str()))
    }

    fn copy_source(&self, from: &Key) -> String {
        format!("{}/{}", self.access.bucket, path(from))
    }

    /// The checksum header of a body; `sha256` where it is known.
    fn checksum_of(
        &self,
        bytes: &[u8],
        sha256: Option<Sha256>,
    ) -> Option<(ChecksumAlgorithm, String)> {
        let algorithm = match (self.access.checksum, sha256) {
            (Checksum::None, _) => return None,
            (Checksum::Default, Some(_)) => ChecksumAlgorithm::Sha256,
            (Checksum::Default, None) => ChecksumAlgorithm::Crc64Nvme,
            (Checksum::Always(algorithm), _) => algorithm,
        };
        let value = match (algorithm, sha256) {
            (ChecksumAlgorithm::Sha256, Some(sha256)) => sha256.base64(),
            _ => base64_simd::STANDARD.encode_to_string(checksum(algorithm, bytes)),
        };
        Some((algorithm, value))
    }

    /// Sends a request until it succeeds, fails for good, or has failed too often.
    async fn attempts<T, F, Fut>(
        &self,
        operation: &str,
        key: &str,
        mut send: F,
    ) -> Result<T, Failure>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        let mut attempt = 1;
        loop {
            let failure = match send().await {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            if failure.kind != Kind::Transient || attempt >= ATTEMPTS {
                return Err(failure);
            }
            let delay = (FIRST_DELAY * 2u32.pow(attempt - 1)).min(LONGEST_DELAY);
            let delay = delay.mul_f64(0.5 + fastrand::f64() / 2.0);
            attempt += 1;
            self.report.warn(format!(
                "{operation} {key}: {}; trying again in {:.1} s ({attempt} of {ATTEMPTS})",
                failure.summary(),
                delay.as_secs_f64(),
            ));
            tokio::time::sleep(delay).await;
        }
    }

    fn optional<T>(
        &self,
        result: Result<T, Failure>,
        operation: &str,
        key: &str,
    ) -> anyhow::Result<Option<T>> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.kind == Kind::Missing => Ok(None),
            Err(failure) => Err(self.explain(failure, operation, key)),
        }
    }

    fn written(
        &self,
        result: Result<(), Failure>,
        operation: &str,
        key: &Key,
    ) -> anyhow::Result<Written> {
        match result {
            Ok(()) => Ok(Written::Yes),
            Err(failure) if failure.kind == Kind::Refused => Ok(Written::Refused),
            Err(failure) => Err(self.explain(failure, operation, key.as_str())),
        }
    }

    fn explain(&self, failure: Failure, operation: &str, key: &str) -> anyhow::Error {
        failure.explain(
            operation,
            &self.access.bucket,
            key,
            &self.access.region,
            self.access.endpoint.as_deref(),
        )
    }
}

/// A key as the path of a URL.
fn path(key: &Key) -> percent_encoding::PercentEncode<'_> {
    const PATH: &percent_encoding::AsciiSet = &UNRESERVED.remove(b'/');
    percent_encoding::utf8_percent_encode(key.as_str(), PATH)
}

async fn client(access: &Access) -> Client {
    let http = crate::s3::http::client(&access.trust);
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(access.region.clone()))
        .force_path_style(access.path_style)
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // Checksums travel in headers made beforehand: trailers need a chunked encoding that many
        // servers refuse, or keep as the object's own.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    config.set_endpoint_url(access.endpoint.clone());
    config = match crate::s3::credentials::provider(access, &http).await {
        Some(provider) => config.credentials_provider(provider),
        None => config.allow_no_auth(),
    };
    Client::from_conf(config.http_client(http).build())
}

/// Signs a request with the hash of its body that is known already.
#[derive(Debug, Clone)]
struct PrecomputedPayload(String);

impl Intercept for PrecomputedPayload {
    fn name(&self) -> &'static str {
        "PrecomputedPayload"
    }

    fn modify_before_signing(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), aws_sdk_s3::error::BoxError> {
        config.interceptor_state().store_put(PayloadSigningOverride::Precomputed(self.0.clone()));
        Ok(())
    }
}

/// An id that no other history or upload has.
pub fn unique_id() -> String {
    hex(&fastrand::u128(..).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn no_body_has_more_than_10_000_parts() {
        let limits = Limits::default();
        for size in [1u64, 1 << 30, 80 << 30, 5 << 40] {
            assert!(size.div_ceil(limits.part_of(size)) <= 10_000);
        }
    }

    #[test]
    fn tags_are_a_query() {
        let mut options = ObjectOptions::default();
        assert_eq!(tagging(&options), None);
        options.tags = BTreeMap::from([("a b".into(), "c&d".into()), ("e".into(), String::new())]);
        assert_eq!(tagging(&options).as_deref(), Some("a%20b=c%26d&e="));
    }
}
