//! `s3-asset package`: sacker's commands over the same ledgers and stores, with its words and
//! answers, and what its wish list asks for.

mod change;
mod config;
mod export;
mod gc;
mod gc_plan;
mod import;
mod query;

use super::Output;
use super::bucket_options::{BucketOptions, Reach};
use crate::machine::report::Report;
use crate::machine::terminal::until_terminated;
use crate::tracks::Track;
use crate::tracks::package::ledger::Ledger;
use crate::tracks::package::source::Package;
use crate::words::fault::fault;
use crate::words::names::{Key, PackageName, Tag, shown};
use clap::{Args, Subcommand};
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

pub(super) const HELP: &str = "\
The ledger and the store are given by options, or in the file that SACKER_CONFIG names, or in
~/.sacker.json: {\"ledger\": \"s3://BUCKET\", \"store\": \"s3://BUCKET\"}

Examples:
  s3-asset package --ledger s3://my-ledger --store s3://my-store list
  s3-asset package add frontend build/frontend.jar
  s3-asset package tag frontend 23 live
  s3-asset package download frontend live";

/// Names the package of a ledger that is opened for all of them: it plays no part in what is listed.
const EVERY_PACKAGE: &str = "all";

/// A group of commands, and the buckets that they are about.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: LedgerOptions,
    #[command(subcommand)]
    command: Command,
}

/// Where the packages are. Options stand before the command, as for sacker, or after it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "The buckets")]
pub(super) struct LedgerOptions {
    /// The bucket of names, versions and tags
    #[arg(long, global = true, value_name = "s3://BUCKET")]
    ledger: Option<String>,
    /// The bucket of blobs; unset: the ledger's
    #[arg(long, global = true, value_name = "s3://BUCKET")]
    store: Option<String>,
    /// A folder that everything is in, as `prefix` in source; sacker knows no such thing
    #[arg(long, global = true, value_name = "FOLDER")]
    prefix: Option<String>,
    #[command(flatten)]
    reach: Reach,
    /// For a server that ignores conditional writes: one writer at a time
    #[arg(long, global = true)]
    no_conditional_writes: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the packages of a ledger
    #[command(after_help = query::LIST_HELP)]
    List(ListArguments),
    /// Lists the versions of a package
    #[command(after_help = query::VERSIONS_HELP)]
    Versions(query::VersionsArguments),
    /// Lists the tags of a package, or the moves of one
    #[command(after_help = query::TAGS_HELP)]
    Tags(query::TagsArguments),
    /// Shows what is known of a version
    #[command(after_help = query::INFO_HELP)]
    Info(query::SpecArguments),
    /// Adds a file as the newest version of a package, and prints its number
    #[command(after_help = change::ADD_HELP)]
    Add(change::AddArguments),
    /// Downloads a version, verified, and prints the file's name
    #[command(after_help = query::DOWNLOAD_HELP)]
    Download(query::DownloadArguments),
    /// Puts a tag on a version
    #[command(after_help = change::TAG_HELP)]
    Tag(change::TagArguments),
    /// Takes a tag away
    #[command(after_help = change::UNTAG_HELP)]
    Untag(change::UntagArguments),
    /// Makes the buckets of the ledger and the store
    #[command(after_help = change::INIT_HELP)]
    Init(ListArguments),
    /// Makes a version unavailable; its number never comes back
    #[command(after_help = change::REMOVE_HELP)]
    Remove(change::RemoveArguments),
    /// Copies packages, with their blobs and histories, to a directory
    #[command(after_help = export::HELP)]
    Export(export::Arguments),
    /// Copies packages from such a directory to the ledger and the store
    #[command(after_help = import::HELP)]
    Import(import::Arguments),
    /// Shows, or deletes, blobs that no version needs
    #[command(after_help = gc::HELP)]
    Gc(gc::Arguments),
}

/// A command that needs nothing but the buckets.
#[derive(Debug, Clone, Copy, Args)]
struct ListArguments {
    #[command(flatten)]
    output: Output,
}

impl LedgerOptions {
    /// The options of a command that is about other buckets as well.
    pub(super) fn beside(place: &BucketOptions, ledger: Option<String>) -> LedgerOptions {
        let BucketOptions { bucket: _, prefix, reach, no_conditional_writes } = place.clone();
        LedgerOptions { ledger, store: None, prefix, reach, no_conditional_writes }
    }

    /// Whether a ledger is given, by an option or in sacker's configuration.
    pub(super) fn is_given(&self) -> anyhow::Result<bool> {
        Ok(self.ledger.is_some() || config::read()?.ledger.is_some())
    }

    /// The ledger of a package; of all of them where none is named.
    pub(super) async fn open(
        &self,
        report: &Arc<Report>,
        package: Option<&str>,
        numbering: Option<&str>,
    ) -> anyhow::Result<Ledger> {
        let config = config::read()?;
        let Some(ledger) = self.ledger.clone().or(config.ledger) else {
            return Err(fault(
                "no ledger given",
                "add --ledger s3://BUCKET, or write {\"ledger\": ..., \"store\": ...} to ~/.sacker.json",
            ));
        };
        let store = self.store.clone().or(config.store).unwrap_or_else(|| ledger.clone());
        let place = BucketOptions {
            bucket: Some(ledger.trim_start_matches("s3://").trim_end_matches('/').to_owned()),
            prefix: self.prefix.clone(),
            reach: self.reach.clone(),
            no_conditional_writes: self.no_conditional_writes,
        };
        let track = json!({"package": {
            "name": package.unwrap_or(EVERY_PACKAGE), "ledger": ledger, "store": store,
            "numbering": numbering,
        }});
        match place.open(report, None, track).await? {
            (engine, Track::Package(package)) => Ok(Ledger::new(&engine.store, &package)),
            _ => anyhow::bail!("what was asked for is the `package` track"),
        }
    }
}

pub(super) async fn run(report: &Arc<Report>, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let place = arguments.place;
    let open = async |package: Option<&str>| place.open(report, package, None).await;
    macro_rules! done {
        ($ledger:expr, $work:expr) => {{
            let ledger = $ledger;
            until_terminated(ledger.ledger.abort_all(), $work(&ledger)).await
        }};
    }
    match arguments.command {
        Command::List(a) => done!(open(None).await?, |l| query::list(l, a.output)),
        Command::Versions(a) => {
            done!(open(Some(&a.package)).await?, |l| query::versions(l, a.output))
        }
        Command::Tags(a) => done!(open(Some(&a.package)).await?, |l| query::tags(l, &a)),
        Command::Info(a) => done!(open(Some(&a.package)).await?, |l| query::info(l, &a)),
        Command::Download(a) => done!(open(Some(&a.package)).await?, |l| query::download(l, &a)),
        Command::Add(a) => {
            let ledger = place.open(report, Some(&a.package), a.numbering.as_deref()).await?;
            done!(ledger, |l| change::add(l, &a))
        }
        Command::Tag(a) => done!(open(Some(&a.package)).await?, |l| change::tag(l, &a)),
        Command::Untag(a) => done!(open(Some(&a.package)).await?, |l| change::untag(l, &a)),
        Command::Remove(a) => done!(open(Some(&a.package)).await?, |l| change::remove(l, &a)),
        Command::Init(a) => done!(open(None).await?, |l| change::init(l, a.output)),
        Command::Export(a) => done!(open(None).await?, |l| export::run(l, &a)),
        Command::Import(a) => done!(open(None).await?, |l| import::run(l, &a)),
        Command::Gc(a) => {
            let mut others = Vec::new();
            for uri in &a.also_ledger {
                let place = LedgerOptions { ledger: Some(uri.clone()), ..place.clone() };
                others.push(place.open(report, None, None).await?);
            }
            done!(open(None).await?, |l| gc::run(l, &others, &a))
        }
    }
}

/// What a ledger's listing has.
struct Packages {
    /// Those with a version, with a history, or with `latest`, which is what sacker lists; and the key
    /// that says so of each: its history, where it has one, which is never deleted.
    found: Vec<(Package, Key)>,
    /// Keys that look like a package's whose name is none.
    odd: Vec<String>,
}

async fn packages(ledger: &Ledger) -> anyhow::Result<Packages> {
    let prefix = ledger.package.prefix.as_str();
    let (mut names, mut odd) = (BTreeMap::new(), Vec::new());
    for object in ledger.ledger.list(prefix).await? {
        let Some(name) = object.key.strip_prefix(prefix).and_then(package_of) else { continue };
        match PackageName::parse(name) {
            Ok(name) => {
                names.entry(name).or_insert(Key::parse(&object.key)?);
            }
            Err(_) => odd.push(object.key.clone()),
        }
    }
    let found = names.into_iter().map(|(name, key)| (ledger.package.named(name), key)).collect();
    Ok(Packages { found, odd })
}

/// The name of the package that a key is of.
fn package_of(key: &str) -> Option<&str> {
    if let Some(name) = key.strip_suffix("/.history/versions.json") {
        return Some(name);
    }
    let (folder, last) = key.rsplit_once('/')?;
    if last == Tag::LATEST {
        return folder.strip_suffix("/tags");
    }
    let is_number = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
    folder.strip_suffix("/versions").filter(|_| is_number)
}

/// The packages that somebody names, or all of them.
pub(super) async fn chosen(ledger: &Ledger, names: &[String]) -> anyhow::Result<Vec<Package>> {
    if names.is_empty() {
        let Packages { found, odd } = packages(ledger).await?;
        for key in odd {
            let key = ledger.ledger.uri(&shown(&key));
            ledger.ledger.report().warn(format!("{key} is left out: it is of no package's name"));
        }
        return Ok(found.into_iter().map(|(package, _)| package).collect());
    }
    names.iter().map(|name| Ok(ledger.package.named(PackageName::parse(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::package_of;

    #[test]
    fn keys_say_whose_they_are() {
        for (key, want) in [
            ("a/b/tags/latest", Some("a/b")),
            ("a/versions/7", Some("a")),
            ("a/.history/versions.json", Some("a")),
            ("a/tags/live", None),
            ("a/versions/x", None),
            ("a/.history/tags/live.json", None),
            ("versions/7", None),
            ("x", None),
        ] {
            assert_eq!(package_of(key), want, "{key}");
        }
    }
}
