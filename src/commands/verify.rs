//! `s3-asset artifacts verify`: whether the bytes in the bucket are those that were published.

use super::artifacts::{commit, newest};
use super::sets_options::{Opened, SetsOptions};
use super::{Output, table, unlisted_sets};
use crate::input::selection::Selection;
use crate::machine::report::{Report, count, size};
use crate::machine::terminal::{self, until_terminated};
use crate::machine::workspace::Hashed;
use crate::s3::store::Listed;
use crate::s3::transfer::AT_ONCE;
use crate::sealing::claim::How;
use crate::sealing::plan::Item;
use crate::sealing::publish::{self, Standing};
use crate::sealing::set::{Folder, Manifest, ManifestFile, Provenance};
use crate::tracks::artifacts::facts::read_directory;
use crate::tracks::artifacts::rules;
use crate::tracks::artifacts::standing::{self, Stood};
use crate::words::build::Run;
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::file::{FileFacts, Mode};
use crate::words::names::{CommitId, Key, RelPath};
use crate::words::object::ObjectOptions;
use crate::words::time::Utc;
use clap::Args;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use serde_json::json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Sets whose manifests and listings are read ahead.
const SETS_AT_ONCE: usize = 4;

pub(super) const HELP: &str = "\
Every object is downloaded and hashed, and nothing is kept on disk. `--repair` changes only what is
wrong, and only into the bytes that the manifest records. Exit status 1 when something
is wrong.

Examples:
  s3-asset artifacts verify --bucket my-assets
  s3-asset artifacts verify 3f2a91c --bucket my-assets
  s3-asset artifacts verify --bucket my-assets --all --json
  s3-asset artifacts verify 3f2a91c --bucket my-assets --repair packages";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Which sets, as for `show`; none: the newest of the history
    #[arg(value_name = "COMMIT")]
    commits: Vec<String>,
    /// Every set in the history
    #[arg(long, conflicts_with_all = ["limit", "commits"])]
    all: bool,
    /// How many of the newest sets
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "commits")]
    limit: usize,
    /// Sends again, from this directory, what a set has lost, where the very bytes are there
    #[arg(long, value_name = "DIR", requires = "commits")]
    repair: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    sets: SetsOptions,
}

/// Something that is not as it was published.
#[derive(Debug, Serialize)]
struct Wrong {
    commit: CommitId,
    object: String,
    why: String,
}

/// What was found out about a set.
#[derive(Debug)]
struct Verified {
    commit: CommitId,
    files: usize,
    bytes: u64,
    wrong: Vec<Wrong>,
    /// What of it a put could bring back: the objects that the manifest names, and plain keys.
    broken: Vec<Expected>,
    /// Objects of s3-asset-manager that nobody recorded a hash of.
    unchecked: Vec<String>,
}

/// An object, and what it should be.
#[derive(Debug, Clone)]
struct Expected {
    /// The file that it is of.
    path: RelPath,
    /// The file's permissions.
    mode: Mode,
    key: Key,
    size: u64,
    sha256: Sha256,
    /// Whether readers that know no manifest depend on it, and no others.
    plain: bool,
}

impl From<ManifestFile> for Expected {
    fn from(file: ManifestFile) -> Expected {
        let ManifestFile { path, size, mode, sha256, key, .. } = file;
        Expected { path, mode, key, size, sha256, plain: false }
    }
}

pub(super) async fn run(report: &Arc<Report>, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.sets.open(report).await?;
    let work = async {
        let sets = verify(&opened, &arguments).await?;
        let Some(directory) = &arguments.repair else { return Ok(sets) };
        let broken = sets.iter().any(|set| !set.broken.is_empty());
        if !broken {
            return Ok(sets);
        }
        repair(&opened, directory, &sets).await?;
        verify(&opened, &arguments).await
    };
    let sets = until_terminated(opened.engine.store.abort_all(), work).await?;
    let wrong: Vec<&Wrong> = sets.iter().flat_map(|set| &set.wrong).collect();
    let unchecked: Vec<&String> = sets.iter().flat_map(|set| &set.unchecked).collect();
    let files: usize = sets.iter().map(|set| set.files).sum();
    let bytes: u64 = sets.iter().map(|set| set.bytes).sum();
    if arguments.output.json {
        terminal::answer(&json!({
            "sets": sets.len(),
            "files": files,
            "bytes": bytes,
            "wrong": wrong,
            "unchecked": unchecked,
        }))?;
    } else {
        let row = |set: &Verified| {
            let state = if set.wrong.is_empty() {
                "ok".to_owned()
            } else {
                format!("{} wrong", set.wrong.len())
            };
            vec![set.commit.to_string(), set.files.to_string(), size(set.bytes), state]
        };
        let rows: Vec<_> = sets.iter().map(row).collect();
        let mut text = table::table(&["commit", "files", "size", "state"], &rows);
        if !wrong.is_empty() {
            let rows: Vec<_> =
                wrong.iter().map(|wrong| vec![wrong.object.clone(), wrong.why.clone()]).collect();
            text.push('\n');
            text.push_str(&table::table(&["object", "what is wrong"], &rows));
        }
        terminal::print(text.as_bytes())?;
    }
    if !unchecked.is_empty() {
        report.warn(format!(
            "{} of s3-asset-manager without a recorded hash cannot be checked; `import` records what they are now",
            count(unchecked.len(), "object")
        ));
    }
    if wrong.is_empty() {
        let (sets, files) = (count(sets.len(), "set"), count(files, "file"));
        report.success(format!("verified {sets}: {files}, {}", size(bytes)));
        return Ok(ExitCode::SUCCESS);
    }
    let sets = sets.iter().filter(|set| !set.wrong.is_empty()).count();
    Err(fault(
        format!("{} wrong, in {}", count(wrong.len(), "object"), count(sets, "set")),
        "restore the objects that are named (a versioned bucket keeps what was overwritten), or send the very bytes again with `verify COMMIT --repair DIR`; else delete the set and publish its commit anew",
    ))
}

async fn verify(opened: &Opened, arguments: &Arguments) -> anyhow::Result<Vec<Verified>> {
    let mut commits = Vec::new();
    if arguments.commits.is_empty() {
        let limit = if arguments.all { usize::MAX } else { arguments.limit };
        commits.extend(newest(opened, limit).await?.into_iter().map(|entry| entry.what.commit));
    } else {
        for text in &arguments.commits {
            commits.push(commit(opened, text).await?);
        }
    }
    let report = opened.engine.store.report();
    report.info(format!("verifying {}", count(commits.len(), "set")));
    report.begin_all("verifying", "set", commits.len());
    let sets = stream::iter(commits)
        .map(|commit| async move {
            let verified = set(opened, commit).await;
            report.advance_all();
            verified
        })
        .buffered(SETS_AT_ONCE)
        .try_collect()
        .await;
    report.end_all();
    sets
}

/// Verifies the set of a commit.
async fn set(opened: &Opened, commit: CommitId) -> anyhow::Result<Verified> {
    let store = &*opened.engine.store;
    let folder = rules::folder(opened.track.set(&commit));
    let (manifest_key, pending) = (folder.manifest()?, folder.pending()?);
    let (manifest, mut listing) = futures_util::future::try_join(
        store.get(&manifest_key),
        store.list(folder.prefix.as_str()),
    )
    .await?;
    let mut verified = Verified {
        files: 0,
        bytes: 0,
        wrong: Vec::new(),
        broken: Vec::new(),
        unchecked: Vec::new(),
        commit,
    };
    let expected = match manifest {
        Some(fetched) => match standing::read(fetched, &folder, &opened.track) {
            Ok(Stood::Own(Standing { manifest, .. })) if manifest.commit == verified.commit => {
                verified.files = manifest.files.len();
                of_manifest(&manifest, &folder)?
            }
            Ok(Stood::Own(Standing { manifest, .. })) => {
                let why = format!("it is the manifest of commit {}", manifest.commit);
                verified.wrong(store.uri(manifest_key.as_str()), why);
                Vec::new()
            }
            // s3-asset-manager's copy of the cache's: a get reads from there what is not here.
            Ok(Stood::Copied { manifest, .. }) => {
                if let Some(code_hash) = &manifest.code_hash {
                    let cache = opened.track.cached(code_hash);
                    listing.extend(store.list(cache.as_str()).await?);
                }
                let (track, commit) = (&opened.track, &verified.commit);
                let manifest = standing::adopted(store, track, commit, manifest).await?;
                verified.files = manifest.files.len();
                manifest.files.into_iter().map(Expected::from).collect()
            }
            Err(e) => {
                verified.wrong(store.uri(manifest_key.as_str()), format!("{e:#}"));
                Vec::new()
            }
        },
        None if listing.iter().any(|object| object.key == pending.as_str()) => {
            let why = "the set is incomplete: a put began it, and has not published it";
            verified.wrong(store.uri(folder.prefix.as_str()), why.to_owned());
            Vec::new()
        }
        None => {
            let files = unlisted_sets::read(store, &folder.prefix, &listing).await?;
            if files.is_empty() {
                verified.wrong(store.uri(folder.prefix.as_str()), "the set is gone".to_owned());
            }
            verified.files = files.len();
            let (known, unknown): (Vec<_>, Vec<_>) =
                files.into_iter().partition(|file| file.sha256.is_some());
            verified.unchecked = unknown.iter().map(|file| store.uri(file.key.as_str())).collect();
            known
                .into_iter()
                .filter_map(|file| {
                    let sha256 = file.sha256?;
                    let (path, mode) = (file.path, Mode::Plain);
                    Some(Expected {
                        path,
                        mode,
                        key: file.key,
                        size: file.size,
                        sha256,
                        plain: false,
                    })
                })
                .collect()
        }
    };
    verified.bytes = expected.iter().filter(|it| !it.plain).map(|it| it.size).sum();
    // Of all, plain keys too, every byte is read.
    let bytes = expected.iter().map(|it| it.size).sum();
    store.report().begin("verifying", expected.len(), bytes);
    let sizes: HashMap<&str, u64> =
        listing.iter().map(|Listed { key, size, .. }| (key.as_str(), *size)).collect();
    let findings = stream::iter(expected)
        .map(|expected| {
            let size = sizes.get(expected.key.as_str()).copied();
            async move { Ok((finding(opened, &expected, size).await?, expected)) }
        })
        .buffered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await as anyhow::Result<Vec<_>>;
    for (finding, expected) in findings? {
        if let Some((object, why)) = finding {
            verified.wrong(object, why);
            verified.broken.push(expected);
        }
    }
    Ok(verified)
}

impl Verified {
    fn wrong(&mut self, object: String, why: String) {
        self.wrong.push(Wrong { commit: self.commit.clone(), object, why });
    }
}

/// The objects that a manifest names, and beside those with keys of their own the plain keys.
fn of_manifest(manifest: &Manifest, folder: &Folder) -> anyhow::Result<Vec<Expected>> {
    let mut expected = Vec::new();
    for file in &manifest.files {
        let one = Expected::from(file.clone());
        expected.push(one.clone());
        let plain = folder.plain(&file.path)?;
        if plain != file.key {
            expected.push(Expected { key: plain, plain: true, ..one });
        }
    }
    Ok(expected)
}

/// Sends what sets have lost, from the files of a directory that have the very bytes.
async fn repair(opened: &Opened, directory: &Path, sets: &[Verified]) -> anyhow::Result<()> {
    let engine = &opened.engine;
    let local = read_directory(engine, directory, &Selection::everything()).await?;
    for set in sets {
        let mut again = Vec::new();
        for it in &set.broken {
            let same = local
                .iter()
                .find(|file| file.facts.size == it.size && file.facts.sha256 == it.sha256);
            let Some(same) = same else { continue };
            let Expected { path, mode, size, sha256, .. } = it.clone();
            let facts = FileFacts { path, size, mode, sha256 };
            let file = Arc::new(Hashed { facts, ..Hashed::clone(same) });
            again.push((Item::Disk(file), it.key.clone(), How::Mend));
        }
        let folder = rules::folder(opened.track.set(&set.commit));
        let standing = publish::standing(&engine.store, &folder).await?;
        let provenance = Provenance {
            commit: set.commit.clone(),
            code_hash: standing.and_then(|standing| standing.manifest.code_hash),
            cached_from: None,
            run: Run::at(Utc::default()),
        };
        let mend = crate::sealing::plan::mend(folder, again, Vec::new(), provenance);
        publish::carry_out(engine, &mend, ObjectOptions::NONE, None).await?;
        let report = engine.store.report();
        mend.words(engine.store.bucket()).iter().for_each(|line| report.info(line));
    }
    Ok(())
}

/// What is wrong with an object, if anything is; `listed` is its size, where it is there.
async fn finding(
    opened: &Opened,
    expected: &Expected,
    listed: Option<u64>,
) -> anyhow::Result<Option<(String, String)>> {
    let why = match listed {
        None => Some("the object is gone".to_owned()),
        Some(size) if size != expected.size => {
            Some(format!("it has {size} bytes instead of {}", expected.size))
        }
        Some(size) => {
            let sha256 = opened.engine.hash(&expected.key, size).await?;
            let differs = sha256 != expected.sha256;
            differs.then(|| format!("its SHA-256 is {sha256} instead of {}", expected.sha256))
        }
    };
    if listed != Some(expected.size) {
        opened.engine.store.report().advance(1, expected.size);
    }
    let plain = "; the manifest names another key: a put of the commit copies it here again";
    let uri = opened.engine.store.uri(expected.key.as_str());
    Ok(why.map(|why| (uri, if expected.plain { why + plain } else { why })))
}
