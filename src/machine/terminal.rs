//! Where a process meets its terminal: standard output, the runtime, signals and the exit status.

use crate::machine::environment;
use crate::machine::report::{Report, is_coloured, is_terminal};
use crate::words::secret::Secret;
use anyhow::Context as _;
use serde::Serialize;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// What a process that ends by SIGTERM exits with, as a shell says it.
const TERMINATED: u8 = 143;
/// From SIGTERM to the end, whatever the server does: Concourse kills after 10 s.
const LAST_WORDS: Duration = Duration::from_secs(4);

/// Who reads standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Concourse, which renders colours though it gives no terminal.
    Concourse,
    /// A person at a terminal, or whatever standard error leads to.
    Operator,
}

/// Standard error, which shows nothing that the environment keeps secret.
pub fn report(reader: Reader) -> Arc<Report> {
    let colour = match reader {
        Reader::Concourse => true,
        Reader::Operator => is_coloured(environment::variable, is_terminal()),
    };
    let report = Report::new(false);
    let report = if colour { report } else { report.plain() };
    for name in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        environment::variable(name).into_iter().for_each(|text| report.hide(&Secret::new(text)));
    }
    Arc::new(report)
}

/// Ended by SIGTERM; its uploads are given up.
#[derive(Debug)]
pub struct Terminated;

impl std::fmt::Display for Terminated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stopped by SIGTERM: the build was aborted or timed out")
    }
}

impl std::error::Error for Terminated {}

/// Runs work on a runtime of one thread, and ends the process as it ended.
pub fn run(report: &Report, work: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(work);
            // Threads that still read or hash hold nothing that anybody waits for.
            runtime.shutdown_background();
            result
        }
        Err(e) => Err(anyhow::Error::new(e).context("the runtime")),
    };
    match result {
        Ok(code) => code,
        Err(e) => {
            report.end_all();
            report.error(&e);
            if e.is::<Terminated>() { ExitCode::from(TERMINATED) } else { ExitCode::FAILURE }
        }
    }
}

/// Does work until it is done or SIGTERM comes; whichever way it ends, no multipart upload is left.
///
/// `give_up` is what is done about unfinished uploads when the work fails or is told to stop.
pub async fn until_terminated<T>(
    give_up: impl Future<Output = ()>,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT")?;
    let result = tokio::select! {
        result = work => result,
        _ = terminate.recv() => Err(Terminated.into()),
        _ = interrupt.recv() => Err(Terminated.into()),
    };
    if result.is_err() {
        let _ = tokio::time::timeout(LAST_WORDS, give_up).await;
    }
    result
}

/// A JSON value on a line of standard output, written as it is made: it may be long.
#[allow(clippy::disallowed_methods)] // the one owner
pub fn answer(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    serde_json::to_writer(&mut out, value).context("standard output")?;
    out.write_all(b"\n").and_then(|()| out.flush()).context("standard output")
}

/// Text for standard output: an answer, or an operator's table.
#[allow(clippy::disallowed_methods)] // the one owner
pub fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).context("standard output")
}
