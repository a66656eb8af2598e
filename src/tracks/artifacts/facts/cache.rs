//! The cache, as a put looks at it: what is there for some code, and what it lacks.

use super::{Gathering, is_unsealed, stone};
use crate::history::stored::Current;
use crate::s3::store::{Fetched, Listed};
use crate::s3::transfer::AT_ONCE;
use crate::sealing::plan::Item;
use crate::sealing::publish::{self, Instead, holds};
use crate::sealing::set::{Folder, Manifest, ManifestFile};
use crate::tracks::artifacts::gc::marks::CacheMarks;
use crate::tracks::artifacts::plan::Cache;
use crate::tracks::artifacts::put::Code;
use crate::tracks::artifacts::rules::{self, Published};
use crate::words::file::{FileFacts, Mode};
use crate::words::names::{CodeHash, CommitId, Key, RelPath};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

/// What lies in the cache's folder of some code, as far as it was read.
pub(super) enum Shelf {
    /// A set, which the put does not ask for.
    Stands,
    /// None that is of use.
    Open { folder: Folder, listed: Vec<Listed>, instead: Instead },
}

impl Gathering<'_> {
    /// The whole set that the cache holds for some code, and the commit that it was built from
    /// where that is known; else what lies in the folder.
    pub(super) async fn cached(
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
    pub(super) async fn whole(
        &self,
        manifest: &Manifest,
    ) -> anyhow::Result<Result<Vec<Item>, Key>> {
        let seen = stream::iter(manifest.files.clone())
            .map(Box::new)
            .map(|file| async move {
                let seen = self.store().head(&file.key).await?.map(Box::new);
                let is_whole = holds(seen.as_deref(), file.size, &file.sha256);
                anyhow::Ok(if is_whole {
                    Ok(Item::Object { file, seen })
                } else {
                    Err(file.key.clone())
                })
            })
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(seen.into_iter().collect())
    }

    /// What the cache lacks of a published set; that it is whole is looked at when it is used.
    pub(super) async fn to_fill(
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

    pub(super) async fn shelf(
        &self,
        folder: &Folder,
    ) -> anyhow::Result<(Option<Fetched>, Vec<Listed>)> {
        let key = folder.manifest()?;
        let store = self.store();
        futures_util::future::try_join(store.get(&key), store.list(folder.prefix.as_str())).await
    }

    /// What s3-asset-manager cached, always by md5, has no manifest: each of its objects says its own
    /// SHA-256. None where one does not.
    pub(super) async fn of_asset_manager(
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
                    let file = ManifestFile { path, size, mode, sha256, key, parts: None };
                    Item::Object { file: Box::new(file), seen }
                }))
            })
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(files.into_iter().collect())
    }
}
