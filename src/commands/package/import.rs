//! `s3-asset package import`: packages that `export` wrote, into a ledger and a store.

use super::Output;
use super::export::{blobs_in, packages_in};
use crate::commands::by::By;
use crate::machine::report::count;
use crate::machine::terminal::answer;
use crate::s3::transfer::corrupt;
use crate::tracks::package::ledger::Ledger;
use crate::tracks::package::plan::Addition;
use crate::tracks::package::put::addition_at;
use crate::tracks::package::rules::{Exported, VersionRecord};
use crate::words::fault::fault;
use crate::words::names::PackageName;
use crate::words::object::{ObjectOptions, UserMetadata};
use clap::Args;
use serde_json::json;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) const HELP: &str = "\
Versions keep their numbers, tags and versions their histories. A run that was interrupted is run
again; a version that is there already must be the same one.

Examples:
  s3-asset package --ledger s3://new --store s3://new-store import backup
  s3-asset package --ledger s3://new --store s3://new-store import backup frontend";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What `export` wrote
    directory: PathBuf,
    /// Which packages; none: all of them
    packages: Vec<String>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(ledger: &Ledger, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (packages, blobs) = (packages_in(&arguments.directory), blobs_in(&arguments.directory));
    let files = match arguments.packages.as_slice() {
        [] => found(&packages)?,
        names => names
            .iter()
            .map(|name| Ok(packages.join(format!("{}.json", PackageName::parse(name)?))))
            .collect::<anyhow::Result<_>>()?,
    };
    if files.is_empty() {
        return Err(fault(
            format!("{} holds no package", packages.display()),
            "give a directory that `s3-asset package export` wrote",
        ));
    }
    let (mut versions, mut there, mut names) = (0, 0, Vec::new());
    let report = ledger.ledger.report();
    report.begin_all("importing", "package", files.len());
    for file in &files {
        let place = file.display().to_string();
        let bytes = std::fs::read(file).map_err(|e| match e.kind() {
            ErrorKind::NotFound => fault(
                format!("there is no {place}"),
                "name a package that `s3-asset package export` wrote there, or none for all of them",
            ),
            _ => anyhow::Error::new(e).context(place.clone()),
        })?;
        let exported = Exported::parse(&bytes, &place)?;
        let ledger = ledger.of(&ledger.package.named(exported.name()?));
        let restored = ledger
            .restore(&exported, &By::default().run()?, async |record, metadata| {
                addition(&ledger, record, metadata, &blobs).await
            })
            .await?;
        versions += restored.versions;
        there += restored.there;
        names.push(exported.name()?.to_string());
        report.advance_all();
    }
    report.end_all();
    report.success(format!(
        "imported {} of {}; {there} were there",
        count(versions, "version"),
        count(names.len(), "package"),
    ));
    if arguments.output.json {
        answer(&json!({"packages": names, "versions": versions, "there": there}))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A version's file, checked against its record.
async fn addition(
    ledger: &Ledger,
    record: &VersionRecord,
    metadata: &UserMetadata,
    blobs: &Path,
) -> anyhow::Result<Addition> {
    let mut options = ObjectOptions::default();
    options.guess_media_type(&record.basename);
    let name = record.sha.hex();
    let addition = addition_at(ledger, blobs, &name, metadata, &options).await?;
    let got = addition.file.facts.sha256;
    if got != record.sha {
        let place = blobs.join(&name).display().to_string();
        return Err(corrupt(&place, format!("its SHA-256 is {got}")));
    }
    Ok(addition)
}

/// The files of packages, in the order of their names.
fn found(packages: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(packages).sort_by_file_name() {
        let entry = entry.map_err(|e| {
            fault(e.to_string(), "give a directory that `s3-asset package export` wrote")
        })?;
        let is_one = entry.path().extension().is_some_and(|ending| ending == "json");
        if entry.file_type().is_file() && is_one {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}
