//! `source`: what the user wrote becomes a bucket to reach and one track to follow.
//!
//! All validation happens here, without a network; what leaves this file is valid. Names, types
//! and meanings of the common keys are those of concourse/s3-resource.

mod access;
mod artifacts;
mod package;
mod promotion;

pub use access::{Access, Checksum, ChecksumAlgorithm, Encryption, Identity, Role, Trust};
pub use artifacts::{Artifacts, CodeHashRule, Follow};
pub use package::{Numbering, Package};
pub use promotion::{InvalidRank, Promotion};

use crate::fault::fault;
use crate::lenient::{Count, Flag, Text, closed, fields_of, read, refuse_unknown, schema_of};
use crate::names::Prefix;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

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

/// The track of a resource. The other tracks of the design join here.
#[derive(Debug, Clone)]
pub enum Track {
    /// Sets of files, one for each commit.
    Artifacts(Artifacts),
    /// Versions of a package, with tags.
    Package(Package),
    /// A file that climbs through ranks.
    Promotion(Promotion),
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["bucket"]))]
struct Common {
    /// The bucket's name.
    bucket: Text,
    /// The key that signs requests. Without one, and without the chain, they are not signed.
    access_key_id: Text,
    /// The secret of `access_key_id`.
    secret_access_key: Text,
    /// The token of temporary credentials.
    session_token: Text,
    /// A role to assume with the key, or with the chain.
    aws_role_arn: Text,
    /// The external id that the role asks for.
    aws_role_external_id: Text,
    /// The name of the role's session; `s3-asset-resource` unless given.
    aws_role_session_name: Text,
    /// Takes credentials from the standard AWS chain: environment, profile, web identity, container,
    /// instance.
    enable_aws_creds_provider: Flag,
    /// The region; `us-east-1` unless given.
    region_name: Text,
    /// Another S3 server than AWS: `host`, `host:port` or a URL.
    endpoint: Text,
    /// `http://` for an endpoint without a scheme.
    disable_ssl: Flag,
    /// Accepts any certificate.
    skip_ssl_verification: Flag,
    /// Certificates in PEM that replace the system's.
    ca_bundle: Text,
    /// The bucket in the path instead of in the host's name.
    use_path_style: Flag,
    /// Sends no checksums, for servers that refuse their headers.
    skip_s3_checksums: Flag,
    /// The checksum that uploads carry; SHA-256, and CRC-64 for parts, unless given.
    #[schemars(extend("enum" = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]))]
    checksum_algorithm: Text,
    /// How S3 encrypts the objects.
    #[schemars(extend("enum" = ["AES256", "aws:kms", "aws:kms:dsse"]))]
    server_side_encryption: Text,
    /// The key of `aws:kms`.
    sse_kms_key_id: Text,
    /// Every object in one piece, held in memory whole.
    disable_multipart: Flag,
    /// Accepted because pipelines of concourse/s3-resource carry it; has no effect here.
    #[allow(dead_code)]
    private: Flag,
    /// Gets write only the small files about a version, unless their params say otherwise.
    skip_download: Flag,
    /// Accepted with a warning; has no effect.
    cloudfront_url: Text,
    /// Accepted with a warning; has no effect.
    use_v2_signing: Flag,
    /// A folder put before every key.
    prefix: Text,
    /// How many of the newest versions the very first check returns; 1 unless given.
    #[schemars(extend("minimum" = 1))]
    initial_history: Count,
    /// False accepts a server that ignores conditional writes: one writer at a time.
    conditional_writes: Flag,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct Tracks {
    /// Sets of files, one for each commit; `{}` takes every default.
    artifacts: Option<Value>,
    /// A file that climbs through ranks: one resource for each rank.
    promotion: Option<Value>,
    /// Versions of a package, with tags.
    package: Option<Value>,
    /// Not in this release.
    gocd: Option<Value>,
    /// Not in this release.
    regexp: Text,
    /// Not in this release.
    versioned_file: Text,
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
            access: access::access(&common)?,
            prefix,
            initial_history,
            conditional_writes: common.conditional_writes.or(true),
            skip_download: common.skip_download.is_on(),
            warnings,
        })
    }
}

/// The keys that this release knows, by place: for documents and editors.
pub fn known_keys() -> [(&'static str, Vec<&'static str>); 4] {
    [
        ("source", [fields_of::<Common>(), fields_of::<Tracks>()].concat()),
        ("source.artifacts", artifacts::keys()),
        ("source.promotion", promotion::keys()),
        ("source.package", package::keys()),
    ]
}

/// JSON Schema of `source`.
pub fn schema() -> Value {
    let mut schema = closed("source", [schema_of::<Common>(), schema_of::<Tracks>()]);
    let tracks = [
        ("artifacts", artifacts::schema()),
        ("promotion", promotion::schema()),
        ("package", package::schema()),
    ];
    let names = tracks.each_ref().map(|(name, _)| *name);
    if let Value::Object(properties) = &mut schema["properties"] {
        properties.retain(|key, _| {
            names.contains(&key.as_str()) || !fields_of::<Tracks>().contains(&key.as_str())
        });
        for (name, mut track) in tracks {
            track["description"] = properties[name]["description"].take();
            properties.insert(name.to_owned(), track);
        }
    }
    schema["oneOf"] = names.iter().map(|name| json!({"required": [name]})).collect();
    schema
}

const SIX: &str =
    "give exactly one of `artifacts`, `promotion`, `package`, `gocd`, `regexp`, `versioned_file`";

fn track(tracks: &Tracks, prefix: &Prefix) -> anyhow::Result<Track> {
    let set = |value: &Option<Value>| {
        !matches!(value, None | Some(Value::Null) | Some(Value::Bool(false)))
            && value.as_ref().and_then(Value::as_str) != Some("")
    };
    let value = |value| Option::as_ref(value).unwrap_or(&Value::Null);
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
        ["artifacts"] => artifacts::parse(value(&tracks.artifacts), prefix).map(Track::Artifacts),
        ["promotion"] => promotion::parse(value(&tracks.promotion), prefix).map(Track::Promotion),
        ["package"] => package::parse(value(&tracks.package), prefix).map(Track::Package),
        [other] => Err(fault(
            format!("source.{other}: this release does not have that track"),
            "it has `artifacts`, `promotion` and `package`: the others come with later releases",
        )),
        several => Err(fault(format!("source: more than one track: {}", several.join(", ")), SIX)),
    }
}

#[cfg(test)]
mod tests;
