//! Publishing a set of files under a folder: claim, send, seal, and make the plain keys agree.
//!
//! [`crate::sealing::set`] says which keys a set may write and why that is safe under races; this file
//! carries it out. Killed anywhere, the same put again finishes: what is already there with the
//! same bytes is not sent again.

use crate::history::Position;
use crate::machine::workspace::Hashed;
use crate::s3::store::{Condition, Facts, Fetched, Listed, Store, Written};
use crate::s3::transfer::{AT_ONCE, Engine, missing};
use crate::sealing::set::{Claim, Folder, Manifest, ManifestFile, Provenance, digest};
use crate::words::digest::Sha256;
use crate::words::file::FileFacts;
use crate::words::names::{Key, RelPath};
use crate::words::object::ObjectOptions;
use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::HashMap;
use std::sync::Arc;

/// A file of a set to publish, and where its bytes are.
#[derive(Debug, Clone)]
pub enum Item {
    /// On disk.
    Disk(Arc<Hashed>),
    /// In the bucket.
    Object(ManifestFile),
}

impl Item {
    fn facts(&self) -> FileFacts {
        match self {
            Item::Disk(file) => file.facts.clone(),
            Item::Object(file) => file.facts(),
        }
    }
}

/// A set to publish.
#[derive(Debug)]
pub struct Publication<'a> {
    /// Where.
    pub folder: &'a Folder,
    /// What.
    pub items: Vec<Item>,
    /// For which commit, by whom.
    pub provenance: &'a Provenance,
    /// What the user wants of each object.
    pub options: &'a ObjectOptions,
    /// Where the history stood before: a reader of the manifest finds its entry from there.
    pub position: &'a Position,
}

/// A published set, as it stands in the bucket.
#[derive(Debug)]
pub struct Standing {
    /// What it holds.
    pub manifest: Manifest,
    /// Its entry in the history has at least this number.
    pub position: Option<Position>,
}

/// The metadata of a manifest that holds a [`Position`].
pub const POSITION: &str = "history";

/// Reads the manifest of a folder.
pub async fn standing(store: &Store, folder: &Folder) -> anyhow::Result<Option<Standing>> {
    let key = folder.manifest()?;
    let Some(Fetched { bytes, metadata, .. }) = store.get(&key).await? else { return Ok(None) };
    let manifest = Manifest::parse(&bytes, folder).with_context(|| store.uri(key.as_str()))?;
    let position = metadata.get(POSITION).and_then(|text| Position::parse(text));
    Ok(Some(Standing { manifest, position }))
}

/// Publishes a set; answers what stands afterwards, which is another's when another put was faster.
pub async fn publish(engine: &Engine, publication: Publication<'_>) -> anyhow::Result<Standing> {
    let store = &*engine.store;
    let Publication { folder, items, provenance, options, position } = publication;
    let facts: Vec<FileFacts> = items.iter().map(Item::facts).collect();
    let digest = digest(&facts);
    let (owner, existing) = claim(store, folder, &digest, provenance, options).await?;
    let writer = Writer {
        engine,
        folder,
        digest,
        owner,
        existing,
        options: with_provenance(options, provenance),
    };
    store.report().begin(
        if matches!(items.first(), Some(Item::Object(_))) { "copying" } else { "uploading" },
        items.len(),
        facts.iter().map(|file| file.size).sum(),
    );
    let files = stream::iter(items)
        .map(|item| writer.place(item))
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await;
    store.report().end();
    let manifest = Manifest::new(provenance, files?);
    let stands = seal(store, folder, manifest, options, position).await?;
    agree(engine, folder, &stands.manifest, options).await?;
    Ok(stands)
}

/// Writes the manifest of a set whose files are all there, which publishes it; answers what stands
/// afterwards, which is another's when another put was faster.
pub async fn seal(
    store: &Store,
    folder: &Folder,
    manifest: Manifest,
    options: &ObjectOptions,
    position: &Position,
) -> anyhow::Result<Standing> {
    let key = folder.manifest()?;
    let bytes = manifest.to_bytes()?;
    let mut own = sealed(options);
    own.metadata.insert(POSITION.to_owned(), position.to_string());
    let sha256 = Sha256::of(&bytes);
    let written = store.put(&key, bytes.into(), sha256, &Condition::Absent, &own).await?;
    Ok(match written {
        Written::Yes => Standing { manifest, position: Some(position.clone()) },
        // Another put, or this one before its answer was lost.
        Written::Refused => standing(store, folder)
            .await?
            .with_context(|| format!("{}: refused, and not there", store.uri(key.as_str())))?,
    })
}

/// Copies over the plain keys what the manifest names elsewhere, where they do not hold it yet:
/// for readers that know nothing of manifests.
pub async fn agree(
    engine: &Engine,
    folder: &Folder,
    manifest: &Manifest,
    options: &ObjectOptions,
) -> anyhow::Result<()> {
    let store = &*engine.store;
    let provenance = Provenance {
        commit: manifest.commit.clone(),
        code_hash: manifest.code_hash.clone(),
        cached_from: None,
        time: String::new(),
        build: crate::words::build::Build::default(),
    };
    let options = with_provenance(options, &provenance);
    let elsewhere = manifest.files.iter().filter_map(|file| match folder.plain(&file.path) {
        Ok(plain) if plain == file.key => None,
        plain => Some(plain.map(|plain| (file, plain))),
    });
    stream::iter(elsewhere)
        .map(|it| async {
            let (file, plain) = it?;
            if holds(store.head(&plain).await?.as_ref(), file.size, &file.sha256) {
                return Ok(());
            }
            let from = source(store, file).await?;
            store.copy(&file.key, &from, &plain, &of_file(&options, &file.path, &file.sha256)).await
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// Writes `.pending`, or reads whose it is: whether the plain keys are this set's, and what lies in
/// the folder already.
async fn claim(
    store: &Store,
    folder: &Folder,
    digest: &Sha256,
    provenance: &Provenance,
    options: &ObjectOptions,
) -> anyhow::Result<(bool, HashMap<String, u64>)> {
    let key = folder.pending()?;
    let bytes = Claim::new(*digest, provenance).to_bytes()?;
    let sha256 = Sha256::of(&bytes);
    let mine = store.put(&key, bytes.into(), sha256, &Condition::Absent, &sealed(options)).await?;
    if mine == Written::Yes {
        return Ok((true, HashMap::new()));
    }
    let standing = store.get(&key).await?;
    let owner = standing.and_then(|it| Claim::digest_in(&it.bytes)).as_ref() == Some(digest);
    let listed = store.list(folder.prefix.as_str()).await?;
    Ok((owner, listed.into_iter().map(|Listed { key, size, .. }| (key, size)).collect()))
}

struct Writer<'a> {
    engine: &'a Engine,
    folder: &'a Folder,
    digest: Sha256,
    /// Whether the plain keys are this set's.
    owner: bool,
    /// What lay in the folder when the set was claimed by another put: keys and sizes.
    existing: HashMap<String, u64>,
    options: ObjectOptions,
}

impl Writer<'_> {
    /// Brings one file under a key that may hold it, and answers which.
    async fn place(&self, item: Item) -> anyhow::Result<ManifestFile> {
        let facts = item.facts();
        let placed = |key| ManifestFile {
            path: facts.path.clone(),
            size: facts.size,
            mode: facts.mode,
            sha256: facts.sha256,
            key,
        };
        let plain = self.folder.plain(&facts.path)?;
        if self.is_there(&plain, &facts).await? {
            return Ok(placed(plain));
        }
        let taken = self.existing.contains_key(plain.as_str());
        if self.owner && !taken && self.write(&item, &facts, &plain).await? {
            return Ok(placed(plain));
        }
        let own = self.folder.own(&self.digest, &facts.path)?;
        if self.is_there(&own, &facts).await? || self.write(&item, &facts, &own).await? {
            return Ok(placed(own));
        }
        Err(crate::s3::transfer::corrupt(
            &self.engine.store.uri(own.as_str()),
            "other bytes lie under a key that only this set may use".to_owned(),
        ))
    }

    /// Whether a put before left the file under a key.
    async fn is_there(&self, key: &Key, facts: &FileFacts) -> anyhow::Result<bool> {
        if self.existing.get(key.as_str()) != Some(&facts.size) {
            return Ok(false);
        }
        let there = self.engine.store.head(key).await?;
        let holds = holds(there.as_ref(), facts.size, &facts.sha256);
        if holds {
            self.engine.store.report().advance(1, facts.size);
        }
        Ok(holds)
    }

    /// Writes a file under a key; false when other bytes are there.
    async fn write(&self, item: &Item, facts: &FileFacts, key: &Key) -> anyhow::Result<bool> {
        let store = &self.engine.store;
        let options = of_file(&self.options, &facts.path, &facts.sha256);
        match item {
            Item::Disk(file) => {
                if self.engine.upload(file, key, &Condition::Absent, &options).await?
                    == Written::Yes
                {
                    return Ok(true);
                }
                Ok(holds(store.head(key).await?.as_ref(), facts.size, &facts.sha256))
            }
            Item::Object(file) => {
                let from = source(store, file).await?;
                store.copy(&file.key, &from, key, &options).await?;
                store.report().advance(1, facts.size);
                Ok(true)
            }
        }
    }
}

/// The object that a manifest names, when it still is what was published.
async fn source(store: &Store, file: &ManifestFile) -> anyhow::Result<Facts> {
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

fn holds(there: Option<&Facts>, size: u64, sha256: &Sha256) -> bool {
    there.is_some_and(|there| there.size == size && there.sha256().as_ref() == Some(sha256))
}

/// The metadata that s3-asset-manager writes, and Terraform reads.
fn with_provenance(options: &ObjectOptions, provenance: &Provenance) -> ObjectOptions {
    let mut options = options.clone();
    options.metadata.insert("commit-hash".to_owned(), provenance.commit.to_string());
    if let Some(code_hash) = &provenance.code_hash {
        options.metadata.insert("code-hash".to_owned(), code_hash.to_string());
    }
    options
}

fn of_file(options: &ObjectOptions, path: &RelPath, sha256: &Sha256) -> ObjectOptions {
    let mut options = options.clone();
    options.metadata.insert("package-hash".to_owned(), sha256.base64());
    if options.content_type.is_none() {
        let guess = mime_guess::from_path(path.as_str()).first_or_octet_stream();
        options.content_type = Some(guess.essence_str().to_owned());
    }
    options
}

/// What the objects beside the files carry: who may read them, and that they are JSON.
fn sealed(options: &ObjectOptions) -> ObjectOptions {
    ObjectOptions {
        acl: options.acl.clone(),
        tags: options.tags.clone(),
        content_type: Some("application/json".to_owned()),
        ..ObjectOptions::default()
    }
}
