//! All that the plan of a put depends on, read before anything is written.

use super::check::markers;
use super::rules::{Annotations, FileList, Marker, Published, Revision, sorted};
use super::source::Gocd;
use crate::history::stored::{Current, History};
use crate::machine::workspace::Hashed;
use crate::s3::store::Store;
use crate::s3::transfer::AT_ONCE;
use crate::words::digest::Sha256;
use crate::words::names::Key;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The newest folders in which a put looks for its own work, left by a run that was killed.
const LOOKED_AT: usize = 24;

/// What a put asks for.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    /// The folder; none: the next.
    pub(super) revision: Option<Revision>,
    /// What goes into it; none: something else uploaded it.
    pub(super) set: Option<Set>,
    /// What its marker says. A label that was not given follows from the revision.
    pub(super) annotations: Annotations,
}

/// Files to publish.
#[derive(Debug, Clone)]
pub(super) struct Set {
    /// Where they are.
    pub(super) files: Vec<Arc<Hashed>>,
    /// What they are.
    pub(super) list: FileList,
    /// The digest of the list.
    pub(super) digest: Sha256,
    /// What the put is known by.
    pub(super) claim: Sha256,
}

/// An object below a marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    /// Its key, without the folder.
    pub(super) name: String,
    /// In bytes.
    pub(super) size: u64,
    /// What it says of its bytes, asked only where it could be a file of the put.
    pub(super) sha256: Option<Sha256>,
}

/// All that the plan of a put depends on.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The greatest pipeline counter of the job's folders.
    pub(super) counter: Option<i32>,
    /// The greatest folder beside the one that was asked for.
    pub(super) greatest: Option<Revision>,
    /// Folders that are no revisions.
    pub(super) strange: Vec<String>,
    /// The markers that were looked at: of the folder that was asked for; else of the newest folders,
    /// and of those that the history says are of this put.
    pub(super) markers: BTreeMap<Revision, Marker>,
    /// What lies in the folder that was asked for, or that a run before claimed.
    pub(super) objects: Vec<Object>,
    /// Whether the job has a history.
    pub(super) has_history: bool,
    /// The revisions that the history's head has.
    pub(super) entered: Vec<Revision>,
}

impl Facts {
    /// The folder that an equal put claimed, and perhaps completed.
    pub(super) fn own(&self, claim: &Sha256) -> Option<(&Revision, &Marker)> {
        let mut own =
            self.markers.iter().filter(|(_, marker)| marker.claim.as_ref() == Some(claim));
        let first = own.next()?;
        Some(if first.1.is_completed {
            first
        } else {
            own.find(|it| it.1.is_completed).unwrap_or(first)
        })
    }
}

/// Reads all facts; with them the history as it was read.
pub(super) async fn gather(
    store: &Store,
    track: &Gocd,
    ask: &Ask,
) -> anyhow::Result<(Facts, Option<Current<Published>>)> {
    let history = History::<Published>::new(store, track.history()?);
    let (folders, current) =
        futures_util::future::try_join(store.folders(track.job.as_str()), history.read()).await?;
    let (folders, strange) = sorted(folders);
    let entries = current.as_ref().map_or(&[][..], |current| current.head.entries());
    let look = match (&ask.revision, &ask.set) {
        (Some(revision), _) => vec![revision.clone()],
        (None, None) => Vec::new(),
        (None, Some(set)) => {
            let own = entries.iter().filter(|entry| entry.what.claim.as_ref() == Some(&set.claim));
            let own = own.map(|entry| &entry.what.revision).filter(|it| folders.contains(*it));
            let is_entered = |revision: &&Revision| {
                entries.iter().any(|entry| entry.what.revision == **revision)
            };
            let newest = folders.iter().rev().filter(|it| !is_entered(it)).take(LOOKED_AT);
            own.chain(newest).cloned().collect()
        }
    };
    let markers = markers(store, track, look).await?.into_iter();
    let mut facts = Facts {
        counter: folders.iter().map(Revision::counter).max(),
        greatest: folders.iter().rfind(|it| ask.revision.as_ref() != Some(*it)).cloned(),
        strange,
        markers: markers.filter_map(|(revision, marker)| Some((revision, marker?))).collect(),
        objects: Vec::new(),
        has_history: !entries.is_empty(),
        entered: entries.iter().map(|entry| entry.what.revision.clone()).collect(),
    };
    let own = ask.set.as_ref().and_then(|set| facts.own(&set.claim));
    let folder = ask.revision.as_ref().or(own.map(|(revision, _)| revision)).cloned();
    if let Some(folder) = folder {
        facts.objects = objects(store, track, &folder, ask.set.as_ref()).await?;
    }
    Ok((facts, current))
}

/// What lies in a folder.
async fn objects(
    store: &Store,
    track: &Gocd,
    revision: &Revision,
    set: Option<&Set>,
) -> anyhow::Result<Vec<Object>> {
    let folder = track.folder(revision);
    let sizes: BTreeMap<&str, u64> = set
        .into_iter()
        .flat_map(|set| &set.list.files)
        .map(|file| (file.path.as_str(), file.size))
        .collect();
    let listed = store.list(folder.as_str()).await?.into_iter().filter_map(|object| {
        let name = object.key.strip_prefix(folder.as_str())?.to_owned();
        (!name.is_empty()).then_some((name, object))
    });
    stream::iter(listed)
        .map(|(name, object)| {
            let is_asked = sizes.get(name.as_str()) == Some(&object.size);
            async move {
                let sha256 = match is_asked {
                    true => {
                        let facts = store.head(&Key::parse(&object.key)?).await?;
                        facts.and_then(|facts| facts.sha256())
                    }
                    false => None,
                };
                anyhow::Ok(Object { name, size: object.size, sha256 })
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}
