//! What a bucket is set to do by itself, and who asks: for the operator, who is told before it hurts.

use super::evidence::NoPages;
use super::{Failure, Operation, Store, failure};
use crate::machine::environment::now_in_milliseconds;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_s3::types::{ExpirationStatus, LifecycleRule};

/// An enabled rule of a bucket's lifecycle that deletes objects, of some tags or sizes perhaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// Its name, as the bucket has it.
    pub name: String,
    /// The keys that it is about begin with this.
    pub prefix: String,
}

impl Store {
    /// The rules that delete current objects of the bucket.
    pub async fn expiries(&self) -> anyhow::Result<Vec<Expiry>> {
        let operation = Operation::GetBucketLifecycleConfiguration;
        let answer = self
            .attempts(operation, "", || async {
                let bucket = self.access.bucket.as_str();
                let request = self.client.get_bucket_lifecycle_configuration().bucket(bucket);
                request.customize().interceptor(NoPages).send().await.map_err(failure::of)
            })
            .await;
        let rules = match answer {
            Err(failure) if failure.is_not_configured() => return Ok(Vec::new()),
            answer => answer.map_err(|e| self.explain(e, operation, ""))?.rules,
        };
        Ok(rules.unwrap_or_default().into_iter().filter_map(expiry).collect())
    }

    /// How the bucket encrypts what is written without saying how; none: it does not.
    pub async fn default_encryption(&self) -> anyhow::Result<Option<String>> {
        let operation = Operation::GetBucketEncryption;
        let answer = self
            .attempts(operation, "", || async {
                let bucket = self.access.bucket.as_str();
                let request = self.client.get_bucket_encryption().bucket(bucket);
                request.customize().interceptor(NoPages).send().await.map_err(failure::of)
            })
            .await;
        let answer = match answer {
            Err(failure) if failure.is_not_configured() => return Ok(None),
            answer => answer.map_err(|e| self.explain(e, operation, ""))?,
        };
        let rules = answer.server_side_encryption_configuration.map(|it| it.rules);
        let rule = rules.unwrap_or_default().into_iter().next();
        let by_default = rule.and_then(|rule| rule.apply_server_side_encryption_by_default);
        Ok(by_default.map(|it| it.sse_algorithm.as_str().to_owned()))
    }

    /// The id of the access key that signs, none where requests go unsigned; never its secret.
    pub async fn signer(&self) -> anyhow::Result<Option<String>> {
        let Some(provider) = &self.signer else { return Ok(None) };
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|e| failure::of_signer(&e, &self.access))?;
        Ok(Some(credentials.access_key_id().to_owned()))
    }

    /// By how many seconds this machine's clock is ahead of the server's, which its last answer
    /// said; none where it said nothing.
    pub fn clock_ahead(&self) -> Option<i64> {
        self.clock.ahead(now_in_milliseconds())
    }
}

impl Failure {
    /// Whether the bucket has no such setting, or its server knows none.
    fn is_not_configured(&self) -> bool {
        const CODES: [&str; 2] =
            ["NoSuchLifecycleConfiguration", "ServerSideEncryptionConfigurationNotFoundError"];
        self.is_unknown_here() || self.code().is_some_and(|code| CODES.contains(&code))
    }
}

fn expiry(rule: LifecycleRule) -> Option<Expiry> {
    let expires = rule.expiration.is_some_and(|it| it.days.is_some() || it.date.is_some());
    if rule.status != ExpirationStatus::Enabled || !expires {
        return None;
    }
    // Older rules have their prefix beside the filter.
    #[allow(deprecated)]
    let beside = rule.prefix;
    let filter = rule.filter.and_then(|filter| filter.and.map_or(filter.prefix, |and| and.prefix));
    let (name, prefix) = (rule.id.unwrap_or_default(), filter.or(beside).unwrap_or_default());
    Some(Expiry { name, prefix })
}
