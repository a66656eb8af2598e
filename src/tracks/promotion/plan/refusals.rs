//! Why a put is refused, and what whoever put can do then.

use super::{Facts, Goal, Object, Putter};
use crate::s3::transfer::{corrupt, missing};
use crate::tracks::promotion::rules::{Refused, Release};
use crate::words::fault::fault;
use crate::words::names::ReleaseVersion;

impl Putter<'_> {
    /// Refuses an object that is not what was archived.
    pub(in crate::tracks::promotion) fn whole(
        &self,
        release: &Release,
        object: Option<&Object>,
    ) -> anyhow::Result<()> {
        let uri = self.bucket.uri(release.key.as_str());
        let object = object.ok_or_else(|| missing(&uri))?;
        // s3p recorded no digest.
        let differs = object.sha256.is_some_and(|sha256| sha256 != release.sha256);
        if object.size != release.size || differs {
            return Err(corrupt(&uri, "its size or package-hash is another".to_owned()));
        }
        Ok(())
    }

    /// Refuses other bytes than a version's own.
    pub(super) fn same_bytes(&self, facts: &Facts) -> anyhow::Result<()> {
        let (Some((size, sha256)), Goal::Archived { release, .. }) = (&facts.file, &facts.goal)
        else {
            return Ok(());
        };
        if *sha256 == release.sha256 && *size == release.size {
            return Ok(());
        }
        Err(fault(
            format!(
                "version {} of {} is archived with other bytes ({}, SHA-256 {})",
                release.version,
                self.track.file,
                self.bucket.uri(release.key.as_str()),
                release.sha256
            ),
            "a version's bytes never change: give these a version of their own",
        )
        .context(Refused::PROMOTE))
    }

    pub(super) fn leaving(&self, version: &ReleaseVersion) -> anyhow::Error {
        fault(
            format!("version {version} of {} is being removed", self.track.file),
            "run the put again when `s3-asset release gc` has ended; one that was stopped is ended by running it again with `--delete`",
        )
        .context(Refused::PROMOTE)
    }

    pub(super) fn foreign(&self) -> anyhow::Result<anyhow::Error> {
        let pointer = self.track.pointer(&self.track.rank)?;
        Ok(fault(
            format!(
                "{} is no release: it has no `version` metadata",
                self.bucket.uri(pointer.as_str())
            ),
            "move it away, or give `file` another name",
        )
        .context(Refused::PROMOTE))
    }

    pub(super) fn never_stood(&self, version: &ReleaseVersion) -> anyhow::Error {
        fault(
            format!(
                "version {version} of {} never stood at the rank `{}`",
                self.track.file, self.track.rank
            ),
            "`s3-asset release history` lists what stood there; a version that did not is promoted without `rollback`",
        )
        .context(Refused::ROLL_BACK)
    }
}
