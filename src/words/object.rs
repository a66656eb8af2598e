//! What an object carries beside its bytes.

use super::digest::Sha256;
use serde::Serialize;
use std::collections::BTreeMap;

/// The metadata that tells a release's version, as s3p writes it.
pub const VERSION: &str = "version";
/// The metadata of a rank's object: the number of the promotion that it shows.
pub const PROMOTION: &str = "promotion";
/// The metadata that holds the SHA-256 of the bytes, in base64, as s3-asset-manager writes it.
pub const PACKAGE_HASH: &str = "package-hash";

/// The metadata that names the commit, as s3-asset-manager writes it.
pub const COMMIT_HASH: &str = "commit-hash";
/// The metadata that names the code, as s3-asset-manager writes it.
pub const CODE_HASH: &str = "code-hash";
/// The metadata of a manifest or a record: where the history stood when it was written.
pub const POSITION: &str = "history";

/// The metadata of a stone: the generation of what is published in its place. A check knows by it,
/// from a HEAD alone, that no set stands there.
pub const REMOVED: &str = "removed";
/// The metadata of a manifest that took the place of another, or of a stone: the generation that its
/// keys have.
pub const GENERATION: &str = "generation";

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

/// What an object of this resource's own carries: a manifest, a claim, a history, a record. It is
/// JSON, and nothing that a user wants of an object reaches it: not the storage class, the ACL or
/// the tags, by which a file may be archived, hidden or deleted while the rest counts on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// What it says beside its JSON.
    pub metadata: UserMetadata,
}

impl Own {
    /// The place in a history that it was written at, if it has one.
    pub fn at(position: Option<&impl ToString>) -> Own {
        let metadata = position.map(|position| (POSITION.to_owned(), position.to_string()));
        Own { metadata: metadata.into_iter().collect() }
    }

    /// With more to say.
    pub fn with(mut self, name: &str, value: &str) -> Own {
        self.metadata.insert(name.to_owned(), value.to_owned());
        self
    }

    /// What S3 is told.
    pub fn options(&self) -> ObjectOptions {
        ObjectOptions {
            content_type: Some("application/json".to_owned()),
            metadata: self.metadata.clone(),
            ..ObjectOptions::default()
        }
    }
}

/// JSON, indented for people.
pub fn pretty(value: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

impl ObjectOptions {
    /// What the object of a file carries: what is wanted, the media type that the file's name tells,
    /// and the SHA-256 of its bytes.
    pub fn of_file(&self, name: &str, sha256: &Sha256) -> ObjectOptions {
        let mut options = self.clone();
        options.guess_media_type(name);
        options.metadata.insert(PACKAGE_HASH.to_owned(), sha256.base64());
        options
    }

    /// The media type that the name tells, where none is wanted.
    pub fn guess_media_type(&mut self, name: &str) {
        self.content_type.get_or_insert_with(|| {
            mime_guess::from_path(name).first_or_octet_stream().essence_str().to_owned()
        });
    }

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
