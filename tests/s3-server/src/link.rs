//! A slow network: each direction carries so many bytes a second, of all connections together.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::time::{Instant, Sleep, sleep_until};

/// One direction.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// When what was let in before has passed.
    free: Mutex<Option<Instant>>,
}

impl Link {
    /// When so many bytes have passed, behind those before them.
    fn pass(&self, bytes: usize, rate: u64) -> Instant {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let begins = free.map_or(now, |free| free.max(now));
        let done = begins + Duration::from_secs_f64(bytes as f64 / rate as f64);
        *free = Some(done);
        done
    }
}

/// A body on its way over a link.
#[derive(Debug)]
pub(crate) struct Pace {
    link: Arc<Link>,
    rate: Option<u64>,
    held: Option<(Bytes, Pin<Box<Sleep>>)>,
}

impl Pace {
    /// Over this link, which carries `rate` bytes a second; none: as many as come.
    pub(crate) fn new(link: &Arc<Link>, rate: Option<u64>) -> Self {
        Self { link: Arc::clone(link), rate: rate.filter(|rate| *rate > 0), held: None }
    }

    /// Whether bytes are on their way.
    pub(crate) fn is_holding(&self) -> bool {
        self.held.is_some()
    }

    /// The next frame, when all of it has passed.
    pub(crate) fn poll<E>(
        &mut self,
        context: &mut Context<'_>,
        next: impl FnOnce(&mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>>,
    ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        if self.held.is_none() {
            let frame = match (ready!(next(context)), self.rate) {
                (Some(Ok(frame)), Some(rate)) => (frame.into_data(), rate),
                (other, _) => return Poll::Ready(other),
            };
            match frame {
                (Ok(data), rate) => {
                    let done = self.link.pass(data.len(), rate);
                    self.held = Some((data, Box::pin(sleep_until(done))));
                }
                (Err(other), _) => return Poll::Ready(Some(Ok(other))),
            }
        }
        if let Some((_, passed)) = &mut self.held {
            ready!(passed.as_mut().poll(context));
        }
        Poll::Ready(self.held.take().map(|(data, _)| Ok(Frame::data(data))))
    }
}
