//! `params` of a get of the tracks whose versions are one file.

use crate::input::lenient::{Flag, closed, fields_of, read, refuse_unknown, schema_of};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A get of a version that is one file.
#[derive(Debug, Clone, Copy)]
pub struct GetFile {
    /// Whether what the file holds is written in its place.
    pub unpack: bool,
    /// Whether only the small files about the version are written; none: as `source` says.
    pub skip_download: Option<bool>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RawGet {
    /// Writes what the file holds (tar, zip, gzip, bzip2) instead of the file.
    unpack: Flag,
    /// Writes only the small files about the version. Unset: as `source` says.
    skip_download: Flag,
}

impl GetFile {
    /// Validates a get's params.
    pub fn parse(params: &Map<String, Value>) -> anyhow::Result<GetFile> {
        refuse_unknown("params", params, &[fields_of::<RawGet>()])?;
        let raw: RawGet = read("params", params)?;
        Ok(GetFile { unpack: raw.unpack.is_on(), skip_download: raw.skip_download.get() })
    }
}

/// The keys of a get's params.
pub fn keys() -> Vec<&'static str> {
    fields_of::<RawGet>().to_vec()
}

/// What an editor may know of them.
pub fn schema(track: &str) -> Value {
    closed(track, [schema_of::<RawGet>()])
}
