//! The get of the `package` track: a version's file, and small ones about it.

use crate::input::common::Settings;
use crate::input::get_file::GetFile;
use crate::input::protocol::{Response, Version};
use crate::machine::report::size;
use crate::s3::fetch::{Wish, fetch, fetch_unpacked};
use crate::s3::transfer::Engine;
use crate::tracks::package::ledger::Ledger;
use crate::tracks::package::rules::{OWN_FILES, VersionRecord, Wanted, describe, permissions};
use crate::tracks::package::source::Package;
use crate::words::fault::fault;
use crate::words::names::RelPath;
use crate::words::object::UserMetadata;
use serde_json::json;
use std::path::Path;

/// Fetches a version of the `package` track into a directory.
pub(in crate::tracks) async fn get(
    settings: &Settings,
    track: &Package,
    engine: &Engine,
    version: &Version,
    params: &GetFile,
    destination: &Path,
) -> anyhow::Result<Response> {
    let wanted = Wanted::parse(version)?;
    let ledger = Ledger::new(&engine.store, track);
    let (record, user) = ledger.record(wanted.version).await?;
    let small = [
        (OWN_FILES[0], wanted.version.to_string()),
        (OWN_FILES[1], record.sha.hex()),
        (OWN_FILES[2], about(&ledger, &wanted, &record, &user)?),
    ];
    if params.skip_download.unwrap_or(settings.skip_download) {
        fetch(&ledger.blobs, &[], &small, destination).await?;
    } else {
        let wish = wish(&ledger, &record, &record.basename).await?;
        let bytes = wish.size;
        let is_written = params.unpack.as_ref().is_none_or(|it| it.keep_archive);
        if is_written && OWN_FILES.contains(&record.basename.as_str()) {
            return Err(fault(
                format!(
                    "version {} of {} is a file called `{}`, which this resource writes itself",
                    wanted.version, track.name, record.basename
                ),
                "fetch it with `s3-asset package download -o NAME`",
            ));
        }
        match &params.unpack {
            Some(how) => fetch_unpacked(&ledger.blobs, &wish, how, &small, destination).await?,
            None => fetch(&ledger.blobs, &[wish], &small, destination).await?,
        }
        let report = ledger.blobs.store.report();
        report.success(format!(
            "fetched {} ({}), version {} of {}",
            record.basename,
            size(bytes),
            wanted.version,
            track.name
        ));
    }
    let moved = ledger.moved(&wanted).await;
    let bucket = ledger.blobs.store.bucket();
    let metadata = describe(bucket, track, &wanted, moved, &record, &user)?;
    Ok(Response { version: version.clone(), metadata })
}

async fn wish(ledger: &Ledger, record: &VersionRecord, name: &str) -> anyhow::Result<Wish> {
    let (key, size) = ledger.blob_of(record).await?;
    Ok(Wish {
        path: RelPath::parse(name)?,
        key,
        size,
        mode: permissions(record.mode),
        sha256: Some(record.sha),
        parts: None,
    })
}

/// Fetches a version's file alone, under a name of the caller's choice.
pub async fn download_version(
    ledger: &Ledger,
    record: &VersionRecord,
    name: &str,
    directory: &Path,
) -> anyhow::Result<()> {
    let wish = wish(ledger, record, name).await?;
    fetch(&ledger.blobs, &[wish], &[], directory).await
}

/// `package-info.json`: what the version and its record say, and nothing that could change.
fn about(
    ledger: &Ledger,
    wanted: &Wanted,
    record: &VersionRecord,
    user: &UserMetadata,
) -> anyhow::Result<String> {
    let mut about = json!({
        "name": ledger.package.name.as_str(),
        "version": wanted.version,
        "sha256": record.sha,
        "basename": record.basename,
        "mode": format!("{:04o}", permissions(record.mode)),
        "size": record.size,
        "metadata": user,
        "added_at": record.entered.added_at,
        "build": record.entered.build,
    });
    if let Some((tag, tagged)) = &wanted.tagged {
        about["tag"] = tag.as_str().into();
        about["tagged"] = (*tagged).into();
    }
    Ok(format!("{about:#}\n"))
}
