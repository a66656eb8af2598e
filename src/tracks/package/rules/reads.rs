//! What a check reads after the head of the history, decided.

use crate::history::Shape;
use std::ops::Range;

/// The version that a check is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// None: it is the first check.
    Nothing,
    /// It stands.
    Stands(u64),
    /// It has no record, or was removed.
    Gone(u64),
}

impl Given {
    /// Its number.
    pub fn number(self) -> Option<u64> {
        match self {
            Given::Nothing => None,
            Given::Stands(version) | Given::Gone(version) => Some(version),
        }
    }
}

/// What the first round of a check found.
#[derive(Debug)]
pub struct Found<'a> {
    /// The given version.
    pub given: Given,
    /// How many versions the first check wants.
    pub initial: usize,
    /// The version that `latest` names.
    pub latest: Option<u64>,
    /// The head; none: there is no history.
    pub head: Option<Head<'a>>,
}

/// What the head told.
#[derive(Debug)]
pub struct Head<'a> {
    /// Which history it is, and how much of it is sealed.
    pub shape: &'a Shape,
    /// The highest number that it has given out.
    pub known: u64,
    /// Whether nothing older is needed.
    pub is_enough: bool,
    /// How many more versions the first check wants.
    pub wants: usize,
    /// Whether `latest` was written by somebody who saw this very head.
    pub is_pointed_at: bool,
    /// The segments that may hold the given version and what came after it.
    pub since_given: Range<u64>,
}

/// What is read in the second round.
#[derive(Debug, PartialEq, Eq)]
pub struct Reads {
    /// The newest version, where `latest` is as new as the history and so says it.
    pub newest: Option<u64>,
    /// Older entries.
    pub segments: Range<u64>,
    /// Versions that the history lacks.
    pub listing: Listing,
}

/// Which versions are listed.
#[derive(Debug, PartialEq, Eq)]
pub enum Listing {
    /// Those above `after`; `upto` is about the newest.
    Above {
        /// This one is left out.
        after: u64,
        /// Perhaps the newest.
        upto: u64,
    },
    /// Those that the history, up to `known`, lacks: none where `latest` says that there are none.
    Newer {
        /// None: there is no history.
        known: Option<u64>,
    },
}

/// What the second round reads.
pub fn reads(found: &Found<'_>) -> Reads {
    let Found { given, initial, latest, head } = found;
    let Some(head) = head else {
        let listing = match (given, latest) {
            // From the given version on.
            (Given::Stands(given), Some(latest)) if latest >= given => {
                Listing::Above { after: given.saturating_sub(1), upto: *latest }
            }
            (Given::Nothing, _) if *initial > 1 => Listing::Above { after: 0, upto: u64::MAX },
            _ => Listing::Newer { known: None },
        };
        return Reads { newest: None, segments: 0..0, listing };
    };
    let is_newest_told = head.is_pointed_at && latest.is_some_and(|latest| latest <= head.known);
    let (newest, segments) = match given {
        _ if head.is_enough => (None, 0..0),
        Given::Stands(_) => (None, head.since_given.clone()),
        // All that the head holds was removed.
        Given::Gone(_) if is_newest_told => (*latest, 0..0),
        Given::Nothing if is_newest_told && head.wants == 1 && *initial == 1 => (*latest, 0..0),
        Given::Gone(_) => (None, head.shape.segments_for(1)),
        Given::Nothing => (None, head.shape.segments_for(head.wants)),
    };
    let listing = match (given, latest) {
        // The given version itself is newer than the history.
        (Given::Stands(given), latest) if *given > head.known => {
            Listing::Above { after: given.saturating_sub(1), upto: latest.unwrap_or(0).max(*given) }
        }
        (Given::Nothing, Some(_)) if *initial > 1 => Listing::Newer { known: Some(head.known) },
        // Only the newest is of interest.
        (Given::Nothing | Given::Gone(_), Some(latest)) => {
            Listing::Newer { known: Some(head.known.max(latest.saturating_sub(1))) }
        }
        _ => Listing::Newer { known: Some(head.known) },
    };
    Reads { newest, segments, listing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Head as HistoryHead;

    #[test]
    fn what_the_second_round_reads() {
        use Given::{Gone, Nothing, Stands};
        let head = r#"{"format": "s3-asset-history/1", "id": "h", "sealed": 10, "entries": []}"#;
        let shape: Shape = HistoryHead::<u8>::parse(head.as_bytes()).expect("a head").shape();
        let above = |after, upto| Listing::Above { after, upto };
        let newer = |known| Listing::Newer { known };
        // No history: given, initial, latest, the listing.
        for (given, initial, latest, want) in [
            (Nothing, 1, None, newer(None)),
            (Nothing, 1, Some(9), newer(None)),
            (Nothing, 2, Some(9), above(0, u64::MAX)),
            (Stands(7), 1, Some(9), above(6, 9)),
            (Stands(7), 1, Some(5), newer(None)),
            (Stands(7), 1, None, newer(None)),
            (Gone(7), 1, Some(9), newer(None)),
        ] {
            let reads = reads(&Found { given, initial, latest, head: None });
            assert_eq!(reads, Reads { newest: None, segments: 0..0, listing: want }, "{given:?}");
        }
        // A history up to 700: given, initial, latest, whether the head is enough, how many more are
        // wanted, whether `latest` saw this head; the newest, the segments, the listing.
        type Case =
            (Given, usize, Option<u64>, bool, usize, bool, (Option<u64>, Range<u64>, Listing));
        let cases: [Case; 13] = [
            (Nothing, 1, Some(700), true, 0, true, (None, 0..0, newer(Some(700)))),
            (Nothing, 1, Some(705), true, 0, false, (None, 0..0, newer(Some(704)))),
            (Nothing, 5, Some(705), true, 0, false, (None, 0..0, newer(Some(700)))),
            (Nothing, 1, None, true, 0, false, (None, 0..0, newer(Some(700)))),
            // All of the head was removed.
            (Nothing, 1, Some(600), false, 1, true, (Some(600), 0..0, newer(Some(700)))),
            (Nothing, 1, Some(600), false, 1, false, (None, 9..10, newer(Some(700)))),
            (Nothing, 99, Some(600), false, 90, true, (None, 8..10, newer(Some(700)))),
            (Gone(650), 1, Some(600), false, 1, true, (Some(600), 0..0, newer(Some(700)))),
            (Gone(650), 1, Some(600), false, 1, false, (None, 9..10, newer(Some(700)))),
            (Gone(650), 1, Some(705), false, 1, true, (None, 9..10, newer(Some(704)))),
            (Stands(500), 1, Some(700), false, 1, true, (None, 7..10, newer(Some(700)))),
            (Stands(690), 1, Some(700), true, 0, true, (None, 0..0, newer(Some(700)))),
            (Stands(703), 1, Some(705), false, 1, false, (None, 7..10, above(702, 705))),
        ];
        for (given, initial, latest, is_enough, wants, is_pointed_at, want) in cases {
            let head = Head {
                shape: &shape,
                known: 700,
                is_enough,
                wants,
                is_pointed_at,
                since_given: 7..10,
            };
            let reads = reads(&Found { given, initial, latest, head: Some(head) });
            let (newest, segments, listing) = want;
            assert_eq!(reads, Reads { newest, segments, listing }, "{given:?} {latest:?}");
        }
    }
}
