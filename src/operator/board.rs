//! `s3-asset board`: who stands where, at a glance. A [`section::Section`] is a table of things by places;
//! files by ranks are one, and other tracks join as further ones.

mod html;
mod ranks;
mod section;

use section::plain;

use super::Output;
use super::release::Releases;
use crate::build_info::rfc3339;
use crate::entry::{self, until_terminated};
use crate::fault::fault;
use crate::report::Report;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

pub(super) const HELP: &str = "\
AWS_S3_BUCKET names the bucket, AWS_S3_RANKS the ranks in order.

Examples:
  s3-asset board --bucket my-releases --ranks 'qa, staging, production'
  s3-asset board --html board.html";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Which files; unset: all that stand at any rank
    files: Vec<String>,
    /// Writes a page, all in one file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    releases: Releases,
}

pub(super) async fn run(report: &Arc<Report>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    // The file plays no part in what is listed.
    let opened = arguments.releases.open(report, "any", None).await?;
    let store = &*opened.engine.store;
    let section =
        until_terminated(store, ranks::section(store, &opened.track, &arguments.files)).await?;
    let time = SystemTime::now();
    let now = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let time = rfc3339(time);
    let sections = [section];
    if let Some(path) = &arguments.html {
        let page = html::page(store.bucket().as_str(), &time, now, &sections);
        std::fs::write(path, page).map_err(|e| {
            let what = format!("{}: {e}", path.display());
            fault(what, "give --html a file in a directory that is there")
        })?;
        report.success(format!("the board is in {}", path.display()));
    }
    if arguments.output.json {
        let [files] = &sections;
        entry::answer(&json!({
            "bucket": store.bucket().as_str(), "time": time, "files": section::value(files),
        }))?;
    } else if arguments.html.is_none() {
        entry::print(
            sections.iter().map(|section| plain(section, now)).collect::<String>().as_bytes(),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
