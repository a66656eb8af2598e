//! What the commands that remove old things have in common.

use super::Output;
use super::by::By;
use crate::machine::report::size;
use crate::s3::store::Store;
use crate::words::fault::fault;
use crate::words::retention::{Action, Fate, freed};
use clap::Args;
use serde::Serialize;
use serde_json::json;

/// Puts are over by then, and clocks agree so far.
const LEAST: i64 = 3600;

/// A length of time that somebody gives.
pub(super) fn age(text: &str) -> Result<i64, String> {
    crate::input::age::seconds(text)
        .ok_or_else(|| "give days or hours, for example 7d or 12h".to_owned())
}

/// The options of every command that removes what is old.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Does it; without this, only shows what would be done
    #[arg(long)]
    pub(super) delete: bool,
    /// How long whatever is younger is left alone: days or hours, at least 1h
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = wait)]
    pub(super) wait: i64,
    #[command(flatten)]
    pub(super) by: By,
    #[command(flatten)]
    pub(super) output: Output,
}

impl Options {
    /// Refuses to delete where nothing makes it safe.
    pub(super) fn may_delete(&self, store: &Store) -> anyhow::Result<()> {
        if !self.delete || store.is_conditional() {
            return Ok(());
        }
        Err(fault(
            "nothing is removed where `conditional_writes` is false",
            "removing beside puts is safe by conditional writes only: use a server that has them",
        ))
    }
}

fn wait(text: &str) -> Result<i64, String> {
    match age(text)? {
        seconds if seconds >= LEAST => Ok(seconds),
        _ => Err("less than an hour: a put under way might need it".to_owned()),
    }
}

/// What becomes of something.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// Keep or remove.
    pub(super) action: Action,
    /// What kind of thing it is, in one word.
    pub(super) kind: &'static str,
    /// Its name.
    pub(super) name: String,
    /// When it was published, UTC, RFC 3339.
    pub(super) time: String,
    /// Of its objects.
    pub(super) bytes: u64,
    /// In words.
    pub(super) why: String,
}

impl Row {
    /// The row of a fate, whose thing is of this kind and has this name.
    pub(super) fn of<T>(fate: &Fate<T>, kind: &'static str, name: String) -> Row {
        let (action, bytes, why) = (fate.action, fate.bytes, fate.why.clone());
        Row { action, kind, name, time: fate.told_time(), bytes, why }
    }
}

/// A plan for people.
pub(super) fn table(rows: &[Row]) -> String {
    let row = |row: &Row| {
        let action = if row.action == Action::Keep { "keep" } else { "remove" };
        let Row { kind, name, time, bytes, why, .. } = row;
        [action, kind, name, time, &size(*bytes), why].map(str::to_owned).to_vec()
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    super::table::table(&["action", "kind", "name", "time", "size", "why"], &rows)
}

/// A plan for programs; `deleted` is how many objects went, where it was carried out, `unfinished` how
/// many things a removal that was stopped has left.
pub(super) fn answer<T>(
    plan: &[Fate<T>],
    rows: &[Row],
    unfinished: u64,
    deleted: Option<usize>,
) -> serde_json::Value {
    json!({
        "dry_run": deleted.is_none(),
        "plan": rows,
        "unfinished": unfinished,
        "objects_deleted": deleted,
        "bytes": freed(plan),
    })
}
