//! What the stories stand on: the real program, servers, checkouts and trees of files.

mod between;
mod cost;
mod embedded;
mod git;
mod history;
mod place;
mod program;
mod published;
mod removal;
mod resource;
mod tree;
mod walk;

pub(crate) use between::{Between, Disturbed};
pub(crate) use cost::check;
pub(crate) use embedded::{BUCKET, Embedded, Stored};
pub(crate) use git::{Checkout, git};
pub(crate) use history::{Grown, grow, grow_and_remove};
pub(crate) use place::{Place, only_listed};
pub(crate) use program::{program, store};
pub(crate) use published::published;
pub(crate) use removal::{
    age, aged, fate, get_all, is_planned, is_stone, long_ago, only_allowed, start_late,
};
pub(crate) use resource::{Got, Inputs, Resource, Run, Running, run, start};
pub(crate) use tree::{RESERVED, Tree};
pub(crate) use walk::{Killed, Point, Walk, kill_at_each_request, run_as_victim};

use s3_test_server::Handle;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Asserts that a server was asked something since its log was emptied, and changed by nothing of it.
#[track_caller]
pub(crate) fn only_reads(server: &Handle) {
    let requests = server.requests();
    assert!(!requests.is_empty(), "nothing was asked");
    for request in requests {
        let reads = ["GetObject", "HeadObject", "ListObjectsV2", "ListMultipartUploads"];
        assert!(reads.contains(&request.operation), "{}", request.operation);
    }
}

/// A commit hash of our own choice.
pub(crate) fn commit(n: usize) -> String {
    format!("{n:040x}")
}

/// Bytes that look random and are always the same for a seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&dice.next().to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Does work for each item on a few threads; a panic of one is a panic of all.
pub(crate) fn on_threads<T: Sync>(threads: usize, items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}

/// Numbers that look random (xorshift), so that a failure can be repeated.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() >> 16) as usize % n
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
