//! Carrying a plan out, step by step, without a choice left: where another writer was faster, the
//! facts are gathered and the plan is made anew.

use super::gather::Marks;
use super::{Ledger, Putting};
use crate::history::stored::{BATCH, Current};
use crate::history::{Event, Position};
use crate::s3::store::{Condition, Written, unique_id};
use crate::tracks::package::plan::{
    Act, Addition, Blob, Facts, Number, Of, Outcome, Over, Plan, Pointed, Recorded, Sent, Step, To,
    plan,
};
use crate::tracks::package::rules::{Change, Move, Pointer, Removal, Stood, newest};
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::Tag;
use crate::words::object::{PACKAGE_HASH, UserMetadata};
use anyhow::Context as _;

/// A put that looks around this often has met something that never agrees.
const LOOKS: u32 = 300;

/// How far a step, or a plan, was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carried {
    /// It is done.
    Out,
    /// It is done, and what follows depends on what it made.
    SoFar,
    /// Another writer was faster.
    Overtaken,
}

impl From<Written> for Carried {
    fn from(written: Written) -> Carried {
        match written {
            Written::Yes => Carried::Out,
            Written::Refused => Carried::Overtaken,
        }
    }
}

impl Ledger {
    /// Does what is asked for. `now` is in milliseconds since 1970, for versions that are numbered by
    /// time.
    pub async fn put(
        &self,
        ask: &crate::tracks::package::plan::Ask,
        run: &Run,
        now: impl Fn() -> u64,
    ) -> anyhow::Result<Outcome> {
        let mut putting = Putting::new(ask, run);
        let mut races = 0;
        for look in 0..LOOKS {
            let (facts, marks) = self.gather(&mut putting).await?;
            if look == 0 {
                self.tell(&facts)?;
            }
            let Plan { steps, outcome } = plan(&facts)?;
            if let Some(outcome) = outcome {
                return Ok(outcome);
            }
            let mut hand = Hand { ledger: self, facts: &facts, marks, putting: &mut putting };
            for planned in &steps {
                match hand.carry_out(&planned.step, &now).await? {
                    Carried::Out if !planned.step.ends_a_round() => {}
                    Carried::Out | Carried::SoFar => break,
                    Carried::Overtaken => {
                        self.history()?.pause(races).await?;
                        races += 1;
                        break;
                    }
                }
            }
        }
        Err(fault(
            format!("{}: others change it all the time", self.package.name),
            "run the put again",
        ))
    }

    /// What would be done now. Reads only.
    pub async fn dry_run(
        &self,
        ask: &crate::tracks::package::plan::Ask,
        run: &Run,
    ) -> anyhow::Result<Plan> {
        let (facts, _) = self.gather(&mut Putting::new(ask, run)).await?;
        plan(&facts)
    }

    /// Says what people might wonder about.
    fn tell(&self, facts: &Facts) -> anyhow::Result<()> {
        if let (Act::Add(addition), Blob::Whole) = (&facts.ask.act, &facts.blob) {
            let key = self.package.blob(&addition.file.facts.sha256)?;
            let uri = self.blobs.store.uri(key.as_str());
            self.blobs.store.report().info(format!("already in the store: {uri}"));
        }
        let unknown = facts.versions.unknown.len();
        if unknown > 0 {
            self.ledger.report().info(format!(
                "entering {} of {} that are not in its history",
                crate::machine::report::count(unknown, "version"),
                self.package.name
            ));
        }
        Ok(())
    }

    /// Sends a blob over what is there.
    pub(super) async fn send(
        &self,
        addition: &Addition,
        condition: &Condition,
    ) -> anyhow::Result<Written> {
        let facts = &addition.file.facts;
        let (key, report) = (self.package.blob(&facts.sha256)?, self.blobs.store.report());
        let mut options = addition.options.clone();
        options.metadata.insert(PACKAGE_HASH.to_owned(), facts.sha256.base64());
        report.begin("uploading", 1, facts.size);
        let written = self.blobs.upload(&addition.file, &key, condition, &options).await;
        report.end();
        written
    }
}

/// What carries out the steps of one plan.
struct Hand<'a, 'b> {
    ledger: &'a Ledger,
    facts: &'a Facts,
    marks: Marks,
    putting: &'a mut Putting<'b>,
}

impl Hand<'_, '_> {
    async fn carry_out(&mut self, step: &Step, now: impl Fn() -> u64) -> anyhow::Result<Carried> {
        match step {
            Step::Begin(of) => {
                match of {
                    Of::Versions => drop(self.ledger.history()?.begin().await?),
                    Of::Tag(tag) => drop(self.ledger.tag_history(tag)?.begin().await?),
                }
                self.putting.done.begun.push(of.clone());
                Ok(Carried::Out)
            }
            Step::Enter(events) => self.enter(events).await,
            Step::Send { over, .. } => self.send(*over).await,
            Step::Record(number) => self.record(*number, now).await,
            Step::Point { of, to } => self.point(of, *to).await,
            Step::TakeOver(tag, version) => {
                let found = Move { version: Some(*version), id: unique_id() };
                self.move_tag(tag, found, Run::at(self.putting.run.time.clone())).await
            }
            Step::Move(tag, to) => {
                let version = to.map(|to| self.number(to)).transpose()?;
                let mine = Move { version, id: self.putting.id.clone() };
                self.move_tag(tag, mine, self.putting.run.clone()).await
            }
            Step::Mark(version) => {
                let (id, since) = (self.putting.id.clone(), self.putting.run.time.clone());
                self.mark(*version, Some(Removal { id, since })).await
            }
            Step::Unmark(version) => self.mark(*version, None).await,
            Step::Fence(tag, fence) => {
                let Some(current) = self.marks.tags.remove(tag) else { return Ok(Carried::SoFar) };
                Ok(self.ledger.tag_history(tag)?.fence(current, fence).await?.into())
            }
            Step::Bury(version) => self.bury(*version).await,
        }
    }

    /// A version's number, which is known when it is recorded.
    fn number(&self, number: Number) -> anyhow::Result<u64> {
        match number {
            Number::Is(version) => Ok(version),
            Number::OfTime => self.putting.done.recorded.context("it is recorded before"),
        }
    }

    async fn enter(&mut self, events: &[Event<Change>]) -> anyhow::Result<Carried> {
        let history = self.ledger.history()?;
        for batch in events.chunks(BATCH) {
            let Some(current) = self.marks.versions.take() else { return Ok(Carried::SoFar) };
            if history.try_append_all(current, batch).await? == Written::Refused {
                return Ok(Carried::Overtaken);
            }
            if batch.len() == BATCH {
                let known = batch.last().map(|event| event.what.newest());
                let current: Option<Current<Change>> = history.read().await?;
                let is_ours = |it: &Current<Change>| Some(newest(&it.head)) == known;
                self.marks.versions = current.filter(is_ours);
            }
        }
        Ok(Carried::Out)
    }

    async fn send(&mut self, over: Over) -> anyhow::Result<Carried> {
        let Act::Add(addition) = &self.putting.ask.act else { return Ok(Carried::Out) };
        let condition = match over {
            Over::Nothing => Condition::Absent,
            Over::WrongBytes => Condition::still(self.marks.blob.as_ref()),
        };
        let written = self.ledger.send(addition, &condition).await?;
        self.putting.done.sent = match (self.putting.done.sent, written) {
            (_, Written::Yes) => Sent::Written,
            (Sent::Refused, Written::Refused) => Sent::Again,
            (_, Written::Refused) => Sent::Refused,
        };
        Ok(match (over, written) {
            // What is there is looked at again.
            (Over::WrongBytes, Written::Refused) => {
                self.putting.done.sent = Sent::No;
                Carried::Overtaken
            }
            _ => Carried::Out,
        })
    }

    async fn record(&mut self, number: Number, now: impl Fn() -> u64) -> anyhow::Result<Carried> {
        let Act::Add(addition) = &self.putting.ask.act else { return Ok(Carried::Out) };
        let mut record = addition.record(&self.putting.run, &self.putting.id);
        let version = match number {
            Number::Is(version) => {
                let position: Position = self.facts.versions.head.position();
                record = record.at(&position);
                version
            }
            // Taken late: a reader that has seen a higher number does not look for lower ones.
            Number::OfTime => self.time(now()),
        };
        self.putting.done.tried = Some(version);
        let key = self.ledger.package.record(version)?;
        let (bytes, metadata) = (record.to_bytes()?, addition.metadata.clone());
        let written = self.ledger.write(&key, bytes, &Condition::Absent, metadata).await?;
        if written == Written::Yes {
            self.putting.done.recorded = Some(version);
        }
        Ok(written.into())
    }

    /// The number of a version that is recorded now: by the server's clock, as all writers' are, and
    /// above those that this put knows of.
    fn time(&self, now: u64) -> u64 {
        let latest = match self.facts.versions.latest {
            Pointed::At(pointer) => Some(pointer.version),
            Pointed::Nothing | Pointed::Unreadable => None,
        };
        let known = self.putting.done.tried.max(latest);
        self.ledger.ledger.agreed_time(now).max(known.map_or(0, |known| known + 1))
    }

    async fn point(&mut self, of: &Of, to: Option<To>) -> anyhow::Result<Carried> {
        let package = &self.ledger.package;
        let (key, etag) = match of {
            Of::Versions => (package.latest()?, self.marks.latest.take()),
            Of::Tag(tag) => (package.pointer(tag)?, self.marks.pointers.remove(tag)),
        };
        let Some(to) = to else {
            self.ledger.ledger.delete(&key).await?;
            return Ok(Carried::Out);
        };
        let condition = match (&etag, to.entry) {
            // It may be there, and not be for this client to read.
            (None, None) => Condition::None,
            _ => Condition::still(etag.as_ref()),
        };
        let pointer = Pointer { version: self.number(to.version)?, tagged: to.entry };
        let bytes = pointer.to_bytes()?;
        let written = self.ledger.write(&key, bytes, &condition, UserMetadata::new()).await?;
        if *of == Of::Versions && written == Written::Yes {
            self.putting.done.pointed = true;
        }
        Ok(written.into())
    }

    async fn move_tag(&mut self, tag: &Tag, what: Move, run: Run) -> anyhow::Result<Carried> {
        let Some(current) = self.marks.tags.remove(tag) else { return Ok(Carried::SoFar) };
        let history = self.ledger.tag_history(tag)?;
        Ok(history.try_append_all(current, &[Event { run, what }]).await?.into())
    }

    async fn mark(&mut self, version: u64, removal: Option<Removal>) -> anyhow::Result<Carried> {
        let Some((recorded, etag)) = self.marks.records.remove(&version) else {
            return Ok(Carried::SoFar);
        };
        let Recorded { stood: Stood::Version(mut record), metadata } = recorded else {
            return Ok(Carried::SoFar);
        };
        record.removal = removal;
        let (key, bytes) = (self.ledger.package.record(version)?, record.to_bytes()?);
        let condition = Condition::Unchanged(etag);
        Ok(self.ledger.write(&key, bytes, &condition, metadata).await?.into())
    }

    async fn bury(&mut self, version: u64) -> anyhow::Result<Carried> {
        let Some((recorded, etag)) = self.marks.records.remove(&version) else {
            return Ok(Carried::SoFar);
        };
        let Stood::Version(record) = recorded.stood else { return Ok(Carried::SoFar) };
        let bytes = serde_json::to_vec(&record.buried(&self.putting.run))?;
        let key = self.ledger.package.record(version)?;
        let condition = Condition::Unchanged(etag);
        let written = self.ledger.write(&key, bytes, &condition, UserMetadata::new()).await?;
        self.putting.done.buried |= written == Written::Yes;
        Ok(written.into())
    }
}
