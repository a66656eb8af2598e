//! The operations of S3 that are asked for here.

use std::fmt;

/// An operation of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Reads an object, or a range of it.
    GetObject,
    /// Asks what S3 knows of an object.
    HeadObject,
    /// Writes an object in one piece.
    PutObject,
    /// Copies an object inside a bucket.
    CopyObject,
    /// Removes an object.
    DeleteObject,
    /// Lists the keys under a prefix.
    ListObjectsV2,
    /// Begins an upload in parts.
    CreateMultipartUpload,
    /// Sends a part.
    UploadPart,
    /// Makes a range of an object a part.
    UploadPartCopy,
    /// Makes an object of its parts.
    CompleteMultipartUpload,
    /// Lists uploads in parts that are not complete.
    ListMultipartUploads,
    /// Gives an upload in parts up.
    AbortMultipartUpload,
    /// Makes a bucket.
    CreateBucket,
    /// Lists the versions of the keys under a prefix.
    ListObjectVersions,
    /// Asks whether a bucket keeps versions.
    GetBucketVersioning,
    /// Reads the tags of an object.
    GetObjectTagging,
    /// Asks what a bucket deletes by itself.
    GetBucketLifecycleConfiguration,
    /// Asks how a bucket encrypts by itself.
    GetBucketEncryption,
}

impl Operation {
    /// The IAM action that allows it.
    pub(super) fn action(self) -> &'static str {
        match self {
            Operation::GetObject | Operation::HeadObject => "s3:GetObject",
            Operation::ListObjectsV2 => "s3:ListBucket",
            Operation::DeleteObject => "s3:DeleteObject",
            Operation::ListMultipartUploads => "s3:ListBucketMultipartUploads",
            Operation::AbortMultipartUpload => "s3:AbortMultipartUpload",
            Operation::CreateBucket => "s3:CreateBucket",
            Operation::ListObjectVersions => "s3:ListBucketVersions",
            Operation::GetBucketVersioning => "s3:GetBucketVersioning",
            Operation::GetObjectTagging => "s3:GetObjectTagging",
            Operation::GetBucketLifecycleConfiguration => "s3:GetLifecycleConfiguration",
            Operation::GetBucketEncryption => "s3:GetEncryptionConfiguration",
            Operation::PutObject
            | Operation::CopyObject
            | Operation::CreateMultipartUpload
            | Operation::UploadPart
            | Operation::UploadPartCopy
            | Operation::CompleteMultipartUpload => "s3:PutObject",
        }
    }

    /// Whether it is allowed on a bucket, not on an object.
    pub(super) fn is_of_bucket(self) -> bool {
        matches!(
            self,
            Operation::ListObjectsV2
                | Operation::CreateBucket
                | Operation::ListMultipartUploads
                | Operation::ListObjectVersions
                | Operation::GetBucketVersioning
                | Operation::GetBucketLifecycleConfiguration
                | Operation::GetBucketEncryption
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // S3's names are those of the variants.
        fmt::Debug::fmt(self, f)
    }
}
