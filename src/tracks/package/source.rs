//! `source.package`: which package, which tag of it, and the two buckets that hold it.

use crate::input::lenient::{Text, closed, fields_of, read, refuse_unknown, schema_of};
use crate::words::fault::fault;
use crate::words::names::{Bucket, PackageName, Prefix, Tag, shown};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The `package` track.
#[derive(Debug, Clone)]
pub struct Package {
    /// Which package.
    pub name: PackageName,
    /// The tag that is followed; none: every version.
    pub tag: Option<Tag>,
    /// The bucket of names, versions and tags; none: the source's.
    pub ledger: Option<Bucket>,
    /// The bucket of blobs; none: the source's.
    pub store: Option<Bucket>,
    /// How new versions are numbered.
    pub numbering: Numbering,
    /// Put before every key, in both buckets.
    pub prefix: Prefix,
}

/// How new versions are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbering {
    /// One more than the newest.
    Sequential,
    /// Milliseconds since 1970, as sacker does: for clients that may only write.
    Timestamp,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["name"]))]
struct RawPackage {
    /// The package's name, which may have slashes in it. No name between them is `versions`, `tags` or
    /// `.history`.
    name: Text,
    /// The tag to follow. Unset, or `latest`: every version.
    tag: Text,
    /// The bucket of names, versions and tags, as `s3://BUCKET`. Unset: `bucket`.
    ledger: Text,
    /// The bucket of files, as `s3://BUCKET`. Unset: `bucket`.
    store: Text,
    /// `sequential`: 1, 2, 3, without a gap. `timestamp`: milliseconds, for clients that may only write.
    #[schemars(extend("enum" = ["sequential", "timestamp"], "default" = "sequential"))]
    numbering: Text,
}

impl Package {
    /// Another package of the same ledger.
    pub fn named(&self, name: PackageName) -> Package {
        Package { name, tag: None, ..self.clone() }
    }
}

/// The keys of `source.package`.
pub(in crate::tracks) fn keys() -> Vec<&'static str> {
    fields_of::<RawPackage>().to_vec()
}

/// What an editor may know of them.
pub(in crate::tracks) fn schema() -> Value {
    closed("package: versions with tags", [schema_of::<RawPackage>()])
}

/// Validates `source.package`; `prefix` stands before every key.
pub(in crate::tracks) fn parse(value: &Value, prefix: &Prefix) -> anyhow::Result<Package> {
    const PLACE: &str = "source.package";
    let Value::Object(map) = value else {
        return Err(fault(format!("{PLACE}: expected a map"), "`package: {name: frontend}`"));
    };
    refuse_unknown(PLACE, map, &[fields_of::<RawPackage>()])?;
    let raw: RawPackage = read(PLACE, map)?;
    let Some(name) = raw.name.get() else {
        return Err(fault(format!("{PLACE}.name: missing"), "name the package"));
    };
    let name = PackageName::parse(name).map_err(|e| e.context(format!("{PLACE}.name")))?;
    let tag = raw.tag.get().filter(|tag| *tag != Tag::LATEST).map(Tag::parse).transpose();
    let numbering = match raw.numbering.get() {
        None | Some("sequential") => Numbering::Sequential,
        Some("timestamp") => Numbering::Timestamp,
        Some(other) => {
            return Err(fault(
                format!("{PLACE}.numbering: `{}` is no way to number versions", shown(other)),
                "give sequential, or timestamp for clients that may only write",
            ));
        }
    };
    Ok(Package {
        name,
        tag: tag.map_err(|e| e.context(format!("{PLACE}.tag")))?,
        ledger: bucket(&format!("{PLACE}.ledger"), &raw.ledger)?,
        store: bucket(&format!("{PLACE}.store"), &raw.store)?,
        numbering,
        prefix: prefix.clone(),
    })
}

/// Reads `s3://bucket`, the form that sacker takes too.
fn bucket(place: &str, uri: &Text) -> anyhow::Result<Option<Bucket>> {
    let hint = "give `s3://` and a bucket's name; `prefix` is for a folder in it";
    let Some(uri) = uri.get() else { return Ok(None) };
    let Some(name) = uri.strip_prefix("s3://") else {
        return Err(fault(format!("{place}: `{}` is not in S3", shown(uri)), hint));
    };
    let name = name.strip_suffix('/').unwrap_or(name);
    if name.contains('/') {
        return Err(fault(format!("{place}: `{}` has a path", shown(uri)), hint));
    }
    Bucket::parse(name).map(Some).map_err(|e| e.context(place.to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::tracks::package::source::Numbering;
    use crate::tracks::{Source, Track};
    use crate::words::fault::hint_of;
    use serde_json::{Value, json};

    fn source(package: Value) -> anyhow::Result<Source> {
        let source = json!({"bucket": "b", "prefix": "p", "package": package});
        Source::parse(source.as_object().expect("a map"))
    }

    #[test]
    fn one_bucket_or_two() {
        let source = source(json!({"name": "a/b"})).expect("valid");
        let Track::Package(package) = source.track else { panic!("a track") };
        assert_eq!((package.name.as_str(), package.prefix.as_str()), ("a/b", "p/"));
        assert!(package.ledger.is_none() && package.store.is_none() && package.tag.is_none());
        assert_eq!(package.numbering, Numbering::Sequential);
        let two = json!({
            "name": "a", "ledger": "s3://l", "store": "s3://s/", "tag": "live",
            "numbering": "timestamp"
        });
        let source = self::source(two).expect("valid");
        let Track::Package(package) = source.track else { panic!("a track") };
        assert_eq!(package.ledger.expect("a bucket").as_str(), "l");
        assert_eq!(package.store.expect("a bucket").as_str(), "s");
        assert_eq!(package.tag.expect("a tag").as_str(), "live");
        assert_eq!(package.numbering, Numbering::Timestamp);
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (json!({}), "source.package.name: missing"),
            (json!("x"), "source.package: expected a map"),
            (json!({"name": "a", "tga": "live"}), "source.package: unknown key `tga`"),
            (json!({"name": "a/versions"}), "source.package.name"),
            (json!({"name": "a", "tag": "7"}), "source.package.tag"),
            (
                json!({"name": "a", "ledger": "dynamo://r/t"}),
                "source.package.ledger: `dynamo://r/t` is not in S3",
            ),
            (
                json!({"name": "a", "store": "s3://b/c"}),
                "source.package.store: `s3://b/c` has a path",
            ),
            (
                json!({"name": "a", "numbering": "odd"}),
                "source.package.numbering: `odd` is no way to number versions",
            ),
        ];
        for (package, want) in cases {
            let error = source(package).expect_err(want);
            assert_eq!(error.to_string(), want);
            assert!(hint_of(&error).is_some(), "{want}");
        }
    }
}
