//! The put of the `promotion` track: a file goes up to the first rank, or climbs to the next, or a
//! rank goes back. Facts are gathered, a plan is made of them and carried out; where another writer
//! was faster, all of that begins anew.

use super::facts::{Ask, Gathering, history};
use super::outcome::{News, Outcome};
use super::params::{Act, PutPromotion, VersionOf};
use super::plan::{Plan, Putter, Step};
use super::rules::archive::Record;
use super::rules::{Promoted, Release, describe};
use super::source::Promotion;
use crate::history::Position;
use crate::history::stored::{Carried, Current, History};
use crate::input::protocol::{Planned, Response, metadata};
use crate::machine::pack::Packed;
use crate::machine::workspace::{Digests, Found, Hashed, find_one, hash, input, read_text};
use crate::s3::store::{Condition, Facts, Store, Written};
use crate::s3::transfer::{Engine, blocking};
use crate::sealing::claim::Kind;
use crate::words::build::Run;
use crate::words::digest::Sha256;
use crate::words::names::{Key, ReleaseFile, ReleaseVersion};
use crate::words::object::{ObjectOptions, Own, PROMOTION, VERSION};
use anyhow::Context as _;
use std::path::Path;
use std::sync::Arc;

/// How often a put looks again at a version that is being removed: for a second or two. Most removals
/// that are under way have ended then, and what was named by mistake is free again.
const PATIENCE: u32 = 8;

/// Carries out a put of the `promotion` track; `sources` is the directory of its inputs.
pub(in crate::tracks) async fn put(
    track: &Promotion,
    engine: &Engine,
    params: &PutPromotion,
    sources: &Path,
    run: &Run,
) -> anyhow::Result<Response> {
    let packed = packed(params, sources).await?;
    let ask = asked(engine, &params.act, packed.as_ref(), sources).await?;
    let outcome = PutAtRank { engine, track, run, options: &params.object }.carry_out(&ask).await?;
    outcome.tell(track, engine.store.report());
    response(track, engine, &outcome)
}

/// What a put of the `promotion` track would do now, and what it would answer. Reads only.
pub(in crate::tracks) async fn planned(
    track: &Promotion,
    engine: &Engine,
    params: &PutPromotion,
    sources: &Path,
    run: &Run,
) -> anyhow::Result<Planned> {
    let packed = packed(params, sources).await?;
    let ask = asked(engine, &params.act, packed.as_ref(), sources).await?;
    let put = PutAtRank { engine, track, run, options: &params.object };
    let (steps, outcome) = put.dry_run(&ask).await?;
    Ok(Planned { steps, response: Some(response(track, engine, &outcome)?) })
}

fn response(track: &Promotion, engine: &Engine, outcome: &Outcome) -> anyhow::Result<Response> {
    let (version, standing) = (outcome.standing.version(), &outcome.standing);
    let mut lines = describe(engine.store.bucket(), track, version, standing.entry())?;
    if let News::Before(now) = &outcome.news {
        lines.push(metadata("stands_now", now.as_str()));
    }
    Ok(Response { version: super::rules::version(version, standing.number()), metadata: lines })
}

/// The archive that a put's params ask for, which lasts as long as it is sent.
async fn packed(params: &PutPromotion, sources: &Path) -> anyhow::Result<Option<Packed>> {
    let (Act::Upload { file, .. }, Some(packing)) = (&params.act, params.pack) else {
        return Ok(None);
    };
    let (root, file) = (sources.to_owned(), file.clone());
    blocking(move || Packed::of(&root, &file, packing)).await.map(Some)
}

/// What a put's params ask for, with the files that they name.
async fn asked(
    engine: &Engine,
    act: &Act,
    packed: Option<&Packed>,
    sources: &Path,
) -> anyhow::Result<Ask> {
    let version = |of: &VersionOf| match of {
        VersionOf::Given(version) => Ok(version.clone()),
        VersionOf::File(file) => {
            let path = input(sources, file, "params.version_file")?;
            ReleaseVersion::parse(&read_text(&path, "params.version_file")?)
                .map_err(|e| e.context(path.display().to_string()))
        }
    };
    Ok(match act {
        Act::Upload { file, version: of } => {
            let file = match packed {
                Some(packed) => packed.file().clone(),
                None => find_one(sources, file, "params.file")?,
            };
            Ask::upload(engine, file, of.as_ref().map(version).transpose()?).await?
        }
        Act::Promote { version: of } => {
            Ask::Promote { version: of.as_ref().map(version).transpose()? }
        }
        Act::RollBack { version: of } => Ask::RollBack { version: version(of)? },
    })
}

impl Ask {
    /// A file that goes up to the first rank.
    pub async fn upload(
        engine: &Engine,
        file: Found,
        version: Option<ReleaseVersion>,
    ) -> anyhow::Result<Ask> {
        let part = engine.store.part_of(file.size);
        let file = Arc::new(blocking(move || hash(&file, part, Digests::Parts)).await?);
        Ok(Ask::Upload { file, version })
    }
}

/// A put at a rank: what the resource and the operator's commands share.
#[derive(Debug, Clone, Copy)]
pub struct PutAtRank<'a> {
    /// Moves the bytes.
    pub engine: &'a Engine,
    /// Which file, which rank.
    pub track: &'a Promotion,
    /// Who does it, and when.
    pub run: &'a Run,
    /// What the objects carry.
    pub options: &'a ObjectOptions,
}

impl PutAtRank<'_> {
    fn putter(&self) -> Putter<'_> {
        Putter { bucket: self.store().bucket(), track: self.track, run: self.run }
    }

    fn store(&self) -> &Store {
        &self.engine.store
    }

    /// What the put would do now, step by step, and what it would answer. Reads only.
    pub async fn dry_run(&self, ask: &Ask) -> anyhow::Result<(Vec<String>, Outcome)> {
        let mut gathering = Gathering::new(self.engine, self.track, ask);
        let (facts, _) = gathering.gather(self.run.build.url.as_deref()).await?;
        let plan = self.putter().plan(&facts)?;
        Ok((self.putter().words(&plan), plan.outcome))
    }

    /// Does it, and answers what stands.
    pub async fn carry_out(&self, ask: &Ask) -> anyhow::Result<Outcome> {
        let history = history(self.store(), self.track, &self.track.rank)?;
        let mut gathering = Gathering::new(self.engine, self.track, ask);
        let mut waited = 0;
        history
            .until_first(async || {
                let (facts, current) = gathering.gather(self.run.build.url.as_deref()).await?;
                if facts.is_leaving && waited < PATIENCE {
                    waited += 1;
                    return Ok(None);
                }
                let plan = self.putter().plan(&facts)?;
                let carried = self.steps(ask, &plan, &history, current).await?;
                for page in gathering.missed.drain(..) {
                    page.leave(self.store()).await;
                }
                Ok((carried == Carried::Out).then_some(plan.outcome))
            })
            .await
    }

    async fn steps(
        &self,
        ask: &Ask,
        plan: &Plan,
        history: &History<'_, Promoted>,
        mut current: Option<Current<Promoted>>,
    ) -> anyhow::Result<Carried> {
        let version = plan.outcome.standing.version();
        for step in &plan.steps {
            let done = match step {
                Step::BeginHistory => {
                    let begun = history.begin().await?;
                    // The one that was looked at, or a new one: whoever removes leaves a fence.
                    let is_it = match &current {
                        Some(seen) => seen.is(&begun),
                        None => begun.head.entries().is_empty() && begun.head.fence().is_none(),
                    };
                    current = Some(begun);
                    is_it
                }
                Step::Claim(_) => self.claim(ask, version).await?,
                Step::Send(key) => self.send(ask, key, version, &Condition::Absent).await?,
                Step::Mend(key) => self.send(ask, key, version, &Condition::None).await?,
                Step::Record(release, stone) => {
                    let position = current.as_ref().map(|current| current.head.position());
                    let condition = Condition::still(stone.as_ref());
                    self.record(ask, release, position.as_ref(), &condition).await?
                }
                Step::Agree(release) => {
                    let shelf = self.track.shelf(&release.version)?;
                    self.copy(release, &shelf.plain, None).await?;
                    true
                }
                Step::Enter(entry) => {
                    let current = current.take().context("an entry goes into a history")?;
                    let what = entry.what.clone();
                    history.try_append(current, self.run, what).await? == Written::Yes
                }
                Step::Show(release, number) => {
                    let pointer = self.track.pointer(&self.track.rank)?;
                    self.copy(release, &pointer, Some(*number)).await?;
                    // Whoever writes the object looks at the history again.
                    match history.peek().await? {
                        None => true,
                        Some(mut head) => head.older()?.is_none_or(|it| it.number == *number),
                    }
                }
            };
            if !done {
                return Ok(Carried::Overtaken);
            }
        }
        Ok(Carried::Out)
    }

    /// Claims the plain key of a version for a file's bytes.
    async fn claim(&self, ask: &Ask, version: &ReleaseVersion) -> anyhow::Result<bool> {
        let key = self.track.shelf(version)?.claim()?;
        let claim = Kind::Release.claim(uploaded(ask)?.facts.sha256, self.run)?;
        let (condition, own) = (Condition::Absent, Own::default());
        Ok(self.store().put_own(&key, claim, &condition, &own).await? == Written::Yes)
    }

    /// Sends a file; false when something is there.
    async fn send(
        &self,
        ask: &Ask,
        key: &Key,
        version: &ReleaseVersion,
        condition: &Condition,
    ) -> anyhow::Result<bool> {
        let (file, report) = (uploaded(ask)?, self.store().report());
        let options = dressed(self.options, None, &self.track.file, version, &file.facts.sha256);
        report.begin("uploading", 1, file.facts.size);
        let sent = self.engine.upload(file, key, condition, &options).await;
        report.end();
        Ok(sent? == Written::Yes)
    }

    /// Writes the archive's record, which decides; false when another was faster.
    async fn record(
        &self,
        ask: &Ask,
        release: &Release,
        position: Option<&Position>,
        condition: &Condition,
    ) -> anyhow::Result<bool> {
        let parts = uploaded(ask).ok().filter(|file| file.facts.sha256 == release.sha256);
        let parts = parts.and_then(|file| file.parts.clone());
        let record = Record::new(&self.track.file, release.clone(), parts, self.run);
        let key = self.track.shelf(&release.version)?.record()?;
        let own = Own::at(position);
        Ok(self.store().put_own(&key, record.to_bytes()?, condition, &own).await? == Written::Yes)
    }

    /// Copies a release out of the archive, with what it carries there unless the put says
    /// otherwise; `promotion` is the number that the copy shows.
    async fn copy(
        &self,
        release: &Release,
        to: &Key,
        promotion: Option<u64>,
    ) -> anyhow::Result<()> {
        let facts = self.store().head(&release.key).await?;
        self.putter().whole(release, facts.as_ref().map(Into::into).as_ref())?;
        let Some(facts) = facts else { return Ok(()) };
        let (file, version) = (&self.track.file, &release.version);
        let mut options = dressed(self.options, Some(&facts), file, version, &release.sha256);
        if let Some(number) = promotion {
            options.metadata.insert(PROMOTION.to_owned(), number.to_string());
        }
        self.store().copy(&release.key, &facts, to, &options).await
    }
}

/// The file of an upload.
fn uploaded(ask: &Ask) -> anyhow::Result<&Arc<Hashed>> {
    match ask {
        Ask::Upload { file, .. } => Ok(file),
        Ask::Promote { .. } | Ask::RollBack { .. } => Err(anyhow::anyhow!("no file is uploaded")),
    }
}

/// What an object of a release carries: what the put says, else what the `original` has, else a
/// guess; and what makes it the release that it is.
fn dressed(
    options: &ObjectOptions,
    original: Option<&Facts>,
    file: &ReleaseFile,
    version: &ReleaseVersion,
    sha256: &Sha256,
) -> ObjectOptions {
    let mut dressed = options.clone();
    if let Some(original) = original {
        let or = |own: &mut Option<String>, its: &Option<String>| {
            if own.is_none() {
                own.clone_from(its);
            }
        };
        or(&mut dressed.content_type, &original.content_type);
        or(&mut dressed.cache_control, &original.cache_control);
        or(&mut dressed.content_disposition, &original.content_disposition);
        for (name, value) in &original.metadata {
            dressed.metadata.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    dressed.metadata.insert(VERSION.to_owned(), version.to_string());
    dressed.of_file(file.as_str(), sha256)
}
