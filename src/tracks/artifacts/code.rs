//! The code of a checkout: which commit it is, the hash of what patterns pick out of it, and whether
//! it is as it was committed.

use crate::code_hash::files::code_hash;
use crate::code_hash::repo::Repo;
use crate::code_hash::{NoFiles, NothingMatches, Recipe};
use crate::machine::report::{Report, count};
use crate::s3::transfer::blocking;
use crate::words::fault::{Fault, fault};
use crate::words::names::{CodeHash, CommitId};
use std::collections::BTreeMap;
use std::path::Path;

/// Opens a checkout; an error says what is wrong with it.
pub fn open(repository: &Path) -> anyhow::Result<Repo> {
    Repo::open(repository).map_err(|e| anyhow::Error::new(Fault::from(e)).context("repository"))
}

/// The commits that the tags of a checkout point to, each with a tag.
pub fn tags(repository: &Path) -> anyhow::Result<BTreeMap<CommitId, String>> {
    let tags = open(repository)?.tags().map_err(|e| {
        fault(format!("the tags cannot be read: {e:#}"), "name the commits instead, one by one")
    })?;
    let tags = tags.into_iter();
    tags.map(|(commit, tag)| Ok((CommitId::parse(&commit)?, tag))).collect()
}

/// Hashes the code of a checkout, and warns of patterns that matched nothing.
pub async fn hash_code(
    recipe: &Recipe,
    repository: &Path,
    no_files: NoFiles,
    report: &Report,
) -> anyhow::Result<CodeHash> {
    let (recipe_, repository_) = (recipe.clone(), repository.to_owned());
    let hash = blocking(move || code_hash(&repository_, &recipe_, no_files)).await;
    let hash = hash.map_err(|e| match e.downcast_ref::<NothingMatches>() {
        Some(nothing) => fault(format!("code_hash: {nothing}"), nothing.hint()),
        None => e.context("code_hash"),
    })?;
    if let (Recipe::Sha256(patterns) | Recipe::GitTree(patterns), Some(listing)) =
        (recipe, &hash.listing)
    {
        for pattern in patterns.unmatched(listing) {
            report.warn(format!(
                "code_hash: `{pattern}` matches nothing in {}",
                repository.display()
            ));
        }
    }
    report.info(format!(
        "code hash {} ({} of {})",
        hash.hex,
        recipe.algorithm(),
        count(hash.files, "file")
    ));
    CodeHash::parse(&hash.hex)
}

/// Says what differs from the commit that the set is published for.
pub(super) fn warn_if_dirty(report: &Report, repository: &Path) {
    let repo = match Repo::open(repository) {
        Ok(repo) => repo,
        Err(e) => {
            report.warn(format!(
                "whether the files are those of the commit is not known: {:#}",
                anyhow::Error::new(e)
            ));
            return;
        }
    };
    let dirt = match repo.dirt() {
        Ok(dirt) => dirt,
        Err(e) => {
            report.warn(format!(
                "whether the files are those of the commit is not known: {e:#} (a sparse index cannot be read here: `git sparse-checkout reapply --no-sparse-index`)"
            ));
            return;
        }
    };
    if dirt.changed > 0 {
        report.warn(format!(
            "{} differs from its commit: {} changed ({})",
            repository.display(),
            count(dirt.changed, "file"),
            dirt.first_changed.join(", "),
        ));
    }
}
