//! A bucket with sets in it, and where in it they lie: options, or the environment.

use super::bucket_options::BucketOptions;
use crate::machine::report::Report;
use crate::s3::transfer::Engine;
use crate::tracks::Track;
use crate::tracks::artifacts::source::Artifacts;
use clap::Args;
use serde_json::json;
use std::sync::Arc;

/// The variable that names the bucket, as for s3-asset-manager.
pub(super) const BUCKET: &str = "PACKAGE_ASSETS_BUCKET";

/// The options of every command on sets.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct SetsOptions {
    #[command(flatten)]
    pub(super) place: BucketOptions,
    /// The folder of the sets; unset: artifacts
    #[arg(long, value_name = "FOLDER")]
    pub(super) artifacts_prefix: Option<String>,
    /// The folder of the cache; unset: cache
    #[arg(long, value_name = "FOLDER")]
    pub(super) cache_prefix: Option<String>,
}

/// A bucket that is ready to be used.
#[derive(Debug)]
pub(super) struct Opened {
    /// Moves files to and from it.
    pub(super) engine: Engine,
    /// Where in it the sets are.
    pub(super) track: Artifacts,
}

impl SetsOptions {
    /// The bucket of these options.
    pub(super) async fn open(&self, report: &Arc<Report>) -> anyhow::Result<Opened> {
        let track = json!({"artifacts": {
            "artifacts_prefix": self.artifacts_prefix,
            "cache_prefix": self.cache_prefix,
        }});
        match self.place.open(report, Some(BUCKET), track).await? {
            (engine, Track::Artifacts(track)) => Ok(Opened { engine, track }),
            _ => Err(anyhow::anyhow!("a source with `artifacts` is of that track")),
        }
    }
}
