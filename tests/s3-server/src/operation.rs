//! The S3 name of a request, known from its line and headers alone.
//!
//! The log, the faults and the deny rules need it before the protocol crate has looked at the
//! request, and for requests that never get that far.

use http::{HeaderMap, Method};

/// Names a request. `has` tells whether the query has a parameter.
pub(crate) fn name(
    method: &Method,
    bucket: Option<&str>,
    key: Option<&str>,
    has: impl Fn(&str) -> bool,
    headers: &HeaderMap,
) -> &'static str {
    let copies = headers.contains_key("x-amz-copy-source");
    match (method.as_str(), bucket, key) {
        // Only roles are assumed by posting to the root.
        ("POST", None, _) => "AssumeRole",
        ("GET", None, _) => "ListBuckets",
        ("GET", Some(_), None) if has("location") => "GetBucketLocation",
        ("GET", Some(_), None) if has("versioning") => "GetBucketVersioning",
        ("GET", Some(_), None) if has("lifecycle") => "GetBucketLifecycleConfiguration",
        ("GET", Some(_), None) if has("encryption") => "GetBucketEncryption",
        ("GET", Some(_), None) if has("uploads") => "ListMultipartUploads",
        ("GET", Some(_), None) if has("versions") => "ListObjectVersions",
        ("GET", Some(_), None) if has("list-type") => "ListObjectsV2",
        ("GET", Some(_), None) => "ListObjects",
        ("HEAD", Some(_), None) => "HeadBucket",
        ("PUT", Some(_), None) if has("versioning") => "PutBucketVersioning",
        ("PUT", Some(_), None) => "CreateBucket",
        ("DELETE", Some(_), None) => "DeleteBucket",
        ("POST", Some(_), None) if has("delete") => "DeleteObjects",
        ("GET", Some(_), Some(_)) if has("tagging") => "GetObjectTagging",
        ("GET", Some(_), Some(_)) if has("uploadId") => "ListParts",
        ("GET", Some(_), Some(_)) => "GetObject",
        ("HEAD", Some(_), Some(_)) => "HeadObject",
        ("PUT", Some(_), Some(_)) if has("tagging") => "PutObjectTagging",
        ("PUT", Some(_), Some(_)) if has("uploadId") && copies => "UploadPartCopy",
        ("PUT", Some(_), Some(_)) if has("uploadId") => "UploadPart",
        ("PUT", Some(_), Some(_)) if copies => "CopyObject",
        ("PUT", Some(_), Some(_)) => "PutObject",
        ("POST", Some(_), Some(_)) if has("uploads") => "CreateMultipartUpload",
        ("POST", Some(_), Some(_)) if has("uploadId") => "CompleteMultipartUpload",
        ("DELETE", Some(_), Some(_)) if has("tagging") => "DeleteObjectTagging",
        ("DELETE", Some(_), Some(_)) if has("uploadId") => "AbortMultipartUpload",
        ("DELETE", Some(_), Some(_)) => "DeleteObject",
        _ => "Unknown",
    }
}
