//! What a check of the `promotion` track answers.

use super::{Promoted, S3P, version};
use crate::history::{Entry, Shape};
use crate::input::protocol::Version;
use crate::words::fault::fault;
use crate::words::names::{ReleaseVersion, shown};
use std::ops::Range;

/// A version of this track, as Concourse gives it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What stood at the rank.
    pub version: ReleaseVersion,
    /// Since which promotion.
    pub promotion: u64,
}

impl Wanted {
    /// Reads a version.
    pub fn parse(version: &Version) -> anyhow::Result<Wanted> {
        const HINT: &str = "a version is {version: <the release's>, promotion: \"<its number>\"}";
        if let Some(key) =
            version.keys().find(|key| !["version", "promotion"].contains(&key.as_str()))
        {
            return Err(fault(format!("version: unknown key `{}`", shown(key)), HINT));
        }
        let (Some(release), Some(number)) = (version.get("version"), version.get("promotion"))
        else {
            return Err(fault("version: it needs both version and promotion", HINT));
        };
        // Only the one spelling: another would be another version to Concourse.
        let promotion = number.parse().ok().filter(|n: &u64| n.to_string() == *number);
        Ok(Wanted {
            version: ReleaseVersion::parse(release).map_err(|e| e.context("version.version"))?,
            promotion: promotion.ok_or_else(|| {
                fault(format!("version.promotion: `{}` is no number", shown(number)), HINT)
            })?,
        })
    }
}

/// A check's answer in the making: it takes entries, newest first, until it has enough.
#[derive(Debug)]
pub struct Answer {
    given: Option<Wanted>,
    /// How many versions the very first check wants.
    initial: usize,
    newest_first: Vec<Version>,
    /// Whether the given version has come by.
    known: bool,
}

impl Answer {
    /// An answer that has seen nothing yet.
    pub fn new(given: Option<Wanted>, initial: usize) -> Answer {
        let known = given.is_none();
        Answer { given, initial, newest_first: Vec::new(), known }
    }

    fn is_full(&self) -> bool {
        self.given.is_none() && self.newest_first.len() >= self.initial
    }

    /// Takes the next older entry; true: no older one is needed.
    pub fn take(&mut self, entry: &Entry<Promoted>) -> bool {
        let promoted = &entry.what;
        match self.given.as_ref().map(|given| given.promotion) {
            // It is of a number that the history has not reached, or that came by as another.
            Some(number) if entry.number < number => {
                if self.newest_first.is_empty() {
                    self.newest_first.push(version(&promoted.release.version, entry.number));
                }
                return true;
            }
            _ => self.newest_first.push(version(&promoted.release.version, entry.number)),
        }
        let is_given = |number, version: &ReleaseVersion| {
            self.given.as_ref().is_some_and(|it| it.promotion == number && it.version == *version)
        };
        self.known |= is_given(entry.number, &promoted.release.version);
        if let Some(before) = &promoted.after_s3p {
            let is_given = is_given(S3P, before);
            self.known |= is_given;
            if is_given || (self.given.is_none() && !self.is_full()) {
                self.newest_first.push(version(before, S3P));
            }
        }
        self.is_full() || self.given.as_ref().is_some_and(|given| entry.number == given.promotion)
    }

    /// The segments that hold what is still needed, when the head has been taken whole: `held`
    /// entries.
    pub fn older(&self, shape: &Shape, held: usize) -> Range<u64> {
        match &self.given {
            Some(given) => shape.segments_from(given.promotion),
            None => shape.segments_for(self.initial.saturating_sub(held)),
        }
    }

    /// The versions, oldest first: from the given one on, or, where it did not come by, the newest.
    pub fn finish(mut self) -> Vec<Version> {
        if !self.known {
            self.newest_first.truncate(1);
        }
        self.newest_first.reverse();
        self.newest_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracks::promotion::rules::Release;
    use crate::words::build::Build;
    use crate::words::digest::Sha256;
    use crate::words::names::Key;
    use crate::words::time::Utc;

    fn release(version: &str) -> ReleaseVersion {
        ReleaseVersion::parse(version).expect("a version")
    }

    /// A history of one letter a promotion, oldest first; newest first. `s3p` stood before.
    fn history(versions: &str, s3p: Option<&str>) -> Vec<Entry<Promoted>> {
        let entry = |(n, c): (usize, char)| Entry {
            number: n as u64 + 1,
            time: Utc::default(),
            build: Build::default(),
            what: Promoted {
                release: Release {
                    version: release(&c.to_string()),
                    size: 1,
                    sha256: Sha256::of(b"x"),
                    key: Key::parse("k").expect("a key"),
                },
                from: None,
                rollback: false,
                after_s3p: s3p.filter(|_| n == 0).map(release),
                id: n.to_string(),
            },
        };
        let mut entries: Vec<_> = versions.chars().enumerate().map(entry).collect();
        entries.reverse();
        entries
    }

    fn answer(entries: &[Entry<Promoted>], given: Option<(&str, u64)>, initial: usize) -> String {
        let given = given.map(|(text, promotion)| Wanted { version: release(text), promotion });
        let mut answer = Answer::new(given, initial);
        let _ = entries.iter().any(|entry| answer.take(entry));
        let all = answer.finish();
        all.iter()
            .map(|v| format!("{}{}", v["version"], v["promotion"]))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn what_check_promises() {
        let plain = history("abca", None);
        let taken = history("bc", Some("a"));
        let cases = [
            (&plain, None, 1, "a4"),
            (&plain, None, 3, "b2 c3 a4"),
            (&plain, None, 9, "a1 b2 c3 a4"),
            (&plain, Some(("a", 4)), 1, "a4"),
            (&plain, Some(("b", 2)), 1, "b2 c3 a4"),
            (&plain, Some(("a", 1)), 9, "a1 b2 c3 a4"),
            // Another version under that number; a number that is not reached; s3p's that never was.
            (&plain, Some(("c", 2)), 1, "a4"),
            (&plain, Some(("a", 7)), 9, "a4"),
            (&plain, Some(("a", 0)), 9, "a4"),
            (&taken, None, 1, "c2"),
            (&taken, None, 2, "b1 c2"),
            (&taken, None, 3, "a0 b1 c2"),
            (&taken, Some(("a", 0)), 1, "a0 b1 c2"),
            (&taken, Some(("x", 0)), 1, "c2"),
            (&taken, Some(("b", 1)), 1, "b1 c2"),
        ];
        for (entries, given, initial, want) in cases {
            assert_eq!(answer(entries, given, initial), want, "{given:?} {initial}");
        }
        assert_eq!(answer(&[], Some(("a", 1)), 1), "");
    }

    #[test]
    fn versions_read_back() {
        let wanted = Wanted::parse(&version(&release("1.0"), 17)).expect("parses");
        assert_eq!(wanted, Wanted { version: release("1.0"), promotion: 17 });
        let cases: [&[(&str, &str)]; 7] = [
            &[("version", "1.0")],
            &[("promotion", "1")],
            &[("version", "1.0"), ("promotion", "01")],
            &[("version", "1.0"), ("promotion", "+1")],
            &[("version", "1.0"), ("promotion", "-1")],
            &[("version", "../x"), ("promotion", "1")],
            &[("version", "1.0"), ("promotion", "1"), ("rank", "qa")],
        ];
        for pairs in cases {
            let version = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            assert!(Wanted::parse(&version).is_err(), "{pairs:?}");
        }
    }
}
