//! The get of the `promotion` track: a version's file out of the archive, and small ones about it.
//!
//! A pure function of the version: it reads one entry of the rank's history, by number, and what
//! that names; what stands at the rank now plays no part. Only what s3p put at a rank has no entry:
//! then the archive's object, or the rank's own, must say that it is this version.

use crate::history::Entry;
use crate::history::stored::History;
use crate::input::common::Settings;
use crate::input::get_file::GetFile;
use crate::input::protocol::{Response, Version};
use crate::machine::report::size;
use crate::s3::fetch::{Wish, fetch, fetch_unpacked};
use crate::s3::store::Store;
use crate::s3::transfer::Engine;
use crate::tracks::promotion::rules::archive::Record;
use crate::tracks::promotion::rules::{Promoted, Release, S3P, Wanted, describe};
use crate::tracks::promotion::source::Promotion;
use crate::words::fault::fault;
use crate::words::file::Mode;
use crate::words::names::{RelPath, ReleaseVersion};
use crate::words::object::VERSION;
use crate::words::parts::Parts;
use serde_json::json;
use std::path::Path;

/// Fetches a version of the `promotion` track into a directory.
pub(in crate::tracks) async fn get(
    settings: &Settings,
    track: &Promotion,
    engine: &Engine,
    version: &Version,
    params: &GetFile,
    destination: &Path,
) -> anyhow::Result<Response> {
    let (store, wanted) = (&engine.store, Wanted::parse(version)?);
    let entry = match wanted.promotion {
        S3P => None,
        _ => Some(entry_of(store, track, &wanted).await?),
    };
    let wish = wish(store, track, &wanted.version, entry.as_ref()).await?;
    let small = [
        ("version", wanted.version.to_string()),
        ("rank", track.rank.to_string()),
        ("url", store.url(&wish.key)),
        ("s3_uri", store.uri(wish.key.as_str())),
        ("promotion.json", about(track, &wanted, &wish, entry.as_ref())?),
    ];
    let skip = params.skip_download.unwrap_or(settings.skip_download);
    let fetched = if skip {
        fetch(engine, &[], &small, destination).await
    } else if let Some(unpacking) = &params.unpack {
        fetch_unpacked(engine, &wish, unpacking, &small, destination).await
    } else {
        fetch(engine, std::slice::from_ref(&wish), &small, destination).await
    };
    if let (Err(why), true) = (fetched, wanted.promotion != S3P) {
        // It may have been removed meanwhile, which says more than that an object is not there.
        entry_of(store, track, &wanted).await?;
        return Err(why);
    }
    store.report().success(format!(
        "{} {} version {} ({}) from {}",
        if skip { "skipped" } else { "fetched" },
        track.file,
        wanted.version,
        size(wish.size),
        store.uri(wish.key.as_str())
    ));
    let metadata = describe(store.bucket(), track, &wanted.version, entry.as_ref())?;
    Ok(Response { version: version.clone(), metadata })
}

/// The entry that a version names.
async fn entry_of(
    store: &Store,
    track: &Promotion,
    wanted: &Wanted,
) -> anyhow::Result<Entry<Promoted>> {
    let record = History::<Promoted>::new(store, track.history(&track.rank)?);
    let found = record.entry(wanted.promotion).await?;
    if found.is_none()
        && let Some(removal) = record.removal_of(wanted.promotion).await?
    {
        let by = removal.build.told();
        let Wanted { version, .. } = wanted;
        return Err(fault(
            format!("version {version} of {} was removed at {}{by}", track.file, removal.time),
            "take a version that stands; the very same bytes may be uploaded again to the first rank",
        ));
    }
    found.filter(|entry| entry.what.release.version == wanted.version).ok_or_else(|| {
        fault(
            format!(
                "promotion {} to the rank `{}` is not of version {}",
                wanted.promotion, track.rank, wanted.version
            ),
            "the history is another than the one that the version is from: take the newest version",
        )
    })
}

/// Downloads a release that stands at the rank under a path, which it replaces when it is whole.
pub async fn download_release(
    engine: &Engine,
    track: &Promotion,
    version: &ReleaseVersion,
    entry: Option<&Entry<Promoted>>,
    path: &Path,
) -> anyhow::Result<()> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let wish =
        Wish { path: RelPath::parse(name)?, ..wish(&engine.store, track, version, entry).await? };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    fetch(engine, std::slice::from_ref(&wish), &[], parent.unwrap_or(Path::new("."))).await
}

/// The file of a release, by its entry or, without one, as s3p left it.
async fn wish(
    store: &Store,
    track: &Promotion,
    version: &ReleaseVersion,
    entry: Option<&Entry<Promoted>>,
) -> anyhow::Result<Wish> {
    let path = RelPath::parse(track.file.split().1)?;
    let Some(entry) = entry else { return by_s3p(store, track, version, path).await };
    let release = &entry.what.release;
    let (key, sha256) = (release.key.clone(), Some(release.sha256));
    let parts = match store.is_single(release.size) {
        true => None,
        false => parts(store, track, release).await?,
    };
    Ok(Wish { path, key, size: release.size, mode: Mode::Plain.bits(), sha256, parts })
}

/// What the archive's record says of the parts of a release.
async fn parts(
    store: &Store,
    track: &Promotion,
    release: &Release,
) -> anyhow::Result<Option<Parts>> {
    let shelf = track.shelf(&release.version)?;
    let found = store.get_if_allowed(&shelf.record()?).await?;
    let Some(found) = found else { return Ok(None) };
    let record = Record::parse(&found.bytes, &release.version, &track.file, &shelf);
    Ok(record.ok().filter(|it| it.release == *release).and_then(|it| it.parts))
}

/// What s3p put at the rank: the archive's object, or else the rank's, that says it is the version.
async fn by_s3p(
    store: &Store,
    track: &Promotion,
    version: &ReleaseVersion,
    path: RelPath,
) -> anyhow::Result<Wish> {
    for key in [track.shelf(version)?.plain, track.pointer(&track.rank)?] {
        let Some(facts) = store.head(&key).await? else { continue };
        if facts.metadata.get(VERSION).is_some_and(|text| text == version.as_str()) {
            let sha256 = facts.sha256();
            let mode = Mode::Plain.bits();
            return Ok(Wish { path, key, size: facts.size, mode, sha256, parts: None });
        }
    }
    Err(fault(
        format!("version {version} of {} is neither in the archive nor at the rank", track.file),
        "somebody deleted what s3p put there: take the newest version",
    ))
}

/// `promotion.json`.
fn about(
    track: &Promotion,
    wanted: &Wanted,
    wish: &Wish,
    entry: Option<&Entry<Promoted>>,
) -> anyhow::Result<String> {
    let what = entry.map(|entry| &entry.what);
    let about = json!({
        "file": track.file,
        "rank": track.rank,
        "version": wanted.version,
        "promotion": wanted.promotion,
        "time": entry.map(|entry| &entry.time),
        "build": entry.map(|entry| &entry.build),
        "from": what.and_then(|what| what.from.as_ref()),
        "rollback": what.is_some_and(|what| what.rollback),
        "size": wish.size,
        "sha256": wish.sha256,
        "key": wish.key,
    });
    Ok(serde_json::to_string_pretty(&about)? + "\n")
}
