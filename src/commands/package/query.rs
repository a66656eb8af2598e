//! `s3-asset package list, versions, tags, info, download`.

use super::{ListArguments, Output};
use crate::commands::table::{facts, table};
use crate::history::Entry;
use crate::machine::report::size;
use crate::machine::terminal::{answer, print};
use crate::tracks::package::get::download_version;
use crate::tracks::package::ledger::Ledger;
use crate::tracks::package::rules::{Change, Move};
use crate::words::build::Build;
use crate::words::fault::fault;
use crate::words::names::{Spec, Tag};
use clap::Args;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) const LIST_HELP: &str = "\
Examples:
  s3-asset package list --ledger s3://my-ledger";

pub(super) const VERSIONS_HELP: &str = "\
Examples:
  s3-asset package versions frontend
  s3-asset package versions frontend --json";

pub(super) const TAGS_HELP: &str = "\
Examples:
  s3-asset package tags frontend
  s3-asset package tags frontend --long
  s3-asset package tags frontend live       who moved it, when, from where to where";

pub(super) const INFO_HELP: &str = "\
Examples:
  s3-asset package info frontend 23
  s3-asset package info frontend live --json";

pub(super) const DOWNLOAD_HELP: &str = "\
Examples:
  s3-asset package download frontend latest
  s3-asset package download frontend 23 -o frontend.jar";

#[derive(Debug, Args)]
pub(super) struct VersionsArguments {
    /// Package name
    pub(super) package: String,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, Args)]
pub(super) struct TagsArguments {
    /// Package name
    pub(super) package: String,
    /// Only this tag: its moves, newest first
    label: Option<String>,
    /// A table: which version each tag is on, since when, and who put it there
    #[arg(long, short)]
    long: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct SpecArguments {
    /// Package name
    pub(super) package: String,
    /// Package version or tag
    spec: String,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct DownloadArguments {
    /// Package name
    pub(super) package: String,
    /// Package version or tag
    spec: String,
    /// Where to; unset: under its own name in this directory
    #[arg(short, long = "output", value_name = "FILE")]
    output_filename: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn list(ledger: &Ledger, output: Output) -> anyhow::Result<ExitCode> {
    let packages = super::chosen(ledger, &[]).await?;
    let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    lines_or(output, &names, || Ok(json!(names)))
}

/// Words on lines, as sacker answers, or JSON.
fn lines_or(
    output: Output,
    lines: &[impl std::fmt::Display],
    value: impl FnOnce() -> anyhow::Result<Value>,
) -> anyhow::Result<ExitCode> {
    if output.json {
        answer(&value()?)?;
    } else {
        print(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn versions(ledger: &Ledger, output: Output) -> anyhow::Result<ExitCode> {
    let history = ledger.history()?;
    let (listed, entries) =
        futures_util::future::try_join(ledger.listed(0, u64::MAX), history.newest(usize::MAX))
            .await?;
    let entries = entries.unwrap_or_default();
    let removed: BTreeSet<u64> = entries
        .iter()
        .filter_map(|entry| match entry.what {
            Change::Removed { removed, .. } => Some(removed),
            Change::Added { .. } => None,
        })
        .collect();
    let standing: Vec<u64> = listed
        .iter()
        .map(|(version, _)| *version)
        .filter(|version| !removed.contains(version))
        .collect();
    lines_or(output, &standing, || {
        let known: BTreeMap<u64, &Entry<Change>> = entries
            .iter()
            .filter_map(|entry| match entry.what {
                Change::Added { added, .. } => Some((added, entry)),
                Change::Removed { .. } => None,
            })
            .collect();
        let value = |version: &u64| {
            let entry = known.get(version);
            let (sha, basename) = match entry.map(|entry| &entry.what) {
                Some(Change::Added { sha, basename, .. }) => (*sha, basename.clone()),
                _ => (None, None),
            };
            let build = entry.map(|entry| entry.build.clone()).unwrap_or_default();
            json!({
                "version": version, "sha256": sha, "basename": basename,
                "time": entry.map(|entry| &entry.time), "build": build.name, "by": build.by,
            })
        };
        Ok(standing.iter().map(value).collect())
    })
}

pub(super) async fn tags(ledger: &Ledger, arguments: &TagsArguments) -> anyhow::Result<ExitCode> {
    if let Some(label) = &arguments.label {
        return moves(ledger, &Tag::parse(label)?, arguments.output).await;
    }
    let mut rows: Vec<(String, u64, Option<Entry<Move>>)> = Vec::new();
    for tag in ledger.tags().await? {
        let entry = ledger.tag_history(&tag)?.newest(1).await?.and_then(|mut it| it.pop());
        let version = match &entry {
            Some(entry) => entry.what.version,
            None => ledger.foreign_tag_if_readable(&tag).await?,
        };
        rows.extend(version.map(|version| (tag.to_string(), version, entry)));
    }
    rows.extend(ledger.latest().await?.map(|version| (Tag::LATEST.to_owned(), version, None)));
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    if arguments.long && !arguments.output.json {
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|(tag, version, entry)| {
                let build = entry.as_ref().map(|entry| entry.build.clone()).unwrap_or_default();
                let time = entry.as_ref().map(|entry| entry.time.clone()).unwrap_or_default();
                vec![
                    tag.clone(),
                    version.to_string(),
                    time.to_string(),
                    text(&build.name),
                    text(&build.by),
                ]
            })
            .collect();
        print(table(&["tag", "version", "since", "build", "by"], &cells).as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<&str> = rows.iter().map(|(tag, ..)| tag.as_str()).collect();
    lines_or(arguments.output, &names, || {
        let value = |(tag, version, entry): &(String, u64, Option<Entry<Move>>)| {
            let build = entry.as_ref().map(|entry| entry.build.clone()).unwrap_or_default();
            json!({
                "tag": tag, "version": version, "tagged": entry.as_ref().map(|it| it.number),
                "time": entry.as_ref().map(|it| &it.time), "build": build.name, "by": build.by,
            })
        };
        Ok(rows.iter().map(value).collect())
    })
}

/// The history of a tag, newest first.
async fn moves(ledger: &Ledger, tag: &Tag, output: Output) -> anyhow::Result<ExitCode> {
    let entries = ledger.tag_history(tag)?.newest(usize::MAX).await?.unwrap_or_default();
    if entries.is_empty() {
        if let Some(version) = ledger.foreign_tag(tag).await? {
            ledger.ledger.report().info(format!(
                "{tag} is on version {version}; another tool put it there, and nothing says who or when"
            ));
        } else {
            return Err(fault(
                format!("{} has no tag `{tag}`", ledger.package.name),
                "`s3-asset package tags` lists them",
            ));
        }
    }
    let from = |index: usize| entries.get(index + 1).and_then(|entry| entry.what.version);
    if output.json {
        let value = |(index, entry): (usize, &Entry<Move>)| {
            let Build { name, url, by } = &entry.build;
            json!({
                "tagged": entry.number, "time": entry.time, "version": entry.what.version,
                "from": from(index), "build": name, "build_url": url, "by": by,
            })
        };
        answer(&entries.iter().enumerate().map(value).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let number = |version: Option<u64>| version.map(|it| it.to_string()).unwrap_or_default();
    let rows: Vec<Vec<String>> = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| {
            vec![
                entry.number.to_string(),
                entry.time.to_string(),
                number(from(index)),
                number(entry.what.version),
                entry.build.name.clone().unwrap_or_default(),
                entry.build.by.clone().unwrap_or_default(),
            ]
        })
        .collect();
    print(table(&["tagged", "time", "from", "to", "build", "by"], &rows).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn info(ledger: &Ledger, arguments: &SpecArguments) -> anyhow::Result<ExitCode> {
    let version = ledger.resolve(&Spec::parse(&arguments.spec)?).await?;
    let (record, user) = ledger.record(version).await?;
    let name = &ledger.package.name;
    let uri = ledger.blobs.store.uri(ledger.package.blob(&record.sha)?.as_str());
    if arguments.output.json {
        let mut value = serde_json::to_value(&record)?;
        value["name"] = name.as_str().into();
        value["version"] = version.into();
        value["metadata"] = json!(user);
        value["s3_uri"] = uri.into();
        answer(&value)?;
        return Ok(ExitCode::SUCCESS);
    }
    // The first line is sacker's.
    let sha = record.sha.hex();
    let line = format!(
        "Package(name: '{name}', version: {version}, sha: {}..., filename: {}, mode: {:o})",
        sha.get(..8).unwrap_or(&sha),
        record.basename,
        record.mode
    );
    let mut lines = vec![
        ("sha256", sha),
        ("size", record.size.map(size).unwrap_or_default()),
        ("added_at", record.entered.added_at.clone().unwrap_or_default().to_string()),
        ("build", record.entered.build.name.clone().unwrap_or_default()),
        ("by", record.entered.build.by.clone().unwrap_or_default()),
        ("fetch", format!("aws s3 cp {uri} '{}'", record.basename.replace('\'', "'\\''"))),
    ];
    lines.extend(user.iter().map(|(name, value)| (name.as_str(), value.clone())));
    print(format!("{line}\n{}", facts(&lines)).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn download(
    ledger: &Ledger,
    arguments: &DownloadArguments,
) -> anyhow::Result<ExitCode> {
    let version = ledger.resolve(&Spec::parse(&arguments.spec)?).await?;
    let (record, _) = ledger.record(version).await?;
    let to = match &arguments.output_filename {
        Some(path) => path.clone(),
        None => PathBuf::from(&record.basename),
    };
    let name = to.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        fault(format!("{} names no file", to.display()), "give the file to write")
    })?;
    let directory = match to.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    download_version(ledger, &record, name, directory).await?;
    let shown = to.display().to_string();
    lines_or(arguments.output, &[&shown], || {
        Ok(json!({"file": shown, "version": version, "sha256": record.sha}))
    })
}

impl From<ListArguments> for Output {
    fn from(arguments: ListArguments) -> Output {
        arguments.output
    }
}
