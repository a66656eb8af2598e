//! `s3-asset package gc`: blobs that no version needs. [`super::gc_plan`] says why it may run
//! beside adds.

use super::Output;
use super::gc_plan::{Action, Blobs, Step};
use crate::commands::table::table;
use crate::input::age::seconds;
use crate::machine::environment::now_in_milliseconds;
use crate::machine::report::{count, size};
use crate::machine::terminal::{answer, print};
use crate::s3::store::Facts;
use crate::s3::transfer::AT_ONCE;
use crate::tracks::package::ledger::Ledger;
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::names::shown;
use crate::words::object::ObjectOptions;
use crate::words::time::Utc;
use clap::Args;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::json;
use std::collections::HashSet;
use std::process::ExitCode;

pub(super) const HELP: &str = "\
Blobs go in two steps, so that nothing is lost that an add under way needs: a blob that no version
refers to is set aside, under .aside/ in the store; a later run deletes what has lain there for as
long as --older-than says, and puts back what a version refers to by then.

It may run beside adds, and not beside itself. Name every other ledger whose blobs are in the same
store; each prefix is a run of its own.

Examples:
  s3-asset package gc
  s3-asset package gc --delete
  s3-asset package gc --delete --older-than 30d --also-ledger s3://other-ledger";

/// Puts are over by then, and clocks agree so far.
const LEAST: i64 = 3600;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Does it; without this, only shows what would be done
    #[arg(long)]
    delete: bool,
    /// How long a blob, and what was set aside, is left alone: days or hours, for example 7d, 12h
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = age)]
    older_than: i64,
    /// Another ledger whose blobs are in this store
    #[arg(long, value_name = "s3://BUCKET")]
    pub(super) also_ledger: Vec<String>,
    #[command(flatten)]
    output: Output,
}

fn age(text: &str) -> Result<i64, String> {
    match seconds(text) {
        Some(seconds) if seconds >= LEAST => Ok(seconds),
        Some(_) => Err("less than an hour: an add under way might need the blob".to_owned()),
        None => Err("give days or hours, for example 7d or 12h".to_owned()),
    }
}

pub(super) async fn run(
    ledger: &Ledger,
    others: &[Ledger],
    arguments: &Arguments,
) -> anyhow::Result<ExitCode> {
    let (store, report) = (&*ledger.blobs.store, ledger.ledger.report());
    let prefix = ledger.package.prefix.as_str();
    // Blobs first: whatever is added from here on is seen, or young.
    let blobs = Blobs::new(prefix, &store.list(prefix).await?);
    let needed = needed(ledger, others).await?;
    report.info(format!(
        "{} in the store, {} that versions refer to",
        count(blobs.len(), "blob"),
        needed.len()
    ));
    let now = i64::try_from(now_in_milliseconds() / 1000).unwrap_or(i64::MAX);
    let mut steps = blobs.plan(&needed, now, arguments.older_than);
    let [young, aside] = blobs.waiting(&needed, now, arguments.older_than);
    for (blobs, what) in [(young, "written"), (aside, "set aside")] {
        if blobs > 0 {
            report.info(format!(
                "left alone until --older-than has passed since it was {what}: {} that no version refers to",
                count(blobs, "blob")
            ));
        }
    }
    if arguments.delete {
        carry_out(ledger, &steps).await?;
        steps.extend(put_back(ledger, others, &steps).await?);
    }
    let done = |action| -> (usize, u64) {
        let of = steps.iter().filter(|step| step.action == action);
        (of.clone().count(), of.map(|step| step.size).sum())
    };
    for (action, would, did) in [
        (Action::Restore, "would put back", "put back"),
        (Action::SetAside, "would set aside", "set aside"),
        (Action::Delete, "would delete", "deleted"),
    ] {
        let (blobs, bytes) = done(action);
        if blobs > 0 {
            let verb = if arguments.delete { did } else { would };
            report.success(format!("{verb} {} ({})", count(blobs, "blob"), size(bytes)));
        }
    }
    if steps.is_empty() {
        report.info("nothing to do");
    } else if !arguments.delete {
        report.info("add --delete to do it");
    }
    if arguments.output.json {
        let told = |step: &Step| -> anyhow::Result<serde_json::Value> {
            let mut value = serde_json::to_value(step)?;
            value["why"] = step.action.why().into();
            Ok(value)
        };
        let blobs = steps.iter().map(told).collect::<anyhow::Result<Vec<_>>>()?;
        answer(&json!({"done": arguments.delete, "blobs": blobs}))?;
    } else {
        let row = |step: &Step| {
            let action = match step.action {
                Action::Restore => "put back",
                Action::SetAside => "set aside",
                Action::Delete => "delete",
            };
            let (sha, since) = (step.sha256.hex(), Utc::of_seconds(step.modified));
            let why = step.action.why().to_owned();
            vec![action.to_owned(), sha, step.size.to_string(), since.to_string(), why]
        };
        let rows: Vec<_> = steps.iter().map(row).collect();
        print(table(&["action", "sha256", "size", "since", "why"], &rows).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The blobs that the versions of all packages of these ledgers refer to. What cannot be read ends
/// the run: nothing is deleted on a guess.
async fn needed(ledger: &Ledger, others: &[Ledger]) -> anyhow::Result<HashSet<Sha256>> {
    let mut needed = HashSet::new();
    for ledger in std::iter::once(ledger).chain(others) {
        let super::Packages { found, odd } = super::packages(ledger).await?;
        let report = ledger.ledger.report();
        report.begin_all("reading", "package", found.len());
        if let Some(odd) = odd.first() {
            return Err(fault(
                format!(
                    "{} may be a version of a package whose name this release does not take",
                    ledger.ledger.uri(&shown(odd))
                ),
                "move it away, or delete blobs by hand",
            ));
        }
        for (package, key) in found {
            // A server that encodes keys otherwise than it says lists names that nobody gave: the
            // versions below the name that was read would not be those that are there.
            if ledger.ledger.head(&key).await?.is_none() {
                return Err(fault(
                    format!(
                        "{} is listed and cannot be read back: the server lists names otherwise than it keeps them, or the object has just gone",
                        ledger.ledger.uri(&shown(key.as_str()))
                    ),
                    "nothing was deleted: run it again; if it stays so, delete blobs by hand",
                ));
            }
            needed.extend(ledger.of(&package).references().await?);
            report.advance_all();
        }
        report.end_all();
    }
    Ok(needed)
}

async fn carry_out(ledger: &Ledger, steps: &[Step]) -> anyhow::Result<()> {
    let store = &*ledger.blobs.store;
    store.report().begin_all("cleaning", "blob", steps.len());
    let done = stream::iter(steps)
        .map(|step| async move {
            let (own, aside) =
                (ledger.package.blob(&step.sha256)?, ledger.package.aside(&step.sha256)?);
            let as_it_is = |facts: &Facts| ObjectOptions {
                content_type: facts.content_type.clone(),
                cache_control: facts.cache_control.clone(),
                content_disposition: facts.content_disposition.clone(),
                metadata: facts.metadata.clone().into_iter().collect(),
                ..ObjectOptions::default()
            };
            match step.action {
                Action::Delete => store.delete(&aside).await?,
                Action::SetAside => {
                    if let Some(facts) = store.head(&own).await? {
                        store.copy(&own, &facts, &aside, &as_it_is(&facts)).await?;
                        store.delete(&own).await?;
                    }
                }
                Action::Restore => {
                    if let Some(facts) = store.head(&aside).await? {
                        store.copy(&aside, &facts, &own, &as_it_is(&facts)).await?;
                    }
                }
            }
            store.report().advance_all();
            Ok(())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await;
    store.report().end_all();
    done
}

/// Puts back what a record refers to that came while blobs were set aside.
async fn put_back(ledger: &Ledger, others: &[Ledger], steps: &[Step]) -> anyhow::Result<Vec<Step>> {
    let aside = steps.iter().filter(|step| step.action == Action::SetAside);
    if aside.clone().next().is_none() {
        return Ok(Vec::new());
    }
    let needed = needed(ledger, others).await?;
    let again: Vec<Step> = aside
        .filter(|step| needed.contains(&step.sha256))
        .map(|step| Step { action: Action::Restore, ..step.clone() })
        .collect();
    carry_out(ledger, &again).await?;
    Ok(again)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        for (text, want) in [("7d", Some(604_800)), ("1h", Some(3600)), ("0d", None), ("7", None)] {
            assert_eq!(age(text).ok(), want, "{text}");
        }
    }
}
