//! `doctor`: what a bucket, its server and these credentials can do of what this project relies on,
//! tried out below a folder of its own, which it removes again.

mod probes;

use super::Output;
use super::bucket_options::BucketOptions;
use super::sets_options::BUCKET;
use super::table::table;
use crate::input::protocol::Request;
use crate::machine::report::{Report, count};
use crate::machine::terminal::{self, until_terminated};
use crate::s3::store::{Store, unique_id};
use crate::tracks::{Source, Track};
use crate::words::fault::fault;
use crate::words::names::{Bucket, Prefix, shown_to};
use clap::Args;
use probes::{Found, Probe, Probes, Trouble};
use serde::Serialize;
use serde_json::json;
use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;
use std::sync::Arc;

pub(super) const HELP: &str = "\
Given a pipeline's request on standard input, it tries exactly the source that is in it: of a package,
its ledger and its store. With --bucket, nothing is read from standard input.
It writes a few small objects below PREFIX.s3-asset-doctor/ and deletes them again.

Examples:
  s3-asset doctor --bucket my-assets
  s3-asset doctor --json < request.json";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: BucketOptions,
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
    /// Where, if there are several buckets.
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<String>,
    probe: Probe,
    verdict: Verdict,
    /// What was found.
    found: String,
    /// What to do; empty where all is well.
    hint: String,
}

pub(super) async fn run(report: &Arc<Report>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let place = &arguments.place;
    let source = match request(place)? {
        Some(request) => Source::parse(&request.source)?,
        None if place.names_a_bucket(BUCKET) => {
            place.parse(Some(BUCKET), json!({"artifacts": {}})).await?
        }
        None => {
            let hint = format!(
                "add --bucket NAME, or set {BUCKET} in the environment; or give a pipeline's request: `s3-asset doctor < request.json`"
            );
            return Err(fault("no bucket given", hint));
        }
    };
    let settings = &source.settings;
    settings.warnings.iter().for_each(|warning| report.warn(warning));
    let store = Store::open(&settings.access, report.clone()).await;
    let folder = format!("{}.s3-asset-doctor/{}", settings.prefix, unique_id());
    let folder = Prefix::parse("the doctor's folder", &folder)?;
    let buckets = buckets(&source);
    let mut lines = Vec::new();
    for (bucket, needs) in &buckets {
        let sibling = store.sibling(bucket);
        let probes = Probes { store: &sibling, folder: &folder, prefix: settings.prefix.as_str() };
        let found = until_terminated(sibling.abort_all(), probes.all()).await?;
        let name = (buckets.len() > 1).then(|| bucket.to_string());
        lines.extend(found.into_iter().map(|found| judge(found, *needs, name.clone())));
    }
    let failed = lines.iter().filter(|line| line.verdict == Verdict::Fail).count();
    if arguments.output.json {
        let bucket = buckets.first().map(|(bucket, _)| bucket.as_str());
        terminal::answer(&json!({"bucket": bucket, "healthy": failed == 0, "probes": lines}))?;
    } else {
        let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
        let titles = ["bucket", "probe", "verdict", "found", "what to do"];
        let titles = if buckets.len() > 1 { &titles[..] } else { &titles[1..] };
        terminal::print(table(titles, &rows).as_bytes())?;
    }
    if failed > 0 {
        return Err(fault(
            format!("{} of {} failed", failed, count(lines.len(), "probe")),
            "the table says what to do about each",
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// What was found is cut there in the table, so that what to do stays in sight; `--json` has it whole.
const LONGEST: usize = 120;

fn row(line: &Line) -> Vec<String> {
    let verdict = match line.verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "warn",
        Verdict::Fail => "FAIL",
    };
    let found = shown_to(&line.found, LONGEST);
    let cells = [line.probe.name(), verdict.to_owned(), found, line.hint.clone()];
    line.bucket.iter().cloned().chain(cells).collect()
}

/// The buckets of a source, and what is needed of each: a package has two, or one.
fn buckets(source: &Source) -> Vec<(Bucket, Needs)> {
    let (own, needs) = (&source.settings.access.bucket, Needs::of(source));
    let Track::Package(package) = &source.track else { return vec![(own.clone(), needs)] };
    let ledger = package.ledger.as_ref().unwrap_or(own);
    let store = package.store.as_ref().unwrap_or(own);
    let mut buckets = vec![(ledger.clone(), needs)];
    if store != ledger {
        // Tags, which are taken away, are in the ledger.
        buckets.push((store.clone(), Needs { deletes: false, ..needs }));
    }
    buckets
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

/// What a resource needs of what not everybody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Needs {
    /// To write at all.
    writes: bool,
    /// Writes that depend on what is there.
    conditions: bool,
    /// To delete what it keeps.
    deletes: bool,
    /// Empty objects whose keys end in `/`.
    folder_keys: bool,
    /// A bucket that keeps versions.
    versions: bool,
}

impl Needs {
    fn of(source: &Source) -> Needs {
        Needs {
            writes: !matches!(&source.track, Track::Artifacts(artifacts) if artifacts.lookup),
            conditions: source.settings.access.conditional_writes,
            deletes: matches!(source.track, Track::Package(_)),
            folder_keys: matches!(source.track, Track::Gocd(_)),
            versions: matches!(&source.track, Track::Files(files) if files.is_versioned()),
        }
    }
}

/// What is to be said of what was found.
fn judge(found: Found, needs: Needs, bucket: Option<String>) -> Line {
    let probe = found.probe;
    let (verdict, found, hint) = match found.result {
        Ok(text) if probe == Probe::Versions && needs.versions && text == probes::NOT_KEPT => {
            let hint = "switch versioning on for the bucket; or follow files with `regexp`, which needs none";
            (Verdict::Fail, text, hint.to_owned())
        }
        Ok(text) => (Verdict::Ok, text, String::new()),
        Err(Trouble { what, hint }) => {
            let (verdict, own) = verdict(probe, needs);
            // What the right is called is said of the refusal; where it is none, no right would help.
            let allow =
                if hint.starts_with("allow ") { format!(": {hint}") } else { String::new() };
            let own = own.map(|own| match probe {
                Probe::Versions | Probe::Encryption => format!("{own}{allow}"),
                _ => own.to_owned(),
            });
            (verdict, what, own.unwrap_or(hint))
        }
    };
    Line { bucket, probe, verdict, found, hint }
}

/// How bad it is that a probe failed, and what to do, where that is more than the probe itself says.
fn verdict(probe: Probe, needs: Needs) -> (Verdict, Option<&'static str>) {
    use Verdict::{Fail, Warn};
    match probe {
        Probe::CreateOnly | Probe::Unchanged | Probe::Sixteen if needs.conditions => (
            Fail,
            Some(
                "use a server that obeys If-None-Match and If-Match, or set `conditional_writes: false` and let one build at a time write",
            ),
        ),
        Probe::CreateOnly | Probe::Unchanged | Probe::Sixteen => {
            (Warn, Some("`conditional_writes: false` is set: let one build at a time write"))
        }
        Probe::Put if !needs.writes => {
            (Warn, Some("`lookup: true` is set: nothing of this resource writes"))
        }
        Probe::Delete if !needs.deletes => {
            (Warn, Some("nothing of this track deletes; delete the doctor's objects by hand"))
        }
        Probe::FolderKey if !needs.folder_keys => {
            (Warn, Some("only the gocd track needs them: give it a bucket on another server"))
        }
        Probe::Missing => (
            Warn,
            Some("allow s3:ListBucket on the bucket: without it S3 says 403 for what is not there"),
        ),
        Probe::Versions if !needs.versions => {
            (Warn, Some("not known, and only `versioned_file` needs to"))
        }
        Probe::Encryption => (Warn, Some("not known, and nothing needs to")),
        Probe::Checksums | Probe::Clock | Probe::Lifecycle => (Warn, None),
        _ => (Fail, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_s_buckets_are_both_tried() {
        let of = |package: serde_json::Value| {
            let source = json!({"bucket": "b", "package": package});
            let source = Source::parse(source.as_object().expect("a map")).expect("a source");
            let all = buckets(&source).into_iter();
            all.map(|(bucket, needs)| (bucket.to_string(), needs.deletes)).collect::<Vec<_>>()
        };
        let pair = |name: &str, deletes| (name.to_owned(), deletes);
        assert_eq!(of(json!({"name": "app"})), [pair("b", true)]);
        let two = json!({"name": "app", "ledger": "s3://l", "store": "s3://s"});
        assert_eq!(of(two), [pair("l", true), pair("s", false)]);
        assert_eq!(
            of(json!({"name": "app", "ledger": "s3://l"})),
            [pair("l", true), pair("b", false)]
        );
    }

    #[test]
    fn what_is_said_of_what_was_found() {
        let all = Needs {
            writes: true,
            conditions: true,
            deletes: true,
            folder_keys: true,
            versions: true,
        };
        let none = Needs {
            writes: false,
            conditions: false,
            deletes: false,
            folder_keys: false,
            versions: false,
        };
        let good = Found { probe: Probe::Reach, result: Ok("yes".into()) };
        assert_eq!(judge(good, all, None).verdict, Verdict::Ok);
        for (needs, want) in [(all, Verdict::Fail), (none, Verdict::Ok)] {
            let found = Found { probe: Probe::Versions, result: Ok(probes::NOT_KEPT.into()) };
            assert_eq!(judge(found, needs, None).verdict, want, "{needs:?}");
        }
        let cases = [
            (Probe::Reach, Verdict::Fail, Verdict::Fail),
            (Probe::Put, Verdict::Fail, Verdict::Warn),
            (Probe::CreateOnly, Verdict::Fail, Verdict::Warn),
            (Probe::Sixteen, Verdict::Fail, Verdict::Warn),
            (Probe::Delete, Verdict::Fail, Verdict::Warn),
            (Probe::FolderKey, Verdict::Fail, Verdict::Warn),
            (Probe::Versions, Verdict::Fail, Verdict::Warn),
            (Probe::Lifecycle, Verdict::Warn, Verdict::Warn),
        ];
        for (probe, needed, not_needed) in cases {
            for (needs, want) in [(all, needed), (none, not_needed)] {
                let trouble = Trouble { what: "no".into(), hint: "do".into() };
                let line = judge(Found { probe, result: Err(trouble) }, needs, None);
                assert_eq!(line.verdict, want, "{probe:?} {needs:?}");
                assert!(!line.hint.is_empty(), "{line:?}");
            }
        }
        // A right is named where it is what is missing.
        for (hint, want) in [
            ("allow `s3:GetBucketVersioning` on it", "needs to: allow `s3:GetBucketVersioning`"),
            ("it is no S3 server", "only `versioned_file` needs to"),
        ] {
            let trouble = Trouble { what: "no".into(), hint: hint.into() };
            let found = Found { probe: Probe::Versions, result: Err(trouble) };
            let line = judge(found, none, None);
            assert!(line.hint.contains(want), "{line:?}");
            assert_eq!(line.hint.contains("allow"), hint.contains("allow"), "{line:?}");
        }
    }
}
