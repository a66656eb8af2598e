//! What the archive has of a version: reads only.

use super::{AtRank, Gathering};
use crate::history::Position;
use crate::machine::workspace::Hashed;
use crate::s3::store::ETag;
use crate::sealing::claim::{At, Claimed, Kind, Seen, place};
use crate::tracks::promotion::plan::{Goal, Object};
use crate::tracks::promotion::rules::archive::{Shelf, Shelved};
use crate::tracks::promotion::rules::removed::Removed;
use crate::tracks::promotion::rules::{Refused, Release};
use crate::words::fault::fault;
use crate::words::file::FileFacts;
use crate::words::names::{Key, ReleaseVersion};
use crate::words::object::POSITION;
use anyhow::Context as _;

/// What stands in the archive.
enum Found {
    /// A version; its entry in the first rank's history, where there is one, was made after this.
    Here(Release, Option<Position>),
    /// What its removal left, and the tag of that.
    Removed(Box<Removed>, ETag),
}

impl Gathering<'_> {
    /// The bytes of a version that s3p promoted.
    pub(super) async fn archived_by_s3p(
        &self,
        version: &ReleaseVersion,
    ) -> anyhow::Result<Release> {
        let shelf = self.track.shelf(version)?;
        match self.shelved(version, &shelf).await? {
            Some(Found::Here(release, _)) => return Ok(release),
            Some(Found::Removed(removed, _)) => {
                return Err(removed.fault().context(Refused::PROMOTE));
            }
            None => {}
        }
        match self.read_through(version, &shelf).await? {
            Some(release) => Ok(release),
            None => Err(fault(
                format!("{} is not in the archive", self.store().uri(shelf.plain.as_str())),
                "s3p kept every version there: restore it, or upload the file to the first rank",
            )
            .context(Refused::PROMOTE)),
        }
    }

    /// What s3p put at the rank: the archive's object, or else the rank's.
    pub(super) async fn by_s3p(
        &self,
        version: &ReleaseVersion,
        at: &AtRank,
    ) -> anyhow::Result<Goal> {
        let shelf = self.track.shelf(version)?;
        let archived = match self.shelved(version, &shelf).await? {
            Some(Found::Here(release, _)) => Some(release),
            // s3p put it at the rank again.
            Some(Found::Removed(..)) => None,
            None => self.read_through(version, &shelf).await?,
        };
        let release = match (archived, &at.shown) {
            (Some(release), _) => release,
            (None, Some(shown)) => {
                let key = self.track.pointer(&self.track.rank)?;
                let sha256 = self.engine.hash(&key, shown.size).await?;
                Release { version: version.clone(), size: shown.size, sha256, key }
            }
            (None, None) => return Ok(Goal::Unread),
        };
        Ok(Goal::Archived { release, object: None, plain: Seen::Nothing })
    }

    /// What the archive holds of a file's version.
    pub(super) async fn in_the_archive(
        &self,
        file: &Hashed,
        version: &ReleaseVersion,
    ) -> anyhow::Result<(Goal, Option<Position>)> {
        let shelf = self.track.shelf(version)?;
        match self.shelved(version, &shelf).await? {
            Some(Found::Here(release, since)) => {
                let object = self.object(&release.key).await?;
                let plain = match shelf.agrees(&release.key) {
                    true => seen(self.object(&shelf.plain).await?, &file.facts),
                    false => Seen::Nothing,
                };
                return Ok((Goal::Archived { release, object, plain }, since));
            }
            Some(Found::Removed(removed, etag)) => {
                if !removed.lets(&file.facts.sha256) {
                    return Err(removed.others());
                }
                let generation = removed.stone.generation;
                let key = shelf.anew(&file.facts.sha256, &generation)?;
                let own = seen(self.object(&key).await?, &file.facts);
                return Ok((Goal::Removed { key, etag, own }, None));
            }
            None => {}
        }
        let plain = self.object(&shelf.plain).await?;
        // Asked for after the object: whoever writes it claims it first.
        let claim = self.store().get(&shelf.claim()?).await?;
        let claim = Kind::Release.claimed(claim.as_ref().map(|it| it.bytes.as_ref()));
        if let (Some(object), Claimed::ByNobody) = (&plain, claim) {
            let release = self.hashed(version, &shelf.plain, object.size).await?;
            let object = Some(object.clone());
            return Ok((Goal::Archived { release, object, plain: Seen::Nothing }, None));
        }
        let sha256 = &file.facts.sha256;
        let plain = seen(plain, &file.facts);
        let own = match place(claim, sha256, plain, Seen::Nothing) {
            (At::Plain, _) => Seen::Nothing,
            (At::Own, _) => seen(self.object(&shelf.own(sha256)?).await?, &file.facts),
        };
        Ok((Goal::Vacant { claim, plain, own }, None))
    }

    /// What stands where a version's record is looked for.
    async fn shelved(
        &self,
        version: &ReleaseVersion,
        shelf: &Shelf,
    ) -> anyhow::Result<Option<Found>> {
        let key = shelf.record()?;
        let Some(fetched) = self.store().get(&key).await? else { return Ok(None) };
        let stands = Shelved::parse(&fetched.bytes, version, &self.track.file, shelf)
            .with_context(|| self.store().uri(key.as_str()))?;
        Ok(Some(match stands {
            Shelved::Here(record) => {
                let since = fetched.metadata.get(POSITION);
                Found::Here(record.release, since.and_then(|text| Position::parse(text)))
            }
            Shelved::Removed(removed) => Found::Removed(removed, fetched.etag),
        }))
    }

    /// Says that a version was removed, where it was.
    pub(super) async fn is_not_removed(&self, version: &ReleaseVersion) -> anyhow::Result<()> {
        match self.shelved(version, &self.track.shelf(version)?).await? {
            Some(Found::Removed(removed, _)) => Err(removed.fault().context(Refused::SKIP)),
            _ => Ok(()),
        }
    }

    /// What s3p archived, which has no record; none: nothing that is whole.
    async fn read_through(
        &self,
        version: &ReleaseVersion,
        shelf: &Shelf,
    ) -> anyhow::Result<Option<Release>> {
        let Some(object) = self.object(&shelf.plain).await? else { return Ok(None) };
        // Asked for after the object: whoever writes it claims it first.
        if self.store().head(&shelf.claim()?).await?.is_some() {
            return Ok(None);
        }
        self.hashed(version, &shelf.plain, object.size).await.map(Some)
    }

    async fn hashed(
        &self,
        version: &ReleaseVersion,
        key: &Key,
        size: u64,
    ) -> anyhow::Result<Release> {
        self.store().report().info(format!(
            "reading {}, of which s3p recorded no SHA-256",
            self.store().uri(key.as_str())
        ));
        let sha256 = self.engine.hash(key, size).await?;
        Ok(Release { version: version.clone(), size, sha256, key: key.clone() })
    }

    /// A release of the archive, and whether it still is there.
    pub(super) async fn goal(&self, release: Release) -> anyhow::Result<Goal> {
        let object = self.object(&release.key).await?;
        Ok(Goal::Archived { release, object, plain: Seen::Nothing })
    }

    pub(super) async fn object(&self, key: &Key) -> anyhow::Result<Option<Object>> {
        Ok(self.store().head(key).await?.as_ref().map(Object::from))
    }
}

/// What lies under a key, as a file sees it that is to lie there.
fn seen(object: Option<Object>, file: &FileFacts) -> Seen {
    match object {
        None => Seen::Nothing,
        Some(object) if object.holds(file.size, &file.sha256) => Seen::These,
        Some(_) => Seen::Others,
    }
}
