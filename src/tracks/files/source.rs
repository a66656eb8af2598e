//! The keys of `source` that the file tracks have.

use super::pattern::Pattern;
use super::rules::Initial;
use super::walk::Walk;
use crate::input::lenient::{Text, fields_of, read, schema_of};
use crate::words::fault::fault;
use crate::words::names::{Key, Prefix, shown};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What a resource of the file tracks follows.
#[derive(Debug, Clone)]
pub struct Files {
    pub(super) follows: Follows,
    pub(super) initial: Option<Initial>,
    pub(super) prefix: Prefix,
}

#[derive(Debug, Clone)]
pub(super) enum Follows {
    /// The files that `regexp` names.
    Pattern(Box<Named>),
    /// The versions of one file of a bucket that keeps them.
    Versions(Key),
}

/// What `regexp` names, and how that is ordered.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) pattern: Pattern,
    pub(super) walk: Walk,
    pub(super) by: By,
}

/// What decides which file is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The version in its path.
    Version,
    /// When it was written.
    Time,
}

/// The keys beside `regexp` and `versioned_file`, as the user wrote them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(in crate::tracks) struct RawFiles {
    /// With `regexp`: a version before all others, that need not exist.
    initial_path: Text,
    /// With `versioned_file`: a version before all others, that need not exist.
    initial_version: Text,
    /// What a get of the initial version writes.
    initial_content_text: Text,
    /// What a get of the initial version writes, in base64.
    initial_content_binary: Text,
    /// With `regexp`, what makes a file newer: `version` is what the group matched, `time` when the
    /// file was written.
    #[schemars(extend("enum" = ["version", "time"], "default" = "version"))]
    order: Text,
}

/// The keys of the file tracks.
pub fn keys() -> &'static [&'static str] {
    fields_of::<RawFiles>()
}

/// What an editor may know of them.
pub fn schema() -> Value {
    schema_of::<RawFiles>()
}

/// Validates a `source` of which at least one of the two keys is set. The texts of the errors are
/// s3-resource's.
pub(in crate::tracks) fn parse(
    source: &Map<String, Value>,
    regexp: &Text,
    versioned_file: &Text,
    prefix: &Prefix,
) -> anyhow::Result<Files> {
    let raw: RawFiles = read("source", source)?;
    let bad = |what: &str, hint: &str| Err(fault(format!("source: {what}"), hint));
    let remove = "remove one of the two";
    let initial = match (regexp.get(), versioned_file.get()) {
        (Some(_), Some(_)) => {
            return bad("please specify either regexp or versioned_file", remove);
        }
        (Some(_), None) if raw.initial_version.get().is_some() => {
            let hint = "initial_path is a path that `regexp` matches";
            return bad("please use initial_path when regexp is set", hint);
        }
        (None, _) if raw.initial_path.get().is_some() => {
            let hint = "initial_version is the id of a version";
            return bad("please use initial_version when versioned_file is set", hint);
        }
        (Some(_), None) => raw.initial_path.get(),
        (None, _) => raw.initial_version.get(),
    };
    let (text, binary) = (raw.initial_content_text.get(), raw.initial_content_binary.get());
    if text.is_some() && binary.is_some() {
        let what = "please use initial_content_text or initial_content_binary but not both";
        return bad(what, remove);
    }
    if initial.is_none() && (text.is_some() || binary.is_some()) {
        let what = "please specify initial_version or initial_path if initial content is set";
        return bad(what, "a get of that version writes the content");
    }
    let initial = initial.map(|version| Initial::new(version, text, binary));
    let by = match raw.order.get() {
        None | Some("version") => By::Version,
        Some("time") if regexp.get().is_some() => By::Time,
        Some(other) => {
            return Err(fault(
                format!("source.order: `{}` is no order here", shown(other)),
                "it is `version` or, with `regexp`, `time`",
            ));
        }
    };
    let follows = match (regexp.get(), versioned_file.get()) {
        (Some(regexp), _) => {
            if regexp.trim_start_matches('^').starts_with('/') {
                return Err(fault(
                    "source.regexp: it starts with a `/`, and no key that a put makes does",
                    "remove the `/`: keys have none before the first folder",
                ));
            }
            let (pattern, translated) = Pattern::translated("source.regexp", regexp)?;
            let walk = Walk::of(&translated, &pattern)?;
            Follows::Pattern(Box::new(Named { pattern, walk, by }))
        }
        (None, file) => {
            let file = file.unwrap_or("");
            if file.starts_with('/') || file.ends_with('/') {
                return Err(fault(
                    "source.versioned_file: it starts or ends with a `/`",
                    "give the file's key, for example `releases/app.tgz`",
                ));
            }
            Follows::Versions(prefix.key(file)?)
        }
    };
    Ok(Files { follows, initial, prefix: prefix.clone() })
}

impl Files {
    /// The key of a path that a version names.
    /// Whether it is the versions of one key.
    pub fn is_versioned(&self) -> bool {
        matches!(self.follows, Follows::Versions(..))
    }

    pub(super) fn key(&self, path: &str) -> anyhow::Result<Key> {
        self.prefix.key(path)
    }
}
