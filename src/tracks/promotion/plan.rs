//! What a put does at a rank: facts in, a plan out.
//!
//! The order of the steps, each of which the next relies on: the bytes are in the archive, the
//! history has the entry, the rank's object shows it. The history decides. Whoever writes the
//! object looks at the history again afterwards, and plans anew until the object shows the newest
//! entry: so whatever several writers do, the last of them leaves the newest; and after one that was
//! killed, the next put does.
//!
//! A version's bytes go into the archive as [`crate::sealing::claim`] says, which is safe under
//! races: each of those steps is create-only, and one that is refused means that another writer was
//! faster. Then everything is looked at anew.

mod refusals;
mod words;

use super::outcome::{News, Outcome, Standing};
use super::rules::{Intent, Look, Place, Promoted, Release, S3P, Turn};
use super::source::Promotion;
use crate::history::Entry;
use crate::s3::store::ETag;
use crate::sealing::claim::{At, Claimed, How, Seen, place};
use crate::words::build::Run;
use crate::words::digest::Sha256;
use crate::words::names::{Bucket, Key, ReleaseVersion};
use crate::words::object::{PROMOTION, VERSION};

/// An object, as far as a plan looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    /// In bytes.
    pub(super) size: u64,
    /// What it says of its bytes; s3p's say nothing.
    pub(super) sha256: Option<Sha256>,
    /// The version that it says it is.
    pub(super) version: Option<String>,
    /// The promotion that it says it shows.
    pub(super) promotion: Option<String>,
}

impl Object {
    /// Whether these bytes are what it says it is.
    pub(super) fn holds(&self, size: u64, sha256: &Sha256) -> bool {
        self.size == size && self.sha256.as_ref() == Some(sha256)
    }
}

impl From<&crate::s3::store::Facts> for Object {
    fn from(facts: &crate::s3::store::Facts) -> Object {
        let text = |name: &str| facts.metadata.get(name).cloned();
        Object {
            size: facts.size,
            sha256: facts.sha256(),
            version: text(VERSION),
            promotion: text(PROMOTION),
        }
    }
}

/// All that the plan of a put depends on.
#[derive(Debug)]
pub(super) struct Facts {
    /// What the put is to do.
    pub(super) intent: Intent,
    /// The put's own, by which it knows its entry again.
    pub(super) id: String,
    /// The newest entry of the rank's history; none: the history is empty, or to be begun.
    pub(super) newest: Option<Entry<Promoted>>,
    /// The number that the rank's next entry gets.
    pub(super) next: u64,
    /// Whether the rank's head says that the version is being removed: then nothing else was read.
    pub(super) is_leaving: bool,
    /// What s3p put there, while the history has no entry.
    pub(super) s3p: Option<ReleaseVersion>,
    /// Whether the rank's object is neither's.
    pub(super) is_foreign: bool,
    /// What the rank's history says of the put.
    pub(super) hit: Option<Hit>,
    /// The size and the digest of the file of an upload.
    pub(super) file: Option<(u64, Sha256)>,
    /// The bytes that are to stand at the rank.
    pub(super) goal: Goal,
    /// The rank's object, read only where the history has the put already.
    pub(super) shown: Option<Object>,
}

/// The bytes that are to stand at a rank, as the archive has them.
#[derive(Debug)]
pub(super) enum Goal {
    /// They were not looked at: the plan ends before it needs them.
    Unread,
    /// They are a version of the archive.
    Archived {
        /// Which.
        release: Release,
        /// The object that it names.
        object: Option<Object>,
        /// What lies under the plain key, where the release lies under another.
        plain: Seen,
    },
    /// The archive has no such version yet.
    Vacant {
        /// Whose bytes may be written under the plain key.
        claim: Claimed,
        /// What lies under the plain key.
        plain: Seen,
        /// What lies under the key of these very bytes, where the plain one is not to be used.
        own: Seen,
    },
    /// It had these very bytes before it was removed.
    Removed {
        /// Where they go now.
        key: Key,
        /// The tag of the stone that the record takes the place of.
        etag: ETag,
        /// What lies under the key.
        own: Seen,
    },
}

/// What a search in a rank's history found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hit {
    /// The put is done: this is its entry.
    Stands(Entry<Promoted>),
    /// It was done by s3p.
    StoodByS3p(ReleaseVersion),
    /// What the rank goes back to.
    Base(Entry<Promoted>),
    /// The same, put there by s3p.
    BaseByS3p,
}

impl Hit {
    /// The entry that was found, where it was one.
    pub(super) fn entry(&self) -> Option<&Entry<Promoted>> {
        match self {
            Hit::Stands(entry) | Hit::Base(entry) => Some(entry),
            Hit::StoodByS3p(_) | Hit::BaseByS3p => None,
        }
    }

    /// What an entry says of a put, if it says anything.
    pub(super) fn of(
        intent: &Intent,
        id: &str,
        entry: &Entry<Promoted>,
        turn: Turn,
    ) -> Option<Hit> {
        match intent.look(id, entry, turn) {
            Look::Stands => return Some(Hit::Stands(entry.clone())),
            Look::Base => return Some(Hit::Base(entry.clone())),
            Look::Nothing => {}
        }
        let before = entry.what.after_s3p.as_ref()?;
        match intent.look_at_s3p(before) {
            Look::Stands => Some(Hit::StoodByS3p(before.clone())),
            Look::Base => Some(Hit::BaseByS3p),
            Look::Nothing => None,
        }
    }
}

/// One thing that a put does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The rank gets a history.
    BeginHistory,
    /// The plain key is claimed for the file's bytes.
    Claim(Key),
    /// The file's bytes go up, to a key that holds nothing.
    Send(Key),
    /// The file's bytes go over others under a key that the record gives to these alone.
    Mend(Key),
    /// The archive's record names the bytes, which decides; in the place of a stone with this tag, or
    /// of nothing.
    Record(Release, Option<ETag>),
    /// The plain key gets what the record names elsewhere.
    Agree(Release),
    /// The history gets an entry.
    Enter(Box<Entry<Promoted>>),
    /// The rank's object becomes what stands.
    Show(Release, u64),
}

/// What a put does, and what it answers when that is done.
#[derive(Debug)]
pub struct Plan {
    pub(super) steps: Vec<Step>,
    /// The answer.
    pub outcome: Outcome,
}

/// A track's rank, and who puts something there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Putter<'a> {
    /// The bucket, for messages.
    pub(super) bucket: &'a Bucket,
    /// Which file, which rank.
    pub(super) track: &'a Promotion,
    /// Who does it, and when.
    pub(super) run: &'a Run,
}

impl Putter<'_> {
    /// The plan of a put, or why it is refused: then nothing was changed.
    pub(super) fn plan(&self, facts: &Facts) -> anyhow::Result<Plan> {
        let intent = &facts.intent;
        if facts.is_leaving {
            return Err(self.leaving(intent.version()));
        }
        if let Some(standing) = &facts.s3p
            && standing == intent.version()
        {
            self.same_bytes(facts)?;
            let standing = Standing::S3p(standing.clone());
            return Ok(Plan {
                steps: Vec::new(),
                outcome: Outcome { standing, news: News::Already },
            });
        }
        if facts.newest.is_none() && matches!(intent, Intent::RollBack { .. }) {
            return Err(self.never_stood(intent.version()));
        }
        let mut steps = Vec::new();
        let release = self.archive(facts, &mut steps)?;
        if facts.is_foreign {
            return Err(self.foreign()?);
        }
        if facts.newest.is_none() {
            steps.insert(0, Step::BeginHistory);
        }
        let newest = facts.newest.as_ref();
        let back = |promotion| Some(Place { rank: self.track.rank.clone(), promotion });
        let (from, rollback) = match (&facts.hit, intent) {
            (Some(Hit::Stands(entry)), _) => {
                let newest = newest.unwrap_or(entry);
                let news = if entry.what.id == facts.id {
                    News::Promoted
                } else if entry.number == newest.number {
                    News::Already
                } else {
                    News::Before(newest.what.release.version.clone())
                };
                let standing = Standing::Entry(Box::new(entry.clone()));
                return Ok(self.done(facts, steps, newest, Outcome { standing, news }));
            }
            (Some(Hit::StoodByS3p(version)), _) => {
                let newest = newest.ok_or_else(|| self.never_stood(version))?;
                let news = News::Before(newest.what.release.version.clone());
                let standing = Standing::S3p(version.clone());
                return Ok(self.done(facts, steps, newest, Outcome { standing, news }));
            }
            (Some(Hit::Base(entry)), _) => (back(entry.number), true),
            (Some(Hit::BaseByS3p), _) => (back(S3P), true),
            (None, Intent::Upload { .. }) => (None, false),
            (None, Intent::Promote { from, .. }) => (Some(from.clone()), false),
            (None, Intent::RollBack { version, .. }) => return Err(self.never_stood(version)),
        };
        let release = release.ok_or_else(|| self.never_stood(intent.version()))?;
        let number = facts.next;
        let entry = Entry {
            number,
            time: self.run.time.clone(),
            build: self.run.build.clone(),
            what: Promoted {
                release: release.clone(),
                from,
                rollback,
                after_s3p: facts.s3p.clone().filter(|_| newest.is_none()),
                id: facts.id.clone(),
            },
        };
        steps.push(Step::Enter(Box::new(entry.clone())));
        steps.push(Step::Show(release, number));
        let standing = Standing::Entry(Box::new(entry));
        Ok(Plan { steps, outcome: Outcome { standing, news: News::Promoted } })
    }

    /// The history has the put: what is left is that the rank's object shows what stands.
    fn done(
        &self,
        facts: &Facts,
        mut steps: Vec<Step>,
        newest: &Entry<Promoted>,
        outcome: Outcome,
    ) -> Plan {
        if !facts.shown.as_ref().is_some_and(|shown| shows(shown, newest)) {
            steps.push(Step::Show(newest.what.release.clone(), newest.number));
        }
        Plan { steps, outcome }
    }

    /// Brings the bytes into the archive where they are not, and answers what will be there.
    fn archive(&self, facts: &Facts, steps: &mut Vec<Step>) -> anyhow::Result<Option<Release>> {
        let version = facts.intent.version();
        let (claim, plain, own) = match &facts.goal {
            Goal::Unread => return Ok(None),
            Goal::Archived { release, object, plain } => {
                self.same_bytes(facts)?;
                match (object, self.whole(release, object.as_ref())) {
                    (_, Ok(())) => {}
                    // These are the very bytes, and the record allows no others under that key.
                    (None, _) if facts.file.is_some() => {
                        steps.push(Step::Send(release.key.clone()));
                    }
                    (Some(_), _) if facts.file.is_some() => {
                        steps.push(Step::Mend(release.key.clone()));
                    }
                    (_, Err(why)) => return Err(why),
                }
                let shelf = self.track.shelf(version)?;
                if facts.file.is_some() && shelf.agrees(&release.key) && *plain != Seen::These {
                    steps.push(Step::Agree(release.clone()));
                }
                return Ok(Some(release.clone()));
            }
            Goal::Vacant { claim, plain, own } => (*claim, *plain, *own),
            Goal::Removed { key, etag, own } => {
                let Some((size, sha256)) = facts.file else { return Ok(None) };
                match own {
                    Seen::These => {}
                    Seen::Nothing => steps.push(Step::Send(key.clone())),
                    Seen::Others => steps.push(Step::Mend(key.clone())),
                }
                let release = Release { version: version.clone(), size, sha256, key: key.clone() };
                steps.push(Step::Record(release.clone(), Some(etag.clone())));
                return Ok(Some(release));
            }
        };
        let Some((size, sha256)) = facts.file else { return Ok(None) };
        let shelf = self.track.shelf(version)?;
        let (at, how) = place(claim, &sha256, plain, own);
        let key = match at {
            At::Plain => shelf.plain.clone(),
            At::Own => shelf.own(&sha256)?,
        };
        if claim == Claimed::ByNobody {
            steps.push(Step::Claim(shelf.plain.clone()));
        }
        match how {
            How::Keep => {}
            How::Write => steps.push(Step::Send(key.clone())),
            How::Mend => steps.push(Step::Mend(key.clone())),
        }
        let release = Release { version: version.clone(), size, sha256, key };
        steps.push(Step::Record(release.clone(), None));
        if release.key != shelf.plain {
            steps.push(Step::Agree(release.clone()));
        }
        Ok(Some(release))
    }
}

/// Whether a rank's object shows an entry.
fn shows(there: &Object, entry: &Entry<Promoted>) -> bool {
    let release = &entry.what.release;
    there.holds(release.size, &release.sha256)
        && there.version.as_deref() == Some(release.version.as_str())
        && there.promotion.as_deref() == Some(&entry.number.to_string())
}

#[cfg(test)]
mod tests;
