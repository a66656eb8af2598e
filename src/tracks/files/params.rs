//! `params` of the file tracks.

use crate::input::get_file::{self, GetFile};
use crate::input::lenient::{Flag, Text, closed, fields_of, forgiven, read, schema_of};
use crate::input::object_params::{self, RawObject};
use crate::words::fault::fault;
use crate::words::names::shown;
use crate::words::object::ObjectOptions;
use crate::words::packing::Packing;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A get of a file.
#[derive(Debug, Clone)]
pub struct GetFiles {
    pub(super) file: GetFile,
    /// Whether the object's tags are written.
    pub(super) tags: bool,
    /// What the user should know, though it is no error.
    pub(super) warnings: Vec<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RawGet {
    /// Writes `tags.json`, a map of the object's tags.
    download_tags: Flag,
}

impl GetFiles {
    /// Validates a get's params; unknown keys are warnings.
    pub fn parse(params: &Map<String, Value>) -> anyhow::Result<GetFiles> {
        let known = [&get_file::keys()[..], fields_of::<RawGet>()];
        let (mut params, warnings) = forgiven("params", params, &known);
        let raw: RawGet = read("params", &params)?;
        params.retain(|key, _| !fields_of::<RawGet>().contains(&key.as_str()));
        let file = GetFile::parse(&params)?;
        Ok(GetFiles { file, tags: raw.download_tags.is_on(), warnings })
    }
}

/// A put of a file.
#[derive(Debug, Clone)]
pub struct PutFiles {
    pub(super) finds: Finds,
    /// As what a directory that `file` names is packed.
    pub pack: Option<Packing>,
    pub(super) to: Option<String>,
    pub(super) on_conflict: OnConflict,
    pub(super) object: ObjectOptions,
    /// What the user should know, though it is no error.
    pub(super) warnings: Vec<String>,
}

/// How the file is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finds {
    /// By a glob below the inputs.
    Glob(String),
    /// By a regular expression that matches somewhere in its path.
    From(String),
}

/// What a put does where a file stands under the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnConflict {
    /// Writes over it.
    Replace,
    /// Keeps it.
    Skip,
    /// Keeps it when it has the same bytes, else fails.
    Fail,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RawPut {
    /// The file: a glob below the inputs that one file matches, as Go reads it: `*` stays within a
    /// directory, and `**` is no more than that.
    file: Text,
    /// Deprecated: a regular expression that one path below the inputs matches.
    from: Text,
    /// Deprecated: a folder, which ends in `/`, or what the match of `from` is replaced with.
    to: Text,
    /// With `regexp`, where a file stands under the key: `replace` writes over it, `skip` keeps it,
    /// `fail` is an error unless it has the same bytes.
    #[schemars(extend("enum" = ["replace", "skip", "fail"], "default" = "replace"))]
    on_conflict: Text,
    /// Uploads an archive of a directory, `tar.gz`, `tar.zst` or `zip`; `file` then matches one
    /// directory.
    pack: Text,
}

impl PutFiles {
    /// Validates a put's params; unknown keys are warnings.
    pub fn parse(params: &Map<String, Value>) -> anyhow::Result<PutFiles> {
        let known = [fields_of::<RawPut>(), fields_of::<RawObject>()];
        let (params, mut warnings) = forgiven("params", params, &known);
        let raw: RawPut = read("params", &params)?;
        let object: RawObject = read("params", &params)?;
        let finds = match (raw.file.get(), raw.from.get()) {
            (Some(_), Some(_)) => {
                return Err(fault("params: contains both file and from", "remove `from`"));
            }
            (Some(file), None) => Finds::Glob(file.to_owned()),
            (None, Some(from)) => Finds::From(from.to_owned()),
            (None, None) => {
                return Err(fault(
                    "params.file: missing",
                    "give a glob that one file of the inputs matches, for example `built/app-*.tgz`",
                ));
            }
        };
        if raw.from.get().is_some() || raw.to.get().is_some() {
            warnings.push("params `from` and `to` are deprecated: use `file` instead".to_owned());
        }
        let on_conflict = match raw.on_conflict.get() {
            None | Some("replace") => OnConflict::Replace,
            Some("skip") => OnConflict::Skip,
            Some("fail") => OnConflict::Fail,
            Some(other) => {
                return Err(fault(
                    format!("params.on_conflict: `{}` is not known", shown(other)),
                    "it is `replace`, `skip` or `fail`",
                ));
            }
        };
        let to = raw.to.get().map(str::to_owned);
        let object = object_params::options(&object)?;
        let pack = Packing::parse(raw.pack.get(), matches!(finds, Finds::Glob(_)))?;
        Ok(PutFiles { finds, pack, to, on_conflict, object, warnings })
    }
}

/// The keys of a get's params and of a put's.
pub fn keys() -> [(&'static str, Vec<&'static str>); 2] {
    [
        ("get params", [&get_file::keys()[..], fields_of::<RawGet>()].concat()),
        ("put params", [fields_of::<RawPut>(), fields_of::<RawObject>()].concat()),
    ]
}

/// What an editor may know of them.
pub fn schemas() -> [Value; 2] {
    let get = get_file::schema("files");
    let put = closed("files", [schema_of::<RawPut>(), schema_of::<RawObject>()]);
    [closed("files", [get, schema_of::<RawGet>()]), put]
}

#[cfg(test)]
mod tests;
