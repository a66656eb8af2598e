//! How a set gets into a folder: what lies there comes in, and what is to be written goes out.
//!
//! Why this is safe under races is told in [`crate::sealing::claim`]; here it is decided, and
//! [`crate::sealing::publish`] carries it out.

use crate::machine::report::{count, size};
use crate::machine::workspace::Hashed;
use crate::s3::store::{ETag, Facts, WHOLE};
use crate::sealing::claim::{At, Claimed, How, Seen, place};
use crate::sealing::set::{Folder, Manifest, ManifestFile, Provenance, digest};
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::file::FileFacts;
use crate::words::names::{Bucket, Key};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A file of a set to publish, and where its bytes are.
#[derive(Debug, Clone)]
pub enum Item {
    /// On disk.
    Disk(Arc<Hashed>),
    /// In the bucket.
    Object {
        /// What the object is, and where it lies.
        file: Box<ManifestFile>,
        /// What S3 knows of it, where it was looked at; else it is before it is copied.
        seen: Option<Box<Facts>>,
    },
    /// On disk, and in the bucket as well: copied there, or sent where that cannot be done.
    Both {
        /// On disk.
        file: Arc<Hashed>,
        /// In the bucket.
        twin: Box<Twin>,
    },
}

/// An object outside of the set that was seen to have a file's bytes.
#[derive(Debug, Clone)]
pub struct Twin {
    /// Where it lies.
    pub key: Key,
    /// What S3 knows of it.
    pub seen: Facts,
}

impl Item {
    /// What the file is, wherever it lies.
    pub fn facts(&self) -> FileFacts {
        match self {
            Item::Disk(file) | Item::Both { file, .. } => file.facts.clone(),
            Item::Object { file, .. } => file.facts(),
        }
    }
}

/// What lies in a folder that holds no published set, as far as one set has to do with it.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Who may use the plain keys.
    pub claim: Claimed,
    /// Every key, and the size of its object.
    pub taken: HashMap<String, u64>,
    /// The keys that were seen to hold the bytes that the set has for them.
    pub held: HashSet<Key>,
    /// A manifest that does not count, or a stone, that the set's own manifest replaces.
    pub replaces: Option<ETag>,
    /// Where a set was removed: the generation that every key of the new one has.
    pub generation: Option<String>,
}

impl Ground {
    /// What lies under a key, as the file sees it that the set has for it.
    fn seen(&self, key: &Key) -> Seen {
        if self.held.contains(key) {
            Seen::These
        } else if self.taken.contains_key(key.as_str()) {
            Seen::Others
        } else {
            Seen::Nothing
        }
    }
}

/// A file, and the key that will hold it.
#[derive(Debug, Clone)]
pub struct Placing {
    /// What the file is, and where its bytes are.
    pub item: Item,
    /// Where they go.
    pub key: Key,
    /// By what.
    pub how: How,
}

/// A manifest to write.
#[derive(Debug, Clone)]
pub struct Seal {
    /// What it says.
    pub manifest: Arc<Manifest>,
    /// The one that it replaces; none: there is none.
    pub replaces: Option<ETag>,
    /// The generation that the keys have.
    pub generation: Option<String>,
}

/// What is written into one folder, in this order.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where.
    pub folder: Folder,
    /// For which commit, by whom.
    pub provenance: Provenance,
    /// The claim; none: it stands, or nothing needs one.
    pub claim: Option<Sha256>,
    /// The files.
    pub placings: Vec<Placing>,
    /// The manifest; none: it stands.
    pub seal: Option<Seal>,
    /// What goes over plain keys once the manifest stands.
    pub agree: Vec<ManifestFile>,
}

/// The plan that publishes a set in a folder where none is published.
pub fn publish(
    folder: Folder,
    items: Vec<Item>,
    ground: &Ground,
    provenance: Provenance,
) -> anyhow::Result<Plan> {
    let facts: Vec<FileFacts> = items.iter().map(Item::facts).collect();
    let digest = digest(&facts);
    let generation = ground.generation.as_deref();
    let mut placings = Vec::with_capacity(items.len());
    for (item, facts) in items.into_iter().zip(facts) {
        let plain = folder.plain(&facts.path)?;
        let own = folder.own(&digest, generation, &facts.path)?;
        // Under a stone, what is left of the removed set is being deleted: no plain key is of use.
        let at_plain = if generation.is_some() { Seen::Others } else { ground.seen(&plain) };
        let (at, how) = place(ground.claim, &digest, at_plain, ground.seen(&own));
        let key = match at {
            At::Plain => plain,
            At::Own => own,
        };
        placings.push(Placing { item, key, how });
    }
    let files = placings.iter().map(|placing| placed(&placing.item, placing.key.clone())).collect();
    let manifest = Arc::new(Manifest::new(&provenance, files));
    bound(&manifest)?;
    let agree = elsewhere(&folder, &manifest)?;
    Ok(Plan {
        claim: (generation.is_none() && ground.claim == Claimed::ByNobody).then_some(digest),
        seal: Some(Seal {
            manifest,
            replaces: ground.replaces.clone(),
            generation: ground.generation.clone(),
        }),
        folder,
        provenance,
        placings,
        agree,
    })
}

/// Refuses a set whose manifest would be too large for its readers, before anything is written.
fn bound(manifest: &Manifest) -> anyhow::Result<()> {
    let length = manifest.length()?;
    if length <= WHOLE {
        return Ok(());
    }
    Err(fault(
        format!(
            "{} are too many for one set: its manifest would have {}, and no reader takes more than {}",
            count(manifest.files.len(), "file"),
            size(length),
            size(WHOLE)
        ),
        "publish an archive of them, or several sets, each with an `artifacts_prefix` of its own",
    ))
}

/// The plan that brings back what a published set has lost, and makes its plain keys agree.
pub fn mend(
    folder: Folder,
    lost: Vec<(Item, Key, How)>,
    agree: Vec<ManifestFile>,
    provenance: Provenance,
) -> Plan {
    let placings = lost.into_iter().map(|(item, key, how)| Placing { item, key, how }).collect();
    Plan { folder, provenance, claim: None, placings, seal: None, agree }
}

/// The files of a set that lie under keys of their own.
pub fn elsewhere(folder: &Folder, manifest: &Manifest) -> anyhow::Result<Vec<ManifestFile>> {
    let mut elsewhere = Vec::new();
    for file in &manifest.files {
        if folder.plain(&file.path)? != file.key {
            elsewhere.push(file.clone());
        }
    }
    Ok(elsewhere)
}

fn placed(item: &Item, key: Key) -> ManifestFile {
    let FileFacts { path, size, mode, sha256 } = item.facts();
    let parts = match item {
        Item::Disk(file) | Item::Both { file, .. } => file.parts.clone(),
        Item::Object { file, .. } => file.parts.clone(),
    };
    ManifestFile { path, size, mode, sha256, key, parts }
}

impl Plan {
    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.claim.is_none()
            && self.seal.is_none()
            && self.agree.is_empty()
            && self.placings.iter().all(|placing| placing.how == How::Keep)
    }

    /// Each step and its reason, in words.
    pub fn words(&self, bucket: &Bucket) -> Vec<String> {
        let uri = |key: &str| bucket.uri(key);
        let mut words = Vec::new();
        if let Some(digest) = &self.claim {
            let folder = uri(self.folder.prefix.as_str());
            words.push(format!("claim {folder} for the set {digest}: nobody has claimed it"));
        }
        words.extend(self.placings.iter().map(|Placing { item, key, how }| {
            let key = uri(key.as_str());
            let (what, from) = match item {
                Item::Disk(file) => ("send", file.disk.display().to_string()),
                Item::Object { file, .. } => ("copy", uri(file.key.as_str())),
                Item::Both { twin, .. } => ("copy", uri(twin.key.as_str())),
            };
            match how {
                How::Write if matches!(item, Item::Both { .. }) => {
                    format!(
                        "{what} {from} to {key}: it is not there, and an older set has its bytes"
                    )
                }
                How::Keep => format!("keep {key}: it holds these very bytes"),
                How::Write => format!("{what} {from} to {key}: it is not there"),
                How::Mend => format!("{what} {from} over {key}: it holds other bytes"),
            }
        }));
        if let Some(Seal { replaces, generation, .. }) = &self.seal {
            let manifest = uri(&format!("{}.manifest.json", self.folder.prefix));
            words.push(match replaces {
                Some(_) if generation.is_some() => {
                    format!("replace {manifest}: the set that stood there was removed")
                }
                None => format!("write {manifest}: this publishes the set"),
                Some(_) => format!("replace {manifest}: what stands there is of no use"),
            });
        }
        words.extend(self.agree.iter().map(|file| {
            let plain = uri(&format!("{}{}", self.folder.prefix, file.path));
            let own = uri(file.key.as_str());
            format!("copy {own} over {plain}: the manifest names another key than the plain one")
        }));
        words
    }
}

#[cfg(test)]
mod tests;
