//! What GoCD's S3 material takes a bucket to mean, and what of it is ours.
//!
//! Its poller lists the folders below a job, asks for the metadata of *every* folder's marker (the
//! object whose key is the folder's, slash included) and stops for good when one has none. It keeps
//! those with `completed`, reads each name as two or three Java integers, and reports the greatest. So:
//! - a marker is the first thing in a folder, without `completed`, and the last, with it;
//! - nothing of ours is a folder below a job: what we remember lies in `.history/`;
//! - markers are empty objects, which all have one tag: no write can depend on which stands there.
//!   So a folder is claimed by the create-only write of its marker, once, and nobody ever takes a
//!   claim over.

mod describe;
mod files;
mod marker;
mod revision;
mod walk;

pub use describe::describe;
pub use files::{FileList, ListedFile};
pub use marker::{
    Annotations, COMPLETED, LABEL, Marker, TRACEBACK_URL, USER, integer, kept, names, uncompleted,
};
pub use revision::Revision;
pub use walk::{AT_MOST, Search, Walk};

use crate::input::protocol::Version;
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::names::shown;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What the files of a get are beside: no file of a folder has one of these names.
pub const RESERVED: [&str; 3] = [".revision", ".label", ".annotations.json"];

/// An entry of a job's history: a revision was completed by this resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Which.
    pub revision: Revision,
    /// By which put: see [`FileList::claim`]. None: the folder was only annotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Sha256>,
}

/// Reads a version.
pub(super) fn of_version(version: &Version) -> anyhow::Result<Revision> {
    const KEY: &str = "revision";
    if let Some(key) = version.keys().find(|key| *key != KEY) {
        return Err(fault(
            format!("version: unknown key `{}`", shown(key)),
            "a version is {revision: <two or three numbers>}",
        ));
    }
    let text = version.get(KEY).map_or("", String::as_str);
    // A version names a folder, which has no white space around its name.
    Revision::of_folder(text)
        .map_or_else(|| Revision::parse(text).map_err(|e| e.context("version.revision")), Ok)
}

/// The version of a revision.
pub(super) fn version(revision: &Revision) -> Version {
    Version::from([("revision".to_owned(), revision.to_string())])
}

/// The folders below a job: those that the poller can read, and the others.
pub(super) fn sorted(names: BTreeSet<String>) -> (BTreeSet<Revision>, Vec<String>) {
    let (mut revisions, mut strange) = (BTreeSet::new(), Vec::new());
    for name in names {
        match Revision::of_folder(&name) {
            Some(revision) => {
                revisions.insert(revision);
            }
            None => strange.push(name),
        }
    }
    (revisions, strange)
}
