//! A set's folder in S3: what lies in it is read, and a plan for it is carried out.
//!
//! [`crate::sealing::claim`] says which keys a set may write and why that is safe under races, and
//! [`crate::sealing::plan`] decides. Killed anywhere, the same put again finishes: what is already
//! there with the same bytes is not sent again.

use crate::history::Position;
use crate::history::stored::Carried;
use crate::s3::store::{Condition, ETag, Facts, Fetched, Listed, Store, Written};
use crate::s3::transfer::{AT_ONCE, Engine, missing};
use crate::sealing::claim::{How, Kind};
use crate::sealing::plan::{Ground, Item, Placing, Plan, Seal, Twin};
use crate::sealing::set::{Folder, Manifest, ManifestFile, Provenance, digest};
use crate::words::digest::Sha256;
use crate::words::file::FileFacts;
use crate::words::names::Key;
use crate::words::object::{CODE_HASH, COMMIT_HASH, GENERATION, ObjectOptions, Own, POSITION};
use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::{HashMap, HashSet};

/// A published set, as it stands in the bucket.
#[derive(Debug)]
pub struct Standing {
    /// What it holds.
    pub manifest: Manifest,
    /// Its entry in the history has at least this number.
    pub position: Option<Position>,
    /// Its tag.
    pub etag: Option<ETag>,
    /// The generation that its keys have, where it took the place of a removed set.
    pub generation: Option<String>,
}

impl Standing {
    /// A set whose manifest was read.
    pub fn read(fetched: Fetched, folder: &Folder) -> anyhow::Result<Standing> {
        let Fetched { bytes, metadata, etag } = fetched;
        Ok(Standing {
            manifest: Manifest::parse(&bytes, folder)?,
            position: metadata.get(POSITION).and_then(|text| Position::parse(text)),
            etag: Some(etag),
            generation: metadata.get(GENERATION).cloned(),
        })
    }
}

/// Reads the manifest of a folder.
pub async fn standing(store: &Store, folder: &Folder) -> anyhow::Result<Option<Standing>> {
    let key = folder.manifest()?;
    let Some(fetched) = store.get(&key).await? else { return Ok(None) };
    Standing::read(fetched, folder).with_context(|| store.uri(key.as_str())).map(Some)
}

/// Writes the manifest of a set whose files are all there, which publishes it; answers what stands
/// afterwards, which is another's when another put was faster.
pub async fn seal(
    store: &Store,
    folder: &Folder,
    manifest: Manifest,
    position: &Position,
) -> anyhow::Result<Standing> {
    let key = folder.manifest()?;
    let own = Own::at(Some(position));
    let written = store.put_own(&key, manifest.to_bytes()?, &Condition::Absent, &own).await?;
    Ok(match written {
        Written::Yes => {
            let position = Some(position.clone());
            Standing { manifest, position, etag: None, generation: None }
        }
        // Another put, or this one before its answer was lost.
        Written::Refused => standing(store, folder)
            .await?
            .with_context(|| format!("{}: refused, and not there", store.uri(key.as_str())))?,
    })
}

/// What a set is published in place of: nothing, a manifest that does not count, or a removed set.
#[derive(Debug, Clone, Default)]
pub struct Instead {
    /// What stands there.
    pub replaces: Option<ETag>,
    /// Of a removed set: the generation that the new one's keys have.
    pub generation: Option<String>,
}

/// Looks at what lies in a folder where no set is published, for a set of these files; `listed` is
/// all that it holds.
pub async fn ground(
    store: &Store,
    folder: &Folder,
    listed: &[Listed],
    files: &[FileFacts],
    instead: Instead,
) -> anyhow::Result<Ground> {
    let Instead { replaces, generation } = instead;
    let pending = folder.pending()?;
    let taken: HashMap<String, u64> =
        listed.iter().map(|Listed { key, size, .. }| (key.clone(), *size)).collect();
    let claim = match taken.contains_key(pending.as_str()) {
        true => store.get(&pending).await?,
        false => None,
    };
    let claim = Kind::Set.claimed(claim.as_ref().map(|found| found.bytes.as_ref()));
    let digest = digest(files);
    let held = stream::iter(if taken.is_empty() { &[] } else { files })
        .map(|file| {
            let (taken, generation) = (&taken, generation.as_deref());
            async move {
                let plain = generation.is_none().then(|| folder.plain(&file.path)).transpose()?;
                let own = folder.own(&digest, generation, &file.path)?;
                for key in plain.into_iter().chain([own]) {
                    if taken.get(key.as_str()) == Some(&file.size)
                        && holds(store.head(&key).await?.as_ref(), file.size, &file.sha256)
                    {
                        return Ok(Some(key));
                    }
                }
                anyhow::Ok(None)
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_filter_map(|key| async { Ok(key) })
        .try_collect::<HashSet<_>>()
        .await?;
    Ok(Ground { claim, taken, held, replaces, generation })
}

/// Carries out a plan: the claim, the files, the manifest, the plain keys. `position` is where the
/// history stood before: a reader of the manifest finds its entry from there.
pub async fn carry_out(
    engine: &Engine,
    plan: &Plan,
    options: &ObjectOptions,
    position: Option<&Position>,
) -> anyhow::Result<Carried> {
    let store = &*engine.store;
    if let Some(digest) = plan.claim {
        let key = plan.folder.pending()?;
        let bytes = Kind::Set.claim(digest, &plan.provenance.run)?;
        if store.put_own(&key, bytes, &Condition::Absent, &Own::default()).await?
            == Written::Refused
        {
            return Ok(Carried::Overtaken);
        }
    }
    let of_files = with_provenance(options, &plan.provenance);
    if place(engine, &plan.placings, &of_files).await? == Carried::Overtaken {
        return Ok(Carried::Overtaken);
    }
    if let Some(Seal { manifest, replaces, generation }) = &plan.seal {
        let condition = Condition::still(replaces.as_ref());
        let (key, mut own) = (plan.folder.manifest()?, Own::at(position));
        if let Some(generation) = generation {
            own = own.with(GENERATION, generation);
        }
        if store.put_own(&key, manifest.to_bytes()?, &condition, &own).await? == Written::Refused {
            return Ok(Carried::Overtaken);
        }
    }
    agree(engine, &plan.folder, &plan.agree, &of_files).await?;
    Ok(Carried::Out)
}

/// Brings each file under its key.
async fn place(
    engine: &Engine,
    placings: &[Placing],
    options: &ObjectOptions,
) -> anyhow::Result<Carried> {
    let report = engine.store.report();
    let Some(first) = placings.first() else { return Ok(Carried::Out) };
    let copies = matches!(first.item, Item::Object { .. });
    report.begin(
        if copies { "copying" } else { "uploading" },
        placings.len(),
        placings.iter().map(|placing| placing.item.facts().size).sum(),
    );
    let placed = stream::iter(placings)
        .map(|placing| place_one(engine, placing, options))
        .buffer_unordered(AT_ONCE)
        .try_fold(Carried::Out, |all, one| async move {
            Ok(if one == Carried::Overtaken { one } else { all })
        })
        .await;
    report.end();
    placed
}

async fn place_one(
    engine: &Engine,
    Placing { item, key, how }: &Placing,
    options: &ObjectOptions,
) -> anyhow::Result<Carried> {
    let store = &*engine.store;
    let FileFacts { path, size, sha256, .. } = item.facts();
    let options = options.of_file(path.as_str(), &sha256);
    if let (How::Write | How::Mend, Item::Both { twin, .. }) = (how, item)
        && copy_twin(store, twin, key, &options).await
    {
        store.report().advance(1, size);
        return Ok(Carried::Out);
    }
    match (how, item) {
        (How::Keep, _) => store.report().advance(1, size),
        (How::Write | How::Mend, Item::Object { file, seen }) => {
            if let Err(error) = copy(store, file, seen.as_deref(), key, &options).await {
                // Removed meanwhile: what stands now is to be looked at anew.
                let gone = store.head(&file.key).await?.is_none();
                return if gone { Ok(Carried::Overtaken) } else { Err(error) };
            }
            store.report().advance(1, size);
        }
        (How::Write, Item::Disk(file) | Item::Both { file, .. }) => {
            let written = engine.upload(file, key, &Condition::Absent, &options).await?;
            // Refused, and there: this very write, whose answer was lost.
            if written == Written::Refused && !holds(store.head(key).await?.as_ref(), size, &sha256)
            {
                return Ok(Carried::Overtaken);
            }
        }
        (How::Mend, Item::Disk(file) | Item::Both { file, .. }) => {
            engine.upload(file, key, &Condition::None, &options).await?;
        }
    }
    Ok(Carried::Out)
}

async fn copy(
    store: &Store,
    file: &ManifestFile,
    seen: Option<&Facts>,
    key: &Key,
    options: &ObjectOptions,
) -> anyhow::Result<()> {
    let from = match seen {
        Some(facts) => facts.clone(),
        None => source(store, file).await?,
    };
    store.copy(&file.key, &from, key, options).await
}

/// Copies the object that was seen to have a file's bytes; false: the file is to be sent.
async fn copy_twin(store: &Store, twin: &Twin, key: &Key, options: &ObjectOptions) -> bool {
    let Err(error) = store.copy_as_new(&twin.key, &twin.seen, key, options).await else {
        return true;
    };
    let from = store.uri(twin.key.as_str());
    store.report().info(format!("{from} cannot be copied, so the file is sent: {error:#}"));
    false
}

/// Copies files over their plain keys, for readers that know nothing of manifests.
async fn agree(
    engine: &Engine,
    folder: &Folder,
    files: &[ManifestFile],
    options: &ObjectOptions,
) -> anyhow::Result<()> {
    let store = &*engine.store;
    stream::iter(files)
        .map(|file| async {
            let plain = folder.plain(&file.path)?;
            let from = source(store, file).await?;
            store
                .copy(&file.key, &from, &plain, &options.of_file(file.path.as_str(), &file.sha256))
                .await
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// The files whose plain keys do not hold what the manifest names elsewhere.
pub async fn apart(
    store: &Store,
    folder: &Folder,
    elsewhere: Vec<ManifestFile>,
) -> anyhow::Result<Vec<ManifestFile>> {
    stream::iter(elsewhere)
        .map(|file| async move {
            let there = store.head(&folder.plain(&file.path)?).await?;
            let agrees = holds(there.as_ref(), file.size, &file.sha256);
            anyhow::Ok((!agrees).then_some(file))
        })
        .buffered(AT_ONCE)
        .try_filter_map(|file| async { Ok(file) })
        .try_collect()
        .await
}

/// The object that a manifest names, when it still is what was published.
pub async fn source(store: &Store, file: &ManifestFile) -> anyhow::Result<Facts> {
    let uri = || store.uri(file.key.as_str());
    let facts = store.head(&file.key).await?.ok_or_else(|| missing(&uri()))?;
    if !holds(Some(&facts), file.size, &file.sha256) {
        return Err(crate::s3::transfer::corrupt(
            &uri(),
            "its size or package-hash is another".to_owned(),
        ));
    }
    Ok(facts)
}

/// Whether an object is there and has these bytes, as far as it says of itself.
pub fn holds(there: Option<&Facts>, size: u64, sha256: &Sha256) -> bool {
    there.is_some_and(|there| there.holds(size, sha256))
}

/// The metadata that s3-asset-manager writes, and Terraform reads.
fn with_provenance(options: &ObjectOptions, provenance: &Provenance) -> ObjectOptions {
    let mut options = options.clone();
    options.metadata.insert(COMMIT_HASH.to_owned(), provenance.commit.to_string());
    if let Some(code_hash) = &provenance.code_hash {
        options.metadata.insert(CODE_HASH.to_owned(), code_hash.to_string());
    }
    options
}
