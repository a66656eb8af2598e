//! The embedded server, for stories that need its log, its faults or its insides.

use super::{Resource, Tree, only_listed, published};
use s3_test_server::{Handle, Options, Server};
use serde_json::json;
use std::collections::BTreeMap;
use std::ops::Deref;

pub(crate) const BUCKET: &str = "assets";

/// A server with one bucket. Stories that use it run on no other server.
pub(crate) struct Embedded(Server);

impl Embedded {
    pub(crate) fn new() -> Embedded {
        Embedded::with(|_| {})
    }

    pub(crate) fn with(options: impl FnOnce(&mut Options)) -> Embedded {
        only_listed(false);
        let mut all = Options::with_bucket(BUCKET);
        options(&mut all);
        Embedded(Server::start(all))
    }

    /// A resource with the artifacts track over the bucket.
    pub(crate) fn resource(&self) -> Resource {
        Resource::new(json!({
            "bucket": BUCKET, "endpoint": self.endpoint(), "use_path_style": true,
            "access_key_id": self.access_key(), "secret_access_key": self.secret_key(),
            "artifacts": {},
        }))
    }

    /// A resource with the gocd track over the bucket, of the job `app/build/package`.
    pub(crate) fn gocd(&self) -> Resource {
        let job = json!({"pipeline": "app", "stage": "build", "job": "package"});
        self.resource().unset("artifacts").set("gocd", job)
    }

    /// A resource with the package track over the bucket.
    pub(crate) fn package(&self, name: &str) -> Resource {
        self.resource().unset("artifacts").set("package", json!({"name": name}))
    }

    /// What stands in a folder; see [`published`].
    pub(crate) fn published(&self, folder: &str) -> Option<Tree> {
        published(folder, |key| self.0.get(BUCKET, key).map(|object| object.bytes().to_vec()))
    }

    pub(crate) fn text(&self, key: &str) -> String {
        self.0.get(BUCKET, key).unwrap_or_else(|| panic!("no object {key}")).text()
    }

    /// All objects, to begin another server with.
    pub(crate) fn stored(&self) -> Stored {
        let keys = self.0.keys(BUCKET).into_iter();
        Stored(keys.filter_map(|key| Some((key.clone(), self.0.get(BUCKET, &key)?))).collect())
    }

    /// Puts stored objects in the bucket.
    pub(crate) fn restore(&self, stored: &Stored) {
        for (key, object) in &stored.0 {
            self.0.put_with(BUCKET, key, object.bytes(), object.attributes.clone());
        }
    }
}

/// The objects of a bucket.
#[derive(Default)]
pub(crate) struct Stored(BTreeMap<String, s3_test_server::Object>);

impl Deref for Embedded {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.0
    }
}
