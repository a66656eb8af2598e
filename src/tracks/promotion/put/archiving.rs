//! A version goes into the archive: claim, bytes, record, and the plain key made to agree.
//!
//! [`crate::tracks::promotion::rules::archive`] says which keys may be written and why that is safe under races;
//! this file carries it out. Killed anywhere, the same put again finishes, and a put of other bytes
//! begins anew as long as the record does not stand.

use super::Climbing;
use crate::history::Position;
use crate::machine::workspace::Hashed;
use crate::s3::store::{Condition, Facts, Written};
use crate::s3::transfer::{corrupt, missing};
use crate::sealing::publish::POSITION;
use crate::tracks::promotion::rules::archive::{Claim, Record, Shelf};
use crate::tracks::promotion::rules::{Refused, Release};
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::names::{Key, ReleaseFile, ReleaseVersion};
use crate::words::object::{ObjectOptions, PACKAGE_HASH, VERSION};
use anyhow::Context as _;
use std::sync::Arc;

/// A version that is in the archive.
#[derive(Debug, Clone)]
pub(super) struct Archived {
    /// Its bytes.
    pub(super) release: Release,
    /// Its entry in the first rank's history, where there is one, was made after this; none: unknown.
    pub(super) since: Option<Position>,
}

impl Climbing<'_> {
    /// What the archive holds of a version, when it is there whole. s3p recorded no digest: what it
    /// archived is read through.
    pub(super) async fn archived(
        &self,
        version: &ReleaseVersion,
    ) -> anyhow::Result<Option<Archived>> {
        let (store, shelf) = (&*self.engine.store, self.track.shelf(version)?);
        if let Some(archived) = self.recorded(version, &shelf).await? {
            return Ok(Some(archived));
        }
        let Some(facts) = store.head(&shelf.plain).await? else { return Ok(None) };
        // Asked for after the object: whoever writes it claims it first.
        if store.head(&shelf.claim()?).await?.is_some() {
            return Ok(None);
        }
        store.report().info(format!(
            "reading {}, of which s3p recorded no SHA-256",
            store.uri(shelf.plain.as_str())
        ));
        let sha256 = self.engine.hash(&shelf.plain, facts.size).await?;
        let release =
            Release { version: version.clone(), size: facts.size, sha256, key: shelf.plain };
        Ok(Some(Archived { release, since: None }))
    }

    async fn recorded(
        &self,
        version: &ReleaseVersion,
        shelf: &Shelf,
    ) -> anyhow::Result<Option<Archived>> {
        let store = &*self.engine.store;
        let key = shelf.record()?;
        let Some(fetched) = store.get(&key).await? else { return Ok(None) };
        let record = Record::parse(&fetched.bytes, version, &self.track.file, shelf)
            .with_context(|| store.uri(key.as_str()))?;
        let since = fetched.metadata.get(POSITION).and_then(|text| Position::parse(text));
        Ok(Some(Archived { release: record.release, since }))
    }

    /// Brings a version into the archive, or finds it there with the same bytes.
    pub(super) async fn archive(
        &self,
        file: &Arc<Hashed>,
        version: &ReleaseVersion,
        position: &Position,
    ) -> anyhow::Result<Archived> {
        let shelf = self.track.shelf(version)?;
        let archived = match self.archived(version).await? {
            Some(archived) => archived,
            None => {
                let key = self.place(file, version, &shelf).await?;
                let Hashed { facts, .. } = &**file;
                let release = Release {
                    version: version.clone(),
                    size: facts.size,
                    sha256: facts.sha256,
                    key,
                };
                self.seal(release, &shelf, position).await?
            }
        };
        self.agree(&archived.release, &shelf).await?;
        self.same_bytes(file, &archived.release)?;
        Ok(archived)
    }

    /// Refuses other bytes than a version's own.
    pub(super) fn same_bytes(&self, file: &Hashed, release: &Release) -> anyhow::Result<()> {
        if file.facts.sha256 == release.sha256 && file.facts.size == release.size {
            return Ok(());
        }
        let uri = self.engine.store.uri(release.key.as_str());
        let why = fault(
            format!(
                "version {} of {} is archived with other bytes ({uri}, SHA-256 {})",
                release.version, self.track.file, release.sha256
            ),
            "a version's bytes never change: give these a version of their own",
        );
        Err(why.context(Refused::PROMOTE))
    }

    /// Brings a file's bytes under a key that may hold them, and answers which.
    async fn place(
        &self,
        file: &Arc<Hashed>,
        version: &ReleaseVersion,
        shelf: &Shelf,
    ) -> anyhow::Result<Key> {
        let (store, facts) = (&self.engine.store, &file.facts);
        let options = dressed(self.options, None, &self.track.file, version, &facts.sha256);
        if self.claim(shelf, &facts.sha256).await? {
            match store.head(&shelf.plain).await? {
                Some(there) if holds(&there, facts.size, &facts.sha256) => {
                    return Ok(shelf.plain.clone());
                }
                Some(_) => {}
                None if self.send(file, &shelf.plain, &options).await? => {
                    return Ok(shelf.plain.clone());
                }
                None => {}
            }
        }
        let own = shelf.own(&facts.sha256)?;
        let there = store.head(&own).await?;
        if there.is_some_and(|there| holds(&there, facts.size, &facts.sha256))
            || self.send(file, &own, &options).await?
        {
            return Ok(own);
        }
        Err(corrupt(
            &store.uri(own.as_str()),
            "other bytes lie under a key that only these may use".to_owned(),
        ))
    }

    /// Whether these bytes may be written under the plain key.
    async fn claim(&self, shelf: &Shelf, sha256: &Sha256) -> anyhow::Result<bool> {
        let (store, key) = (&self.engine.store, shelf.claim()?);
        let claim = Claim::new(*sha256, self.run).to_bytes()?;
        if self.write_record(&key, claim, None).await? == Written::Yes {
            return Ok(true);
        }
        let standing = store.get(&key).await?;
        Ok(standing.and_then(|it| Claim::digest_in(&it.bytes)).as_ref() == Some(sha256))
    }

    /// Sends the bytes; false when others are there.
    async fn send(
        &self,
        file: &Arc<Hashed>,
        key: &Key,
        options: &ObjectOptions,
    ) -> anyhow::Result<bool> {
        let (store, facts) = (&self.engine.store, &file.facts);
        store.report().begin("uploading", 1, facts.size);
        let sent = self.engine.upload(file, key, &Condition::Absent, options).await;
        store.report().end();
        if sent? == Written::Yes {
            return Ok(true);
        }
        let there = store.head(key).await?;
        Ok(there.is_some_and(|there| holds(&there, facts.size, &facts.sha256)))
    }

    /// Writes the record, which decides; answers what stands afterwards, which is another's when
    /// another put was faster.
    async fn seal(
        &self,
        release: Release,
        shelf: &Shelf,
        position: &Position,
    ) -> anyhow::Result<Archived> {
        let record = Record::new(&self.track.file, release, self.run);
        let key = shelf.record()?;
        let written = self.write_record(&key, record.to_bytes()?, Some(position)).await?;
        if written == Written::Yes {
            return Ok(Archived { release: record.release, since: Some(position.clone()) });
        }
        self.recorded(&record.release.version, shelf).await?.with_context(|| {
            format!("{}: refused, and not there", self.engine.store.uri(key.as_str()))
        })
    }

    /// Copies over the plain key what the record names elsewhere, where it does not hold it yet.
    async fn agree(&self, release: &Release, shelf: &Shelf) -> anyhow::Result<()> {
        let store = &self.engine.store;
        if release.key == shelf.plain {
            return Ok(());
        }
        let there = store.head(&shelf.plain).await?;
        if there.is_some_and(|there| holds(&there, release.size, &release.sha256)) {
            return Ok(());
        }
        self.copy(release, &shelf.plain, None).await
    }

    /// The archive's object of a release, when it still is what was archived.
    pub(super) async fn original(&self, release: &Release) -> anyhow::Result<Facts> {
        let uri = self.engine.store.uri(release.key.as_str());
        let facts = self.engine.store.head(&release.key).await?.ok_or_else(|| missing(&uri))?;
        // s3p recorded no digest.
        let differs = facts.sha256().is_some_and(|sha256| sha256 != release.sha256);
        if facts.size != release.size || differs {
            return Err(corrupt(&uri, "its size or package-hash is another".to_owned()));
        }
        Ok(facts)
    }

    /// Copies a release out of the archive, with what it carries there unless the put says
    /// otherwise; `promotion` is the number that the copy shows.
    pub(super) async fn copy(
        &self,
        release: &Release,
        to: &Key,
        promotion: Option<u64>,
    ) -> anyhow::Result<()> {
        let facts = self.original(release).await?;
        let file = &self.track.file;
        let mut options =
            dressed(self.options, Some(&facts), file, &release.version, &release.sha256);
        if let Some(number) = promotion {
            let name = crate::words::object::PROMOTION.to_owned();
            options.metadata.insert(name, number.to_string());
        }
        self.engine.store.copy(&release.key, &facts, to, &options).await
    }

    async fn write_record(
        &self,
        key: &Key,
        bytes: Vec<u8>,
        position: Option<&Position>,
    ) -> anyhow::Result<Written> {
        let mut options = ObjectOptions {
            acl: self.options.acl.clone(),
            tags: self.options.tags.clone(),
            content_type: Some("application/json".to_owned()),
            ..ObjectOptions::default()
        };
        let position = position.map(|position| (POSITION.to_owned(), position.to_string()));
        options.metadata.extend(position);
        let sha256 = Sha256::of(&bytes);
        self.engine.store.put(key, bytes.into(), sha256, &Condition::Absent, &options).await
    }
}

/// Whether an object holds some bytes, as it says itself.
pub(super) fn holds(there: &Facts, size: u64, sha256: &Sha256) -> bool {
    there.size == size && there.sha256().as_ref() == Some(sha256)
}

/// What an object of a release carries: what the put says, else what the `original` has, else a
/// guess; and what makes it the release that it is.
fn dressed(
    options: &ObjectOptions,
    original: Option<&Facts>,
    file: &ReleaseFile,
    version: &ReleaseVersion,
    sha256: &Sha256,
) -> ObjectOptions {
    let mut dressed = options.clone();
    if let Some(original) = original {
        let or = |own: &mut Option<String>, its: &Option<String>| {
            if own.is_none() {
                own.clone_from(its);
            }
        };
        or(&mut dressed.content_type, &original.content_type);
        or(&mut dressed.cache_control, &original.cache_control);
        or(&mut dressed.content_disposition, &original.content_disposition);
        for (name, value) in &original.metadata {
            dressed.metadata.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    dressed.content_type.get_or_insert_with(|| {
        mime_guess::from_path(file.as_str()).first_or_octet_stream().essence_str().to_owned()
    });
    dressed.metadata.insert(VERSION.to_owned(), version.to_string());
    dressed.metadata.insert(PACKAGE_HASH.to_owned(), sha256.base64());
    dressed
}
