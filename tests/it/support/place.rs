//! A bucket on whichever server the suite runs against: the embedded one, or a real one that the
//! environment names.

use super::program::program_at;
use super::{Resource, Tree, published};
use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Region, ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{
    BucketVersioningStatus, Delete, ObjectIdentifier, VersioningConfiguration,
};
use s3_asset_resource::input::access::Trust;
use s3_test_server::{LogEntry, Options, Server};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;

/// A bucket of a test's own.
pub(crate) struct Place {
    bucket: String,
    endpoint: String,
    access_key: String,
    secret_key: String,
    client: Client,
    runtime: Runtime,
    /// Whether the server obeys conditions, as the suite is told.
    conditions: bool,
    /// Whether the bucket was told to keep versions.
    versioned: Cell<bool>,
    /// None where the server is a real one.
    embedded: Option<Server>,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Ends a story that is about to start a server where `ci/stories` asks which of them are told on any:
/// those write their names into the file of `S3_ASSET_TEST_LIST`.
pub(crate) fn only_listed(anywhere: bool) {
    let Some(list) = variable("S3_ASSET_TEST_LIST") else { return };
    if anywhere {
        let thread = std::thread::current();
        let name = thread.name().expect("a story's thread has its name");
        let mut list = OpenOptions::new().append(true).open(&list).expect("the list");
        list.write_all(format!("{name}\n").as_bytes()).expect("the list takes a name");
    }
    panic!("only listed");
}

/// Whether the suite runs on a server that ignores conditions.
fn unconditional() -> bool {
    variable("S3_ASSET_TEST_CONDITIONAL_WRITES").as_deref() == Some("false")
}

impl Place {
    /// For a story of one writer after the other.
    pub(crate) fn new() -> Place {
        only_listed(true);
        match Place::given() {
            None => Place::embedded(Options::default()),
            Some(place) => place.created(),
        }
    }

    /// For a story of several writers at once: it is told where conditions are obeyed.
    pub(crate) fn of_writers() -> Place {
        if unconditional() {
            only_listed(false);
            return Place::embedded(Options::default());
        }
        Place::new()
    }

    /// A bucket that does not exist yet on the server that the environment names.
    fn given() -> Option<Place> {
        let endpoint = variable("S3_ASSET_TEST_ENDPOINT")?;
        let named = |name: &str| variable(name).unwrap_or_else(|| panic!("set {name}"));
        let access = named("S3_ASSET_TEST_ACCESS_KEY");
        let secret = named("S3_ASSET_TEST_SECRET_KEY");
        Some(Place::at(endpoint, access, secret, !unconditional(), None))
    }

    /// A bucket `it-<kind>-...` on a server that enforces the policies of packages.
    pub(crate) fn enforcing(kind: &str) -> Place {
        let given = variable("S3_ASSET_TEST_POLICIES").and_then(|_| Place::given());
        let mut place = given.expect("S3_ASSET_TEST_POLICIES, as ci/seaweedfs.sh sets it");
        place.bucket = place.bucket.replacen("it-", &format!("it-{kind}-"), 1);
        place.created()
    }

    /// On a server that ignores conditions: the suite's when it does, else the embedded one.
    pub(crate) fn without_conditions() -> Place {
        if unconditional() {
            return Place::new();
        }
        only_listed(false);
        Place::embedded(Options { ignore_conditions: true, ..Options::default() })
    }

    fn embedded(options: Options) -> Place {
        let conditions = !options.ignore_conditions;
        let server = Server::start(options);
        let (access, secret) = (server.access_key().to_owned(), server.secret_key().to_owned());
        Place::at(server.endpoint(), access, secret, conditions, Some(server)).created()
    }

    fn created(self) -> Place {
        let place = self;
        let create = place.client.create_bucket().bucket(&place.bucket);
        place.runtime.block_on(create.send()).expect("a bucket of the test's own");
        place
    }

    fn at(
        endpoint: String,
        access_key: String,
        secret_key: String,
        conditions: bool,
        embedded: Option<Server>,
    ) -> Place {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_micros();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .force_path_style(true)
            .endpoint_url(&endpoint)
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            // The stories compare bytes themselves, and moto says what is no checksum.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .credentials_provider(Credentials::new(&access_key, &secret_key, None, None, "test"))
            .http_client(s3_asset_resource::s3::http::client(&Trust::System))
            .build();
        Place {
            bucket: format!("it-{since}-{count}"),
            endpoint,
            access_key,
            secret_key,
            client: Client::from_conf(config),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime"),
            conditions,
            versioned: Cell::new(false),
            embedded,
        }
    }

    /// A resource with the artifacts track over the bucket, that asks of the server what it has.
    pub(crate) fn resource(&self) -> Resource {
        let resource = self.demanding();
        if self.conditions { resource } else { resource.set("conditional_writes", "false") }
    }

    /// A resource that says nothing of conditions.
    pub(crate) fn demanding(&self) -> Resource {
        Resource::new(json!({
            "bucket": self.bucket, "endpoint": self.endpoint, "use_path_style": true,
            "access_key_id": self.access_key, "secret_access_key": self.secret_key,
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

    /// `s3-asset` over the bucket, with an environment of its own.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = program_at(
            &self.endpoint,
            [&self.access_key, &self.secret_key],
            &[arguments, &["--bucket", &self.bucket]].concat(),
        );
        command.env("AWS_DEFAULT_REGION", "us-east-1");
        command
    }

    /// Lets the bucket keep versions; false where its server does not know how.
    pub(crate) fn keep_versions(&self) -> bool {
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
        let put = self.client.put_bucket_versioning().bucket(&self.bucket);
        let put = put.versioning_configuration(enabled.build());
        self.versioned.set(self.runtime.block_on(put.send()).is_ok());
        self.versioned.get()
    }

    /// Deletes each version of every object.
    async fn forget_versions(&self) {
        let list = self.client.list_object_versions().bucket(&self.bucket);
        let page = list.send().await.expect("a listing of versions");
        let versions =
            page.versions.unwrap_or_default().into_iter().map(|it| (it.key, it.version_id));
        let markers = page.delete_markers.unwrap_or_default().into_iter();
        for (key, id) in versions.chain(markers.map(|it| (it.key, it.version_id))) {
            let delete = self.client.delete_object().bucket(&self.bucket).set_key(key);
            delete.set_version_id(id).send().await.expect("the version goes");
        }
    }

    /// The requests that came to the embedded server.
    pub(crate) fn requests(&self) -> Option<Vec<LogEntry>> {
        self.embedded.as_ref().map(|server| server.requests())
    }

    pub(crate) fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// The keys, sorted.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.runtime.block_on(async {
            let mut pages =
                self.client.list_objects_v2().bucket(&self.bucket).into_paginator().send();
            let mut keys = Vec::new();
            while let Some(page) = pages.next().await {
                let objects = page.expect("a listing").contents.unwrap_or_default();
                keys.extend(objects.into_iter().filter_map(|object| object.key));
            }
            keys.sort();
            keys
        })
    }

    /// Everything that a write could change: the keys and their tags.
    pub(crate) fn state(&self) -> BTreeMap<String, String> {
        let keys = self.keys().into_iter();
        keys.map(|key| (key.clone(), self.head(&key).e_tag.unwrap_or_default())).collect()
    }

    pub(crate) fn put(&self, key: &str, bytes: &[u8], metadata: &[(&str, &str)]) {
        let metadata: HashMap<String, String> =
            metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let put = self.client.put_object().bucket(&self.bucket).key(key);
        let put = put.set_metadata(Some(metadata)).body(bytes.to_vec().into());
        self.runtime.block_on(put.send()).expect("the object is put");
    }

    pub(crate) fn head(&self, key: &str) -> HeadObjectOutput {
        let head = self.client.head_object().bucket(&self.bucket).key(key);
        self.runtime.block_on(head.send()).unwrap_or_else(|e| panic!("{key}: {e:?}"))
    }

    pub(crate) fn tags(&self, key: &str) -> BTreeMap<String, String> {
        let tags = self.client.get_object_tagging().bucket(&self.bucket).key(key);
        let tags = self.runtime.block_on(tags.send()).unwrap_or_else(|e| panic!("{key}: {e:?}"));
        tags.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect()
    }

    pub(crate) fn bytes(&self, key: &str) -> Option<Vec<u8>> {
        let get = self.client.get_object().bucket(&self.bucket).key(key);
        self.runtime.block_on(async {
            match get.send().await {
                Ok(object) => Some(object.body.collect().await.expect("its bytes").to_vec()),
                Err(e) if e.as_service_error().is_some_and(GetObjectError::is_no_such_key) => None,
                Err(e) => panic!("{key}: {e:?}"),
            }
        })
    }

    /// What stands in a folder; see [`published`].
    pub(crate) fn published(&self, folder: &str) -> Option<Tree> {
        published(folder, |key| self.bytes(key))
    }

    /// The entries of the history's head, newest first.
    pub(crate) fn head_of_history(&self) -> Vec<Value> {
        let bytes = self.bytes("artifacts/.history.json").expect("a history");
        let head: Value = serde_json::from_slice(&bytes).expect("JSON");
        head["entries"].as_array().expect("entries").clone()
    }
}

/// A real server keeps what it is given, and may have room for few buckets.
impl Drop for Place {
    fn drop(&mut self) {
        if self.embedded.is_some() || std::thread::panicking() {
            return;
        }
        if self.versioned.get() {
            self.runtime.block_on(self.forget_versions());
        }
        let keys = self.keys();
        self.runtime.block_on(async {
            for some in keys.chunks(1_000) {
                let named = |key: &String| ObjectIdentifier::builder().key(key).build();
                let objects = some.iter().map(named).collect::<Result<_, _>>().expect("keys");
                let all = Delete::builder().set_objects(Some(objects)).build().expect("a list");
                let delete = self.client.delete_objects().bucket(&self.bucket).delete(all);
                delete.send().await.expect("the objects go");
            }
            let gone = self.client.delete_bucket().bucket(&self.bucket).send().await;
            gone.expect("the bucket goes");
        });
    }
}
