//! `s3-asset artifacts`: the sets in a bucket, as the history orders them and their manifests list
//! them.

use super::sets_options::{Opened, SetsOptions};
use super::unlisted_sets::{self, LegacyFile};
use super::{Output, artifacts_gc, import, verify};
use crate::history::Entry;
use crate::history::stored::History;
use crate::machine::report::{Report, count, size};
use crate::machine::terminal::{self, until_terminated};
use crate::s3::transfer::{AT_ONCE, missing};
use crate::sealing::set::Manifest;
use crate::tracks::artifacts::rules;
use crate::tracks::artifacts::rules::Published;
use crate::tracks::artifacts::standing::{Stood, adopted, stood};
use crate::words::fault::fault;
use crate::words::names::{CommitId, shown};
use clap::{Args, Subcommand};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;

/// The fewest digits that name a commit, as in git.
const FEWEST_DIGITS: usize = 7;
/// How many digits of a code hash a table shows.
const SHORT: usize = 12;

pub(super) const HELP: &str = "\
PACKAGE_ASSETS_BUCKET names the bucket where --bucket does not.

Examples:
  s3-asset artifacts list --bucket my-assets
  s3-asset artifacts show 3f2a91c --bucket my-assets
  s3-asset artifacts verify --bucket my-assets --all
  s3-asset artifacts import --bucket my-assets --dry-run";

const LIST_HELP: &str = "\
Examples:
  s3-asset artifacts list --bucket my-assets
  s3-asset artifacts list --bucket my-assets --all --json";

const SHOW_HELP: &str = "\
Examples:
  s3-asset artifacts show 3f2a91c --bucket my-assets
  s3-asset artifacts show \"$(git rev-parse HEAD)\" --bucket my-assets --json";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists what was published, newest first
    #[command(after_help = LIST_HELP)]
    List(ListArguments),
    /// Shows the files of a commit's set, and who published it
    #[command(after_help = SHOW_HELP)]
    Show(ShowArguments),
    /// Downloads every object of sets and checks its size and SHA-256
    #[command(after_help = verify::HELP)]
    Verify(verify::Arguments),
    /// Removes sets that nobody needs any more, and what was left over
    #[command(after_help = artifacts_gc::HELP)]
    Gc(artifacts_gc::Arguments),
    /// Enters the sets that lie in a bucket, s3-asset-manager's too, into its history
    #[command(after_help = import::HELP)]
    Import(import::Arguments),
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Says how much each set takes in the bucket, and all of them together: a request or more for each
    #[arg(long)]
    size: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    sets: SetsOptions,
}

#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    /// The commit: its full hash, or at least 7 digits of one that is in the history
    commit: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    sets: SetsOptions,
}

pub(super) async fn run(report: &Arc<Report>, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(arguments) => {
            let opened = arguments.sets.open(report).await?;
            let work = list(&opened, &arguments);
            until_terminated(opened.engine.store.abort_all(), work)
                .await
                .map(|()| ExitCode::SUCCESS)
        }
        Command::Show(arguments) => {
            let opened = arguments.sets.open(report).await?;
            let work = show(&opened, &arguments);
            until_terminated(opened.engine.store.abort_all(), work)
                .await
                .map(|()| ExitCode::SUCCESS)
        }
        Command::Verify(arguments) => verify::run(report, arguments).await,
        Command::Gc(arguments) => artifacts_gc::run(report, arguments).await,
        Command::Import(arguments) => import::run(report, arguments).await,
    }
}

/// The history of a bucket.
pub(super) fn record(opened: &Opened) -> anyhow::Result<History<'_, Published>> {
    Ok(History::new(&opened.engine.store, opened.track.history()?))
}

/// The newest entries of the history, newest first; none where there is no history yet.
pub(super) async fn newest(opened: &Opened, count: usize) -> anyhow::Result<Vec<Entry<Published>>> {
    let record = record(opened)?;
    let Some(entries) = record.newest(count).await? else {
        let uri = opened.engine.store.uri(record.head_key()?.as_str());
        opened.engine.store.report().warn(format!(
            "{uri}: there is no history yet; `s3-asset artifacts import` makes one of what the bucket holds"
        ));
        return Ok(Vec::new());
    };
    Ok(entries)
}

/// The commit that somebody names: in full, or by its first digits where the history knows it.
pub(super) async fn commit(opened: &Opened, text: &str) -> anyhow::Result<CommitId> {
    if let Ok(commit) = CommitId::parse(text) {
        return Ok(commit);
    }
    let digits = text.to_ascii_lowercase();
    if digits.len() < FEWEST_DIGITS || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(fault(
            format!("`{}` names no commit", shown(text)),
            format!("give its hash, or at least {FEWEST_DIGITS} of its first hexadecimal digits"),
        ));
    }
    let entries = newest(opened, usize::MAX).await?;
    abbreviated(&digits, entries.iter().map(|entry| &entry.what.commit))
}

fn abbreviated<'a>(
    digits: &str,
    commits: impl Iterator<Item = &'a CommitId>,
) -> anyhow::Result<CommitId> {
    let mut fitting: Vec<&CommitId> =
        commits.filter(|commit| commit.as_str().starts_with(digits)).collect();
    fitting.sort();
    fitting.dedup();
    match fitting.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(fault(
            format!("no commit in the history begins with {digits}"),
            "`s3-asset artifacts list --all` shows them; a full hash needs no history",
        )),
        several => {
            let names: Vec<&str> = several.iter().map(|commit| commit.as_str()).collect();
            Err(fault(
                format!("{digits} is the beginning of {} commits", several.len()),
                format!("give more digits: {}", names.join(", ")),
            ))
        }
    }
}

async fn list(opened: &Opened, arguments: &ListArguments) -> anyhow::Result<()> {
    let entries = newest(opened, if arguments.all { usize::MAX } else { arguments.limit }).await?;
    let sizes = if arguments.size { sizes(opened, &entries).await? } else { Vec::new() };
    if arguments.output.json {
        let mut values: Vec<Value> = entries.iter().map(value).collect();
        for (value, size) in values.iter_mut().zip(&sizes) {
            value["size"] = (*size).into();
        }
        return terminal::answer(&values);
    }
    let mut rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    let mut titles = vec!["number", "time", "commit", "code hash", "build", "by"];
    if arguments.size {
        titles.push("size");
        for (row, bytes) in rows.iter_mut().zip(&sizes) {
            row.push(size(*bytes));
        }
        let all = format!("{}, {}", count(sizes.len(), "set"), size(sizes.iter().sum()));
        opened.engine.store.report().info(all);
    }
    terminal::print(super::table::table(&titles, &rows).as_bytes())
}

/// The bytes of all that lies in the folders of sets.
async fn sizes(opened: &Opened, entries: &[Entry<Published>]) -> anyhow::Result<Vec<u64>> {
    let store = &opened.engine.store;
    stream::iter(entries.iter().map(|entry| opened.track.set(&entry.what.commit)))
        .map(|folder| async move {
            let listed = store.list(folder.as_str()).await?;
            anyhow::Ok(listed.iter().map(|object| object.size).sum::<u64>())
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

fn row(entry: &Entry<Published>) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let code_hash = entry.what.code_hash.as_ref().map(|hash| hash.as_str().chars().take(SHORT));
    vec![
        entry.number.to_string(),
        entry.time.to_string(),
        entry.what.commit.to_string(),
        code_hash.map(String::from_iter).unwrap_or_default(),
        text(&entry.build.name),
        text(&entry.build.by),
    ]
}

fn value(entry: &Entry<Published>) -> Value {
    json!({
        "number": entry.number,
        "time": entry.time,
        "commit": entry.what.commit,
        "code_hash": entry.what.code_hash,
        "build": entry.build.name,
        "build_url": entry.build.url,
        "by": entry.build.by,
    })
}

async fn show(opened: &Opened, arguments: &ShowArguments) -> anyhow::Result<()> {
    let commit = commit(opened, &arguments.commit).await?;
    let store = &*opened.engine.store;
    let folder = rules::folder(opened.track.set(&commit));
    let uri = store.uri(folder.prefix.as_str().trim_end_matches('/'));
    let manifest = match stood(store, &opened.track, &commit).await? {
        None => None,
        Some(Stood::Own(standing)) => Some(standing.manifest),
        Some(Stood::Copied { manifest, .. }) => {
            Some(adopted(store, &opened.track, &commit, manifest).await?)
        }
    };
    if let Some(manifest) = manifest {
        if arguments.output.json {
            let mut value = serde_json::to_value(&manifest)?;
            value["s3_uri"] = uri.into();
            return terminal::answer(&value);
        }
        return terminal::print(described(&manifest, uri).as_bytes());
    }
    let listing = store.list(folder.prefix.as_str()).await?;
    let pending = folder.pending()?;
    if listing.iter().any(|object| object.key == pending.as_str()) {
        return Err(fault(
            format!("{uri}: the set is incomplete: a put began it, and has not published it"),
            "run the put again: it finishes, or begins anew",
        ));
    }
    let files = unlisted_sets::read(store, &folder.prefix, &listing).await?;
    if files.is_empty() {
        return Err(missing(&uri));
    }
    store.report().warn("the set has no manifest: it was uploaded by s3-asset-manager, and is what its folder holds now");
    if arguments.output.json {
        let value = |file: &LegacyFile| json!({"path": file.path, "size": file.size, "sha256": file.sha256, "key": file.key});
        let files: Vec<Value> = files.iter().map(value).collect();
        return terminal::answer(&json!({"commit": commit, "files": files, "s3_uri": uri}));
    }
    let row = |file: &LegacyFile| {
        let sha256 = file.sha256.map(|sha256| sha256.hex()).unwrap_or_default();
        vec![
            file.path.to_string(),
            file.size.to_string(),
            String::new(),
            sha256,
            file.key.to_string(),
        ]
    };
    let facts = super::table::facts(&[("commit", commit.to_string()), ("s3_uri", uri)]);
    let files: Vec<_> = files.iter().map(row).collect();
    terminal::print(format!("{facts}\n{}", super::table::table(&FILE_TITLES, &files)).as_bytes())
}

const FILE_TITLES: [&str; 5] = ["path", "size", "mode", "sha256", "key"];

fn described(manifest: &Manifest, uri: String) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let name = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let facts = [
        ("commit", manifest.commit.to_string()),
        ("code_hash", name(manifest.code_hash.as_ref().map(|hash| hash.as_str()))),
        ("cached_from", name(manifest.cached_from.as_ref().map(|commit| commit.as_str()))),
        ("published_at", manifest.published_at.to_string()),
        ("build", text(&manifest.build.name)),
        ("build_url", text(&manifest.build.url)),
        ("by", text(&manifest.build.by)),
        ("size", size(manifest.size())),
        ("s3_uri", uri),
    ];
    let rows: Vec<_> = manifest
        .files
        .iter()
        .map(|file| {
            let mode = format!("{:04o}", file.mode.bits());
            let sha256 = file.sha256.hex();
            vec![file.path.to_string(), file.size.to_string(), mode, sha256, file.key.to_string()]
        })
        .collect();
    format!("{}\n{}", super::table::facts(&facts), super::table::table(&FILE_TITLES, &rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_name_one_commit_or_none() {
        let commit = |digits: &str| CommitId::parse(&format!("{digits:0<40}")).expect("a commit");
        let known = [commit("aaaaaaa1"), commit("aaaaaaa2"), commit("bbbbbbb"), commit("bbbbbbb")];
        let cases = [
            ("aaaaaaa1", Ok(&known[0])),
            ("bbbbbbb", Ok(&known[2])),
            ("aaaaaaa", Err("aaaaaaa is the beginning of 2 commits")),
            ("ccccccc", Err("no commit in the history begins with ccccccc")),
        ];
        for (digits, want) in cases {
            let got = abbreviated(digits, known.iter());
            match want {
                Ok(commit) => assert_eq!(&got.expect(digits), commit),
                Err(what) => assert_eq!(got.expect_err(digits).to_string(), what),
            }
        }
    }
}
