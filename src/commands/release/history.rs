//! `release history`: who promoted what, when, and from where.

use super::{Opened, ReleaseOptions};
use crate::commands::{Output, table::table};
use crate::history::Entry;
use crate::history::stored::History;
use crate::machine::report::Report;
use crate::machine::terminal::{self, until_terminated};
use crate::tracks::promotion::facts;
use crate::tracks::promotion::rules::{Promoted, S3P};
use crate::words::names::Rank;
use clap::Args;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// The file
    file: String,
    /// The rank; unset: all of them
    rank: Option<String>,
    /// How many of each rank
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    #[command(flatten)]
    pub(super) output: Output,
    #[command(flatten)]
    releases: ReleaseOptions,
}

/// A line of the list.
#[derive(Debug)]
struct Line {
    rank: Rank,
    number: u64,
    version: String,
    entry: Option<Entry<Promoted>>,
}

pub(super) async fn run(report: &Arc<Report>, arguments: &Arguments) -> anyhow::Result<()> {
    let opened =
        arguments.releases.open(report, &arguments.file, arguments.rank.as_deref()).await?;
    let most = if arguments.all { usize::MAX } else { arguments.limit };
    let work = async {
        let mut lines = Vec::new();
        for rank in opened.asked(arguments.rank.is_some()) {
            lines.extend(of_rank(&opened, rank, most).await?);
        }
        Ok(lines)
    };
    let lines = until_terminated(opened.engine.store.abort_all(), work).await?;
    if arguments.output.json {
        return terminal::answer(&lines.iter().map(value).collect::<Vec<_>>());
    }
    let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
    let titles = ["rank", "number", "time", "version", "from", "build", "by"];
    terminal::print(table(&titles, &rows).as_bytes())
}

/// The newest entries of a rank, newest first; last of all what s3p had put there.
async fn of_rank(opened: &Opened, rank: &Rank, most: usize) -> anyhow::Result<Vec<Line>> {
    let record = History::<Promoted>::new(&opened.engine.store, opened.track.history(rank)?);
    let mut lines = Vec::new();
    for entry in record.newest(most).await?.unwrap_or_default() {
        let before = entry.what.after_s3p.as_ref().map(ToString::to_string);
        lines.push(Line {
            rank: rank.clone(),
            number: entry.number,
            version: entry.what.release.version.to_string(),
            entry: Some(entry),
        });
        lines.extend(before.map(|version| by_s3p(rank, version)));
    }
    if lines.is_empty() {
        let at = facts::at(&opened.engine.store, &opened.track, rank).await?;
        lines.extend(at.s3p.map(|version| by_s3p(rank, version.to_string())));
    }
    lines.truncate(most);
    Ok(lines)
}

fn by_s3p(rank: &Rank, version: String) -> Line {
    Line { rank: rank.clone(), number: S3P, version, entry: None }
}

fn row(line: &Line) -> Vec<String> {
    let entry = line.entry.as_ref();
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    let from =
        entry.map_or("s3p".to_owned(), |entry| match (&entry.what.from, entry.what.rollback) {
            (None, _) => "upload".to_owned(),
            (Some(from), false) => from.to_string(),
            (Some(from), true) => format!("back to #{}", from.promotion),
        });
    vec![
        line.rank.to_string(),
        line.number.to_string(),
        entry.map(|entry| entry.time.to_string()).unwrap_or_default(),
        line.version.clone(),
        from,
        text(entry.and_then(|entry| entry.build.name.as_ref())),
        text(entry.and_then(|entry| entry.build.by.as_ref())),
    ]
}

fn value(line: &Line) -> Value {
    let entry = line.entry.as_ref();
    let build = entry.map(|entry| &entry.build);
    let what = entry.map(|entry| &entry.what);
    json!({
        "rank": line.rank,
        "number": line.number,
        "version": line.version,
        "time": entry.map(|entry| &entry.time),
        "from": what.and_then(|what| what.from.as_ref()),
        "rollback": what.is_some_and(|what| what.rollback),
        "sha256": what.map(|what| what.release.sha256),
        "build": build.and_then(|build| build.name.as_ref()),
        "build_url": build.and_then(|build| build.url.as_ref()),
        "by": build.and_then(|build| build.by.as_ref()),
    })
}
