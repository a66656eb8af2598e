//! `params` of the `package` track.

use crate::input::get_file as file;
use crate::input::lenient::{
    Text, TextMap, Texts, closed, fields_of, read, refuse_unknown, schema_of,
};
use crate::input::object_params::{self as object, RawObject, pairs};
use crate::tracks::package::source::Package;
use crate::words::fault::fault;
use crate::words::names::{Spec, Tag};
use crate::words::object::{ObjectOptions, UserMetadata};
use crate::words::packing::Packing;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A put of the `package` track.
#[derive(Debug, Clone)]
pub struct PutPackage {
    /// The version to make, or to tag; none: tags are only taken away.
    pub version: Option<PackageVersion>,
    /// As what the directory is added that the glob matches; none: it matches a file.
    pub pack: Option<Packing>,
    /// Assigned to it.
    pub tags: Vec<Tag>,
    /// Taken away.
    pub untag: Vec<Tag>,
    /// What the user says of a new version.
    pub metadata: UserMetadata,
    /// What the blob's object carries.
    pub object: ObjectOptions,
}

/// Which version a put is about; paths are below the put's directory of inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackageVersion {
    /// A new one, of the file that this glob names.
    NewFile(String),
    /// The user wrote which.
    Given(Spec),
    /// A file says which.
    File(String),
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RawPut {
    /// Adds a version: a glob that matches one file.
    file: Text,
    /// Uploads an archive of a directory, `tar.gz`, `tar.zst` or `zip`; `file` then matches one
    /// directory.
    pack: Text,
    /// Instead of `file`, the version to tag: its number, a tag that is on it, or `latest`.
    version: Text,
    /// A file that holds the version to tag.
    version_file: Text,
    /// Tags to put on the version: a list, or one. A resource with a `tag` always puts that one, too,
    /// unless it is in `untag`.
    tags: Texts,
    /// Tags to take away: a list, or one.
    untag: Texts,
    /// Names and values to keep with a new version: printable ASCII, 2 KB in all.
    metadata: TextMap,
}

impl PutPackage {
    /// Validates a put's params. A resource that follows a tag assigns it with every put that
    /// names a version and does not take the tag away.
    pub fn parse(params: &Map<String, Value>, track: &Package) -> anyhow::Result<PutPackage> {
        refuse_unknown("params", params, &[fields_of::<RawPut>(), fields_of::<RawObject>()])?;
        let raw: RawPut = read("params", params)?;
        let version = match (raw.file.get(), raw.version.get(), raw.version_file.get()) {
            (None, None, None) => None,
            (Some(glob), None, None) => Some(PackageVersion::NewFile(glob.to_owned())),
            (None, Some(spec), None) => Some(PackageVersion::Given(
                Spec::parse(spec).map_err(|e| e.context("params.version"))?,
            )),
            (None, None, Some(file)) => Some(PackageVersion::File(file.to_owned())),
            _ => {
                return Err(fault(
                    "params: more than one of file, version and version_file",
                    "`file` adds a version; the other two name one that is there",
                ));
            }
        };
        let tags = |place: &str, texts: &Texts| {
            texts
                .get()
                .iter()
                .map(|tag| Tag::parse(tag).map_err(|e| e.context(format!("params.{place}"))))
                .collect::<anyhow::Result<Vec<Tag>>>()
        };
        let (mut assigned, untag) = (tags("tags", &raw.tags)?, tags("untag", &raw.untag)?);
        if let Some(both) = assigned.iter().find(|tag| untag.contains(tag)) {
            return Err(fault(
                format!("params: `{both}` is in both tags and untag"),
                "remove it from one of the two",
            ));
        }
        if let (Some(tag), Some(_)) = (&track.tag, &version)
            && !assigned.contains(tag)
            && !untag.contains(tag)
        {
            assigned.push(tag.clone());
        }
        let file = matches!(version, Some(PackageVersion::NewFile(_)));
        let missing = match (&version, assigned.as_slice(), untag.as_slice()) {
            (None, [_, ..], _) => Some("params.tags: no version to assign them to"),
            (None, [], []) => Some("params: nothing to do"),
            (Some(_), [], []) if !file => Some("params: a version, and nothing to do with it"),
            _ => None,
        };
        if let Some(what) = missing {
            return Err(fault(
                what,
                "give `file` to add a version; `version` or `version_file` with `tags`; or `untag`",
            ));
        }
        if !file && !raw.metadata.get().is_empty() {
            return Err(fault(
                "params.metadata: given without file",
                "a version's metadata is given when it is added, and does not change",
            ));
        }
        Ok(PutPackage {
            pack: Packing::parse(raw.pack.get(), file)?,
            version,
            tags: assigned,
            untag,
            metadata: pairs("params.metadata", raw.metadata.get())?,
            object: object::options(&read("params", params)?)?,
        })
    }
}

/// The keys of a get's params and of a put's.
pub(in crate::tracks) fn keys() -> [(&'static str, Vec<&'static str>); 2] {
    [
        ("get params", file::keys()),
        ("put params", [fields_of::<RawPut>(), fields_of::<RawObject>()].concat()),
    ]
}

/// JSON Schema of a get's params and of a put's.
pub(in crate::tracks) fn schemas() -> [Value; 2] {
    [file::schema("package"), closed("package", [schema_of::<RawPut>(), schema_of::<RawObject>()])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracks::{Source, Track};
    use crate::words::fault::hint_of;
    use serde_json::json;

    fn put(tag: Option<&str>, params: Value) -> anyhow::Result<PutPackage> {
        let source = json!({"bucket": "b", "package": {"name": "a", "tag": tag}});
        let source = Source::parse(source.as_object().expect("a map")).expect("valid");
        let Track::Package(track) = source.track else { panic!("a track") };
        PutPackage::parse(params.as_object().expect("a map"), &track)
    }

    #[test]
    fn what_is_asked_for() {
        let all = put(
            None,
            json!({
                "file": "built/*.jar", "tags": ["live", "canary"], "untag": "old",
                "metadata": {"Commit": "abc ", "n": 1}
            }),
        )
        .expect("valid");
        assert_eq!(all.version, Some(PackageVersion::NewFile("built/*.jar".into())));
        assert_eq!((all.tags.len(), all.untag.len()), (2, 1));
        assert_eq!(all.metadata["commit"], "abc");
        assert_eq!(all.metadata["n"], "1");
        let tag = put(None, json!({"version": 7, "tags": "live"})).expect("valid");
        assert_eq!(tag.version, Some(PackageVersion::Given(Spec::Version(7))));
        assert!(put(None, json!({"untag": "live"})).expect("valid").version.is_none());
    }

    #[test]
    fn a_followed_tag_is_assigned() {
        let tags = |params| -> Vec<String> {
            let put = put(Some("live"), params).expect("valid");
            put.tags.iter().map(Tag::to_string).collect()
        };
        assert_eq!(tags(json!({"version_file": "v/version"})), ["live"]);
        assert_eq!(tags(json!({"file": "a", "tags": ["x", "live"]})), ["x", "live"]);
        assert_eq!(tags(json!({"file": "a", "tags": "x"})), ["x", "live"]);
        assert!(tags(json!({"file": "a", "untag": "live"})).is_empty());
        assert!(tags(json!({"untag": "live"})).is_empty());
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (json!({}), "params: nothing to do"),
            (json!({"version": 7}), "params: a version, and nothing to do with it"),
            (json!({"tags": "live"}), "params.tags: no version to assign them to"),
            (
                json!({"file": "a", "version": 7}),
                "params: more than one of file, version and version_file",
            ),
            (json!({"version": "a/b", "tags": "x"}), "params.version"),
            (json!({"file": "a", "tags": "latest"}), "params.tags"),
            (json!({"file": "a", "tags": "7"}), "params.tags"),
            (
                json!({"file": "a", "tags": "x", "untag": "x"}),
                "params: `x` is in both tags and untag",
            ),
            (
                json!({"version": 7, "tags": "x", "metadata": {"a": "b"}}),
                "params.metadata: given without file",
            ),
            (
                json!({"file": "a", "metadata": {"a b": "c"}}),
                "params.metadata: `a b` cannot be a header's name",
            ),
            (json!({"pack": "zip", "untag": "x"}), "params.pack: given without file"),
            (json!({"flie": "a"}), "params: unknown key `flie`"),
        ];
        for (params, want) in cases {
            let error = put(None, params).expect_err(want);
            assert_eq!(error.to_string(), want);
            assert!(hint_of(&error).is_some(), "{want}");
        }
    }
}
