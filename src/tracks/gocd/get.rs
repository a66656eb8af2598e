//! The get of the `gocd` track: the files of a folder, and small ones about the revision.

use super::params::GetGocd;
use super::rules::{FileList, LABEL, ListedFile, Marker, RESERVED, Revision, describe, of_version};
use super::source::Gocd;
use crate::input::common::Settings;
use crate::input::protocol::{Response, Version};
use crate::machine::report::{count, size};
use crate::s3::fetch::{Wish, fetch};
use crate::s3::store::Store;
use crate::s3::transfer::{AT_ONCE, Engine, missing};
use crate::words::fault::fault;
use crate::words::file::Mode;
use crate::words::names::{Key, RelPath};
use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::path::Path;

/// Fetches a version of the `gocd` track into a directory.
pub(in crate::tracks) async fn get(
    settings: &Settings,
    track: &Gocd,
    engine: &Engine,
    version: &Version,
    params: &GetGocd,
    destination: &Path,
) -> anyhow::Result<Response> {
    let store = &*engine.store;
    let revision = of_version(version)?;
    let key = track.marker(&revision)?;
    let uri = store.uri(key.as_str());
    let marker = match store.head(&key).await? {
        Some(facts) => Marker::of(&facts.metadata),
        None => return Err(gone(&format!("there is no revision {revision}: {uri}: no marker"))),
    };
    if !marker.is_completed {
        return Err(gone(&format!("revision {revision} is not completed: {uri}")));
    }
    let files = match &marker.files {
        Some(digest) => {
            let key = track.list(digest)?;
            let uri = store.uri(key.as_str());
            let list = store.get(&key).await?.ok_or_else(|| missing(&uri))?;
            let list = FileList::parse(&list.bytes, digest).context(uri)?;
            list.files.iter().map(|file| wish(track, &revision, file)).collect::<Result<_, _>>()?
        }
        None => unlisted(store, track, &revision).await?,
    };
    let total = (files.len(), files.iter().map(|file| file.size).sum());
    let skip = params.skip_download.unwrap_or(settings.skip_download);
    let chosen: Vec<Wish> = files.into_iter().filter(|it| params.files.takes(&it.path)).collect();
    if chosen.is_empty() && !skip && !params.files.globs().is_empty() {
        return Err(fault(
            format!("files: nothing in {uri} matches {}", params.files.globs()),
            "`*` stays within a directory, `**` does not",
        ));
    }
    let chosen = if skip { Vec::new() } else { chosen };
    let label = marker.annotation(LABEL).unwrap_or_default().to_owned();
    let annotations = serde_json::to_string_pretty(&marker.annotations)? + "\n";
    let small =
        [(RESERVED[0], revision.to_string()), (RESERVED[1], label), (RESERVED[2], annotations)];
    fetch(engine, &chosen, &small, destination).await?;
    let bytes = chosen.iter().map(|file| file.size).sum();
    let report = store.report();
    if skip {
        report.success(format!("fetched what is said of {uri}, and no file"));
    } else {
        report.success(format!(
            "fetched {} ({}) from {uri}",
            count(chosen.len(), "file"),
            size(bytes)
        ));
    }
    Ok(Response {
        version: version.clone(),
        metadata: describe(store.bucket(), track, &revision, &marker, Some(total)),
    })
}

fn gone(what: &str) -> anyhow::Error {
    fault(what, "it was removed, or its annotation was: publish it again, or take another revision")
}

fn wish(track: &Gocd, revision: &Revision, file: &ListedFile) -> anyhow::Result<Wish> {
    Ok(Wish {
        path: file.path.clone(),
        key: track.folder(revision).key(file.path.as_str())?,
        size: file.size,
        mode: file.mode.bits(),
        sha256: Some(file.sha256),
        parts: None,
    })
}

/// What a folder that GoCD published, or somebody annotated, holds now.
async fn unlisted(store: &Store, track: &Gocd, revision: &Revision) -> anyhow::Result<Vec<Wish>> {
    let folder = track.folder(revision);
    store.report().warn(
        "the folder was not published by this resource: the get is what it holds now, and only as checked as S3 is",
    );
    let mut files = Vec::new();
    for object in store.list(folder.as_str()).await? {
        let Some(below) = object.key.strip_prefix(folder.as_str()) else { continue };
        // The marker, and folders of the S3 console.
        if below.is_empty() || below.ends_with('/') {
            continue;
        }
        let path = RelPath::parse(below).with_context(|| store.uri(&object.key))?;
        if RESERVED.contains(&path.as_str()) {
            store.report().warn(format!("{path} is left out: the get writes a file of that name"));
            continue;
        }
        files.push((path, Key::parse(&object.key)?, object.size));
    }
    stream::iter(files)
        .map(|(path, key, size)| async move {
            let facts = store.head(&key).await?.ok_or_else(|| missing(&store.uri(key.as_str())))?;
            let (sha256, mode) = (facts.sha256(), Mode::Plain.bits());
            anyhow::Ok(Wish { path, key, size, mode, sha256, parts: None })
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}
