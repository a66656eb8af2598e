//! The put of the `promotion` track: a file goes up to the first rank, or climbs to the next, or a
//! rank goes back.

mod archiving;
mod climbing;
mod looking;
mod outcome;

pub use climbing::Climbing;
pub use looking::AtRank;
pub use outcome::{News, Outcome, Standing};

use crate::input::protocol::{Response, metadata};
use crate::machine::workspace::{find_one, read_text};
use crate::s3::transfer::Engine;
use crate::tracks::promotion::get::describe_promotion;
use crate::tracks::promotion::params::{Act, PutPromotion, VersionOf};
use crate::tracks::promotion::source::Promotion;
use crate::words::build::Run;
use crate::words::names::ReleaseVersion;
use crate::words::time::stamp;
use std::path::Path;
use std::time::SystemTime;

/// Carries out a put of the `promotion` track; `sources` is the directory of its inputs.
pub(in crate::tracks) async fn put(
    track: &Promotion,
    engine: &Engine,
    params: &PutPromotion,
    sources: &Path,
    run: &Run,
) -> anyhow::Result<Response> {
    let climbing = Climbing { engine, track, run, options: &params.object };
    let version = |of: &VersionOf| match of {
        VersionOf::Given(version) => Ok(version.clone()),
        VersionOf::File(file) => {
            let path = sources.join(file);
            ReleaseVersion::parse(&read_text(&path, "params.version_file")?)
                .map_err(|e| e.context(path.display().to_string()))
        }
    };
    let outcome = match &params.act {
        Act::Upload { file, version: of } => {
            let file = find_one(sources, file, "params.file")?;
            climbing.upload(file, of.as_ref().map(version).transpose()?).await?
        }
        Act::Promote { version: of } => {
            let version = of.as_ref().map(version).transpose()?;
            climbing.promote(version.as_ref()).await?
        }
        Act::RollBack { version: of } => climbing.roll_back(&version(of)?).await?,
    };
    outcome.tell(track, engine.store.report());
    let (version, number) = (outcome.standing.version(), outcome.standing.number());
    let mut lines = describe_promotion(&engine.store, track, version, outcome.standing.entry())?;
    if let News::Before(now) = &outcome.news {
        lines.push(metadata("stands_now", now.as_str()));
    }
    Ok(Response {
        version: crate::tracks::promotion::rules::version(version, number),
        metadata: lines,
    })
}

/// The version of a file that is given none: the time, to the millisecond.
pub(super) fn default_version() -> anyhow::Result<ReleaseVersion> {
    ReleaseVersion::parse(&stamp(SystemTime::now()))
}
