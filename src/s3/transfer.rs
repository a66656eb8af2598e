//! Bytes between the disk and S3: many files at once, large ones in parts, in bounded memory.
//!
//! Invariants:
//! - the bodies in memory together stay within `MEMORY`, whatever their number and size (a body
//!   that must travel in one piece and is larger travels alone);
//! - bytes that arrive are in a file of the caller's stage only; the caller gives it its name when
//!   their SHA-256 is the one recorded.

mod hash;
mod parts;
mod target;
mod verified;

use crate::machine::workspace::{Hashed, read_part};
use crate::s3::store::{Condition, Store, Written};
use crate::words::digest::{Hasher, Sha256};
use crate::words::fault::fault;
use crate::words::names::Key;
use crate::words::object::ObjectOptions;
use crate::words::parts::Parts;
use crate::words::span::Span;
use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::sync::Arc;
use target::Target;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Files, or requests about them, at once.
pub const AT_ONCE: usize = 24;
const PARTS_AT_ONCE: usize = 4;
/// Bytes of bodies in memory at once.
const MEMORY: u64 = 32 << 20;
/// Bytes whose reading, hashing or writing takes less than 0.1 ms.
const BRIEF: u64 = 64 << 10;
/// Bytes that a core's cache holds: a `write` of many more takes the kernel twice as long.
const SLICE: usize = 128 << 10;
/// What one permit stands for.
const UNIT: u64 = 64 << 10;

/// Moves files.
#[derive(Debug, Clone)]
pub struct Engine {
    /// To and from this bucket.
    pub store: Arc<Store>,
    memory: Arc<Semaphore>,
}

impl Engine {
    /// An engine over a bucket.
    pub fn new(store: Arc<Store>) -> Engine {
        Engine { store, memory: Arc::new(Semaphore::new(units(MEMORY) as usize)) }
    }

    async fn room(&self, bytes: u64) -> anyhow::Result<OwnedSemaphorePermit> {
        Ok(self.memory.clone().acquire_many_owned(units(bytes.min(MEMORY))).await?)
    }

    /// Sends a file. A body in one piece obeys the condition; one in parts replaces what stands
    /// under the key.
    pub async fn upload(
        &self,
        file: &Arc<Hashed>,
        key: &Key,
        condition: &Condition,
        options: &ObjectOptions,
    ) -> anyhow::Result<Written> {
        self.upload_version(file, key, condition, options).await.map(|(written, _)| written)
    }

    /// As [`Engine::upload`]; answers the version's id, too, where the bucket keeps versions.
    pub async fn upload_version(
        &self,
        file: &Arc<Hashed>,
        key: &Key,
        condition: &Condition,
        options: &ObjectOptions,
    ) -> anyhow::Result<(Written, Option<String>)> {
        if !self.store.is_single(file.facts.size) {
            let version = self.upload_parts(file, key, options).await?;
            return Ok((Written::Yes, version));
        }
        let _room = self.room(file.facts.size).await?;
        let bytes = if file.facts.size == 0 { Bytes::new() } else { self.part_of(file, 0).await? };
        let sha256 = file.facts.sha256;
        let written = self.store.put_version(key, bytes, sha256, condition, options).await?;
        self.store.report().advance(1, file.facts.size);
        Ok(written)
    }

    async fn upload_parts(
        &self,
        file: &Arc<Hashed>,
        key: &Key,
        options: &ObjectOptions,
    ) -> anyhow::Result<Option<String>> {
        let upload = self.store.begin(key, options).await?;
        let parts = stream::iter(0..file.sums.len())
            .map(|index| {
                let upload = &upload;
                async move {
                    let _room = self.room(file.part).await?;
                    let bytes = self.part_of(file, index).await?;
                    let number = i32::try_from(index + 1)?;
                    let sum = file.sums.get(index).copied();
                    let part = self.store.put_part(upload, number, bytes.clone(), sum).await?;
                    self.store.report().advance(0, bytes.len() as u64);
                    self.store.buffers.give(bytes);
                    anyhow::Ok(part)
                }
            })
            .buffer_unordered(PARTS_AT_ONCE)
            .try_collect::<Vec<_>>()
            .await;
        let done = match parts {
            Ok(parts) => self.store.complete_version(&upload, parts).await,
            Err(e) => Err(e),
        };
        match done {
            Ok(_) => self.store.report().advance(1, 0),
            Err(_) => self.store.abort(&upload).await,
        }
        done
    }

    async fn part_of(&self, file: &Arc<Hashed>, index: usize) -> anyhow::Result<Bytes> {
        let (file, length) = (file.clone(), file.part_length(index));
        let room = usize::try_from(length)?;
        let buffer = match length {
            0..=BRIEF => Vec::with_capacity(room),
            _ => self.store.buffers.take(room).into(),
        };
        briefly(length, move || read_part(&file, index, buffer)).await
    }

    /// Fetches an object into the file that `create` makes, and refuses it unless it has this size
    /// and, where one is known, this SHA-256. Other bytes are fetched once more: they may have changed
    /// on their way. A large one whose parts are recorded is verified part by part.
    pub async fn download(
        &self,
        key: &Key,
        size: u64,
        sha256: Option<Sha256>,
        parts: Option<&Parts>,
        create: impl FnOnce() -> anyhow::Result<File>,
    ) -> anyhow::Result<()> {
        let parts = parts.filter(|_| size > self.store.limits.single);
        if let Some(parts) = parts.and_then(|parts| parts.cover(size)) {
            self.receive_parts(key, size, parts, create()?).await?;
            self.store.report().advance(1, 0);
            return Ok(());
        }
        let (mut file, uri) = (None, self.store.uri(key.as_str()));
        let mut create = Some(create);
        let mut open = || match (&file, create.take()) {
            (_, Some(create)) => {
                let made = create()?;
                file = Some(made.try_clone().with_context(|| uri.clone())?);
                Ok(made)
            }
            (Some(made), None) => again(made).with_context(|| uri.clone()),
            (None, None) => Err(anyhow::anyhow!("{uri}: there is no file for it")),
        };
        let first = self.receive(key, size, &mut open).await?;
        if let Some(sha256) = sha256
            && first != sha256
        {
            let what = format!("its SHA-256 is {first} instead of {sha256}");
            self.store.report().warn(format!("{uri}: {what}; trying again in 0 s (2 of 2)"));
            let second = self.receive(key, size, &mut open).await?;
            if second == first {
                return Err(corrupt(&uri, what));
            }
            if second != sha256 {
                return Err(unsteady(&uri));
            }
        }
        self.store.report().advance(1, if size <= self.store.limits.single { size } else { 0 });
        Ok(())
    }

    async fn receive(
        &self,
        key: &Key,
        size: u64,
        open: &mut impl FnMut() -> anyhow::Result<File>,
    ) -> anyhow::Result<Sha256> {
        if size > self.store.limits.single {
            return self.download_ranges(key, size, Some(open()?)).await;
        }
        let _room = self.room(size).await?;
        let bytes = self.store.get_sized(key, size).await?;
        let (mut file, uri) = (open()?, self.store.uri(key.as_str()));
        let got = briefly(size, move || {
            let mut hasher = Hasher::default();
            keep(&bytes, &mut hasher, &mut file).context(uri)?;
            Ok(hasher.finish())
        });
        got.await
    }

    /// Hashes an object of this size in bounded memory, and keeps nothing of it.
    pub async fn hash(&self, key: &Key, size: u64) -> anyhow::Result<Sha256> {
        let got = if size <= self.store.limits.single {
            let _room = self.room(size).await?;
            let bytes = self.store.get_sized(key, size).await?;
            self.store.report().advance(0, size);
            blocking(move || Ok(Sha256::of(&bytes))).await?
        } else {
            self.download_ranges(key, size, None).await?
        };
        self.store.report().advance(1, 0);
        Ok(got)
    }

    /// Fetches a large object range by range, into a file where one is given, and answers its SHA-256.
    async fn download_ranges(
        &self,
        key: &Key,
        size: u64,
        file: Option<File>,
    ) -> anyhow::Result<Sha256> {
        let etag = &self.tag_of(key, size).await?;
        let spans = Span::cover(size, self.store.limits.part);
        let fetch = |span| self.store.get_span(key, span, etag);
        let update = |hasher: &mut Hasher, bytes: &[u8]| hasher.update(bytes);
        let hasher = self.in_order(key, spans, fetch, file, Hasher::default(), update).await?;
        Ok(hasher.finish())
    }

    /// Fetches spans of an object side by side, writes each where it belongs in a file, where one is
    /// given, and gives them to a sum one after the other, as they lie.
    async fn in_order<S: Send + 'static, F: Future<Output = anyhow::Result<Bytes>>>(
        &self,
        key: &Key,
        spans: impl Iterator<Item = Span>,
        fetch: impl Fn(Span) -> F,
        file: Option<File>,
        sum: S,
        update: fn(&mut S, &[u8]),
    ) -> anyhow::Result<S> {
        let (target, fetch) = (&file.map(Target::new), &fetch);
        let spans = stream::iter(spans).map(|span| async move {
            // The first span in line asks for room first, so it never waits for those behind it.
            let room = self.room(span.length).await?;
            let mut bytes = fetch(span).await?;
            if let Some(target) = target {
                let written = target.write(bytes, span.start).await;
                bytes = written.with_context(|| self.store.uri(key.as_str()))?;
            }
            anyhow::Ok((bytes, room))
        });
        spans
            .buffered(PARTS_AT_ONCE)
            .try_fold(sum, |mut sum, (bytes, room)| async move {
                self.store.report().advance(0, bytes.len() as u64);
                let (sum, bytes) = briefly(bytes.len() as u64, move || {
                    update(&mut sum, &bytes);
                    Ok((sum, bytes))
                })
                .await?;
                self.store.buffers.give(bytes);
                drop(room);
                anyhow::Ok(sum)
            })
            .await
    }
}

/// Hashes bytes and writes them, slice by slice: what was read to be hashed is read again from the
/// cache to be written.
fn keep(bytes: &[u8], hasher: &mut Hasher, file: &mut File) -> io::Result<()> {
    for slice in bytes.chunks(SLICE) {
        hasher.update(slice);
        file.write_all(slice)?;
    }
    Ok(())
}

/// A file, to be written from its beginning once more.
fn again(file: &File) -> io::Result<File> {
    file.set_len(0)?;
    let mut file = file.try_clone()?;
    file.rewind()?;
    Ok(file)
}

/// Runs work over some bytes: where it stands when they are few, for a thread's hand-over would take
/// longer than the work; else on a thread that may be held.
async fn briefly<T, F>(bytes: u64, work: F) -> anyhow::Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> anyhow::Result<T> + Send + 'static,
{
    if bytes <= BRIEF { work() } else { blocking(work).await }
}

/// Deletes objects, many at once; answers how many there were.
pub async fn delete_all(store: &Store, keys: Vec<String>) -> anyhow::Result<usize> {
    let count = keys.len();
    stream::iter(keys)
        .map(|key| async move { store.delete(&Key::parse(&key)?).await })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    Ok(count)
}

/// Runs work that holds a thread: reading, hashing, writing.
pub async fn blocking<T, F>(work: F) -> anyhow::Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> anyhow::Result<T> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await?
}

/// An object that the record names and the bucket does not have.
pub fn missing(uri: &str) -> anyhow::Error {
    fault(
        format!("{uri}: the object is gone"),
        "somebody deleted it, or a lifecycle rule did: publish it again, or take another version",
    )
}

/// An object whose bytes are others each time.
fn unsteady(uri: &str) -> anyhow::Error {
    fault(
        format!("{uri}: other bytes arrive each time, and none are those that were published"),
        "they change on their way: look at the network, and at a proxy before the server",
    )
}

/// An object whose bytes are not those that were published.
pub fn corrupt(uri: &str, why: String) -> anyhow::Error {
    fault(
        format!("{uri}: not the bytes that were published: {why}"),
        "somebody wrote to the object: restore it, or take another version",
    )
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slice_is_hashed_and_written() {
        for size in [0, 1, SLICE - 1, SLICE, SLICE + 1, 3 * SLICE + 5] {
            let mut bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            let directory = tempfile::tempdir().expect("a directory");
            let kept = |bytes: &[u8], name: &str| {
                let (path, mut hasher) = (directory.path().join(name), Hasher::default());
                keep(bytes, &mut hasher, &mut File::create(&path).expect("a file"))
                    .expect("written");
                assert!(std::fs::read(path).expect("a file") == bytes, "{size}");
                hasher.finish()
            };
            let whole = kept(&bytes, "whole");
            assert_eq!(whole, Sha256::of(&bytes));
            for at in (0..size).step_by(SLICE) {
                bytes[at] ^= 1;
                assert_ne!(kept(&bytes, "flipped"), whole, "{size}: byte {at}");
                bytes[at] ^= 1;
            }
        }
    }
}
