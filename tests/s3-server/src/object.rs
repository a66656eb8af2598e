//! What is stored: bytes and everything S3 keeps beside them.
//!
//! An object never changes once stored, except for its tags: the store hands out `Arc<Object>`, so
//! that a reader keeps the bytes it began with whatever is written meanwhile.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};

use crate::digest::Checksums;

/// Bodies up to this size are copied into one allocation. A chunk as received is a slice of a read
/// buffer that may be far larger than the chunk, and many small objects must not keep many of them.
const COPY_BELOW: u64 = 64 * 1024;

/// What zeros are kept as, however many there are.
static ZEROS: [u8; 1 << 20] = [0; 1 << 20];

/// A body: chunks as they came, so that storing, cutting and sending it copies nothing.
#[derive(Clone, Debug, Default)]
pub struct Content {
    chunks: Arc<[Bytes]>,
    length: u64,
}

impl Content {
    /// Takes chunks over; small bodies are joined, and chunks of zeros take no room: so a file of
    /// many gigabytes fits, if it is sparse.
    pub fn new(chunks: Vec<Bytes>) -> Self {
        let chunks: Vec<Bytes> = chunks.into_iter().map(sparse).collect();
        let length = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        let content = Self { chunks: chunks.into(), length };
        if length <= COPY_BELOW {
            let copied = Bytes::copy_from_slice(&content.bytes());
            return Self { chunks: Arc::new([copied]), length };
        }
        content
    }

    /// The number of bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The chunks.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// All bytes in one piece: free if there is only one chunk, otherwise a copy.
    pub fn bytes(&self) -> Bytes {
        if let [only] = &*self.chunks {
            return only.clone();
        }
        let mut all = BytesMut::with_capacity(usize::try_from(self.length).unwrap_or(0));
        for chunk in self.chunks.iter() {
            all.extend_from_slice(chunk);
        }
        all.freeze()
    }

    /// The chunks of a part of it; what lies outside is left out.
    pub fn slice(&self, range: Range<u64>) -> Vec<Bytes> {
        let mut parts = Vec::new();
        let mut offset = 0_u64;
        for chunk in self.chunks.iter() {
            let end = offset + chunk.len() as u64;
            let from = range.start.clamp(offset, end);
            let to = range.end.clamp(offset, end);
            if from < to {
                // Both lie within the chunk, whose length is a usize.
                parts.push(chunk.slice((from - offset) as usize..(to - offset) as usize));
            }
            offset = end;
        }
        parts
    }
}

/// A chunk, kept for nothing where it holds but zeros.
fn sparse(chunk: Bytes) -> Bytes {
    match ZEROS.get(..chunk.len()) {
        Some(zeros) if chunk == zeros => Bytes::from_static(zeros),
        _ => chunk,
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        let length = bytes.len() as u64;
        Self { chunks: Arc::new([bytes]), length }
    }
}

/// What a writer says about an object, kept as it was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`, without `aws-chunked`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Expires`.
    pub expires: Option<String>,
    /// `x-amz-meta-*`, without the prefix.
    pub metadata: BTreeMap<String, String>,
    /// `x-amz-storage-class`.
    pub storage_class: Option<String>,
    /// `x-amz-acl`.
    pub acl: Option<String>,
    /// `x-amz-website-redirect-location`.
    pub website_redirect: Option<String>,
    /// `x-amz-server-side-encryption`.
    pub sse: Option<String>,
    /// `x-amz-server-side-encryption-aws-kms-key-id`.
    pub sse_kms_key_id: Option<String>,
    /// `x-amz-server-side-encryption-bucket-key-enabled`.
    pub sse_bucket_key: Option<String>,
    /// `x-amz-server-side-encryption-customer-algorithm`.
    pub sse_customer_algorithm: Option<String>,
    /// `x-amz-server-side-encryption-customer-key-md5`; the key itself is not kept.
    pub sse_customer_key_md5: Option<String>,
}

/// A stored object.
#[derive(Clone, Debug)]
pub struct Object {
    /// The bytes.
    pub content: Content,
    /// The ETag, without quotes.
    pub etag: String,
    /// `null` unless the bucket had versions when it was written.
    pub version_id: String,
    /// When it was written.
    pub last_modified: SystemTime,
    /// Headers and metadata.
    pub attributes: Attributes,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Checksums that the writer asked for.
    pub checksums: Checksums,
    /// Sizes of the parts it was uploaded in; empty if it was put at once.
    pub part_sizes: Vec<u64>,
}

impl Object {
    /// The bytes in one piece.
    pub fn bytes(&self) -> Bytes {
        self.content.bytes()
    }

    /// The number of bytes.
    pub fn size(&self) -> u64 {
        self.content.len()
    }

    /// The bytes as text, with replacement characters where they are none.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// One `x-amz-meta-` value.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.attributes.metadata.get(name).map(String::as_str)
    }

    /// The content type.
    pub fn content_type(&self) -> Option<&str> {
        self.attributes.content_type.as_deref()
    }

    /// The storage class; S3 names none for the standard one.
    pub fn storage_class(&self) -> &str {
        self.attributes.storage_class.as_deref().unwrap_or("STANDARD")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_take_no_room() {
        let chunk = |bytes: Vec<u8>| Bytes::from(bytes);
        let content =
            Content::new(vec![chunk(vec![0; 70_000]), chunk(vec![1; 9]), chunk(vec![0; 5])]);
        assert_eq!(content.chunks()[0].as_ptr(), ZEROS.as_ptr());
        assert_eq!(&content.slice(69_998..70_011).concat()[..4], [0, 0, 1, 1]);
        assert_eq!((content.len(), content.bytes().len()), (70_014, 70_014));
    }

    #[test]
    fn slices_across_chunks() {
        let big = Bytes::from(vec![7_u8; 70_000]);
        let content = Content::new(vec![big.clone(), Bytes::from_static(b"abcdef")]);
        assert_eq!(content.len(), 70_006);
        let tail = Content::new(content.slice(69_999..70_003));
        assert_eq!(&tail.bytes()[..], b"\x07abc");
        assert!(content.slice(70_006..70_010).is_empty());
        assert_eq!(content.slice(0..70_000)[0].as_ptr(), big.as_ptr());
    }
}
