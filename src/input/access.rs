//! How a bucket is reached: the common keys, whose names, types and meanings are those of
//! concourse/s3-resource.

use super::common::Common;
use super::lenient::Text;
use crate::words::fault::{Fault, fault};
use crate::words::names::{Bucket, shown};
use crate::words::secret::Secret;

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

/// Which checksum travels with each body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// The SHA-256 that is known anyway for bodies in one piece, CRC-64 for parts.
    Default,
    /// None: for servers that refuse the headers.
    None,
    /// This one, for every body.
    Always(ChecksumAlgorithm),
}

/// The checksums that S3 can verify and keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumAlgorithm {
    /// CRC-32, as in zip.
    Crc32,
    /// CRC-32C, Castagnoli.
    Crc32c,
    /// CRC-64/NVME.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl ChecksumAlgorithm {
    const ALL: [(&str, ChecksumAlgorithm); 5] = [
        ("CRC32", ChecksumAlgorithm::Crc32),
        ("CRC32C", ChecksumAlgorithm::Crc32c),
        ("CRC64NVME", ChecksumAlgorithm::Crc64Nvme),
        ("SHA1", ChecksumAlgorithm::Sha1),
        ("SHA256", ChecksumAlgorithm::Sha256),
    ];

    /// Names that s3-resource takes as well. It then sends another checksum, and so is it here.
    const OTHERS: [&str; 5] = ["MD5", "SHA512", "XXHASH128", "XXHASH3", "XXHASH64"];

    /// Whether a name is one of S3's that this resource does not make.
    pub(super) fn is_other(name: &str) -> bool {
        ChecksumAlgorithm::OTHERS.iter().any(|other| other.eq_ignore_ascii_case(name))
    }

    /// S3's name for it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, algorithm)| *algorithm == self).map_or("", |(name, _)| name)
    }
}

/// What a text becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// A word in a header, or in a form.
    Word,
    /// A part of the server's name.
    HostPart,
    /// What signs it: never sent, and a line end in it makes another signature.
    Secret,
}

/// Refuses what cannot be sent, from wherever it came: the signing of requests panics on it. The text
/// is not shown, for it may be secret.
pub fn sendable(name: &str, text: &str, kind: Sent) -> Result<(), Fault> {
    let good = match kind {
        Sent::Word => text.bytes().all(|b| b.is_ascii_graphic()),
        Sent::HostPart => {
            text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        }
        Sent::Secret => text.trim() == text && !text.chars().any(char::is_control),
    };
    if good {
        return Ok(());
    }
    let (why, hint) = match kind {
        Sent::Word => {
            ("has white space or other than ASCII in it", "copy it again, without a line end")
        }
        Sent::HostPart => ("is no name of a region", "for example `eu-west-1`, without a line end"),
        Sent::Secret => {
            ("has a line end or other white space in it", "copy it again, without a line end")
        }
    };
    Err(Fault::new(format!("{name}: not sent, for it {why}"), hint))
}

/// Server-side encryption, as S3 names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`; passed through.
    pub algorithm: String,
    /// The KMS key; none: the account's default.
    pub kms_key_id: Option<String>,
}

pub(super) fn access(common: &Common) -> anyhow::Result<Access> {
    let owned = |text: &Text| text.get().map(str::to_owned);
    for (name, text, kind) in [
        ("access_key_id", &common.access_key_id, Sent::Word),
        ("secret_access_key", &common.secret_access_key, Sent::Secret),
        ("session_token", &common.session_token, Sent::Word),
        ("region_name", &common.region_name, Sent::HostPart),
        ("aws_role_arn", &common.aws_role_arn, Sent::Word),
        ("aws_web_identity_token", &common.aws_web_identity_token, Sent::Word),
        ("expected_bucket_owner", &common.expected_bucket_owner, Sent::Word),
        ("aws_role_external_id", &common.aws_role_external_id, Sent::Word),
        ("aws_role_session_name", &common.aws_role_session_name, Sent::Word),
        ("server_side_encryption", &common.server_side_encryption, Sent::Word),
        ("sse_kms_key_id", &common.sse_kms_key_id, Sent::Word),
    ] {
        if let Some(text) = text.get() {
            sendable(&format!("source.{name}"), text, kind)?;
        }
    }
    let Some(bucket) = common.bucket.get() else {
        return Err(fault("source.bucket: missing", "name the bucket"));
    };
    let key = match (common.access_key_id.get(), common.secret_access_key.get()) {
        (Some(id), Some(secret)) => Some(Identity::Key {
            id: id.to_owned(),
            secret: Secret::new(secret),
            token: common.session_token.get().map(Secret::new),
        }),
        (None, None) if common.session_token.get().is_some() => {
            return Err(fault(
                "source.session_token: given without access_key_id and secret_access_key",
                "a session token belongs to the key that it was issued with",
            ));
        }
        (None, None) => None,
        (Some(_), None) => {
            return Err(fault(
                "source.secret_access_key: missing",
                "access_key_id is given: give both, or neither",
            ));
        }
        (None, Some(_)) => {
            return Err(fault(
                "source.access_key_id: missing",
                "secret_access_key is given: give both, or neither",
            ));
        }
    };
    let role = common.aws_role_arn.get().map(|arn| Role {
        arn: arn.to_owned(),
        external_id: owned(&common.aws_role_external_id),
        session_name: common.aws_role_session_name.or("s3-asset-resource"),
    });
    let key = match (key, common.aws_web_identity_token.get()) {
        (key, None) => key,
        (Some(_), Some(_)) => {
            return Err(fault(
                "source.aws_web_identity_token: given beside access_key_id",
                "give the token and `aws_role_arn`, or the key",
            ));
        }
        (None, Some(_)) if role.is_none() => {
            return Err(fault(
                "source.aws_web_identity_token: given without aws_role_arn",
                "name the role whose trust policy takes the token",
            ));
        }
        (None, Some(_)) if common.aws_role_external_id.get().is_some() => {
            return Err(fault(
                "source.aws_role_external_id: given beside aws_web_identity_token",
                "remove it: whoever comes with a token is asked for no external id",
            ));
        }
        (None, Some(token)) => Some(Identity::Token(Secret::new(token))),
    };
    let identity = match key {
        Some(key) => key,
        None if role.is_some() || common.enable_aws_creds_provider.is_on() => Identity::Chain,
        None => Identity::Anonymous,
    };
    let trust = match (common.skip_ssl_verification.is_on(), common.ca_bundle.get()) {
        (true, Some(_)) => {
            return Err(fault(
                "source: please do not use ca_bundle when skip_ssl_verification is set",
                "remove one of the two",
            ));
        }
        (true, None) => Trust::Anything,
        (false, Some(pem)) => Trust::Bundle(pem.to_owned()),
        (false, None) => Trust::System,
    };
    if common.sse_kms_key_id.get().is_some() && common.server_side_encryption.get().is_none() {
        return Err(fault(
            "source.sse_kms_key_id: given without server_side_encryption",
            "add `server_side_encryption: aws:kms`",
        ));
    }
    let bucket = Bucket::parse(bucket).map_err(|e| e.context("source"))?;
    let point = bucket.access_point();
    if point.is_some() && common.use_path_style.is_on() {
        return Err(fault(
            "source.use_path_style: an access point has no path",
            "remove it, or name the bucket instead of the ARN",
        ));
    }
    Ok(Access {
        region: common.region_name.or(point.map_or("us-east-1", |point| point.region)),
        bucket,
        endpoint: common
            .endpoint
            .get()
            .map(|e| endpoint(e, common.disable_ssl.is_on()))
            .transpose()?,
        path_style: common.use_path_style.is_on(),
        servers: servers(common)?,
        said: said(common)?,
        identity,
        role,
        trust,
        checksum: checksum(common)?,
        encryption: common.server_side_encryption.get().map(|algorithm| Encryption {
            algorithm: algorithm.to_owned(),
            kms_key_id: owned(&common.sse_kms_key_id),
        }),
        multipart: !common.disable_multipart.is_on(),
        conditional_writes: common.conditional_writes.or(true),
    })
}

/// AWS's own servers, which another server has no like of.
fn servers(common: &Common) -> anyhow::Result<Servers> {
    for (key, flag) in [
        ("use_fips_endpoint", &common.use_fips_endpoint),
        ("use_dualstack_endpoint", &common.use_dualstack_endpoint),
    ] {
        if flag.is_on() && common.endpoint.get().is_some() {
            return Err(fault(
                format!(
                    "source.{key}: it chooses among the servers of AWS, and `endpoint` names another"
                ),
                "remove one of the two",
            ));
        }
    }
    Ok(Servers {
        fips: common.use_fips_endpoint.is_on(),
        dualstack: common.use_dualstack_endpoint.is_on(),
    })
}

fn said(common: &Common) -> anyhow::Result<Said> {
    let owner = common.expected_bucket_owner.get();
    let is_account = |id: &str| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit());
    if let Some(owner) = owner
        && common.endpoint.get().is_none()
        && !is_account(owner)
    {
        return Err(fault(
            format!("source.expected_bucket_owner: `{}` is no account of AWS", shown(owner)),
            "give its 12 digits, in quotes: YAML takes a zero at the beginning away",
        ));
    }
    let requester_pays = match common.request_payer.get() {
        None => false,
        Some("requester") => true,
        Some(other) => {
            return Err(fault(
                format!("source.request_payer: `{}` is nobody who can pay", shown(other)),
                "write `requester`, or remove it",
            ));
        }
    };
    Ok(Said { owner: owner.map(str::to_owned), requester_pays })
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

fn checksum(common: &Common) -> anyhow::Result<Checksum> {
    let Some(name) = common.checksum_algorithm.get() else {
        return Ok(if common.skip_s3_checksums.is_on() {
            Checksum::None
        } else {
            Checksum::Default
        });
    };
    if common.skip_s3_checksums.is_on() {
        return Err(fault(
            "source: checksum_algorithm cannot be used when skip_s3_checksums is true",
            "remove one of the two",
        ));
    }
    if ChecksumAlgorithm::is_other(name) {
        return Ok(Checksum::Default);
    }
    ChecksumAlgorithm::ALL
        .into_iter()
        .find_map(|(known, algorithm)| {
            known.eq_ignore_ascii_case(name).then_some(Checksum::Always(algorithm))
        })
        .ok_or_else(|| {
            let mut all: Vec<&str> = ChecksumAlgorithm::ALL.map(|(name, _)| name).to_vec();
            all.extend(ChecksumAlgorithm::OTHERS);
            all.sort_unstable();
            fault(
                format!("source: checksum_algorithm must be one of: {}", all.join(", ")),
                format!("`{}` is none of them", shown(name)),
            )
        })
}

/// `host[:port]` gets a scheme; a URL keeps its own. `disable_ssl` decides only where the user
/// wrote none, as in s3-resource.
fn endpoint(text: &str, disable_ssl: bool) -> anyhow::Result<String> {
    let hint = "give a host, with a port where it is not the usual one, for example https://minio.example.com:9000";
    let url = match text.split_once("://") {
        None if disable_ssl => format!("http://{text}"),
        None => format!("https://{text}"),
        Some(("http" | "https", _)) => text.to_owned(),
        Some((scheme, _)) => {
            return Err(fault(
                format!("source.endpoint: `{}` is no scheme of S3", shown(scheme)),
                hint,
            ));
        }
    };
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    if rest.contains('@') {
        // Not shown: what stands before the `@` may be a password.
        return Err(fault(
            "source.endpoint: credentials in the URL",
            "use access_key_id and secret_access_key",
        ));
    }
    if !rest.is_ascii() {
        return Err(fault(
            format!("source.endpoint: `{}` is not all ASCII", shown(text)),
            "write the name as DNS has it: `xn--...`",
        ));
    }
    let host = rest.split('/').next().unwrap_or("");
    if host.is_empty()
        || rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '?' || c == '#')
    {
        return Err(fault(format!("source.endpoint: `{}` is no address", shown(text)), hint));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(source: &serde_json::Value) -> anyhow::Result<Access> {
        let serde_json::Value::Object(source) = source else { anyhow::bail!("no object") };
        access(&Common::read(source)?)
    }

    #[test]
    fn addresses_of_aws() {
        let arn = "arn:aws:s3:eu-west-2:123456789012:accesspoint/my-point";
        let (point, colon) =
            (json!(arn), json!("arn:aws-cn:s3:cn-north-1:123456789012:accesspoint:p"));
        for (source, url) in [
            (json!({"bucket": "b"}), "https://b.s3.us-east-1.amazonaws.com/"),
            (
                json!({"bucket": "b", "region_name": "cn-north-1"}),
                "https://b.s3.cn-north-1.amazonaws.com.cn/",
            ),
            (
                json!({"bucket": "b", "use_fips_endpoint": true}),
                "https://b.s3-fips.us-east-1.amazonaws.com/",
            ),
            (
                json!({"bucket": "b", "use_dualstack_endpoint": "true", "use_path_style": true}),
                "https://s3.dualstack.us-east-1.amazonaws.com/b/",
            ),
            (
                json!({"bucket": point}),
                "https://my-point-123456789012.s3-accesspoint.eu-west-2.amazonaws.com/",
            ),
            (
                json!({"bucket": colon}),
                "https://p-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn/",
            ),
            (
                json!({"bucket": point, "use_fips_endpoint": true, "use_dualstack_endpoint": true}),
                "https://my-point-123456789012.s3-accesspoint-fips.dualstack.eu-west-2.amazonaws.com/",
            ),
            (
                json!({"bucket": point, "endpoint": "http://s3.example.com:9000"}),
                "http://my-point-123456789012.s3.example.com:9000/",
            ),
        ] {
            assert_eq!(of(&source).expect("access").url(), url, "{source}");
        }
        let point = of(&json!({"bucket": arn})).expect("access");
        assert_eq!(point.region, "eu-west-2");
        assert_eq!(point.bucket.uri("a/b"), format!("s3://{arn}/a/b"));
        let here = of(&json!({"bucket": arn, "region_name": "us-west-1"})).expect("access");
        assert_eq!(here.region, "us-west-1");
    }

    #[test]
    fn ways_in_that_cannot_be() {
        let arn = "arn:aws:s3:eu-west-2:123456789012:accesspoint/p";
        let role = "arn:aws:iam::123456789012:role/r";
        for (source, what) in [
            (json!({"bucket": "arn:aws:s3:::b"}), "the ARN of a bucket"),
            (json!({"bucket": "arn:aws:s3::123456789012:accesspoint/x.mrap"}), "multi-region"),
            (
                json!({"bucket": "arn:aws:s3-outposts:us-east-1:1:outpost/o/accesspoint/p"}),
                "Outposts",
            ),
            (
                json!({"bucket": "arn:aws:s3:eu-west-2:123456789012:accesspoint/p/q"}),
                "no ARN of an access point",
            ),
            (json!({"bucket": "arn:"}), "no ARN of an access point"),
            (json!({"bucket": arn, "use_path_style": true}), "use_path_style"),
            (
                json!({"bucket": "b", "endpoint": "e", "use_fips_endpoint": true}),
                "use_fips_endpoint",
            ),
            (
                json!({"bucket": "b", "endpoint": "e", "use_dualstack_endpoint": true}),
                "use_dualstack_endpoint",
            ),
            (
                json!({"bucket": "b", "expected_bucket_owner": 12_345_678_901_u64}),
                "no account of AWS",
            ),
            (
                json!({"bucket": "b", "endpoint": "e", "expected_bucket_owner": "a b"}),
                "expected_bucket_owner",
            ),
            (json!({"bucket": "b", "request_payer": "me"}), "request_payer"),
            (json!({"bucket": "b", "aws_web_identity_token": "t"}), "without aws_role_arn"),
            (
                json!({"bucket": "b", "aws_web_identity_token": "t", "access_key_id": "a", "secret_access_key": "s"}),
                "beside access_key_id",
            ),
            (
                json!({"bucket": "b", "aws_web_identity_token": "t", "aws_role_arn": role, "aws_role_external_id": "x"}),
                "aws_role_external_id",
            ),
        ] {
            let error = of(&source).err().map(|e| format!("{e:#}"));
            assert!(error.as_ref().is_some_and(|it| it.contains(what)), "{source}: {error:?}");
        }
        let other = json!({"bucket": "b", "endpoint": "e", "expected_bucket_owner": "tenant$x"});
        assert_eq!(of(&other).expect("access").said.owner.as_deref(), Some("tenant$x"));
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let cases = [
            (Sent::Word, "AKIA/+=", true),
            (Sent::Word, "AKIA\n", false),
            (Sent::Word, "AK IA", false),
            (Sent::Word, "AKIAé", false),
            (Sent::HostPart, "eu-west-1", true),
            (Sent::HostPart, "us_east.1", true),
            (Sent::HostPart, "eu-west-1\n", false),
            (Sent::HostPart, "x.example.com/", false),
            (Sent::HostPart, "x@y", false),
            (Sent::Secret, "a b é\"'", true),
            (Sent::Secret, "secret\r", false),
            (Sent::Secret, "secret ", false),
            (Sent::Secret, "sec\nret", false),
        ];
        for (kind, text, good) in cases {
            let sent = sendable("it", text, kind);
            assert_eq!(sent.is_ok(), good, "{text:?}");
            assert!(sent.err().is_none_or(|fault| !fault.to_string().contains(text.trim())));
        }
    }
}
