//! `s3-asset package export`: packages, with their blobs and histories, in a directory.
//!
//! `packages/<name>.json` is written when every blob that it needs is in `blobs/<sha-256>`, each
//! checked; so a run that was interrupted is run again, and blobs that are there stay.

use super::{Output, chosen};
use crate::machine::report::{count, size};
use crate::machine::terminal::answer;
use crate::machine::workspace::{Digests, found, hash};
use crate::s3::store::unique_id;
use crate::s3::transfer::blocking;
use crate::tracks::package::ledger::Ledger;
use crate::tracks::package::rules::{Exported, VersionRecord};
use crate::words::digest::Sha256;
use crate::words::names::RelPath;
use anyhow::Context as _;
use clap::Args;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) const HELP: &str = "\
A run that was interrupted is run again: what is there already is verified and stays.

Examples:
  s3-asset package export backup
  s3-asset package export backup frontend team/backend
  s3-asset package --ledger s3://new --store s3://new-store import backup";

/// Blobs at once: each may be large.
const BLOBS_AT_ONCE: usize = 4;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to
    directory: PathBuf,
    /// Which packages; none: all of them
    packages: Vec<String>,
    #[command(flatten)]
    output: Output,
}

/// Where a directory keeps its packages.
pub(super) fn packages_in(directory: &Path) -> PathBuf {
    directory.join("packages")
}

/// Where a directory keeps its blobs.
pub(super) fn blobs_in(directory: &Path) -> PathBuf {
    directory.join("blobs")
}

pub(super) async fn run(ledger: &Ledger, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (packages, blobs) = (packages_in(&arguments.directory), blobs_in(&arguments.directory));
    for directory in [&packages, &blobs] {
        std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    }
    let (mut versions, mut fetched, mut bytes) = (0, 0, 0);
    let chosen = chosen(ledger, &arguments.packages).await?;
    let report = ledger.ledger.report();
    report.begin_all("exporting", "package", chosen.len());
    for package in &chosen {
        let ledger = ledger.of(package);
        let exported = ledger.export().await?;
        let records: BTreeMap<Sha256, &VersionRecord> = exported
            .versions
            .iter()
            .filter_map(|version| version.record.as_ref())
            .map(|record| (record.sha, record))
            .collect();
        let sizes: Vec<Option<u64>> = stream::iter(records.into_values())
            .map(|record| blob(&ledger, record, &blobs))
            .buffer_unordered(BLOBS_AT_ONCE)
            .try_collect()
            .await?;
        versions += exported.versions.len();
        fetched += sizes.iter().flatten().count();
        bytes += sizes.iter().flatten().sum::<u64>();
        write(&exported, &packages.join(format!("{}.json", package.name)))?;
        report.advance_all();
    }
    report.end_all();
    report.success(format!(
        "exported {} of {}, {} downloaded ({})",
        count(versions, "version"),
        count(chosen.len(), "package"),
        count(fetched, "blob"),
        size(bytes),
    ));
    if arguments.output.json {
        let names: Vec<&str> = chosen.iter().map(|package| package.name.as_str()).collect();
        answer(&json!({"packages": names, "versions": versions, "downloaded": fetched}))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Fetches a blob, verified, unless it is there; answers its size then.
async fn blob(
    ledger: &Ledger,
    record: &VersionRecord,
    directory: &Path,
) -> anyhow::Result<Option<u64>> {
    let name = record.sha.hex();
    let path = directory.join(&name);
    if path.is_file() {
        let (directory, name, sha) = (directory.to_owned(), name.clone(), record.sha);
        let same = blocking(move || {
            let found = found(RelPath::parse(&name)?, directory.join(&name))?;
            Ok(hash(&found, found.size, Digests::Whole)?.facts.sha256 == sha)
        });
        if same.await? {
            return Ok(None);
        }
    }
    let (key, size) = ledger.blob_of(record).await?;
    ledger.blobs.store.report().begin("downloading", 1, size);
    let part = directory.join(format!("{name}.{}", unique_id()));
    let create = || File::create_new(&part).with_context(|| part.display().to_string());
    let fetched = ledger.blobs.download(&key, size, Some(record.sha), None, create).await;
    if let Err(e) = fetched {
        let _ = std::fs::remove_file(&part);
        return Err(e);
    }
    std::fs::rename(&part, &path).with_context(|| path.display().to_string())?;
    Ok(Some(size))
}

fn write(exported: &Exported, path: &Path) -> anyhow::Result<()> {
    let place = || path.display().to_string();
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(place)?;
    }
    let part = path.with_extension("part");
    std::fs::write(&part, exported.to_bytes()?).with_context(place)?;
    std::fs::rename(&part, path).with_context(place)
}
