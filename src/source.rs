//! `source`: what the user wrote becomes a bucket to reach and one track to follow.
//!
//! All validation happens here, without a network; what leaves this file is valid. Names, types
//! and meanings of the common keys are those of concourse/s3-resource.

mod access;
mod artifacts;
mod package;

pub use access::{Access, Checksum, ChecksumAlgorithm, Encryption, Identity, Role, Trust};
pub use artifacts::{Artifacts, CodeHashRule, Follow};
pub use package::{Numbering, Package};

use crate::fault::fault;
use crate::lenient::{Count, Flag, Text, fields_of, read, refuse_unknown};
use crate::names::Prefix;
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

/// The track of a resource.
#[derive(Debug, Clone)]
pub enum Track {
    /// Sets of files, one for each commit.
    Artifacts(Artifacts),
    /// Versions of a package, with tags.
    Package(Package),
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
        let track = track(&read("source", source)?, &prefix)?;
        let bucket = match &track {
            Track::Package(package) => package.only_bucket(),
            Track::Artifacts(_) => None,
        };
        Ok(Source {
            access: access::access(&common, bucket)?,
            track,
            prefix,
            initial_history,
            conditional_writes: common.conditional_writes.or(true),
            skip_download: common.skip_download.is_on(),
            warnings,
        })
    }
}

/// The keys that this release knows, by place: for documents and editors.
pub fn known_keys() -> [(&'static str, Vec<&'static str>); 3] {
    [
        ("source", [fields_of::<Common>(), fields_of::<Tracks>()].concat()),
        ("source.artifacts", artifacts::keys()),
        ("source.package", package::keys()),
    ]
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
        ["package"] => package::parse(value(&tracks.package), prefix).map(Track::Package),
        [other] => Err(fault(
            format!("source.{other}: this release does not have that track"),
            "use `artifacts` or `package`: the other tracks come with later releases",
        )),
        several => Err(fault(format!("source: more than one track: {}", several.join(", ")), SIX)),
    }
}

#[cfg(test)]
mod tests;
