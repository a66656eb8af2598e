//! Blobs: under their own SHA-256, so every write to a key carries the same bytes, and races
//! between them, of multipart uploads too, change nothing.
//!
//! Invariant against `gc`, which sets a blob aside that nothing refers to: an add that found its
//! blob there, and did not write it, looks again when its record stands, and writes it when it has
//! gone. See [`crate::commands`]'s `package gc` for the other half.

use super::{Ledger, Putting};
use crate::s3::store::Condition;
use crate::s3::transfer::missing;
use crate::tracks::package::plan::{Act, Addition, Ask, Over, Sent, sending};
use crate::tracks::package::rules::VersionRecord;
use crate::words::build::Run;
use crate::words::names::Key;

impl Ledger {
    /// Brings the blob of a version into the store, unless it is there.
    pub(super) async fn place(&self, addition: &Addition) -> anyhow::Result<()> {
        let act = Act::Add(addition.clone());
        let ask = Ask { act, tags: Vec::new(), untag: Vec::new() };
        let mut sent = Sent::No;
        loop {
            let putting = Putting::new(&ask, &Run::default());
            let (blob, etag, _) = self.blob(Some(addition), &putting).await?;
            let condition = match sending(&blob, sent, false)? {
                None => return Ok(()),
                Some((Over::Nothing, _)) => Condition::Absent,
                Some((Over::WrongBytes, _)) => Condition::still(etag.as_ref()),
            };
            self.send(addition, &condition).await?;
            sent = Sent::Written;
        }
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
}
