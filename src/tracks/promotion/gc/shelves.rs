//! Shelves of the archive, emptied under a stone.

use super::carry_out::{Doomed, Found, Remover};
use super::plan::{Fate, Thing};
use crate::s3::store::{Condition, ETag, unique_id};
use crate::s3::transfer::delete_all;
use crate::tracks::promotion::rules::archive::{Shelf, Shelved};
use crate::tracks::promotion::rules::removed::Removed;
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::names::{Key, ReleaseVersion};
use crate::words::object::{Own, PACKAGE_HASH, REMOVED};
use crate::words::retention::Action;

/// How often a record may change while a stone is put in its place.
const RACES: usize = 20;

impl Remover<'_> {
    /// Puts a stone on a version's shelf and deletes what lies there; nothing where it was published
    /// again.
    pub(super) async fn clear(&self, doomed: &Doomed) -> anyhow::Result<usize> {
        let shelf = self.track.shelf(&doomed.version)?;
        let Some((removed, etag)) = self.stone(&shelf, doomed).await? else { return Ok(0) };
        self.empty(&shelf, &removed, &etag, doomed.has_plain).await
    }

    /// Deletes what lies under a stone.
    async fn empty(
        &self,
        shelf: &Shelf,
        removed: &Removed,
        etag: &ETag,
        has_plain: bool,
    ) -> anyhow::Result<usize> {
        let record = shelf.record()?;
        let mut keys: Vec<String> =
            self.store.list(shelf.beside()).await?.into_iter().map(|it| it.key).collect();
        if let Some(plain) = self.store.head(&shelf.plain).await? {
            // What has no digest is s3p's, unless an entry was about it.
            if has_plain || plain.metadata.contains_key(PACKAGE_HASH) {
                keys.push(shelf.plain.as_str().to_owned());
            }
        }
        // Whatever was found was there while the stone stood.
        let there = self.store.head(&record).await?;
        if there.is_none_or(|there| there.etag != *etag) {
            return Ok(0);
        }
        let generation = Some(removed.stone.generation.as_str());
        keys.retain(|key| key != record.as_str() && !shelf.is_anew(key, generation));
        delete_all(self.store, keys).await
    }

    /// The stone that stands on a shelf, put there if need be; none: a version stands there that this
    /// removal is not about.
    async fn stone(
        &self,
        shelf: &Shelf,
        doomed: &Doomed,
    ) -> anyhow::Result<Option<(Removed, ETag)>> {
        let (key, own) = (shelf.record()?, unique_id());
        for _ in 0..RACES {
            let found = self.store.get(&key).await?;
            let condition = match &found {
                None => Condition::Absent,
                Some(found) => match self.read(shelf, &doomed.version, found)? {
                    Shelved::Removed(removed) => return Ok(Some((*removed, found.etag.clone()))),
                    Shelved::Here(_) => match &doomed.record {
                        Found::Record(etag) if *etag == found.etag => {
                            Condition::Unchanged(etag.clone())
                        }
                        _ => return Ok(None),
                    },
                },
            };
            self.bury(&key, &own, &doomed.version, doomed.sha256, &condition).await?;
        }
        Err(fault(
            format!("{}: {RACES} other writers were faster", self.store.uri(key.as_str())),
            "run it again: it goes on where it was",
        ))
    }

    /// Writes a stone. Refused, or there: the next look tells.
    async fn bury(
        &self,
        key: &Key,
        generation: &str,
        version: &ReleaseVersion,
        sha256: Option<Sha256>,
        condition: &Condition,
    ) -> anyhow::Result<()> {
        let file = &self.track.file;
        let removed = Removed::new(generation.to_owned(), self.run, file, version, sha256);
        let says = Own::default().with(REMOVED, generation);
        self.store.put_own(key, removed.to_bytes()?, condition, &says).await.map(drop)
    }

    /// Removes what is left over; answers how many objects were deleted.
    pub(super) async fn clean(&self, plan: &[Fate]) -> anyhow::Result<usize> {
        let mut deleted = 0;
        for fate in plan.iter().filter(|fate| fate.action == Action::Remove) {
            match &fate.thing {
                Thing::Left(version) => deleted += self.clear_left(version).await?,
                Thing::Unnamed(keys) => deleted += delete_all(self.store, keys.clone()).await?,
                Thing::Upload(key, id) => self.store.abort_left(&Key::parse(key)?, id).await?,
                Thing::Version(_) => {}
            }
        }
        Ok(deleted)
    }

    /// Empties a shelf on which no version is: under a stone of its own, so that a put that was about
    /// to publish there is refused.
    async fn clear_left(&self, version: &ReleaseVersion) -> anyhow::Result<usize> {
        let shelf = self.track.shelf(version)?;
        let (key, own) = (shelf.record()?, unique_id());
        let found = self.store.get(&key).await?;
        let sha256 = match &found {
            None => None,
            Some(found) => match self.read(&shelf, version, found)? {
                Shelved::Here(_) => return Ok(0),
                Shelved::Removed(removed) => removed.sha256,
            },
        };
        let condition = Condition::still(found.as_ref().map(|found| &found.etag));
        self.bury(&key, &own, version, sha256, &condition).await?;
        let Some(found) = self.store.get(&key).await? else { return Ok(0) };
        match self.read(&shelf, version, &found)? {
            Shelved::Removed(removed) if removed.stone.generation == own => {
                self.empty(&shelf, &removed, &found.etag, false).await
            }
            _ => Ok(0),
        }
    }
}
