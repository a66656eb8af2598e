//! Many events at once: an import's, which may be older than what is there.

use super::{Current, History, RACES};
use crate::history::{Entry, Event, Head, SEGMENT, merged};
use crate::s3::store::{Written, unique_id};
use crate::words::build::Run;
use crate::words::fault::fault;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashSet;
use std::hash::Hash;

/// Events entered at one write of a head, which holds them all until the next: about 1 MB.
pub const BATCH: usize = 4096;

impl<T: Serialize + DeserializeOwned + Clone> History<'_, T> {
    /// Enters many events, the oldest first, at few writes; an event whose `name` the history, or
    /// an event before it, has already is left out.
    pub async fn append_all<N: Eq + Hash>(
        &self,
        mut current: Current<T>,
        name: impl Fn(&T) -> N,
        mut events: Vec<Event<T>>,
    ) -> anyhow::Result<()> {
        let mut known = HashSet::new();
        let (mut looked_through, mut race) = (0, 0);
        let mut gone = current.head.shape().gone;
        while race < RACES {
            let shape = current.head.shape();
            if shape.gone != gone {
                // What was known may be removed since.
                known.clear();
                (looked_through, gone) = (0, shape.gone.clone());
            }
            let range = looked_through..shape.segments_since(None).end;
            looked_through = range.end;
            let older = self.segments(&shape, range).await?;
            known.extend(older.iter().chain(current.head.entries()).map(|entry| name(&entry.what)));
            let mut batch = HashSet::new();
            events.retain(|event| {
                let name = name(&event.what);
                !known.contains(&name) && batch.insert(name)
            });
            if events.is_empty() && !current.head.is_full() {
                return Ok(());
            }
            let (head, segments) = current.head.append(events.iter().take(BATCH).cloned());
            if self.replace(&head, segments, current.etag).await? == Written::Yes {
                race = 0;
                current = self.again().await?;
            } else {
                current = self.after_race(race).await?;
                race += 1;
            }
        }
        Err(self.too_many_races())
    }

    /// Enters events, each before the first that is later than it, unless the history has their
    /// names already. Numbers only grow, so the whole history is written anew, under an id of its
    /// own: a reader of the one before still finds all of that. What is removed does not come along.
    pub async fn interleave<N: Eq + Hash>(
        &self,
        mut current: Current<T>,
        name: impl Fn(&T) -> N,
        events: Vec<Event<T>>,
    ) -> anyhow::Result<()> {
        for race in 0..RACES {
            if !current.head.removing().is_empty() {
                return Err(fault(
                    format!(
                        "{}.json: a removal was begun and not ended",
                        self.store.uri(self.key.as_str())
                    ),
                    "end it by running `gc --delete` again, and repeat this then",
                ));
            }
            let shape = current.head.shape();
            let older = self.segments(&shape, shape.segments_since(None)).await?;
            let standing = older.iter().rev().chain(current.head.entries().iter().rev());
            let event = |it: &Entry<T>| Event {
                run: Run { time: it.time.clone(), build: it.build.clone() },
                what: it.what.clone(),
            };
            let standing: Vec<Event<T>> = standing.map(event).collect();
            let known: HashSet<N> = standing.iter().map(|it| name(&it.what)).collect();
            let mut events = events.clone();
            events.retain(|event| !known.contains(&name(&event.what)));
            if events.is_empty() {
                return Ok(());
            }
            let mut all = merged(standing, events).into_iter().peekable();
            let (mut head, mut segments) = (Head::new(unique_id()), Vec::new());
            while all.peek().is_some() {
                let (next, sealed) = head.append(all.by_ref().take(SEGMENT as usize));
                head = next;
                segments.extend(sealed);
            }
            if self.replace(&head, segments, current.etag).await? == Written::Yes {
                return Ok(());
            }
            current = self.after_race(race).await?;
        }
        Err(self.too_many_races())
    }
}
