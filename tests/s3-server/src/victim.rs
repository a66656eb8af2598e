//! The process that faults may kill.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;
use tokio::time::timeout;

/// The process id, once a test has named it.
#[derive(Debug)]
pub(crate) struct Victim {
    pid: watch::Sender<Option<i32>>,
}

impl Default for Victim {
    fn default() -> Self {
        Self { pid: watch::Sender::new(None) }
    }
}

impl Victim {
    pub(crate) fn set(&self, pid: u32) {
        self.pid.send_replace(i32::try_from(pid).ok());
    }

    pub(crate) fn clear(&self) {
        self.pid.send_replace(None);
    }

    /// Sends a signal, waiting for a victim if there is none yet: its first request may be faster
    /// than the test that has just started it. A process that is gone already is no error.
    pub(crate) async fn signal(&self, signal: i32, wait: Duration) {
        let mut pid = self.pid.subscribe();
        let named = timeout(wait, pid.wait_for(Option::is_some)).await;
        let pid = match &named {
            Ok(Ok(pid)) => **pid,
            _ => None,
        };
        // Zero and negative ids would mean groups of processes, this one among them.
        if let (Some(pid), Ok(signal)) = (pid.filter(|pid| *pid > 0), Signal::try_from(signal)) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    pub(crate) async fn kill(&self, wait: Duration) {
        self.signal(Signal::SIGKILL as i32, wait).await;
    }
}
