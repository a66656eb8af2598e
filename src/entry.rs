//! Where a process begins and ends: its name decides what it is, and its errors become one line,
//! a hint and an exit status.
//!
//! One executable stands under every name in the image. Called as `/opt/resource/check`, `in` or
//! `out` it is the resource; as `check` or `upload` from anywhere else it is s3-asset-manager's
//! command of that name; otherwise it is `s3-asset`, which has all of them as subcommands.

use crate::commands;
use crate::input::protocol::Request;
use crate::machine::environment;
use crate::machine::terminal::{Reader, answer, print, report, run, until_terminated};
use crate::s3::store::Store;
use crate::s3::transfer::Engine;
use crate::tracks::{self, Source};
use crate::words::fault::fault;
use crate::words::names::shown;
use anyhow::Context as _;
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Where Concourse calls a resource's programs.
const RESOURCE: &str = "/opt/resource";

/// How its programs are called by hand.
const USAGE: &str = "\
The resource's own programs, as Concourse runs them

Usage: s3-asset resource check < request.json
       s3-asset resource in <DIRECTORY> < request.json
       s3-asset resource out [--dry-run] <DIRECTORY> < request.json

A request is what Concourse writes: {\"source\": {...}, \"version\": {...}, \"params\": {...}}. `in` fetches into
the directory; `out` finds its inputs there, and with --dry-run prints what it would do. One JSON value
is the answer.

Examples:
  echo '{\"source\": {\"bucket\": \"my-assets\", \"artifacts\": {}}}' | s3-asset resource check
";

/// Has a put print its plan, and change nothing.
const DRY_RUN: &str = "--dry-run";

/// Runs the program that the first argument names.
pub fn main() -> ExitCode {
    let arguments = environment::arguments();
    let called = Path::new(arguments.first().map_or("", String::as_str));
    let name = called.file_name().and_then(|name| name.to_str()).unwrap_or("");
    let rest: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    if called.parent() == Some(Path::new(RESOURCE)) {
        return resource(name, &rest);
    }
    match (name, rest.as_slice()) {
        ("check" | "upload", _) => commands::main(std::iter::once(name).chain(rest)),
        (_, ["resource", words @ ..]) => by_hand(words),
        _ => commands::main(rest),
    }
}

/// One of the three programs of a resource, as an executable of its own.
pub fn program(name: &str) -> ExitCode {
    let arguments = environment::arguments();
    let rest: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    resource(name, &rest)
}

/// One of the three programs of a resource, called by a person; help is no directory.
fn by_hand(words: &[&str]) -> ExitCode {
    let asks = words.iter().any(|word| matches!(*word, "--help" | "-h"));
    let report = report(Reader::Operator);
    let what = match words {
        _ if asks => {
            let printed = print(USAGE.as_bytes()).map(|()| ExitCode::SUCCESS);
            return run(&report, async { printed });
        }
        [program @ ("check" | "in" | "out"), rest @ ..] => {
            if std::io::stdin().is_terminal() {
                report.info("reading a request from this terminal, to its end (Ctrl-D)");
            }
            return resource(program, rest);
        }
        [other, ..] => format!("`{}` is no program of a resource", shown(other)),
        [] => "no program of the resource given".to_owned(),
    };
    let hint = "it is check, in or out: `s3-asset resource --help` shows how each is called";
    report.error(&fault(what, hint));
    ExitCode::from(2)
}

/// One of the three programs of a resource.
fn resource(program: &str, arguments: &[&str]) -> ExitCode {
    let report = report(Reader::Concourse);
    let (options, directories): (Vec<&str>, Vec<&str>) =
        arguments.iter().partition(|argument| program == "out" && **argument == DRY_RUN);
    let dry_run = !options.is_empty();
    run(&report, async {
        let mut input = Vec::new();
        std::io::stdin().read_to_end(&mut input).context("standard input")?;
        let request = Request::parse(&input)?;
        let source = Source::parse(&request.source)?;
        // Concourse shows these with every build; a check runs each minute.
        if program != "check" {
            source.settings.warnings.iter().for_each(|warning| report.warn(warning));
        }
        let directory = || {
            directories.first().map(Path::new).ok_or_else(|| {
                fault(
                    format!("{program}: no directory given"),
                    format!("usage: {RESOURCE}/{program} <directory> < request.json"),
                )
            })
        };
        match program {
            "check" => {
                let store = Store::open(&source.settings.access, report.clone()).await;
                answer(&tracks::check(&source, &store, request.version.as_ref()).await?)
            }
            "in" => {
                let directory = directory()?;
                let version = request.version.as_ref().ok_or_else(|| {
                    fault("version: missing", "a get needs the version that it is to fetch")
                })?;
                let engine = Engine::new(Arc::new(
                    Store::open(&source.settings.access, report.clone()).await,
                ));
                let work = tracks::get(&source, &engine, version, &request.params, directory);
                answer(&until_terminated(engine.store.abort_all(), work).await?)
            }
            "out" => {
                let directory = directory()?;
                let engine = Engine::new(Arc::new(
                    Store::open(&source.settings.access, report.clone()).await,
                ));
                let run = environment::run();
                if dry_run {
                    let work = tracks::planned(&source, &engine, &request.params, directory, &run);
                    let planned = until_terminated(async {}, work).await?;
                    planned.steps.iter().for_each(|step| report.info(step));
                    if planned.steps.is_empty() {
                        report.info("there is nothing to do");
                    }
                    return answer(&planned).map(|()| ExitCode::SUCCESS);
                }
                let work = tracks::put(&source, &engine, &request.params, directory, &run);
                answer(&until_terminated(engine.store.abort_all(), work).await?)
            }
            other => Err(fault(
                format!("`{}` is no program of a resource", shown(other)),
                "it is check, in or out",
            )),
        }
        .map(|()| ExitCode::SUCCESS)
    })
}
