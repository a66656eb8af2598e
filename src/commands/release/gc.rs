//! `release gc`: versions that no rank needs any more. [`crate::tracks::promotion::gc`] says why it may
//! run beside puts, gets and itself.

use super::{Opened, ReleaseOptions};
use crate::commands::retention::{self, Row, age};
use crate::machine::report::{Report, count, size};
use crate::machine::terminal::{self, until_terminated};
use crate::tracks::promotion::gc::carry_out::Remover;
use crate::tracks::promotion::gc::facts::gather;
use crate::tracks::promotion::gc::plan::{Facts, Fate, Policy};
use crate::words::fault::fault;
use crate::words::names::ReleaseVersion;
use crate::words::retention::{freed, removed};
use clap::Args;
use std::sync::Arc;

pub(super) const HELP: &str = "\
Prints what is kept and what goes, each with its reason; --delete does it. What stands at a rank is
always kept, and what changed within --wait. Name every rank: what stands at one that is not named is
refused, not removed. A version that is removed goes from the archive and from all histories; its very
bytes may be uploaded again, others never.

Examples:
  s3-asset release gc my.tar.gz --keep-last 5
  s3-asset release gc my.tar.gz --keep-last 5 --keep-within 90d --keep 1.0.0 --delete";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// The file
    file: String,
    /// Keeps, at each rank, this many of the versions that stood there last, with the one that stands
    #[arg(long, value_name = "N")]
    keep_last: Option<usize>,
    /// Keeps what stood at a rank within this time: days or hours, for example 90d, 12h
    #[arg(long, value_name = "AGE", value_parser = age)]
    keep_within: Option<i64>,
    /// Keeps a version
    #[arg(long, value_name = "VERSION")]
    keep: Vec<String>,
    #[command(flatten)]
    pub(super) options: retention::Options,
    #[command(flatten)]
    releases: ReleaseOptions,
}

pub(super) async fn run(report: &Arc<Report>, arguments: &Arguments) -> anyhow::Result<()> {
    let opened = arguments.releases.open(report, &arguments.file, None).await?;
    until_terminated(opened.engine.store.abort_all(), gc(&opened, arguments)).await
}

fn policy(arguments: &Arguments) -> anyhow::Result<Policy> {
    let versions = arguments.keep.iter().map(|text| ReleaseVersion::parse(text));
    let policy = Policy {
        keep_last: arguments.keep_last,
        keep_within: arguments.keep_within,
        keep: versions.collect::<anyhow::Result<_>>().map_err(|e| e.context("--keep"))?,
        wait: arguments.options.wait,
    };
    if policy.is_empty() {
        return Err(fault(
            "nothing says what to keep beside what stands at the ranks",
            "give --keep-last, --keep-within or --keep; several keep what any of them keeps",
        ));
    }
    Ok(policy)
}

async fn gc(opened: &Opened, arguments: &Arguments) -> anyhow::Result<()> {
    let (store, track) = (&*opened.engine.store, &opened.track);
    arguments.options.may_delete(store)?;
    let (policy, run) = (policy(arguments)?, arguments.options.by.run()?);
    if !arguments.options.delete {
        let facts = gather(store, track).await?;
        let plan = facts.plan(&policy);
        are_known(&policy, &plan, store.report());
        tell(arguments, &facts, &plan, None)?;
        store.report().info(format!("would be removed: {}", totals(&plan)));
        return Ok(());
    }
    let remover = Remover { store, track, run: &run };
    let (facts, plan, deleted) = remover.remove(&policy).await?;
    are_known(&policy, &plan, store.report());
    tell(arguments, &facts, &plan, Some(deleted))?;
    store.report().success(format!("removed: {}", totals(&plan)));
    Ok(())
}

/// Says which versions that are to be kept are not there.
fn are_known(policy: &Policy, plan: &[Fate], report: &Report) {
    for version in &policy.keep {
        if plan.iter().all(|fate| fate.version() != Some(version)) {
            report.warn(format!("--keep {version}: there is no such version"));
        }
    }
}

fn totals(plan: &[Fate]) -> String {
    let versions = removed(plan).filter(|fate| fate.version().is_some()).count();
    let left = removed(plan).count() - versions;
    format!("{}, {}; {}", count(versions, "version"), count(left, "leftover"), size(freed(plan)))
}

fn tell(
    arguments: &Arguments,
    facts: &Facts,
    plan: &[Fate],
    deleted: Option<usize>,
) -> anyhow::Result<()> {
    let row = |fate: &Fate| Row::of(fate, fate.kind(), fate.name());
    let rows: Vec<Row> = plan.iter().map(row).collect();
    if arguments.options.output.json {
        let unfinished = if deleted.is_none() { facts.leaving().len() as u64 } else { 0 };
        return terminal::answer(&retention::answer(plan, &rows, unfinished, deleted));
    }
    terminal::print(retention::table(&rows).as_bytes())
}
