//! The put of the `artifacts` track: a commit's set is published already, or comes out of the
//! cache, or goes up. Facts are gathered, a plan is made of them and carried out; where another
//! writer was faster, all of that begins anew.

use super::code::open;
use super::facts::{Gathering, history};
use super::gc::carry_out::Remover;
use super::gc::plan::Policy;
use super::params::{CommitOf, PutArtifacts};
use super::plan::{Outcome, Plan, Putter, Step};
use super::rules::{Published, describe, not_found, version};
use super::source::{Artifacts, CodeHashRule, Follow};
use crate::code_hash::{NoFiles, Recipe};
use crate::history::stored::{Carried, Current, History};
use crate::input::protocol::{Planned, Response, metadata};
use crate::input::selection::Selection;
use crate::machine::report::Report;
use crate::machine::workspace::{input, read_text};
use crate::s3::transfer::Engine;
use crate::sealing::publish::carry_out;
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::{CodeHash, CommitId};
use crate::words::object::ObjectOptions;
use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// Carries out a put of the `artifacts` track; `sources` is the directory of its inputs.
pub(in crate::tracks) async fn put(
    track: &Artifacts,
    engine: &Engine,
    params: &PutArtifacts,
    sources: &Path,
    run: &Run,
) -> anyhow::Result<Response> {
    let ask = asked(track, engine.store.report(), params, sources)?;
    let put = PutSet { engine, track, run, options: &params.object };
    let outcome = put.carry_out(&ask).await?;
    put.tell(&ask, &outcome);
    let response = put.response(&ask, outcome)?;
    if let Some(policy) = &params.retention {
        put.retain(&ask, policy).await;
    }
    Ok(response)
}

/// What a put of the `artifacts` track would do now, and what it would answer. Reads only.
pub(in crate::tracks) async fn planned(
    track: &Artifacts,
    engine: &Engine,
    params: &PutArtifacts,
    sources: &Path,
    run: &Run,
) -> anyhow::Result<Planned> {
    let ask = asked(track, engine.store.report(), params, sources)?;
    let put = PutSet { engine, track, run, options: &params.object };
    let (steps, outcome) = put.dry_run(&ask).await?;
    Ok(Planned { steps, response: Some(put.response(&ask, outcome)?) })
}

/// What is to be published, and where it comes from.
#[derive(Debug)]
pub struct Ask {
    /// For which commit.
    pub commit: CommitId,
    /// From which code.
    pub code: Code,
    /// The directory that is published when there is neither a set nor a cache, and what of it.
    pub directory: Option<(PathBuf, Selection)>,
}

/// The code that a set is built from.
#[derive(Debug)]
pub enum Code {
    /// Nobody says: no cache is asked or filled.
    Unknown,
    /// This code: its cache is filled, and not asked.
    Given(CodeHash),
    /// The code of a checkout: its cache is asked, and filled.
    Of {
        /// The checkout.
        repository: PathBuf,
        /// What of it is the code, and how it is hashed.
        recipe: Recipe,
        /// What no file at all means.
        no_files: NoFiles,
    },
}

/// What a put's params ask for.
fn asked(
    track: &Artifacts,
    report: &Report,
    params: &PutArtifacts,
    sources: &Path,
) -> anyhow::Result<Ask> {
    let commit = commit(params, sources)?;
    if track.follow == Follow::Code && track.code_hash.is_none() {
        return Err(fault(
            "source.artifacts: `follow: code` without `code_hash`",
            "give `code_hash` the patterns of the files that make up the code",
        ));
    }
    let recipe = track.code_hash.as_ref().map(CodeHashRule::recipe).transpose()?;
    let code = match (recipe, &params.repository) {
        (Some(recipe), Some(repository)) => Code::Of {
            repository: input(sources, repository, "params.repository")?,
            recipe,
            no_files: NoFiles::Refuse,
        },
        (Some(_), None) => {
            report.warn(
                "no code hash without `repository`: the cache is neither looked at nor filled",
            );
            Code::Unknown
        }
        (None, _) => Code::Unknown,
    };
    let directory = match &params.directory {
        None => None,
        Some(path) => Some((input(sources, path, "params.directory")?, params.files.clone())),
    };
    Ok(Ask { commit, code, directory })
}

/// A put of a commit's set: what the resource and the task commands share.
#[derive(Debug, Clone, Copy)]
pub struct PutSet<'a> {
    /// Moves the files.
    pub engine: &'a Engine,
    /// Where sets lie.
    pub track: &'a Artifacts,
    /// Who does it, and when.
    pub run: &'a Run,
    /// What the objects carry.
    pub options: &'a ObjectOptions,
}

impl<'a> PutSet<'a> {
    fn putter(&self, ask: &'a Ask) -> Putter<'a> {
        let (bucket, commit) = (self.engine.store.bucket(), &ask.commit);
        Putter { bucket, track: self.track, commit, run: self.run }
    }

    fn uri(&self, ask: &Ask) -> String {
        self.engine.store.uri(self.track.set(&ask.commit).as_str())
    }

    /// What the put would do now, step by step, and what it would answer. Reads only.
    pub async fn dry_run(&self, ask: &'a Ask) -> anyhow::Result<(Vec<String>, Outcome)> {
        let (facts, _) = Gathering::new(self.engine, self.track, ask).gather().await?;
        let putter = self.putter(ask);
        let plan = putter.plan(facts)?;
        Ok((putter.words(&plan), plan.outcome))
    }

    /// Does it, and answers what stands.
    pub async fn carry_out(&self, ask: &'a Ask) -> anyhow::Result<Outcome> {
        let history = history(&self.engine.store, self.track)?;
        let mut gathering = Gathering::new(self.engine, self.track, ask);
        history
            .until_first(async || {
                let (facts, current) = gathering.gather().await?;
                let plan = self.putter(ask).plan(facts)?;
                let carried = self.steps(&plan, &history, current).await?;
                Ok((carried == Carried::Out).then_some(plan.outcome))
            })
            .await
    }

    async fn steps(
        &self,
        plan: &Plan,
        history: &History<'_, Published>,
        mut current: Option<Current<Published>>,
    ) -> anyhow::Result<Carried> {
        for step in &plan.steps {
            let carried = match step {
                Step::BeginHistory => {
                    let begun = history.begin().await?;
                    let is_empty = begun.head.entries().is_empty();
                    current = Some(begun);
                    if is_empty { Carried::Out } else { Carried::Overtaken }
                }
                Step::Set(sealing) | Step::Cache(sealing) => {
                    let position = current.as_ref().map(|current| current.head.position());
                    carry_out(self.engine, sealing, self.options, position.as_ref()).await?
                }
                Step::Enter(entry) => {
                    let current = current.take().context("an entry goes into a history")?;
                    history.try_append(current, self.run, entry.clone()).await?.into()
                }
            };
            if carried == Carried::Overtaken {
                return Ok(carried);
            }
        }
        Ok(Carried::Out)
    }

    /// Removes what a policy does not keep, but never this put's own set. What cannot be done is told,
    /// and left to the next put: the set is published.
    async fn retain(&self, ask: &Ask, policy: &Policy) {
        let store = &*self.engine.store;
        if self.track.lookup || !store.is_conditional() {
            let why = if self.track.lookup {
                "this resource only looks"
            } else {
                "`conditional_writes` is false"
            };
            return store.report().warn(format!("no old set is removed: {why}"));
        }
        let mut policy = policy.clone();
        policy.keep.insert(ask.commit.clone());
        let remover = Remover { store, track: self.track, run: self.run };
        if let Err(error) = remover.after_put(&policy).await {
            let next = "the next put with `keep_last` or `keep_within`, or `s3-asset artifacts gc`, goes on";
            store.report().warn(format!("old sets were not removed ({next}): {error:#}"));
        }
    }

    /// Tells people what became of a put.
    pub fn tell(&self, ask: &Ask, outcome: &Outcome) {
        outcome.tell(&self.uri(ask), self.engine.store.report());
    }

    fn response(&self, ask: &Ask, outcome: Outcome) -> anyhow::Result<Response> {
        let store = &self.engine.store;
        let (entry, manifest) = match outcome {
            Outcome::Published { entry, manifest, .. } => (entry, manifest),
            Outcome::Missing { code_hash } if self.track.lookup => {
                let commit = &ask.commit;
                store.report().info(format!(
                    "no set is published for {commit}, and none is cached: build it"
                ));
                let mut lines = vec![metadata("commit", commit.as_str())];
                lines.extend(code_hash.as_ref().map(|hash| metadata("code_hash", hash.as_str())));
                let version = not_found(commit, code_hash.as_ref());
                return Ok(Response { version, metadata: lines });
            }
            Outcome::Missing { .. } => {
                return Err(fault(
                    format!(
                        "no set is published for {}, and params name no `directory` to publish",
                        ask.commit
                    ),
                    "give `directory`; or `lookup: true` in source, for a resource that only looks",
                ));
            }
        };
        let Some(version) = version(&entry, self.track.follow) else {
            return Err(fault(
                format!(
                    "the set of {} was published without a code hash, and this resource follows code",
                    entry.commit
                ),
                "follow commits, or publish with a resource that has the same `code_hash`",
            ));
        };
        let metadata = match manifest {
            Some(manifest) => describe(&self.uri(ask), &manifest),
            None => vec![
                metadata("commit", entry.commit.as_str()),
                metadata("s3_uri", self.uri(ask).trim_end_matches('/')),
            ],
        };
        Ok(Response { version, metadata })
    }
}

/// The commit that a put is for.
fn commit(params: &PutArtifacts, sources: &Path) -> anyhow::Result<CommitId> {
    match &params.commit {
        CommitOf::Given(commit) => Ok(commit.clone()),
        CommitOf::File(file) => {
            let path = input(sources, file, "params.commit_file")?;
            CommitId::parse(&read_text(&path, "params.commit_file")?)
                .map_err(|e| e.context(path.display().to_string()))
        }
        CommitOf::Repository(path) => {
            let path = input(sources, path, "params.repository")?;
            CommitId::parse(&open(&path)?.head_commit())
        }
    }
}
