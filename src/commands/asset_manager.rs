//! `check` and `upload`: the two commands of s3-asset-manager, with its variables, files and exit
//! codes, over sets that are published whole.
//!
//! What differs from the original, each on purpose:
//! - a check begins by removing `.found` and `.code-hash` that an earlier run left in the package
//!   directory: the one would skip a build that is needed, the other would fill the cache of other
//!   code;
//! - an upload takes nested directories too;
//! - an empty variable counts as one that is not set.

use super::Output;
use super::by::By;
use super::sets_options::{BUCKET, Opened, SetsOptions};
use crate::code_hash::{Algorithm, NoFiles, Recipe};
use crate::input::selection::Selection;
use crate::machine::environment::variable;
use crate::machine::report::{Report, count};
use crate::machine::terminal::{self, until_terminated};
use crate::machine::workspace::{read_text, scan};
use crate::tracks::artifacts::code::open;
use crate::tracks::artifacts::plan::{News, Outcome};
use crate::tracks::artifacts::put::{Ask, Code, PutSet};
use crate::tracks::artifacts::rules::RESERVED;
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::{CodeHash, CommitId};
use crate::words::object::ObjectOptions;
use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

const FOUND: &str = ".found";
const COMMIT_HASH: &str = ".commit-hash";
const CODE_HASH: &str = ".code-hash";

pub(super) const CHECK_HELP: &str = "\
Environment:
  PACKAGE_ASSETS_BUCKET   the bucket, unless --bucket names it
  GIT_REPO_PATH           the checkout
  PACKAGE_DIRECTORY       where .commit-hash, .code-hash and .found are written
  CODE_HASH_FIND_FILTER   which files make up the code; unset: no cache
  AWS_ROLE                a role to assume

Writes .found when nothing has to be built. Exit status: 100 no bucket, 101 no repository path,
102 no package directory, 103 not a repository, 1 anything else.

Examples:
  PACKAGE_ASSETS_BUCKET=my-assets GIT_REPO_PATH=repo PACKAGE_DIRECTORY=packages \\
    CODE_HASH_FIND_FILTER='lambdas/**' s3-asset check";

pub(super) const UPLOAD_HELP: &str = "\
Environment:
  PACKAGE_ASSETS_BUCKET   the bucket, unless --bucket names it
  PACKAGE_DIRECTORY       what to upload, with the .commit-hash and .code-hash of `check`
  AWS_ROLE                a role to assume

Does nothing where .found stands. Exit status: 100 no package directory, 101 no bucket,
102 nothing to upload, 103 no commit hash, 1 anything else.

Examples:
  PACKAGE_ASSETS_BUCKET=my-assets PACKAGE_DIRECTORY=packages s3-asset upload
  PACKAGE_ASSETS_BUCKET=my-assets PACKAGE_DIRECTORY=packages s3-asset upload --dry-run";

/// An exit status of the original, and what is said with it.
struct Stop {
    status: u8,
    error: anyhow::Error,
}

impl Stop {
    fn unset(status: u8, name: &str, what: &str) -> Stop {
        let hint = format!("set it to {what}");
        Stop { status, error: fault(format!("{name}: the variable is not set"), hint) }
    }
}

fn ended(report: &Report, stop: &Stop) -> ExitCode {
    report.error(&stop.error);
    ExitCode::from(stop.status)
}

/// What a check is told.
#[derive(Debug)]
struct CheckInput {
    repository: PathBuf,
    directory: PathBuf,
    filter: Option<String>,
}

impl CheckInput {
    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<CheckInput, Stop> {
        let need =
            |status, name, what| variable(name).ok_or_else(|| Stop::unset(status, name, what));
        need(100, BUCKET, "the bucket's name, or add --bucket")?;
        Ok(CheckInput {
            repository: need(101, "GIT_REPO_PATH", "the path of a git checkout")?.into(),
            directory: need(102, "PACKAGE_DIRECTORY", "the path of a task's output")?.into(),
            filter: variable("CODE_HASH_FIND_FILTER"),
        })
    }
}

/// The options of `check`.
#[derive(Debug, Clone, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    sets: SetsOptions,
}

/// Looks whether the assets of a checkout's commit have to be built.
pub(super) async fn check(
    report: &Arc<Report>,
    CheckArguments { output, sets }: CheckArguments,
) -> anyhow::Result<ExitCode> {
    let input = match CheckInput::read(or_variable(&sets)) {
        Ok(input) => input,
        Err(stop) => return Ok(ended(report, &stop)),
    };
    let commit = match open(&input.repository) {
        Ok(repo) => CommitId::parse(&repo.head_commit())?,
        Err(error) => return Ok(ended(report, &Stop { status: 103, error })),
    };
    report.info(format!("commit {commit}"));
    remove(&input.directory, FOUND)?;
    remove(&input.directory, CODE_HASH)?;
    write(&input.directory, COMMIT_HASH, commit.as_str())?;

    let opened = sets.open(report).await?;
    let run = By::default().run()?;
    let code = match &input.filter {
        None => Code::Unknown,
        Some(filter) => {
            let recipe = Recipe::parse(Algorithm::Md5, &[filter]).map_err(anyhow::Error::from)?;
            let repository = input.repository.clone();
            Code::Of { repository, recipe, no_files: NoFiles::Allow }
        }
    };
    let ask = Ask { commit: commit.clone(), code, directory: None };
    let put = put(&opened, &run);
    let work = put.carry_out(&ask);
    let outcome = until_terminated(opened.engine.store.abort_all(), work).await?;
    put.tell(&ask, &outcome);
    let code_hash = match &outcome {
        Outcome::Published { code_hash, .. } | Outcome::Missing { code_hash } => code_hash.clone(),
    };
    if let Some(hash) = &code_hash {
        write(&input.directory, CODE_HASH, hash.as_str())?;
    }
    let found = matches!(outcome, Outcome::Published { .. });
    if found {
        write(&input.directory, FOUND, "")?;
        report.success("nothing to build: the assets of this commit are published");
    } else if input.filter.is_none() {
        report.info(
            "not published, and no CODE_HASH_FIND_FILTER to find it cached: it must be built",
        );
    } else {
        report.info("neither published nor cached: it must be built");
    }
    if output.json {
        terminal::answer(&json!({"commit": commit, "code_hash": code_hash, "found": found}))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What an upload is told; none: there is nothing to do.
#[derive(Debug)]
struct UploadInput {
    directory: PathBuf,
    commit: CommitId,
    code_hash: Option<CodeHash>,
}

/// Why an upload goes no further than its input.
enum NoUpload {
    /// `.found` stands.
    Found,
    /// Something is missing.
    Stop(Stop),
    /// Something is wrong.
    Error(anyhow::Error),
}

impl UploadInput {
    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<UploadInput, NoUpload> {
        let need = |status, name, what| {
            variable(name).ok_or_else(|| NoUpload::Stop(Stop::unset(status, name, what)))
        };
        let directory: PathBuf =
            need(100, "PACKAGE_DIRECTORY", "the directory that holds the packages")?.into();
        if directory.join(FOUND).is_file() {
            return Err(NoUpload::Found);
        }
        need(101, BUCKET, "the bucket's name, or add --bucket")?;
        let visible = selection().map_err(NoUpload::Error)?;
        let files = if directory.is_dir() {
            scan(&directory, &visible, &RESERVED).map_err(NoUpload::Error)?.len()
        } else {
            0
        };
        if files == 0 {
            let error = fault(
                format!("{} holds no file to upload", directory.display()),
                "the build's task must write its packages there; names that start with a dot are left out",
            );
            return Err(NoUpload::Stop(Stop { status: 102, error }));
        }
        if !directory.join(COMMIT_HASH).is_file() {
            let error = fault(
                format!("there is no {}", directory.join(COMMIT_HASH).display()),
                "`check` writes it: hand its package directory on to the task that uploads",
            );
            return Err(NoUpload::Stop(Stop { status: 103, error }));
        }
        let read = |name: &str| {
            let path = directory.join(name);
            (path.is_file()).then(|| read_text(&path, name)).transpose()
        };
        let hashes = || {
            let commit = CommitId::parse(&read(COMMIT_HASH)?.unwrap_or_default())
                .map_err(|e| e.context(directory.join(COMMIT_HASH).display().to_string()))?;
            let code_hash = read(CODE_HASH)?.map(|text| CodeHash::parse(&text)).transpose();
            let code_hash = code_hash
                .map_err(|e| e.context(directory.join(CODE_HASH).display().to_string()))?;
            anyhow::Ok((commit, code_hash))
        };
        let (commit, code_hash) = hashes().map_err(NoUpload::Error)?;
        Ok(UploadInput { commit, code_hash, directory })
    }
}

/// The options of `upload`.
#[derive(Debug, Clone, Args)]
pub(super) struct UploadArguments {
    #[command(flatten)]
    by: By,
    /// Shows what would be done, and does nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    sets: SetsOptions,
}

/// Uploads the package directory, publishes it and fills the cache.
pub(super) async fn upload(
    report: &Arc<Report>,
    UploadArguments { by, dry_run, output, sets }: UploadArguments,
) -> anyhow::Result<ExitCode> {
    let input = match UploadInput::read(or_variable(&sets)) {
        Ok(input) => input,
        Err(NoUpload::Found) => {
            report.success("nothing to do: the assets of this commit were found");
            if output.json {
                terminal::answer(&json!({"uploaded": false}))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        Err(NoUpload::Stop(stop)) => return Ok(ended(report, &stop)),
        Err(NoUpload::Error(error)) => return Err(error),
    };
    let UploadInput { directory, commit, code_hash } = input;
    report.info(format!("commit {commit}"));
    code_hash.iter().for_each(|hash| report.info(format!("code hash {hash}")));
    let opened = sets.open(report).await?;
    let run = by.run()?;
    let code = code_hash.clone().map_or(Code::Unknown, Code::Given);
    let ask = Ask { commit: commit.clone(), code, directory: Some((directory, selection()?)) };
    let put = put(&opened, &run);
    if dry_run {
        let (steps, _) = until_terminated(async {}, put.dry_run(&ask)).await?;
        let about = json!({"commit": commit, "code_hash": code_hash});
        output.plan(&steps, "the set is published", about)?;
        return Ok(ExitCode::SUCCESS);
    }
    let work = put.carry_out(&ask);
    let outcome = until_terminated(opened.engine.store.abort_all(), work).await?;
    put.tell(&ask, &outcome);
    // Another build may have been faster, or this one was killed after it had published.
    let (manifest, uploaded) = match outcome {
        Outcome::Published { manifest, news, .. } => (manifest, news == News::Published),
        Outcome::Missing { .. } => anyhow::bail!("{commit}: uploaded, and not there"),
    };
    let files = manifest.as_ref().map(|manifest| manifest.files.len());
    if let (true, Some(files)) = (uploaded, files) {
        report.success(format!("{} uploaded", count(files, "package")));
    }
    if output.json {
        terminal::answer(&json!({
            "commit": commit,
            "code_hash": code_hash,
            "uploaded": uploaded,
            "files": files,
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Sets, as a build at some time finds or uploads them.
fn put<'a>(Opened { engine, track }: &'a Opened, run: &'a Run) -> PutSet<'a> {
    PutSet { engine, track, run, options: ObjectOptions::NONE }
}

/// The environment, where the bucket may be an option's as well.
fn or_variable(sets: &SetsOptions) -> impl Fn(&str) -> Option<String> {
    move |name| {
        let option = sets.place.bucket.clone().filter(|_| name == BUCKET);
        option.or_else(|| variable(name))
    }
}

/// What is uploaded: everything whose name, and whose directories' names, start with no dot.
fn selection() -> anyhow::Result<Selection> {
    Selection::new(&[], false)
}

fn write(directory: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = directory.join(name);
    fs::write(&path, text).map_err(|e| match e.kind() {
        ErrorKind::NotFound => fault(
            format!("PACKAGE_DIRECTORY: there is no {}", directory.display()),
            "name an output of the task, or make the directory",
        ),
        _ => anyhow::Error::new(e).context(path.display().to_string()),
    })
}

fn remove(directory: &Path, name: &str) -> anyhow::Result<()> {
    let path = directory.join(name);
    match fs::remove_file(&path) {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            Err(e).with_context(|| path.display().to_string())
        }
        _ => Ok(()),
    }
}
