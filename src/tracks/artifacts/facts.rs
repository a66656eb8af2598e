//! What a put of a commit's set depends on, read from the bucket, the checkout and the directory:
//! reads only.
//!
//! What needs a long time, the code's hash and the files', is read only when the plan turns on it,
//! and once: a put that was overtaken looks at the bucket anew, and not at the disk.

use super::code::{hash_code, warn_if_dirty};
use super::gc::marks::CacheMarks;
use super::plan::{Cache, Facts, Lost, Set};
use super::put::{Ask, Code};
use super::reuse::{self, Twins};
use super::rules::{self, Published, RESERVED};
use super::source::Artifacts;
use super::standing::{Stood, read};
use crate::history::stored::{Current, History};
use crate::history::{Entry, Position};
use crate::input::selection::Selection;
use crate::machine::workspace::{Found, Hashed, hash, scan};
use crate::s3::store::{ETag, Fetched, Listed, Store, unique_id};
use crate::s3::transfer::{AT_ONCE, Engine, blocking};
use crate::sealing::plan::Item;
use crate::sealing::publish::{self, Instead, Standing, holds};
use crate::sealing::set::{Folder, Manifest, ManifestFile, digest};
use crate::sealing::stone::Stone;
use crate::words::fault::fault;
use crate::words::file::{FileFacts, Mode};
use crate::words::names::{CodeHash, CommitId, Key, RelPath};
use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
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

/// What lies in the cache's folder of some code, as far as it was read.
enum Shelf {
    /// A set, which the put does not ask for.
    Stands,
    /// None that is of use.
    Open { folder: Folder, listed: Vec<Listed>, instead: Instead },
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

    /// What stands of a set that is being removed: its entry is marked, and its manifest, if it had
    /// one, not replaced yet. The next set takes its place, before or after the remover's stone.
    async fn marked(
        &self,
        facts: &Facts,
        stood: Option<&Stood>,
        current: Option<&Current<Published>>,
    ) -> anyhow::Result<Option<Option<ETag>>> {
        let Some(Current { head, .. }) = current.filter(|it| !it.head.removing().is_empty()) else {
            return Ok(None);
        };
        let (position, etag) = match stood {
            Some(Stood::Own(standing)) => (standing.position.as_ref(), standing.etag.clone()),
            Some(Stood::Copied { .. }) => return Ok(None),
            None => (None, None),
        };
        if facts.entry.is_some() {
            return Ok(None);
        }
        let (shape, marked) =
            (head.shape(), history(self.store(), self.track)?.removing(head).await?);
        let is_marked = |entry: &Entry<Published>| {
            self.is_mine(entry) && shape.is_since(position, entry.number)
        };
        Ok(marked.iter().any(is_marked).then_some(etag))
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
            items.push((file.clone(), is_held));
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

    /// The entry of the commit in the head.
    fn in_head<'c>(&self, current: Option<&'c Current<Published>>) -> Option<&'c Entry<Published>> {
        current?.head.entries().iter().find(|entry| self.is_mine(entry))
    }

    fn is_mine(&self, entry: &Entry<Published>) -> bool {
        entry.what.commit == self.ask.commit
    }

    /// Looks for the commit's entry below the head, where it may be since a position.
    async fn find_entry(
        &mut self,
        facts: &mut Facts,
        since: Option<&Position>,
        current: Option<&Current<Published>>,
    ) -> anyhow::Result<()> {
        let (None, Some(current)) = (&facts.entry, current) else { return Ok(()) };
        let shape = current.head.shape();
        let range = shape.segments_since(since);
        let history = history(self.store(), self.track)?;
        let unseen = if self.searched.contains(&range.start) {
            self.searched.end.min(range.end)..range.end
        } else {
            range.clone()
        };
        let found = history.find(&shape, unseen, |entry| self.is_mine(entry)).await?;
        self.searched = range;
        if let Some(entry) = found {
            self.in_segments = Some(entry);
        }
        self.in_segments.take_if(|entry| !shape.stands(entry.number));
        facts.entry = self.in_segments.as_ref().map(|entry| entry.what.clone());
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

    /// The hash of the commit's code, for a put that asks the cache.
    async fn code_hash(&mut self) -> anyhow::Result<Option<CodeHash>> {
        if let Some(known) = &self.code_hash {
            return Ok(known.clone());
        }
        let report = self.store().report();
        let code_hash = match &self.ask.code {
            Code::Unknown => None,
            Code::Given(code_hash) => Some(code_hash.clone()),
            Code::Of { repository, recipe, no_files } => {
                warn_if_dirty(report, repository);
                Some(hash_code(recipe, repository, *no_files, report).await?)
            }
        };
        Ok(self.code_hash.insert(code_hash).clone())
    }

    /// The whole set that the cache holds for some code, and the commit that it was built from
    /// where that is known; else what lies in the folder.
    async fn cached(
        &self,
        code_hash: &CodeHash,
        current: Option<&Current<Published>>,
    ) -> anyhow::Result<Result<(Option<CommitId>, Vec<Item>), Shelf>> {
        let (store, report) = (self.store(), self.store().report());
        let folder = rules::folder(self.track.cached(code_hash));
        let uri = store.uri(folder.prefix.as_str());
        let (fetched, listed) = self.shelf(&folder).await?;
        let asked = matches!(self.ask.code, Code::Of { .. });
        let Some(found) = fetched else {
            if asked && code_hash.is_md5() && is_unsealed(&folder, &listed)? {
                if let Some(files) = self.of_asset_manager(&folder, &listed).await? {
                    return Ok(Ok((None, files)));
                }
                report.warn(format!(
                    "{uri} is not used: not every object in it has a package-hash to check it against"
                ));
            }
            return Ok(Err(Shelf::Open { folder, listed, instead: Instead::default() }));
        };
        if let Some(instead) = self.removed(code_hash, &found, current) {
            return Ok(Err(Shelf::Open { folder, listed, instead }));
        }
        let instead = Instead { replaces: Some(found.etag), generation: None };
        let why = match Manifest::parse(&found.bytes, &folder) {
            Err(e) => format!("{e:#}"),
            // It stands, and the put does not ask for it.
            Ok(_) if !asked => return Ok(Err(Shelf::Stands)),
            Ok(manifest) => match self.whole(&manifest).await? {
                Ok(files) => return Ok(Ok((Some(manifest.commit), files))),
                Err(key) => format!("{} is gone, or has other bytes", store.uri(key.as_str())),
            },
        };
        report.warn(format!("{uri} is damaged, not used, and filled anew: {why}"));
        Ok(Err(Shelf::Open { folder, listed, instead }))
    }

    /// How the cache of some code is filled where it was removed, or is being removed.
    fn removed(
        &self,
        code_hash: &CodeHash,
        found: &Fetched,
        current: Option<&Current<Published>>,
    ) -> Option<Instead> {
        if let Some((etag, stone)) = stone(found) {
            return Some(Instead { replaces: Some(etag), generation: Some(stone.generation) });
        }
        let marks = CacheMarks::of(current.and_then(|it| it.head.fence()));
        marks.is_marked(code_hash, &found.etag).then(|| Instead {
            replaces: Some(found.etag.clone()),
            generation: Some(self.fresh.clone()),
        })
    }

    /// The files of a set in the cache, each looked at; or the first that is not what it was.
    async fn whole(&self, manifest: &Manifest) -> anyhow::Result<Result<Vec<Item>, Key>> {
        let seen = stream::iter(manifest.files.clone())
            .map(|file| async move {
                let seen = self.store().head(&file.key).await?.map(Box::new);
                let is_whole = holds(seen.as_deref(), file.size, &file.sha256);
                anyhow::Ok(if is_whole { Ok(Item::Object { file, seen }) } else { Err(file.key) })
            })
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(seen.into_iter().collect())
    }

    /// What the cache lacks of a published set; that it is whole is looked at when it is used.
    async fn to_fill(
        &self,
        code_hash: &CodeHash,
        manifest: &Manifest,
        current: Option<&Current<Published>>,
    ) -> anyhow::Result<Cache> {
        let folder = rules::folder(self.track.cached(code_hash));
        let (fetched, listed) = self.shelf(&folder).await?;
        let mut instead = Instead::default();
        if let Some(found) = fetched {
            instead = match self.removed(code_hash, &found, current) {
                Some(instead) => instead,
                None => match Manifest::parse(&found.bytes, &folder) {
                    Ok(cached) => {
                        return Ok(Cache::Stands { from: Some(cached.commit), files: Vec::new() });
                    }
                    Err(_) => Instead { replaces: Some(found.etag), generation: None },
                },
            };
        }
        let files: Vec<FileFacts> = manifest.files.iter().map(ManifestFile::facts).collect();
        let ground = publish::ground(self.store(), &folder, &listed, &files, instead).await?;
        Ok(Cache::Open(ground))
    }

    async fn shelf(&self, folder: &Folder) -> anyhow::Result<(Option<Fetched>, Vec<Listed>)> {
        let key = folder.manifest()?;
        let store = self.store();
        futures_util::future::try_join(store.get(&key), store.list(folder.prefix.as_str())).await
    }

    /// What s3-asset-manager cached, always by md5, has no manifest: each of its objects says its own
    /// SHA-256. None where one does not.
    async fn of_asset_manager(
        &self,
        folder: &Folder,
        listed: &[Listed],
    ) -> anyhow::Result<Option<Vec<Item>>> {
        let store = self.store();
        let objects = listed.iter().filter(|it| rules::is_file(folder.prefix.as_str(), &it.key));
        let files = stream::iter(objects)
            .map(|object| async move {
                let key = Key::parse(&object.key)?;
                let below = object.key.strip_prefix(folder.prefix.as_str()).unwrap_or("");
                let path = RelPath::parse(below)?;
                let seen = store.head(&key).await?.map(Box::new);
                let sha256 = seen.as_ref().and_then(|facts| facts.sha256());
                anyhow::Ok(sha256.map(|sha256| {
                    let (size, mode) = (object.size, Mode::Plain);
                    Item::Object {
                        file: ManifestFile { path, size, mode, sha256, key, parts: None },
                        seen,
                    }
                }))
            })
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(files.into_iter().collect())
    }

    /// Finds and hashes the files of the directory, where the put names one; and reads meanwhile which
    /// of them the newest sets have, where a history is given.
    async fn read_local(&mut self, current: Option<&Current<Published>>) -> anyhow::Result<()> {
        let (None, Some((directory, selection))) = (&self.local, &self.ask.directory) else {
            return Ok(());
        };
        let found = find(directory, selection)?;
        let current = current.filter(|_| reuse::is_any_worth(&found));
        let older = reuse::older(self.store(), self.track, &self.ask.commit, current);
        let (local, older) = futures_util::future::join(hashed(self.engine, found), older).await;
        (self.local, self.older) = (Some(local?), older);
        Ok(())
    }
}

/// Finds and hashes the files of a directory that a set may hold.
pub async fn read_directory(
    engine: &Engine,
    directory: &Path,
    selection: &Selection,
) -> anyhow::Result<Vec<Arc<Hashed>>> {
    hashed(engine, find(directory, selection)?).await
}

/// The files of a directory that a set may hold; at least one.
fn find(directory: &Path, selection: &Selection) -> anyhow::Result<Vec<Found>> {
    let found = scan(directory, selection, &RESERVED)?;
    if found.is_empty() {
        let what = match selection.globs() {
            "" => format!("{} holds no file to publish", directory.display()),
            globs => format!("{}: no file matches {globs}", directory.display()),
        };
        return Err(fault(what, "hidden files are left out unless `include_hidden` is true"));
    }
    Ok(found)
}

async fn hashed(engine: &Engine, found: Vec<Found>) -> anyhow::Result<Vec<Arc<Hashed>>> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let hashed = stream::iter(bundles(found))
        .map(|bundle| {
            let store = engine.store.clone();
            blocking(move || {
                bundle.iter().map(|file| hash(file, store.part_of(file.size))).collect()
            })
        })
        .buffered(threads)
        .try_collect::<Vec<Vec<_>>>()
        .await?;
    Ok(hashed.into_iter().flatten().map(Arc::new).collect())
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

/// Files in bundles that are worth a thread's hand-over each, in the same order.
fn bundles(files: Vec<Found>) -> Vec<Vec<Found>> {
    const BYTES: u64 = 4 << 20;
    const FILES: usize = 256;
    let mut bundles: Vec<Vec<Found>> = Vec::new();
    let mut room = 0;
    for file in files {
        match bundles.last_mut() {
            Some(last) if file.size <= room && last.len() < FILES => {
                room -= file.size;
                last.push(file);
            }
            _ => {
                room = BYTES.saturating_sub(file.size);
                bundles.push(vec![file]);
            }
        }
    }
    bundles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_keep_every_file_in_order() {
        let file = |(n, size): (usize, u64)| Found {
            path: RelPath::parse(&format!("f{n}")).expect("a path"),
            disk: std::path::PathBuf::new(),
            size,
            mode: Mode::Plain,
        };
        let cases: [(&[u64], &[usize]); 5] = [
            (&[], &[]),
            (&[1, 2, 3], &[3]),
            (&[4 << 20, 0, 1], &[2, 1]),
            (&[9 << 20, 9 << 20], &[1, 1]),
            (&[0; 600], &[256, 256, 88]),
        ];
        for (sizes, want) in cases {
            let files: Vec<_> = sizes.iter().copied().enumerate().map(file).collect();
            let paths: Vec<_> = files.iter().map(|file| file.path.clone()).collect();
            let bundles = bundles(files);
            assert_eq!(bundles.iter().map(Vec::len).collect::<Vec<_>>(), want);
            assert!(bundles.iter().flatten().map(|file| &file.path).eq(&paths));
        }
    }

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
