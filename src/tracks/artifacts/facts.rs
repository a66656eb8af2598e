//! What a put of a commit's set depends on, read from the bucket, the checkout and the directory:
//! reads only.
//!
//! What needs a long time, the code's hash and the files', is read only when the plan turns on it,
//! and once: a put that was overtaken looks at the bucket anew, and not at the disk.

mod cache;
mod disk;
mod entry;

pub use disk::read_directory;

use super::plan::{Cache, Facts, Lost, Set};
use super::put::Ask;
use super::reuse::{self, Twins};
use super::rules::{self, Published};
use super::source::Artifacts;
use super::standing::{Stood, read};
use crate::history::Entry;
use crate::history::stored::{Current, History};
use crate::machine::workspace::Hashed;
use crate::s3::store::{ETag, Fetched, Listed, Store, unique_id};
use crate::s3::transfer::{AT_ONCE, Engine};
use crate::sealing::plan::Item;
use crate::sealing::publish::{self, Instead, Standing, holds};
use crate::sealing::set::{Folder, Manifest, ManifestFile, digest};
use crate::sealing::stone::Stone;
use crate::words::file::FileFacts;
use crate::words::names::CodeHash;
use anyhow::Context as _;
use cache::Shelf;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The history of publications.
pub(super) fn history<'a>(
    store: &'a Store,
    track: &Artifacts,
) -> anyhow::Result<History<'a, Published>> {
    Ok(History::new(store, track.history()?))
}

/// Reads the facts of one put, again and again while others are faster.
#[derive(Debug)]
pub(super) struct Gathering<'a> {
    engine: &'a Engine,
    track: &'a Artifacts,
    ask: &'a Ask,
    /// The code's hash, once it was asked for.
    code_hash: Option<Option<CodeHash>>,
    /// The directory's files, once they were read.
    local: Option<Vec<Arc<Hashed>>>,
    /// The large files of the newest sets, read beside it.
    older: Vec<ManifestFile>,
    /// The segments of the history that were searched, and the entry that was in them: they never
    /// change, but what is in them may be removed.
    searched: Range<u64>,
    in_segments: Option<Entry<Published>>,
    /// The generation of a set in the place of one that is being removed.
    fresh: String,
}

impl<'a> Gathering<'a> {
    /// A put that has looked at nothing yet.
    pub(super) fn new(engine: &'a Engine, track: &'a Artifacts, ask: &'a Ask) -> Gathering<'a> {
        Gathering {
            engine,
            track,
            ask,
            code_hash: None,
            local: None,
            older: Vec::new(),
            searched: 0..0,
            in_segments: None,
            fresh: unique_id(),
        }
    }

    fn store(&self) -> &'a Store {
        &self.engine.store
    }

    /// Everything that the plan depends on, and the head that it may extend.
    pub(super) async fn gather(&mut self) -> anyhow::Result<(Facts, Option<Current<Published>>)> {
        let (store, folder) = (self.store(), rules::folder(self.track.set(&self.ask.commit)));
        let (key, history) = (folder.manifest()?, history(store, self.track)?);
        let (manifest, current, listed) = futures_util::future::try_join3(
            store.get(&key),
            history.read(),
            store.list(folder.prefix.as_str()),
        )
        .await?;
        if let Some((etag, stone)) = manifest.as_ref().and_then(stone) {
            let mut facts = self.no_facts(current.as_ref());
            facts.entry = None;
            let instead = Instead { replaces: Some(etag), generation: Some(stone.generation) };
            self.open(&mut facts, &folder, &listed, instead, current.as_ref()).await?;
            return Ok((self.finished(facts), current));
        }
        let stood = manifest
            .map(|found| read(found, &folder, self.track).with_context(|| store.uri(key.as_str())));
        let mut facts = self.no_facts(current.as_ref());
        let stood = stood.transpose()?;
        if let Some(replaces) = self.marked(&facts, stood.as_ref(), current.as_ref()).await? {
            let instead = Instead { replaces, generation: Some(self.fresh.clone()) };
            self.open(&mut facts, &folder, &listed, instead, current.as_ref()).await?;
            return Ok((self.finished(facts), current));
        }
        match stood {
            Some(Stood::Own(standing)) => {
                self.published(&mut facts, &folder, standing, current.as_ref(), &listed).await?;
            }
            Some(Stood::Copied { manifest, etag }) => {
                self.find_entry(&mut facts, None, current.as_ref()).await?;
                self.copied(&mut facts, &folder, manifest, etag, &listed, current.as_ref()).await?;
            }
            None if is_unsealed(&folder, &listed)? => {
                if !self.track.lookup {
                    self.find_entry(&mut facts, None, current.as_ref()).await?;
                }
            }
            None => {
                self.open(&mut facts, &folder, &listed, Instead::default(), current.as_ref())
                    .await?;
            }
        }
        Ok((self.finished(facts), current))
    }

    /// Before anything but the head was looked at.
    fn no_facts(&self, current: Option<&Current<Published>>) -> Facts {
        Facts {
            set: Set::Unsealed,
            is_begun: current.is_some_and(|it| !it.head.entries().is_empty()),
            entry: self.in_head(current).map(|entry| entry.what.clone()),
            code_hash: None,
            cache: Cache::Unread,
            local: None,
            twins: Twins::new(),
        }
    }

    fn finished(&self, mut facts: Facts) -> Facts {
        if facts.code_hash.is_none() {
            facts.code_hash = self.code_hash.clone().flatten();
        }
        facts.local.clone_from(&self.local);
        facts
    }

    /// A set is published: what is missing of it, and of what follows it.
    async fn published(
        &mut self,
        facts: &mut Facts,
        folder: &Folder,
        Standing { manifest, position, generation, .. }: Standing,
        current: Option<&Current<Published>>,
        listed: &[Listed],
    ) -> anyhow::Result<()> {
        let (mut lost, mut apart) = (Vec::new(), Vec::new());
        if !self.track.lookup {
            let elsewhere = crate::sealing::plan::elsewhere(folder, &manifest)?;
            (lost, apart) = futures_util::future::try_join(
                self.lost(&manifest.files, listed),
                publish::apart(self.store(), folder, elsewhere),
            )
            .await?;
            apart.retain(|file| lost.iter().all(|lost| lost.file.key != file.key));
            // In the place of a removed set: an entry from before is that one's.
            let shape = current.map(|it| it.head.shape());
            let is_ours = |entry: &&Entry<Published>| {
                let since =
                    shape.as_ref().is_none_or(|it| it.is_since(position.as_ref(), entry.number));
                generation.is_none() || since
            };
            facts.entry = self.in_head(current).filter(is_ours).map(|entry| entry.what.clone());
            self.find_entry(facts, position.as_ref(), current).await?;
        }
        if !lost.is_empty() {
            self.read_local(None).await?;
        }
        if let Some(code_hash) = manifest.code_hash.as_ref().filter(|_| facts.entry.is_none()) {
            facts.cache = self.to_fill(code_hash, &manifest, current).await?;
        }
        facts.set = Set::Published { manifest, lost, apart };
        Ok(())
    }

    /// No set is published: the cache may have one, or the directory.
    async fn open(
        &mut self,
        facts: &mut Facts,
        folder: &Folder,
        listed: &[Listed],
        instead: Instead,
        current: Option<&Current<Published>>,
    ) -> anyhow::Result<()> {
        facts.code_hash = self.code_hash().await?;
        let mut shelf = None;
        if let Some(code_hash) = &facts.code_hash {
            match self.cached(code_hash, current).await? {
                Ok((from, files)) => facts.cache = Cache::Stands { from, files },
                Err(there) => shelf = Some(there),
            }
        }
        let files: Vec<FileFacts> = match &facts.cache {
            Cache::Stands { files, .. } => files.iter().map(Item::facts).collect(),
            _ if self.track.lookup => Vec::new(),
            _ => {
                self.read_local(current).await?;
                self.local.iter().flatten().map(|file| file.facts.clone()).collect()
            }
        };
        let ground = publish::ground(self.store(), folder, listed, &files, instead).await?;
        let local = self.local.iter().filter(|_| !matches!(facts.cache, Cache::Stands { .. }));
        for files in local {
            let digest = digest(files.iter().map(|file| &file.facts));
            let is_held = |file: &Hashed| {
                let path = &file.facts.path;
                let own = folder.own(&digest, ground.generation.as_deref(), path);
                let keys = [folder.plain(path), own];
                keys.iter().flatten().any(|key| ground.held.contains(key))
            };
            let candidates = reuse::candidates(files, &self.older, is_held);
            facts.twins = reuse::seen(self.store(), candidates).await;
        }
        facts.set = Set::Open(ground);
        match shelf {
            Some(Shelf::Open { folder, listed, instead }) => {
                let ground =
                    publish::ground(self.store(), &folder, &listed, &files, instead).await?;
                facts.cache = Cache::Open(ground);
            }
            Some(Shelf::Stands) | None => {}
        }
        Ok(())
    }

    /// A neighbour copied the cache's manifest into the commit's folder: the set that it names
    /// becomes the commit's, where all its bytes are there.
    async fn copied(
        &mut self,
        facts: &mut Facts,
        folder: &Folder,
        manifest: Manifest,
        etag: ETag,
        listed: &[Listed],
        current: Option<&Current<Published>>,
    ) -> anyhow::Result<()> {
        let store = self.store();
        let files: Vec<FileFacts> = manifest.files.iter().map(ManifestFile::facts).collect();
        let instead = Instead { replaces: Some(etag.clone()), generation: None };
        let ground = publish::ground(store, folder, listed, &files, instead).await?;
        let mut items = Vec::new();
        for file in &manifest.files {
            let plain = folder.plain(&file.path)?;
            let is_held = ground.held.contains(&plain);
            items.push((Box::new(file.clone()), is_held));
        }
        let items: Vec<Option<Item>> = stream::iter(items)
            .map(|(file, is_held)| async move {
                if is_held {
                    return Ok(Some(Item::Object { file, seen: None }));
                }
                let seen = store.head(&file.key).await?.map(Box::new);
                let is_whole = holds(seen.as_deref(), file.size, &file.sha256);
                anyhow::Ok(is_whole.then_some(Item::Object { file, seen }))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let Some(files) = items.into_iter().collect::<Option<Vec<_>>>() else {
            store.report().warn(format!(
                "{} is a copy of the cache's that s3-asset-manager made, and not all files are there any more: it does not count",
                store.uri(folder.manifest()?.as_str())
            ));
            let instead = Instead { replaces: Some(etag), generation: None };
            return self.open(facts, folder, listed, instead, current).await;
        };
        facts.code_hash.clone_from(&manifest.code_hash);
        facts.cache = Cache::Stands { from: Some(manifest.commit), files };
        facts.set = Set::Open(ground);
        Ok(())
    }

    /// The files of a published set that are not there any more. What the listing does not show as
    /// it should be is asked for: the set may be newer than the listing.
    async fn lost(&self, files: &[ManifestFile], listed: &[Listed]) -> anyhow::Result<Vec<Lost>> {
        let sizes: HashMap<&str, u64> =
            listed.iter().map(|Listed { key, size, .. }| (key.as_str(), *size)).collect();
        let doubtful = files.iter().filter(|it| sizes.get(it.key.as_str()) != Some(&it.size));
        stream::iter(doubtful.cloned().collect::<Vec<_>>())
            .map(|file| async move {
                let there = self.store().head(&file.key).await?;
                let is_whole = there.as_ref().is_some_and(|there| {
                    there.size == file.size && there.sha256().is_none_or(|it| it == file.sha256)
                });
                let is_other = there.is_some();
                anyhow::Ok((!is_whole).then_some(Lost { file, is_other }))
            })
            .buffered(AT_ONCE)
            .try_filter_map(|lost| async { Ok(lost) })
            .try_collect()
            .await
    }
}

/// The stone that stands somewhere, and its tag.
fn stone(found: &Fetched) -> Option<(ETag, Stone)> {
    Stone::parse(&found.bytes).map(|stone| (found.etag.clone(), stone))
}

/// Whether s3-asset-manager uploaded what lies in a folder without a manifest: there are files, and
/// no claim of ours.
fn is_unsealed(folder: &Folder, listed: &[Listed]) -> anyhow::Result<bool> {
    let pending = folder.pending()?;
    Ok(listed.iter().all(|object| object.key != pending.as_str())
        && listed.iter().any(|object| rules::is_file(folder.prefix.as_str(), &object.key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::names::CommitId;

    #[test]
    fn what_s3_asset_manager_uploaded_is_told_by_its_files() {
        let commit = CommitId::parse(&"c".repeat(40)).expect("a commit");
        let root = crate::words::names::Prefix::parse("p", "artifacts").expect("a prefix");
        let folder = rules::folder(root.folder(commit.as_str()));
        let cases: [(&[&str], bool); 7] = [
            (&[], false),
            (&[""], false),
            (&["", "sub/"], false),
            (&["x.zip"], true),
            (&["", "d/x.zip"], true),
            (&[".pending", "x.zip"], false),
            (&[".sets/d/x.zip"], false),
        ];
        for (names, want) in cases {
            let listed = |name: &&str| Listed {
                key: format!("{}{name}", folder.prefix),
                size: 1,
                modified: 1,
            };
            let listed: Vec<Listed> = names.iter().map(listed).collect();
            assert_eq!(is_unsealed(&folder, &listed).expect("a key"), want, "{names:?}");
        }
    }
}
