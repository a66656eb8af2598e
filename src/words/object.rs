//! What an object carries beside its bytes.

use std::collections::BTreeMap;

/// The metadata that tells a release's version, as s3p writes it.
pub const VERSION: &str = "version";
/// The metadata of a rank's object: the number of the promotion that it shows.
pub const PROMOTION: &str = "promotion";
/// The metadata that holds the SHA-256 of the bytes, in base64, as s3-asset-manager writes it.
pub const PACKAGE_HASH: &str = "package-hash";

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

impl ObjectOptions {
    /// Nothing is wanted.
    pub const NONE: &'static ObjectOptions = &ObjectOptions {
        acl: None,
        content_type: None,
        cache_control: None,
        content_disposition: None,
        storage_class: None,
        tags: BTreeMap::new(),
        metadata: BTreeMap::new(),
    };
}
