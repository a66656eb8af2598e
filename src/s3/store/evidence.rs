//! What tells an answer of S3 from one of something else: a portal, a proxy, a web server.
//!
//! A status is no proof. An answer counts when it carries what only S3 would say: a result with its
//! tag, an error with its code, or S3's headers where there is no body.

use super::{ETag, Failure};
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use std::fmt;

/// What the headers of an answer say of who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// An S3 server: it has headers of S3, or answers in XML as S3 does.
    S3,
    /// Not S3: it is a page for people, JSON or plain text, and has no header of S3.
    Other,
    /// Perhaps S3: nothing speaks for it or against it.
    Unknown,
}

/// Headers that servers of S3's protocol add: AWS and most others, MinIO, Google, OSS, Swift.
const NAMES: [&str; 6] = ["x-amz-", "x-minio-", "x-goog-", "x-guploader-", "x-oss-", "x-trans-id"];

/// Who wrote an answer, as its headers have it. A page is none of S3 whatever headers it has: a
/// bucket's website endpoint has S3's.
pub(super) fn author<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Author {
    let mut author = Author::Unknown;
    for (name, value) in headers {
        if name.eq_ignore_ascii_case("content-type") {
            let media = value.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
            match media.as_str() {
                "application/xml" | "text/xml" => author = Author::S3,
                "text/html" | "application/xhtml+xml" => return Author::Other,
                "application/json" | "text/plain" if author == Author::Unknown => {
                    author = Author::Other;
                }
                _ => {}
            }
        } else if NAMES.iter().any(|known| starts_with(name, known)) {
            author = Author::S3;
        }
    }
    author
}

fn starts_with(name: &str, start: &str) -> bool {
    name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// A write that is proven by the tag of what was written.
pub(super) fn proven(etag: Option<String>) -> Result<(), Failure> {
    ETag::of(etag).map(drop).ok_or_else(|| Failure::no_result("the ETag of what it wrote"))
}

/// An answer that says yes and is a page.
#[derive(Debug)]
pub(super) struct Page;

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer is a page for people")
    }
}

impl std::error::Error for Page {}

/// Takes no page for the answer to a request that is answered by XML or by nothing.
#[derive(Debug, Clone)]
pub(super) struct NoPages;

impl Intercept for NoPages {
    fn name(&self) -> &'static str {
        "NoPages"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), aws_sdk_s3::error::BoxError> {
        let answer = context.response();
        let status = answer.status();
        // Mocks let their web frame say that nothing is HTML: what has a tag, or says where the new
        // bucket is, has its result.
        let has = |name: &str| answer.headers().contains_key(name);
        let nothing = status.as_u16() == 204 || has("etag") || has("location");
        if status.is_success() && !nothing && author(answer.headers().iter()) == Author::Other {
            return Err(Page.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wrote_an_answer() {
        let cases: [(&[(&str, &str)], Author); 9] = [
            (&[("x-amz-request-id", "1")], Author::S3),
            (&[("X-Amz-Request-Id", "1"), ("content-type", "text/plain")], Author::S3),
            (&[("content-type", "text/plain"), ("x-amz-id-2", "1")], Author::S3),
            (&[("Content-Type", "text/xml; charset=utf-8")], Author::S3),
            (&[("x-guploader-uploadid", "1")], Author::S3),
            (&[("content-type", "text/html; charset=utf-8"), ("x-amz-id-2", "1")], Author::Other),
            (&[("content-type", "application/json")], Author::Other),
            (&[("server", "nginx")], Author::Unknown),
            (&[], Author::Unknown),
        ];
        for (headers, want) in cases {
            assert_eq!(author(headers.iter().copied()), want, "{headers:?}");
        }
    }
}
