//! `release download`: what stands at a rank, out of the archive and checked.

use super::{Opened, ReleaseOptions, standing};
use crate::commands::Output;
use crate::machine::report::Report;
use crate::machine::terminal::{self, until_terminated};
use crate::tracks::promotion::get::download_release;
use crate::tracks::promotion::rules::Refused;
use crate::words::fault::fault;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// The file
    file: String,
    /// The rank
    rank: String,
    /// Where to: a file's path, or a directory that is there; unset: `RANK-FILE` here
    path: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: Output,
    #[command(flatten)]
    releases: ReleaseOptions,
}

pub(super) async fn run(report: &Arc<Report>, arguments: &Arguments) -> anyhow::Result<()> {
    let opened = arguments.releases.open(report, &arguments.file, Some(&arguments.rank)).await?;
    let Opened { engine, track } = &opened;
    let name = track.file.split().1;
    let path = match &arguments.path {
        // As s3p: what was just built under the file's own name is not written over.
        None => PathBuf::from(format!("{}-{name}", track.rank)),
        Some(path) if path.is_dir() => path.join(name),
        Some(path) => path.clone(),
    };
    let work = async {
        let Some(standing) = standing(&opened, &track.rank).await? else {
            let why = fault(
                format!("nothing of {} stands at the rank `{}`", track.file, track.rank),
                "`s3-asset release version` says what stands where",
            );
            return Err(why.context(Refused::DOWNLOAD));
        };
        let (version, entry) = (standing.version(), standing.entry());
        download_release(engine, track, version, entry, Path::new(&path)).await?;
        Ok(standing)
    };
    let standing = until_terminated(engine.store.abort_all(), work).await?;
    let version = standing.version();
    report.success(format!("{} version {version} is in {}", track.file, path.display()));
    if arguments.output.json {
        terminal::answer(&json!({
            "file": track.file, "rank": track.rank, "version": version,
            "promotion": standing.number(), "path": path,
        }))?;
    }
    Ok(())
}
