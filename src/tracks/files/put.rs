//! The put of the file tracks: one file becomes one object.
//!
//! An object is there whole or not at all, so there is nothing to seal: a put that is killed has
//! written, or has not, and the next one writes the same.

use super::get::public_url;
use super::params::{Finds, OnConflict, PutFiles};
use super::pattern::Pattern;
use super::plan::{Plan, Standing, plan};
use super::rules::{To, describe, destination, of_id, of_path};
use super::source::{Files, Follows};
use crate::input::common::Settings;
use crate::input::protocol::{Planned, Response};
use crate::machine::go_glob::{every_file, find};
use crate::machine::pack::Packed;
use crate::machine::report::size;
use crate::machine::workspace::{Digests, Found, Hashed, found, hash, read_part};
use crate::s3::store::{Condition, Described, Proof, Versioning, Written};
use crate::s3::transfer::{Engine, blocking};
use crate::words::fault::fault;
use crate::words::names::{Key, RelPath, shown};
use crate::words::object::ObjectOptions;
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Carries out a put of the file tracks; `sources` is the directory of its inputs.
pub(in crate::tracks) async fn put(
    settings: &Settings,
    track: &Files,
    engine: &Engine,
    params: &PutFiles,
    sources: &Path,
) -> anyhow::Result<Response> {
    let (store, report) = (&engine.store, engine.store.report());
    params.warnings.iter().for_each(|warning| report.warn(warning));
    let (file, key, _packed) = gather(track, engine, params, sources).await?;
    let options = params.object.of_file(file.facts.path.file_name(), &file.facts.sha256);
    keeps_versions(track, engine, &key).await?;
    let (written, mut id) = match stand(engine, params.on_conflict, &key, &file).await? {
        (Plan::Keep, standing) => (false, standing.and_then(|it| it.version)),
        (Plan::Refuse, _) => return Err(taken(&store.uri(key.as_str()))),
        (Plan::Write, _) => {
            let sent = send(engine, &file, &key, &Condition::None, &options).await?;
            (true, sent.1)
        }
        (Plan::Create, _) => {
            match send(engine, &file, &key, &Condition::Absent, &options).await? {
                (Written::Yes, id) => (true, id),
                // Somebody was faster, or an attempt of this put was, whose answer was lost.
                (Written::Refused, _) => {
                    match stand(engine, params.on_conflict, &key, &file).await? {
                        (Plan::Keep, standing) => (false, standing.and_then(|it| it.version)),
                        _ => return Err(taken(&store.uri(key.as_str()))),
                    }
                }
            }
        }
    };
    let version = match &track.follows {
        Follows::Pattern(_) => of_path(&key.as_str()[track.prefix.as_str().len()..]),
        Follows::Versions(_) => {
            if id.is_none() {
                id = Some(newest(engine, &key).await?);
            }
            of_id(id.as_deref().unwrap_or(""))
        }
    };
    let name = file.facts.path.file_name();
    let uri = store.uri(key.as_str());
    report.success(match written {
        true => format!("put {name} ({}) at {uri}", size(file.facts.size)),
        false => format!("{uri} is there already: kept as it is"),
    });
    let url = public_url(store, &key, id.as_deref());
    let metadata = describe(key.as_str(), (!settings.private).then_some(url.as_str()));
    Ok(Response { version, metadata })
}

/// What a put would do now. Reads only.
pub(in crate::tracks) async fn planned(
    track: &Files,
    engine: &Engine,
    params: &PutFiles,
    sources: &Path,
) -> anyhow::Result<Planned> {
    let (file, key, _packed) = gather(track, engine, params, sources).await?;
    keeps_versions(track, engine, &key).await?;
    let uri = engine.store.uri(key.as_str());
    let what = format!("put {} ({})", file.facts.path.file_name(), size(file.facts.size));
    let steps = match stand(engine, params.on_conflict, &key, &file).await?.0 {
        Plan::Write => vec![format!("{what} at {uri}, whatever stands there")],
        Plan::Create => vec![format!("{what} at {uri}, where nothing stands")],
        Plan::Keep => Vec::new(),
        Plan::Refuse => return Err(taken(&uri)),
    };
    Ok(Planned { steps, response: None })
}

/// The file that a put means, hashed, and the key that it gets; an archive lives as long as what
/// packed it.
async fn gather(
    track: &Files,
    engine: &Engine,
    params: &PutFiles,
    sources: &Path,
) -> anyhow::Result<(Arc<Hashed>, Key, Option<Packed>)> {
    let (root, finds) = (sources.to_owned(), params.finds.clone());
    let packed = match (&finds, params.pack) {
        (Finds::Glob(glob), Some(packing)) => {
            let (root, glob) = (root.clone(), glob.clone());
            Some(blocking(move || Packed::of(&root, &glob, packing)).await?)
        }
        _ => None,
    };
    let local = match &packed {
        Some(packed) => packed.file().clone(),
        None => blocking(move || the_one(&root, &finds)).await?,
    };
    let key = key(track, params, local.path.as_str())?;
    let part = engine.store.part_of(local.size);
    let file = blocking(move || hash(&local, part, Digests::Whole)).await?;
    Ok((Arc::new(file), key, packed))
}

/// The one file of the inputs that a put means.
fn the_one(sources: &Path, finds: &Finds) -> anyhow::Result<Found> {
    let (pattern, mut matches) = match finds {
        Finds::Glob(glob) => (glob, find(sources, glob)?),
        Finds::From(from) => {
            let pattern = Pattern::parse("params.from", from)?;
            let all = every_file(sources);
            let is_meant = |(_, disk): &(RelPath, PathBuf)| {
                disk.to_str().is_some_and(|path| pattern.is_match(path))
            };
            (from, all.into_iter().filter(is_meant).collect())
        }
    };
    const HINT: &str =
        "the path starts with the name of an input; give a pattern that matches one file";
    let (path, disk) = match matches.len() {
        0 => {
            return Err(fault(format!("no matches found for pattern: {}", shown(pattern)), HINT));
        }
        1 => matches.remove(0),
        several => {
            let some: Vec<&str> = matches.iter().take(4).map(|(path, _)| path.as_str()).collect();
            let more = if several > some.len() { ", …" } else { "" };
            let pattern = shown(pattern);
            return Err(fault(
                format!(
                    "more than one match found for pattern: {pattern}: {}{more}",
                    some.join(", ")
                ),
                HINT,
            ));
        }
    };
    let place = || disk.display().to_string();
    let root = sources.canonicalize().with_context(|| sources.display().to_string())?;
    let real = disk.canonicalize().with_context(place)?;
    if !real.starts_with(&root) {
        return Err(fault(
            format!("{path} is a symbolic link that leads out of the inputs"),
            "copy what it points to",
        ));
    }
    if real.is_dir() {
        return Err(fault(
            format!("params.file: {path} is a directory, and an object is one file"),
            "put an archive of it; or publish its files together, with the `artifacts` track",
        ));
    }
    found(path, real)
}

/// The key that the file gets.
fn key(track: &Files, params: &PutFiles, local: &str) -> anyhow::Result<Key> {
    let named = match &track.follows {
        Follows::Versions(key) => {
            if params.on_conflict != OnConflict::Replace {
                return Err(fault(
                    "params.on_conflict: a bucket of `versioned_file` keeps what is written over",
                    "remove it, or use `regexp`",
                ));
            }
            return Ok(key.clone());
        }
        Follows::Pattern(named) => named,
    };
    let to = match (&params.finds, params.to.as_deref()) {
        (Finds::Glob(_), None) => None,
        // With `from` the folder of the regexp is not looked at.
        (Finds::From(_), None) => Some(To::Folder(String::new())),
        (_, Some(to)) if to.ends_with('/') => Some(To::Folder(to.to_owned())),
        (Finds::Glob(_), Some(to)) => Some(To::Path(to.to_owned())),
        (Finds::From(from), Some(to)) => {
            let from = Pattern::parse("params.from", from)?;
            Some(To::Path(from.replace_all(local, to)))
        }
    };
    track.key(&destination(named, local, to.as_ref())?)
}

/// What is to be done, and what stands under the key where that was asked.
async fn stand(
    engine: &Engine,
    on_conflict: OnConflict,
    key: &Key,
    file: &Arc<Hashed>,
) -> anyhow::Result<(Plan, Option<Described>)> {
    if on_conflict == OnConflict::Replace {
        return Ok((plan(on_conflict, Standing::Unasked), None));
    }
    let standing = engine.store.describe(key, None).await?;
    let what = match &standing {
        None => Standing::Nothing,
        Some(it) if is_same(it, file).await? => Standing::Same,
        Some(_) => Standing::Other,
    };
    Ok((plan(on_conflict, what), standing))
}

/// Whether what stands has a file's bytes, as far as S3 can tell.
async fn is_same(standing: &Described, file: &Arc<Hashed>) -> anyhow::Result<bool> {
    if standing.facts.size != file.facts.size || standing.proof == Proof::Size {
        return Ok(false);
    }
    if let Proof::Recorded(sha256) = standing.proof {
        return Ok(sha256 == file.facts.sha256);
    }
    let (mut sum, file) = (standing.proof.verifier(), file.clone());
    blocking(move || {
        for index in 0..file.sums.len() {
            sum.update(&read_part(&file, index, Vec::new())?);
        }
        Ok(sum.difference().is_none())
    })
    .await
}

async fn send(
    engine: &Engine,
    file: &Arc<Hashed>,
    key: &Key,
    condition: &Condition,
    options: &ObjectOptions,
) -> anyhow::Result<(Written, Option<String>)> {
    let report = engine.store.report();
    report.begin("uploading", 1, file.facts.size);
    let sent = engine.upload_version(file, key, condition, options).await;
    report.end();
    sent
}

/// Refuses `versioned_file` on a server that knows no versions, before anything is written over. The id that
/// a write is answered with is no proof: Garage gives one, and keeps nothing.
async fn keeps_versions(track: &Files, engine: &Engine, key: &Key) -> anyhow::Result<()> {
    if track.is_versioned() && !engine.store.lists_versions(key).await? {
        return Err(fault(
            format!("object versioning not known to the server of {}", engine.store.bucket()),
            "nothing was written; follow files with `regexp`, which needs no versions, or use another server",
        ));
    }
    Ok(())
}

/// The id of the version that stands, for servers that do not say it of a write.
async fn newest(engine: &Engine, key: &Key) -> anyhow::Result<String> {
    let page = engine.store.versions_page(key, None).await?;
    let id = page.ids.into_iter().next();
    match id {
        Some(id) if engine.store.versioning().await? != Versioning::Never => Ok(id),
        _ => Err(fault(
            format!("object versioning not enabled: {}", engine.store.bucket()),
            "switch versioning on for the bucket; or follow files with `regexp`, which needs none",
        )),
    }
}

fn taken(uri: &str) -> anyhow::Error {
    fault(
        format!("{uri}: a file with other bytes stands there"),
        "give the file a new version; `on_conflict: skip` keeps what stands, `replace` writes over it",
    )
}
