//! How a server is to behave.

use std::time::Duration;

use crate::access::Deny;

/// How a server is to behave. `Options::default()` is a faithful S3 on a free port.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on loopback; 0 takes a free one.
    pub port: u16,
    /// Serves https with a certificate of its own; see [`crate::Handle::ca_pem`].
    pub tls: bool,
    /// The access key that signatures are checked against.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    /// The region of all buckets. If set, requests signed for another one are refused; if not, any
    /// region will do and the buckets say they are in `us-east-1`.
    pub region: Option<String>,
    /// How a request signed for another region is refused.
    pub wrong_region: WrongRegion,
    /// Answers every conditional request as if it had no condition, as some servers do.
    pub ignore_conditions: bool,
    /// Ignores the conditions of `CompleteMultipartUpload` only.
    pub ignore_complete_conditions: bool,
    /// Keeps no user metadata of keys that end in `/`, as some servers do.
    pub forget_folder_metadata: bool,
    /// Writes the names of user metadata with `-` for each `_`, as Ceph does.
    pub hyphens_for_underscores: bool,
    /// Knows a tag in the condition of a write without its quotes only, as Ceph does.
    pub bare_tags: bool,
    /// The longest page of a listing, of at most 1000 keys.
    pub max_page: usize,
    /// What is done to the keys of a listing when it is asked to encode them.
    pub listed_keys: ListedKeys,
    /// Keys that every bucket's listing has without that anything is kept for them.
    pub numbered: Option<Numbered>,
    /// The smallest part but the last one; S3 has 5 MiB, the default here is 0.
    pub min_part_size: u64,
    /// ETags from a counter and the length instead of the MD5, for measuring clients.
    pub fast_etags: bool,
    /// How many bytes of bodies a second the network carries, each way; none: as many as it can.
    pub rate: Option<u64>,
    /// Requests that are refused from the start.
    pub deny: Vec<Deny>,
    /// Buckets that exist from the start.
    pub buckets: Vec<String>,
    /// Those of them that everybody may read, and others that then exist as well.
    pub public_buckets: Vec<String>,
    /// How far ahead the clock is that the `Date` of each answer shows.
    pub ahead: Duration,
    /// How long credentials from `AssumeRole` are valid. If unset, as long as the request asks.
    pub session_duration: Option<Duration>,
    /// How long a `KillBefore` or `KillAfter` waits for a victim to be named.
    pub victim_wait: Duration,
}

/// How a request signed for another region is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WrongRegion {
    /// 400 `AuthorizationHeaderMalformed`, which names the right region.
    #[default]
    Malformed,
    /// 301 `PermanentRedirect`.
    Redirect,
}

/// What is done to the keys of a listing when it is asked to encode them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListedKeys {
    /// They are encoded, and the answer says so.
    #[default]
    Encoded,
    /// They are not, and the answer does not say that they are; versitygw does this.
    Plain,
    /// They are not, and the answer says that they are.
    Mislabelled,
}

/// Keys that a listing is made of on the fly: `<before><number, seven digits><after>`, of no bytes.
/// A million objects that were kept would take the server a gigabyte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// What stands before the number.
    pub before: String,
    /// What stands after it.
    pub after: String,
    /// The numbers are those below this one.
    pub count: u64,
}

/// The access key of a server that was given none.
pub const ACCESS_KEY: &str = "test-access-key";
/// The secret of a server that was given none.
pub const SECRET_KEY: &str = "test-secret-key";

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            tls: false,
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            region: None,
            wrong_region: WrongRegion::default(),
            ignore_conditions: false,
            ignore_complete_conditions: false,
            forget_folder_metadata: false,
            hyphens_for_underscores: false,
            bare_tags: false,
            max_page: 1000,
            listed_keys: ListedKeys::default(),
            numbered: None,
            min_part_size: 0,
            fast_etags: false,
            rate: None,
            deny: Vec::new(),
            buckets: Vec::new(),
            public_buckets: Vec::new(),
            ahead: Duration::ZERO,
            session_duration: None,
            victim_wait: Duration::from_secs(5),
        }
    }
}

impl Options {
    /// Options with one bucket.
    pub fn with_bucket(bucket: &str) -> Self {
        Self { buckets: vec![bucket.to_owned()], ..Self::default() }
    }

    pub(crate) fn region_name(&self) -> &str {
        self.region.as_deref().unwrap_or("us-east-1")
    }
}
