//! What a put of a commit's set does: facts in, a plan out.
//!
//! The order of the steps, each of which the next relies on: files, manifest, plain keys, cache,
//! history. So an entry of the history says that everything before it is done. A step that is
//! refused means that another writer was faster: then everything is looked at anew.

use super::reuse::{self, Twins};
use super::rules::{self, Published};
use super::source::Artifacts;
use crate::machine::report::{Report, count, size};
use crate::machine::workspace::Hashed;
use crate::s3::transfer::missing;
use crate::sealing::claim::How;
use crate::sealing::plan::{self as sealing, Ground, Item};
use crate::sealing::set::{Manifest, ManifestFile, Provenance, digest};
use crate::words::build::{Build, Run};
use crate::words::fault::fault;
use crate::words::names::{Bucket, CodeHash, CommitId, Key};
use std::sync::Arc;

/// All that the plan of a put depends on.
#[derive(Debug)]
pub(super) struct Facts {
    /// What stands in the commit's folder.
    pub(super) set: Set,
    /// Whether the history has entries, or must be begun.
    pub(super) is_begun: bool,
    /// The entry that the history has of the commit.
    pub(super) entry: Option<Published>,
    /// The hash of the code, where it was asked for.
    pub(super) code_hash: Option<CodeHash>,
    /// What the cache holds for that code, or for the published set's.
    pub(super) cache: Cache,
    /// The files of the directory, where they had to be read.
    pub(super) local: Option<Vec<Arc<Hashed>>>,
    /// Where their bytes lie in the bucket already.
    pub(super) twins: Twins,
}

/// What stands in a commit's folder.
#[derive(Debug)]
pub(super) enum Set {
    /// A published set.
    Published {
        /// Its manifest.
        manifest: Manifest,
        /// What it names and the bucket does not hold.
        lost: Vec<Lost>,
        /// The files whose plain keys do not agree with it.
        apart: Vec<ManifestFile>,
    },
    /// A set that s3-asset-manager uploaded.
    Unsealed,
    /// None that is published.
    Open(Ground),
}

/// A file that a manifest names, and that is not what it was.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    /// The file.
    pub(super) file: ManifestFile,
    /// Whether something else lies under its key.
    pub(super) is_other: bool,
}

/// What the cache holds for some code.
#[derive(Debug)]
pub(super) enum Cache {
    /// It was not looked at: there is no code, or the plan ends before it needs it.
    Unread,
    /// A whole set.
    Stands {
        /// The commit that it was built for; none: s3-asset-manager cached it.
        from: Option<CommitId>,
        /// Its files.
        files: Vec<Item>,
    },
    /// None that is of use.
    Open(Ground),
}

/// One thing that a put does.
#[derive(Debug)]
pub(super) enum Step {
    /// The track gets a history.
    BeginHistory,
    /// The commit's folder gets what it lacks.
    Set(sealing::Plan),
    /// The cache's folder gets the same files.
    Cache(sealing::Plan),
    /// The history gets an entry.
    Enter(Published),
}

/// What a put does, and what it answers when that is done.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// The answer.
    pub(super) outcome: Outcome,
}

/// What a put finds or does.
#[derive(Debug)]
pub enum Outcome {
    /// The set stands.
    Published {
        /// What the history says of it.
        entry: Published,
        /// Its manifest; none where s3-asset-manager uploaded it.
        manifest: Option<Arc<Manifest>>,
        /// How it came to stand.
        news: News,
        /// The hash of the code, where it was asked for.
        code_hash: Option<CodeHash>,
    },
    /// It is neither published nor cached, and there is nothing to publish.
    Missing {
        /// The hash of the code, where it was asked for.
        code_hash: Option<CodeHash>,
    },
}

/// How a set came to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// This put's files are the set.
    Published,
    /// This put copied it out of the cache.
    Copied,
    /// It stood before.
    Already,
    /// s3-asset-manager uploaded it.
    Unsealed,
    /// It stood before, and this put brought back what it had lost.
    Mended,
    /// Another put was faster: its files are the set, and this put's were not kept.
    Lost,
}

/// A commit's set, and who puts it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Putter<'a> {
    /// The bucket, for messages.
    pub(super) bucket: &'a Bucket,
    /// Where sets lie.
    pub(super) track: &'a Artifacts,
    /// Which commit.
    pub(super) commit: &'a CommitId,
    /// Who does it, and when.
    pub(super) run: &'a Run,
}

impl Putter<'_> {
    /// The plan of a put, or why it is refused: then nothing was changed.
    pub(super) fn plan(&self, facts: Facts) -> anyhow::Result<Plan> {
        let Facts { set, is_begun, entry, code_hash, cache, local, twins } = facts;
        match set {
            Set::Published { manifest, .. } if self.track.lookup => {
                let entry = entry.unwrap_or_else(|| of(&manifest));
                let manifest = Some(Arc::new(manifest));
                Ok(done(
                    Vec::new(),
                    Outcome::Published { entry, manifest, news: News::Already, code_hash },
                ))
            }
            Set::Published { manifest, lost, apart } => {
                let news = self.news(&manifest, &lost, local.as_deref());
                let lost = self.found_again(&manifest, &lost, local.as_deref().unwrap_or(&[]))?;
                let folder = rules::folder(self.track.set(self.commit));
                let provenance = Provenance {
                    run: Run { time: manifest.published_at.clone(), build: manifest.build.clone() },
                    ..self.provenance(manifest.code_hash.clone(), None)
                };
                let mend = sealing::mend(folder, lost, apart, provenance);
                let mut steps = Vec::new();
                if !mend.is_empty() {
                    steps.push(Step::Set(mend));
                }
                if entry.is_none() {
                    steps.extend(self.fill(&manifest, &cache)?);
                    steps.push(Step::Enter(of(&manifest)));
                }
                begin(is_begun, &mut steps);
                let entry = entry.unwrap_or_else(|| of(&manifest));
                let manifest = Some(Arc::new(manifest));
                Ok(done(steps, Outcome::Published { entry, manifest, news, code_hash }))
            }
            Set::Unsealed => {
                let unsealed =
                    Published { commit: self.commit.clone(), code_hash: None, unsealed: true };
                let mut steps = Vec::new();
                if entry.is_none() && !self.track.lookup {
                    steps.push(Step::Enter(unsealed.clone()));
                    begin(is_begun, &mut steps);
                }
                let entry = entry.unwrap_or(unsealed);
                let news = News::Unsealed;
                Ok(done(steps, Outcome::Published { entry, manifest: None, news, code_hash }))
            }
            Set::Open(ground) => {
                let (items, from, news) = match (&cache, local) {
                    (Cache::Stands { from, files }, _) => {
                        (files.clone(), from.clone(), News::Copied)
                    }
                    (_, Some(local)) => (reuse::items(local, &twins), None, News::Published),
                    (_, None) => return Ok(done(Vec::new(), Outcome::Missing { code_hash })),
                };
                let folder = rules::folder(self.track.set(self.commit));
                let provenance = self.provenance(code_hash.clone(), from);
                let publish = sealing::publish(folder, items, &ground, provenance)?;
                let Some(manifest) = publish.seal.as_ref().map(|seal| seal.manifest.clone()) else {
                    anyhow::bail!("a set is published by its manifest");
                };
                let mut steps = vec![Step::Set(publish)];
                steps.extend(self.fill(&manifest, &cache)?);
                let entry = entry.unwrap_or_else(|| {
                    steps.push(Step::Enter(of(&manifest)));
                    of(&manifest)
                });
                begin(is_begun, &mut steps);
                let manifest = Some(manifest);
                Ok(done(steps, Outcome::Published { entry, manifest, news, code_hash }))
            }
        }
    }

    /// How a published set came to stand, for a put that read these files.
    fn news(&self, manifest: &Manifest, lost: &[Lost], local: Option<&[Arc<Hashed>]>) -> News {
        let is_ours = manifest.published_at == self.run.time && manifest.build == self.run.build;
        let is_other = local
            .is_some_and(|files| digest(files.iter().map(|file| &file.facts)) != manifest.digest);
        match (lost, local) {
            ([_, ..], _) => News::Mended,
            (_, Some(_)) if is_other => News::Lost,
            (_, Some(_)) if is_ours => News::Published,
            (_, None) if is_ours && manifest.cached_from.is_some() => News::Copied,
            _ => News::Already,
        }
    }

    /// The bytes of what a published set has lost, as the directory has them.
    fn found_again(
        &self,
        manifest: &Manifest,
        lost: &[Lost],
        local: &[Arc<Hashed>],
    ) -> anyhow::Result<Vec<(Item, Key, How)>> {
        let mut again = Vec::new();
        for Lost { file, is_other } in lost {
            let same = local
                .iter()
                .find(|it| it.facts.size == file.size && it.facts.sha256 == file.sha256);
            let how = if *is_other { How::Mend } else { How::Write };
            match same {
                Some(same) => {
                    // It carries the name that the set has for it.
                    let facts = file.facts();
                    let hashed = Hashed { facts, ..Hashed::clone(same) };
                    again.push((Item::Disk(Arc::new(hashed)), file.key.clone(), how));
                }
                None if local.is_empty() => {
                    return Err(missing(&self.bucket.uri(file.key.as_str())));
                }
                None => {
                    return Err(fault(
                        format!(
                            "{}: the object is gone, and the directory has other bytes for {}: the set of {} was published by {} at {}",
                            self.bucket.uri(file.key.as_str()),
                            file.path,
                            manifest.commit,
                            who(&manifest.build),
                            manifest.published_at,
                        ),
                        "a published set never changes: restore the object, put the very bytes again, or delete the whole set and publish its commit anew",
                    ));
                }
            }
        }
        Ok(again)
    }

    /// The step that fills the cache for a published set's code, where that is to be done.
    fn fill(&self, manifest: &Manifest, cache: &Cache) -> anyhow::Result<Option<Step>> {
        let (Some(code_hash), Cache::Open(ground)) = (&manifest.code_hash, cache) else {
            return Ok(None);
        };
        let items = manifest.files.iter().cloned();
        let items = items.map(|file| Item::Object { file: Box::new(file), seen: None }).collect();
        let folder = rules::folder(self.track.cached(code_hash));
        let provenance = self.provenance(Some(code_hash.clone()), None);
        sealing::publish(folder, items, ground, provenance).map(|plan| Some(Step::Cache(plan)))
    }

    fn provenance(&self, code_hash: Option<CodeHash>, cached_from: Option<CommitId>) -> Provenance {
        Provenance { commit: self.commit.clone(), code_hash, cached_from, run: self.run.clone() }
    }

    /// Each step and its reason, in words.
    pub(super) fn words(&self, plan: &Plan) -> Vec<String> {
        let mut words = Vec::new();
        for step in &plan.steps {
            match step {
                Step::BeginHistory => words.push(format!(
                    "begin the history under {}: it has no entry yet",
                    self.bucket.uri(self.track.artifacts.as_str())
                )),
                Step::Set(plan) | Step::Cache(plan) => words.extend(plan.words(self.bucket)),
                Step::Enter(entry) => words.push(format!(
                    "enter {} in the history: no entry is of this commit",
                    entry.commit
                )),
            }
        }
        words
    }
}

/// What the history says of a set.
fn of(manifest: &Manifest) -> Published {
    Published {
        commit: manifest.commit.clone(),
        code_hash: manifest.code_hash.clone(),
        unsealed: false,
    }
}

fn begin(is_begun: bool, steps: &mut Vec<Step>) {
    if !is_begun && !steps.is_empty() {
        steps.insert(0, Step::BeginHistory);
    }
}

fn done(steps: Vec<Step>, outcome: Outcome) -> Plan {
    Plan { steps, outcome }
}

fn who(build: &Build) -> &str {
    build.name.as_deref().or(build.by.as_deref()).unwrap_or("somebody outside of a build")
}

impl Outcome {
    /// Tells people; `uri` is the set's folder.
    pub fn tell(&self, uri: &str, report: &Report) {
        let Outcome::Published { manifest, news, .. } = self else { return };
        let all = manifest.as_ref().map(|manifest| {
            format!("{} ({})", count(manifest.files.len(), "file"), size(manifest.size()))
        });
        let all = all.unwrap_or_default();
        match (news, manifest) {
            (News::Published, _) => report.success(format!("published {all} as {uri}")),
            (News::Copied, _) => report.success(format!("copied {all} out of the cache to {uri}")),
            (News::Already, _) => report.info(format!("already published: {uri}")),
            (News::Unsealed, _) => {
                report.info(format!("already uploaded by s3-asset-manager: {uri}"));
            }
            (News::Mended, _) => report.success(format!(
                "already published: {uri}; brought back what the set had lost"
            )),
            (News::Lost, Some(manifest)) => report.warn(format!(
                "another put was faster: {uri} is what {} published at {}, {all}; the files of this put were not kept",
                who(&manifest.build),
                manifest.published_at,
            )),
            (News::Lost, None) => {}
        }
    }
}

#[cfg(test)]
mod tests;
