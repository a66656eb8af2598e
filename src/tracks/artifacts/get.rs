//! The get of the `artifacts` track: the files of a set, and small ones about it.

use crate::input::common::Settings;
use crate::input::protocol::{Metadata, Response, Version, metadata};
use crate::input::selection::Selection;
use crate::machine::report::{count, size};
use crate::s3::fetch::{Wish, fetch};
use crate::s3::store::{Listed, Store};
use crate::s3::transfer::{AT_ONCE, Engine, missing};
use crate::sealing::publish;
use crate::sealing::set::{Folder, Manifest, ManifestFile};
use crate::tracks::artifacts::params::GetArtifacts;
use crate::tracks::artifacts::rules;
use crate::tracks::artifacts::rules::Wanted;
use crate::tracks::artifacts::source::Artifacts;
use crate::tracks::artifacts::standing::{Stood, adopted, stood};
use crate::words::fault::fault;
use crate::words::file::Mode;
use crate::words::names::{Key, RelPath};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::path::Path;

impl From<ManifestFile> for Wish {
    fn from(file: ManifestFile) -> Wish {
        Wish {
            path: file.path,
            key: file.key,
            size: file.size,
            mode: file.mode.bits(),
            sha256: Some(file.sha256),
            parts: file.parts,
        }
    }
}

/// Fetches a version of the `artifacts` track into a directory.
pub(in crate::tracks) async fn get(
    settings: &Settings,
    track: &Artifacts,
    engine: &Engine,
    version: &Version,
    params: &GetArtifacts,
    destination: &Path,
) -> anyhow::Result<Response> {
    let wanted = Wanted::parse(version)?;
    if let Wanted::Commit { commit, code_hash, found: false } = &wanted {
        let mut small = vec![(".commit-hash", commit.to_string())];
        small.extend(code_hash.as_ref().map(|hash| (".code-hash", hash.to_string())));
        fetch(engine, &[], &small, destination).await?;
        engine.store.report().info(format!("no set is published for {commit}: build it"));
        let mut lines = vec![metadata("commit", commit.as_str())];
        lines.extend(code_hash.as_ref().map(|hash| metadata("code_hash", hash.as_str())));
        return Ok(Response { version: version.clone(), metadata: lines });
    }
    let folder = rules::folder(track.folder(&wanted));
    let skip = params.skip_download.unwrap_or(settings.skip_download);
    let (files, small, lines) = match manifest(&engine.store, track, &wanted, &folder).await? {
        Some(manifest) => {
            agrees(&wanted, &manifest, &folder)?;
            let mut small = vec![(".commit-hash", manifest.commit.to_string())];
            small.extend(manifest.code_hash.as_ref().map(|hash| (".code-hash", hash.to_string())));
            small.push((".manifest.json", String::from_utf8(manifest.to_bytes()?)?));
            let lines = rules::describe(&engine.store.uri(folder.prefix.as_str()), &manifest);
            (manifest.files.into_iter().map(Wish::from).collect(), small, lines)
        }
        None => unsealed(&engine.store, &folder, &wanted).await?,
    };
    let chosen: Vec<Wish> = if skip {
        Vec::new()
    } else {
        let chosen: Vec<Wish> =
            files.into_iter().filter(|file| params.files.takes(&file.path)).collect();
        if chosen.is_empty() && !params.files.globs().is_empty() {
            return Err(no_match(&params.files, &engine.store.uri(folder.prefix.as_str())));
        }
        chosen
    };
    let mut all = vec![(".found", String::new())];
    all.extend(small);
    all.push((".s3_uri", engine.store.uri(folder.prefix.as_str().trim_end_matches('/'))));
    fetch(engine, &chosen, &all, destination).await?;
    let uri = engine.store.uri(folder.prefix.as_str());
    let bytes = chosen.iter().map(|file| file.size).sum();
    engine.store.report().success(if skip {
        format!("found {uri}; no file fetched, as `skip_download` says")
    } else {
        format!("fetched {} ({}) from {uri}", count(chosen.len(), "file"), size(bytes))
    });
    Ok(Response { version: version.clone(), metadata: lines })
}

/// The manifest of what a version names, or what a copy that a neighbour made says of it.
async fn manifest(
    store: &Store,
    track: &Artifacts,
    wanted: &Wanted,
    folder: &Folder,
) -> anyhow::Result<Option<Manifest>> {
    let Wanted::Commit { commit, .. } = wanted else {
        return Ok(publish::standing(store, folder).await?.map(|standing| standing.manifest));
    };
    Ok(match stood(store, track, commit).await? {
        None => None,
        Some(Stood::Own(standing)) => Some(standing.manifest),
        Some(Stood::Copied { manifest, .. }) => {
            Some(adopted(store, track, commit, manifest).await?)
        }
    })
}

fn no_match(selection: &Selection, uri: &str) -> anyhow::Error {
    fault(
        format!("files: nothing in {uri} matches {}", selection.globs()),
        "`*` stays within a directory, `**` does not; .manifest.json lists what there is",
    )
}

/// A version names what was published; a manifest that says otherwise was put there since.
fn agrees(wanted: &Wanted, manifest: &Manifest, folder: &Folder) -> anyhow::Result<()> {
    let same = match wanted {
        Wanted::Commit { commit, code_hash, .. } => {
            *commit == manifest.commit && (code_hash.is_none() || *code_hash == manifest.code_hash)
        }
        Wanted::Code(hash) => Some(hash) == manifest.code_hash.as_ref(),
    };
    if same {
        return Ok(());
    }
    Err(fault(
        format!("the manifest in {} is of another commit or code than the version", folder.prefix),
        "the set was deleted and published anew: take the newest version",
    ))
}

/// What a set that s3-asset-manager uploaded holds: what lies in its folder now.
async fn unsealed(
    store: &Store,
    folder: &Folder,
    wanted: &Wanted,
) -> anyhow::Result<(Vec<Wish>, Vec<(&'static str, String)>, Vec<Metadata>)> {
    let listed = store.list(folder.prefix.as_str()).await?;
    let pending = folder.pending()?;
    let is_file = |object: &&Listed| rules::is_file(folder.prefix.as_str(), &object.key);
    if !listed.iter().any(|object| is_file(&object))
        || listed.iter().any(|object| object.key == pending.as_str())
    {
        return Err(missing(&store.uri(folder.manifest()?.as_str())));
    }
    store.report().warn("the set has no manifest: it was uploaded by s3-asset-manager, and is what its folder holds now");
    let paths: Vec<(RelPath, Key, u64)> = listed
        .iter()
        .filter(is_file)
        .map(|object| {
            let below = object.key.strip_prefix(folder.prefix.as_str()).unwrap_or("");
            Ok((RelPath::parse(below)?, Key::parse(&object.key)?, object.size))
        })
        .collect::<anyhow::Result<_>>()?;
    let wishes = stream::iter(paths)
        .map(|(path, key, size)| async move {
            let facts = store.head(&key).await?.ok_or_else(|| missing(&store.uri(key.as_str())))?;
            let (sha256, mode) = (facts.sha256(), Mode::Plain.bits());
            anyhow::Ok(Wish { path, sha256, key, size, mode, parts: None })
        })
        .buffered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    let bytes = wishes.iter().map(|wish| wish.size).sum();
    let (name, hash) = match wanted {
        Wanted::Commit { commit, .. } => ("commit", commit.to_string()),
        Wanted::Code(hash) => ("code_hash", hash.to_string()),
    };
    let file = if name == "commit" { ".commit-hash" } else { ".code-hash" };
    let lines = vec![
        metadata(name, &hash),
        metadata("files", wishes.len().to_string()),
        metadata("size", size(bytes)),
        metadata("s3_uri", store.uri(folder.prefix.as_str().trim_end_matches('/'))),
    ];
    Ok((wishes, vec![(file, hash)], lines))
}
