//! Between an object's attributes and the headers that carry them, in both directions.
//!
//! The raw headers are used rather than the protocol crate's fields, so that what a client wrote
//! comes back letter by letter and the three operations that write attributes share one reading.

use std::collections::{BTreeMap, HashMap};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::object::{Attributes, Object};
use crate::text;

type Field = fn(&mut Attributes) -> &mut Option<String>;

/// Attributes that come back with every read under the same header.
const FIELDS: [(&str, Field); 13] = [
    ("content-type", |a| &mut a.content_type),
    ("cache-control", |a| &mut a.cache_control),
    ("content-disposition", |a| &mut a.content_disposition),
    ("content-encoding", |a| &mut a.content_encoding),
    ("content-language", |a| &mut a.content_language),
    ("expires", |a| &mut a.expires),
    ("x-amz-storage-class", |a| &mut a.storage_class),
    ("x-amz-website-redirect-location", |a| &mut a.website_redirect),
    ("x-amz-server-side-encryption", |a| &mut a.sse),
    ("x-amz-server-side-encryption-aws-kms-key-id", |a| &mut a.sse_kms_key_id),
    ("x-amz-server-side-encryption-bucket-key-enabled", |a| &mut a.sse_bucket_key),
    (SSE_CUSTOMER_ALGORITHM, |a| &mut a.sse_customer_algorithm),
    (SSE_CUSTOMER_KEY_MD5, |a| &mut a.sse_customer_key_md5),
];

const SSE_CUSTOMER_ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";
pub(super) const SSE_CUSTOMER_KEY_MD5: &str = "x-amz-server-side-encryption-customer-key-md5";

/// What the headers of a write say.
pub(super) fn from_headers(
    headers: &HeaderMap,
    metadata: Option<HashMap<String, String>>,
) -> Attributes {
    let mut attributes = Attributes::default();
    for (name, field) in FIELDS {
        *field(&mut attributes) = text::header(headers, name).map(str::to_owned);
    }
    attributes.acl = text::header(headers, "x-amz-acl").map(str::to_owned);
    attributes.metadata = metadata.unwrap_or_default().into_iter().collect();
    attributes.content_encoding =
        attributes.content_encoding.and_then(|value| without_chunked(&value));
    if attributes.storage_class.as_deref() == Some("STANDARD") {
        attributes.storage_class = None;
    }
    attributes
}

/// `aws-chunked` says how the request was sent, not what the object is.
fn without_chunked(value: &str) -> Option<String> {
    let kept: Vec<&str> = value
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && *coding != "aws-chunked")
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// The tags of a write.
pub(super) fn tags_from_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    text::header(headers, "x-amz-tagging").map(text::tags).unwrap_or_default()
}

/// The headers of a read, except for metadata, whose encoding the protocol crate knows.
pub(super) fn to_headers(object: &Object, with_checksums: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    let mut attributes = object.attributes.clone();
    attributes.content_type.get_or_insert_with(|| "binary/octet-stream".to_owned());
    for (name, field) in FIELDS {
        if let Some(value) = field(&mut attributes) {
            put(name, value);
        }
    }
    put("accept-ranges", "bytes");
    put("etag", &format!("\"{}\"", object.etag));
    put("last-modified", &text::http_date(object.last_modified));
    if !object.tags.is_empty() {
        put("x-amz-tagging-count", &object.tags.len().to_string());
    }
    if with_checksums {
        for (algorithm, value) in object.checksums.iter() {
            put(algorithm.header(), value);
        }
        if let Some(kind) = &object.checksums.kind {
            put("x-amz-checksum-type", kind);
        }
    }
    headers
}

/// What a write answers about encryption.
pub(super) fn encryption_headers(attributes: &Attributes) -> HeaderMap {
    let mut attributes = attributes.clone();
    let mut headers = HeaderMap::new();
    for (name, field) in FIELDS {
        if name.starts_with("x-amz-server-side")
            && let Some(value) = field(&mut attributes)
            && let Ok(value) = HeaderValue::from_str(value)
        {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}
