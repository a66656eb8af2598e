//! Times in UTC, as texts.

use std::time::SystemTime;

/// A time in UTC, RFC 3339, to the second.
pub fn rfc3339(time: SystemTime) -> String {
    use aws_smithy_types::date_time::{DateTime, Format};
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let time = DateTime::from_secs(i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
    time.fmt(Format::DateTime).unwrap_or_default()
}

/// A number of seconds since 1970, as [`rfc3339`] writes it.
pub fn rfc3339_of(seconds: i64) -> String {
    let since = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    rfc3339(SystemTime::UNIX_EPOCH + since)
}

/// The seconds since 1970 of a time as [`rfc3339`] writes it.
pub fn seconds(text: &str) -> Option<i64> {
    use aws_smithy_types::date_time::{DateTime, Format};
    DateTime::from_str(text, Format::DateTime).ok().map(|time| time.secs())
}

/// A time in UTC to the millisecond, with nothing in it that a key or a file's name cannot hold, and
/// later times after earlier ones: `20260921T141320.900Z`.
pub fn stamp(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = rfc3339(time).replace(['-', ':', 'Z'], "");
    format!("{seconds}.{:03}Z", since.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_to_the_second() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_790_000_000_900);
        assert_eq!(rfc3339(time), "2026-09-21T14:13:20Z");
        assert_eq!(seconds("2026-09-21T14:13:20Z"), Some(1_790_000_000));
        assert_eq!(seconds("yesterday"), None);
        assert_eq!(stamp(time), "20260921T141320.900Z");
    }
}
