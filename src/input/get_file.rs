//! `params` of a get of the tracks whose versions are one file.

use crate::input::lenient::{
    Count, Flag, Text, closed, fields_of, read, refuse_unknown, schema_of,
};
use crate::words::fault::fault;
use crate::words::names::RelPath;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A get of a version that is one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetFile {
    /// How what the file holds is written in its place; none: the file is.
    pub unpack: Option<Unpacking>,
    /// Whether only the small files about the version are written; none: as `source` says.
    pub skip_download: Option<bool>,
}

/// How an archive is unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacking {
    /// The directory below the destination; none: the destination.
    pub into: Option<RelPath>,
    /// Whether the archive is written as well.
    pub keep_archive: bool,
    /// How many times its size the archive may hold.
    pub times: u64,
}

impl Unpacking {
    /// Which of some names the directory that is unpacked into lies at, or below.
    pub fn taken_by<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        let first = self.into.as_ref()?.as_str().split('/').next()?;
        names.find(|name| *name == first)
    }
}

/// What programs write is seldom compressed to a hundredth; archives made to fill a disk, far more.
const TIMES: u64 = 200;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RawGet {
    /// Writes what the file holds instead of the file: tar, zip, and gzip, bzip2, xz or zstd around a
    /// tar or a single file.
    unpack: Flag,
    /// Unpacks, into this directory, which is made.
    unpack_into: Text,
    /// Writes the file as well as what it holds.
    keep_archive: Flag,
    /// How many times its own size an archive may hold; 1 GiB it always may. Unset: 200.
    unpack_limit: Count,
    /// Writes only the small files about the version. Unset: as `source` says.
    skip_download: Flag,
}

impl GetFile {
    /// Validates a get's params.
    pub fn parse(params: &Map<String, Value>) -> anyhow::Result<GetFile> {
        refuse_unknown("params", params, &[fields_of::<RawGet>()])?;
        let raw: RawGet = read("params", params)?;
        let into = raw.unpack_into.get().map(|text| {
            let text = text.trim_start_matches("./").trim_end_matches('/');
            RelPath::parse(text).map_err(|e| e.context("params.unpack_into"))
        });
        let into = into.transpose()?;
        if raw.unpack_limit.get() == Some(0) {
            return Err(fault(
                "params.unpack_limit: nothing could be unpacked",
                "give how many times its own size an archive may hold",
            ));
        }
        let unpack = (raw.unpack.is_on() || into.is_some()).then(|| Unpacking {
            into,
            keep_archive: raw.keep_archive.is_on(),
            times: raw.unpack_limit.get().unwrap_or(TIMES),
        });
        Ok(GetFile { unpack, skip_download: raw.skip_download.get() })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fault::hint_of;
    use serde_json::json;

    fn get(params: Value) -> anyhow::Result<GetFile> {
        GetFile::parse(params.as_object().expect("a map"))
    }

    #[test]
    fn how_an_archive_is_unpacked() {
        let plain = Unpacking { into: None, keep_archive: false, times: TIMES };
        let into = |text| Unpacking { into: RelPath::parse(text).ok(), ..plain.clone() };
        let cases = [
            (json!({}), None),
            (json!({"keep_archive": true, "unpack_limit": 3}), None),
            (json!({"unpack": "true"}), Some(plain.clone())),
            (json!({"unpack_into": "a/b"}), Some(into("a/b"))),
            (json!({"unpack": false, "unpack_into": "./a/"}), Some(into("a"))),
            (
                json!({"unpack": true, "keep_archive": true, "unpack_limit": "1000"}),
                Some(Unpacking { keep_archive: true, times: 1000, ..plain.clone() }),
            ),
        ];
        for (params, want) in cases {
            assert_eq!(get(params.clone()).expect("valid").unpack, want, "{params}");
        }
        assert_eq!(into("a/b").taken_by(["version", "a"].into_iter()), Some("a"));
        assert_eq!(into("b/a").taken_by(["version", "a"].into_iter()), None);
        assert_eq!(plain.taken_by(["version"].into_iter()), None);
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (json!({"unpack_into": "../a"}), "params.unpack_into"),
            (json!({"unpack_into": "/a"}), "params.unpack_into"),
            (json!({"unpack_limit": 0}), "params.unpack_limit: nothing could be unpacked"),
            (json!({"unpak": true}), "params: unknown key `unpak`"),
        ];
        for (params, want) in cases {
            let error = get(params).expect_err(want);
            assert_eq!(error.to_string(), want);
            assert!(hint_of(&error).is_some(), "{want}");
        }
    }
}
