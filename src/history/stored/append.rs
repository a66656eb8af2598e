//! One writer among several: an entry is appended by compare-and-swap.
//!
//! Invariant: what is appended was decided on the very head that it is appended to.

use super::{Current, History, RACES};
use crate::history::{Entry, Event, Head, Position};
use crate::s3::store::Written;
use crate::words::build::Run;
use anyhow::Context as _;
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// What becomes of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next<T> {
    /// This is appended.
    Append(T),
    /// Nothing is: this entry says it already.
    Stands(Entry<T>),
}

impl<T: Serialize + DeserializeOwned + Clone> History<'_, T> {
    /// Appends `what` unless an entry since `position` is the same thing; answers the entry that
    /// stands.
    pub async fn append(
        &self,
        current: Current<T>,
        position: Option<&Position>,
        is_same: impl Fn(&T) -> bool,
        run: &Run,
        what: &T,
    ) -> anyhow::Result<Entry<T>> {
        // Segments never change: what was looked through once need not be again.
        let mut looked_through = 0;
        let decide = async |head: &Head<T>| {
            if let Some(entry) = head.entries().iter().find(|entry| is_same(&entry.what)) {
                return Ok(Next::Stands(entry.clone()));
            }
            let shape = head.shape();
            let since = shape.segments_since(position);
            for part in shape.parts(looked_through.max(since.start)..since.end) {
                let entries = self.part(&shape, part).await?;
                if let Some(entry) = entries.into_iter().find(|entry| is_same(&entry.what)) {
                    return Ok(Next::Stands(entry));
                }
            }
            looked_through = since.end;
            Ok(Next::Append(what.clone()))
        };
        Ok(self.extend(current, run, decide).await?.0)
    }

    /// Appends what `decide` makes of the head, and answers the entry that stands with the head
    /// that it was decided by or is in. Called anew after each lost race, and after a write whose
    /// answer was lost: `decide` must then know its own entry.
    pub async fn extend(
        &self,
        mut current: Current<T>,
        run: &Run,
        mut decide: impl AsyncFnMut(&Head<T>) -> anyhow::Result<Next<T>>,
    ) -> anyhow::Result<(Entry<T>, Head<T>)> {
        for race in 0..RACES {
            let what = match decide(&current.head).await? {
                Next::Stands(entry) => return Ok((entry, current.head)),
                Next::Append(what) => what,
            };
            let event = Event { run: run.clone(), what };
            let (head, segments) = current.head.append([event]);
            if self.replace(&head, segments, current.etag).await? == Written::Yes {
                let entry = head.entries().first().cloned();
                return Ok((entry.context("an appended entry is in the head")?, head));
            }
            current = self.after_race(race).await?;
        }
        Err(self.too_many_races())
    }

    /// Appends one event to a head as it was read, unless another writer was faster.
    pub async fn try_append(
        &self,
        current: Current<T>,
        run: &Run,
        what: T,
    ) -> anyhow::Result<Written> {
        self.try_append_all(current, &[Event { run: run.clone(), what }]).await
    }

    /// Appends events, the oldest first, to a head as it was read, unless another writer was faster.
    pub async fn try_append_all(
        &self,
        current: Current<T>,
        events: &[Event<T>],
    ) -> anyhow::Result<Written> {
        let (head, segments) = current.head.append(events.iter().cloned());
        self.replace(&head, segments, current.etag).await
    }

    /// Gives a head as it was read other bytes, unless another writer was faster: whoever decided on
    /// it before then fails to write it.
    pub async fn fence(&self, current: Current<T>, fence: &str) -> anyhow::Result<Written> {
        self.replace(&current.head.fenced(fence), Vec::new(), current.etag).await
    }

    /// Attempts a put until no other writer is faster; an attempt that was overtaken answers none.
    pub async fn until_first<R>(
        &self,
        mut attempt: impl AsyncFnMut() -> anyhow::Result<Option<R>>,
    ) -> anyhow::Result<R> {
        let mut race = 0;
        loop {
            if let Some(done) = attempt().await? {
                return Ok(done);
            }
            self.pause(race).await?;
            race += 1;
        }
    }

    /// Waits until the next attempt of a put is due, after `race` attempts were overtaken; an
    /// error when that is often enough.
    pub async fn pause(&self, race: u32) -> anyhow::Result<()> {
        if race >= RACES {
            return Err(self.too_many_races());
        }
        let most = Duration::from_millis(50 * u64::from(race + 1)).min(Duration::from_secs(1));
        tokio::time::sleep(most.mul_f64(fastrand::f64())).await;
        Ok(())
    }
}
