//! `s3-asset release`: s3p's commands, with its environment, answers and exit codes, over the same
//! ranks as the resource.
//!
//! What s3p answers goes to standard output as s3p writes it (`success="..."`, `warning="..."`,
//! `error="..."`, `<rank>="<version>"`), and a refusal ends with status 2; why, and what to do, is
//! said on standard error.

mod download;
mod gc;
mod history;
mod options;

pub(super) use options::{Opened, ReleaseOptions};

use super::Output;
use super::by::By;
use crate::machine::report::Report;
use crate::machine::terminal::{self, until_terminated};
use crate::machine::workspace::found;
use crate::tracks::promotion::facts::{self, Ask};
use crate::tracks::promotion::outcome::{News, Outcome, Standing};
use crate::tracks::promotion::put::PutAtRank;
use crate::tracks::promotion::rules::Refused;
use crate::tracks::promotion::source::InvalidRank;
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::{Rank, ReleaseVersion};
use crate::words::object::ObjectOptions;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// What s3p ends with when it refuses.
const REFUSED: u8 = 2;

pub(super) const HELP: &str = "\
AWS_S3_BUCKET names the bucket, AWS_S3_RANKS the ranks in order.

Examples:
  export AWS_S3_BUCKET=my-releases AWS_S3_RANKS='qa, staging, production'
  s3-asset release promote dist/my.tar.gz qa 0.1.1
  s3-asset release promote my.tar.gz staging
  s3-asset release version my.tar.gz
  s3-asset release rollback my.tar.gz production";

const PROMOTE_HELP: &str = "\
The first rank gets the file from disk; the others get, inside S3, what stood at the rank before.

Examples:
  s3-asset release promote dist/my.tar.gz qa 0.1.1
  s3-asset release promote my.tar.gz staging";

const VERSION_HELP: &str = "\
Examples:
  s3-asset release version my.tar.gz
  s3-asset release version my.tar.gz production";

const DOWNLOAD_HELP: &str = "\
Examples:
  s3-asset release download my.tar.gz production
  s3-asset release download my.tar.gz production /tmp/my.tar.gz";

const HISTORY_HELP: &str = "\
Examples:
  s3-asset release history my.tar.gz
  s3-asset release history my.tar.gz production --all --json";

const ROLLBACK_HELP: &str = "\
Without a version, the rank goes back to the one that stood there before.

Examples:
  s3-asset release rollback my.tar.gz production
  s3-asset release rollback my.tar.gz production 0.1.1";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Promotes a file to a rank
    #[command(after_help = PROMOTE_HELP)]
    Promote(PromoteArguments),
    /// Prints which version stands at a rank, or at each
    #[command(after_help = VERSION_HELP)]
    Version(VersionArguments),
    /// Downloads what stands at a rank
    #[command(after_help = DOWNLOAD_HELP)]
    Download(download::Arguments),
    /// Lists what stood at a rank, or at each, newest first
    #[command(after_help = HISTORY_HELP)]
    History(history::Arguments),
    /// Removes versions that no rank needs any more
    #[command(after_help = gc::HELP)]
    Gc(gc::Arguments),
    /// Puts back a version that stood at a rank before
    #[command(after_help = ROLLBACK_HELP)]
    Rollback(RollbackArguments),
}

#[derive(Debug, Args)]
pub(super) struct PromoteArguments {
    /// The file: its path for the first rank, its name for the others
    file: String,
    /// The rank
    rank: String,
    /// The version; unset: the time, and at later ranks what stands at the rank before
    version: Option<String>,
    /// The version, as older releases of s3p take it
    #[arg(long = "version", value_name = "VERSION", conflicts_with = "version")]
    named: Option<String>,
    #[command(flatten)]
    by: By,
    /// Prints what would be done, and changes nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    releases: ReleaseOptions,
}

#[derive(Debug, Args)]
pub(super) struct VersionArguments {
    /// The file
    file: String,
    /// The rank; unset: all of them
    rank: Option<String>,
    /// Prints the version alone, without the rank's name
    #[arg(long, requires = "rank", conflicts_with = "json")]
    only_version: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    releases: ReleaseOptions,
}

#[derive(Debug, Args)]
pub(super) struct RollbackArguments {
    /// The file
    file: String,
    /// The rank
    rank: String,
    /// The version; unset: the one that stood there before
    version: Option<String>,
    #[command(flatten)]
    by: By,
    /// Prints what would be done, and changes nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    releases: ReleaseOptions,
}

pub(super) async fn run(report: &Arc<Report>, command: Command) -> anyhow::Result<ExitCode> {
    let (output, done) = match &command {
        Command::Promote(arguments) => (arguments.output, promote(report, arguments).await),
        Command::Version(arguments) => (arguments.output, version(report, arguments).await),
        Command::Download(arguments) => (arguments.output, download::run(report, arguments).await),
        Command::History(arguments) => (arguments.output, history::run(report, arguments).await),
        Command::Gc(arguments) => (arguments.options.output, gc::run(report, arguments).await),
        Command::Rollback(arguments) => (arguments.output, roll_back(report, arguments).await),
    };
    match done {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            let Some(words) = refusal(&error) else { return Err(error) };
            if output.json {
                terminal::answer(&json!({"answer": "error", "message": words}))?;
            } else {
                say("error", &words)?;
            }
            report.error(&error);
            Ok(ExitCode::from(REFUSED))
        }
    }
}

/// What s3p would say of an error; none: nothing of its own.
fn refusal(error: &anyhow::Error) -> Option<String> {
    let refused = error.downcast_ref::<Refused>().map(ToString::to_string);
    refused.or_else(|| error.downcast_ref::<InvalidRank>().map(ToString::to_string))
}

/// A line as s3p writes it.
fn say(name: &str, text: &str) -> anyhow::Result<()> {
    terminal::print(format!("{name}=\"{text}\"\n").as_bytes())
}

async fn promote(report: &Arc<Report>, arguments: &PromoteArguments) -> anyhow::Result<()> {
    let run = arguments.by.run()?;
    let opened = arguments.releases.open(report, &arguments.file, Some(&arguments.rank)).await?;
    let version = arguments.version.as_deref().or(arguments.named.as_deref());
    let version = version.map(ReleaseVersion::parse).transpose()?;
    let ask = async {
        if opened.track.previous().is_some() {
            return Ok(Ask::Promote { version });
        }
        let path = Path::new(&arguments.file);
        if !path.is_file() {
            let why = fault(
                format!("there is no file {}", path.display()),
                format!(
                    "the rank `{}` is the first: it gets the file from disk",
                    opened.track.rank
                ),
            );
            return Err(why.context(Refused::PROMOTE));
        }
        let file = found(opened.track.file.path().clone(), path.to_owned())?;
        Ask::upload(&opened.engine, file, version).await
    };
    put(&opened, ask, &run, arguments.dry_run, arguments.output, |file, version, rank| {
        format!("promoted {file} version {version} to {rank} rank")
    })
    .await
}

async fn roll_back(report: &Arc<Report>, arguments: &RollbackArguments) -> anyhow::Result<()> {
    let run = arguments.by.run()?;
    let opened = arguments.releases.open(report, &arguments.file, Some(&arguments.rank)).await?;
    let version = arguments.version.as_deref().map(ReleaseVersion::parse).transpose()?;
    let ask = async {
        let version = match version {
            Some(version) => version,
            None => facts::version_before(&opened.engine.store, &opened.track).await?,
        };
        Ok(Ask::RollBack { version })
    };
    put(&opened, ask, &run, arguments.dry_run, arguments.output, |file, version, rank| {
        format!("rolled back {file} to version {version} in {rank} rank")
    })
    .await
}

/// Carries out a put, or prints what it would do, and answers what became of it.
async fn put(
    opened: &Opened,
    ask: impl Future<Output = anyhow::Result<Ask>>,
    run: &Run,
    dry_run: bool,
    output: Output,
    success: impl Fn(&str, &str, &str) -> String,
) -> anyhow::Result<()> {
    let (engine, track) = (&opened.engine, &opened.track);
    let put = PutAtRank { engine, track, run, options: ObjectOptions::NONE };
    if dry_run {
        let (steps, outcome) = put.dry_run(&ask.await?).await?;
        let (version, promotion) = (outcome.standing.version(), outcome.standing.number());
        let nothing = format!("version {version} is there, as promotion {promotion}");
        let about = json!({"version": version, "promotion": promotion});
        return output.plan(&steps, &nothing, about);
    }
    let work = async { put.carry_out(&ask.await?).await };
    let outcome = until_terminated(engine.store.abort_all(), work).await?;
    tell(output, opened, &outcome, success)
}

/// Answers what became of a promotion.
fn tell(
    output: Output,
    opened: &Opened,
    outcome: &Outcome,
    success: impl Fn(&str, &str, &str) -> String,
) -> anyhow::Result<()> {
    let track = &opened.track;
    let (file, rank) = (track.file.as_str(), track.rank.as_str());
    let version = outcome.standing.version().as_str();
    let (answer, message) = match &outcome.news {
        News::Promoted => ("success", success(file, version, rank)),
        News::Already => ("warning", format!("{file} version {version} already in {rank} rank")),
        News::Before(now) => (
            "warning",
            format!("{file} version {version} was in {rank} rank before, and {now} is there now"),
        ),
    };
    if matches!(outcome.news, News::Before(_)) {
        opened.engine.store.report().info(format!(
            "nothing is changed; `s3-asset release rollback {file} {rank} {version}` puts it back"
        ));
    }
    if output.json {
        return terminal::answer(&json!({
            "answer": answer, "message": message, "file": file, "rank": rank,
            "version": version, "promotion": outcome.standing.number(),
        }));
    }
    say(answer, &message)
}

/// What stands at a rank.
async fn standing(opened: &Opened, rank: &Rank) -> anyhow::Result<Option<Standing>> {
    let at = facts::at(&opened.engine.store, &opened.track, rank).await?;
    let newest = at.entries().first().cloned();
    let s3p = at.s3p.map(Standing::S3p);
    Ok(newest.map(|entry| Standing::Entry(Box::new(entry))).or(s3p))
}

async fn version(report: &Arc<Report>, arguments: &VersionArguments) -> anyhow::Result<()> {
    let opened =
        arguments.releases.open(report, &arguments.file, arguments.rank.as_deref()).await?;
    let mut all = serde_json::Map::new();
    for rank in opened.asked(arguments.rank.is_some()) {
        let standing = standing(&opened, rank).await?;
        let version = standing.as_ref().map(|it| it.version().as_str().to_owned());
        if arguments.only_version {
            terminal::print(format!("{}\n", version.as_deref().unwrap_or("None")).as_bytes())?;
        } else if !arguments.output.json {
            // As Python writes nothing, for scripts that were made for s3p.
            say(rank.as_str(), version.as_deref().unwrap_or("None"))?;
        }
        all.insert(rank.to_string(), version.map_or(Value::Null, Value::String));
    }
    if arguments.output.json { terminal::answer(&all) } else { Ok(()) }
}
