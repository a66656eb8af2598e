//! What stands in a commit's folder: its own manifest, or one that a neighbour copied there.
//!
//! s3-asset-manager's check copies all that lies in the cache's folder of some code into the
//! folder of a commit with the same code: our manifest and claim too, and nested files by their last
//! names. Such a manifest names the cache's keys. It says truly which bytes the set has, so it is
//! no damage: a get reads them from the cache, and a put makes the commit's own set of them.

use super::rules;
use super::source::Artifacts;
use crate::s3::store::{ETag, Fetched, Store};
use crate::s3::transfer::AT_ONCE;
use crate::sealing::publish::{Standing, holds};
use crate::sealing::set::{Folder, Manifest};
use crate::words::names::{CodeHash, CommitId};
use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

/// A manifest in a commit's folder.
#[derive(Debug)]
pub enum Stood {
    /// The set's own.
    Own(Standing),
    /// The cache's, copied by s3-asset-manager.
    Copied {
        /// What it says.
        manifest: Manifest,
        /// The copy.
        etag: ETag,
    },
}

/// Reads the manifest of a commit's folder.
pub async fn stood(
    store: &Store,
    track: &Artifacts,
    commit: &CommitId,
) -> anyhow::Result<Option<Stood>> {
    let folder = rules::folder(track.set(commit));
    let key = folder.manifest()?;
    let Some(fetched) = store.get(&key).await? else { return Ok(None) };
    read(fetched, &folder, track).with_context(|| store.uri(key.as_str())).map(Some)
}

/// Tells whose manifest it is; of a set that was removed, the error says so.
pub fn read(fetched: Fetched, folder: &Folder, track: &Artifacts) -> anyhow::Result<Stood> {
    let (bytes, etag) = (fetched.bytes.clone(), fetched.etag.clone());
    let own = Standing::read(fetched, folder);
    if own.is_err()
        && let Some(manifest) = of_cache(&bytes, track)
    {
        return Ok(Stood::Copied { manifest, etag });
    }
    own.map(Stood::Own)
}

/// The manifest of the cache's set for the code that it names itself.
fn of_cache(bytes: &[u8], track: &Artifacts) -> Option<Manifest> {
    #[derive(serde::Deserialize)]
    struct Code {
        code_hash: CodeHash,
    }
    let Code { code_hash } = serde_json::from_slice(bytes).ok()?;
    Manifest::parse(bytes, &rules::folder(track.cached(&code_hash))).ok()
}

/// What a copied manifest makes of a commit's set: the same files, each read under the commit's
/// plain key where that holds its bytes, else in the cache.
pub async fn adopted(
    store: &Store,
    track: &Artifacts,
    commit: &CommitId,
    mut copied: Manifest,
) -> anyhow::Result<Manifest> {
    let folder = rules::folder(track.set(commit));
    copied.files = stream::iter(copied.files)
        .map(|mut file| {
            let folder = &folder;
            async move {
                let plain = folder.plain(&file.path)?;
                if holds(store.head(&plain).await?.as_ref(), file.size, &file.sha256) {
                    file.key = plain;
                }
                anyhow::Ok(file)
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    copied.cached_from = Some(copied.commit).filter(|from| from != commit);
    copied.commit = commit.clone();
    Ok(copied)
}
