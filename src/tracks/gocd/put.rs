//! The put of the `gocd` track: facts are gathered, a plan is made of them and carried out; where
//! another put was faster, all of that begins anew.

use super::facts::{Ask, Set, gather};
use super::params::{Act, LabelOf, PutGocd, RevisionOf};
use super::plan::{News, Plan, Step, plan};
use super::rules::{
    Annotations, FileList, Marker, Published, RESERVED, Revision, describe, integer, kept, version,
};
use super::source::Gocd;
use crate::history::stored::{Carried, Current, History};
use crate::input::protocol::{Planned, Response};
use crate::input::selection::Selection;
use crate::machine::report::{count, size};
use crate::machine::workspace::{Digests, Hashed, input, read_text, scan};
use crate::s3::store::{Condition, Store, Written};
use crate::s3::transfer::{AT_ONCE, Engine, blocking, corrupt};
use crate::words::build::Run;
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::names::Key;
use crate::words::object::{ObjectOptions, Own, UserMetadata};
use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Who publishes where Concourse does not tell.
const NOBODY: &str = "concourse";

/// Carries out a put of the `gocd` track; `sources` is the directory of its inputs.
pub(in crate::tracks) async fn put(
    track: &Gocd,
    engine: &Engine,
    params: &PutGocd,
    sources: &Path,
    run: &Run,
) -> anyhow::Result<Response> {
    let store = &*engine.store;
    let ask = asked(engine, params, sources, run).await?;
    let put = Put { engine, track, ask: &ask, run, options: &params.object };
    let plan = put.carry_out().await?;
    plan.warnings.iter().for_each(|warning| store.report().warn(warning));
    let Plan { revision, marker, news, .. } = &plan;
    let uri = store.uri(track.marker(revision)?.as_str());
    let files = files_of(&ask);
    let what = files.map(|(files, bytes)| format!("{} ({})", count(files, "file"), size(bytes)));
    let what = what.unwrap_or_else(|| "what something else uploaded".to_owned());
    let report = store.report();
    match news {
        News::Published => report.success(format!("published {what} as {uri}")),
        News::Finished => {
            report.success(format!("published {what} as {uri}, which a run before had begun"));
        }
        News::Annotated => report.success(format!("completed {uri}: {what}")),
        News::Already => report.info(format!("{uri} was published before: nothing is changed")),
    }
    let metadata = describe(store.bucket(), track, revision, marker, files);
    Ok(Response { version: version(revision), metadata })
}

/// What a put of the `gocd` track would do now, and what it would answer. Reads only.
pub(in crate::tracks) async fn planned(
    track: &Gocd,
    engine: &Engine,
    params: &PutGocd,
    sources: &Path,
    run: &Run,
) -> anyhow::Result<Planned> {
    let store = &*engine.store;
    let ask = asked(engine, params, sources, run).await?;
    let (facts, _) = gather(store, track, &ask).await?;
    let plan = plan(&ask, &facts)?;
    let metadata = describe(store.bucket(), track, &plan.revision, &plan.marker, files_of(&ask));
    let response = Response { version: version(&plan.revision), metadata };
    Ok(Planned { steps: plan.words(), response: Some(response) })
}

fn files_of(ask: &Ask) -> Option<(usize, u64)> {
    ask.set.as_ref().map(|set| (set.files.len(), set.list.size()))
}

/// What a put's params ask for, with the files that they name.
async fn asked(
    engine: &Engine,
    params: &PutGocd,
    sources: &Path,
    run: &Run,
) -> anyhow::Result<Ask> {
    let read = |of: &RevisionOf| match of {
        RevisionOf::Given(revision) => Ok(revision.clone()),
        RevisionOf::File(file) => {
            let path = input(sources, file, "params.revision_file")?;
            Revision::parse(&read_text(&path, "params.revision_file")?)
                .and_then(Revision::publishable)
                .map_err(|e| e.context(path.display().to_string()))
        }
    };
    let label = match &params.label {
        None => None,
        Some(LabelOf::Given(label)) => Some(label.clone()),
        Some(LabelOf::File(file)) => {
            let path = input(sources, file, "params.label_file")?;
            let text = read_text(&path, "params.label_file")?;
            Some(integer(&path.display().to_string(), &text)?)
        }
    };
    let user = params.user.clone().or_else(|| run.build.by.clone());
    let annotations = Annotations {
        user: Some(user.unwrap_or_else(|| NOBODY.to_owned())),
        traceback_url: params.traceback_url.clone().or_else(|| run.build.url.clone()),
        label,
        own: params.metadata.clone(),
    };
    let (revision, set) = match &params.act {
        Act::Annotate { revision } => (Some(read(revision)?), None),
        Act::Publish { directory, files, revision } => {
            let revision = revision.as_ref().map(read).transpose()?;
            let files =
                hashed(engine, &input(sources, directory, "params.directory")?, files).await?;
            let list = FileList::new(files.iter().map(|file| &file.facts));
            let digest = Sha256::of(&list.to_bytes()?);
            let claim = FileList::claim(&digest, &annotations, &run.build)?;
            (revision, Some(Set { files, list, digest, claim }))
        }
    };
    Ok(Ask { revision, set, annotations })
}

/// Finds and hashes what is to be published.
async fn hashed(
    engine: &Engine,
    directory: &Path,
    files: &Selection,
) -> anyhow::Result<Vec<Arc<Hashed>>> {
    let (directory_, files_) = (directory.to_owned(), files.clone());
    let found = blocking(move || scan(&directory_, &files_, &RESERVED)).await?;
    if found.is_empty() {
        return Err(fault(
            format!("directory: nothing to publish in {}", directory.display()),
            "GoCD would start for an empty folder: check `directory` and `files`; hidden files need `include_hidden`",
        ));
    }
    engine.hash_all(found, Digests::Whole).await
}

/// A put under way.
struct Put<'a> {
    engine: &'a Engine,
    track: &'a Gocd,
    ask: &'a Ask,
    run: &'a Run,
    options: &'a ObjectOptions,
}

impl Put<'_> {
    fn store(&self) -> &Store {
        &self.engine.store
    }

    /// Does it, and answers what was done.
    async fn carry_out(&self) -> anyhow::Result<Plan> {
        let history = History::<Published>::new(self.store(), self.track.history()?);
        history
            .until_first(async || {
                let (facts, current) = gather(self.store(), self.track, self.ask).await?;
                let plan = plan(self.ask, &facts)?;
                let carried = self.steps(&plan, &history, current).await?;
                Ok((carried == Carried::Out).then_some(plan))
            })
            .await
    }

    async fn steps(
        &self,
        plan: &Plan,
        history: &History<'_, Published>,
        mut current: Option<Current<Published>>,
    ) -> anyhow::Result<Carried> {
        let key = self.track.marker(&plan.revision)?;
        for step in &plan.steps {
            match step {
                Step::BeginHistory => current = Some(history.begin().await?),
                Step::Claim(metadata) => {
                    if let Carried::Overtaken = self.claim(&key, metadata).await? {
                        return Ok(Carried::Overtaken);
                    }
                }
                Step::Send(files) => self.send(&plan.revision, files).await?,
                Step::List => self.list().await?,
                Step::Verify => self.verify(&plan.revision).await?,
                Step::TryOut(metadata) | Step::Complete(metadata) => {
                    write(self.store(), &key, metadata, self.options).await?;
                }
                Step::Enter => self.enter(plan, history, current.take()).await?,
            }
        }
        Ok(Carried::Out)
    }

    fn set(&self) -> anyhow::Result<&Set> {
        self.ask.set.as_ref().context("a plan that sends files has some")
    }

    /// Creates the marker, and looks whether it is there as it was written.
    async fn claim(&self, key: &Key, metadata: &UserMetadata) -> anyhow::Result<Carried> {
        let (store, options) = (self.store(), of_marker(self.options, metadata));
        let written =
            store.put(key, Bytes::new(), Sha256::of(b""), &Condition::Absent, &options).await?;
        let found = store.head(key).await?.map(|facts| facts.metadata);
        if written == Written::Refused {
            let marker = Marker::of(&found.unwrap_or_default());
            // It may be this put's own, written before an answer was lost.
            let is_own = !marker.is_completed && marker.claim == Some(self.set()?.claim);
            return Ok(if is_own { Carried::Out } else { Carried::Overtaken });
        }
        kept(&store.uri(key.as_str()), metadata, found.as_ref())?;
        Ok(Carried::Out)
    }

    async fn send(&self, revision: &Revision, files: &[usize]) -> anyhow::Result<()> {
        let folder = self.track.folder(revision);
        let set = self.set()?;
        let files: Vec<&Arc<Hashed>> = files.iter().filter_map(|at| set.files.get(*at)).collect();
        let bytes = files.iter().map(|file| file.facts.size).sum();
        let report = self.store().report();
        report.begin("uploading", files.len(), bytes);
        let sent = stream::iter(files)
            .map(|file| async { self.send_one(file, folder.key(file.facts.path.as_str())?).await })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await;
        report.end();
        sent
    }

    /// Sends one file to a key that holds nothing, or these bytes already.
    async fn send_one(&self, file: &Arc<Hashed>, key: Key) -> anyhow::Result<()> {
        let options = self.options.of_file(file.facts.path.as_str(), &file.facts.sha256);
        if self.engine.upload(file, &key, &Condition::Absent, &options).await? == Written::Yes {
            return Ok(());
        }
        let there = self.store().head(&key).await?;
        let (size, sha256) = (file.facts.size, file.facts.sha256);
        if there.is_some_and(|it| it.holds(size, &sha256)) {
            return Ok(());
        }
        let uri = self.store().uri(key.as_str());
        Err(corrupt(&uri, "something else wrote into the folder that this put claimed".to_owned()))
    }

    async fn list(&self) -> anyhow::Result<()> {
        let (store, set) = (self.store(), self.set()?);
        let key = self.track.list(&set.digest)?;
        let bytes = set.list.to_bytes()?;
        let written = store.put_own(&key, bytes, &Condition::Absent, &Own::default()).await?;
        if written == Written::Refused {
            let uri = store.uri(key.as_str());
            let there =
                store.get(&key).await?.with_context(|| format!("{uri}: refused, and not there"))?;
            FileList::parse(&there.bytes, &set.digest).context(uri)?;
        }
        Ok(())
    }

    /// Looks whether the folder holds the files of the set and nothing else.
    async fn verify(&self, revision: &Revision) -> anyhow::Result<()> {
        let folder = self.track.folder(revision);
        let listed = self.store().list(folder.as_str()).await?;
        let mut there: BTreeMap<&str, u64> = listed
            .iter()
            .filter_map(|object| Some((object.key.strip_prefix(folder.as_str())?, object.size)))
            .filter(|(name, _)| !name.is_empty() && !name.ends_with('/'))
            .collect();
        let uri = |name: &str| self.store().uri(&format!("{folder}{name}"));
        for file in &self.set()?.list.files {
            if there.remove(file.path.as_str()) != Some(file.size) {
                return Err(fault(
                    format!("{} was uploaded, and is not there", uri(file.path.as_str())),
                    "somebody deletes there, or the server does not keep what it takes: run the put again",
                ));
            }
        }
        match there.keys().next() {
            None => Ok(()),
            Some(name) => Err(fault(
                format!("{} is none of the files of this put", uri(name)),
                "something else writes into the folder that this put claimed: remove it, and run the put again",
            )),
        }
    }

    async fn enter(
        &self,
        plan: &Plan,
        history: &History<'_, Published>,
        current: Option<Current<Published>>,
    ) -> anyhow::Result<()> {
        let current = match current {
            Some(current) => current,
            None => history.begin().await?,
        };
        let published = Published { revision: plan.revision.clone(), claim: plan.marker.claim };
        let position = current.head.position();
        let is_same = |other: &Published| *other == published;
        history.append(current, Some(&position), is_same, self.run, &published).await.map(drop)
    }
}

/// Writes a marker, and looks whether it is there as it was written. One without `completed` goes
/// before the one that completes a folder: a server that does not keep what it says shows nothing then.
pub async fn write(
    store: &Store,
    key: &Key,
    metadata: &UserMetadata,
    options: &ObjectOptions,
) -> anyhow::Result<()> {
    let options = of_marker(options, metadata);
    store.put(key, Bytes::new(), Sha256::of(b""), &Condition::None, &options).await?;
    let found = store.head(key).await?.map(|facts| facts.metadata);
    kept(&store.uri(key.as_str()), metadata, found.as_ref())
}

/// What a marker carries: who may read it, and what it says.
fn of_marker(options: &ObjectOptions, metadata: &UserMetadata) -> ObjectOptions {
    ObjectOptions {
        acl: options.acl.clone(),
        tags: options.tags.clone(),
        metadata: metadata.clone(),
        ..ObjectOptions::default()
    }
}
