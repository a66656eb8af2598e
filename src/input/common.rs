//! The keys of `source` that every track has. Names, types and meanings are those of
//! concourse/s3-resource where it has the key.

use super::access::{Access, ChecksumAlgorithm, access};
use super::lenient::{Count, Flag, Text, fields_of, read, schema_of};
use crate::words::fault::fault;
use crate::words::names::{Prefix, shown};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What every track is told by its `source`, validated.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How the bucket is reached.
    pub access: Access,
    /// Put before every key.
    pub prefix: Prefix,
    /// How many of the newest versions the very first check returns.
    pub initial_history: usize,
    /// A get downloads nothing unless its own params say otherwise.
    pub skip_download: bool,
    /// URLs are signed, and shown to nobody.
    pub private: bool,
    /// What the user should know, though it is no error.
    pub warnings: Vec<String>,
}

/// The common keys, as the user wrote them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["bucket"]))]
pub struct Common {
    /// The bucket's name, or the ARN of an access point.
    pub(super) bucket: Text,
    /// The key that signs requests. Without one, and without the chain, they are not signed.
    pub(super) access_key_id: Text,
    /// The secret of `access_key_id`.
    pub(super) secret_access_key: Text,
    /// The token of temporary credentials.
    pub(super) session_token: Text,
    /// A role to assume with the key, or with the chain; refreshed while a long put runs.
    pub(super) aws_role_arn: Text,
    /// The external id that the role asks for.
    pub(super) aws_role_external_id: Text,
    /// The name of the role's session.
    #[schemars(extend("default" = "s3-asset-resource"))]
    pub(super) aws_role_session_name: Text,
    /// An OIDC token, for which STS gives the credentials of `aws_role_arn`.
    pub(super) aws_web_identity_token: Text,
    /// Takes credentials from the standard AWS chain: environment, profile, web identity, container,
    /// instance.
    pub(super) enable_aws_creds_provider: Flag,
    /// The region.
    #[schemars(extend("default" = "us-east-1"))]
    pub(super) region_name: Text,
    /// Another S3 server than AWS: `host`, `host:port` or a URL.
    pub(super) endpoint: Text,
    /// Takes `http://` for an endpoint without a scheme.
    pub(super) disable_ssl: Flag,
    /// Asks the servers of AWS that keep to FIPS 140.
    pub(super) use_fips_endpoint: Flag,
    /// Asks the servers of AWS that have IPv6 addresses as well.
    pub(super) use_dualstack_endpoint: Flag,
    /// The account that the bucket must belong to; a bucket of another is refused by S3.
    pub(super) expected_bucket_owner: Text,
    /// Who pays for requests to a bucket whose owner does not.
    #[schemars(extend("enum" = ["requester"]))]
    pub(super) request_payer: Text,
    /// Accepts any certificate.
    pub(super) skip_ssl_verification: Flag,
    /// PEM text of certificates that replace those under `/etc/ssl/certs`.
    pub(super) ca_bundle: Text,
    /// Puts the bucket in the path instead of in the host's name.
    pub(super) use_path_style: Flag,
    /// Sends no checksums, for servers that refuse their headers.
    pub(super) skip_s3_checksums: Flag,
    /// The checksum that uploads carry. Unset: SHA-256, and CRC-64 for parts.
    #[schemars(extend("enum" = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]))]
    pub(super) checksum_algorithm: Text,
    /// How S3 encrypts the objects.
    #[schemars(extend("enum" = ["AES256", "aws:kms", "aws:kms:dsse"]))]
    pub(super) server_side_encryption: Text,
    /// The key of `aws:kms`.
    pub(super) sse_kms_key_id: Text,
    /// Sends every object in one piece, held in memory whole.
    pub(super) disable_multipart: Flag,
    /// With `regexp` or `versioned_file`: a get's `url` is signed and good for a day, for buckets
    /// that are not public; the build page shows none.
    pub(super) private: Flag,
    /// Gets write only the small files about a version, unless their params say otherwise.
    pub(super) skip_download: Flag,
    /// Accepted with a warning; has no effect.
    pub(super) cloudfront_url: Text,
    /// Accepted with a warning; has no effect.
    pub(super) use_v2_signing: Flag,
    /// A folder put before every key.
    pub(super) prefix: Text,
    /// How many of the newest versions the very first check returns.
    #[schemars(extend("minimum" = 1, "default" = 1))]
    pub(super) initial_history: Count,
    /// `false` accepts a server that ignores conditional writes: one writer at a time.
    #[schemars(extend("default" = true))]
    pub(super) conditional_writes: Flag,
}

/// The common keys that this release knows.
pub fn keys() -> &'static [&'static str] {
    fields_of::<Common>()
}

/// JSON Schema of the common keys.
pub fn schema() -> Value {
    schema_of::<Common>()
}

impl Common {
    /// Reads the common keys of a `source`.
    pub fn read(source: &Map<String, Value>) -> anyhow::Result<Common> {
        read("source", source)
    }

    /// What is put before every key.
    pub fn prefix(&self) -> anyhow::Result<Prefix> {
        Prefix::parse("source.prefix", self.prefix.get().unwrap_or(""))
    }

    /// Validates them.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let mut warnings = Vec::new();
        if self.use_v2_signing.is_on() {
            warnings.push(
                "use_v2_signing has no effect: every request is signed with version 4".to_owned(),
            );
        }
        if self.cloudfront_url.get().is_some() {
            warnings.push("cloudfront_url has no effect: set `endpoint` instead".to_owned());
        }
        if let Some(name) =
            self.checksum_algorithm.get().filter(|it| ChecksumAlgorithm::is_other(it))
        {
            warnings.push(format!(
                "checksum_algorithm `{}` has no effect, as in s3-resource: uploads carry SHA-256, and CRC-64 in parts",
                shown(name)
            ));
        }
        let initial_history = match self.initial_history.get() {
            Some(0) => {
                return Err(fault(
                    "source.initial_history: 0 versions are no history",
                    "give 1 or more",
                ));
            }
            given => usize::try_from(given.unwrap_or(1)).unwrap_or(usize::MAX),
        };
        Ok(Settings {
            access: access(self)?,
            prefix: self.prefix()?,
            initial_history,
            skip_download: self.skip_download.is_on(),
            private: self.private.is_on(),
            warnings,
        })
    }
}
