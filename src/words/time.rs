//! Times in UTC.

use aws_smithy_types::date_time::{DateTime, Format};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, SystemTime};

/// A time in UTC, RFC 3339, to the second: `2026-09-21T14:13:20Z`. What was read from a bucket stays
/// as it was written there, so that writing it again changes nothing; the default is no time at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Utc(String);

impl Utc {
    /// This time, to the second.
    pub fn of(time: SystemTime) -> Utc {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = DateTime::from_secs(i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
        Utc(time.fmt(Format::DateTime).unwrap_or_default())
    }

    /// This many seconds after the beginning of 1970; nothing before that.
    pub fn of_seconds(seconds: i64) -> Utc {
        let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Utc::of(SystemTime::UNIX_EPOCH + since)
    }

    /// The time that a text says.
    pub fn read(text: &str) -> Utc {
        Utc(text.to_owned())
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The seconds since the beginning of 1970; none where the text is no such time.
    pub fn seconds(&self) -> Option<i64> {
        DateTime::from_str(&self.0, Format::DateTime).ok().map(|time| time.secs())
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A time in UTC to the millisecond, with nothing in it that a key or a file's name cannot hold, and
/// later times after earlier ones: `20260921T141320.900Z`.
pub fn stamp(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = Utc::of(time).0.replace(['-', ':', 'Z'], "");
    format!("{seconds}.{:03}Z", since.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_to_the_second() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_790_000_000_900);
        let utc = Utc::of(time);
        assert_eq!(utc.as_str(), "2026-09-21T14:13:20Z");
        assert_eq!(utc, Utc::of_seconds(1_790_000_000));
        assert_eq!(utc.seconds(), Some(1_790_000_000));
        assert_eq!(Utc::read("yesterday").seconds(), None);
        assert_eq!(Utc::of_seconds(-1), Utc::of_seconds(0));
        assert_eq!(stamp(time), "20260921T141320.900Z");
    }
}
