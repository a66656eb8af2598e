//! What is tried again, how often and after how long, and how what was given up is told.
//!
//! The SDK's own retries are off: these cover bodies that break while they are read as well, and say
//! what they do. A conditional write that was retried may find its own first attempt; callers
//! therefore compare what stands with what they wrote before they call it lost.

use super::{Failure, Kind, Operation, Store, Written};
use crate::words::names::{Key, shown};
use std::time::{Duration, Instant};

const ATTEMPTS: u32 = 8;
const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(8);
/// From then on nothing is tried a third time: a server that never answers is given up.
const PATIENCE: Duration = Duration::from_secs(300);

impl Store {
    /// Sends a request until it succeeds, fails for good, or has failed too often.
    pub(super) async fn attempts<T, F, Fut>(
        &self,
        operation: Operation,
        key: &str,
        mut send: F,
    ) -> Result<T, Failure>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        let begun = Instant::now();
        let mut attempt = 1;
        loop {
            let failure = match send().await {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            if failure.kind != Kind::Transient
                || !is_worth_another(attempt, failure.tries(), begun.elapsed())
            {
                return Err(failure);
            }
            let delay = (FIRST_DELAY * 2u32.pow(attempt - 1)).min(LONGEST_DELAY);
            let delay = delay.mul_f64(0.5 + fastrand::f64() / 2.0);
            attempt += 1;
            self.report.warn(format!(
                "{operation} {}: {}; trying again in {:.1} s ({attempt} of {})",
                shown(key),
                failure.summary(),
                delay.as_secs_f64(),
                ATTEMPTS.min(failure.tries()),
            ));
            tokio::time::sleep(delay).await;
        }
    }

    pub(super) fn optional<T>(
        &self,
        result: Result<T, Failure>,
        operation: Operation,
        key: &str,
    ) -> anyhow::Result<Option<T>> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.kind == Kind::Missing => Ok(None),
            Err(failure) => Err(self.explain(failure, operation, key)),
        }
    }

    pub(super) fn written(
        &self,
        result: Result<(), Failure>,
        operation: Operation,
        key: &Key,
    ) -> anyhow::Result<Written> {
        match result {
            Ok(()) => Ok(Written::Yes),
            Err(failure) if failure.kind == Kind::Refused => Ok(Written::Refused),
            Err(failure) => Err(self.explain(failure, operation, key.as_str())),
        }
    }

    pub(super) fn explain(
        &self,
        failure: Failure,
        operation: Operation,
        key: &str,
    ) -> anyhow::Error {
        failure.explain(operation, key, &self.access)
    }
}

/// Whether what failed is tried once more.
fn is_worth_another(attempts: u32, tries: u32, since: Duration) -> bool {
    attempts < ATTEMPTS.min(tries) && (attempts < 2 || since < PATIENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_again() {
        let many = u32::MAX;
        let cases = [
            (1, many, 0, true),
            (7, many, 30, true),
            (8, many, 30, false),
            (2, 3, 0, true),
            (3, 3, 0, false),
            // Once more, however long the first attempt took; no third time.
            (1, many, 3_600, true),
            (2, many, 299, true),
            (2, many, 300, false),
        ];
        for (attempts, tries, seconds, want) in cases {
            let since = Duration::from_secs(seconds);
            assert_eq!(is_worth_another(attempts, tries, since), want, "{attempts} {seconds}");
        }
    }
}
