//! Numbers as ranges, for sets of them that are nearly whole: which entries of a history are
//! removed.
//!
//! Invariant: ranges are in order, and at least one number is missing between two of them. So a set
//! of numbers has one text.

use std::fmt;
use std::ops::RangeInclusive;

/// A set of numbers, all at least 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Reads what [`fmt::Display`] writes, and nothing else.
    pub fn parse(text: &str) -> Option<Ranges> {
        let mut ranges = Vec::new();
        let mut last = 0;
        for range in text.split(',').filter(|_| !text.is_empty()) {
            let (first, end) = range.split_once('-').unwrap_or((range, range));
            let (first, end) = (number(first)?, number(end)?);
            let is_one = !range.contains('-');
            let is_apart = first > last + u64::from(last > 0);
            if !is_apart || (first >= end && !is_one) {
                return None;
            }
            ranges.push((first, end));
            last = end;
        }
        Some(Ranges(ranges))
    }

    /// Whether no number is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a number is in it.
    pub fn contains(&self, number: u64) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= number);
        after.checked_sub(1).is_some_and(|at| number <= self.0[at].1)
    }

    /// How many of these numbers are in it.
    pub fn count_in(&self, numbers: RangeInclusive<u64>) -> u64 {
        let (from, to) = numbers.into_inner();
        let begin = self.0.partition_point(|(_, end)| *end < from);
        let within = self.0[begin..].iter().take_while(|(first, _)| *first <= to);
        within.map(|(first, end)| to.min(*end) - from.max(*first) + 1).sum()
    }

    /// How many numbers are in it.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|(first, end)| end - first + 1).sum()
    }

    /// How many ranges its text has.
    pub fn pieces(&self) -> usize {
        self.0.len()
    }

    /// The greatest number in it.
    pub fn last(&self) -> Option<u64> {
        self.0.last().map(|(_, end)| *end)
    }

    /// Its numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(|(first, end)| *first..=*end)
    }

    /// What is in it or in the other.
    pub fn union(&self, other: &Ranges) -> Ranges {
        let mut all: Vec<(u64, u64)> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::with_capacity(all.len());
        for (first, end) in all {
            match ranges.last_mut() {
                Some(last) if first <= last.1 + 1 => last.1 = last.1.max(end),
                _ => ranges.push((first, end)),
            }
        }
        Ranges(ranges)
    }

    /// What is in it and not in the other.
    pub fn without(&self, other: &Ranges) -> Ranges {
        let mut ranges = Vec::new();
        let mut others = other.0.iter().copied().peekable();
        for (mut first, end) in self.0.iter().copied() {
            while let Some((from, to)) = others.peek().copied() {
                if from > end {
                    break;
                }
                if first < from {
                    ranges.push((first, from - 1));
                }
                first = first.max(to.saturating_add(1));
                if to > end {
                    break;
                }
                others.next();
            }
            if first <= end {
                ranges.push((first, end));
            }
        }
        Ranges(ranges)
    }

    /// What is in it and in the other too.
    pub fn common(&self, other: &Ranges) -> Ranges {
        self.without(&self.without(other))
    }
}

/// A number as it is written: from 1, no sign, no zero before it.
fn number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|number| is_plain && *number < u64::MAX)
}

impl FromIterator<u64> for Ranges {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Ranges {
        let mut numbers: Vec<u64> = numbers.into_iter().collect();
        numbers.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for number in numbers {
            match ranges.last_mut() {
                Some(last) if number <= last.1 + 1 => last.1 = number,
                _ => ranges.push((number, number)),
            }
        }
        Ranges(ranges)
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (first, end)) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            match first == end {
                true => write!(f, "{first}")?,
                false => write!(f, "{first}-{end}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn one_set_has_one_text() {
        let cases = [
            ("", Some("")),
            ("1", Some("1")),
            ("1-2", Some("1-2")),
            ("3-9980,9983", Some("3-9980,9983")),
            ("1,3,5-6", Some("1,3,5-6")),
            ("0", None),
            ("0-3", None),
            ("1,2", None),
            ("1-3,4", None),
            ("3,1", None),
            ("3-3", None),
            ("5-3", None),
            ("1,", None),
            (",1", None),
            ("01", None),
            ("+1", None),
            ("-1", None),
            ("1-", None),
            ("1-2-3", None),
            ("a", None),
            (" 1", None),
            ("18446744073709551615", None),
            ("18446744073709551616", None),
        ];
        for (text, want) in cases {
            let read = Ranges::parse(text).map(|ranges| ranges.to_string());
            assert_eq!(read.as_deref(), want, "{text}");
        }
    }

    /// Everything against a set of numbers, with sets that a generator makes up.
    #[test]
    fn it_is_a_set_of_numbers() {
        let mut random = fastrand::Rng::with_seed(14);
        let mut made_up = || -> BTreeSet<u64> {
            let (most, dense) = (random.u64(1..40), random.f64());
            (1..=most).filter(|_| random.f64() < dense).collect()
        };
        for _ in 0..2000 {
            let (a, b) = (made_up(), made_up());
            let (x, y): (Ranges, Ranges) =
                (a.iter().copied().collect(), b.iter().copied().collect());
            let same = |ranges: &Ranges, set: &BTreeSet<u64>| {
                assert!(ranges.iter().eq(set.iter().copied()), "{ranges} / {set:?}");
                assert_eq!(Ranges::parse(&ranges.to_string()).as_ref(), Some(ranges), "{set:?}");
                assert_eq!(*ranges, set.iter().copied().collect(), "{set:?}");
            };
            same(&x, &a);
            same(&x.union(&y), &a.union(&b).copied().collect());
            same(&x.without(&y), &a.difference(&b).copied().collect());
            same(&x.common(&y), &a.intersection(&b).copied().collect());
            assert_eq!((x.len(), x.is_empty()), (a.len() as u64, a.is_empty()));
            assert_eq!(x.last(), a.last().copied());
            let starts = a.iter().filter(|number| !a.contains(&(*number - 1))).count();
            assert_eq!(x.pieces(), starts);
            for number in 0..42 {
                assert_eq!(x.contains(number), a.contains(&number), "{x} {number}");
                let up = number + 7;
                let want = a.range(number..=up).count() as u64;
                assert_eq!(x.count_in(number..=up), want, "{x} {number}");
            }
        }
    }

    /// Two sets, a line each.
    #[test]
    fn fuzz_ranges() {
        let seeds = ["3-9980,9983\n1,3,5-6", "1\n1-18446744073709551614", "2-3,7\n4-6"];
        fuzz_driver::texts("ranges", 10_000, seeds, |input| {
            let (a, b) = input.split_once('\n').unwrap_or((input, ""));
            let (Some(a), Some(b)) = (Ranges::parse(a), Ranges::parse(b)) else {
                return "none".to_owned();
            };
            for it in [&a, &b, &a.union(&b), &a.without(&b), &a.common(&b)] {
                assert_eq!(Ranges::parse(&it.to_string()).as_ref(), Some(it), "{input:?}");
            }
            assert_eq!(a.without(&b).union(&a.common(&b)), a, "{input:?}");
            assert!(a.len() >= a.pieces() as u64 && a.count_in(5..=70) <= 66, "{input:?}");
            format!("{} {}", a.common(&b).is_empty(), b.contains(7))
        });
    }
}
