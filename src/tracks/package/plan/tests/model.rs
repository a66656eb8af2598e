//! A ledger in memory, and writers that do one request at a time.

use crate::history::{Event, Head};
use crate::machine::workspace::Hashed;
use crate::tracks::package::plan::*;
use crate::tracks::package::rules::*;
use crate::tracks::package::source::Numbering;
use crate::words::build::Run;
use crate::words::digest::Sha256;
use crate::words::file::{FileFacts, Mode};
use crate::words::names::{PackageName, RelPath, Tag};
use crate::words::object::{ObjectOptions, UserMetadata};
use crate::words::time::Utc;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) fn tag(name: &str) -> Tag {
    Tag::parse(name).expect("a tag")
}

pub(super) fn addition(content: &str) -> Addition {
    let bytes = content.as_bytes();
    let facts = FileFacts {
        path: RelPath::parse("app.jar").expect("a path"),
        size: bytes.len() as u64,
        mode: Mode::Plain,
        sha256: Sha256::of(bytes),
    };
    let file = Arc::new(Hashed {
        facts,
        disk: "app.jar".into(),
        part: 1 << 20,
        sums: Box::default(),
        parts: None,
    });
    let (metadata, options) = (UserMetadata::new(), ObjectOptions::default());
    Addition { file, mode: 0o100_644, metadata, options }
}

pub(super) fn ask(act: Act, tags: &[&str], untag: &[&str]) -> Ask {
    let parsed = |names: &[&str]| names.iter().map(|name| tag(name)).collect();
    Ask { act, tags: parsed(tags), untag: parsed(untag) }
}

/// What lies in a ledger and its store. As in S3, where the tag of an object is a hash of its bytes,
/// an object that was changed and changed back is the one that was read.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) versions: Option<Head<Change>>,
    pub(super) records: BTreeMap<u64, Recorded>,
    pub(super) latest: Option<Pointer>,
    pub(super) tags: BTreeMap<Tag, Head<Move>>,
    pub(super) pointers: BTreeMap<Tag, Pointer>,
    pub(super) blobs: BTreeSet<Sha256>,
}

impl World {
    /// A writer's whole work, alone.
    pub(super) fn alone(&mut self, ask: &Ask, id: &str) -> Result<Outcome, String> {
        let mut writer = Writer::new(ask, id);
        for _ in 0..500 {
            if let Some(ended) = &writer.ended {
                return ended.clone();
            }
            writer.request(self);
        }
        panic!("no end: {writer:?}");
    }

    /// A ledger with these versions, added one after the other.
    pub(super) fn with(contents: &[&str]) -> World {
        let mut world = World::default();
        for content in contents {
            world.alone(&ask(Act::Add(addition(content)), &[], &[]), content).expect("added");
        }
        world
    }

    /// As sacker leaves a version: nothing but its record, its blob and `latest`.
    pub(super) fn sackers(mut self, version: u64, content: &str) -> World {
        let file = addition(content).file;
        let record = VersionRecord {
            size: None,
            entered: Entered::default(),
            ..VersionRecord::of_file(&file.facts, 0o100_644, &Run::default(), "")
        };
        let stood = Stood::Version(Box::new(record));
        self.records.insert(version, Recorded { stood, metadata: UserMetadata::new() });
        self.latest = Some(Pointer { version, tagged: None });
        self.blobs.insert(file.facts.sha256);
        self
    }

    /// As sacker leaves a tag.
    pub(super) fn sackers_tag(mut self, name: &str, version: u64) -> World {
        self.pointers.insert(tag(name), Pointer { version, tagged: None });
        self
    }

    /// The moves of a tag, oldest first.
    pub(super) fn moves(&self, name: &str) -> Vec<Option<u64>> {
        let entries = self.tags.get(&tag(name)).map(Head::entries).unwrap_or_default();
        entries.iter().rev().map(|entry| entry.what.version).collect()
    }

    /// What happened to the versions, oldest first: a number that came, or one that went.
    pub(super) fn changes(&self) -> Vec<i64> {
        let entries = self.versions.as_ref().map(Head::entries).unwrap_or_default();
        let number = |change: &Change| match change {
            Change::Added { added, .. } => i64::try_from(*added).expect("a number"),
            Change::Removed { removed, .. } => -i64::try_from(*removed).expect("a number"),
        };
        entries.iter().rev().map(|entry| number(&entry.what)).collect()
    }

    /// Asserts what holds at every moment, whoever is at work.
    pub(super) fn is_sound(&self) {
        for (tag, head) in &self.tags {
            let Some(version) = head.entries().first().and_then(|entry| entry.what.version) else {
                continue;
            };
            let stood = self.records.get(&version).map(|recorded| &recorded.stood);
            assert!(matches!(stood, Some(Stood::Version(_))), "{tag} on {version}: {stood:?}");
        }
        for change in self.changes() {
            let number = change.unsigned_abs();
            let recorded = self.records.get(&number).expect("entered after its record");
            if let Stood::Version(record) = &recorded.stood {
                assert!(self.blobs.contains(&record.sha), "{number} has no blob");
            }
        }
    }

    /// Asserts what holds when nobody is at work.
    pub(super) fn is_settled(&self) {
        self.is_sound();
        for (tag, head) in &self.tags {
            let newest = head.entries().first();
            if newest.is_none() {
                // Another tool's, which nobody moved here.
                continue;
            }
            let should = newest.and_then(|it| Some((it.what.version?, Some(it.number))));
            let is = self.pointers.get(tag).map(|it| (it.version, it.tagged));
            // A put that was refused went no further than the history, which says the same.
            let number = should.and_then(|(_, number)| number);
            let is = is.map(|(version, known)| (version, known.or(number)));
            assert_eq!(is, should, "{tag}");
        }
        for (version, recorded) in &self.records {
            if let Stood::Version(record) = &recorded.stood {
                assert_eq!(record.removal, None, "{version} is marked");
            }
        }
        let changes = self.versions.iter().flat_map(Head::entries);
        let entered = standing(changes.map(|entry| &entry.what), None);
        let known = self.versions.as_ref().map_or(0, newest);
        let newer = self.records.keys().copied().rfind(|version| *version > known);
        assert_eq!(self.latest.map(|it| it.version), newer.or(entered), "latest");
    }
}

/// What a writer does next.
#[derive(Debug, Clone)]
enum Doing {
    Listing,
    Pointers,
    Head(usize),
    Versions,
    Record(usize),
    Planning,
    Steps(Vec<Planned>),
}

/// A put under way, one request at a time, in the order of the real one.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    ask: Ask,
    id: String,
    done: Done,
    doing: Doing,
    wanted: Vec<Tag>,
    numbers: Vec<u64>,
    versions: Option<Head<Change>>,
    records: BTreeMap<u64, Recorded>,
    latest: Option<Pointer>,
    tags: BTreeMap<Tag, Head<Move>>,
    pointers: BTreeMap<Tag, Pointer>,
    blob: bool,
    unknown: Vec<Event<Change>>,
    pub(super) ended: Option<Result<Outcome, String>>,
}

impl Writer {
    pub(super) fn new(ask: &Ask, id: &str) -> Writer {
        Writer {
            ask: ask.clone(),
            id: id.to_owned(),
            done: Done::default(),
            doing: Doing::Listing,
            wanted: Vec::new(),
            numbers: Vec::new(),
            versions: None,
            records: BTreeMap::new(),
            latest: None,
            tags: BTreeMap::new(),
            pointers: BTreeMap::new(),
            blob: false,
            unknown: Vec::new(),
            ended: None,
        }
    }

    fn run(&self) -> Run {
        Run::at(Utc::read("2026-01-01T00:00:00Z"))
    }

    /// Does one request, and what depends on nobody else after it.
    pub(super) fn request_and_plan(&mut self, world: &mut World) {
        self.request(world);
        while self.ended.is_none() && self.is_thinking() {
            self.request(world);
        }
    }

    /// Whether what comes next reads and writes nothing.
    fn is_thinking(&self) -> bool {
        match &self.doing {
            Doing::Listing => !matches!(self.ask.act, Act::Remove(_)),
            Doing::Pointers | Doing::Versions => false,
            Doing::Head(index) => *index >= self.wanted.len(),
            Doing::Record(index) => *index >= self.numbers.len(),
            Doing::Planning => true,
            Doing::Steps(steps) => steps.is_empty(),
        }
    }

    /// Does one request.
    pub(super) fn request(&mut self, world: &mut World) {
        self.doing = match std::mem::replace(&mut self.doing, Doing::Planning) {
            Doing::Listing => {
                let all = world.tags.keys().chain(world.pointers.keys());
                self.wanted = match self.ask.act {
                    Act::Remove(_) => all.cloned().collect(),
                    _ => self.ask.tags.iter().chain(&self.ask.untag).cloned().collect(),
                };
                self.wanted.sort();
                self.wanted.dedup();
                Doing::Pointers
            }
            Doing::Pointers => {
                self.latest = world.latest;
                self.pointers = world.pointers.clone();
                self.pointers.retain(|tag, _| self.wanted.contains(tag));
                if let Act::Add(addition) = &self.ask.act {
                    self.blob = world.blobs.contains(&addition.file.facts.sha256);
                }
                self.tags.clear();
                Doing::Head(0)
            }
            Doing::Head(index) => match self.wanted.get(index) {
                Some(tag) => {
                    self.tags.extend(world.tags.get(tag).map(|it| (tag.clone(), it.clone())));
                    Doing::Head(index + 1)
                }
                None => Doing::Versions,
            },
            Doing::Versions => {
                self.versions = world.versions.clone();
                self.records.clear();
                let known = self.versions.as_ref().map_or(0, newest);
                self.unknown.clear();
                for (version, recorded) in world.records.range(known + 1..) {
                    let (run, what) = entry_of(*version, &recorded.stood, &Utc::read("then"));
                    self.unknown.push(Event { run, what });
                }
                self.numbers = match self.ask.act {
                    Act::Tag(version) => version.into_iter().collect(),
                    Act::Remove(version) => vec![version],
                    Act::Agree => Vec::new(),
                    Act::Add(_) => world.records.keys().copied().collect(),
                };
                Doing::Record(0)
            }
            Doing::Record(index) => match self.numbers.get(index) {
                Some(version) => {
                    let found = world.records.get(version);
                    self.records.extend(found.map(|it| (*version, it.clone())));
                    Doing::Record(index + 1)
                }
                None => Doing::Planning,
            },
            Doing::Planning => match plan(&self.facts()) {
                Err(e) => {
                    self.ended = Some(Err(e.to_string()));
                    return;
                }
                Ok(Plan { outcome: Some(outcome), .. }) => {
                    self.ended = Some(Ok(outcome));
                    return;
                }
                Ok(Plan { steps, .. }) => Doing::Steps(steps),
            },
            Doing::Steps(mut steps) => {
                if steps.is_empty() {
                    self.doing = Doing::Listing;
                    return;
                }
                let step = steps.remove(0).step;
                match self.carry_out(&step, world) && !step.ends_a_round() {
                    true => Doing::Steps(steps),
                    false => Doing::Listing,
                }
            }
        };
    }

    pub(super) fn facts(&self) -> Facts {
        let at = |it: Option<Pointer>| match it {
            Some(pointer) => Pointed::At(pointer),
            None => Pointed::Nothing,
        };
        let head = self.versions.clone().unwrap_or_else(|| Head::new(""));
        let except = match self.ask.act {
            Act::Remove(version) => Some(version),
            _ => None,
        };
        let tagged = |tag: &Tag| {
            let known = self.tags.get(tag);
            let tagged = Tagged {
                head: known.cloned().unwrap_or_else(|| Head::new("")),
                is_begun: known.is_some(),
                last: None,
                pointer: at(self.pointers.get(tag).copied()),
            };
            (tag.clone(), tagged)
        };
        Facts {
            name: PackageName::parse("app").expect("a name"),
            numbering: Numbering::Sequential,
            ask: self.ask.clone(),
            run: self.run(),
            id: self.id.clone(),
            versions: Versions {
                standing: standing(head.entries().iter().map(|entry| &entry.what), except),
                head,
                unknown: self.unknown.clone(),
                latest: at(self.latest),
                records: self.records.clone(),
            },
            blob: if self.blob { Blob::Whole } else { Blob::Unseen },
            tags: self.wanted.iter().map(tagged).collect(),
            done: self.done.clone(),
        }
    }

    /// Carries a step out; false: another writer was faster, or what was read is used up.
    fn carry_out(&mut self, step: &Step, world: &mut World) -> bool {
        match step {
            Step::Begin(Of::Versions) => {
                self.done.begun.push(Of::Versions);
                world.versions.get_or_insert_with(|| Head::new("h"));
                true
            }
            Step::Begin(Of::Tag(tag)) => {
                self.done.begun.push(Of::Tag(tag.clone()));
                world.tags.entry(tag.clone()).or_insert_with(|| Head::new("t"));
                true
            }
            Step::Enter(events) => {
                let Some(head) = self.versions.take() else { return false };
                if world.versions.as_ref() != Some(&head) {
                    return false;
                }
                world.versions = Some(head.append(events.clone()).0);
                true
            }
            Step::Send { sha256, .. } => {
                let is_there = world.blobs.contains(sha256);
                self.done.sent = if is_there { Sent::Refused } else { Sent::Written };
                world.blobs.insert(*sha256);
                true
            }
            Step::Record(number) => {
                let (Act::Add(addition), Number::Is(version)) = (&self.ask.act, number) else {
                    panic!("a number")
                };
                self.done.tried = Some(*version);
                if world.records.contains_key(version) {
                    return false;
                }
                let record = Box::new(addition.record(&self.run(), &self.id));
                let metadata = addition.metadata.clone();
                let recorded = Recorded { stood: Stood::Version(record), metadata };
                world.records.insert(*version, recorded);
                self.done.recorded = Some(*version);
                true
            }
            Step::Point { of, to } => self.point(of, to.as_ref(), world),
            Step::TakeOver(tag, version) => {
                let id = format!("found by {}", self.id);
                self.move_tag(tag, Some(*version), &id, world)
            }
            Step::Move(tag, to) => {
                let version = to.map(|to| match to {
                    Number::Is(version) => version,
                    Number::OfTime => panic!("a number"),
                });
                let id = self.id.clone();
                self.move_tag(tag, version, &id, world)
            }
            Step::Mark(version) => {
                let (id, since) = (self.id.clone(), Utc::read("then"));
                self.rewrite(*version, world, |it| it.removal = Some(Removal { id, since }))
            }
            Step::Unmark(version) => self.rewrite(*version, world, |it| it.removal = None),
            Step::Fence(tag, fence) => {
                let Some(head) = self.tags.remove(tag) else { return false };
                if world.tags.get(tag) != Some(&head) {
                    return false;
                }
                world.tags.insert(tag.clone(), head.fenced(fence));
                true
            }
            Step::Bury(version) => {
                let Some(recorded) = self.records.remove(version) else { return false };
                if world.records.get(version) != Some(&recorded) {
                    return false;
                }
                let Stood::Version(record) = recorded.stood else { return false };
                let stood = Stood::Removed(record.buried(&self.run()));
                let recorded = Recorded { stood, metadata: UserMetadata::new() };
                world.records.insert(*version, recorded);
                self.done.buried = true;
                true
            }
        }
    }

    fn point(&mut self, of: &Of, to: Option<&To>, world: &mut World) -> bool {
        let pointer = to.map(|to| match to.version {
            Number::Is(version) => Pointer { version, tagged: to.entry },
            Number::OfTime => panic!("a number"),
        });
        let (read, is) = match of {
            Of::Versions => (self.latest.take(), world.latest),
            Of::Tag(tag) => (self.pointers.remove(tag), world.pointers.get(tag).copied()),
        };
        // Deletions know no condition.
        if pointer.is_some() && read != is {
            return false;
        }
        match (of, pointer) {
            (Of::Versions, pointer) => world.latest = pointer,
            (Of::Tag(tag), Some(pointer)) => {
                world.pointers.insert(tag.clone(), pointer);
            }
            (Of::Tag(tag), None) => {
                world.pointers.remove(tag);
            }
        }
        true
    }

    fn move_tag(&mut self, tag: &Tag, version: Option<u64>, id: &str, world: &mut World) -> bool {
        let Some(head) = self.tags.remove(tag) else { return false };
        if world.tags.get(tag) != Some(&head) {
            return false;
        }
        let what = Move { version, id: id.to_owned() };
        let head = head.append([Event { run: self.run(), what }]).0;
        world.tags.insert(tag.clone(), head);
        true
    }

    fn rewrite(
        &mut self,
        version: u64,
        world: &mut World,
        change: impl FnOnce(&mut VersionRecord),
    ) -> bool {
        let Some(mut recorded) = self.records.remove(&version) else { return false };
        if world.records.get(&version) != Some(&recorded) {
            return false;
        }
        let Stood::Version(record) = &mut recorded.stood else { return false };
        change(record);
        world.records.insert(version, recorded);
        true
    }
}

impl Writer {
    /// Whether all is read that the next plan depends on.
    pub(super) fn is_planning(&self) -> bool {
        matches!(self.doing, Doing::Planning)
    }

    /// Goes on until this many more steps are carried out.
    pub(super) fn until_step(&mut self, world: &mut World, steps: usize) {
        for _ in 0..steps {
            while !matches!(&self.doing, Doing::Steps(steps) if !steps.is_empty()) {
                self.request(world);
            }
            self.request(world);
        }
    }
}
