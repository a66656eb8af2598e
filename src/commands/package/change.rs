//! `s3-asset package add, tag, untag, remove, init`.

use super::Output;
use crate::input::object_params::pairs;
use crate::machine::environment;
use crate::machine::terminal::{answer, print};
use crate::tracks;
use crate::tracks::package::ledger::Ledger;
use crate::words::fault::fault;
use crate::words::names::{Spec, Tag, shown};
use crate::words::object::ObjectOptions;
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) const ADD_HELP: &str = "\
A file that is the newest version already is not added again.

Examples:
  s3-asset package add frontend build/frontend.jar
  s3-asset package add frontend build/frontend.jar --metadata branch=main --tag canary
  s3-asset package add frontend build/frontend.jar --numbering timestamp";

pub(super) const TAG_HELP: &str = "\
Examples:
  s3-asset package tag frontend 23 live
  s3-asset package tag frontend canary live";

pub(super) const UNTAG_HELP: &str = "\
Examples:
  s3-asset package untag frontend live";

pub(super) const REMOVE_HELP: &str = "\
The version's blob stays until `s3-asset package gc` finds that no version needs it.

Examples:
  s3-asset package remove frontend 23";

pub(super) const INIT_HELP: &str = "\
Buckets that are there stay as they are.

Examples:
  s3-asset package init --ledger s3://my-ledger --store s3://my-store";

#[derive(Debug, Args)]
pub(super) struct AddArguments {
    /// Package name
    pub(super) package: String,
    /// Package filename
    filename: PathBuf,
    /// What to say of the version
    #[arg(long, value_name = "NAME=VALUE")]
    metadata: Vec<String>,
    /// Puts a tag on the version
    #[arg(long, value_name = "LABEL")]
    tag: Vec<String>,
    /// sequential, or timestamp for clients that may only write
    #[arg(long)]
    pub(super) numbering: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct TagArguments {
    /// Package name
    pub(super) package: String,
    /// Package version, or a tag that is on it
    version: String,
    /// Package label
    label: String,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct UntagArguments {
    /// Package name
    pub(super) package: String,
    /// Package label
    label: String,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct RemoveArguments {
    /// Package name
    pub(super) package: String,
    /// Package version
    version: u64,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn add(ledger: &Ledger, arguments: &AddArguments) -> anyhow::Result<ExitCode> {
    let mut metadata = BTreeMap::new();
    for pair in &arguments.metadata {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(fault(
                format!("--metadata: `{}` has no value", shown(pair)),
                "for example --metadata branch=main",
            ));
        };
        metadata.insert(name.to_owned(), value.to_owned());
    }
    let metadata = pairs("--metadata", &metadata)?;
    let tags = arguments.tag.iter().map(|tag| Tag::parse(tag)).collect::<Result<Vec<_>, _>>()?;
    let place = &arguments.filename;
    let Some(name) = place.file_name().and_then(|name| name.to_str()) else {
        return Err(fault(format!("{} names no file", place.display()), "give a file"));
    };
    let directory = match place.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let options = ObjectOptions::default();
    let candidate =
        tracks::package::put::candidate_at(ledger, directory, name, &metadata, &options).await?;
    let run = environment::run();
    let added = tracks::package::put::add(ledger, &candidate, &run).await?;
    for tag in &tags {
        ledger.tag(tag, added.version, &run).await?;
    }
    said(arguments.output, Some(added.version.to_string()), || {
        json!({
            "version": added.version, "sha256": added.record.sha, "new": added.is_new,
            "tags": tags.iter().map(Tag::as_str).collect::<Vec<_>>(),
        })
    })
}

/// Says on standard output what sacker says, or JSON.
fn said(
    output: Output,
    line: Option<String>,
    value: impl FnOnce() -> serde_json::Value,
) -> anyhow::Result<ExitCode> {
    if output.json {
        answer(&value())?;
    } else if let Some(line) = line {
        print(format!("{line}\n").as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn tag(ledger: &Ledger, arguments: &TagArguments) -> anyhow::Result<ExitCode> {
    let tag = Tag::parse(&arguments.label)?;
    let version = ledger.resolve(&Spec::parse(&arguments.version)?).await?;
    let run = environment::run();
    let tagged = ledger.tag(&tag, version, &run).await?;
    let name = &ledger.package.name;
    ledger.ledger.report().success(format!("{tag} is on version {version} of {name}"));
    said(
        arguments.output,
        None,
        || json!({"version": version, "tag": tag.as_str(), "tagged": tagged}),
    )
}

pub(super) async fn untag(ledger: &Ledger, arguments: &UntagArguments) -> anyhow::Result<ExitCode> {
    let tag = Tag::parse(&arguments.label)?;
    let run = environment::run();
    let last = ledger.untag(&tag, &run).await?;
    let name = &ledger.package.name;
    match last {
        Some((version, _)) => ledger
            .ledger
            .report()
            .success(format!("{tag} is no longer on version {version} of {name}")),
        None => ledger.ledger.report().warn(format!("{name} has no tag `{tag}`")),
    }
    said(
        arguments.output,
        None,
        || json!({"tag": tag.as_str(), "was": last.map(|(version, _)| version)}),
    )
}

pub(super) async fn remove(
    ledger: &Ledger,
    arguments: &RemoveArguments,
) -> anyhow::Result<ExitCode> {
    let version = arguments.version;
    let run = environment::run();
    let removed = ledger.remove(version, &run).await?;
    let (name, report) = (&ledger.package.name, ledger.ledger.report());
    if removed {
        report.success(format!("version {version} of {name} is no longer available"));
    } else {
        report.info(format!("version {version} of {name} was removed before"));
    }
    said(arguments.output, None, || json!({"version": version, "removed": removed}))
}

pub(super) async fn init(ledger: &Ledger, output: Output) -> anyhow::Result<ExitCode> {
    let mut made = Vec::new();
    for (what, store) in [("ledger", &ledger.ledger), ("store", &*ledger.blobs.store)] {
        if !output.json {
            print(format!("Initializing {what}...\n").as_bytes())?;
        }
        let is_new = store.create_bucket().await?;
        let bucket = store.bucket();
        store.report().info(if is_new {
            format!("made the bucket {bucket}")
        } else {
            format!("the bucket {bucket} is there")
        });
        made.push(is_new);
    }
    said(output, Some("done.".to_owned()), || json!({"ledger": made[0], "store": made[1]}))
}
