//! One name against one component of a pattern, as Python's `fnmatch` has it (CPython 3.11).
//!
//! `*`, `?`, `[set]` and `[!set]`; there is no way to escape. Names are compared code point by code
//! point, a byte that is not UTF-8 being one (U+DC80 to U+DCFF, Python's `surrogateescape`).
//!
//! Python builds a regular expression of a set, which gives it corners that are kept here: a set
//! that is not closed is a literal `[`; `]` is an ordinary member if it comes first; a range whose
//! ends are the wrong way round vanishes together with them, and what is then left decides: nothing
//! matches no character, `!` alone matches any, and a `!` that has come first negates.

/// A component of a pattern, ready to match.
pub(super) struct NamePattern {
    items: Vec<Item>,
    takes_hidden: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Item {
    Star,
    Any,
    Literal(u32),
    Set { negated: bool, ranges: Vec<(u32, u32)> },
}

const HYPHEN: u32 = '-' as u32;
const NOT: u32 = '!' as u32;
const CLOSE: u32 = ']' as u32;

impl NamePattern {
    pub(super) fn new(pattern: &str) -> Self {
        let pattern: Vec<u32> = pattern.chars().map(u32::from).collect();
        let mut items = Vec::new();
        let mut at = 0;
        while let Some(&point) = pattern.get(at) {
            at += 1;
            let item = match char::from_u32(point) {
                Some('*') if items.last() == Some(&Item::Star) => continue,
                Some('*') => Item::Star,
                Some('?') => Item::Any,
                Some('[') => match set_end(&pattern, at) {
                    Some(end) => {
                        let item = set(&pattern[at..end]);
                        at = end + 1;
                        item
                    }
                    None => Item::Literal(point),
                },
                _ => Item::Literal(point),
            };
            items.push(item);
        }
        Self { items, takes_hidden: pattern.first() == Some(&u32::from('.')) }
    }

    /// Whether names that start with `.` are asked for at all.
    pub(super) fn takes_hidden(&self) -> bool {
        self.takes_hidden
    }

    pub(super) fn matches(&self, name: &[u8]) -> bool {
        if self.items == [Item::Star] {
            return true;
        }
        let name = code_points(name);
        let (mut item, mut at) = (0, 0);
        // Where to go on when a match fails: after the last star, one more point given to it.
        let mut retry: Option<(usize, usize)> = None;
        while at < name.len() || item < self.items.len() {
            match self.items.get(item) {
                Some(Item::Star) => {
                    retry = Some((item + 1, at));
                    item += 1;
                    continue;
                }
                Some(wanted) if name.get(at).is_some_and(|point| wanted.accepts(*point)) => {
                    item += 1;
                    at += 1;
                    continue;
                }
                _ => {}
            }
            match retry {
                Some((after, taken)) if taken < name.len() => {
                    retry = Some((after, taken + 1));
                    (item, at) = (after, taken + 1);
                }
                _ => return false,
            }
        }
        true
    }
}

impl Item {
    fn accepts(&self, point: u32) -> bool {
        match self {
            Self::Star | Self::Any => true,
            Self::Literal(literal) => *literal == point,
            Self::Set { negated, ranges } => {
                let inside = ranges.iter().any(|(low, high)| (*low..=*high).contains(&point));
                inside != *negated
            }
        }
    }
}

/// Where the `]` is that closes the set whose members start at `start`.
fn set_end(pattern: &[u32], start: usize) -> Option<usize> {
    let mut at = start;
    if pattern.get(at) == Some(&NOT) {
        at += 1;
    }
    if pattern.get(at) == Some(&CLOSE) {
        at += 1;
    }
    (at..pattern.len()).find(|at| pattern[*at] == CLOSE)
}

/// What is between the brackets, as an item.
fn set(members: &[u32]) -> Item {
    let mut chunks = chunks(members);
    // From the end, ranges that are the wrong way round fall out with both their ends.
    for at in (1..chunks.len()).rev() {
        if chunks[at - 1].last() > chunks[at].first() {
            let right = chunks.remove(at);
            chunks[at - 1].pop();
            chunks[at - 1].extend(&right[1..]);
        }
    }
    let negated = chunks[0].first() == Some(&NOT);
    let mut ranges = Vec::new();
    // The low end of a range that the chunk before left open.
    let mut low: Option<u32> = None;
    let count = chunks.len();
    for (at, chunk) in chunks.iter().enumerate() {
        let mut points = chunk.as_slice();
        if at == 0 && negated {
            points = &points[1..];
        }
        if let (Some(low), Some((high, rest))) = (low.take(), points.split_first()) {
            ranges.push((low, *high));
            points = rest;
        }
        if at + 1 < count {
            match points.split_last() {
                Some((last, rest)) => {
                    low = Some(*last);
                    points = rest;
                }
                // Only a negation is left before this hyphen, so it is an ordinary member.
                None => ranges.push((HYPHEN, HYPHEN)),
            }
        }
        ranges.extend(points.iter().map(|point| (*point, *point)));
    }
    Item::Set { negated, ranges }
}

/// The members cut at the hyphens that make ranges: each such hyphen stands between the last point
/// of one chunk and the first of the next. A hyphen at either end, and one right after a range, is
/// an ordinary member.
fn chunks(members: &[u32]) -> Vec<Vec<u32>> {
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut from = if members.first() == Some(&NOT) { 2 } else { 1 };
    while let Some(hyphen) = (from..members.len()).find(|at| members[*at] == HYPHEN) {
        chunks.push(members[start..hyphen].to_vec());
        start = hyphen + 1;
        from = hyphen + 3;
    }
    let rest = &members[start..];
    match chunks.last_mut() {
        Some(last) if rest.is_empty() => last.push(HYPHEN),
        _ => chunks.push(rest.to_vec()),
    }
    chunks
}

/// A name as Python's string has it.
pub(super) fn code_points(name: &[u8]) -> Vec<u32> {
    let mut points = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        points.extend(chunk.valid().chars().map(u32::from));
        points.extend(chunk.invalid().iter().map(|byte| 0xDC00 + u32::from(*byte)));
    }
    points
}
