//! What an import makes of one folder: a manifest, out of what its objects say of themselves, and an entry
//! of the history.
//!
//! Invariant: no object's bytes are copied or changed, but where a set's manifest is a copy of the cache's;
//! a manifest is written create-only.

use crate::commands::by::By;
use crate::commands::import_plan::{Found, agreed};
use crate::commands::sets_options::Opened;
use crate::commands::unlisted_sets::{self, LegacyFile};
use crate::history::{Event, Position};
use crate::sealing::publish::{self, Standing};
use crate::sealing::set::{Manifest, ManifestFile, Provenance};
use crate::tracks::artifacts::plan::Outcome as PutOutcome;
use crate::tracks::artifacts::put::{Ask, Code, PutSet};
use crate::tracks::artifacts::rules::{self, Published};
use crate::tracks::artifacts::standing::{Stood, stood};
use crate::words::build::Run;
use crate::words::file::Mode;
use crate::words::names::{CodeHash, CommitId, RelPath};
use crate::words::object::ObjectOptions;
use crate::words::time::Utc;
use anyhow::Context as _;
use std::collections::HashSet;
use std::sync::Arc;

/// A set that stands, or why it could not be made to.
pub(super) type Outcome = Result<Manifest, String>;

/// What the history says of a set. A code hash that no published cache has is left out: whatever
/// the history names, a get must find.
pub(super) fn event(manifest: Manifest, cached: &HashSet<CodeHash>) -> Event<Published> {
    Event {
        run: Run { time: manifest.published_at, build: manifest.build },
        what: Published {
            commit: manifest.commit,
            code_hash: manifest.code_hash.filter(|hash| cached.contains(hash)),
            unsealed: false,
        },
    }
}

/// Reads the manifest of a set that has one.
pub(super) async fn standing(opened: &Opened, set: &Found<CommitId>) -> anyhow::Result<Outcome> {
    let store = &*opened.engine.store;
    let folder = rules::folder(set.folder.clone());
    let uri = store.uri(folder.manifest()?.as_str());
    Ok(match stood(store, &opened.track, &set.name).await {
        Ok(None) => Err(format!("{uri}: deleted while the import ran")),
        Ok(Some(Stood::Own(Standing { manifest, .. }))) if manifest.commit == set.name => {
            Ok(manifest)
        }
        Ok(Some(Stood::Own(Standing { manifest, .. }))) => {
            Err(format!("{uri}: it is the manifest of commit {}", manifest.commit))
        }
        // A set of its own is made of it, as a put does.
        Ok(Some(Stood::Copied { .. })) => {
            let ask = Ask { commit: set.name.clone(), code: Code::Unknown, directory: None };
            let run = By::default().run()?;
            let options = ObjectOptions::NONE;
            let put = PutSet { engine: &opened.engine, track: &opened.track, run: &run, options };
            match put.carry_out(&ask).await? {
                PutOutcome::Published { manifest: Some(manifest), .. } => {
                    Ok(Arc::unwrap_or_clone(manifest))
                }
                _ => Err(format!("{uri}: a copy of the cache's, and its files are gone")),
            }
        }
        Err(e) => Err(format!("{e:#}")),
    })
}

/// Gives a set of s3-asset-manager its manifest.
pub(super) async fn seal_set(
    opened: &Opened,
    set: &Found<CommitId>,
    position: &Position,
) -> anyhow::Result<Outcome> {
    let files = match legacy_files(opened, set).await? {
        Ok(files) => files,
        Err(problem) => return Ok(Err(problem)),
    };
    let from = agreed(files.iter().map(|file| file.commit.as_ref()));
    let provenance = Provenance {
        commit: set.name.clone(),
        code_hash: agreed(files.iter().map(|file| file.code_hash.as_ref())).cloned(),
        // A copy out of the cache keeps the commit that filled it.
        cached_from: from.filter(|from| **from != set.name).cloned(),
        run: Run::at(Utc::of_seconds(set.modified)),
    };
    seal(opened, set, &provenance, files, position).await
}

/// Gives a cache of s3-asset-manager its manifest.
pub(super) async fn seal_cache(
    opened: &Opened,
    cache: &Found<CodeHash>,
    position: &Position,
) -> anyhow::Result<Outcome> {
    let files = match legacy_files(opened, cache).await? {
        Ok(files) => files,
        Err(problem) => return Ok(Err(problem)),
    };
    // Each upload of the same code replaced the objects of the one before.
    let newest = files.iter().filter(|file| file.commit.is_some()).max_by_key(|file| file.modified);
    let Some(commit) = newest.and_then(|file| file.commit.clone()) else {
        let uri = opened.engine.store.uri(cache.folder.as_str());
        return Ok(Err(format!("{uri}: no object in it says which commit it was built from")));
    };
    let provenance = Provenance {
        commit,
        code_hash: Some(cache.name.clone()),
        cached_from: None,
        run: Run::at(Utc::of_seconds(cache.modified)),
    };
    seal(opened, cache, &provenance, files, position).await
}

/// What the objects of a folder say of themselves; a name that no directory can hold is a problem.
async fn legacy_files<N>(
    opened: &Opened,
    found: &Found<N>,
) -> anyhow::Result<Result<Vec<LegacyFile>, String>> {
    let store = &*opened.engine.store;
    let odd = found.files.iter().find_map(|file| {
        let below = file.key.strip_prefix(found.folder.as_str()).unwrap_or("");
        RelPath::parse(below).err().map(|e| format!("{}: {e}", store.uri(found.folder.as_str())))
    });
    match odd {
        Some(problem) => Ok(Err(problem)),
        None => unlisted_sets::read(store, &found.folder, &found.files).await.map(Ok),
    }
}

/// Writes the manifest of a folder, with the hash of each of its objects.
async fn seal<N>(
    opened: &Opened,
    found: &Found<N>,
    provenance: &Provenance,
    files: Vec<LegacyFile>,
    position: &Position,
) -> anyhow::Result<Outcome> {
    let engine = &opened.engine;
    let mut listed = Vec::new();
    for LegacyFile { path, key, size, sha256, .. } in files {
        let sha256 = match sha256 {
            Some(sha256) => sha256,
            None => engine.hash(&key, size).await.context("hashing what has no package-hash")?,
        };
        listed.push(ManifestFile { path, size, mode: Mode::Plain, sha256, key, parts: None });
    }
    let folder = rules::folder(found.folder.clone());
    let manifest = Manifest::new(provenance, listed);
    let stands = publish::seal(&engine.store, &folder, manifest, position).await?;
    Ok(Ok(stands.manifest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_hash_is_entered_where_its_cache_stands() {
        let hash = CodeHash::parse(&"c".repeat(64)).expect("a hash");
        let provenance = Provenance {
            commit: CommitId::parse(&"a".repeat(40)).expect("a commit"),
            code_hash: Some(hash.clone()),
            cached_from: None,
            run: Run::at(Utc::of_seconds(1_790_000_000)),
        };
        let manifest = Manifest::new(&provenance, Vec::new());
        let without = event(manifest.clone(), &HashSet::new());
        assert_eq!(
            (without.run.time.as_str(), without.what.code_hash),
            ("2026-09-21T14:13:20Z", None)
        );
        let with = event(manifest, &HashSet::from([hash.clone()]));
        assert_eq!(with.what.code_hash, Some(hash));
    }
}
