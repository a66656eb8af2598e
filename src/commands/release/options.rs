//! A bucket with releases in it, and which of them a command is about.

use crate::commands::bucket_options::BucketOptions;
use crate::machine::environment::variable;
use crate::machine::report::Report;
use crate::s3::transfer::Engine;
use crate::tracks::Track;
use crate::tracks::promotion::source::Promotion;
use crate::words::fault::fault;
use crate::words::names::Rank;
use clap::Args;
use serde_json::json;
use std::sync::Arc;

/// The variable that names the bucket, as for s3p.
const BUCKET: &str = "AWS_S3_BUCKET";
/// The variable that names the ranks.
const RANKS: &str = "AWS_S3_RANKS";

/// The options of every command on releases.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::commands) struct ReleaseOptions {
    #[command(flatten)]
    pub(in crate::commands) place: BucketOptions,
    /// The ranks in order, with commas between them; unset: AWS_S3_RANKS
    #[arg(long, value_name = "RANKS")]
    pub(in crate::commands) ranks: Option<String>,
    /// The folder that keeps every version; unset: archive
    #[arg(long, value_name = "FOLDER")]
    archive_prefix: Option<String>,
}

/// A bucket that is ready to be used.
#[derive(Debug)]
pub(in crate::commands) struct Opened {
    /// Moves files to and from it.
    pub(in crate::commands) engine: Engine,
    /// Which file, which rank.
    pub(in crate::commands) track: Promotion,
}

impl ReleaseOptions {
    /// Whether ranks are given, by an option or in the environment.
    pub(in crate::commands) fn has_ranks(&self) -> bool {
        self.ranks.is_some() || variable(RANKS).is_some()
    }

    /// The ranks that the options or the environment name.
    fn ranks(&self) -> anyhow::Result<String> {
        self.ranks.clone().or_else(|| variable(RANKS)).ok_or_else(|| {
            fault(
                "no ranks given",
                format!("add --ranks 'qa, staging, production', or set {RANKS} in the environment"),
            )
        })
    }

    /// The bucket of these options, for a file at a rank; at the first where none is named.
    pub(in crate::commands) async fn open(
        &self,
        report: &Arc<Report>,
        file: &str,
        rank: Option<&str>,
    ) -> anyhow::Result<Opened> {
        let ranks = self.ranks()?;
        let rank = rank.unwrap_or_else(|| ranks.split(',').next().unwrap_or(""));
        let track = json!({"promotion": {
            "ranks": ranks,
            "rank": rank,
            // As s3p: the last name of a path.
            "file": file.rsplit('/').next(),
            "archive_prefix": self.archive_prefix,
        }});
        match self.place.open(report, Some(BUCKET), track).await? {
            (engine, Track::Promotion(track)) => Ok(Opened { engine, track }),
            _ => Err(anyhow::anyhow!("a source with `promotion` is of that track")),
        }
    }
}

impl Opened {
    /// The ranks that a command is about: its own, or all.
    pub(in crate::commands) fn asked(&self, is_one: bool) -> &[Rank] {
        if is_one { std::slice::from_ref(&self.track.rank) } else { &self.track.ranks }
    }
}
