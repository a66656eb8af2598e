//! What a put reads of the disk: the hash of the commit's code, and the files of its directory.
//!
//! Invariant: each is read once, however often the put looks at the bucket.

use super::Gathering;
use crate::history::stored::Current;
use crate::input::selection::Selection;
use crate::machine::workspace::{Digests, Found, Hashed, scan};
use crate::s3::transfer::Engine;
use crate::tracks::artifacts::code::{hash_code, warn_if_dirty};
use crate::tracks::artifacts::put::Code;
use crate::tracks::artifacts::reuse;
use crate::tracks::artifacts::rules::{Published, RESERVED};
use crate::words::fault::fault;
use crate::words::names::CodeHash;
use std::path::Path;
use std::sync::Arc;

impl Gathering<'_> {
    /// The hash of the commit's code, for a put that asks the cache.
    pub(super) async fn code_hash(&mut self) -> anyhow::Result<Option<CodeHash>> {
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

    /// Finds and hashes the files of the directory, where the put names one; and reads meanwhile which
    /// of them the newest sets have, where a history is given.
    pub(super) async fn read_local(
        &mut self,
        current: Option<&Current<Published>>,
    ) -> anyhow::Result<()> {
        let (None, Some((directory, selection))) = (&self.local, &self.ask.directory) else {
            return Ok(());
        };
        let found = find(directory, selection)?;
        let current = current.filter(|_| reuse::is_any_worth(&found));
        let older = reuse::older(self.store(), self.track, &self.ask.commit, current);
        let (local, older) =
            futures_util::future::join(self.engine.hash_all(found, Digests::Parts), older).await;
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
    engine.hash_all(find(directory, selection)?, Digests::Parts).await
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
