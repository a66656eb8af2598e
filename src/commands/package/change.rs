//! `s3-asset package add, tag, untag, remove, init`.

use super::Output;
use crate::commands::by::By;
use crate::input::object_params::pairs;
use crate::machine::terminal::{answer, print};
use crate::tracks::package::ledger::Ledger;
use crate::tracks::package::plan::{Act, Ask, Outcome};
use crate::tracks::package::put::{addition_at, carry_out};
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

/// How a change is carried out, and answered.
#[derive(Debug, Clone, Args)]
struct Mode {
    #[command(flatten)]
    by: By,
    /// Prints each step and its reason, and changes nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
}

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
    mode: Mode,
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
    mode: Mode,
}

#[derive(Debug, Args)]
pub(super) struct UntagArguments {
    /// Package name
    pub(super) package: String,
    /// Package label
    label: String,
    #[command(flatten)]
    mode: Mode,
}

#[derive(Debug, Args)]
pub(super) struct RemoveArguments {
    /// Package name
    pub(super) package: String,
    /// Package version
    version: u64,
    #[command(flatten)]
    mode: Mode,
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
    let addition = addition_at(ledger, directory, name, &metadata, &options).await?;
    let ask = Ask { act: Act::Add(addition), tags, untag: Vec::new() };
    let Some(outcome) = done(ledger, &ask, &arguments.mode).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let Some(added) = outcome.added else { anyhow::bail!("an add answers a version") };
    said(arguments.mode.output, Some(added.version.to_string()), || {
        json!({
            "version": added.version, "sha256": added.record.sha, "new": added.is_new,
            "tags": ask.tags.iter().map(Tag::as_str).collect::<Vec<_>>(),
        })
    })
}

/// Does what is asked for; or prints the plan of it, and answers none.
async fn done(ledger: &Ledger, ask: &Ask, mode: &Mode) -> anyhow::Result<Option<Outcome>> {
    let run = mode.by.run()?;
    if !mode.dry_run {
        return carry_out(ledger, ask, &run).await.map(Some);
    }
    let plan = ledger.dry_run(ask, &run).await?;
    let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
    mode.output.plan(&steps, "it is so already", json!({}))?;
    Ok(None)
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
    let ask = Ask { act: Act::Tag(Some(version)), tags: vec![tag.clone()], untag: Vec::new() };
    let Some(outcome) = done(ledger, &ask, &arguments.mode).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let tagged = outcome.tags.first().map(|(_, number)| *number);
    said(
        arguments.mode.output,
        None,
        || json!({"version": version, "tag": tag.as_str(), "tagged": tagged}),
    )
}

pub(super) async fn untag(ledger: &Ledger, arguments: &UntagArguments) -> anyhow::Result<ExitCode> {
    let tag = Tag::parse(&arguments.label)?;
    let ask = Ask { act: Act::Tag(None), tags: Vec::new(), untag: vec![tag.clone()] };
    let Some(outcome) = done(ledger, &ask, &arguments.mode).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let last = outcome.untagged.first().and_then(|(_, last)| *last);
    said(
        arguments.mode.output,
        None,
        || json!({"tag": tag.as_str(), "was": last.map(|(version, _)| version)}),
    )
}

pub(super) async fn remove(
    ledger: &Ledger,
    arguments: &RemoveArguments,
) -> anyhow::Result<ExitCode> {
    let version = arguments.version;
    let ask = Ask { act: Act::Remove(version), tags: Vec::new(), untag: Vec::new() };
    let Some(outcome) = done(ledger, &ask, &arguments.mode).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let removed = outcome.removed;
    said(arguments.mode.output, None, || json!({"version": version, "removed": removed}))
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
