//! How long an answer may take, and how large it may be.
//!
//! Nothing waits for ever: a server that is silent, that drips, or that never ends is given up and
//! asked again; see `s3::store::retry` for how often.

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// Until a read is answered, and between two pieces of any answer.
const SILENCE: Duration = Duration::from_secs(60);
/// Until a write is answered: completing a large multipart upload takes S3 minutes, and a part of a
/// slow line too.
const WRITE: Duration = Duration::from_secs(300);
/// Bytes a second: a line that is slower is none.
const SLOWEST: u64 = 64 << 10;
/// An answer may take this long whatever its size, and a minute more for each MiB of it.
const WHOLE: Duration = Duration::from_secs(300);
/// Errors, listings and results of S3 are far below this; only objects are larger.
const LARGEST: u64 = 16 << 20;

/// How long the beginning of an answer is waited for; `length` is the request's.
pub(super) fn answer_within(method: &http::Method, length: u64) -> Duration {
    match *method {
        http::Method::GET | http::Method::HEAD | http::Method::DELETE => SILENCE,
        _ => WRITE.max(Duration::from_secs(length / SLOWEST)),
    }
}

/// How large the body of an answer may be; none for an object's.
pub(super) fn largest(
    method: &http::Method,
    uri: &http::Uri,
    status: http::StatusCode,
) -> Option<u64> {
    let lists = uri.query().is_some_and(|query| query.contains("list-type="));
    (*method != http::Method::GET || lists || !status.is_success()).then_some(LARGEST)
}

/// Whether a body takes longer than even a slow line would.
fn is_dripping(bytes: u64, since: Duration) -> bool {
    since > WHOLE + Duration::from_secs(60).mul_f64(bytes as f64 / f64::from(1 << 20))
}

/// The body of an answer, within bounds.
pub(super) struct Bounded<B> {
    body: B,
    largest: Option<u64>,
    got: u64,
    since: Instant,
    /// Begins when something is waited for.
    silence: Option<Pin<Box<Sleep>>>,
}

impl<B> Bounded<B> {
    pub(super) fn new(body: B, largest: Option<u64>) -> Bounded<B> {
        Bounded { body, largest, got: 0, since: Instant::now(), silence: None }
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl<B> Body for Bounded<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let Poll::Ready(frame) = polled else {
            let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(SILENCE)));
            ready!(silence.as_mut().poll(cx));
            return Poll::Ready(Some(Err("the server sends nothing more".into())));
        };
        // A frame that was not waited for costs no timer.
        self.silence = None;
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.got += data.len() as u64;
            if self.largest.is_some_and(|largest| self.got > largest) {
                return Poll::Ready(Some(Err("the answer is longer than any of S3's".into())));
            }
            if is_dripping(self.got, self.since.elapsed()) {
                return Poll::Ready(Some(Err("the answer comes too slowly".into())));
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Method, StatusCode, Uri};

    #[test]
    fn reads_are_answered_soon_and_writes_after_their_bodies() {
        let seconds = |method, length| answer_within(&method, length).as_secs();
        assert_eq!(seconds(Method::GET, 0), 60);
        assert_eq!(seconds(Method::HEAD, 0), 60);
        assert_eq!(seconds(Method::POST, 0), 300);
        assert_eq!(seconds(Method::PUT, 8 << 20), 300);
        assert_eq!(seconds(Method::PUT, 5 << 30), 81_920);
    }

    #[test]
    fn only_objects_are_large() {
        let bound = |method, uri, status| {
            let status = StatusCode::from_u16(status).expect("a status");
            largest(&method, &Uri::from_static(uri), status).is_some()
        };
        assert!(!bound(Method::GET, "http://s/b/k", 200));
        assert!(!bound(Method::GET, "http://s/b/k?x-id=GetObject", 206));
        assert!(bound(Method::GET, "http://s/b/k", 404));
        assert!(bound(Method::GET, "http://s/b?list-type=2", 200));
        assert!(bound(Method::PUT, "http://s/b/k", 200));
    }

    #[test]
    fn drips_end() {
        let after = |bytes, minutes: u64| is_dripping(bytes, Duration::from_secs(minutes * 60));
        assert!(!after(1, 4) && after(1, 6));
        assert!(!after(8 << 20, 12) && after(8 << 20, 14));
    }
}
