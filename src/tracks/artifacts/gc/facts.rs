//! What a removal depends on, read from the bucket: reads only.

use super::plan::{Contents, Facts, Stands};
use crate::history::Entry;
use crate::history::stored::{Current, History};
use crate::machine::environment::now_in_milliseconds;
use crate::s3::store::{Fetched, Listed, Store};
use crate::s3::transfer::AT_ONCE;
use crate::sealing::set::Folder;
use crate::sealing::stone::Stone;
use crate::tracks::artifacts::rules::{self, Published, is_file};
use crate::tracks::artifacts::source::Artifacts;
use crate::tracks::artifacts::standing::{self, Stood};
use crate::words::names::{CodeHash, CommitId, Prefix};
use crate::words::object::REMOVED;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Of the folder of a commit or of some code: what it holds.
type Folders<N> = BTreeMap<N, (Prefix, Contents, Vec<Listed>)>;

/// Now, as the server's clock has it, in seconds.
pub fn now(store: &Store) -> i64 {
    i64::try_from(store.agreed_time(now_in_milliseconds()) / 1000).unwrap_or(i64::MAX)
}

/// The history and all that lies in the bucket.
pub async fn gather(
    store: &Store,
    track: &Artifacts,
) -> anyhow::Result<(Facts, Option<Current<Published>>)> {
    let (sets, caches, (entries, current)) = futures_util::future::try_join3(
        store.list(track.artifacts.as_str()),
        store.list(track.cache.as_str()),
        entries(store, track),
    )
    .await?;
    let mut uploads = Vec::new();
    for prefix in [&track.artifacts, &track.cache] {
        uploads.extend(store.uploads(prefix.as_str()).await?);
    }
    let mut facts = Facts { now: now(store), uploads, entries, ..Facts::default() };
    let sets = folders(&track.artifacts, sets, |text| {
        CommitId::parse(text).ok().filter(|commit| commit.as_str() == text)
    });
    let caches = folders(&track.cache, caches, |text| {
        CodeHash::parse(text).ok().filter(|hash| hash.as_str() == text)
    });
    facts.stands = stands(store, track, &facts, &sets).await?;
    facts.stones = stones(store, &caches).await?;
    facts.sets = without_objects(sets);
    facts.caches = without_objects(caches);
    Ok((facts, current))
}

/// The entries that stand, newest first, and the head that a mark goes into.
pub async fn entries(
    store: &Store,
    track: &Artifacts,
) -> anyhow::Result<(Vec<Entry<Published>>, Option<Current<Published>>)> {
    let history = History::<Published>::new(store, track.history()?);
    let Some(current) = history.read().await? else { return Ok((Vec::new(), None)) };
    let (shape, mut entries) = (current.head.shape(), current.head.entries().to_vec());
    entries.extend(history.segments(&shape, shape.segments_since(None)).await?);
    Ok((entries, Some(current)))
}

fn without_objects<N: Ord>(folders: Folders<N>) -> BTreeMap<N, (Prefix, Contents)> {
    let each = folders.into_iter();
    each.map(|(name, (prefix, contents, _))| (name, (prefix, contents))).collect()
}

/// The folders below `root` whose names `parse` accepts.
fn folders<N: Ord>(
    root: &Prefix,
    listing: Vec<Listed>,
    parse: impl Fn(&str) -> Option<N>,
) -> Folders<N> {
    let mut folders = Folders::new();
    for object in listing {
        let below = object.key.strip_prefix(root.as_str()).and_then(|rest| rest.split_once('/'));
        let Some((text, name)) = below.and_then(|(text, _)| Some((text, parse(text)?))) else {
            continue;
        };
        let (prefix, contents, objects) = folders
            .entry(name)
            .or_insert_with(|| (root.folder(text), Contents::default(), Vec::new()));
        let below = object.key.strip_prefix(prefix.as_str()).unwrap_or_default();
        contents.bytes += object.size;
        match below {
            ".manifest.json" => contents.sealed = Some(object.modified),
            _ => contents.newest = contents.newest.max(Some(object.modified)),
        }
        contents.is_claimed |= below == ".pending";
        contents.has_own |= below.starts_with(".sets/");
        contents.has_files |= is_file(prefix.as_str(), &object.key);
        objects.push(object);
    }
    folders
}

/// Looks at the manifests of folders that have no entry, and of those in which something may lie that
/// the manifest does not name.
async fn stands(
    store: &Store,
    track: &Artifacts,
    facts: &Facts,
    sets: &Folders<CommitId>,
) -> anyhow::Result<HashMap<CommitId, Stands>> {
    let entered: HashSet<(&CommitId, bool)> =
        facts.entries.iter().map(|it| (&it.what.commit, it.what.unsealed)).collect();
    let is_of_interest = |commit: &CommitId, contents: &Contents| {
        contents.sealed.is_some()
            && (contents.has_own
                || !entered.contains(&(commit, false))
                || entered.contains(&(commit, true)))
    };
    let looked = sets.iter().filter(|(commit, (_, contents, _))| is_of_interest(commit, contents));
    let looked: Vec<_> =
        looked.map(|(commit, (prefix, _, objects))| (commit, prefix, objects)).collect();
    let looked = stream::iter(looked).map(|(commit, prefix, objects)| async move {
        let folder = rules::folder(prefix.clone());
        let Some(fetched) = store.get(&folder.manifest()?).await? else { return Ok(None) };
        anyhow::Ok(Some((commit.clone(), of(fetched, &folder, track, objects))))
    });
    looked.buffered(AT_ONCE).try_filter_map(|it| async { Ok(it) }).try_collect().await
}

fn of(fetched: Fetched, folder: &Folder, track: &Artifacts, objects: &[Listed]) -> Stands {
    if Stone::parse(&fetched.bytes).is_some() {
        return Stands::Stone;
    }
    let (manifest, is_anew) = match standing::read(fetched, folder, track) {
        Ok(Stood::Own(standing)) => (standing.manifest, standing.generation.is_some()),
        Ok(Stood::Copied { manifest, .. }) => return Stands::Foreign(manifest.code_hash),
        Err(_) => return Stands::Foreign(None),
    };
    let named: HashSet<&str> = manifest.files.iter().map(|file| file.key.as_str()).collect();
    let paths: HashSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    let is_unnamed = |object: &&Listed| {
        let below = object.key.strip_prefix(folder.prefix.as_str()).unwrap_or_default();
        let is_left = below.starts_with(".sets/")
            // In the place of a removed set: what that had under plain keys.
            || (is_anew && below != ".manifest.json" && !below.ends_with('/') && !paths.contains(below));
        is_left && !named.contains(object.key.as_str())
    };
    let unnamed: Vec<&Listed> = objects.iter().filter(is_unnamed).collect();
    Stands::Set {
        newest: unnamed.iter().map(|object| object.modified).max().unwrap_or(0),
        bytes: unnamed.iter().map(|object| object.size).sum(),
        unnamed: unnamed.into_iter().map(|object| object.key.clone()).collect(),
    }
}

/// The folders of the cache in which a stone stands.
async fn stones(store: &Store, caches: &Folders<CodeHash>) -> anyhow::Result<HashSet<CodeHash>> {
    let sealed = caches.iter().filter(|(_, (_, contents, _))| contents.sealed.is_some());
    let sealed: Vec<_> = sealed.map(|(code_hash, (prefix, ..))| (code_hash, prefix)).collect();
    let looked = stream::iter(sealed).map(|(code_hash, prefix)| async move {
        let facts = store.head(&rules::folder(prefix.clone()).manifest()?).await?;
        let is_stone = facts.is_some_and(|facts| facts.metadata.contains_key(REMOVED));
        anyhow::Ok(is_stone.then(|| code_hash.clone()))
    });
    looked.buffered(AT_ONCE).try_filter_map(|it| async { Ok(it) }).try_collect().await
}
