//! Who may do what: the credentials, the deny rules, the public buckets, the region.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

use crate::log::RequestInfo;
use crate::matching::Matching;
use crate::shared::Shared;

/// Requests that are answered with 403 `AccessDenied`.
///
/// The keys of a `DeleteObjects` are matched one by one as `DeleteObject`, and the source of a copy
/// as `GetObject`.
#[derive(Clone, Debug, Default)]
pub struct Deny {
    matching: Matching,
}

impl Deny {
    /// Denies everything, until it is narrowed.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only this operation, by its S3 name.
    #[must_use]
    pub fn on(mut self, operation: &str) -> Self {
        self.matching.operation = Some(operation.to_owned());
        self
    }

    /// Only this key (of a listing: this prefix).
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.matching.key_is = Some(key.to_owned());
        self
    }

    /// Only keys that contain this.
    #[must_use]
    pub fn key_contains(mut self, part: &str) -> Self {
        self.matching.key_contains = Some(part.to_owned());
        self
    }
}

/// The deny rules.
#[derive(Debug, Default)]
pub(crate) struct Denies {
    rules: RwLock<Vec<Deny>>,
}

impl Denies {
    pub(crate) fn add(&self, rule: Deny) {
        self.rules.write().unwrap_or_else(PoisonError::into_inner).push(rule);
    }

    pub(crate) fn clear(&self) {
        self.rules.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Refuses what a rule denies.
    pub(crate) fn check(&self, operation: &str, key: Option<&str>) -> S3Result {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        if rules.iter().any(|rule| rule.matching.matches(operation, key)) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        Ok(())
    }
}

/// Credentials that were given out by `AssumeRole`.
#[derive(Clone, Debug)]
pub(crate) struct Temporary {
    pub(crate) secret: String,
    pub(crate) expires: SystemTime,
}

/// All credentials.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    temporary: Mutex<BTreeMap<String, Temporary>>,
}

impl Accounts {
    pub(crate) fn add(&self, access_key: String, credentials: Temporary) {
        let mut temporary = self.temporary.lock().unwrap_or_else(PoisonError::into_inner);
        temporary.insert(access_key, credentials);
    }

    fn get(&self, access_key: &str) -> Option<Temporary> {
        let temporary = self.temporary.lock().unwrap_or_else(PoisonError::into_inner);
        temporary.get(access_key).cloned()
    }

    pub(crate) fn expire_all(&self) {
        let mut temporary = self.temporary.lock().unwrap_or_else(PoisonError::into_inner);
        for credentials in temporary.values_mut() {
            credentials.expires = SystemTime::UNIX_EPOCH;
        }
    }

    /// Refuses temporary credentials that have expired or come without their token. Whether the
    /// signature fits is checked later, by the protocol crate.
    pub(crate) fn check_session(&self, info: &RequestInfo) -> Result<(), Refusal> {
        let Some(credentials) = info.access_key().and_then(|key| self.get(&key)) else {
            return Ok(());
        };
        let token = info.header("x-amz-security-token");
        let token = token.map(str::to_owned).or_else(|| info.query("X-Amz-Security-Token"));
        if token.is_none_or(|token| token.is_empty()) {
            return Err(Refusal {
                status: 403,
                code: "InvalidAccessKeyId",
                message: "The AWS Access Key Id you provided needs its session token.",
            });
        }
        if credentials.expires <= SystemTime::now() {
            return Err(Refusal {
                status: 400,
                code: "ExpiredToken",
                message: "The provided token has expired.",
            });
        }
        Ok(())
    }
}

/// A refusal before the protocol crate has seen the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

/// The secrets, as the protocol crate asks for them.
pub(crate) struct Secrets(pub(crate) Arc<Shared>);

#[async_trait::async_trait]
impl S3Auth for Secrets {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let options = &self.0.options;
        if access_key == options.access_key {
            return Ok(SecretKey::from(options.secret_key.as_str()));
        }
        let temporary = self.0.accounts.get(access_key);
        temporary.map(|credentials| SecretKey::from(credentials.secret)).ok_or_else(|| {
            s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            )
        })
    }
}

/// Everything for who signs, reading of public buckets for everybody.
pub(crate) struct Policy(pub(crate) Arc<Shared>);

#[async_trait::async_trait]
impl S3Access for Policy {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        if context.credentials().is_some() {
            return Ok(());
        }
        let operation = context.s3_op().name();
        let reads = ["Get", "Head", "List"].iter().any(|verb| operation.starts_with(verb));
        let bucket = context.s3_path().get_bucket_name();
        let state = self.0.store.lock();
        let public =
            bucket.and_then(|name| state.buckets.get(name)).is_some_and(|bucket| bucket.public);
        if reads && public {
            return Ok(());
        }
        Err(s3_error!(AccessDenied, "Access Denied"))
    }
}
