//! What a test may ask and tell a server without sending requests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use s3s::crypto::{Checksum as _, Md5};

use crate::access::Deny;
use crate::condition::Conditions;
use crate::digest::{Checksums, hex};
use crate::faults::{Fault, FaultId};
use crate::log::LogEntry;
use crate::object::{Attributes, Content, Object};
use crate::shared::Shared;
use crate::store::{NewObject, Version, Versioning};
use crate::sts::AssumedRole;

/// A way to a server. Clones are the same way; what it does is done at once and is never counted.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    address: SocketAddr,
    ca_pem: Option<Arc<str>>,
}

/// An upload in parts that was neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedUpload {
    /// The key.
    pub key: String,
    /// The upload's id.
    pub upload_id: String,
    /// Sizes of its parts by their numbers.
    pub parts: BTreeMap<i32, u64>,
    /// What the object would have had.
    pub attributes: Attributes,
}

/// A version of a key.
#[derive(Clone, Debug)]
pub struct KeyVersion {
    /// The key.
    pub key: String,
    /// The version's id.
    pub version_id: String,
    /// The object; none for a delete marker.
    pub object: Option<Arc<Object>>,
}

/// The server itself.
impl Handle {
    pub(crate) fn new(shared: Arc<Shared>, address: SocketAddr, ca_pem: Option<String>) -> Self {
        Self { shared, address, ca_pem: ca_pem.map(Arc::from) }
    }

    /// Where it is, as `http://127.0.0.1:PORT`, or with `https`.
    pub fn endpoint(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The access key it knows.
    pub fn access_key(&self) -> &str {
        &self.shared.options.access_key
    }

    /// The secret of that key.
    pub fn secret_key(&self) -> &str {
        &self.shared.options.secret_key
    }

    /// The region its buckets say they are in.
    pub fn region(&self) -> &str {
        self.shared.options.region_name()
    }

    /// The certificate to trust, in PEM, if it serves https.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }
}

/// Requests, rounds, faults, rules.
impl Handle {
    /// All requests so far, in the order of arrival.
    pub fn requests(&self) -> Vec<LogEntry> {
        self.shared.log.entries()
    }

    /// The requests of one operation.
    pub fn requests_of(&self, operation: &str) -> Vec<LogEntry> {
        let mut requests = self.requests();
        requests.retain(|request| request.operation == operation);
        requests
    }

    /// Forgets all requests; the next one is number 1, also for faults.
    pub fn reset_requests(&self) {
        self.shared.log.reset();
        self.shared.faults.reset();
    }

    /// Holds requests until none has arrived for `quiet`, and then lets them go together; see
    /// [`Handle::rounds`], which this sets to 0.
    pub fn measure_rounds(&self, quiet: Duration) {
        self.shared.rounds.measure(quiet);
    }

    /// Lets requests go at once again.
    pub fn stop_rounds(&self) {
        self.shared.rounds.stop();
    }

    /// How many times requests were let go together: how many had to wait for the one before.
    pub fn rounds(&self) -> u64 {
        self.shared.rounds.count()
    }

    /// How many requests each round had.
    pub fn round_sizes(&self) -> Vec<usize> {
        self.shared.rounds.sizes()
    }

    /// Adds a fault.
    pub fn fault(&self, fault: Fault) -> FaultId {
        self.shared.faults.add(fault)
    }

    /// Removes a fault.
    pub fn remove_fault(&self, id: &FaultId) {
        self.shared.faults.remove(id);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Names the process that faults kill.
    pub fn set_victim(&self, pid: u32) {
        self.shared.victim.set(pid);
    }

    /// Forgets it. Do so once it was waited for: its id may become another's.
    pub fn clear_victim(&self) {
        self.shared.victim.clear();
    }

    /// Adds a rule of what is denied.
    pub fn deny(&self, rule: Deny) {
        self.shared.denies.add(rule);
    }

    /// Removes all such rules.
    pub fn clear_denies(&self) {
        self.shared.denies.clear();
    }

    /// All roles that were assumed.
    pub fn assumed_roles(&self) -> Vec<AssumedRole> {
        self.shared.assumed_roles()
    }

    /// Lets all credentials from `AssumeRole` expire.
    pub fn expire_sessions(&self) {
        self.shared.accounts.expire_all();
    }
}

/// Buckets and objects. What names a bucket that is not there makes it.
impl Handle {
    /// Makes a bucket, if it is not there.
    pub fn create_bucket(&self, bucket: &str) {
        // The only error is that it is there.
        let _ = self.shared.store.lock().create_bucket(bucket);
    }

    /// Makes a bucket that keeps versions, or makes one keep them.
    pub fn create_versioned_bucket(&self, bucket: &str) {
        self.create_bucket(bucket);
        if let Ok(bucket) = self.shared.store.lock().bucket_mut(bucket) {
            bucket.versioning = Versioning::Enabled;
        }
    }

    /// Makes a bucket keep no more versions than it has.
    pub fn suspend_versions(&self, bucket: &str) {
        if let Ok(bucket) = self.shared.store.lock().bucket_mut(bucket) {
            bucket.versioning = Versioning::Suspended;
        }
    }

    /// Gives a bucket a rule that deletes objects below a prefix after some days. It is told to who
    /// asks, and deletes nothing.
    pub fn expire(&self, bucket: &str, name: &str, prefix: &str, days: i32) {
        if let Ok(bucket) = self.shared.store.lock().bucket_mut(bucket) {
            bucket.expiries.push((name.to_owned(), prefix.to_owned(), days));
        }
    }

    /// Whether a bucket is there.
    pub fn has_bucket(&self, bucket: &str) -> bool {
        self.shared.store.lock().bucket(bucket).is_ok()
    }

    /// Lets everybody read a bucket, or stops that.
    pub fn set_public(&self, bucket: &str, public: bool) {
        if let Ok(bucket) = self.shared.store.lock().bucket_mut(bucket) {
            bucket.public = public;
        }
    }

    /// Puts an object with metadata.
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>, metadata: &[(&str, &str)]) {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let attributes =
            Attributes { metadata: metadata.iter().map(pair).collect(), ..Attributes::default() };
        self.put_with(bucket, key, bytes, attributes);
    }

    /// Puts an object with any attributes.
    pub fn put_with(
        &self,
        bucket: &str,
        key: &str,
        bytes: impl Into<Bytes>,
        attributes: Attributes,
    ) {
        self.create_bucket(bucket);
        let new = new_object(bytes.into(), attributes);
        // Without a condition, and with a bucket, nothing refuses it.
        let _ = self.shared.store.lock().put(bucket, key, new, &Conditions::default());
    }

    /// Puts many objects quickly.
    pub fn put_many<K: AsRef<str>>(
        &self,
        bucket: &str,
        objects: impl IntoIterator<Item = (K, Bytes)>,
    ) {
        self.create_bucket(bucket);
        for (key, bytes) in objects {
            let new = new_object(bytes, Attributes::default());
            let conditions = Conditions::default();
            let _ = self.shared.store.lock().put(bucket, key.as_ref(), new, &conditions);
        }
    }

    /// An object as a read would find it.
    pub fn get(&self, bucket: &str, key: &str) -> Option<Object> {
        let state = self.shared.store.lock();
        state.find(bucket, key, None).ok().map(|object| Object::clone(object))
    }

    /// Deletes an object as a request would: where the bucket keeps versions, it keeps those.
    pub fn delete(&self, bucket: &str, key: &str) {
        let conditions = Conditions::default();
        // Without a condition, and with a bucket, nothing refuses it.
        let _ = self.shared.store.lock().delete(bucket, key, None, &conditions);
    }

    /// Removes an object with all its versions. Whether there was any.
    pub fn remove(&self, bucket: &str, key: &str) -> bool {
        let mut state = self.shared.store.lock();
        let bucket = state.bucket_mut(bucket);
        bucket.is_ok_and(|bucket| bucket.keys.remove(key).is_some())
    }

    /// Changes an object where it is, without making a version.
    pub fn change<T>(
        &self,
        bucket: &str,
        key: &str,
        change: impl FnOnce(&mut Object) -> T,
    ) -> Option<T> {
        self.shared.store.lock().change(bucket, key, None, change).ok()
    }

    /// Changes the bytes of an object and nothing else: its ETag and checksums are wrong afterwards.
    pub fn corrupt(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) -> bool {
        let content = Content::from(bytes.into());
        self.change(bucket, key, |object| object.content = content).is_some()
    }

    /// Makes an object older or younger.
    pub fn set_modified(&self, bucket: &str, key: &str, at: SystemTime) -> bool {
        self.change(bucket, key, |object| object.last_modified = at).is_some()
    }

    /// The keys that a listing would show, in byte order.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let state = self.shared.store.lock();
        let Ok(bucket) = state.bucket(bucket) else {
            return Vec::new();
        };
        let shown = |versions: &Vec<Version>| {
            versions.last().is_some_and(|version| version.object().is_some())
        };
        let keys = bucket.keys.iter().filter(|(_, versions)| shown(versions));
        keys.map(|(key, _)| key.clone()).collect()
    }

    /// All versions and delete markers, by key, the oldest first.
    pub fn versions(&self, bucket: &str) -> Vec<KeyVersion> {
        let state = self.shared.store.lock();
        let Ok(bucket) = state.bucket(bucket) else {
            return Vec::new();
        };
        let versions = bucket.keys.iter().flat_map(|(key, versions)| {
            versions.iter().map(|version| KeyVersion {
                key: key.clone(),
                version_id: version.id().to_owned(),
                object: version.object().cloned(),
            })
        });
        versions.collect()
    }

    /// Lets the uploads in parts that nobody finished have begun then.
    pub fn set_uploads_begun(&self, at: SystemTime) {
        self.shared.store.lock().uploads.begun_at(at);
    }

    /// The uploads in parts that nobody finished, by key.
    pub fn uploads(&self, bucket: &str) -> Vec<UnfinishedUpload> {
        let state = self.shared.store.lock();
        let uploads = state.uploads.of(bucket).into_iter();
        uploads
            .map(|(id, upload)| UnfinishedUpload {
                key: upload.key.clone(),
                upload_id: id.to_owned(),
                parts: upload
                    .parts
                    .iter()
                    .map(|(number, part)| (*number, part.content.len()))
                    .collect(),
                attributes: upload.attributes.clone(),
            })
            .collect()
    }

    /// Everything that could differ between two states of a bucket: for tests that compare them.
    pub fn snapshot(&self, bucket: &str) -> BTreeMap<String, (String, Attributes)> {
        let keys = self.keys(bucket).into_iter();
        keys.filter_map(|key| {
            let object = self.get(bucket, &key)?;
            Some((key, (object.etag, object.attributes)))
        })
        .collect()
    }
}

fn new_object(bytes: Bytes, attributes: Attributes) -> NewObject {
    NewObject {
        etag: hex(&Md5::checksum(&bytes)),
        content: Content::from(bytes),
        attributes,
        tags: BTreeMap::new(),
        checksums: Checksums::default(),
        part_sizes: Vec::new(),
    }
}
