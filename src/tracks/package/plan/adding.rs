//! Adding a version: its blob, its record, its entry, and `latest`, in this order.

use super::step::{Number, Of, Over, Planned, Step, To, push};
use super::{Act, Added, Addition, Blob, Facts, Pointed, Recorded, Sent};
use crate::history::Event;
use crate::tracks::package::rules::{Change, Pointer, Stood, VersionRecord};
use crate::tracks::package::source::Numbering;
use crate::words::build::{Build, Run};
use crate::words::fault::fault;
use crate::words::time::Utc;

impl Facts {
    /// Plans an add; answers the version that it makes, or that is the same already.
    pub(super) fn add(
        &self,
        addition: &Addition,
        steps: &mut Vec<Planned>,
    ) -> anyhow::Result<Option<Number>> {
        let found = self.own().or_else(|| self.same(addition));
        if self.numbering == Numbering::Timestamp {
            self.send(addition, found.is_some(), steps)?;
            let version = found.map_or(Number::OfTime, Number::Is);
            if found.is_none() {
                push(steps, Step::Record(version), "it is not the newest version");
            }
            self.point_by_time(version, steps);
            return Ok(Some(version));
        }
        self.take_up(steps);
        self.send(addition, found.is_some(), steps)?;
        let Some(version) = found else {
            let version = self.versions.next();
            let why = format!("it is not the newest version of {}", self.name);
            push(steps, Step::Record(Number::Is(version)), why);
            let record = addition.record(&self.run, &self.id);
            let (run, what) = entry_of(version, &Stood::Version(Box::new(record)), &self.run.time);
            push(steps, Step::Enter(vec![Event { run, what }]), "the history is in their order");
            self.follow_latest(Some(version), steps);
            return Ok(Some(Number::Is(version)));
        };
        self.follow_latest(None, steps);
        Ok(Some(Number::Is(version)))
    }

    /// Enters what the history lacks.
    pub(super) fn take_up(&self, steps: &mut Vec<Planned>) {
        let versions = &self.versions;
        if versions.head.entries().is_empty() && !self.done.begun.contains(&Of::Versions) {
            push(steps, Step::Begin(Of::Versions), "there is none yet");
        }
        if !versions.unknown.is_empty() {
            let why =
                "the ledger has what the history lacks: of another tool, or of a put that ended";
            push(steps, Step::Enter(versions.unknown.clone()), why);
        }
    }

    fn send(
        &self,
        addition: &Addition,
        is_recorded: bool,
        steps: &mut Vec<Planned>,
    ) -> anyhow::Result<()> {
        let facts = &addition.file.facts;
        if let Some((over, why)) = sending(&self.blob, self.done.sent, is_recorded)? {
            let step = Step::Send { sha256: facts.sha256, size: facts.size, over };
            push(steps, step, why);
        }
        Ok(())
    }

    /// The version that this put recorded.
    fn own(&self) -> Option<u64> {
        let is_own = |(_, recorded): &(&u64, &Recorded)| match &recorded.stood {
            Stood::Version(record) => record.entered.id.as_ref() == Some(&self.id),
            Stood::Removed(_) => false,
        };
        let seen = self.versions.records.iter().find(is_own).map(|(version, _)| *version);
        seen.or(self.done.recorded)
    }

    /// The very same version: the newest that stands, or one that the same build added.
    fn same(&self, addition: &Addition) -> Option<u64> {
        let wanted = addition.record(&self.run, &self.id);
        let newest = self.newest_standing();
        let is_it = |(version, recorded): &(&u64, &Recorded)| {
            recorded.is(&wanted, addition)
                && (Some(**version) == newest || recorded.is_of(&self.run.build))
        };
        self.versions.records.iter().rev().find(is_it).map(|(version, _)| *version)
    }

    /// The newest version that stands.
    fn newest_standing(&self) -> Option<u64> {
        let versions = &self.versions;
        let unknown = versions.unknown.last().map(|event| event.what.newest());
        let latest = match versions.latest {
            Pointed::At(pointer) if self.numbering == Numbering::Timestamp => Some(pointer.version),
            _ => None,
        };
        unknown.or(latest).or(versions.standing)
    }

    /// The version that an add made or found.
    pub(super) fn added(&self, addition: &Addition, version: u64) -> Option<Added> {
        let is_new = self.own() == Some(version);
        let metadata = addition.metadata.clone();
        let record = match self.versions.records.get(&version).map(|it| &it.stood) {
            Some(Stood::Version(record)) => (**record).clone(),
            // One that may not be read is as it was written.
            _ => addition.record(&self.run, &self.id),
        };
        Some(Added { version, record, metadata, is_new })
    }

    /// Points `latest` at the newest version that stands; `added` is about to be that.
    pub(super) fn follow_latest(&self, added: Option<u64>, steps: &mut Vec<Planned>) {
        let versions = &self.versions;
        let leaves = match self.ask.act {
            Act::Remove(version) => Some(version),
            Act::Add(_) | Act::Tag(_) | Act::Agree => None,
        };
        let entered = versions.unknown.iter().rev().find_map(|event| match event.what {
            Change::Added { added, .. } => (Some(added) != leaves).then_some(added),
            Change::Removed { .. } => None,
        });
        let removed = steps.iter().any(|planned| match &planned.step {
            Step::Enter(events) => {
                events.iter().any(|event| matches!(event.what, Change::Removed { .. }))
            }
            _ => false,
        });
        let more = versions.unknown.len() + usize::from(added.is_some() || removed);
        let entry = versions.head.next() - 1 + more as u64;
        // Another tool added a version that cannot be seen yet.
        if let Pointed::At(is) = versions.latest
            && is.version >= self.versions.next().max(added.map_or(0, |version| version + 1))
        {
            return;
        }
        let should = added.or(entered).or(versions.standing);
        let should = should.map(|version| Pointer { version, tagged: Some(entry) });
        self.point(&Of::Versions, versions.latest, should.map(To::from), steps);
    }

    /// Points `latest` at what a put numbered by time, unless it shows that or a newer one.
    fn point_by_time(&self, version: Number, steps: &mut Vec<Planned>) {
        let is_there = match (self.versions.latest, version) {
            (Pointed::At(is), Number::Is(version)) => is.version >= version,
            _ => false,
        };
        if !is_there && !self.done.pointed {
            let step = Step::Point { of: Of::Versions, to: Some(To { version, entry: None }) };
            push(steps, step, "it is the newest version");
        }
    }

    /// Writes a pointer that is not what a history says.
    pub(super) fn point(&self, of: &Of, is: Pointed, should: Option<To>, steps: &mut Vec<Planned>) {
        let agrees = match (is, should) {
            (Pointed::Nothing, None) => true,
            (Pointed::At(is), Some(should)) => To::from(is) == should,
            _ => false,
        };
        if !agrees {
            let why = "other tools read it there, and the history decides";
            push(steps, Step::Point { of: of.clone(), to: should }, why);
        }
    }
}

impl Recorded {
    /// Whether it is the version that an add would make.
    fn is(&self, wanted: &VersionRecord, addition: &Addition) -> bool {
        match &self.stood {
            Stood::Version(record) => record.is_same(wanted) && self.metadata == addition.metadata,
            Stood::Removed(_) => false,
        }
    }

    /// Whether this build, if it is one, added it.
    fn is_of(&self, build: &Build) -> bool {
        match &self.stood {
            Stood::Version(record) => !build.is_empty() && record.entered.build == *build,
            Stood::Removed(_) => false,
        }
    }
}

/// Whether a blob is to be sent, over what, and why.
pub(in crate::tracks::package) fn sending(
    blob: &Blob,
    sent: Sent,
    is_recorded: bool,
) -> anyhow::Result<Option<(Over, String)>> {
    Ok(match (blob, sent) {
        (Blob::Whole, _) => None,
        (Blob::Wrong(why), Sent::No) => {
            Some((Over::WrongBytes, format!("what is there is not its content: {why}")))
        }
        (Blob::Wrong(why), _) => {
            return Err(fault(
                format!("the store does not keep what it is sent: {why}"),
                "somebody else writes to the same key, or the server is broken: look at the object",
            ));
        }
        (Blob::Unseen, Sent::No) => Some((Over::Nothing, "it is not there".to_owned())),
        (Blob::Unseen, Sent::Refused) if is_recorded => {
            Some((Over::Nothing, "it may have gone before the record came".to_owned()))
        }
        (Blob::Unseen, Sent::Written | Sent::Refused | Sent::Again) => None,
    })
}

/// The records that may be the very version that is to be added: the newest that stands, and those
/// that the same build added. `changes` are newest first.
pub(in crate::tracks::package) fn worth_reading<'a>(
    changes: impl Iterator<Item = (&'a Change, &'a Build)>,
    newest: Option<u64>,
    wanted: &VersionRecord,
) -> Vec<u64> {
    let own = &wanted.entered.build;
    changes
        .filter_map(|(change, by)| match change {
            Change::Added { added, sha, .. } => {
                let fits = sha.is_none_or(|sha| sha == wanted.sha);
                let is_ours = !own.is_empty() && by == own;
                (fits && (Some(*added) == newest || is_ours)).then_some(*added)
            }
            Change::Removed { .. } => None,
        })
        .collect()
}

/// What the history says of a record, whoever wrote it. `time` is for those of other tools.
pub(in crate::tracks::package) fn entry_of(
    version: u64,
    stood: &Stood,
    time: &Utc,
) -> (Run, Change) {
    let Stood::Version(record) = stood else {
        return (Run::at(time.clone()), Change::of_number(version));
    };
    let (sha, basename) = (Some(record.sha), Some(record.basename.clone()));
    let time = record.entered.added_at.as_ref().unwrap_or(time).clone();
    let build = record.entered.build.clone();
    (Run { build, time }, Change::Added { added: version, sha, basename })
}
