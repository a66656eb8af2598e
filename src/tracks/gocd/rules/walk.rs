//! Which markers a check reads: no more than it needs to be sure of its answer.

use super::Revision;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Markers that a check reads rather than ask the history.
pub const AT_MOST: usize = 64;
/// Markers read beside those that are needed, since the newest folder may be half uploaded.
const SPARE: usize = 1;

/// What a check is to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// So many of the newest.
    Newest(usize),
    /// A revision and every greater one; the newest alone where it is gone.
    Since(Revision),
}

/// A check between its rounds: what stands below the job, and what is known of it.
#[derive(Debug)]
pub struct Walk {
    folders: Vec<Revision>,
    search: Search,
    known: HashMap<Revision, bool>,
}

impl Walk {
    /// A check of a job that has these folders, whose markers are not known yet.
    pub fn new(folders: BTreeSet<Revision>, search: Search) -> Walk {
        Walk { folders: folders.into_iter().collect(), search, known: HashMap::new() }
    }

    /// Whether the answer depends on more folders than markers should be read for.
    pub fn is_long(&self) -> bool {
        let needed = match &self.search {
            Search::Newest(count) => *count.min(&self.folders.len()),
            Search::Since(given) => self.since(given).len(),
        };
        needed > AT_MOST
    }

    /// Takes what the history knows to be completed, but of the given revision: that one may have been
    /// removed, and its folder begun anew.
    pub fn trust(&mut self, completed: &HashSet<Revision>) {
        for folder in self.folders.iter().filter(|folder| completed.contains(*folder)) {
            if !matches!(&self.search, Search::Since(given) if given == folder) {
                self.known.insert(folder.clone(), true);
            }
        }
    }

    /// Takes what a marker says.
    pub fn learn(&mut self, revision: Revision, is_completed: bool) {
        self.known.insert(revision, is_completed);
    }

    /// The markers to read next, all at once; none: the answer is known.
    pub fn next(&self) -> Vec<Revision> {
        match &self.search {
            Search::Newest(count) => self.next_newest(*count),
            Search::Since(given) if self.is_gone(given) => self.next_newest(1),
            Search::Since(given) => self
                .since(given)
                .iter()
                .filter(|it| !self.known.contains_key(it))
                .cloned()
                .collect(),
        }
    }

    /// The answer, oldest first.
    pub fn answer(&self) -> Vec<Revision> {
        let is_completed = |revision: &&Revision| self.known.get(revision) == Some(&true);
        let (from, count) = match &self.search {
            Search::Newest(count) => (self.folders.as_slice(), *count),
            Search::Since(given) if self.is_gone(given) => (self.folders.as_slice(), 1),
            Search::Since(given) => (self.since(given), usize::MAX),
        };
        let mut newest: Vec<Revision> =
            from.iter().rev().filter(is_completed).take(count).cloned().collect();
        newest.reverse();
        newest
    }

    fn since(&self, given: &Revision) -> &[Revision] {
        &self.folders[self.folders.partition_point(|folder| folder < given)..]
    }

    fn is_gone(&self, given: &Revision) -> bool {
        self.folders.binary_search(given).is_err() || self.known.get(given) == Some(&false)
    }

    fn next_newest(&self, count: usize) -> Vec<Revision> {
        let (mut found, mut unknown) = (0, Vec::new());
        for folder in self.folders.iter().rev() {
            if found >= count {
                break;
            }
            match self.known.get(folder) {
                Some(true) => found += 1,
                Some(false) => {}
                None if unknown.len() < count.saturating_sub(found).saturating_add(SPARE) => {
                    unknown.push(folder.clone());
                }
                None => break,
            }
        }
        unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(text: &str) -> Revision {
        Revision::parse(text).expect(text)
    }

    /// Walks with markers as they stand; answers the revisions, and how many were read in each round.
    fn walk(folders: &[(&str, bool)], trusted: &[&str], search: Search) -> (String, Vec<usize>) {
        let stand: HashMap<Revision, bool> =
            folders.iter().map(|(text, is_completed)| (revision(text), *is_completed)).collect();
        let mut walk = Walk::new(stand.keys().cloned().collect(), search);
        walk.trust(&trusted.iter().map(|text| revision(text)).collect());
        let mut rounds = Vec::new();
        loop {
            let next = walk.next();
            if next.is_empty() {
                let answer: Vec<String> = walk.answer().iter().map(Revision::to_string).collect();
                return (answer.join(" "), rounds);
            }
            rounds.push(next.len());
            for revision in next {
                let is_completed = stand[&revision];
                walk.learn(revision, is_completed);
            }
        }
    }

    #[test]
    fn what_is_shown_and_what_is_read_for_it() {
        let many = [
            ("9.1", true),
            ("10.1", true),
            ("10.1.2", true),
            ("11.1", true),
            ("12.1", false),
            ("100.1", true),
        ];
        let pending = [("1.1", true), ("2.1", false), ("3.1", false), ("4.1", false)];
        let since = |text: &str| Search::Since(revision(text));
        // Folders, what the history knows, the search, the answer, how many markers in each round.
        type Case<'a> = (&'a [(&'a str, bool)], &'a [&'a str], Search, &'a str, &'a [usize]);
        let cases: [Case<'_>; 14] = [
            (&[], &[], Search::Newest(1), "", &[]),
            (&[], &[], since("1.1"), "", &[]),
            (&many, &[], Search::Newest(1), "100.1", &[2]),
            (&many, &[], Search::Newest(3), "10.1.2 11.1 100.1", &[4]),
            (&many, &[], Search::Newest(9), "9.1 10.1 10.1.2 11.1 100.1", &[6]),
            (&many, &[], since("100.1"), "100.1", &[1]),
            (&many, &[], since("10.1"), "10.1 10.1.2 11.1 100.1", &[5]),
            (&many, &["11.1", "10.1", "7.1"], since("10.1"), "10.1 10.1.2 11.1 100.1", &[4]),
            // Half uploaded, unknown, and gone: the newest alone.
            (&many, &[], since("12.1"), "100.1", &[2]),
            (&many, &["12.1"], since("12.1"), "100.1", &[2]),
            (&many, &[], since("11.2"), "100.1", &[2]),
            (&pending, &[], Search::Newest(1), "1.1", &[2, 2]),
            (&pending, &["1.1"], Search::Newest(1), "1.1", &[2, 1]),
            (&pending[1..], &[], Search::Newest(1), "", &[2, 1]),
        ];
        for (folders, trusted, search, want, reads) in cases {
            let (answer, rounds) = walk(folders, trusted, search.clone());
            assert_eq!(answer, want, "{search:?}");
            assert_eq!(rounds, reads, "{search:?}");
        }
    }

    #[test]
    fn a_long_search_asks_the_history() {
        let folders: BTreeSet<Revision> = (1..=100).map(|n| revision(&format!("{n}.1"))).collect();
        let is_long = |search| Walk::new(folders.clone(), search).is_long();
        assert!(is_long(Search::Since(revision("36.1"))));
        assert!(!is_long(Search::Since(revision("37.1"))));
        assert!(!is_long(Search::Newest(AT_MOST)) && is_long(Search::Newest(AT_MOST + 1)));
    }
}
