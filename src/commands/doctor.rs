//! `doctor`: what a bucket, its server and these credentials can do of what this project relies on,
//! tried out below a folder of its own, which it removes again.

mod probes;

use super::Output;
use super::bucket_options::BucketOptions;
use super::table::table;
use crate::input::protocol::Request;
use crate::machine::report::{Report, count};
use crate::machine::terminal::{self, until_terminated};
use crate::s3::store::{Store, unique_id};
use crate::tracks::{Source, Track};
use crate::words::fault::fault;
use crate::words::names::Prefix;
use clap::Args;
use probes::Found;
use serde::Serialize;
use serde_json::json;
use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;
use std::sync::Arc;

pub(super) const HELP: &str = "\
Given a pipeline's request on standard input, it tries exactly the source that is in it.
It writes a few small objects below PREFIX.s3-asset-doctor/ and deletes them again.

Examples:
  s3-asset doctor --bucket my-assets
  s3-asset doctor --json < request.json";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: BucketOptions,
    #[command(flatten)]
    output: Output,
}

/// What is said of one probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// As it should be.
    Ok,
    /// Something does not work, or is not known, that not everybody needs.
    Warn,
    /// Something that is relied upon does not work.
    Fail,
}

/// One line of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Line {
    probe: &'static str,
    verdict: Verdict,
    /// What was found.
    found: String,
    /// What to do; empty where all is well.
    hint: String,
}

pub(super) async fn run(report: &Arc<Report>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let source = match request(&arguments.place)? {
        Some(request) => Source::parse(&request.source)?,
        None => {
            arguments.place.parse(Some(super::sets_options::BUCKET), json!({"artifacts": {}}))?
        }
    };
    let settings = &source.settings;
    settings.warnings.iter().for_each(|warning| report.warn(warning));
    let store = Arc::new(Store::open(&settings.access, report.clone()).await);
    let folder = format!("{}.s3-asset-doctor/{}", settings.prefix, unique_id());
    let folder = Prefix::parse("the doctor's folder", &folder)?;
    let found = probes::Probes { store: &store, folder: &folder };
    let found = until_terminated(store.abort_all(), found.all()).await?;
    let lines = judge(&found, settings.access.conditional_writes, is_of_files(&source.track));
    let failed = lines.iter().filter(|line| line.verdict == Verdict::Fail).count();
    if arguments.output.json {
        let bucket = settings.access.bucket.as_str();
        terminal::answer(&json!({"bucket": bucket, "healthy": failed == 0, "probes": lines}))?;
    } else {
        let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
        terminal::print(table(&["probe", "verdict", "found", "what to do"], &rows).as_bytes())?;
    }
    if failed > 0 {
        return Err(fault(
            format!("{} of {} failed", failed, count(lines.len(), "probe")),
            "the table says what to do about each",
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(line: &Line) -> Vec<String> {
    let verdict = match line.verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "warn",
        Verdict::Fail => "FAIL",
    };
    vec![line.probe.to_owned(), verdict.to_owned(), line.found.clone(), line.hint.clone()]
}

/// The request on standard input; none: a terminal, or nothing, is there, or a bucket is named.
fn request(place: &BucketOptions) -> anyhow::Result<Option<Request>> {
    let mut input = std::io::stdin();
    if place.bucket.is_some() || input.is_terminal() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    if bytes.trim_ascii().is_empty() { Ok(None) } else { Request::parse(&bytes).map(Some) }
}

/// Whether a track deletes nothing, and so can live without being allowed to.
fn is_of_files(track: &Track) -> bool {
    !matches!(track, Track::Package(_))
}

/// What is to be said of what was found. `is_relied_on`: conditional writes are. `only_adds`: the
/// track never deletes.
fn judge(found: &[Found], is_relied_on: bool, only_adds: bool) -> Vec<Line> {
    found
        .iter()
        .map(|found| {
            let (verdict, hint) = match &found.result {
                Ok(_) => (Verdict::Ok, String::new()),
                Err(trouble) => match found.probe {
                    "delete" if only_adds => (
                        Verdict::Warn,
                        "nothing of this track deletes; delete the doctor's objects by hand".to_owned(),
                    ),
                    "zero-byte folder keys" => (
                        Verdict::Warn,
                        "only the gocd track needs them: give it a bucket on another server".to_owned(),
                    ),
                    "missing object" => (
                        Verdict::Warn,
                        "allow s3:ListBucket on the bucket: without it S3 says 403 for what is not there".to_owned(),
                    ),
                    "create-only put" | "put if unchanged" | "sixteen at once" if !is_relied_on => (
                        Verdict::Warn,
                        "`conditional_writes: false` is set: let one build at a time write".to_owned(),
                    ),
                    "create-only put" | "put if unchanged" | "sixteen at once" => (
                        Verdict::Fail,
                        "use a server that obeys If-None-Match and If-Match, or set `conditional_writes: false` and let one build at a time write".to_owned(),
                    ),
                    _ => (Verdict::Fail, trouble.hint.clone()),
                },
            };
            let found_text = match &found.result {
                Ok(text) => text.clone(),
                Err(trouble) => trouble.what.clone(),
            };
            Line { probe: found.probe, verdict, found: found_text, hint }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::probes::Trouble;
    use super::*;

    #[test]
    fn what_is_said_of_what_was_found() {
        let trouble = || Trouble { what: "no".into(), hint: "do".into() };
        let bad = |probe| Found { probe, result: Err(trouble()) };
        let cases = [
            (Found { probe: "reach", result: Ok("yes".into()) }, true, true, Verdict::Ok),
            (bad("reach"), true, true, Verdict::Fail),
            (bad("create-only put"), true, true, Verdict::Fail),
            (bad("create-only put"), false, true, Verdict::Warn),
            (bad("sixteen at once"), true, false, Verdict::Fail),
            (bad("delete"), true, true, Verdict::Warn),
            (bad("delete"), true, false, Verdict::Fail),
            (bad("zero-byte folder keys"), true, false, Verdict::Warn),
        ];
        for (found, is_relied_on, only_adds, want) in cases {
            let line = judge(std::slice::from_ref(&found), is_relied_on, only_adds).remove(0);
            assert_eq!(line.verdict, want, "{found:?}");
            assert_eq!(line.hint.is_empty(), want == Verdict::Ok, "{line:?}");
        }
    }
}
