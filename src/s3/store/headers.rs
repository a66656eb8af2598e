//! What a request says of an object in its headers and its URL.

use super::Store;
use crate::words::names::Key;
use crate::words::object::ObjectOptions;
use std::collections::HashMap;

pub(super) const UNRESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// User metadata, in the type that the client takes.
pub(super) fn metadata(options: &ObjectOptions) -> Option<HashMap<String, String>> {
    (!options.metadata.is_empty()).then(|| options.metadata.clone().into_iter().collect())
}

/// The tags as a query string, which is how S3 takes them in a header.
pub(super) fn tagging(options: &ObjectOptions) -> Option<String> {
    let encode = |text: &str| percent_encoding::utf8_percent_encode(text, UNRESERVED).to_string();
    let pairs: Vec<_> =
        options.tags.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v))).collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

/// A key as the path of a URL.
pub(super) fn path(key: &Key) -> percent_encoding::PercentEncode<'_> {
    const PATH: &percent_encoding::AsciiSet = &UNRESERVED.remove(b'/');
    percent_encoding::utf8_percent_encode(key.as_str(), PATH)
}

impl Store {
    /// An object of this bucket, as the header of a copy names it.
    pub(super) fn copy_source(&self, from: &Key) -> String {
        let bucket = &self.access.bucket;
        // Of an ARN, this word tells where the key begins.
        let object = if bucket.access_point().is_some() { "/object" } else { "" };
        format!("{bucket}{object}/{}", path(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn tags_are_a_query() {
        let mut options = ObjectOptions::default();
        assert_eq!(tagging(&options), None);
        options.tags = BTreeMap::from([("a b".into(), "c&d".into()), ("e".into(), String::new())]);
        assert_eq!(tagging(&options).as_deref(), Some("a%20b=c%26d&e="));
    }
}
