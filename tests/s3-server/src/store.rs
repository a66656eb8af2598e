//! The store: buckets and objects behind one lock.
//!
//! Invariants:
//! - a condition is decided, and the write it guards is done, while the lock is held and after the
//!   whole body was received, so that of any number of racing writers exactly those win whose
//!   condition held;
//! - nothing is awaited while the lock is held;
//! - a key's versions are never empty, the newest is last, and at most one has the id `null`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use http::{HeaderMap, HeaderValue};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::condition::Conditions;
use crate::digest::Checksums;
use crate::object::{Attributes, Content, Object};
use crate::uploads::Uploads;

/// The version id of an object that was written while its bucket kept no versions.
pub(crate) const NULL_VERSION: &str = "null";

/// Whether a bucket keeps what is overwritten and deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Versioning {
    #[default]
    Never,
    Enabled,
    Suspended,
}

/// One version of a key.
#[derive(Clone, Debug)]
pub(crate) enum Version {
    Object(Arc<Object>),
    Marker { id: String, modified: SystemTime },
}

impl Version {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Object(object) => &object.version_id,
            Self::Marker { id, .. } => id,
        }
    }

    pub(crate) fn object(&self) -> Option<&Arc<Object>> {
        match self {
            Self::Object(object) => Some(object),
            Self::Marker { .. } => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) created: SystemTime,
    pub(crate) versioning: Versioning,
    /// The name, the prefix and the days of each rule that deletes; nothing acts on them here.
    pub(crate) expiries: Vec<(String, String, i32)>,
    pub(crate) public: bool,
    pub(crate) keys: BTreeMap<String, Vec<Version>>,
}

/// An object that is ready to be stored.
#[derive(Debug)]
pub(crate) struct NewObject {
    pub(crate) content: Content,
    pub(crate) etag: String,
    pub(crate) attributes: Attributes,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) checksums: Checksums,
    pub(crate) part_sizes: Vec<u64>,
}

/// What a delete did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// The version that is gone, or the marker that was made.
    pub(crate) version_id: Option<String>,
    /// Whether that is a delete marker.
    pub(crate) marker: bool,
}

/// Everything behind the lock.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) buckets: BTreeMap<String, Bucket>,
    pub(crate) uploads: Uploads,
    counter: u64,
}

impl State {
    /// A number never given before: version ids, upload ids and fast ETags come from it.
    pub(crate) fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub(crate) fn bucket(&self, name: &str) -> S3Result<&Bucket> {
        self.buckets.get(name).ok_or_else(no_such_bucket)
    }

    pub(crate) fn bucket_mut(&mut self, name: &str) -> S3Result<&mut Bucket> {
        self.buckets.get_mut(name).ok_or_else(no_such_bucket)
    }

    /// The object that a read of the key would see.
    pub(crate) fn current(&self, bucket: &str, key: &str) -> S3Result<Option<&Arc<Object>>> {
        let newest = self.bucket(bucket)?.keys.get(key).and_then(|versions| versions.last());
        Ok(newest.and_then(Version::object))
    }

    /// One version, or the newest.
    pub(crate) fn find(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> S3Result<&Arc<Object>> {
        let versions = self.bucket(bucket)?.keys.get(key);
        let Some(id) = version else {
            return match versions.and_then(|versions| versions.last()) {
                Some(Version::Object(object)) => Ok(object),
                Some(Version::Marker { id, .. }) => Err(is_marker(S3ErrorCode::NoSuchKey, id)),
                None => Err(no_such_key()),
            };
        };
        let found =
            versions.and_then(|versions| versions.iter().find(|version| version.id() == id));
        match found {
            Some(Version::Object(object)) => Ok(object),
            Some(Version::Marker { id, .. }) => Err(is_marker(S3ErrorCode::MethodNotAllowed, id)),
            None => Err(s3_error!(NoSuchVersion, "The specified version does not exist.")),
        }
    }

    /// Stores an object if the conditions hold. The answer names a version only where the bucket
    /// has versions.
    pub(crate) fn put(
        &mut self,
        bucket: &str,
        key: &str,
        new: NewObject,
        conditions: &Conditions,
    ) -> S3Result<Option<String>> {
        conditions.allow_write(self.current(bucket, key)?.map(Arc::as_ref))?;
        let number = self.next();
        let bucket = self.bucket_mut(bucket)?;
        let version_id = match bucket.versioning {
            Versioning::Enabled => version_id(number),
            Versioning::Never | Versioning::Suspended => NULL_VERSION.to_owned(),
        };
        let object = Object {
            content: new.content,
            etag: new.etag,
            version_id: version_id.clone(),
            last_modified: SystemTime::now(),
            attributes: new.attributes,
            tags: new.tags,
            checksums: new.checksums,
            part_sizes: new.part_sizes,
        };
        bucket.push(key, Version::Object(Arc::new(object)));
        Ok((bucket.versioning != Versioning::Never).then_some(version_id))
    }

    /// Deletes a version, or, where the bucket has versions, hides the key behind a marker.
    pub(crate) fn delete(
        &mut self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        conditions: &Conditions,
    ) -> S3Result<Deleted> {
        let current = match version {
            None => self.current(bucket, key)?.cloned(),
            Some(_) => self.find(bucket, key, version).ok().cloned(),
        };
        conditions.allow_delete(current.as_deref())?;
        let number = self.next();
        let bucket = self.bucket_mut(bucket)?;
        if let Some(id) = version {
            return Ok(bucket.delete_version(key, id));
        }
        let id = match bucket.versioning {
            Versioning::Never => {
                bucket.keys.remove(key);
                return Ok(Deleted::default());
            }
            Versioning::Enabled => version_id(number),
            Versioning::Suspended => NULL_VERSION.to_owned(),
        };
        let modified = SystemTime::now();
        bucket.push(key, Version::Marker { id: id.clone(), modified });
        Ok(Deleted { version_id: Some(id), marker: true })
    }

    /// Changes a stored object in place, as only tags (and tests) may.
    pub(crate) fn change<T>(
        &mut self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        change: impl FnOnce(&mut Object) -> T,
    ) -> S3Result<T> {
        let id = self.find(bucket, key, version)?.version_id.clone();
        let versions = self.bucket_mut(bucket)?.keys.get_mut(key);
        let found =
            versions.and_then(|versions| versions.iter_mut().find(|version| version.id() == id));
        match found {
            Some(Version::Object(object)) => Ok(change(Arc::make_mut(object))),
            Some(Version::Marker { .. }) | None => Err(no_such_key()),
        }
    }

    pub(crate) fn create_bucket(&mut self, name: &str) -> S3Result {
        if self.buckets.contains_key(name) {
            return Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "Your previous request to create the named bucket succeeded and you already own it."
            ));
        }
        let bucket = Bucket {
            created: SystemTime::now(),
            versioning: Versioning::Never,
            expiries: Vec::new(),
            public: false,
            keys: BTreeMap::new(),
        };
        self.buckets.insert(name.to_owned(), bucket);
        Ok(())
    }

    pub(crate) fn delete_bucket(&mut self, name: &str) -> S3Result {
        if !self.bucket(name)?.keys.is_empty() {
            return Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty"));
        }
        self.buckets.remove(name);
        Ok(())
    }
}

impl Bucket {
    /// Adds a version. One with the id `null` takes the place of any other such.
    fn push(&mut self, key: &str, version: Version) {
        if let Some(versions) = self.keys.get_mut(key) {
            if version.id() == NULL_VERSION {
                versions.retain(|other| other.id() != NULL_VERSION);
            }
            versions.push(version);
        } else {
            self.keys.insert(key.to_owned(), vec![version]);
        }
    }

    fn delete_version(&mut self, key: &str, id: &str) -> Deleted {
        let mut marker = false;
        if let Some(versions) = self.keys.get_mut(key) {
            if let Some(at) = versions.iter().position(|version| version.id() == id) {
                marker = versions.remove(at).object().is_none();
            }
            if versions.is_empty() {
                self.keys.remove(key);
            }
        }
        Deleted { version_id: Some(id.to_owned()), marker }
    }
}

/// The lock.
#[derive(Debug, Default)]
pub(crate) struct Store {
    state: Mutex<State>,
}

impl Store {
    /// A test that panicked while it held the lock cannot have left a half-made change behind: every
    /// change is one insertion or removal.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn version_id(number: u64) -> String {
    format!("v{number:015}")
}

pub(crate) fn no_such_bucket() -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist")
}

pub(crate) fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

/// What a read of a delete marker gets, with the headers that say so.
fn is_marker(code: S3ErrorCode, id: &str) -> S3Error {
    let mut error = S3Error::new(code);
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-amz-version-id", id);
    }
    headers.insert("content-type", HeaderValue::from_static("application/xml"));
    error.set_headers(headers);
    error
}
