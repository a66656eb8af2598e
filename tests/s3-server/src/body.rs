//! Bodies between hyper and the protocol crate: counted, and on the way out sometimes spoilt.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use s3s::StdError;
use tokio::time::{Sleep, sleep};

use crate::link::Pace;
use crate::log::Live;

/// A request's body. It can be read to its end by one who did not get it, so that an early refusal
/// still reaches a client that is busy sending.
#[derive(Clone)]
pub(crate) struct InBody {
    incoming: Arc<Mutex<(Incoming, Pace)>>,
    live: Arc<Live>,
}

impl InBody {
    pub(crate) fn new(incoming: Incoming, live: Arc<Live>, pace: Pace) -> Self {
        Self { incoming: Arc::new(Mutex::new((incoming, pace))), live }
    }

    /// Reads and forgets what is left.
    pub(crate) async fn drain(&self) {
        let mut body = self.clone();
        while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {}
    }

    /// Reads what is left.
    pub(crate) async fn collect(&self) -> Result<Vec<Bytes>, hyper::Error> {
        let mut body = self.clone();
        let mut chunks = Vec::new();
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            chunks.extend(frame?.into_data());
        }
        Ok(chunks)
    }

    fn incoming(&self) -> MutexGuard<'_, (Incoming, Pace)> {
        self.incoming.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for InBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = {
            let (incoming, pace) = &mut *self.incoming();
            pace.poll(context, |context| Pin::new(incoming).poll_frame(context))
        };
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.live.bytes_in.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        let (incoming, pace) = &*self.incoming();
        incoming.is_end_stream() && !pace.is_holding()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming().0.size_hint()
    }
}

/// What is done to an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    Half,
    Trickle(Duration),
    FlipByte,
}

/// How many pieces a trickling body has.
const PIECES: u64 = 32;
/// No piece of a halved body is larger, so that little of it waits in buffers when it ends.
const PIECE: u64 = 16 * 1024;
/// How long a halved body waits for what it has sent to leave before it breaks off.
const LINGER: Duration = Duration::from_millis(50);

/// An answer's body.
pub(crate) struct OutBody {
    inner: s3s::Body,
    live: Arc<Live>,
    spoil: Option<Spoiling>,
    pace: Pace,
}

struct Spoiling {
    spoil: Spoil,
    total: u64,
    sent: u64,
    left: Bytes,
    pause: Option<Pin<Box<Sleep>>>,
}

impl OutBody {
    pub(crate) fn new(inner: s3s::Body, live: Arc<Live>, spoil: Option<Spoil>, pace: Pace) -> Self {
        let total = inner.size_hint().exact().unwrap_or(0);
        let spoil = spoil.filter(|_| total > 0).map(|spoil| Spoiling {
            spoil,
            total,
            sent: 0,
            left: Bytes::new(),
            pause: None,
        });
        Self { inner, live, spoil, pace }
    }

    fn poll_spoilt(
        inner: &mut s3s::Body,
        spoil: &mut Option<Spoiling>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        let Some(spoiling) = spoil else {
            return Pin::new(inner).poll_frame(context);
        };
        if let Some(pause) = &mut spoiling.pause {
            std::task::ready!(pause.as_mut().poll(context));
            spoiling.pause = None;
        }
        let end = match spoiling.spoil {
            Spoil::Half => spoiling.total / 2,
            Spoil::Trickle(_) | Spoil::FlipByte => spoiling.total,
        };
        if spoiling.spoil == Spoil::Half && spoiling.sent >= end {
            return Poll::Ready(Some(Err("half of the body is all there is".into())));
        }
        if spoiling.left.is_empty() {
            match std::task::ready!(Pin::new(&mut *inner).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => spoiling.left = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let piece = match spoiling.spoil {
            Spoil::Half => PIECE.min(end - spoiling.sent),
            Spoil::Trickle(_) => spoiling.total.div_ceil(PIECES),
            Spoil::FlipByte => spoiling.total,
        };
        let piece = usize::try_from(piece).unwrap_or(usize::MAX).min(spoiling.left.len());
        let mut data = spoiling.left.split_to(piece);
        let from = spoiling.sent;
        spoiling.sent += data.len() as u64;
        match spoiling.spoil {
            Spoil::FlipByte => data = flip(data, spoiling.total / 2, from),
            Spoil::Trickle(time) => spoiling.pause = Some(Box::pin(sleep(time / PIECES as u32))),
            Spoil::Half if spoiling.sent >= end => spoiling.pause = Some(Box::pin(sleep(LINGER))),
            Spoil::Half => {}
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

/// Flips the byte at a position of the body, if this chunk, which begins at `from`, has it.
fn flip(data: Bytes, position: u64, from: u64) -> Bytes {
    let at = position.checked_sub(from).and_then(|at| usize::try_from(at).ok());
    let Some(at) = at.filter(|at| *at < data.len()) else {
        return data;
    };
    let mut copy = BytesMut::from(&data[..]);
    if let Some(byte) = copy.get_mut(at) {
        *byte ^= 0xff;
    }
    copy.freeze()
}

impl Body for OutBody {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        let Self { inner, spoil, pace, .. } = &mut *self;
        let polled = pace.poll(context, |context| Self::poll_spoilt(inner, spoil, context));
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.live.bytes_out.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.spoil.is_none() && !self.pace.is_holding() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.spoil {
            Some(spoiling) => SizeHint::with_exact(spoiling.total),
            None => self.inner.size_hint(),
        }
    }
}
