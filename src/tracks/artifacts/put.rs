//! The put of the `artifacts` track: a commit's set is published already, or comes out of the
//! cache, or goes up.

mod putting;

pub use putting::{Outcome, Putting};

use crate::code_hash::files::code_hash;
use crate::code_hash::repo::Repo;
use crate::code_hash::{NoFiles, NothingMatches, Recipe};
use crate::input::protocol::{Response, metadata};
use crate::machine::report::{Report, count};
use crate::machine::workspace::read_text;
use crate::s3::transfer::{Engine, blocking};
use crate::tracks::artifacts::params::{CommitOf, PutArtifacts};
use crate::tracks::artifacts::rules::not_found;
use crate::tracks::artifacts::source::{Artifacts, CodeHashRule, Follow};
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::{CodeHash, CommitId};
use std::path::Path;

/// Carries out a put of the `artifacts` track; `sources` is the directory of its inputs.
pub(in crate::tracks) async fn put(
    track: &Artifacts,
    engine: &Engine,
    params: &PutArtifacts,
    sources: &Path,
    run: &Run,
) -> anyhow::Result<Response> {
    let report = engine.store.report().clone();
    let repository = params.repository.as_deref().map(|path| sources.join(path));
    let commit = commit(params, sources)?;
    let putting = Putting { engine, track, commit: &commit, run, options: &params.object };
    if track.follow == Follow::Code && track.code_hash.is_none() {
        return Err(fault(
            "source.artifacts: `follow: code` without `code_hash`",
            "give `code_hash` the patterns of the files that make up the code",
        ));
    }
    if track.code_hash.is_some() && repository.is_none() {
        report.warn("no code hash without `repository`: the cache is neither looked at nor filled");
    }
    let recipe = track.code_hash.as_ref().map(CodeHashRule::recipe).transpose()?;
    let code = async || match (&recipe, &repository) {
        (Some(recipe), Some(repository)) => {
            warn_if_dirty(engine, repository);
            hash_code(recipe, repository, NoFiles::Refuse, &report).await.map(Some)
        }
        _ => Ok(None),
    };
    let outcome = match putting.find(code).await? {
        Outcome::Missing { code_hash, .. } if track.lookup => {
            report.info(format!("no set is published for {commit}, and none is cached: build it"));
            let mut lines = vec![metadata("commit", commit.as_str())];
            lines.extend(code_hash.as_ref().map(|hash| metadata("code_hash", hash.as_str())));
            let version = not_found(&commit, code_hash.as_ref());
            return Ok(Response { version, metadata: lines });
        }
        Outcome::Missing { code_hash, current } => {
            let Some(directory) = &params.directory else {
                return Err(fault(
                    format!(
                        "no set is published for {commit}, and params name no `directory` to publish"
                    ),
                    "give `directory`; or `lookup: true` in source, for a resource that only looks",
                ));
            };
            let directory = sources.join(directory);
            putting.upload(&directory, &params.files, code_hash, current).await?
        }
        found => found,
    };
    putting.response(outcome)
}

/// The commit that a put is for.
fn commit(params: &PutArtifacts, sources: &Path) -> anyhow::Result<CommitId> {
    match &params.commit {
        CommitOf::Given(commit) => Ok(commit.clone()),
        CommitOf::File(file) => {
            let path = sources.join(file);
            CommitId::parse(&read_text(&path, "params.commit_file")?)
                .map_err(|e| e.context(path.display().to_string()))
        }
        CommitOf::Repository(path) => CommitId::parse(&open(&sources.join(path))?.head_commit()),
    }
}

/// Opens a checkout; an error says what is wrong with it.
pub fn open(repository: &Path) -> anyhow::Result<Repo> {
    Repo::open(repository).map_err(|e| {
        let hint = e.hint();
        fault(format!("repository: {:#}", anyhow::Error::new(e)), hint)
    })
}

/// Hashes the code of a checkout, and warns of patterns that matched nothing.
pub async fn hash_code(
    recipe: &Recipe,
    repository: &Path,
    no_files: NoFiles,
    report: &Report,
) -> anyhow::Result<CodeHash> {
    let (recipe_, repository_) = (recipe.clone(), repository.to_owned());
    let hash = blocking(move || code_hash(&repository_, &recipe_, no_files)).await;
    let hash = hash.map_err(|e| match e.downcast_ref::<NothingMatches>() {
        Some(nothing) => fault(format!("code_hash: {nothing}"), nothing.hint()),
        None => e.context("code_hash"),
    })?;
    if let (Recipe::Sha256(patterns) | Recipe::GitTree(patterns), Some(listing)) =
        (recipe, &hash.listing)
    {
        for pattern in patterns.unmatched(listing) {
            report.warn(format!(
                "code_hash: `{pattern}` matches nothing in {}",
                repository.display()
            ));
        }
    }
    report.info(format!(
        "code hash {} ({} of {})",
        hash.hex,
        recipe.algorithm(),
        count(hash.files, "file")
    ));
    CodeHash::parse(&hash.hex)
}

/// Says what differs from the commit that the set is published for.
fn warn_if_dirty(engine: &Engine, repository: &Path) {
    let Ok(dirt) = Repo::open(repository).map_err(anyhow::Error::new).and_then(|repo| repo.dirt())
    else {
        return;
    };
    if dirt.changed > 0 {
        engine.store.report().warn(format!(
            "{} differs from its commit: {} changed ({})",
            repository.display(),
            count(dirt.changed, "file"),
            dirt.first_changed.join(", "),
        ));
    }
}
