//! `s3-asset artifacts import`: gives a history to a bucket that has none, and manifests to the
//! sets that s3-asset-manager uploaded.
//!
//! In the order of a put: caches are sealed, then sets, then the history is extended. So an import
//! that is killed has entered nothing that is not whole, and running it again does the rest: a set
//! that it sealed carries the time of its objects, and keeps its place in the order.
//!
//! No object's bytes are copied or changed. Manifests are written create-only: beside a put, one of
//! the two decides.

mod gather;
mod seal;

use super::artifacts::record;
use super::import_plan::{Found, Step};
use super::sets_options::{Opened, SetsOptions};
use super::{Output, table};
use crate::history::stored::Current;
use crate::machine::report::{Report, count};
use crate::machine::terminal::{self, until_terminated};
use crate::s3::transfer::AT_ONCE;
use crate::tracks::artifacts::rules::Published;
use crate::words::fault::fault;
use crate::words::names::CodeHash;
use crate::words::time::Utc;
use clap::Args;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use gather::plan;
use seal::{Outcome, event, seal_cache, seal_set, standing};
use serde_json::json;
use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;

pub(super) const HELP: &str = "\
Sets are entered in the order of their times, also among those that the history has. Where
s3-asset-manager uploaded one, a manifest is made of what its objects say about themselves; an object without package-hash is downloaded and
hashed. Safe to run again, and beside puts; not while an upload of s3-asset-manager is under way,
whose set would be sealed half.

Examples:
  s3-asset artifacts import --bucket my-assets --dry-run
  s3-asset artifacts import --bucket my-assets";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Shows what would be done, and does nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    sets: SetsOptions,
}

/// What is to be done, and on what ground.
struct Plan {
    /// The history as it was read.
    current: Option<Current<Published>>,
    steps: Vec<Step>,
    /// Caches without a manifest.
    caches: Vec<Found<CodeHash>>,
    /// Code whose cache is published.
    cached: HashSet<CodeHash>,
    /// Folders that are left alone, and why.
    incomplete: Vec<String>,
}

impl Plan {
    /// Whether a set is older than the newest in the history.
    fn is_late(&self, step: &Step) -> bool {
        let newest = self.current.as_ref().and_then(|current| current.head.entries().first());
        newest.is_some_and(|newest| Utc::of_seconds(step.set.modified) < newest.time)
    }
}

pub(super) async fn run(report: &Arc<Report>, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.sets.open(report).await?;
    let work = import(&opened, &arguments);
    until_terminated(opened.engine.store.abort_all(), work).await
}

async fn import(opened: &Opened, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let report = opened.engine.store.report().clone();
    let mut plan = plan(opened).await?;
    for folder in &plan.incomplete {
        report.warn(format!(
            "{folder} is incomplete and left alone: a put of its commit finishes it"
        ));
    }
    let mut problems = Vec::new();
    let nothing = plan.steps.is_empty() && plan.caches.is_empty();
    if !arguments.dry_run && !nothing {
        problems = carry_out(opened, &mut plan).await?;
        problems.iter().for_each(|problem| report.warn(problem));
    }
    let sealed = plan.steps.iter().filter(|step| step.seal).count();
    let entered = plan.steps.iter().filter(|step| step.enter).count();
    if arguments.output.json {
        let set = |step: &Step| {
            json!({
                "commit": step.set.name,
                "time": Utc::of_seconds(step.set.modified),
                "files": step.set.files.len(),
                "action": step.action(),
                "before_newest": step.enter && plan.is_late(step),
            })
        };
        terminal::answer(&json!({
            "dry_run": arguments.dry_run,
            "sealed": sealed,
            "entered": entered,
            "sets": plan.steps.iter().map(set).collect::<Vec<_>>(),
            "caches": plan.caches.iter().map(|cache| &cache.name).collect::<Vec<_>>(),
            "incomplete": plan.incomplete,
            "problems": problems,
        }))?;
    } else {
        terminal::print(text(&plan).as_bytes())?;
    }
    let done = format!(
        "{} sealed, {} entered in the history, {} sealed",
        count(sealed, "set"),
        entered,
        count(plan.caches.len(), "cache"),
    );
    if arguments.dry_run {
        match plan.steps.iter().filter(|step| step.enter && plan.is_late(step)).count() {
            0 => {}
            late => report.info(entered_before(late)),
        }
        report.info(format!("would be done: {done}"));
    } else if problems.is_empty() {
        report.success(done);
    } else {
        return Err(fault(
            format!("{} could not be imported", count(problems.len(), "folder")),
            "each is named in a warning above; the others are done, and running the import again does the rest",
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn text(plan: &Plan) -> String {
    let row = |step: &Step| {
        let (time, files) = (Utc::of_seconds(step.set.modified), step.set.files.len().to_string());
        let late = if step.enter && plan.is_late(step) { " before the newest" } else { "" };
        vec![step.set.name.to_string(), time.to_string(), files, format!("{}{late}", step.action())]
    };
    let mut rows: Vec<_> = plan.steps.iter().map(row).collect();
    rows.extend(plan.caches.iter().map(|cache| {
        let (time, files) = (Utc::of_seconds(cache.modified), cache.files.len().to_string());
        vec![cache.name.to_string(), time.to_string(), files, "seal cache".to_owned()]
    }));
    table::table(&["commit or code hash", "time", "files", "action"], &rows)
}

/// Seals and enters; answers what could not be done.
async fn carry_out(opened: &Opened, plan: &mut Plan) -> anyhow::Result<Vec<String>> {
    let report = opened.engine.store.report().clone();
    let record = record(opened)?;
    let current = match plan.current.take() {
        Some(current) => current,
        None => record.begin().await?,
    };
    let position = current.head.position();
    let mut problems = Vec::new();
    report.begin_all("importing", "folder", plan.caches.len() + plan.steps.len());

    let caches: Vec<(&CodeHash, Outcome)> = stream::iter(&plan.caches)
        .map(|cache| {
            let position = &position;
            let report = &report;
            async move {
                let sealed = seal_cache(opened, cache, position).await?;
                report.advance_all();
                anyhow::Ok((&cache.name, sealed))
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    for (hash, outcome) in caches {
        match outcome {
            Ok(_) => drop(plan.cached.insert(hash.clone())),
            Err(problem) => problems.push(problem),
        }
    }
    report.info(format!("{} published in the cache", count(plan.cached.len(), "set")));

    let sets: Vec<Outcome> = stream::iter(&plan.steps)
        .map(|step| {
            let (position, report) = (&position, &report);
            async move {
                let stands = if step.seal {
                    seal_set(opened, &step.set, position).await?
                } else {
                    standing(opened, &step.set).await?
                };
                report.advance_all();
                anyhow::Ok(stands)
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    report.end_all();
    let mut events = Vec::new();
    for (step, outcome) in plan.steps.iter().zip(sets) {
        match outcome {
            Ok(manifest) if step.enter => events.push(event(manifest, &plan.cached)),
            Ok(_) => {}
            Err(problem) => problems.push(problem),
        }
    }
    // To the second, and the same for a set that an import before this one sealed.
    events.sort_by(|a, b| (&a.run.time, &a.what.commit).cmp(&(&b.run.time, &b.what.commit)));
    let newest = current.head.entries().first().map(|entry| entry.time.as_str());
    let late = events.iter().filter(|event| newest.is_some_and(|at| event.run.time.as_str() < at));
    let name = |what: &Published| what.commit.clone();
    match late.count() {
        0 => record.append_all(current, name, events).await?,
        late => {
            report.info(entered_before(late));
            record.interleave(current, name, events).await?;
        }
    }
    Ok(problems)
}

fn entered_before(late: usize) -> String {
    let sets = if late == 1 { "1 set is".to_owned() } else { format!("{late} sets are") };
    format!("{sets} older than the newest in the history, and entered before it by their times")
}
