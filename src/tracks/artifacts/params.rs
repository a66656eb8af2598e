//! `params` of the `artifacts` track.

use super::gc::plan::Policy;
use crate::input::age;
use crate::input::lenient::{
    Count, Flag, Text, Texts, closed, fields_of, read, refuse_unknown, schema_of,
};
use crate::input::object_params::{self as object, RawObject};
use crate::input::selection::Selection;
use crate::words::fault::fault;
use crate::words::names::{CommitId, shown};
use crate::words::object::ObjectOptions;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is younger, in seconds, no put removes, whatever it is told to keep.
const YOUNG: i64 = 3600;

/// A get of the `artifacts` track.
#[derive(Debug, Clone)]
pub struct GetArtifacts {
    /// Which files of the set.
    pub files: Selection,
    /// Whether only the small files about the set are written; none: as `source` says.
    pub skip_download: Option<bool>,
}

/// A put of the `artifacts` track.
#[derive(Debug, Clone)]
pub struct PutArtifacts {
    /// For which commit.
    pub commit: CommitOf,
    /// The git checkout whose code is hashed.
    pub repository: Option<String>,
    /// What to publish.
    pub directory: Option<String>,
    /// Which files of it.
    pub files: Selection,
    /// What older sets are kept when this one is published; none: all.
    pub retention: Option<Policy>,
    /// What the objects carry.
    pub object: ObjectOptions,
}

/// Where the commit's hash comes from; paths are below the put's directory of inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitOf {
    /// The HEAD of `repository`.
    Repository(String),
    /// The user wrote it.
    Given(CommitId),
    /// A file holds it.
    File(String),
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RawGet {
    /// Which files of the set: globs, a list or one; `!glob` leaves out. Unset: all.
    files: Texts,
    /// Writes only the small files about the set. Unset: as `source` says.
    skip_download: Flag,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RawPut {
    /// A git checkout: its HEAD is the commit, its files give the code hash.
    repository: Text,
    /// The commit. Unset: the HEAD of `repository`.
    commit: Text,
    /// A file that holds the commit.
    commit_file: Text,
    /// What to publish; nested directories keep their paths. Not needed when the set is found.
    directory: Text,
    /// Which files of the directory: globs, a list or one; `!glob` leaves out. Unset: all.
    files: Texts,
    /// Takes files, too, whose path has a name that starts with a dot.
    include_hidden: Flag,
    /// Removes older sets when this one is published, but for this many of the newest.
    keep_last: Count,
    /// The same, but for those published within this time: `60d`, `12h`.
    keep_within: Text,
}

impl GetArtifacts {
    /// Validates a get's params.
    pub fn parse(params: &Map<String, Value>) -> anyhow::Result<GetArtifacts> {
        refuse_unknown("params", params, &[fields_of::<RawGet>()])?;
        let raw: RawGet = read("params", params)?;
        Ok(GetArtifacts {
            files: Selection::new(raw.files.get(), true)?,
            skip_download: raw.skip_download.get(),
        })
    }
}

impl PutArtifacts {
    /// Validates a put's params.
    pub fn parse(params: &Map<String, Value>) -> anyhow::Result<PutArtifacts> {
        refuse_unknown("params", params, &[fields_of::<RawPut>(), fields_of::<RawObject>()])?;
        let raw: RawPut = read("params", params)?;
        let commit = match (raw.repository.get(), raw.commit.get(), raw.commit_file.get()) {
            (_, Some(_), Some(_)) => {
                return Err(fault("params: both commit and commit_file", "remove one of the two"));
            }
            (_, Some(commit), None) => {
                CommitOf::Given(CommitId::parse(commit).map_err(|e| e.context("params.commit"))?)
            }
            (_, None, Some(file)) => CommitOf::File(file.to_owned()),
            (Some(repository), None, None) => CommitOf::Repository(repository.to_owned()),
            (None, None, None) => {
                return Err(fault(
                    "params: no commit to publish for",
                    "give `repository`, the path of a git checkout; or `commit`, or `commit_file`",
                ));
            }
        };
        Ok(PutArtifacts {
            commit,
            repository: raw.repository.get().map(str::to_owned),
            directory: raw.directory.get().map(str::to_owned),
            files: Selection::new(raw.files.get(), raw.include_hidden.is_on())?,
            retention: retention(raw.keep_last, &raw.keep_within)?,
            object: object::options(&read("params", params)?)?,
        })
    }
}

/// Which older sets a put keeps; of both, a set is kept that either keeps.
fn retention(last: Count, within: &Text) -> anyhow::Result<Option<Policy>> {
    let keep_last = match last.get() {
        Some(0) => {
            return Err(fault(
                "params.keep_last: 0 keeps nothing",
                "give how many of the newest sets stay, for example 50",
            ));
        }
        count => count.map(|count| usize::try_from(count).unwrap_or(usize::MAX)),
    };
    let read = |text: &str| {
        age::seconds(text).ok_or_else(|| {
            fault(
                format!("params.keep_within: `{}` is no length of time", shown(text)),
                "give days or hours, for example 60d or 12h",
            )
        })
    };
    let keep_within = within.get().map(read).transpose()?;
    let policy = Policy { keep_last, keep_within, wait: YOUNG, ..Policy::default() };
    Ok((!policy.is_empty()).then_some(policy))
}

/// The keys of a get's params and of a put's.
pub(in crate::tracks) fn keys() -> [(&'static str, Vec<&'static str>); 2] {
    [
        ("get params", fields_of::<RawGet>().to_vec()),
        ("put params", [fields_of::<RawPut>(), fields_of::<RawObject>()].concat()),
    ]
}

/// What an editor may know of them.
pub(in crate::tracks) fn schemas() -> [Value; 2] {
    [
        closed("artifacts", [schema_of::<RawGet>()]),
        closed("artifacts", [schema_of::<RawPut>(), schema_of::<RawObject>()]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fault::hint_of;
    use serde_json::json;

    fn put(params: Value) -> anyhow::Result<PutArtifacts> {
        PutArtifacts::parse(params.as_object().expect("a map"))
    }

    #[test]
    fn where_the_commit_comes_from() {
        let hash = "a".repeat(40);
        let of = |params| put(params).expect("valid").commit;
        assert_eq!(of(json!({"repository": "r"})), CommitOf::Repository("r".into()));
        assert_eq!(
            of(json!({"commit_file": "p/.commit-hash"})),
            CommitOf::File("p/.commit-hash".into())
        );
        let given = CommitOf::Given(CommitId::parse(&hash).expect("a hash"));
        assert_eq!(of(json!({"commit": hash, "repository": "r"})), given);
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (json!({}), "params: no commit to publish for"),
            (json!({"commit": "HEAD"}), "params.commit"),
            (json!({"commit": "a", "commit_file": "b"}), "params: both commit and commit_file"),
            (json!({"repo": "r"}), "params: unknown key `repo`"),
            (json!({"commit": "a", "keep_last": 0}), "params.commit"),
            (json!({"repository": "r", "keep_last": 0}), "params.keep_last: 0 keeps nothing"),
            (
                json!({"repository": "r", "keep_within": "60"}),
                "params.keep_within: `60` is no length of time",
            ),
            (
                json!({"repository": "r", "files": "["}),
                "files: `[`: unclosed character class; missing ']'",
            ),
            (
                json!({"repository": "r", "object_metadata": {"package-hash": "x"}}),
                "params.object_metadata: `package-hash` is written by this resource",
            ),
            (
                json!({"repository": "r", "object_metadata": {"a": "é"}}),
                "params.object_metadata: `a` has a value that cannot be a header's",
            ),
        ];
        for (params, want) in cases {
            let error = put(params).expect_err(want);
            assert_eq!(error.to_string(), want);
            assert!(hint_of(&error).is_some(), "{want}");
        }
    }
}
