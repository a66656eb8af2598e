//! A set that is found, copied out of the cache or uploaded: what a put and the task commands share.
//!
//! The order of effects, each of which the next relies on: files, manifest, plain keys, cache,
//! history. So an entry of the history says that everything before it is done, and a put that
//! finds its commit there has nothing to do.

use crate::history::Position;
use crate::history::stored::{Current, History};
use crate::input::protocol::{Response, metadata};
use crate::input::selection::Selection;
use crate::machine::report::{count, size};
use crate::machine::workspace::{Found, hash, scan};
use crate::s3::transfer::{AT_ONCE, Engine, blocking};
use crate::sealing::publish::{self, Item, Publication, Standing};
use crate::sealing::set::{Folder, Manifest, ManifestFile, Provenance};
use crate::tracks::artifacts::get::describe;
use crate::tracks::artifacts::rules;
use crate::tracks::artifacts::rules::{Published, RESERVED, version};
use crate::tracks::artifacts::source::Artifacts;
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::file::Mode;
use crate::words::names::{CodeHash, CommitId, Key, RelPath};
use crate::words::object::ObjectOptions;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::path::Path;
use std::sync::Arc;

/// A set to find, to copy or to build: what a put and `s3-asset check` share.
#[derive(Debug)]
pub struct Putting<'a> {
    /// Moves the files.
    pub engine: &'a Engine,
    /// Where sets lie.
    pub track: &'a Artifacts,
    /// Which commit.
    pub commit: &'a CommitId,
    /// Who does it, and when.
    pub run: &'a Run,
    /// What the objects carry.
    pub options: &'a ObjectOptions,
}

/// What a put found or did.
#[derive(Debug)]
pub enum Outcome {
    /// The set stands; where s3-asset-manager uploaded it, there is no manifest.
    Published {
        /// What the history says.
        entry: Published,
        /// Its manifest.
        manifest: Option<Box<Manifest>>,
    },
    /// Neither published nor cached.
    Missing {
        /// The hash of the code, where it was asked for.
        code_hash: Option<CodeHash>,
        /// The history as it was read; none when there is none yet.
        current: Option<Current<Published>>,
    },
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

/// What is known of the cache's set for the code of a published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cache {
    /// It was just read.
    Stands,
    /// It may have to be filled.
    Unknown,
}

/// What the history says of a set.
fn published(manifest: &Manifest) -> Published {
    Published {
        commit: manifest.commit.clone(),
        code_hash: manifest.code_hash.clone(),
        unsealed: false,
    }
}

fn found(manifest: Manifest) -> Outcome {
    Outcome::Published { entry: published(&manifest), manifest: Some(Box::new(manifest)) }
}

impl Putting<'_> {
    fn record(&self) -> anyhow::Result<History<'_, Published>> {
        Ok(History::new(&self.engine.store, self.track.history()?))
    }

    fn folder(&self) -> Folder {
        rules::folder(self.track.set(self.commit))
    }

    fn provenance(&self, code_hash: Option<CodeHash>, cached_from: Option<CommitId>) -> Provenance {
        Provenance {
            commit: self.commit.clone(),
            code_hash,
            cached_from,
            time: self.run.time.clone(),
            build: self.run.build.clone(),
        }
    }

    /// Finds the set, or copies it out of the cache. `code` hashes the code; it is called only
    /// when the set is not published.
    pub async fn find(
        &self,
        code: impl AsyncFnOnce() -> anyhow::Result<Option<CodeHash>>,
    ) -> anyhow::Result<Outcome> {
        let (store, folder, record) = (&*self.engine.store, self.folder(), self.record()?);
        let (standing, current) =
            futures_util::future::try_join(publish::standing(store, &folder), record.read())
                .await?;
        if let Some(standing) = standing {
            store
                .report()
                .info(format!("already published: {}", store.uri(folder.prefix.as_str())));
            if self.track.lookup {
                return Ok(found(standing.manifest));
            }
            publish::agree(self.engine, &folder, &standing.manifest, self.options).await?;
            return self.finish(standing, self.begun(current).await?, Cache::Unknown).await;
        }
        let listing = store.list(folder.prefix.as_str()).await?;
        let pending = folder.pending()?;
        if !listing.is_empty() && !listing.iter().any(|object| object.key == pending.as_str()) {
            let uri = store.uri(folder.prefix.as_str());
            store.report().info(format!("already uploaded by s3-asset-manager: {uri}"));
            let entry = Published { commit: self.commit.clone(), code_hash: None, unsealed: true };
            let entry = if self.track.lookup {
                entry
            } else {
                self.append(self.begun(current).await?, &entry, None).await?
            };
            return Ok(Outcome::Published { entry, manifest: None });
        }
        let Some(code_hash) = code().await? else {
            return Ok(Outcome::Missing { code_hash: None, current });
        };
        let Some((from, files)) = self.cached(&code_hash).await? else {
            return Ok(Outcome::Missing { code_hash: Some(code_hash), current });
        };
        store.report().info(match &from {
            Some(commit) => format!("copying the set of {commit} out of the cache"),
            None => "copying s3-asset-manager's set out of the cache".to_owned(),
        });
        let current = self.begun(current).await?;
        let published = publish::publish(
            self.engine,
            Publication {
                folder: &folder,
                items: files.into_iter().map(Item::Object).collect(),
                provenance: &self.provenance(Some(code_hash), from),
                options: self.options,
                position: &current.head.position(),
            },
        )
        .await?;
        self.finish(published, current, Cache::Stands).await
    }

    async fn begun(
        &self,
        current: Option<Current<Published>>,
    ) -> anyhow::Result<Current<Published>> {
        match current {
            Some(current) if !current.head.entries().is_empty() => Ok(current),
            // Also where somebody began it and went no further: perhaps because the server ignores
            // conditions, which this finds out.
            _ => self.record()?.begin().await,
        }
    }

    /// The files that the cache holds for some code, and the commit that they were built from
    /// where that is known. What s3-asset-manager cached, always by md5, has no manifest: each of
    /// its objects says its own SHA-256.
    async fn cached(
        &self,
        code_hash: &CodeHash,
    ) -> anyhow::Result<Option<(Option<CommitId>, Vec<ManifestFile>)>> {
        let store = &*self.engine.store;
        let folder = rules::folder(self.track.cached(code_hash));
        if let Some(Standing { manifest, .. }) = publish::standing(store, &folder).await? {
            return Ok(Some((Some(manifest.commit), manifest.files)));
        }
        if !code_hash.is_md5() {
            return Ok(None);
        }
        let listing = store.list(folder.prefix.as_str()).await?;
        let pending = folder.pending()?;
        if listing.is_empty() || listing.iter().any(|object| object.key == pending.as_str()) {
            return Ok(None);
        }
        let files = stream::iter(listing.iter().filter(|object| !object.key.ends_with('/')))
            .map(|object| async move {
                let key = Key::parse(&object.key)?;
                let path = RelPath::parse(
                    object.key.strip_prefix(self.track.cached(code_hash).as_str()).unwrap_or(""),
                )?;
                let facts = store.head(&key).await?;
                let sha256 = facts.and_then(|facts| facts.sha256());
                anyhow::Ok(sha256.map(|sha256| ManifestFile {
                    path,
                    size: object.size,
                    mode: Mode::Plain,
                    sha256,
                    key,
                }))
            })
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        match files.into_iter().collect::<Option<Vec<_>>>() {
            Some(files) if !files.is_empty() => Ok(Some((None, files))),
            _ => {
                store.report().warn(format!(
                    "{} is not used: not every object in it has a package-hash to check it against",
                    store.uri(folder.prefix.as_str())
                ));
                Ok(None)
            }
        }
    }

    /// Uploads a directory, publishes it, and fills the cache.
    pub async fn upload(
        &self,
        directory: &Path,
        selection: &Selection,
        code_hash: Option<CodeHash>,
        current: Option<Current<Published>>,
    ) -> anyhow::Result<Outcome> {
        let store = &*self.engine.store;
        let found = scan(directory, selection, &RESERVED)?;
        if found.is_empty() {
            let what = match selection.globs() {
                "" => format!("{} holds no file to publish", directory.display()),
                globs => format!("{}: no file matches {globs}", directory.display()),
            };
            return Err(fault(what, "hidden files are left out unless `include_hidden` is true"));
        }
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let hashed = stream::iter(bundles(found))
            .map(|bundle| {
                let store = self.engine.store.clone();
                blocking(move || {
                    bundle.iter().map(|file| hash(file, store.part_of(file.size))).collect()
                })
            })
            .buffered(threads)
            .try_collect::<Vec<Vec<_>>>()
            .await?;
        let hashed = hashed.into_iter().flatten().map(|file| Item::Disk(Arc::new(file))).collect();
        let current = self.begun(current).await?;
        let standing = publish::publish(
            self.engine,
            Publication {
                folder: &self.folder(),
                items: hashed,
                provenance: &self.provenance(code_hash, None),
                options: self.options,
                position: &current.head.position(),
            },
        )
        .await?;
        store.report().success(format!(
            "published {} ({}) as {}",
            count(standing.manifest.files.len(), "file"),
            size(standing.manifest.size()),
            store.uri(self.folder().prefix.as_str()),
        ));
        self.finish(standing, current, Cache::Unknown).await
    }

    /// Fills the cache where that is still to be done, and enters the set in the history.
    async fn finish(
        &self,
        standing: Standing,
        current: Current<Published>,
        cache: Cache,
    ) -> anyhow::Result<Outcome> {
        let Standing { manifest, position } = standing;
        let known = current.head.entries().iter().any(|known| known.what.commit == manifest.commit);
        if known {
            return Ok(found(manifest));
        }
        if cache == Cache::Unknown
            && let Some(code_hash) = &manifest.code_hash
        {
            self.fill_cache(code_hash, &manifest, &current).await?;
        }
        self.append(current, &published(&manifest), position.as_ref()).await?;
        Ok(found(manifest))
    }

    async fn fill_cache(
        &self,
        code_hash: &CodeHash,
        manifest: &Manifest,
        current: &Current<Published>,
    ) -> anyhow::Result<()> {
        let cache = rules::folder(self.track.cached(code_hash));
        let store = &self.engine.store;
        if store.head(&cache.manifest()?).await?.is_some() {
            return Ok(());
        }
        let mut provenance = self.provenance(Some(code_hash.clone()), None);
        provenance.commit = manifest.commit.clone();
        publish::publish(
            self.engine,
            Publication {
                folder: &cache,
                items: manifest.files.iter().cloned().map(Item::Object).collect(),
                provenance: &provenance,
                options: self.options,
                position: &current.head.position(),
            },
        )
        .await?;
        store.report().info(format!("cached as {}", store.uri(cache.prefix.as_str())));
        Ok(())
    }

    async fn append(
        &self,
        current: Current<Published>,
        entry: &Published,
        position: Option<&Position>,
    ) -> anyhow::Result<Published> {
        let is_same = |known: &Published| known.commit == entry.commit;
        let record = self.record()?;
        Ok(record.append(current, position, is_same, self.run, entry).await?.what)
    }

    pub(super) fn response(&self, outcome: Outcome) -> anyhow::Result<Response> {
        let Outcome::Published { entry, manifest } = outcome else {
            return Err(anyhow::anyhow!("a set that is missing has no version"));
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
        let store = &self.engine.store;
        let metadata = match manifest {
            Some(manifest) => describe(store, &self.folder(), &manifest),
            None => vec![
                metadata("commit", entry.commit.as_str()),
                metadata("s3_uri", store.uri(self.folder().prefix.as_str().trim_end_matches('/'))),
            ],
        };
        Ok(Response { version, metadata })
    }
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
}
