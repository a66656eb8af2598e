//! `params` of the `gocd` track.

use super::rules::{Revision, integer, names};
use crate::input::lenient::{
    Flag, Text, TextMap, Texts, closed, fields_of, read, refuse_unknown, schema_of,
};
use crate::input::object_params::{self as object, RawObject};
use crate::input::selection::Selection;
use crate::words::fault::fault;
use crate::words::object::ObjectOptions;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A get of the `gocd` track.
#[derive(Debug, Clone)]
pub struct GetGocd {
    /// Which files of the folder.
    pub files: Selection,
    /// Whether only the small files about the revision are written; none: as `source` says.
    pub skip_download: Option<bool>,
}

/// A put of the `gocd` track; paths are below its directory of inputs.
#[derive(Debug, Clone)]
pub struct PutGocd {
    /// What it does.
    pub act: Act,
    /// What GoCD calls the original number; none: the pipeline counter.
    pub label: Option<LabelOf>,
    /// Who made it; none: as Concourse tells.
    pub user: Option<String>,
    /// Where GoCD's link leads; none: to the build.
    pub traceback_url: Option<String>,
    /// Whatever else the marker says.
    pub metadata: BTreeMap<String, String>,
    /// What the objects carry.
    pub object: ObjectOptions,
}

/// What a put does.
#[derive(Debug, Clone)]
pub enum Act {
    /// Uploads files, and completes the folder.
    Publish {
        /// What to publish.
        directory: String,
        /// Which files of it.
        files: Selection,
        /// As which revision; none: the next.
        revision: Option<RevisionOf>,
    },
    /// Completes a folder that something else uploaded.
    Annotate {
        /// Which.
        revision: RevisionOf,
    },
}

/// Where a revision comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevisionOf {
    /// The user wrote it.
    Given(Revision),
    /// A file holds it.
    File(String),
}

/// Where a label comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelOf {
    /// The user wrote it.
    Given(String),
    /// A file holds it.
    File(String),
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RawGet {
    /// Which files of the folder: globs, a list or one; `!glob` leaves out. Unset: all.
    files: Texts,
    /// Writes only the small files about the revision. Unset: as `source` says.
    skip_download: Flag,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RawPut {
    /// What to publish; nested directories keep their paths.
    directory: Text,
    /// Which files of the directory: globs, a list or one; `!glob` leaves out. Unset: all.
    files: Texts,
    /// Takes files, too, whose path has a name that starts with a dot.
    include_hidden: Flag,
    /// The revision, two or three numbers: `42.1`. Unset: the next pipeline counter, and `.1`.
    revision: Text,
    /// A file that holds the revision.
    revision_file: Text,
    /// What GoCD shows as the original number, an integer. Unset: the revision's pipeline counter.
    label: Text,
    /// A file that holds the label.
    label_file: Text,
    /// Who made it. Unset: `$BUILD_CREATED_BY`, or `concourse`.
    user: Text,
    /// Where GoCD's link leads. Unset: the build's page.
    traceback_url: Text,
    /// More names and values for the marker.
    metadata: TextMap,
    /// Uploads nothing: completes the folder of `revision`, which something else uploaded.
    annotate_only: Flag,
}

impl GetGocd {
    /// Validates a get's params.
    pub fn parse(params: &Map<String, Value>) -> anyhow::Result<GetGocd> {
        refuse_unknown("params", params, &[fields_of::<RawGet>()])?;
        let raw: RawGet = read("params", params)?;
        Ok(GetGocd {
            files: Selection::new(raw.files.get(), true)?,
            skip_download: raw.skip_download.get(),
        })
    }
}

/// One of two ways to say something, or neither.
fn either<T>(
    name: &str,
    given: &Text,
    file: &Text,
    read: impl FnOnce(&str) -> anyhow::Result<T>,
    of_file: impl FnOnce(String) -> T,
) -> anyhow::Result<Option<T>> {
    match (given.get(), file.get()) {
        (Some(_), Some(_)) => {
            Err(fault(format!("params: both {name} and {name}_file"), "remove one of the two"))
        }
        (Some(text), None) => read(text).map(Some),
        (None, file) => Ok(file.map(|file| of_file(file.to_owned()))),
    }
}

impl PutGocd {
    /// Validates a put's params.
    pub fn parse(params: &Map<String, Value>) -> anyhow::Result<PutGocd> {
        refuse_unknown("params", params, &[fields_of::<RawPut>(), fields_of::<RawObject>()])?;
        let raw: RawPut = read("params", params)?;
        let given = |text: &str| {
            let revision = Revision::parse(text).and_then(Revision::publishable);
            revision.map(RevisionOf::Given).map_err(|e| e.context("params.revision"))
        };
        let revision =
            either("revision", &raw.revision, &raw.revision_file, given, RevisionOf::File)?;
        let label = |text: &str| integer("params.label", text).map(LabelOf::Given);
        let label = either("label", &raw.label, &raw.label_file, label, LabelOf::File)?;
        let act = match (raw.directory.get(), raw.annotate_only.is_on(), revision) {
            (Some(_), true, _) => {
                return Err(fault(
                    "params: both directory and annotate_only",
                    "`annotate_only` uploads nothing: remove one of the two",
                ));
            }
            (None, false, _) => {
                return Err(fault(
                    "params.directory: missing",
                    "give the directory to publish; or `annotate_only: true`, for a folder that something else uploaded",
                ));
            }
            (None, true, None) => {
                return Err(fault(
                    "params: annotate_only without a revision",
                    "give `revision`, or `revision_file`: the folder's name",
                ));
            }
            (None, true, Some(revision)) => Act::Annotate { revision },
            (Some(directory), false, revision) => Act::Publish {
                directory: directory.to_owned(),
                files: Selection::new(raw.files.get(), raw.include_hidden.is_on())?,
                revision,
            },
        };
        Ok(PutGocd {
            act,
            label,
            user: raw.user.get().map(str::to_owned),
            traceback_url: raw.traceback_url.get().map(str::to_owned),
            metadata: names("params.metadata", raw.metadata.get())?,
            object: object::options(&read("params", params)?)?,
        })
    }
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
        closed("gocd", [schema_of::<RawGet>()]),
        closed("gocd", [schema_of::<RawPut>(), schema_of::<RawObject>()]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fault::hint_of;
    use serde_json::json;

    fn put(params: Value) -> anyhow::Result<PutGocd> {
        PutGocd::parse(params.as_object().expect("a map"))
    }

    #[test]
    fn what_a_put_does() {
        let least = put(json!({"directory": "d"})).expect("valid");
        let Act::Publish { directory, revision: None, .. } = least.act else { panic!("publishes") };
        assert_eq!((directory.as_str(), least.label, least.user), ("d", None, None));
        let most = put(json!({
            "directory": "d", "revision": "42.1", "label_file": "l/label", "user": "ana",
            "metadata": {"Branch": "é"}
        }))
        .expect("valid");
        let Act::Publish { revision: Some(RevisionOf::Given(revision)), .. } = most.act else {
            panic!("publishes")
        };
        assert_eq!(revision.as_str(), "42.1");
        assert_eq!(most.label, Some(LabelOf::File("l/label".to_owned())));
        assert_eq!(most.metadata["branch"], "é");
        let marks =
            put(json!({"annotate_only": "true", "revision_file": "r/revision", "label": 7}));
        let marks = marks.expect("valid");
        let Act::Annotate { revision } = marks.act else { panic!("annotates") };
        assert_eq!(revision, RevisionOf::File("r/revision".to_owned()));
        assert_eq!(marks.label, Some(LabelOf::Given("7".to_owned())));
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (json!({}), "params.directory: missing"),
            (
                json!({"directory": "d", "annotate_only": true}),
                "params: both directory and annotate_only",
            ),
            (json!({"annotate_only": true}), "params: annotate_only without a revision"),
            (json!({"directory": "d", "revision": "42"}), "params.revision"),
            (json!({"directory": "d", "revision": "2147483648.1"}), "params.revision"),
            (json!({"directory": "d", "revision": "42.1.0"}), "params.revision"),
            (
                json!({"directory": "d", "revision": "1.1", "revision_file": "f"}),
                "params: both revision and revision_file",
            ),
            (json!({"directory": "d", "label": "1.2"}), "params.label: `1.2` is no integer"),
            (json!({"directory": "d", "lable": 1}), "params: unknown key `lable`"),
            (
                json!({"directory": "d", "metadata": {"Completed": "x"}}),
                "params.metadata: `Completed` is written by this resource",
            ),
        ];
        for (params, want) in cases {
            let error = put(params).expect_err(want);
            assert_eq!(error.to_string(), want);
            assert!(hint_of(&error).is_some(), "{want}");
        }
    }
}
