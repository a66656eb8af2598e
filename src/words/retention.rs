//! Words that every track's removal of old things has.

use super::time::Utc;
use serde::Serialize;

const DAY: i64 = 86_400;

/// What is done with something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing.
    Keep,
    /// It is removed.
    Remove,
}

/// A thing, what becomes of it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate<T> {
    /// What.
    pub thing: T,
    /// Keep or remove.
    pub action: Action,
    /// In words.
    pub why: String,
    /// When it was published or written, in seconds since 1970.
    pub time: Option<i64>,
    /// The bytes of its objects.
    pub bytes: u64,
}

impl<T> Fate<T> {
    /// Whether it goes.
    pub fn is_removed(&self) -> bool {
        self.action == Action::Remove
    }

    /// When, for people.
    pub fn told_time(&self) -> String {
        self.time.map(Utc::of_seconds).map(|time| time.to_string()).unwrap_or_default()
    }
}

/// Some keys by the first of them.
pub fn named(keys: &[String]) -> String {
    match keys {
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => String::new(),
    }
}

/// A length of time in words.
pub fn told(seconds: i64) -> String {
    match (seconds % DAY, seconds % 3600) {
        (0, _) => format!("{} d", seconds / DAY),
        (_, 0) => format!("{} h", seconds / 3600),
        _ => format!("{seconds} s"),
    }
}

/// Why something is left alone that is younger than so many seconds.
pub fn young(wait: i64) -> String {
    format!("younger than {} (`--wait`)", told(wait))
}

/// What goes.
pub fn removed<T>(plan: &[Fate<T>]) -> impl Iterator<Item = &Fate<T>> + Clone {
    plan.iter().filter(|fate| fate.is_removed())
}

/// The bytes of what goes.
pub fn freed<T>(plan: &[Fate<T>]) -> u64 {
    removed(plan).map(|fate| fate.bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_by_the_largest_unit_that_fits() {
        let cases =
            [(DAY, "1 d"), (30 * DAY, "30 d"), (7200, "2 h"), (25 * 3600, "25 h"), (61, "61 s")];
        for (seconds, want) in cases {
            assert_eq!(told(seconds), want);
        }
    }
}
