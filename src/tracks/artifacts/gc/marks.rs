//! Which sets of the cache are being removed: the head's fence says so.
//!
//! A put that copies a set out of the cache, or finds it filled, enters its commit with that code in
//! the history, by a head that it read before. So whoever removes from the cache first says so in the
//! head: a put that had read it before is refused there and looks anew; one that reads it then takes
//! the set that is named here for none, and fills the cache anew in its place.

use crate::s3::store::ETag;
use crate::words::names::CodeHash;
use std::collections::BTreeMap;

const BEGIN: &str = "removing from the cache:";

/// The code whose cached sets are being removed, and the tags of their manifests: what is filled
/// anew has another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheMarks(BTreeMap<CodeHash, String>);

impl CacheMarks {
    /// What a fence says; any other text says nothing.
    pub fn of(fence: Option<&str>) -> CacheMarks {
        let marks = fence.and_then(|text| text.strip_prefix(BEGIN)).unwrap_or_default();
        let mark = |text: &str| {
            let (hash, tag) = text.split_once('=')?;
            Some((CodeHash::parse(hash).ok()?, tag.to_owned()))
        };
        CacheMarks(marks.split_whitespace().filter_map(mark).collect())
    }

    /// A fence that says it. `id` is one that no other has: a head whose marks are gone again is not,
    /// byte for byte, the one from before they came, and whoever decided by that one is refused.
    pub fn fence(&self, id: &str) -> String {
        let marks = self.0.iter().map(|(hash, tag)| format!(" {hash}={tag}"));
        [format!("{BEGIN} {id}")].into_iter().chain(marks).collect()
    }

    /// Marks the set of some code whose manifest has this tag.
    pub fn mark(&mut self, code_hash: CodeHash, tag: &ETag) {
        self.0.insert(code_hash, tag.as_str().to_owned());
    }

    /// Whether a manifest is that of a set that is being removed.
    pub fn is_marked(&self, code_hash: &CodeHash, tag: &ETag) -> bool {
        self.0.get(code_hash).is_some_and(|marked| marked == tag.as_str())
    }

    /// Whose sets are being removed.
    pub fn codes(&self) -> impl Iterator<Item = &CodeHash> {
        self.0.keys()
    }

    /// Without those of the other that are the same.
    pub fn without(&self, other: &CacheMarks) -> CacheMarks {
        let rest = self.0.iter().filter(|(hash, tag)| other.0.get(*hash) != Some(tag));
        CacheMarks(rest.map(|(hash, tag)| (hash.clone(), tag.clone())).collect())
    }

    /// With those of the other.
    pub fn with(mut self, other: &CacheMarks) -> CacheMarks {
        self.0.extend(other.0.iter().map(|(hash, tag)| (hash.clone(), tag.clone())));
        self
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
