//! What s3-asset-manager left: folders of objects that say about themselves, in their metadata,
//! what a manifest would say of them.

use crate::s3::store::{Listed, Store};
use crate::s3::transfer::missing;
use crate::tracks::artifacts::rules::is_file;
use crate::words::digest::Sha256;
use crate::words::names::{CodeHash, CommitId, Key, Prefix, RelPath};
use crate::words::object::{CODE_HASH, COMMIT_HASH};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

/// Requests about the objects of one folder at once; folders are read side by side as well.
const AT_ONCE: usize = 4;

/// An object of such a folder.
#[derive(Debug, Clone)]
pub(super) struct LegacyFile {
    /// Below the folder.
    pub(super) path: RelPath,
    /// Where it lies.
    pub(super) key: Key,
    /// In bytes.
    pub(super) size: u64,
    /// When it was written, seconds since 1970.
    pub(super) modified: i64,
    /// `package-hash`.
    pub(super) sha256: Option<Sha256>,
    /// `commit-hash`: of a copy out of the cache, the commit that filled the cache.
    pub(super) commit: Option<CommitId>,
    /// `code-hash`.
    pub(super) code_hash: Option<CodeHash>,
}

/// Reads what the objects of a folder say about themselves.
pub(super) async fn read(
    store: &Store,
    folder: &Prefix,
    objects: &[Listed],
) -> anyhow::Result<Vec<LegacyFile>> {
    stream::iter(objects.iter().filter(|object| is_file(folder.as_str(), &object.key)))
        .map(|object| async move {
            let path = RelPath::parse(object.key.strip_prefix(folder.as_str()).unwrap_or(""))?;
            let key = Key::parse(&object.key)?;
            let facts = store.head(&key).await?;
            let facts = facts.ok_or_else(|| missing(&store.uri(key.as_str())))?;
            let text = |name: &str| facts.metadata.get(name).map(String::as_str).unwrap_or("");
            anyhow::Ok(LegacyFile {
                path,
                size: facts.size,
                modified: object.modified,
                sha256: facts.sha256(),
                commit: CommitId::parse(text(COMMIT_HASH)).ok(),
                code_hash: CodeHash::parse(text(CODE_HASH)).ok(),
                key,
            })
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}
