//! A body made of chunks that are there already.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

struct Chunks {
    left: VecDeque<Bytes>,
    length: u64,
}

/// Makes a body of known length without copying.
pub(crate) fn body(chunks: Vec<Bytes>) -> s3s::Body {
    match <[Bytes; 1]>::try_from(chunks) {
        Ok([only]) => s3s::Body::from(only),
        Err(chunks) => {
            let length = chunks.iter().map(|chunk| chunk.len() as u64).sum();
            s3s::Body::http_body(Chunks { left: chunks.into(), length })
        }
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.left.pop_front();
        if let Some(chunk) = &next {
            self.length -= chunk.len() as u64;
        }
        Poll::Ready(next.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
