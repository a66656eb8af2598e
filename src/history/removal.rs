//! Taking entries out of a history.
//!
//! Two writes of the head: the first marks the entries, which no reader shows from then on, and says
//! who did it; what they published is then deleted; the second says that nothing of it is left. So
//! the head names what a remover that was killed has left, and whoever removes next finishes that.

use super::ranges::Ranges;
use super::{Head, Line, Removal, Segment};
use crate::words::build::Run;
use crate::words::fault::fault;
use serde::{Serialize, de::DeserializeOwned};

/// How many ranges a head says to be gone at most: each check reads them.
pub const MOST_PIECES: usize = 4096;

impl<T: Serialize + DeserializeOwned> Head<T> {
    /// The entries that do not stand any more, of which something may be left.
    pub fn removing(&self) -> &Ranges {
        &self.removing
    }

    /// Removals, and entries of which nothing is left.
    pub fn removed(&self) -> &Ranges {
        &self.removed
    }

    /// The removals that the head itself holds, newest first.
    pub fn removals(&self) -> impl Iterator<Item = &Removal> {
        self.gone.iter().filter_map(Line::removal)
    }

    /// The head in which these entries do not stand any more, and the segments that must be written
    /// before it.
    pub fn mark(
        mut self,
        run: &Run,
        numbers: &Ranges,
    ) -> anyhow::Result<(Head<T>, Vec<Segment<T>>)> {
        let gone = self.removed.union(&self.removing);
        anyhow::ensure!(
            !numbers.is_empty()
                && numbers.common(&gone).is_empty()
                && numbers.last().is_some_and(|last| last < self.next()),
            "of {numbers}, not every number has an entry that stands"
        );
        let segments = self.sealed_off();
        let number = self.next();
        let Run { time, build } = run.clone();
        let removal = Removal { number, time, build, removed: numbers.clone() };
        let is_marked = |number| numbers.contains(number);
        let (marked, standing) =
            std::mem::take(&mut self.entries).into_iter().partition(|it| is_marked(it.number));
        self.entries = standing;
        self.gone.extend(marked.into_iter().map(Line::Entry));
        self.gone.push(Line::Removal(removal));
        self.gone.sort_unstable_by_key(|line| std::cmp::Reverse(line.number()));
        self.removing = self.removing.union(numbers);
        self.removed = self.removed.union(&[number].into_iter().collect());
        if self.removed.pieces() + self.removing.pieces() > MOST_PIECES {
            return Err(fault(
                format!(
                    "what is removed would lie in more than {MOST_PIECES} pieces between what is kept"
                ),
                "remove fewer at once, from the oldest on; or keep fewer old ones that lie apart",
            ));
        }
        Ok((self, segments))
    }

    /// The head that says that nothing is left of these entries; none: it says so already.
    pub fn finish(mut self, numbers: &Ranges) -> Option<Head<T>> {
        let done = self.removing.common(numbers);
        if done.is_empty() {
            return None;
        }
        self.removing = self.removing.without(&done);
        self.removed = self.removed.union(&done);
        Some(self)
    }
}
