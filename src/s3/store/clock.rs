//! What time it is for the server, as each of its answers says: writers that order what they write by
//! time go by one clock.

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_types::date_time::{DateTime, Format};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A `Date` has no fractions of a second, and an answer is on its way for a while.
const SLACK: Duration = Duration::from_secs(2);

/// The `Date` of the last answer, in milliseconds since 1970, and when it came.
#[derive(Debug, Clone, Default)]
pub(super) struct Clock(Arc<Mutex<Option<(u64, Instant)>>>);

impl Clock {
    /// This machine's time, in milliseconds since 1970, as far as the server agrees with it.
    pub(super) fn agreed(&self, own: u64) -> u64 {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.map_or(own, |(date, came)| agreed(own, date, came.elapsed()))
    }

    /// By how many seconds this machine's time is ahead of what the server could have as well.
    pub(super) fn ahead(&self, own: u64) -> Option<i64> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (date, came) = last?;
        let seconds = |milliseconds: u64| i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX);
        Some(seconds(own) - seconds(agreed(own, date, came.elapsed())))
    }
}

/// A time that the server could have as well, `since` after it said what its clock shows.
fn agreed(own: u64, date: u64, since: Duration) -> u64 {
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(0);
    let least = date.saturating_add(milliseconds(since));
    own.clamp(least, least.saturating_add(milliseconds(SLACK)))
}

impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "Clock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), aws_sdk_s3::error::BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|text| DateTime::from_str(text, Format::HttpDate).ok());
        if let Some(date) = date.and_then(|date| u64::try_from(date.secs()).ok()) {
            let now = (date.saturating_mul(1000), Instant::now());
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_is_put_right() {
        const DATE: u64 = 1_790_000_000_000;
        const DAY: u64 = 86_400_000;
        for (own, since, want) in [
            (DATE + 700, 0, DATE + 700),
            (DATE + 1_700, 0, DATE + 1_700),
            (DATE + 5_300, 5_000, DATE + 5_300),
            (DATE + DAY, 0, DATE + 2_000),
            (DATE - DAY, 0, DATE),
            (DATE - DAY, 5_000, DATE + 5_000),
        ] {
            assert_eq!(agreed(own, DATE, Duration::from_millis(since)), want, "{own} {since}");
        }
        assert_eq!(Clock::default().agreed(7), 7);
    }
}
