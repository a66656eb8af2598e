//! What a put did, and what is said of it.

use crate::history::Entry;
use crate::machine::report::{Report, size};
use crate::tracks::promotion::rules::{Promoted, S3P};
use crate::tracks::promotion::source::Promotion;
use crate::words::names::ReleaseVersion;

/// What a put answers.
#[derive(Debug)]
pub struct Outcome {
    /// What the put was about.
    pub standing: Standing,
    /// What became of it.
    pub news: News,
}

/// Something that stands or stood at a rank.
#[derive(Debug, Clone)]
pub enum Standing {
    /// An entry of the rank's history.
    Entry(Box<Entry<Promoted>>),
    /// What s3p put there.
    S3p(ReleaseVersion),
}

/// What became of a put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The version stands there now.
    Promoted,
    /// It stood there already.
    Already,
    /// It was put there before, and this version stands there now: nothing was done.
    Before(ReleaseVersion),
}

impl Standing {
    /// Its version.
    pub fn version(&self) -> &ReleaseVersion {
        match self {
            Standing::Entry(entry) => &entry.what.release.version,
            Standing::S3p(version) => version,
        }
    }

    /// Its number in the rank's history.
    pub fn number(&self) -> u64 {
        self.entry().map_or(S3P, |entry| entry.number)
    }

    /// Its entry, where it has one.
    pub fn entry(&self) -> Option<&Entry<Promoted>> {
        match self {
            Standing::Entry(entry) => Some(entry),
            Standing::S3p(_) => None,
        }
    }
}

impl Outcome {
    /// Says what became of it.
    pub fn tell(&self, track: &Promotion, report: &Report) {
        let (file, rank, version) = (&track.file, &track.rank, self.standing.version());
        match &self.news {
            News::Promoted => {
                let what = self.standing.entry().map(|entry| &entry.what);
                let bytes = size(what.map_or(0, |what| what.release.size));
                let number = self.standing.number();
                report.success(if what.is_some_and(|what| what.rollback) {
                    format!("rolled back {file} to version {version} ({bytes}) in {rank} rank, promotion {number}")
                } else {
                    format!("promoted {file} version {version} ({bytes}) to {rank} rank, promotion {number}")
                });
            }
            News::Already => report.info(format!("{file} version {version} already in {rank} rank")),
            News::Before(now) => report.warn(format!(
                "{file} version {version} was in {rank} rank before (promotion {}), and {now} is there now: nothing is changed; `rollback: true` puts it back",
                self.standing.number()
            )),
        }
    }
}
