//! `s3-asset board`: who stands where, at a glance. A [`section::Section`] is a table of things by
//! places: files by ranks, packages by tags.

mod html;
mod packages;
mod ranks;
mod section;

use section::plain;

use super::Output;
use super::package::LedgerOptions;
use super::release::ReleaseOptions;
use crate::machine::report::Report;
use crate::machine::terminal::{self, until_terminated};
use crate::words::fault::fault;
use crate::words::time::Utc;
use clap::Args;
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

/// Names the file of a track that is opened for all of them: it plays no part in what is listed.
const EVERY_FILE: &str = "any";

pub(super) const HELP: &str = "\
Files by ranks: AWS_S3_BUCKET names the bucket, AWS_S3_RANKS the ranks in order. Packages by tags:
with --ledger; or, where no ranks are given, of the ledger that SACKER_CONFIG or ~/.sacker.json names.

Examples:
  s3-asset board --bucket my-releases --ranks 'qa, staging, production'
  s3-asset board --ledger s3://my-packages
  s3-asset board --html board.html";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Which files, or packages; unset: all that stand anywhere
    names: Vec<String>,
    /// Writes a page, all in one file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Packages, too: the bucket of their names, versions and tags
    #[arg(long, value_name = "s3://BUCKET")]
    ledger: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    releases: ReleaseOptions,
}

pub(super) async fn run(report: &Arc<Report>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let ledger = LedgerOptions::beside(&arguments.releases.place, arguments.ledger.clone());
    let by_ranks = arguments.releases.has_ranks();
    let by_tags = arguments.ledger.is_some() || !by_ranks && ledger.is_given()?;
    if !by_ranks && !by_tags {
        return Err(fault(
            "neither ranks nor a ledger given",
            "add --ranks 'qa, staging, production', or set AWS_S3_RANKS; for packages, add --ledger s3://BUCKET",
        ));
    }
    let (mut buckets, mut sections) = (Vec::new(), Vec::new());
    if by_ranks {
        let opened = arguments.releases.open(report, EVERY_FILE, None).await?;
        let store = &*opened.engine.store;
        let work = ranks::section(store, &opened.track, &arguments.names);
        sections.push(("files", until_terminated(store.abort_all(), work).await?));
        buckets.push(store.bucket().to_string());
    }
    if by_tags {
        let ledger = ledger.open(report, None, None).await?;
        let work = packages::section(&ledger, &arguments.names);
        sections.push(("packages", until_terminated(ledger.ledger.abort_all(), work).await?));
        buckets.push(ledger.ledger.bucket().to_string());
    }
    buckets.dedup();
    let buckets = buckets.join(", ");
    let time = SystemTime::now();
    let now = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let time = Utc::of(time);
    if let Some(path) = &arguments.html {
        let page = html::page(&buckets, &time, now, sections.iter().map(|(_, section)| section));
        std::fs::write(path, page).map_err(|e| {
            let what = format!("{}: {e}", path.display());
            fault(what, "give --html a file in a directory that is there")
        })?;
        report.success(format!("the board is in {}", path.display()));
    }
    if arguments.output.json {
        let mut board = Map::from_iter(
            [("bucket", buckets), ("time", time.to_string())]
                .map(|(name, value)| (name.to_owned(), Value::from(value))),
        );
        board.extend(sections.iter().map(|(name, it)| ((*name).to_owned(), section::value(it))));
        terminal::answer(&board)?;
    } else if arguments.html.is_none() {
        let tables: Vec<String> = sections.iter().map(|(_, it)| plain(it, now)).collect();
        terminal::print(tables.join("\n").as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}
