//! The params of a put that every track takes for the objects it writes.

use crate::input::lenient::{Text, TextMap};
use crate::words::fault::fault;
use crate::words::names::shown;
use crate::words::object::{CODE_HASH, COMMIT_HASH, ObjectOptions, PACKAGE_HASH, POSITION};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What the user wrote of them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RawObject {
    /// The canned ACL of the objects.
    acl: Text,
    /// Their media type. Unset: guessed from each file's name.
    content_type: Text,
    /// Their Cache-Control.
    cache_control: Text,
    /// Their Content-Disposition.
    content_disposition: Text,
    /// Their storage class.
    storage_class: Text,
    /// Their tags, at most 10.
    object_tags: TextMap,
    /// Their user metadata.
    object_metadata: TextMap,
}

/// The metadata that this resource, and s3-asset-manager, write themselves.
const OWN_METADATA: [&str; 4] = [COMMIT_HASH, PACKAGE_HASH, CODE_HASH, POSITION];

/// Validates them.
pub fn options(raw: &RawObject) -> anyhow::Result<ObjectOptions> {
    let owned = |text: &Text| text.get().map(str::to_owned);
    let metadata = pairs("params.object_metadata", raw.object_metadata.get())?;
    if let Some(name) = metadata.keys().find(|name| OWN_METADATA.contains(&name.as_str())) {
        return Err(fault(
            format!("params.object_metadata: `{name}` is written by this resource"),
            "choose another name",
        ));
    }
    if raw.object_tags.get().len() > 10 {
        return Err(fault(
            "params.object_tags: more than 10",
            "S3 takes at most 10 tags on an object",
        ));
    }
    for header in [
        &raw.acl,
        &raw.content_type,
        &raw.cache_control,
        &raw.content_disposition,
        &raw.storage_class,
    ] {
        if let Some(text) =
            header.get().filter(|text| !text.bytes().all(|b| (b' '..=b'~').contains(&b)))
        {
            return Err(fault(
                format!("params: `{}` cannot be sent in a header", shown(text)),
                "use printable ASCII only",
            ));
        }
    }
    Ok(ObjectOptions {
        acl: owned(&raw.acl),
        content_type: owned(&raw.content_type),
        cache_control: owned(&raw.cache_control),
        content_disposition: owned(&raw.content_disposition),
        storage_class: owned(&raw.storage_class),
        tags: raw.object_tags.get().clone(),
        metadata,
    })
}

/// Names and values that can be an object's user metadata, the names in lower case as S3 keeps them.
pub fn pairs(
    place: &str,
    given: &BTreeMap<String, String>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    for (name, value) in given {
        let bad = |why: &str| {
            Err(fault(
                format!("{place}: `{}` {why}", shown(name)),
                "names are letters, digits and dashes; values are printable ASCII",
            ))
        };
        let name = name.to_ascii_lowercase();
        if name.is_empty()
            || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        {
            return bad("cannot be a header's name");
        }
        if !value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return bad("has a value that cannot be a header's");
        }
        pairs.insert(name, value.trim().to_owned());
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_of_objects() {
        let params = json!({
            "acl": "private", "object_tags": {"team": "a", "n": 1},
            "object_metadata": {"Colour": "red"}, "cache_control": ""
        });
        let object = options(&serde_json::from_value(params).expect("reads")).expect("valid");
        assert_eq!(object.acl.as_deref(), Some("private"));
        assert_eq!(object.cache_control, None);
        assert_eq!(object.tags["n"], "1");
        assert_eq!(object.metadata["colour"], "red");
    }
}
