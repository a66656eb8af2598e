//! Faults on purpose: rules that say which requests go wrong, and how.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::answer::Answer;
use crate::log::RequestInfo;
use crate::matching::Matching;

/// What goes wrong. "Applying" a request is doing what it asks; its body has been received by then.
#[derive(Clone)]
pub enum Action {
    /// Answers with an error of this status and S3 code, without applying.
    Status(u16, &'static str),
    /// Applies, and then answers with an error all the same.
    StatusAfter(u16, &'static str),
    /// Closes the connection without applying or answering.
    DropBefore,
    /// Applies, and closes the connection without answering.
    DropAfter,
    /// Announces the whole body, sends half of it and closes the connection.
    HalfBody,
    /// Applies only after this long. The request has been received: it is applied even if the
    /// client goes away meanwhile, as by a server at the end of a slow network.
    Slow(Duration),
    /// Sends the body in small pieces over about this long.
    SlowBody(Duration),
    /// Sends the body with one byte flipped, in its middle.
    Corrupt,
    /// Flips one byte in the middle of the request's body, as on its way here, and applies that.
    CorruptRequest,
    /// Applies it twice, as when the network sends it twice, and answers what the second said.
    Twice,
    /// Answers this without applying, whoever the server then seems to be.
    Answer(Answer),
    /// Applies, and answers this all the same.
    AnswerAfter(Answer),
    /// Kills the victim (SIGKILL) without applying, and never answers.
    KillBefore,
    /// Applies, kills the victim (SIGKILL), and never answers.
    KillAfter,
    /// Sends the victim this signal, and goes on.
    SignalBefore(i32),
    /// Never applies or answers; the connection stays open.
    Hang,
    /// Calls a function, which may block and may use a [`crate::Handle`], and goes on.
    Call(Arc<dyn Fn(&RequestInfo) + Send + Sync>),
}

impl fmt::Debug for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status, code) => write!(formatter, "Status({status}, {code})"),
            Self::StatusAfter(status, code) => write!(formatter, "StatusAfter({status}, {code})"),
            Self::DropBefore => formatter.write_str("DropBefore"),
            Self::DropAfter => formatter.write_str("DropAfter"),
            Self::HalfBody => formatter.write_str("HalfBody"),
            Self::Slow(time) => write!(formatter, "Slow({time:?})"),
            Self::SlowBody(time) => write!(formatter, "SlowBody({time:?})"),
            Self::Corrupt => formatter.write_str("Corrupt"),
            Self::CorruptRequest => formatter.write_str("CorruptRequest"),
            Self::Twice => formatter.write_str("Twice"),
            Self::Answer(answer) => write!(formatter, "Answer({answer:?})"),
            Self::AnswerAfter(answer) => write!(formatter, "AnswerAfter({answer:?})"),
            Self::KillBefore => formatter.write_str("KillBefore"),
            Self::KillAfter => formatter.write_str("KillAfter"),
            Self::SignalBefore(signal) => write!(formatter, "SignalBefore({signal})"),
            Self::Hang => formatter.write_str("Hang"),
            Self::Call(_) => formatter.write_str("Call"),
        }
    }
}

/// A rule: an action and the requests it is for. Unless told otherwise it applies once, to the first
/// request that fits. All rules that fit a request apply, in the order in which they were added,
/// until one of them ends the request.
#[derive(Clone, Debug)]
pub struct Fault {
    action: Action,
    matching: Matching,
    nth: Option<u64>,
    skip: u64,
    times: Option<u64>,
}

impl Fault {
    /// This action, for the next request.
    pub fn new(action: Action) -> Self {
        Self { action, matching: Matching::default(), nth: None, skip: 0, times: Some(1) }
    }

    /// Only this operation, by its S3 name.
    #[must_use]
    pub fn on(mut self, operation: &str) -> Self {
        self.matching.operation = Some(operation.to_owned());
        self
    }

    /// Only this key (of a listing: this prefix).
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.matching.key_is = Some(key.to_owned());
        self
    }

    /// Only keys that contain this.
    #[must_use]
    pub fn key_contains(mut self, part: &str) -> Self {
        self.matching.key_contains = Some(part.to_owned());
        self
    }

    /// Only the nth of all requests, counted from 1 since the rule was added or the requests were
    /// reset.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Lets this many fitting requests pass first.
    #[must_use]
    pub fn skip(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// Applies this many times.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Applies every time.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }
}

/// Names a rule that was added.
#[derive(Clone, Debug)]
pub struct FaultId {
    applied: Arc<AtomicU64>,
}

impl FaultId {
    /// How many requests the rule has been applied to.
    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
struct Rule {
    fault: Fault,
    seen: u64,
    fitting: u64,
    applied: Arc<AtomicU64>,
}

impl Rule {
    /// Whether the rule applies to this request, which it counts.
    fn takes(&mut self, operation: &str, subject: Option<&str>) -> bool {
        self.seen += 1;
        if self.fault.nth.is_some_and(|nth| nth != self.seen)
            || !self.fault.matching.matches(operation, subject)
        {
            return false;
        }
        self.fitting += 1;
        let applied = self.applied.load(Ordering::SeqCst);
        if self.fitting <= self.fault.skip || self.fault.times.is_some_and(|times| applied >= times)
        {
            return false;
        }
        self.applied.store(applied + 1, Ordering::SeqCst);
        true
    }
}

/// The rules.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<Rule>>,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) -> FaultId {
        let applied = Arc::new(AtomicU64::new(0));
        self.rules().push(Rule { fault, seen: 0, fitting: 0, applied: Arc::clone(&applied) });
        FaultId { applied }
    }

    pub(crate) fn remove(&self, id: &FaultId) {
        self.rules().retain(|rule| !Arc::ptr_eq(&rule.applied, &id.applied));
    }

    pub(crate) fn clear(&self) {
        self.rules().clear();
    }

    /// Begins to count requests anew; what a rule has used up stays used up.
    pub(crate) fn reset(&self) {
        for rule in self.rules().iter_mut() {
            rule.seen = 0;
        }
    }

    /// What is to happen to this request.
    pub(crate) fn take(&self, request: &RequestInfo) -> Vec<Action> {
        let mut rules = self.rules();
        if rules.is_empty() {
            return Vec::new();
        }
        let subject = request.subject();
        rules
            .iter_mut()
            .filter_map(|rule| {
                rule.takes(request.operation, subject.as_deref()).then(|| rule.fault.action.clone())
            })
            .collect()
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
