//! Bodies: read to their end or not at all, in spans, into buffers that are used again.

use super::{Failure, failure};
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Bytes, BytesMut};
use std::sync::{Mutex, PoisonError};

/// Buffers that are used again: fresh memory costs the kernel as much as the copy into it.
#[derive(Debug, Default)]
pub struct Buffers(Mutex<Vec<BytesMut>>);

impl Buffers {
    /// An empty buffer with room for this many bytes.
    pub fn take(&self, capacity: usize) -> BytesMut {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = free.pop().unwrap_or_default();
        buffer.clear();
        buffer.reserve(capacity);
        buffer
    }

    /// Takes a buffer back, unless somebody still looks at its bytes.
    pub fn give(&self, bytes: Bytes) {
        if let Ok(buffer) = bytes.try_into_mut() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
        }
    }
}

/// The next bytes of a body; none at its end. How long they may take is bounded in `s3::http`.
pub(super) async fn chunk(body: &mut ByteStream) -> Result<Option<Bytes>, Failure> {
    body.next().await.transpose().map_err(|e| {
        let why = failure::chain(&e);
        Failure::transient(format!("the answer's body broke off: {why}"))
    })
}

/// A body that has the length that it should have.
pub(super) fn whole(bytes: Bytes, length: Option<u64>) -> Result<Bytes, Failure> {
    match length {
        Some(length) if length != bytes.len() as u64 => {
            let got = bytes.len();
            Err(Failure::transient(format!("the answer has {got} bytes instead of {length}")))
        }
        _ => Ok(bytes),
    }
}

/// Reads a body to its end, unless that is further than `limit`.
pub(super) async fn collect_up_to(mut body: ByteStream, limit: u64) -> Result<Bytes, Failure> {
    let length = body.size_hint().1;
    if length.is_some_and(|length| length > limit) {
        return Err(Failure::too_large(limit));
    }
    if length.is_some() {
        return collect(body, length).await;
    }
    let mut all = BytesMut::new();
    while let Some(chunk) = chunk(&mut body).await? {
        all.extend_from_slice(&chunk);
        if all.len() as u64 > limit {
            return Err(Failure::too_large(limit));
        }
    }
    Ok(all.freeze())
}

/// Reads a body to its end; `length`, where it is known, must be what comes.
pub(super) async fn collect(mut body: ByteStream, length: Option<u64>) -> Result<Bytes, Failure> {
    let length = length.or_else(|| body.size_hint().1);
    let first = chunk(&mut body).await?.unwrap_or_default();
    let Some(second) = chunk(&mut body).await? else {
        // A small body comes in one piece, which needs no copy.
        return whole(first, length);
    };
    let room = length.and_then(|n| usize::try_from(n).ok()).unwrap_or(first.len() + second.len());
    let mut all = BytesMut::with_capacity(room);
    all.extend_from_slice(&first);
    all.extend_from_slice(&second);
    while let Some(chunk) = chunk(&mut body).await? {
        all.extend_from_slice(&chunk);
    }
    whole(all.freeze(), length)
}
