//! The conditions of requests, as values that a write or a read is tried against.
//!
//! They are read from the raw headers, because the protocol crate gives some operations none (the
//! destination of a copy). Nothing here looks at the store: the store asks while it holds its lock.

use std::time::SystemTime;

use http::HeaderMap;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::object::Object;
use crate::text;

/// One `If-Match` or `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<String>),
}

impl Tags {
    fn parse(value: &str) -> Self {
        if value.trim() == "*" {
            return Self::Any;
        }
        let one = |tag: &str| {
            let tag = tag.trim();
            tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').to_owned()
        };
        Self::These(value.split(',').map(one).collect())
    }

    fn matches(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| tag == etag),
        }
    }
}

/// The conditions of one request; the default lets everything pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
    if_modified_since: Option<SystemTime>,
    if_unmodified_since: Option<SystemTime>,
}

impl Conditions {
    /// Those on the addressed object.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self::read(headers, "")
    }

    /// Those on the source of a copy.
    pub(crate) fn of_source(headers: &HeaderMap) -> Self {
        Self::read(headers, "x-amz-copy-source-")
    }

    /// That the object has this ETag.
    pub(crate) fn matching(etag: &str) -> Self {
        Self { if_match: Some(Tags::parse(etag)), ..Self::default() }
    }

    fn read(headers: &HeaderMap, prefix: &str) -> Self {
        let header = |name: &str| text::header(headers, &format!("{prefix}{name}"));
        Self {
            if_match: header("if-match").map(Tags::parse),
            if_none_match: header("if-none-match").map(Tags::parse),
            if_modified_since: header("if-modified-since").and_then(text::parse_http_date),
            if_unmodified_since: header("if-unmodified-since").and_then(text::parse_http_date),
        }
    }

    /// Whether a write may replace what is there now.
    pub(crate) fn allow_write(&self, current: Option<&Object>) -> S3Result {
        match &self.if_none_match {
            Some(Tags::Any) if current.is_some() => return Err(failed("If-None-Match")),
            Some(Tags::These(_)) => {
                return Err(s3_error!(
                    NotImplemented,
                    "A header you provided implies functionality that is not implemented"
                ));
            }
            _ => {}
        }
        match (&self.if_match, current) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
            (Some(tags), Some(current)) if tags.matches(&current.etag) => Ok(()),
            (Some(_), Some(_)) => Err(failed("If-Match")),
        }
    }

    /// Whether a delete may remove what is there now: there is nothing to protect where nothing is.
    pub(crate) fn allow_delete(&self, current: Option<&Object>) -> S3Result {
        match (&self.if_match, current) {
            (Some(tags), Some(current)) if !tags.matches(&current.etag) => Err(failed("If-Match")),
            _ => Ok(()),
        }
    }

    /// Whether a read may have this object. An entity tag outweighs a date.
    pub(crate) fn allow_read(&self, object: &Object) -> S3Result {
        match (&self.if_match, self.if_unmodified_since) {
            (Some(tags), _) if !tags.matches(&object.etag) => return Err(failed("If-Match")),
            (None, Some(since)) if text::newer(object.last_modified, since) => {
                return Err(failed("If-Unmodified-Since"));
            }
            _ => {}
        }
        match (&self.if_none_match, self.if_modified_since) {
            (Some(tags), _) if tags.matches(&object.etag) => {
                Err(S3Error::new(S3ErrorCode::NotModified))
            }
            (None, Some(since)) if !text::newer(object.last_modified, since) => {
                Err(S3Error::new(S3ErrorCode::NotModified))
            }
            _ => Ok(()),
        }
    }

    /// Whether a copy may read this source: there is no "not modified" for a copy.
    pub(crate) fn allow_source(&self, object: &Object) -> S3Result {
        self.allow_read(object).map_err(|error| match error.code() {
            S3ErrorCode::NotModified => failed("x-amz-copy-source-If-None-Match"),
            _ => error,
        })
    }
}

fn failed(condition: &str) -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold: {}",
        condition
    )
}
