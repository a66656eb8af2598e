//! A program that is killed at every request that it makes.

use super::on_threads;
use s3_test_server::Action;
use std::sync::atomic::{AtomicUsize, Ordering};

const THREADS: usize = 3;

/// Calls `kill` for each of `requests`, from 1, with the process to be killed before and after the
/// server has done what that request asks; it answers whether the process was killed. At most the
/// last request may find it gone already.
pub(crate) fn walk(name: &str, requests: u64, kill: impl Fn(u64, Action) -> bool + Sync) {
    let points: Vec<(u64, Action)> =
        (1..=requests).flat_map(|n| [(n, Action::KillBefore), (n, Action::KillAfter)]).collect();
    let killed = AtomicUsize::new(0);
    on_threads(THREADS, &points, |(n, action)| {
        killed.fetch_add(usize::from(kill(*n, action.clone())), Ordering::Relaxed);
    });
    let killed = killed.into_inner();
    println!("{name}: killed at {killed} of {} points ({requests} requests)", points.len());
    assert!(killed + 2 >= points.len(), "{name}: {killed} of {}", points.len());
}
