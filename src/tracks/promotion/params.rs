//! `params` of the `promotion` track.

use crate::input::get_file as file;
use crate::input::lenient::{Flag, Text, closed, fields_of, read, refuse_unknown, schema_of};
use crate::input::object_params::{self as object, RawObject};
use crate::tracks::promotion::source::Promotion;
use crate::words::fault::fault;
use crate::words::names::ReleaseVersion;
use crate::words::object::{ObjectOptions, PROMOTION, VERSION};
use crate::words::packing::Packing;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A put of the `promotion` track.
#[derive(Debug, Clone)]
pub struct PutPromotion {
    /// What it does.
    pub act: Act,
    /// As what the directory is uploaded that the glob matches; none: it matches a file.
    pub pack: Option<Packing>,
    /// What the objects carry.
    pub object: ObjectOptions,
}

/// What a put does; paths are below its directory of inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Uploads the one file that a glob matches, to the first rank.
    Upload {
        /// The glob.
        file: String,
        /// As which version; none: the time.
        version: Option<VersionOf>,
    },
    /// Promotes from the rank before.
    Promote {
        /// Which version; none: what stands there.
        version: Option<VersionOf>,
    },
    /// Puts back a version that stood at this rank.
    RollBack {
        /// Which.
        version: VersionOf,
    },
}

/// Where a version comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionOf {
    /// The user wrote it.
    Given(ReleaseVersion),
    /// A file holds it.
    File(String),
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RawPut {
    /// The file to upload, a glob that matches one. Required at the first rank, and only taken there.
    file: Text,
    /// Uploads an archive of a directory, `tar.gz`, `tar.zst` or `zip`; `file` then matches one
    /// directory.
    pack: Text,
    /// The version. Unset: at the first rank the time, as `20261121T081530.123Z`; at the others what
    /// stands at the rank before.
    version: Text,
    /// A file that holds the version.
    version_file: Text,
    /// Puts back this `version`, which stood at this rank before.
    rollback: Flag,
}

impl PutPromotion {
    /// Validates the params of a put at a track's rank.
    pub fn parse(params: &Map<String, Value>, track: &Promotion) -> anyhow::Result<PutPromotion> {
        refuse_unknown("params", params, &[fields_of::<RawPut>(), fields_of::<RawObject>()])?;
        let raw: RawPut = read("params", params)?;
        let object = object::options(&read("params", params)?)?;
        if let Some(name) =
            [VERSION, PROMOTION].iter().find(|it| object.metadata.contains_key(**it))
        {
            return Err(fault(
                format!("params.object_metadata: `{name}` is written by this resource"),
                "give it another name",
            ));
        }
        let version = match (raw.version.get(), raw.version_file.get()) {
            (Some(_), Some(_)) => {
                return Err(fault(
                    "params: both version and version_file",
                    "remove one of the two",
                ));
            }
            (Some(text), None) => {
                let version = ReleaseVersion::parse(text).map_err(|e| e.context("params.version"));
                Some(VersionOf::Given(version?))
            }
            (None, file) => file.map(|file| VersionOf::File(file.to_owned())),
        };
        let act = match (track.previous(), raw.file.get(), raw.rollback.is_on()) {
            (_, Some(_), true) => {
                return Err(fault(
                    "params: both file and rollback",
                    "a rollback puts back bytes that are in the archive: remove `file`",
                ));
            }
            (_, None, true) => Act::RollBack {
                version: version.ok_or_else(|| {
                    fault(
                        "params.rollback: no version to go back to",
                        "give `version`, or `version_file`: of a get that is pinned to it, for example",
                    )
                })?,
            },
            (None, Some(file), false) => Act::Upload { file: file.to_owned(), version },
            (None, None, false) => {
                return Err(fault(
                    format!("params.file: missing, and `{}` is the first rank", track.rank),
                    "give the file to upload, for example `file: built/my-*.tar.gz`",
                ));
            }
            (Some(previous), Some(_), false) => {
                return Err(fault(
                    format!("params.file: files are uploaded to the rank `{}` only", track.ranks[0]),
                    format!("remove `file`: `{}` gets what stood at `{previous}`", track.rank),
                ));
            }
            (Some(_), None, false) => Act::Promote { version },
        };
        let pack = Packing::parse(raw.pack.get(), matches!(act, Act::Upload { .. }))?;
        Ok(PutPromotion { act, pack, object })
    }
}

/// The keys of a get's params and of a put's.
pub(in crate::tracks) fn keys() -> [(&'static str, Vec<&'static str>); 2] {
    [
        ("get params", file::keys()),
        ("put params", [fields_of::<RawPut>(), fields_of::<RawObject>()].concat()),
    ]
}

/// What an editor may know of them.
pub(in crate::tracks) fn schemas() -> [Value; 2] {
    [
        file::schema("promotion"),
        closed("promotion", [schema_of::<RawPut>(), schema_of::<RawObject>()]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracks::{Source, Track};
    use serde_json::json;

    fn put(rank: &str, params: Value) -> anyhow::Result<Act> {
        let source = json!({
            "bucket": "b", "promotion": {"ranks": ["qa", "production"], "rank": rank, "file": "f"}
        });
        let source = Source::parse(source.as_object().expect("a map")).expect("valid");
        let Track::Promotion(track) = source.track else { panic!("the promotion track") };
        PutPromotion::parse(params.as_object().expect("a map"), &track).map(|params| params.act)
    }

    #[test]
    fn what_a_put_does() {
        let given = |text: &str| VersionOf::Given(ReleaseVersion::parse(text).expect("a version"));
        let cases = [
            ("qa", json!({"file": "a/*"}), Act::Upload { file: "a/*".into(), version: None }),
            (
                "qa",
                json!({"file": "a/*", "version": 1.5}),
                Act::Upload { file: "a/*".into(), version: Some(given("1.5")) },
            ),
            ("production", json!({}), Act::Promote { version: None }),
            (
                "production",
                json!({"version_file": "v/version", "rollback": false}),
                Act::Promote { version: Some(VersionOf::File("v/version".into())) },
            ),
            (
                "qa",
                json!({"rollback": "true", "version": "1"}),
                Act::RollBack { version: given("1") },
            ),
        ];
        for (rank, params, want) in cases {
            assert_eq!(put(rank, params).expect("valid"), want);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("qa", json!({}), "params.file: missing, and `qa` is the first rank"),
            (
                "production",
                json!({"file": "f"}),
                "params.file: files are uploaded to the rank `qa` only",
            ),
            ("qa", json!({"file": "f", "rollback": true}), "params: both file and rollback"),
            ("production", json!({"rollback": true}), "params.rollback: no version to go back to"),
            (
                "production",
                json!({"version": "1", "version_file": "f"}),
                "params: both version and version_file",
            ),
            ("production", json!({"version": "a/../b"}), "params.version"),
            ("production", json!({"pack": "zip"}), "params.pack: given without file"),
            ("production", json!({"verison": "1"}), "params: unknown key `verison`"),
            (
                "production",
                json!({"object_metadata": {"Version": "1"}}),
                "params.object_metadata: `version` is written by this resource",
            ),
        ];
        for (rank, params, want) in cases {
            assert_eq!(put(rank, params).expect_err(want).to_string(), want);
        }
    }
}
