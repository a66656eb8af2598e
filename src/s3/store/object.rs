//! What S3 says of an object, and on what a write of one depends.

use crate::words::digest::Sha256;
use crate::words::object::PACKAGE_HASH;
use bytes::Bytes;
use std::collections::HashMap;

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
pub struct ETag(pub(super) String);

impl ETag {
    /// As text, to be compared with another that was read from the same server.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A tag for tests.
    #[cfg(test)]
    pub fn example(text: &str) -> ETag {
        ETag(text.to_owned())
    }

    /// The tag that an answer carries; none where it carries none. A proxy that compresses makes a
    /// weak tag of the server's own, which the server knows without that mark only.
    pub(super) fn of(text: Option<String>) -> Option<ETag> {
        let text = text?;
        let strong = text.strip_prefix("W/").unwrap_or(&text);
        (!strong.trim_matches('"').is_empty()).then(|| ETag(strong.to_owned()))
    }

    /// The tag as a condition names it.
    pub(super) fn as_condition(&self, quotes: Quotes) -> &str {
        match quotes {
            Quotes::Kept => &self.0,
            Quotes::Left => self.0.trim_matches('"'),
        }
    }
}

/// How a condition names a tag. It has quotes, and some servers (R2, RustFS) insist on them; Ceph, and
/// DigitalOcean's Spaces that are built on it, know a tag in the condition of a write without them only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// As the server wrote it.
    Kept,
    /// Without.
    Left,
}

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is there.
    Yes,
    /// The condition did not hold: something else is there.
    Refused,
}

impl Condition {
    /// That what was read stands as it was read: nothing, or an object with this tag.
    pub fn still(etag: Option<&ETag>) -> Condition {
        etag.map_or(Condition::Absent, |etag| Condition::Unchanged(etag.clone()))
    }
}

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
        self.metadata.get(PACKAGE_HASH).and_then(|text| Sha256::from_base64(text))
    }

    /// Whether the object has these bytes, as far as it says of itself.
    pub fn holds(&self, size: u64, sha256: &Sha256) -> bool {
        self.size == size && self.sha256().as_ref() == Some(sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_strong_or_none() {
        let tag = |text: &str| ETag::of(Some(text.to_owned())).map(|tag| tag.0);
        assert_eq!(tag("\"a\"").as_deref(), Some("\"a\""));
        assert_eq!(tag("W/\"a\"").as_deref(), Some("\"a\""));
        assert_eq!(tag("a").as_deref(), Some("a"));
        assert_eq!((tag(""), tag("\"\""), ETag::of(None).map(|tag| tag.0)), (None, None, None));
    }
}
