//! Removals, carried out. Why they may be slow, killed, or twice at once, the module above says.

use super::facts::{entries, gather};
use super::marks::CacheMarks;
use super::plan::{Facts, Fate, Policy, Thing};
use crate::history::stored::{Current, History};
use crate::history::{Ranges, Shape};
use crate::s3::store::{Condition, ETag, Fetched, Store, Written, unique_id};
use crate::s3::transfer::delete_all;
use crate::sealing::set::Folder;
use crate::sealing::stone::Stone;
use crate::tracks::artifacts::rules::{self, Published};
use crate::tracks::artifacts::source::Artifacts;
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::{CommitId, Key, Prefix};
use crate::words::object::{Own, POSITION, REMOVED};
use crate::words::retention::Action;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::BTreeMap;

/// How often a manifest may change while a stone is put in its place.
const RACES: usize = 20;
/// Folders that are emptied at once.
const FOLDERS: usize = 8;

/// Removes sets.
#[derive(Debug, Clone, Copy)]
pub struct Remover<'a> {
    /// The bucket.
    pub store: &'a Store,
    /// Where in it the sets are.
    pub track: &'a Artifacts,
    /// Who does it, and when.
    pub run: &'a Run,
}

/// What a folder's manifest must be for a stone to take its place.
enum Of<'a> {
    /// The one of an entry with this number, or one before it.
    Entry(&'a Shape, u64),
    /// One that is marked.
    Marked(&'a CacheMarks),
    /// None: a put left what lies there, or a removal.
    Nothing,
}

impl Remover<'_> {
    fn history(&self) -> anyhow::Result<History<'_, Published>> {
        Ok(History::new(self.store, self.track.history()?))
    }

    /// Ends what the head says to be under way, by whomever; answers how many objects were deleted.
    pub async fn finish(&self) -> anyhow::Result<usize> {
        let history = self.history()?;
        let Some(Current { head, .. }) = history.read().await? else { return Ok(0) };
        let (shape, entries) = (head.shape(), history.removing(&head).await?);
        let mut sets: BTreeMap<CommitId, u64> = BTreeMap::new();
        for entry in &entries {
            sets.insert(entry.what.commit.clone(), entry.number);
        }
        let marks = CacheMarks::of(head.fence());
        let report = self.store.report();
        report.begin_all("removing", "set", sets.len() + marks.codes().count());
        let shape = &shape;
        let sets = sets.into_iter().map(|(commit, number)| {
            (rules::folder(self.track.set(&commit)), Of::Entry(shape, number))
        });
        let caches =
            marks.codes().map(|code| (rules::folder(self.track.cached(code)), Of::Marked(&marks)));
        let deleted = self.clear_all(sets.chain(caches).collect()).await;
        report.end_all();
        let deleted = deleted?;
        let numbers: Ranges = entries.iter().map(|entry| entry.number).collect();
        if !numbers.is_empty() {
            history.finish(&numbers).await?;
        }
        if !marks.is_empty() {
            history
                .refence(|fence| {
                    let before = CacheMarks::of(fence);
                    let rest = before.without(&marks);
                    Ok((rest != before).then(|| rest.fence(&unique_id())))
                })
                .await?;
        }
        Ok(deleted)
    }

    /// Gathers, plans, and says in the head what is removed. After a race only the history is looked at
    /// anew: listing a large bucket takes so long that some put would always be faster.
    pub async fn decide(&self, policy: &Policy) -> anyhow::Result<(Facts, Vec<Fate>)> {
        let (mut facts, current) = gather(self.store, self.track).await?;
        let mut first = Some(current);
        let plan = self
            .history()?
            .until_first(async || {
                let current = match first.take() {
                    Some(current) => current,
                    None => {
                        self.store.report().info("another writer was faster: planning anew");
                        let (entries, current) = entries(self.store, self.track).await?;
                        facts.entries = entries;
                        current
                    }
                };
                let plan = facts.plan(policy);
                let marked = match current {
                    Some(current) => self.mark(current, &plan).await?,
                    None => Written::Yes,
                };
                Ok((marked == Written::Yes).then_some(plan))
            })
            .await?;
        Ok((facts, plan))
    }

    /// Says in the head what is removed by this plan, unless another writer was faster: then the plan
    /// is to be made anew.
    pub(super) async fn mark(
        &self,
        current: Current<Published>,
        plan: &[Fate],
    ) -> anyhow::Result<Written> {
        let mut numbers = Ranges::default();
        let mut marks = CacheMarks::of(current.head.fence());
        for fate in plan.iter().filter(|fate| fate.action == Action::Remove) {
            match &fate.thing {
                Thing::Set(_, of_set) => numbers = numbers.union(of_set),
                Thing::Cache(code_hash) => {
                    let key = rules::folder(self.track.cached(code_hash)).manifest()?;
                    let there = self.store.head(&key).await?;
                    if let Some(facts) = there.filter(|it| !it.metadata.contains_key(REMOVED)) {
                        marks.mark(code_hash.clone(), &facts.etag);
                    }
                }
                Thing::Folder(_) | Thing::Unnamed(_) | Thing::Upload(..) => {}
            }
        }
        let is_new = marks != CacheMarks::of(current.head.fence());
        match (numbers.is_empty(), is_new) {
            (true, false) => Ok(Written::Yes),
            (false, false) => self.history()?.try_mark(current, self.run, &numbers).await,
            (_, true) => {
                let fence = marks.fence(&unique_id());
                self.history()?.try_mark_fenced(current, self.run, &numbers, &fence).await
            }
        }
    }

    /// Removes what is left over; answers how many objects were deleted.
    pub async fn clean(&self, plan: &[Fate]) -> anyhow::Result<usize> {
        let mut deleted = 0;
        let mut folders = Vec::new();
        for fate in plan.iter().filter(|fate| fate.action == Action::Remove) {
            match &fate.thing {
                Thing::Folder(prefix) => folders.push((rules::folder(prefix.clone()), Of::Nothing)),
                Thing::Unnamed(keys) => deleted += delete_all(self.store, keys.clone()).await?,
                Thing::Upload(key, id) => self.store.abort_left(&Key::parse(key)?, id).await?,
                Thing::Set(..) | Thing::Cache(_) => {}
            }
        }
        Ok(deleted + self.clear_all(folders).await?)
    }

    async fn clear_all(&self, folders: Vec<(Folder, Of<'_>)>) -> anyhow::Result<usize> {
        let cleared = stream::iter(folders).map(|(folder, of)| async move {
            let deleted = self.clear(&folder, &of).await;
            self.store.report().advance_all();
            deleted
        });
        cleared.buffer_unordered(FOLDERS).try_fold(0, |all, one| async move { Ok(all + one) }).await
    }

    /// Puts a stone into a folder and deletes what lies there; nothing where a set was published
    /// again.
    async fn clear(&self, folder: &Folder, of: &Of<'_>) -> anyhow::Result<usize> {
        let Some((stone, etag)) = self.stone(folder, of).await? else { return Ok(0) };
        let key = folder.manifest()?;
        let listed = self.store.list(folder.prefix.as_str()).await?;
        // Whatever was listed was there while the stone stood.
        let there = self.store.head(&key).await?;
        if there.is_none_or(|there| there.etag != etag) {
            return Ok(0);
        }
        let left = listed.into_iter().map(|object| object.key);
        let left =
            left.filter(|it| it != key.as_str() && !folder.is_of_generation(&stone.generation, it));
        delete_all(self.store, left.collect()).await
    }

    /// The stone that stands in a folder, put there if need be; none: a set stands there that this
    /// removal is not about.
    async fn stone(&self, folder: &Folder, of: &Of<'_>) -> anyhow::Result<Option<(Stone, ETag)>> {
        let (key, own) = (folder.manifest()?, unique_id());
        for _ in 0..RACES {
            let found = self.store.get(&key).await?;
            let stone = found.as_ref().and_then(|found| Stone::parse(&found.bytes));
            if let (Some(stone), Some(found)) = (stone, &found)
                && (stone.generation == own || !matches!(of, Of::Nothing))
            {
                return Ok(Some((stone, found.etag.clone())));
            } else if let Some(found) = &found
                && !of.lets_go(folder, found)
            {
                return Ok(None);
            }
            let condition = Condition::still(found.as_ref().map(|found| &found.etag));
            let stone = Stone::new(own.clone(), self.run);
            let says = Own::default().with(REMOVED, &own);
            // Refused, or there: the next look tells.
            let _ = self.store.put_own(&key, stone.to_bytes()?, &condition, &says).await?;
        }
        Err(fault(
            format!("{}: {RACES} other writers were faster", self.store.uri(key.as_str())),
            "run it again: it goes on where it was",
        ))
    }
}

impl Of<'_> {
    /// Whether what stands in a folder goes.
    fn lets_go(&self, folder: &Folder, found: &Fetched) -> bool {
        match self {
            Of::Entry(shape, number) => {
                let position = found.metadata.get(POSITION);
                let position = position.and_then(|it| crate::history::Position::parse(it));
                shape.is_since(position.as_ref(), *number)
            }
            Of::Marked(marks) => marks
                .codes()
                .any(|code| is_of(folder, code.as_str()) && marks.is_marked(code, &found.etag)),
            // A stone under which somebody left something.
            Of::Nothing => Stone::parse(&found.bytes).is_some(),
        }
    }
}

fn is_of(folder: &Folder, name: &str) -> bool {
    let prefix: &Prefix = &folder.prefix;
    prefix.as_str().trim_end_matches('/').ends_with(name)
}
