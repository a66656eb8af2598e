//! The get of the file tracks: one version of one object, compared with what S3 knows of its bytes.

use super::params::GetFiles;
use super::rules::{S3_URI, TAGS, URL, VERSION, describe, of_id, of_path};
use super::source::{Files, Follows};
use crate::input::common::Settings;
use crate::input::protocol::{Response, Version};
use crate::machine::report::size;
use crate::s3::fetch::{Wish, fetch, fetch_described, write_files};
use crate::s3::store::Store;
use crate::s3::transfer::Engine;
use crate::words::fault::fault;
use crate::words::file::Mode;
use crate::words::names::{Key, RelPath, shown};
use std::path::Path;
use std::time::Duration;

/// How long a signed URL is good for.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a version names.
struct Wanted<'a> {
    /// Below the prefix.
    path: &'a str,
    key: Key,
    /// The id of the object's version; none: the one that stands.
    id: Option<&'a str>,
    /// What the file `version` holds.
    number: &'a str,
    /// The version as it is answered.
    version: Version,
    /// Of the URL alone.
    url_id: Option<&'a str>,
}

/// Fetches a version of the file tracks into a directory.
pub(in crate::tracks) async fn get(
    settings: &Settings,
    track: &Files,
    engine: &Engine,
    version: &Version,
    params: GetFiles,
    destination: &Path,
) -> anyhow::Result<Response> {
    let (store, report) = (&engine.store, engine.store.report());
    params.warnings.iter().for_each(|warning| report.warn(warning));
    let wanted = wanted(track, version)?;
    let base = wanted.path.rsplit('/').next().unwrap_or(wanted.path);
    let name = RelPath::parse(base).map_err(|e| e.context("version.path"))?;
    let names = version.get("path").or_else(|| version.get("version_id"));
    let initial = track.initial.as_ref().filter(|it| Some(&it.version) == names);
    if let Some(initial) = initial {
        let number = (RelPath::parse(VERSION)?, wanted.number.as_bytes().to_vec());
        let files = [(name, initial.bytes()?), number];
        // A file called `version` gives way to ours, as in s3-resource.
        let first = usize::from(files[0].0 == files[1].0);
        write_files(&files[first..], destination)?;
        report.success(format!("wrote the initial version {}", shown(&initial.version)));
        return Ok(Response { version: wanted.version, metadata: describe(wanted.path, None) });
    }
    let url = url(settings, store, &wanted).await?;
    let mut small = vec![
        (VERSION, wanted.number.to_owned()),
        (URL, url.clone()),
        (S3_URI, store.uri(wanted.key.as_str())),
    ];
    if params.tags {
        small.push((TAGS, serde_json::to_string(&store.tags(&wanted.key, wanted.id).await?)?));
    }
    if params.file.skip_download.unwrap_or(settings.skip_download) {
        fetch(engine, &[], &small, destination).await?;
        report.success(format!("skipped {}", store.uri(wanted.key.as_str())));
    } else {
        let described = store.describe(&wanted.key, wanted.id).await?;
        let described = described.ok_or_else(|| gone(store, &wanted))?;
        let bytes = described.facts.size;
        let wish = Wish {
            path: name,
            key: wanted.key.clone(),
            size: bytes,
            mode: Mode::Plain.bits(),
            sha256: None,
            parts: None,
        };
        fetch_described(engine, &wish, &described, wanted.id, &params.file, &small, destination)
            .await?;
        report.success(format!(
            "fetched {base} ({}) from {}",
            size(bytes),
            store.uri(wanted.key.as_str())
        ));
    }
    let shown = (!settings.private).then_some(url.as_str());
    let metadata = describe(wanted.path, shown);
    Ok(Response { version: wanted.version, metadata })
}

fn wanted<'a>(track: &'a Files, version: &'a Version) -> anyhow::Result<Wanted<'a>> {
    let given = |name: &str| version.get(name).map(String::as_str).filter(|it| !it.is_empty());
    match &track.follows {
        Follows::Pattern(named) => {
            let Some(path) = given("path") else {
                return Err(fault(
                    "missing path in request",
                    "a version of `regexp` is {\"path\": \"...\"}: take one that a check found",
                ));
            };
            let Some(number) = named.pattern.version_in(path) else {
                let id = version.get("version_id").map_or("", String::as_str);
                let (path, id) = (shown(path), shown(id));
                return Err(fault(
                    format!(
                        "regex does not match provided version: s3resource.Version{{Path:\"{path}\", VersionID:\"{id}\"}}"
                    ),
                    "`regexp` was changed, or the version is pinned or was entered by hand: check the resource, and unpin it",
                ));
            };
            let key = track.key(path)?;
            let url_id = given("version_id");
            Ok(Wanted { path, key, id: None, number, version: of_path(path), url_id })
        }
        Follows::Versions(key) => {
            let Some(id) = given("version_id") else {
                return Err(fault(
                    "missing version_id in request",
                    "a version of `versioned_file` is {\"version_id\": \"...\"}: take one that a check found",
                ));
            };
            let path = &key.as_str()[track.prefix.as_str().len()..];
            let (id, key) = (Some(id), key.clone());
            let number = id.unwrap_or("");
            Ok(Wanted { path, key, id, number, version: of_id(number), url_id: id })
        }
    }
}

/// The URL of what is wanted: signed for a day where the bucket is private.
async fn url(settings: &Settings, store: &Store, wanted: &Wanted<'_>) -> anyhow::Result<String> {
    if settings.private {
        let signed = store.presigned(&wanted.key, wanted.url_id, A_DAY).await?;
        return Ok(signed.expose().to_owned());
    }
    Ok(public_url(store, &wanted.key, wanted.url_id))
}

/// The URL of an object, or of a version of it.
pub(super) fn public_url(store: &Store, key: &Key, id: Option<&str>) -> String {
    let id = id.map(|id| format!("?versionId={id}")).unwrap_or_default();
    format!("{}{id}", store.url(key))
}

fn gone(store: &Store, wanted: &Wanted<'_>) -> anyhow::Error {
    let of = wanted.id.map(|id| format!(", version {}", shown(id))).unwrap_or_default();
    fault(
        format!("{}{of}: the object is gone", store.uri(wanted.key.as_str())),
        "somebody deleted it, or a lifecycle rule did: unpin the version if it is pinned, check the resource and take a version that is there, or put the file again",
    )
}
