//! A process that is killed at every request that it makes: most often a put.

use super::{BUCKET, Embedded, Resource, Run, on_threads, start};
use s3_test_server::{Action, Fault, Handle};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

const THREADS: usize = 3;

/// A put that may be killed anywhere.
pub(crate) struct Walk<'a> {
    pub(crate) name: &'a str,
    /// Makes the bucket as it is before the put, and the resource that puts.
    pub(crate) begin: &'a (dyn Fn() -> (Embedded, Resource) + Sync),
    pub(crate) inputs: &'a Path,
    pub(crate) params: &'a Value,
    /// Fewer requests than these, and the story is not what its name says.
    pub(crate) least_requests: u64,
}

/// What a put that was killed has left.
pub(crate) struct Killed<'a> {
    pub(crate) server: Embedded,
    pub(crate) resource: Resource,
    /// At which request it was killed: for messages.
    pub(crate) at: String,
    walk: &'a Walk<'a>,
    answer: &'a Value,
}

impl Walk<'_> {
    /// Puts undisturbed, and then kills a put at each of its requests, before and after the server
    /// has done what the request asks; `look` is called each time. At most the last request may
    /// find the process gone already.
    pub(crate) fn kill(&self, look: impl Fn(&Killed<'_>) + Sync) {
        let (server, resource) = (self.begin)();
        let before = server.requests().len();
        let answer = resource.put(self.inputs, self.params).version();
        let requests = (server.requests().len() - before) as u64;
        assert!(requests >= self.least_requests, "{}: {requests} requests", self.name);
        kill_at_each_request(self.name, requests, |Point { fault, at, .. }| {
            let (server, resource) = (self.begin)();
            server.fault(fault);
            let run = server.put_as_victim(&resource, self.inputs, self.params);
            server.clear_faults();
            look(&Killed { server, resource, at, walk: self, answer: &answer });
            run.code
        });
    }
}

/// Where a process is killed.
pub(crate) struct Point {
    /// At which of its requests, from 1.
    pub(crate) nth: u64,
    /// What kills it.
    pub(crate) fault: Fault,
    /// The same, for messages.
    pub(crate) at: String,
}

/// Kills a process at each of so many requests, before and after the server has done what the request
/// asks. `kill` answers the status with which it ended; at most the last request may find it gone
/// already.
pub(crate) fn kill_at_each_request(
    name: &str,
    requests: u64,
    kill: impl Fn(Point) -> Option<i32> + Sync,
) {
    let points: Vec<(u64, Action)> =
        (1..=requests).flat_map(|n| [(n, Action::KillBefore), (n, Action::KillAfter)]).collect();
    let killed = AtomicUsize::new(0);
    on_threads(THREADS, &points, |(nth, action)| {
        let at = format!("{name}, request {nth}, {action:?}");
        let fault = Fault::new(action.clone()).nth(*nth);
        let code = kill(Point { nth: *nth, fault, at });
        killed.fetch_add(usize::from(code.is_none()), Ordering::Relaxed);
    });
    let killed = killed.into_inner();
    println!("{name}: killed at {killed} of {} points", points.len());
    assert!(killed + 2 >= points.len(), "{name}: {killed} of {}", points.len());
}

/// Runs a command as the victim of the server's faults.
pub(crate) fn run_as_victim(server: &Handle, command: &mut Command) -> Run {
    let run = start(command);
    server.set_victim(run.pid());
    let run = run.wait();
    server.clear_victim();
    run
}

impl Killed<'_> {
    /// The same put again: it finishes the work, and answers what an undisturbed one does.
    pub(crate) fn put(&self) -> Value {
        let version = self.resource.put(self.walk.inputs, self.walk.params).version();
        assert_eq!(version, *self.answer, "{}", self.at);
        version
    }

    /// The same put once more, when the work is done.
    pub(crate) fn put_changes_nothing(&self) {
        let before = self.server.snapshot(BUCKET);
        self.put();
        assert!(self.server.snapshot(BUCKET) == before, "{}: the put after it writes", self.at);
    }
}

impl Embedded {
    /// Carries out a put that the server's faults kill or stop; how it ended.
    pub(crate) fn put_as_victim(&self, resource: &Resource, inputs: &Path, params: &Value) -> Run {
        let put = resource.start_put(inputs, params);
        self.set_victim(put.pid());
        let run = put.wait();
        self.clear_victim();
        run
    }
}
