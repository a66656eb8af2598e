//! `s3-asset artifacts gc`: sets that nobody needs any more. [`crate::tracks::artifacts::gc`] says why
//! it may run beside puts, gets and itself.

use super::artifacts::commit;
use super::retention::{self, Row, age};
use super::sets_options::{Opened, SetsOptions};
use super::table;
use crate::history::stored::Current;
use crate::machine::report::{Report, count, size};
use crate::machine::terminal::{self, until_terminated};
use crate::tracks::artifacts::code::tags;
use crate::tracks::artifacts::gc::carry_out::Remover;
use crate::tracks::artifacts::gc::facts::gather;
use crate::tracks::artifacts::gc::plan::{Facts, Fate, Policy};
use crate::tracks::artifacts::rules::Published;
use crate::words::fault::fault;
use crate::words::retention::{freed, removed};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

pub(super) const HELP: &str = "\
Prints what is kept and what goes, each with its reason; --delete does it. A set is kept if any of the
options keeps it; the newest always is, and what is younger than --wait. With sets go those of the
cache whose code no kept set has, what dead puts left, and uploads that nobody completed.

Examples:
  s3-asset artifacts gc --bucket my-assets --keep-last 50
  s3-asset artifacts gc --bucket my-assets --keep-last 50 --keep-within 30d --keep-tagged . --delete";

const DAY: i64 = 86_400;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Keeps this many of the newest sets
    #[arg(long, value_name = "N")]
    keep_last: Option<usize>,
    /// Keeps what was published within this time: days or hours, for example 30d, 12h
    #[arg(long, value_name = "AGE", value_parser = age)]
    keep_within: Option<i64>,
    /// Keeps the set of a commit: its full hash, or at least 7 digits of one that is in the history
    #[arg(long, value_name = "COMMIT")]
    keep: Vec<String>,
    /// Keeps the sets of commits that a tag of this git checkout points to
    #[arg(long, value_name = "REPOSITORY")]
    keep_tagged: Option<PathBuf>,
    #[command(flatten)]
    options: retention::Options,
    #[command(flatten)]
    sets: SetsOptions,
}

pub(super) async fn run(report: &Arc<Report>, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.sets.open(report).await?;
    let work = gc(&opened, &arguments);
    until_terminated(opened.engine.store.abort_all(), work).await
}

async fn policy(opened: &Opened, arguments: &Arguments) -> anyhow::Result<Policy> {
    let mut policy = Policy {
        keep_last: arguments.keep_last,
        keep_within: arguments.keep_within,
        wait: arguments.options.wait,
        ..Policy::default()
    };
    for text in &arguments.keep {
        policy.keep.insert(commit(opened, text).await?);
    }
    if let Some(repository) = &arguments.keep_tagged {
        policy.tagged = tags(repository)?;
        // As after a shallow clone: nobody who names tags means that nothing is to be kept for them.
        if policy.tagged.is_empty() {
            return Err(fault(
                format!("--keep-tagged: {} has no tags", repository.display()),
                "fetch them, `git fetch --tags`; or leave the option out",
            ));
        }
    }
    if policy.is_empty() || arguments.keep_last == Some(0) {
        return Err(fault(
            "nothing says what to keep, and so everything would go",
            "give --keep-last, --keep-within, --keep or --keep-tagged; several keep what any of them keeps",
        ));
    }
    Ok(policy)
}

async fn gc(opened: &Opened, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (store, track) = (&*opened.engine.store, &opened.track);
    arguments.options.may_delete(store)?;
    let (policy, run) = (policy(opened, arguments).await?, arguments.options.by.run()?);
    let remover = Remover { store, track, run: &run };
    if !arguments.options.delete {
        let (facts, current) = gather(store, track).await?;
        let plan = facts.plan(&policy);
        tell(arguments, &facts, &plan, current.as_ref(), None)?;
        store.report().info(format!("would be removed: {}", totals(&plan)));
        return Ok(ExitCode::SUCCESS);
    }
    let mut deleted = remover.finish().await?;
    let (facts, plan) = remover.decide(&policy).await?;
    deleted += remover.finish().await?;
    deleted += remover.clean(&plan).await?;
    tell(arguments, &facts, &plan, None, Some(deleted))?;
    store.report().success(format!("removed: {}", totals(&plan)));
    Ok(ExitCode::SUCCESS)
}

fn totals(plan: &[Fate]) -> String {
    let of = |kind: &str| removed(plan).filter(|fate| fate.kind() == kind).count();
    let left = of("leftover") + of("unnamed") + of("upload");
    format!(
        "{}, {} of the cache, {}; {}",
        count(of("set"), "set"),
        of("cache"),
        count(left, "leftover"),
        size(freed(plan))
    )
}

/// What stands, by age: how many sets, their bytes, and what of it goes.
fn by_age(facts: &Facts, plan: &[Fate]) -> Vec<[String; 5]> {
    let ages = [("a day", DAY), ("7 days", 7 * DAY), ("30 days", 30 * DAY), ("90 days", 90 * DAY)];
    let mut from = i64::MIN;
    let mut rows = Vec::new();
    for (name, to) in ages.into_iter().chain([("older", i64::MAX)]) {
        let is_in = |fate: &&Fate| {
            let age = facts.now.saturating_sub(fate.time.unwrap_or(0));
            fate.commit().is_some() && age >= from && age < to
        };
        let all: Vec<&Fate> = plan.iter().filter(is_in).collect();
        let gone = all.iter().filter(|fate| fate.is_removed());
        let freed: u64 = gone.clone().map(|fate| fate.bytes).sum();
        let name = if to == i64::MAX { name.to_owned() } else { format!("up to {name}") };
        let bytes: u64 = all.iter().map(|fate| fate.bytes).sum();
        let (number, removed) = (all.len().to_string(), gone.count().to_string());
        rows.push([name, number, size(bytes), removed, size(freed)]);
        from = to;
    }
    rows
}

fn tell(
    arguments: &Arguments,
    facts: &Facts,
    plan: &[Fate],
    current: Option<&Current<Published>>,
    deleted: Option<usize>,
) -> anyhow::Result<()> {
    let unfinished = current.map(|it| it.head.removing().len()).unwrap_or(0);
    let row = |fate: &Fate| Row::of(fate, fate.kind(), fate.name());
    let rows: Vec<Row> = plan.iter().map(row).collect();
    if arguments.options.output.json {
        return terminal::answer(&retention::answer(plan, &rows, unfinished, deleted));
    }
    let mut text = retention::table(&rows);
    let ages: Vec<_> = by_age(facts, plan).into_iter().map(|row| row.to_vec()).collect();
    text.push('\n');
    text.push_str(&table::table(&["age", "sets", "size", "go", "of size"], &ages));
    if unfinished > 0 {
        let sets = count(usize::try_from(unfinished).unwrap_or(usize::MAX), "set");
        text.push_str(&format!("\n{sets} of a removal that was stopped would be removed first\n"));
    }
    terminal::print(text.as_bytes())
}
