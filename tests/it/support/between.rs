//! Something that comes in the middle of something else: before each of its requests in turn.

use super::{Embedded, on_threads};
use s3_test_server::{Action, Fault, RequestInfo};
use std::sync::Arc;

const THREADS: usize = 3;

/// Something, and what comes in the middle of it.
pub(crate) struct Between<'a, T> {
    pub(crate) name: &'a str,
    /// Makes the bucket as it is before.
    pub(crate) begin: &'a (dyn Fn() -> Embedded + Sync),
    /// What is disturbed.
    pub(crate) what: &'a (dyn Fn(&Embedded) -> T + Sync),
    /// What comes in the middle, once.
    pub(crate) comes: Arc<dyn Fn(&Embedded) + Send + Sync>,
}

/// What was disturbed once.
pub(crate) struct Disturbed<'a, T> {
    pub(crate) server: &'a Embedded,
    /// What came of it.
    pub(crate) answer: T,
    /// What comes of it undisturbed.
    pub(crate) undisturbed: &'a T,
    /// At which request it was disturbed: for messages.
    pub(crate) at: &'a str,
}

impl<T: Sync> Between<'_, T> {
    /// Does it undisturbed, and then disturbs it at each of its requests; `look` is called each time.
    /// Answers how many requests these are.
    pub(crate) fn at_each_request(&self, look: impl Fn(Disturbed<'_, T>) + Sync) -> u64 {
        let server = (self.begin)();
        server.reset_requests();
        let undisturbed = &(self.what)(&server);
        let requests = server.requests().len() as u64;
        let points: Vec<u64> = (1..=requests).collect();
        on_threads(THREADS, &points, |nth| {
            let at = format!("{}, request {nth} of {requests}", self.name);
            let server = Arc::new((self.begin)());
            let (inner, comes) = (Arc::clone(&server), Arc::clone(&self.comes));
            let between = Arc::new(move |_: &RequestInfo| comes(&inner));
            server.fault(Fault::new(Action::Call(between)).nth(*nth));
            let answer = (self.what)(&server);
            server.clear_faults();
            look(Disturbed { server: &server, answer, undisturbed, at: &at });
        });
        requests
    }
}
