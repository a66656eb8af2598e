//! Blobs: under their own SHA-256, so every write to a key carries the same bytes, and races
//! between them, of multipart uploads too, change nothing.
//!
//! Invariant against `gc`, which sets a blob aside that nothing refers to: an add that found its
//! blob there, and did not write it, looks again when its record stands, and writes it when it has
//! gone. See [`crate::commands`]'s `package gc` for the other half.

use super::{Candidate, Ledger};
use crate::machine::workspace::Hashed;
use crate::s3::store::{Condition, Facts, Written};
use crate::s3::transfer::missing;
use crate::tracks::package::rules::VersionRecord;
use crate::words::names::Key;
use crate::words::object::ObjectOptions;

/// How a blob came to be in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It was uploaded.
    Uploaded,
    /// It was there.
    Found,
}

impl Ledger {
    /// Brings a candidate's blob into the store, unless it is there.
    pub(super) async fn place(&self, candidate: &Candidate) -> anyhow::Result<Placed> {
        let (file, options) = (&candidate.file, &candidate.options);
        let key = self.package.blob(&file.facts.sha256)?;
        let facts = self.blobs.store.head_if_allowed(&key).await?;
        if is_whole(facts.as_ref(), file) {
            let uri = self.blobs.store.uri(key.as_str());
            self.blobs.store.report().info(format!("already in the store: {uri}"));
            return Ok(Placed::Found);
        }
        // What is shorter or longer than its content is no blob.
        let condition = if facts.is_some() { Condition::None } else { Condition::Absent };
        self.upload(candidate, &key, &condition, options).await
    }

    /// Looks whether a blob that was found is there still.
    pub(super) async fn place_again(
        &self,
        candidate: &Candidate,
        placed: Placed,
    ) -> anyhow::Result<()> {
        let key = self.package.blob(&candidate.file.facts.sha256)?;
        if placed == Placed::Found && self.blobs.store.head_if_allowed(&key).await?.is_none() {
            self.upload(candidate, &key, &Condition::Absent, &candidate.options).await?;
        }
        Ok(())
    }

    /// Where a version's blob lies, and its size: sacker's records do not say how large it is, and
    /// what `gc` set aside is still a version's when its record came meanwhile.
    pub async fn blob_of(&self, record: &VersionRecord) -> anyhow::Result<(Key, u64)> {
        let store = &self.blobs.store;
        let key = self.package.blob(&record.sha)?;
        if let Some(facts) = store.head(&key).await? {
            return Ok((key, record.size.unwrap_or(facts.size)));
        }
        let aside = self.package.aside(&record.sha)?;
        match store.head_if_allowed(&aside).await? {
            Some(facts) => Ok((aside, record.size.unwrap_or(facts.size))),
            None => Err(missing(&store.uri(key.as_str()))),
        }
    }

    async fn upload(
        &self,
        candidate: &Candidate,
        key: &Key,
        condition: &Condition,
        options: &ObjectOptions,
    ) -> anyhow::Result<Placed> {
        let report = self.blobs.store.report();
        report.begin("uploading", 1, candidate.file.facts.size);
        let written = self.blobs.upload(&candidate.file, key, condition, options).await;
        report.end();
        Ok(match written? {
            Written::Yes => Placed::Uploaded,
            // Whatever another wrote under this key is the same.
            Written::Refused => Placed::Found,
        })
    }
}

fn is_whole(facts: Option<&Facts>, file: &Hashed) -> bool {
    facts.is_some_and(|facts| facts.size == file.facts.size)
}
