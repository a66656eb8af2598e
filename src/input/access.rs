//! How a bucket is reached: what a client is made of, valid. `read` makes it of the common keys, whose
//! names, types and meanings are those of concourse/s3-resource.

use crate::words::names::Bucket;
use crate::words::secret::Secret;

mod checksum;
mod read;
mod sendable;
#[cfg(test)]
mod tests;
mod told;

pub use checksum::{Checksum, ChecksumAlgorithm};
pub(super) use read::access;
pub use sendable::{Sent, sendable};
pub use told::Told;

/// How a bucket is reached: all that a client is made of.
#[derive(Debug, Clone)]
pub struct Access {
    /// The bucket.
    pub bucket: Bucket,
    /// The region, `us-east-1` unless given.
    pub region: String,
    /// A URL with its scheme; none: AWS's own for the region.
    pub endpoint: Option<String>,
    /// The bucket in the path instead of in the host's name.
    pub path_style: bool,
    /// Which of AWS's servers are asked.
    pub servers: Servers,
    /// What each request says of the bucket.
    pub said: Said,
    /// Who signs.
    pub identity: Identity,
    /// A role to assume with that identity.
    pub role: Option<Role>,
    /// What a server's certificate is checked against.
    pub trust: Trust,
    /// Which checksum travels with each body.
    pub checksum: Checksum,
    /// The encryption asked of S3 for each object written.
    pub encryption: Option<Encryption>,
    /// Whether large objects may travel in parts.
    pub multipart: bool,
    /// Whether the server's conditional writes are relied upon.
    pub conditional_writes: bool,
    /// In whose words an error speaks of all this.
    pub told: Told,
}

/// Which of AWS's servers are asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Servers {
    /// Those that keep to FIPS 140.
    pub fips: bool,
    /// Those that have IPv6 addresses as well.
    pub dualstack: bool,
}

/// What each request says of the bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The account that it must belong to.
    pub owner: Option<String>,
    /// Whether whoever asks pays.
    pub requester_pays: bool,
}

/// Who signs requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Nobody: a public bucket.
    Anonymous,
    /// An access key.
    Key {
        /// Its id.
        id: String,
        /// Its secret.
        secret: Secret,
        /// The token of temporary credentials.
        token: Option<Secret>,
    },
    /// The standard AWS chain: environment, profile, web identity, container, instance.
    Chain,
    /// An OIDC token, for which STS gives a role's credentials.
    Token(Secret),
}

/// A role to assume through STS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// What its trust policy may ask for.
    pub external_id: Option<String>,
    /// What CloudTrail shows.
    pub session_name: String,
}

/// What a server's certificate is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// The certificates under `/etc/ssl/certs`.
    System,
    /// Only those of a PEM text: s3-resource replaces the system's as well.
    Bundle(String),
    /// Nothing: any certificate will do.
    Anything,
}

/// Server-side encryption, as S3 names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`; passed through.
    pub algorithm: String,
    /// The KMS key; none: the account's default.
    pub kms_key_id: Option<String>,
}

impl Access {
    /// The address of a server of AWS.
    fn aws(&self) -> String {
        let Servers { fips, dualstack } = self.servers;
        let point = self.bucket.access_point();
        let service = if point.is_some() { "s3-accesspoint" } else { "s3" };
        let (fips, dual) =
            (if fips { "-fips" } else { "" }, if dualstack { ".dualstack" } else { "" });
        let region = point.map_or(self.region.as_str(), |point| point.region);
        let china = if region.starts_with("cn-") { ".cn" } else { "" };
        format!("https://{service}{fips}{dual}.{region}.amazonaws.com{china}")
    }

    /// The checksums that travel: Google's servers refuse those that nobody asked for.
    pub fn checksum(&self) -> Checksum {
        let is_google = |it: &str| it.contains("storage.googleapis.com");
        match self.checksum {
            Checksum::Default if self.endpoint.as_deref().is_some_and(is_google) => Checksum::None,
            checksum => checksum,
        }
    }

    /// The URL of the bucket, which ends in `/`: its name in the host's name, or in the path where
    /// the user wants it there or the host's name cannot hold it.
    pub fn url(&self) -> String {
        let server = self.endpoint.clone().unwrap_or_else(|| self.aws());
        let (scheme, rest) = server.split_once("://").unwrap_or(("https", &server));
        let (host, _) = rest.split_once(['/', ':']).unwrap_or((rest, ""));
        let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
        if let Some(point) = self.bucket.access_point() {
            return format!("{scheme}://{}-{}.{rest}/", point.name, point.account);
        }
        let bucket = self.bucket.as_str();
        let is_label = bucket.len() <= 63
            && !bucket.starts_with('-')
            && bucket.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if self.path_style || is_address || !is_label {
            format!("{scheme}://{rest}/{bucket}/")
        } else {
            format!("{scheme}://{bucket}.{rest}/")
        }
    }
}
