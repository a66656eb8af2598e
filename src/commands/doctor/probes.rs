//! What is tried out, one thing after the other.

use crate::s3::store::Store;
use crate::words::fault::hint_of;
use crate::words::names::Prefix;
use serde::Serialize;
use settings::clock;

mod objects;
mod settings;

pub(super) use settings::NOT_KEPT;

/// Something that is tried out, or asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Probe {
    #[serde(rename = "reach")]
    Reach,
    #[serde(rename = "signed by")]
    Signer,
    #[serde(rename = "clock")]
    Clock,
    #[serde(rename = "put")]
    Put,
    #[serde(rename = "get")]
    Get,
    #[serde(rename = "missing object")]
    Missing,
    #[serde(rename = "checksums")]
    Checksums,
    #[serde(rename = "create-only put")]
    CreateOnly,
    #[serde(rename = "put if unchanged")]
    Unchanged,
    #[serde(rename = "sixteen at once")]
    Sixteen,
    #[serde(rename = "copy")]
    Copy,
    #[serde(rename = "multipart")]
    Multipart,
    #[serde(rename = "listing")]
    Listing,
    #[serde(rename = "zero-byte folder keys")]
    FolderKey,
    #[serde(rename = "versions")]
    Versions,
    #[serde(rename = "lifecycle")]
    Lifecycle,
    #[serde(rename = "encryption")]
    Encryption,
    #[serde(rename = "delete")]
    Delete,
}

impl Probe {
    /// Its name, for people and programs.
    pub(super) fn name(self) -> String {
        let name = serde_json::to_value(self).unwrap_or_default();
        name.as_str().unwrap_or_default().to_owned()
    }
}

/// What one probe found: a few words, or what is wrong.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) probe: Probe,
    pub(super) result: Result<String, Trouble>,
}

/// What is wrong, and what to do.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) what: String,
    pub(super) hint: String,
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Trouble {
        let hint = hint_of(&error).unwrap_or_default().to_owned();
        Trouble { what: format!("{error:#}"), hint }
    }
}

fn trouble(what: impl Into<String>, hint: &str) -> anyhow::Error {
    crate::words::fault::fault(what.into(), hint)
}

/// The probes of a bucket.
pub(super) struct Probes<'a> {
    pub(super) store: &'a Store,
    /// Everything is written below it.
    pub(super) folder: &'a Prefix,
    /// Below which the track keeps what it has.
    pub(super) prefix: &'a str,
}

impl Probes<'_> {
    /// Tries everything out; when the bucket cannot be reached, nothing else, and where nothing can be
    /// written, what needs no object. An error is one of this machine.
    pub(super) async fn all(&self) -> anyhow::Result<Vec<Found>> {
        let mut all = Vec::new();
        let mut tell = |probe, result: anyhow::Result<String>| {
            let is_good = result.is_ok();
            all.push(Found { probe, result: result.map_err(Trouble::from) });
            is_good
        };
        tell(Probe::Signer, self.signer().await);
        let is_reached = tell(Probe::Reach, self.reach().await);
        let ahead = self.store.clock_ahead();
        if is_reached || ahead.is_some() {
            tell(Probe::Clock, clock(ahead));
        }
        if !is_reached {
            return Ok(all);
        }
        let is_written = tell(Probe::Put, self.put().await);
        if is_written {
            tell(Probe::Get, self.get().await);
        }
        tell(Probe::Missing, self.missing().await);
        if is_written {
            self.of_what_is_written(&mut tell).await;
        }
        tell(Probe::Versions, self.versions().await);
        tell(Probe::Lifecycle, self.lifecycle().await);
        tell(Probe::Encryption, self.encryption().await);
        if is_written {
            tell(Probe::Delete, self.delete().await);
        }
        Ok(all)
    }

    /// What needs an object, or writes more of them.
    async fn of_what_is_written(
        &self,
        tell: &mut impl FnMut(Probe, anyhow::Result<String>) -> bool,
    ) {
        tell(Probe::Checksums, self.checksums().await);
        tell(Probe::CreateOnly, self.create_only().await);
        tell(Probe::Unchanged, self.unchanged().await);
        tell(Probe::Sixteen, self.sixteen().await);
        tell(Probe::Copy, self.copy().await);
        tell(Probe::Multipart, self.multipart().await);
        tell(Probe::Listing, self.listing().await);
        tell(Probe::FolderKey, self.folder_key().await);
    }
}
