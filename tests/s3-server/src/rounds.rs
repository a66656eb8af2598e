//! Counting requests that had to be made one after the other.
//!
//! Requests are held until none has arrived for a while, and then let go together: what a client
//! sends in parallel falls into one round, and only what it could not send before it had an answer
//! falls into the next. A round waits for the answers of the one before, up to ten times as long
//! as it is quiet, so that one slow answer does not make two rounds out of one; not for longer,
//! because an answer may depend on a request that is held.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

#[derive(Debug, Default)]
struct State {
    quiet: Option<Duration>,
    held: Vec<oneshot::Sender<Running>>,
    last_arrival: Option<Instant>,
    running: usize,
    rounds: u64,
    watched: bool,
    sizes: Vec<usize>,
}

/// The gate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounds {
    state: Arc<Mutex<State>>,
}

/// A request that was let through; it counts as running until this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    state: Arc<Mutex<State>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.state).running -= 1;
    }
}

impl Rounds {
    /// Begins to hold and count, from zero.
    pub(crate) fn measure(&self, quiet: Duration) {
        let mut state = lock(&self.state);
        state.quiet = Some(quiet);
        state.rounds = 0;
        state.sizes.clear();
    }

    /// Lets everything through again. The count stays.
    pub(crate) fn stop(&self) {
        let mut state = lock(&self.state);
        state.quiet = None;
        state.held.clear();
    }

    pub(crate) fn count(&self) -> u64 {
        lock(&self.state).rounds
    }

    pub(crate) fn sizes(&self) -> Vec<usize> {
        lock(&self.state).sizes.clone()
    }

    /// Waits for the request's round.
    pub(crate) async fn enter(&self) -> Running {
        let waiter = {
            let mut state = lock(&self.state);
            if state.quiet.is_some() {
                let (release, released) = oneshot::channel();
                state.held.push(release);
                state.last_arrival = Some(Instant::now());
                if !state.watched {
                    state.watched = true;
                    tokio::spawn(watch(Arc::clone(&self.state)));
                }
                Some(released)
            } else {
                None
            }
        };
        // An error means that holding has ended, which lets the request through as well.
        if let Some(released) = waiter
            && let Ok(running) = released.await
        {
            return running;
        }
        lock(&self.state).running += 1;
        Running { state: Arc::clone(&self.state) }
    }
}

/// Lets one round go when it is complete.
async fn watch(state: Arc<Mutex<State>>) {
    loop {
        match look(&state) {
            Look::Over => return,
            Look::Again(pause) => tokio::time::sleep(pause).await,
            Look::Release(held) => {
                for release in held {
                    // If nobody waits any more this counts it out again, which takes the lock: so it
                    // must not be held here.
                    let state = Arc::clone(&state);
                    drop(release.send(Running { state }));
                }
                return;
            }
        }
    }
}

enum Look {
    Over,
    Again(Duration),
    Release(Vec<oneshot::Sender<Running>>),
}

fn look(state: &Mutex<State>) -> Look {
    let mut state = lock(state);
    state.held.retain(|release| !release.is_closed());
    let Some((quiet, last)) =
        state.quiet.zip(state.last_arrival).filter(|_| !state.held.is_empty())
    else {
        state.watched = false;
        return Look::Over;
    };
    let since = last.elapsed();
    let enough = if state.running == 0 { quiet } else { quiet * 10 };
    if since < enough {
        let left = quiet.saturating_sub(since);
        let pause = if left.is_zero() { quiet / 20 } else { left };
        return Look::Again(pause.max(Duration::from_millis(1)));
    }
    let held = std::mem::take(&mut state.held);
    state.watched = false;
    state.rounds += 1;
    state.running += held.len();
    state.sizes.push(held.len());
    Look::Release(held)
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
