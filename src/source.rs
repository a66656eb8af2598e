//! `source`: what the user wrote becomes a bucket to reach and one track to follow.
//!
//! All validation happens here, without a network; what leaves this file is valid. Names, types
//! and meanings of the common keys are those of concourse/s3-resource.

use crate::code_hash::{Algorithm, Recipe};
use crate::fault::fault;
use crate::lenient::{Count, Flag, Text, Texts, fields_of, read, refuse_unknown};
use crate::names::{Bucket, Prefix, shown};
use crate::secret::Secret;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A valid `source`.
#[derive(Debug, Clone)]
pub struct Source {
    /// How the bucket is reached.
    pub access: Access,
    /// Put before every key.
    pub prefix: Prefix,
    /// How many of the newest versions the very first check returns.
    pub initial_history: usize,
    /// Whether the server's conditional writes are relied upon.
    pub conditional_writes: bool,
    /// A get downloads nothing unless its own params say otherwise.
    pub skip_download: bool,
    /// What this resource follows.
    pub track: Track,
    /// What the user should know, though it is no error.
    pub warnings: Vec<String>,
}

/// The track of a resource. The other five tracks of the design join here.
#[derive(Debug, Clone)]
pub enum Track {
    /// Sets of files, one for each commit.
    Artifacts(Artifacts),
}

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

    /// S3's name for it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, algorithm)| *algorithm == self).map_or("", |(name, _)| name)
    }
}

/// Server-side encryption, as S3 names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`; passed through.
    pub algorithm: String,
    /// The KMS key; none: the account's default.
    pub kms_key_id: Option<String>,
}

/// The `artifacts` track.
#[derive(Debug, Clone)]
pub struct Artifacts {
    /// The folder of the sets.
    pub artifacts: Prefix,
    /// The folder of the cache.
    pub cache: Prefix,
    /// What goes into the code hash; none: no cache.
    pub code_hash: Option<CodeHashRule>,
    /// What makes a new version.
    pub follow: Follow,
    /// A resource for looking up only.
    pub lookup: bool,
}

/// How a code hash is made, as the user wrote it: the patterns are compiled for the put that uses
/// them, since a check each minute does not.
#[derive(Debug, Clone)]
pub struct CodeHashRule {
    algorithm: Algorithm,
    patterns: Vec<String>,
}

impl CodeHashRule {
    /// Compiles the patterns.
    pub fn recipe(&self) -> anyhow::Result<Recipe> {
        Recipe::parse(self.algorithm, &self.patterns).map_err(|e| {
            fault(
                format!("source.artifacts.code_hash: {e}"),
                "patterns start at the repository's root, for example `lambdas/**`",
            )
        })
    }
}

/// What makes a new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Every published commit.
    Commit,
    /// Only a commit with other code than the one before.
    Code,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Common {
    bucket: Text,
    access_key_id: Text,
    secret_access_key: Text,
    session_token: Text,
    aws_role_arn: Text,
    aws_role_external_id: Text,
    aws_role_session_name: Text,
    enable_aws_creds_provider: Flag,
    region_name: Text,
    endpoint: Text,
    disable_ssl: Flag,
    skip_ssl_verification: Flag,
    ca_bundle: Text,
    use_path_style: Flag,
    skip_s3_checksums: Flag,
    checksum_algorithm: Text,
    server_side_encryption: Text,
    sse_kms_key_id: Text,
    disable_multipart: Flag,
    // Accepted because pipelines of s3-resource carry it; no file of this track holds a URL.
    #[allow(dead_code)]
    private: Flag,
    skip_download: Flag,
    cloudfront_url: Text,
    use_v2_signing: Flag,
    prefix: Text,
    initial_history: Count,
    conditional_writes: Flag,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tracks {
    artifacts: Option<Value>,
    promotion: Option<Value>,
    package: Option<Value>,
    gocd: Option<Value>,
    regexp: Text,
    versioned_file: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawArtifacts {
    artifacts_prefix: Text,
    cache_prefix: Text,
    code_hash: Texts,
    code_hash_algorithm: Text,
    follow: Text,
    lookup: Flag,
}

impl Source {
    /// Validates what the user wrote.
    pub fn parse(source: &Map<String, Value>) -> anyhow::Result<Source> {
        refuse_unknown("source", source, &[fields_of::<Common>(), fields_of::<Tracks>()])?;
        let common: Common = read("source", source)?;
        let mut warnings = Vec::new();
        if common.use_v2_signing.is_on() {
            warnings.push(
                "use_v2_signing has no effect: every request is signed with version 4".to_owned(),
            );
        }
        if common.cloudfront_url.get().is_some() {
            warnings.push("cloudfront_url has no effect: set `endpoint` instead".to_owned());
        }
        let prefix = Prefix::parse("source.prefix", common.prefix.get().unwrap_or(""))?;
        let initial_history = match common.initial_history.get() {
            Some(0) => {
                return Err(fault(
                    "source.initial_history: 0 versions are no history",
                    "give 1 or more",
                ));
            }
            given => usize::try_from(given.unwrap_or(1)).unwrap_or(usize::MAX),
        };
        Ok(Source {
            track: track(&read("source", source)?, &prefix)?,
            access: access(&common)?,
            prefix,
            initial_history,
            conditional_writes: common.conditional_writes.or(true),
            skip_download: common.skip_download.is_on(),
            warnings,
        })
    }
}

/// The keys that this release knows, by place: for documents and editors.
pub fn known_keys() -> [(&'static str, Vec<&'static str>); 2] {
    [
        ("source", [fields_of::<Common>(), fields_of::<Tracks>()].concat()),
        ("source.artifacts", fields_of::<RawArtifacts>().to_vec()),
    ]
}

const SIX: &str =
    "give exactly one of `artifacts`, `promotion`, `package`, `gocd`, `regexp`, `versioned_file`";

fn track(tracks: &Tracks, prefix: &Prefix) -> anyhow::Result<Track> {
    let set = |value: &Option<Value>| {
        !matches!(value, None | Some(Value::Null) | Some(Value::Bool(false)))
            && value.as_ref().and_then(Value::as_str) != Some("")
    };
    let given: Vec<&str> = [
        ("artifacts", set(&tracks.artifacts)),
        ("promotion", set(&tracks.promotion)),
        ("package", set(&tracks.package)),
        ("gocd", set(&tracks.gocd)),
        ("regexp", tracks.regexp.get().is_some()),
        ("versioned_file", tracks.versioned_file.get().is_some()),
    ]
    .into_iter()
    .filter_map(|(name, is_set)| is_set.then_some(name))
    .collect();
    match given.as_slice() {
        [] => Err(fault("source: no track", SIX)),
        ["artifacts"] => artifacts(tracks.artifacts.as_ref().unwrap_or(&Value::Null), prefix)
            .map(Track::Artifacts),
        [other] => Err(fault(
            format!("source.{other}: this release has the `artifacts` track only"),
            "the changelog says which release brings the others",
        )),
        several => Err(fault(format!("source: more than one track: {}", several.join(", ")), SIX)),
    }
}

fn artifacts(value: &Value, prefix: &Prefix) -> anyhow::Result<Artifacts> {
    const PLACE: &str = "source.artifacts";
    let Value::Object(map) = value else {
        return Err(fault(
            format!("{PLACE}: expected a map"),
            "`artifacts: {}` takes every default",
        ));
    };
    refuse_unknown(PLACE, map, &[fields_of::<RawArtifacts>()])?;
    let raw: RawArtifacts = read(PLACE, map)?;
    let folder = |name: &str, text: &Text, default: &str| {
        let folder = Prefix::parse(&format!("{PLACE}.{name}"), &text.or(default))?;
        Prefix::parse(name, &format!("{prefix}{folder}"))
    };
    let artifacts = folder("artifacts_prefix", &raw.artifacts_prefix, "artifacts")?;
    let cache = folder("cache_prefix", &raw.cache_prefix, "cache")?;
    if artifacts.as_str().starts_with(cache.as_str())
        || cache.as_str().starts_with(artifacts.as_str())
    {
        return Err(fault(
            format!("{PLACE}: `artifacts_prefix` and `cache_prefix` lie within each other"),
            "give two folders side by side",
        ));
    }
    let algorithm: Algorithm = raw.code_hash_algorithm.or("sha256").parse().map_err(|e| {
        fault(format!("{PLACE}.code_hash_algorithm: {e}"), "give sha256, git-tree or md5")
    })?;
    let code_hash = match raw.code_hash.get() {
        [] => None,
        patterns => Some(CodeHashRule { algorithm, patterns: patterns.to_vec() }),
    };
    let follow = match raw.follow.get() {
        None | Some("commit") => Follow::Commit,
        Some("code") => Follow::Code,
        Some(other) => {
            return Err(fault(
                format!("{PLACE}.follow: `{}` cannot be followed", shown(other)),
                "give commit or code",
            ));
        }
    };
    Ok(Artifacts { artifacts, cache, code_hash, follow, lookup: raw.lookup.is_on() })
}

fn access(common: &Common) -> anyhow::Result<Access> {
    let owned = |text: &Text| text.get().map(str::to_owned);
    for (name, text) in [
        ("access_key_id", &common.access_key_id),
        ("session_token", &common.session_token),
        ("region_name", &common.region_name),
    ] {
        // The signing of requests panics on what cannot be in a header. Not shown: it may be secret.
        if text.get().is_some_and(|text| !text.bytes().all(|b| b.is_ascii_graphic())) {
            return Err(fault(
                format!(
                    "source.{name}: not sent, for it has white space or other than ASCII in it"
                ),
                "copy it again, without a line end",
            ));
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
    Ok(Access {
        bucket: Bucket::parse(bucket).map_err(|e| e.context("source"))?,
        region: common.region_name.or("us-east-1"),
        endpoint: common
            .endpoint
            .get()
            .map(|e| endpoint(e, common.disable_ssl.is_on()))
            .transpose()?,
        path_style: common.use_path_style.is_on(),
        identity,
        role,
        trust,
        checksum: checksum(common)?,
        encryption: common.server_side_encryption.get().map(|algorithm| Encryption {
            algorithm: algorithm.to_owned(),
            kms_key_id: owned(&common.sse_kms_key_id),
        }),
        multipart: !common.disable_multipart.is_on(),
    })
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
    ChecksumAlgorithm::ALL
        .into_iter()
        .find_map(|(known, algorithm)| {
            known.eq_ignore_ascii_case(name).then_some(Checksum::Always(algorithm))
        })
        .ok_or_else(|| {
            let all = ChecksumAlgorithm::ALL.map(|(name, _)| name).join(", ");
            fault(
                format!("source: checksum_algorithm must be one of: {all}"),
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
    let host = rest.split('/').next().unwrap_or("");
    if host.is_empty()
        || rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '?' || c == '#')
    {
        return Err(fault(format!("source.endpoint: `{}` is no address", shown(text)), hint));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests;
