//! Reads: get and head, which answer the same but for the body.

use std::ops::Range as Bytes;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode};
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::{Service, attributes};
use crate::chunks;
use crate::object::Object;
use crate::text;

/// Which part of an object a read gets.
struct Window {
    bytes: Bytes<u64>,
    /// Whether the request asked for a part.
    partial: bool,
    parts: Option<i32>,
}

/// What get and head share.
struct Found {
    object: Arc<Object>,
    window: Window,
    headers: HeaderMap,
}

impl Service {
    pub(super) async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let S3Request { input, headers, .. } = request;
        let version = input.version_id.as_deref();
        let object = self.read(&input.bucket, &input.key, version, &headers)?;
        let mut found = answer(object, input.range, input.part_number, &headers)?;
        let overridden = [
            ("content-type", input.response_content_type.is_some()),
            ("content-language", input.response_content_language.is_some()),
            ("expires", input.response_expires.is_some()),
            ("cache-control", input.response_cache_control.is_some()),
            ("content-disposition", input.response_content_disposition.is_some()),
            ("content-encoding", input.response_content_encoding.is_some()),
        ];
        for (name, _) in overridden.into_iter().filter(|(_, overridden)| *overridden) {
            found.headers.remove(name);
        }
        let chunks = found.object.content.slice(found.window.bytes.clone());
        let body = StreamingBlob::from(chunks::body(chunks));
        let output = GetObjectOutput {
            body: Some(body),
            content_length: i64::try_from(length(&found.window)).ok(),
            content_range: content_range(&found),
            metadata: metadata(&found.object),
            parts_count: found.window.parts,
            ..Default::default()
        };
        Ok(S3Response::with_headers(output, found.headers))
    }

    pub(super) async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let S3Request { input, headers, .. } = request;
        let version = input.version_id.as_deref();
        let object = self.read(&input.bucket, &input.key, version, &headers)?;
        let found = answer(object, input.range, input.part_number, &headers)?;
        let output = HeadObjectOutput {
            content_length: i64::try_from(length(&found.window)).ok(),
            content_range: content_range(&found),
            metadata: metadata(&found.object),
            parts_count: found.window.parts,
            ..Default::default()
        };
        let mut response = S3Response::with_headers(output, found.headers);
        if found.window.partial {
            response.status = Some(StatusCode::PARTIAL_CONTENT);
        }
        Ok(response)
    }

    fn read(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        headers: &HeaderMap,
    ) -> S3Result<Arc<Object>> {
        let object = Arc::clone(self.state().find(bucket, key, version)?);
        let customer_key = text::header(headers, attributes::SSE_CUSTOMER_KEY_MD5);
        if object.attributes.sse_customer_key_md5.as_deref() != customer_key {
            return Err(s3_error!(
                InvalidRequest,
                "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."
            ));
        }
        self.conditions(headers).allow_read(&object).map_err(|error| with_etag(error, &object))?;
        Ok(object)
    }
}

fn answer(
    object: Arc<Object>,
    range: Option<Range>,
    part: Option<i32>,
    headers: &HeaderMap,
) -> S3Result<Found> {
    let window = window(&object, range, part)?;
    let wants_checksums = text::header(headers, "x-amz-checksum-mode")
        .is_some_and(|mode| mode.eq_ignore_ascii_case("ENABLED"));
    // S3 leaves out what describes other bytes than those it sends.
    let with_checksums = wants_checksums && length(&window) == object.size();
    let mut headers = attributes::to_headers(&object, with_checksums);
    if let Some(id) = super::write::real_version(&object)
        && let Ok(id) = HeaderValue::from_str(&id)
    {
        headers.insert("x-amz-version-id", id);
    }
    Ok(Found { object, window, headers })
}

fn window(object: &Object, range: Option<Range>, part: Option<i32>) -> S3Result<Window> {
    let size = object.size();
    if let Some(range) = range {
        let bytes = range
            .check(size)
            .ok()
            .filter(|bytes| !bytes.is_empty())
            .ok_or_else(|| out_of_range(size))?;
        return Ok(Window { bytes, partial: true, parts: None });
    }
    let whole = Window { bytes: 0..size, partial: false, parts: None };
    let Some(part) = part else { return Ok(whole) };
    let sizes: &[u64] = match object.part_sizes.as_slice() {
        [] => &[size],
        sizes => sizes,
    };
    let at = usize::try_from(part)
        .ok()
        .and_then(|part| part.checked_sub(1))
        .filter(|at| *at < sizes.len())
        .ok_or_else(|| {
            let mut error = s3_error!(InvalidRange, "The requested partnumber is not satisfiable");
            error.set_status_code(StatusCode::RANGE_NOT_SATISFIABLE);
            error
        })?;
    let start: u64 = sizes.iter().take(at).sum();
    Ok(Window {
        bytes: start..start + sizes.get(at).copied().unwrap_or(0),
        partial: true,
        parts: i32::try_from(object.part_sizes.len()).ok().filter(|parts| *parts > 0),
    })
}

fn length(window: &Window) -> u64 {
    window.bytes.end - window.bytes.start
}

fn content_range(found: &Found) -> Option<String> {
    let Bytes { start, end } = found.window.bytes;
    (found.window.partial && end > start)
        .then(|| format!("bytes {start}-{}/{}", end - 1, found.object.size()))
}

fn metadata(object: &Object) -> Option<Metadata> {
    let pairs = object.attributes.metadata.iter();
    Some(pairs.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn out_of_range(size: u64) -> S3Error {
    let mut error = s3_error!(InvalidRange, "The requested range is not satisfiable");
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/xml"));
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
        headers.insert("content-range", value);
    }
    error.set_headers(headers);
    error
}

/// "Not modified" says what it is that was not.
fn with_etag(mut error: S3Error, object: &Object) -> S3Error {
    if *error.code() == S3ErrorCode::NotModified
        && let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", object.etag))
    {
        let mut headers = HeaderMap::new();
        headers.insert("etag", etag);
        error.set_headers(headers);
        error.set_status_code(StatusCode::NOT_MODIFIED);
    }
    error
}
