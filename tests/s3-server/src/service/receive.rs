//! Receiving a body: wholly, and as claimed, before anything is decided.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, StatusCode};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders, s3_error};

use super::Service;
use crate::digest::{self, Algorithm, Checksums, Wanted};
use crate::object::Content;
use crate::text;

/// A body that was received and found to be what its headers claim.
pub(super) struct Received {
    pub(super) content: Content,
    pub(super) etag: String,
    pub(super) checksums: Checksums,
}

impl Service {
    /// Receives a body. `also` is an algorithm to compute though the request claims no value.
    pub(super) async fn receive(
        &self,
        body: Option<StreamingBlob>,
        headers: &HeaderMap,
        trailers: Option<TrailingHeaders>,
        also: Option<Algorithm>,
    ) -> S3Result<Received> {
        let content = collect(body).await?;
        let mut claimed = Checksums::from_headers(headers);
        if let Some(trailers) = trailers.and_then(|trailers| trailers.take()) {
            for (algorithm, value) in Checksums::from_headers(&trailers).iter() {
                claimed.set(algorithm, value.to_owned());
            }
        }
        let content_md5 = text::header(headers, "content-md5");
        let mut wanted = Wanted {
            md5: content_md5.is_some() || !self.options().fast_etags,
            algorithms: claimed.iter().map(|(algorithm, _)| algorithm).collect(),
        };
        wanted.algorithms.extend(also);
        let digests = digest::compute(content.chunks(), wanted).await?;
        digest::verify(&claimed, &digests.checksums)?;
        if let (Some(claimed), Some(computed)) = (content_md5, digests.md5)
            && claimed != base64_simd::STANDARD.encode_to_string(computed)
        {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        let etag = self.etag(digests.md5, content.len());
        Ok(Received { content, etag, checksums: digests.checksums })
    }

    /// An ETag: the MD5, or, where that is switched off, a number that was never used before.
    pub(super) fn etag(&self, md5: Option<[u8; 16]>, length: u64) -> String {
        match md5 {
            Some(md5) if !self.options().fast_etags => digest::hex(&md5),
            _ => format!("{:016x}{length:016x}", self.state().next()),
        }
    }
}

async fn collect(body: Option<StreamingBlob>) -> S3Result<Content> {
    let Some(mut body) = body else {
        return Ok(Content::default());
    };
    let mut chunks: Vec<Bytes> = Vec::new();
    while let Some(chunk) = poll_fn(|context| Pin::new(&mut body).poll_next(context)).await {
        let chunk = chunk.map_err(broken)?;
        if !chunk.is_empty() {
            chunks.push(chunk);
        }
    }
    Ok(Content::new(chunks))
}

/// Why a body could not be received. The protocol crate's error types are private, their text is
/// not.
fn broken(error: s3s::StdError) -> S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        let code = S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into());
        let message =
            "The provided 'x-amz-content-sha256' header does not match what was computed.";
        let mut error = S3Error::with_message(code, message);
        // A code that the protocol crate does not know has no status.
        error.set_status_code(StatusCode::BAD_REQUEST);
        return error;
    }
    if text.contains("SignatureMismatch") {
        return s3_error!(SignatureDoesNotMatch, "A chunk's signature does not match.");
    }
    s3_error!(IncompleteBody, "The body could not be read: {}", text)
}
