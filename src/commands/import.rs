//! `s3-asset artifacts import`: gives a history to a bucket that has none, and manifests to the
//! sets that s3-asset-manager uploaded.
//!
//! In the order of a put: caches are sealed, then sets, then the history is extended. So an import
//! that is killed has entered nothing that is not whole, and running it again does the rest: a set
//! that it sealed carries the time of its objects, and keeps its place in the order.
//!
//! No object's bytes are copied or changed. Manifests are written create-only: beside a put, one of
//! the two decides.

use super::artifacts::record;
use super::by::By;
use super::import_plan::{Found, State, Step, agreed, folders, steps};
use super::sets_options::{Opened, SetsOptions};
use super::unlisted_sets::{self, LegacyFile};
use super::{Output, table};
use crate::history::stored::Current;
use crate::history::{Event, Position};
use crate::machine::report::{Report, count};
use crate::machine::terminal::{self, until_terminated};
use crate::s3::store::Store;
use crate::s3::transfer::AT_ONCE;
use crate::sealing::publish::{self, Standing};
use crate::sealing::set::{Manifest, ManifestFile, Provenance};
use crate::tracks::artifacts::plan::Outcome as PutOutcome;
use crate::tracks::artifacts::put::{Ask, Code, PutSet};
use crate::tracks::artifacts::rules;
use crate::tracks::artifacts::rules::Published;
use crate::tracks::artifacts::standing::{Stood, stood};
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::file::Mode;
use crate::words::names::{CodeHash, CommitId, RelPath};
use crate::words::object::{ObjectOptions, REMOVED};
use crate::words::time::Utc;
use anyhow::Context as _;
use clap::Args;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
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

/// A set that stands, or why it could not be made to.
type Outcome = Result<Manifest, String>;

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

/// Lists the bucket, once for the sets and once for the caches, and reads the whole history.
async fn plan(opened: &Opened) -> anyhow::Result<Plan> {
    let (store, track) = (&*opened.engine.store, &opened.track);
    let record = record(opened)?;
    let (sets, caches, current) = futures_util::future::try_join3(
        store.list(track.artifacts.as_str()),
        store.list(track.cache.as_str()),
        record.read(),
    )
    .await?;
    let mut known = HashSet::new();
    if let Some(current) = &current {
        let shape = current.head.shape();
        let older = record.segments(&shape, shape.segments_since(None)).await?;
        let all = older.iter().chain(current.head.entries());
        known.extend(all.map(|entry| entry.what.commit.clone()));
        // What is being removed still has its manifest, perhaps.
        let marked = record.removing(&current.head).await?;
        known.extend(marked.into_iter().map(|entry| entry.what.commit));
    }
    // A name in capitals is no folder of ours: keys are compared byte by byte.
    let sets = folders(&track.artifacts, sets, |text| {
        CommitId::parse(text).ok().filter(|commit| commit.as_str() == text)
    });
    let caches = folders(&track.cache, caches, |text| {
        CodeHash::parse(text).ok().filter(|hash| hash.as_str() == text)
    });
    let sets = standing_ones(store, sets, |set| !known.contains(&set.name)).await?;
    let caches = standing_ones(store, caches, |_| true).await?;
    let (mut steps, incomplete) = steps(sets, &known);
    steps.sort_by(|a, b| (a.set.modified, &a.set.name).cmp(&(b.set.modified, &b.set.name)));
    let cached = caches.iter().filter(|cache| cache.state == State::Published);
    Ok(Plan {
        cached: cached.map(|cache| cache.name.clone()).collect(),
        caches: caches.into_iter().filter(|cache| cache.state == State::Unsealed).collect(),
        steps,
        incomplete: incomplete.iter().map(|folder| store.uri(folder.as_str())).collect(),
        current,
    })
}

/// Those whose manifests are none of removed sets; of the others, only those are looked at that are
/// of interest.
async fn standing_ones<N>(
    store: &Store,
    found: Vec<Found<N>>,
    is_of_interest: impl Fn(&Found<N>) -> bool,
) -> anyhow::Result<Vec<Found<N>>> {
    let asked = found.iter().map(|it| it.state == State::Published && is_of_interest(it));
    let keys = asked.zip(&found).map(|(asked, it)| (asked, rules::folder(it.folder.clone())));
    let removed: Vec<bool> = stream::iter(keys.collect::<Vec<_>>())
        .map(|(asked, folder)| async move {
            if !asked {
                return Ok(false);
            }
            let facts = store.head(&folder.manifest()?).await?;
            anyhow::Ok(facts.is_some_and(|facts| facts.metadata.contains_key(REMOVED)))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(found.into_iter().zip(removed).filter(|(_, removed)| !removed).map(|(it, _)| it).collect())
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

/// What the history says of a set. A code hash that no published cache has is left out: whatever
/// the history names, a get must find.
fn event(manifest: Manifest, cached: &HashSet<CodeHash>) -> Event<Published> {
    Event {
        run: Run { time: manifest.published_at, build: manifest.build },
        what: Published {
            commit: manifest.commit,
            code_hash: manifest.code_hash.filter(|hash| cached.contains(hash)),
            unsealed: false,
        },
    }
}

/// Reads the manifest of a set that has one.
async fn standing(opened: &Opened, set: &Found<CommitId>) -> anyhow::Result<Outcome> {
    let store = &*opened.engine.store;
    let folder = rules::folder(set.folder.clone());
    let uri = store.uri(folder.manifest()?.as_str());
    Ok(match stood(store, &opened.track, &set.name).await {
        Ok(None) => Err(format!("{uri}: deleted while the import ran")),
        Ok(Some(Stood::Own(Standing { manifest, .. }))) if manifest.commit == set.name => {
            Ok(manifest)
        }
        Ok(Some(Stood::Own(Standing { manifest, .. }))) => {
            Err(format!("{uri}: it is the manifest of commit {}", manifest.commit))
        }
        // A set of its own is made of it, as a put does.
        Ok(Some(Stood::Copied { .. })) => {
            let ask = Ask { commit: set.name.clone(), code: Code::Unknown, directory: None };
            let run = By::default().run()?;
            let options = ObjectOptions::NONE;
            let put = PutSet { engine: &opened.engine, track: &opened.track, run: &run, options };
            match put.carry_out(&ask).await? {
                PutOutcome::Published { manifest: Some(manifest), .. } => Ok(*manifest),
                _ => Err(format!("{uri}: a copy of the cache's, and its files are gone")),
            }
        }
        Err(e) => Err(format!("{e:#}")),
    })
}

/// Gives a set of s3-asset-manager its manifest.
async fn seal_set(
    opened: &Opened,
    set: &Found<CommitId>,
    position: &Position,
) -> anyhow::Result<Outcome> {
    let files = match legacy_files(opened, set).await? {
        Ok(files) => files,
        Err(problem) => return Ok(Err(problem)),
    };
    let from = agreed(files.iter().map(|file| file.commit.as_ref()));
    let provenance = Provenance {
        commit: set.name.clone(),
        code_hash: agreed(files.iter().map(|file| file.code_hash.as_ref())).cloned(),
        // A copy out of the cache keeps the commit that filled it.
        cached_from: from.filter(|from| **from != set.name).cloned(),
        run: Run::at(Utc::of_seconds(set.modified)),
    };
    seal(opened, set, &provenance, files, position).await
}

/// Gives a cache of s3-asset-manager its manifest.
async fn seal_cache(
    opened: &Opened,
    cache: &Found<CodeHash>,
    position: &Position,
) -> anyhow::Result<Outcome> {
    let files = match legacy_files(opened, cache).await? {
        Ok(files) => files,
        Err(problem) => return Ok(Err(problem)),
    };
    // Each upload of the same code replaced the objects of the one before.
    let newest = files.iter().filter(|file| file.commit.is_some()).max_by_key(|file| file.modified);
    let Some(commit) = newest.and_then(|file| file.commit.clone()) else {
        let uri = opened.engine.store.uri(cache.folder.as_str());
        return Ok(Err(format!("{uri}: no object in it says which commit it was built from")));
    };
    let provenance = Provenance {
        commit,
        code_hash: Some(cache.name.clone()),
        cached_from: None,
        run: Run::at(Utc::of_seconds(cache.modified)),
    };
    seal(opened, cache, &provenance, files, position).await
}

/// What the objects of a folder say of themselves; a name that no directory can hold is a problem.
async fn legacy_files<N>(
    opened: &Opened,
    found: &Found<N>,
) -> anyhow::Result<Result<Vec<LegacyFile>, String>> {
    let store = &*opened.engine.store;
    let odd = found.files.iter().find_map(|file| {
        let below = file.key.strip_prefix(found.folder.as_str()).unwrap_or("");
        RelPath::parse(below).err().map(|e| format!("{}: {e}", store.uri(found.folder.as_str())))
    });
    match odd {
        Some(problem) => Ok(Err(problem)),
        None => unlisted_sets::read(store, &found.folder, &found.files).await.map(Ok),
    }
}

/// Writes the manifest of a folder, with the hash of each of its objects.
async fn seal<N>(
    opened: &Opened,
    found: &Found<N>,
    provenance: &Provenance,
    files: Vec<LegacyFile>,
    position: &Position,
) -> anyhow::Result<Outcome> {
    let engine = &opened.engine;
    let mut listed = Vec::new();
    for LegacyFile { path, key, size, sha256, .. } in files {
        let sha256 = match sha256 {
            Some(sha256) => sha256,
            None => engine.hash(&key, size).await.context("hashing what has no package-hash")?,
        };
        listed.push(ManifestFile { path, size, mode: Mode::Plain, sha256, key, parts: None });
    }
    let folder = rules::folder(found.folder.clone());
    let manifest = Manifest::new(provenance, listed);
    let stands = publish::seal(&engine.store, &folder, manifest, position).await?;
    Ok(Ok(stands.manifest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_hash_is_entered_where_its_cache_stands() {
        let hash = CodeHash::parse(&"c".repeat(64)).expect("a hash");
        let provenance = Provenance {
            commit: CommitId::parse(&"a".repeat(40)).expect("a commit"),
            code_hash: Some(hash.clone()),
            cached_from: None,
            run: Run::at(Utc::of_seconds(1_790_000_000)),
        };
        let manifest = Manifest::new(&provenance, Vec::new());
        let without = event(manifest.clone(), &HashSet::new());
        assert_eq!(
            (without.run.time.as_str(), without.what.code_hash),
            ("2026-09-21T14:13:20Z", None)
        );
        let with = event(manifest, &HashSet::from([hash.clone()]));
        assert_eq!(with.what.code_hash, Some(hash));
    }
}
