//! What an object carries beside its bytes.

use std::collections::BTreeMap;

/// User metadata (`x-amz-meta-*`).
pub type UserMetadata = BTreeMap<String, String>;

/// What a user, or a track, wants of an object beside its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectOptions {
    /// A canned ACL; none: no header, which buckets without ACLs need.
    pub acl: Option<String>,
    /// The media type.
    pub content_type: Option<String>,
    /// How long it may be kept by caches.
    pub cache_control: Option<String>,
    /// What a browser does with it.
    pub content_disposition: Option<String>,
    /// Where S3 keeps it.
    pub storage_class: Option<String>,
    /// Tags of the object.
    pub tags: BTreeMap<String, String>,
    /// User metadata (`x-amz-meta-*`).
    pub metadata: UserMetadata,
}
