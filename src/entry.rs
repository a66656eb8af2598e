//! Where a process begins and ends: its name decides what it is, and its errors become one line,
//! a hint and an exit status.
//!
//! One executable stands under every name in the image. Called as `/opt/resource/check`, `in` or
//! `out` it is the resource; as `check` or `upload` from anywhere else it is s3-asset-manager's
//! command of that name; otherwise it is `s3-asset`, which has all of them as subcommands.

use crate::fault::fault;
use crate::protocol::Request;
use crate::report::Report;
use crate::secret::Secret;
use crate::source::Source;
use crate::store::Store;
use crate::transfer::Engine;
use crate::{build_info, check, get, operator, put};
use anyhow::Context as _;
use serde::Serialize;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Where Concourse calls a resource's programs.
const RESOURCE: &str = "/opt/resource";
/// What a process that ends by SIGTERM exits with, as a shell says it.
const TERMINATED: u8 = 143;
/// From SIGTERM to the end, whatever the server does: Concourse kills after 10 s.
const LAST_WORDS: Duration = Duration::from_secs(4);

/// Runs the program that the first argument names.
pub fn main() -> ExitCode {
    let arguments = build_info::arguments();
    let called = Path::new(arguments.first().map_or("", String::as_str));
    let name = called.file_name().and_then(|name| name.to_str()).unwrap_or("");
    let rest: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    if called.parent() == Some(Path::new(RESOURCE)) {
        return resource(name, &rest);
    }
    match (name, rest.as_slice()) {
        ("check" | "upload", _) => operator::main(std::iter::once(name).chain(rest)),
        (_, ["resource", program, rest @ ..]) => resource(program, rest),
        _ => operator::main(rest),
    }
}

/// Standard error, which shows nothing that the environment keeps secret.
pub fn report() -> Arc<Report> {
    let report = Report::new(false);
    for name in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        build_info::variable(name).into_iter().for_each(|text| report.hide(&Secret::new(text)));
    }
    Arc::new(report)
}

/// One of the three programs of a resource.
fn resource(program: &str, arguments: &[&str]) -> ExitCode {
    let report = report();
    run(&report, async {
        let mut input = Vec::new();
        std::io::stdin().read_to_end(&mut input).context("standard input")?;
        let request = Request::parse(&input)?;
        let source = Source::parse(&request.source)?;
        // Concourse shows these with every build; a check runs each minute.
        if program != "check" {
            source.warnings.iter().for_each(|warning| report.warn(warning));
        }
        let directory = || {
            arguments.first().map(Path::new).ok_or_else(|| {
                fault(
                    format!("{program}: no directory given"),
                    format!("usage: {RESOURCE}/{program} <directory> < request.json"),
                )
            })
        };
        match program {
            "check" => {
                let store = Store::open(&source, report.clone()).await;
                answer(&check::check(&source, &store, request.version.as_ref()).await?)
            }
            "in" => {
                let directory = directory()?;
                let version = request.version.as_ref().ok_or_else(|| {
                    fault("version: missing", "a get needs the version that it is to fetch")
                })?;
                let engine = Engine::new(Arc::new(Store::open(&source, report.clone()).await));
                let work = get::get(&source, &engine, version, &request.params, directory);
                answer(&until_terminated(&engine.store, work).await?)
            }
            "out" => {
                let directory = directory()?;
                let engine = Engine::new(Arc::new(Store::open(&source, report.clone()).await));
                let (build, now) = (build_info::build(), build_info::now());
                let work = put::put(&source, &engine, &request.params, directory, &build, &now);
                answer(&until_terminated(&engine.store, work).await?)
            }
            other => Err(fault(
                format!("`{}` is no program of a resource", crate::names::shown(other)),
                "it is check, in or out",
            )),
        }
        .map(|()| ExitCode::SUCCESS)
    })
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
            report.end();
            report.error(&e);
            if e.is::<Terminated>() { ExitCode::from(TERMINATED) } else { ExitCode::FAILURE }
        }
    }
}

/// Does work until it is done or SIGTERM comes; whichever way it ends, no multipart upload is left.
pub async fn until_terminated<T>(
    store: &Store,
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
        let _ = tokio::time::timeout(LAST_WORDS, store.abort_all()).await;
    }
    result
}

/// The one place that writes to standard output: a JSON value on a line.
pub fn answer(value: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    print(&line)
}

/// Text for standard output: an answer, or an operator's table.
#[allow(clippy::disallowed_methods)] // the one owner
pub fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).context("standard output")
}
