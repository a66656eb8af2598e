//! A revision: the name of a folder below a job, as the poller reads it.

use crate::words::fault::fault;
use crate::words::names::shown;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

const HINT: &str = "a revision is `<pipeline counter>.<stage counter>`, for example 42.1: two or three whole numbers up to 2,147,483,647, with dots between them";

/// Two or three numbers that fit a Java `Integer`, as somebody wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Revision {
    text: String,
    parts: [i32; 3],
}

impl Revision {
    /// Reads a revision, without the white space around it (a file's last line end).
    pub fn parse(text: &str) -> anyhow::Result<Revision> {
        let text = text.trim();
        Revision::of_folder(text)
            .ok_or_else(|| fault(format!("`{}` is no revision", shown(text)), HINT))
    }

    /// The revision that a folder's name is; none: the poller cannot read it.
    pub fn of_folder(name: &str) -> Option<Revision> {
        let mut parts = [0; 3];
        let mut count = 0;
        for part in name.split('.') {
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            *parts.get_mut(count)? = is_number.then(|| part.parse().ok())??;
            count += 1;
        }
        (count >= 2).then(|| Revision { text: name.to_owned(), parts })
    }

    /// The first revision of a pipeline counter; none: Java has no such integer.
    pub fn first_of(counter: Option<i32>) -> Option<Revision> {
        counter.and_then(|counter| Revision::of_folder(&format!("{counter}.1")))
    }

    /// Refuses what the poller would take for another revision: it reads 42.1.0 and 042.1 as 42.1.
    pub fn publishable(self) -> anyhow::Result<Revision> {
        let [counter, stage, third] = self.parts;
        let plain = match third {
            0 => format!("{counter}.{stage}"),
            _ => format!("{counter}.{stage}.{third}"),
        };
        if plain == self.text {
            return Ok(self);
        }
        Err(fault(
            format!("GoCD takes the revision `{self}` for {plain}"),
            format!("publish it as {plain}"),
        ))
    }

    /// The number of the pipeline's run.
    pub fn counter(&self) -> i32 {
        self.parts[0]
    }

    /// Whether the poller sees no difference between the two.
    pub fn is_same_to_gocd(&self, other: &Revision) -> bool {
        self.parts == other.parts
    }

    /// The text, which is the folder's name.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Ord for Revision {
    fn cmp(&self, other: &Revision) -> Ordering {
        self.parts.cmp(&other.parts).then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Revision {
    fn partial_cmp(&self, other: &Revision) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Revision {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Revision> {
        Revision::parse(&text)
    }
}

impl From<Revision> for String {
    fn from(revision: Revision) -> String {
        revision.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(text: &str) -> Revision {
        Revision::parse(text).expect(text)
    }

    #[test]
    fn what_the_poller_can_read() {
        for text in ["42.1", "0.0", "1.2.3", "2147483647.2147483647.2147483647", "042.1", "7.10\n"]
        {
            assert_eq!(revision(text).as_str(), text.trim());
        }
        for text in [
            "",
            "42",
            "42.",
            ".1",
            "1..2",
            "1.2.3.4",
            "-1.1",
            "+1.1",
            "1.x",
            "2147483648.1",
            "1.99999999999999999999",
            "1 .2",
            "٣.1",
            "1.1/",
            "../1.1",
        ] {
            assert!(Revision::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn revisions_order_by_number() {
        let sorted = ["0.1", "9.1", "9.2", "9.10", "10.1", "10.1.0", "10.1.2", "10.2", "010.3"];
        for pair in sorted.windows(2) {
            assert!(revision(pair[0]) < revision(pair[1]), "{pair:?}");
        }
        assert!(revision("10.1").is_same_to_gocd(&revision("010.1.0")));
        assert!(!revision("10.1").is_same_to_gocd(&revision("10.1.1")));
    }

    #[test]
    fn only_what_gocd_reads_as_it_stands_is_published() {
        for text in ["42.1", "1.2.3", "0.0"] {
            assert_eq!(revision(text).publishable().expect(text).as_str(), text);
        }
        for (text, want) in [
            ("42.1.0", "GoCD takes the revision `42.1.0` for 42.1"),
            ("042.1", "GoCD takes the revision `042.1` for 42.1"),
            ("4.01.2", "GoCD takes the revision `4.01.2` for 4.1.2"),
        ] {
            assert_eq!(revision(text).publishable().expect_err(text).to_string(), want);
        }
    }

    #[test]
    fn the_last_counter_is_javas() {
        let first = |counter: i32| Revision::first_of(counter.checked_add(1));
        assert_eq!(first(41), Some(revision("42.1")));
        assert_eq!(first(i32::MAX - 1), Some(revision("2147483647.1")));
        assert_eq!(first(i32::MAX), None);
    }

    #[test]
    fn fuzz_revisions() {
        let seeds = ["42.1\n42.10", "1.2.3\n1.2", "2147483647.0\n042.1", "7\n"];
        fuzz_driver::texts("revisions", 20_000, seeds, |input| {
            let mut both = input.split('\n').map(Revision::of_folder);
            let (a, b) = (both.next().flatten(), both.next().flatten());
            if let Some(a) = &a {
                assert_eq!(Revision::parse(a.as_str()).expect("again").as_str(), a.as_str());
            }
            if let (Some(a), Some(b)) = (&a, &b) {
                assert_eq!(a.cmp(b), b.cmp(a).reverse(), "{a} {b}");
            }
            let parsed = Revision::parse(input).and_then(Revision::publishable);
            format!(
                "{} {}",
                b.is_some(),
                parsed.map_or_else(fuzz_driver::line, |it| it.to_string())
            )
        });
    }
}
