//! `source.artifacts`: where the sets are, and what makes one of them new.

use crate::code_hash::{Algorithm, Recipe};
use crate::input::lenient::{
    Flag, Text, Texts, closed, fields_of, read, refuse_unknown, schema_of,
};
use crate::words::fault::fault;
use crate::words::names::{Prefix, shown};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The `artifacts` track.
#[derive(Debug, Clone)]
pub struct Artifacts {
    /// The folder of the sets.
    pub artifacts: Prefix,
    /// The folder of the cache.
    pub cache: Prefix,
    /// What goes into the code hash; none: no cache.
    pub code_hash: Option<CodeHashRule>,
    /// What makes a new version.
    pub follow: Follow,
    /// A resource for looking up only.
    pub lookup: bool,
}

/// How a code hash is made, as the user wrote it: the patterns are compiled for the put that uses
/// them, since a check each minute does not.
#[derive(Debug, Clone)]
pub struct CodeHashRule {
    algorithm: Algorithm,
    patterns: Vec<String>,
    /// Whether each is one pattern, spaces and all.
    is_list: bool,
}

impl CodeHashRule {
    /// Compiles the patterns.
    pub fn recipe(&self) -> anyhow::Result<Recipe> {
        let recipe = if self.is_list {
            Recipe::of_list(self.algorithm, &self.patterns)
        } else {
            Recipe::parse(self.algorithm, &self.patterns)
        };
        recipe.map_err(|e| {
            fault(
                format!("source.artifacts.code_hash: {e}"),
                "patterns start at the repository's root, for example `lambdas/**`",
            )
        })
    }
}

/// What makes a new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Every published commit.
    Commit,
    /// Only a commit with other code than the one before.
    Code,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RawArtifacts {
    /// The folder of the sets.
    #[schemars(extend("default" = "artifacts"))]
    artifacts_prefix: Text,
    /// The folder of the cache.
    #[schemars(extend("default" = "cache"))]
    cache_prefix: Text,
    /// The files that make up the code: glob patterns from the repository's root, a list or one
    /// string with spaces; `!pattern` leaves out. Unset: no cache.
    code_hash: Texts,
    /// `sha256`: paths, modes and contents. `git-tree`: paths, modes and blob ids of HEAD, reading no
    /// file. `md5`: as s3-asset-manager.
    #[schemars(extend("enum" = ["sha256", "git-tree", "md5"], "default" = "sha256"))]
    code_hash_algorithm: Text,
    /// What makes a new version: every `commit`, or only one with other `code`.
    #[schemars(extend("enum" = ["commit", "code"], "default" = "commit"))]
    follow: Text,
    /// Only looks: a put that finds nothing uploads nothing.
    lookup: Flag,
}

/// The keys of `source.artifacts`.
pub(in crate::tracks) fn keys() -> Vec<&'static str> {
    fields_of::<RawArtifacts>().to_vec()
}

/// What an editor may know of them.
pub(in crate::tracks) fn schema() -> Value {
    closed("artifacts: sets of files, one for each commit", [schema_of::<RawArtifacts>()])
}

/// Validates `source.artifacts`; `prefix` stands before every key.
pub(in crate::tracks) fn parse(value: &Value, prefix: &Prefix) -> anyhow::Result<Artifacts> {
    const PLACE: &str = "source.artifacts";
    let Value::Object(map) = value else {
        return Err(fault(
            format!("{PLACE}: expected a map"),
            "`artifacts: {}` takes every default",
        ));
    };
    refuse_unknown(PLACE, map, &[fields_of::<RawArtifacts>()])?;
    let raw: RawArtifacts = read(PLACE, map)?;
    let folder = |name: &str, text: &Text, default: &str| {
        let folder = Prefix::parse(&format!("{PLACE}.{name}"), &text.or(default))?;
        Prefix::parse(name, &format!("{prefix}{folder}"))
    };
    let artifacts = folder("artifacts_prefix", &raw.artifacts_prefix, "artifacts")?;
    let cache = folder("cache_prefix", &raw.cache_prefix, "cache")?;
    if artifacts.as_str().starts_with(cache.as_str())
        || cache.as_str().starts_with(artifacts.as_str())
    {
        return Err(fault(
            format!("{PLACE}: `artifacts_prefix` and `cache_prefix` lie within each other"),
            "give two folders side by side",
        ));
    }
    let algorithm: Algorithm = raw.code_hash_algorithm.or("sha256").parse().map_err(|e| {
        fault(format!("{PLACE}.code_hash_algorithm: {e}"), "give sha256, git-tree or md5")
    })?;
    let code_hash = match raw.code_hash.get() {
        [] => None,
        patterns => Some(CodeHashRule {
            algorithm,
            patterns: patterns.to_vec(),
            is_list: raw.code_hash.is_list(),
        }),
    };
    let follow = match raw.follow.get() {
        None | Some("commit") => Follow::Commit,
        Some("code") => Follow::Code,
        Some(other) => {
            return Err(fault(
                format!("{PLACE}.follow: `{}` cannot be followed", shown(other)),
                "give commit or code",
            ));
        }
    };
    Ok(Artifacts { artifacts, cache, code_hash, follow, lookup: raw.lookup.is_on() })
}
