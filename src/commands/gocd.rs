//! `s3-asset gocd annotate, list`: GoS3-matic's command, and what GoCD's S3 material sees of a job.

use super::Output;
use super::bucket_options::{BucketOptions, Reach};
use super::table::{facts, table};
use crate::history::stored::History;
use crate::machine::report::Report;
use crate::machine::terminal::{answer, print, until_terminated};
use crate::s3::store::Store;
use crate::tracks::gocd::check::markers;
use crate::tracks::gocd::put::write;
use crate::tracks::gocd::rules::{
    Annotations, LABEL, Marker, Published, Revision, TRACEBACK_URL, USER, names, uncompleted,
};
use crate::tracks::gocd::source::{Gocd, plain};
use crate::words::fault::fault;
use crate::words::names::{Prefix, shown};
use crate::words::object::{ObjectOptions, UserMetadata};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::process::ExitCode;
use std::sync::Arc;

pub(super) const HELP: &str = "\
Examples:
  s3-asset gocd annotate my-bucket app/build/package/42.1 --label 42
  s3-asset gocd list my-bucket app/build/package";

const ANNOTATE_HELP: &str = "\
The folder is complete for GoCD from then on: upload everything first. What it said before is
written over. --key without a value says its own name.

Examples:
  s3-asset gocd annotate my-bucket app/build/package/42.1 --label 42
  s3-asset gocd annotate my-bucket artifacts/ --label 42 --username john@example.com \\
      --traceback-url https://example.com/traceback --key my-annotation --key branch=main
  s3-asset gocd annotate my-bucket app/build/package/42.1 --label 42 --dry-run";

const LIST_HELP: &str = "\
Examples:
  s3-asset gocd list my-bucket app/build/package
  s3-asset gocd list my-bucket team/app/build/package --limit 100 --json";

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Marks a folder as complete, with what GoCD shows of it
    #[command(after_help = ANNOTATE_HELP)]
    Annotate(AnnotateArguments),
    /// Lists the revisions of a job, newest first
    #[command(after_help = LIST_HELP)]
    List(ListArguments),
}

#[derive(Debug, Args)]
pub(super) struct AnnotateArguments {
    /// Name of the S3 bucket
    #[arg(value_name = "BUCKET")]
    bucket: String,
    /// The folder: PIPELINE/STAGE/JOB/COUNTER.COUNTER
    path: String,
    /// Pipeline label, an integer
    #[arg(long, value_name = "N")]
    label: u64,
    /// Username or email, which GoCD shows
    #[arg(long, visible_alias = "by")]
    username: Option<String>,
    /// Where GoCD's link leads
    #[arg(long, value_name = "URL")]
    traceback_url: Option<String>,
    /// Another annotation; may be given again
    #[arg(long, value_name = "NAME[=VALUE]")]
    key: Vec<String>,
    /// Shows no table of what was written
    #[arg(long, short)]
    quiet: bool,
    /// Shows what would be written, and writes nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten, next_help_heading = "The bucket")]
    reach: Reach,
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Name of the S3 bucket
    bucket: String,
    /// The job: PIPELINE/STAGE/JOB
    path: String,
    /// How many
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
    #[command(flatten)]
    output: Output,
    #[command(flatten, next_help_heading = "The bucket")]
    reach: Reach,
}

/// A client for the bucket that an argument names.
async fn open(report: &Arc<Report>, bucket: &str, reach: &Reach) -> anyhow::Result<Store> {
    let bucket = Some(bucket.to_owned());
    let place = BucketOptions { bucket, reach: reach.clone(), ..BucketOptions::default() };
    place.store(report).await
}

pub(super) async fn run(report: &Arc<Report>, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Annotate(a) => {
            let store = open(report, &a.bucket, &a.reach).await?;
            until_terminated(store.abort_all(), annotate(&store, &a)).await
        }
        Command::List(a) => {
            let store = open(report, &a.bucket, &a.reach).await?;
            until_terminated(store.abort_all(), list(&store, &a)).await
        }
    }
}

impl AnnotateArguments {
    fn annotations(&self) -> anyhow::Result<Annotations> {
        let mut own = BTreeMap::new();
        for key in &self.key {
            // As GoCD's own plugin does with `completed`.
            let (name, value) = key.split_once('=').unwrap_or((key, key));
            if own.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(fault(
                    format!("--key: `{}` is there twice", shown(name)),
                    "say it once: an annotation has one value",
                ));
            }
        }
        Ok(Annotations {
            user: self.username.clone(),
            traceback_url: self.traceback_url.clone(),
            label: Some(self.label.to_string()),
            own: names("--key", &own)?,
        })
    }
}

/// What a marker is to say, or why nothing is written; and what people should know of it.
fn judge(
    folder: &Prefix,
    files: usize,
    marker: Option<&Marker>,
    annotations: &Annotations,
) -> anyhow::Result<(UserMetadata, Vec<String>)> {
    if let Some(marker) = marker
        && marker.claim.is_some()
        && !marker.is_completed
    {
        return Err(fault(
            format!("a put of the resource is uploading to {folder}, or died of it"),
            "it completes the folder itself: run that put again",
        ));
    }
    if files == 0 {
        return Err(fault(
            format!("nothing lies in {folder}"),
            "upload the files first, and annotate them then",
        ));
    }
    let mut warnings = Vec::new();
    if marker.is_some_and(|marker| marker.is_completed) {
        warnings
            .push(format!("{folder} was annotated before: GoCD may have shown what it said then"));
    }
    if !is_revision(folder) {
        warnings.push(format!(
            "{folder} is no folder that GoCD looks at: it looks at PIPELINE/STAGE/JOB/COUNTER.COUNTER"
        ));
    }
    let keep = marker.map(Marker::recorded).unwrap_or_default();
    Ok((annotations.completed(&keep)?, warnings))
}

fn is_revision(folder: &Prefix) -> bool {
    let names: Vec<&str> = folder.as_str().trim_end_matches('/').split('/').collect();
    names.len() >= 4 && names.last().is_some_and(|name| Revision::of_folder(name).is_some())
}

async fn annotate(store: &Store, arguments: &AnnotateArguments) -> anyhow::Result<ExitCode> {
    let annotations = arguments.annotations()?;
    let folder = Prefix::parse("PATH", &arguments.path)?;
    let key = folder.key("").map_err(|e| e.context("PATH"))?;
    let (marker, listed) =
        futures_util::future::try_join(store.head(&key), store.list(folder.as_str())).await?;
    let marker = marker.map(|facts| Marker::of(&facts.metadata));
    let files = listed.iter().filter(|object| !object.key.ends_with('/')).count();
    let (metadata, warnings) = judge(&folder, files, marker.as_ref(), &annotations)?;
    let (report, uri) = (store.report(), store.uri(key.as_str()));
    warnings.iter().for_each(|warning| report.warn(warning));
    if arguments.dry_run {
        report.info(format!("would complete {uri}, and write what follows"));
    } else {
        if !marker.is_some_and(|marker| marker.is_completed) {
            write(store, &key, &uncompleted(metadata.clone()), ObjectOptions::NONE).await?;
        }
        write(store, &key, &metadata, ObjectOptions::NONE).await?;
        report.success(format!("completed {uri}"));
    }
    let said = Marker::of(&metadata.into_iter().collect()).annotations;
    if arguments.output.json {
        answer(&json!({
            "bucket": arguments.bucket, "path": key.as_str(), "annotations": said,
            "written": !arguments.dry_run,
        }))?;
    } else if !arguments.quiet {
        let place = [("bucket", arguments.bucket.clone()), ("path", key.to_string())];
        let said = said.iter().map(|(name, value)| (name.as_str(), value.clone()));
        print(facts(&place.into_iter().chain(said).collect::<Vec<_>>()).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The job that a path leads to: its last three names, and the folder that they are in.
fn job(path: &str) -> anyhow::Result<Gocd> {
    let folder = Prefix::parse("PATH", path)?;
    let mut names: Vec<&str> = folder.as_str().trim_end_matches('/').split('/').collect();
    let three: Vec<&str> = names.split_off(names.len().saturating_sub(3));
    let [pipeline, stage, job] = three[..] else {
        return Err(fault(
            format!("PATH: `{}` is no job", shown(path)),
            "give PIPELINE/STAGE/JOB, for example app/build/package",
        ));
    };
    for name in [pipeline, stage, job] {
        plain(name).map_err(|e| e.context("PATH"))?;
    }
    Ok(Gocd::new(&Prefix::parse("PATH", &names.join("/"))?, [pipeline, stage, job]))
}

async fn list(store: &Store, arguments: &ListArguments) -> anyhow::Result<ExitCode> {
    let track = job(&arguments.path)?;
    let history = History::<Published>::new(store, track.history()?);
    let (folders, entries) = futures_util::future::try_join(
        store.folders(track.job.as_str()),
        history.newest(arguments.limit),
    )
    .await?;
    let (strange, mut revisions): (Vec<String>, Vec<Revision>) = (
        folders.iter().filter(|name| Revision::of_folder(name).is_none()).cloned().collect(),
        folders.iter().filter_map(|name| Revision::of_folder(name)).collect(),
    );
    revisions.sort();
    revisions.reverse();
    revisions.truncate(arguments.limit);
    let times: HashMap<Revision, String> = entries
        .unwrap_or_default()
        .into_iter()
        .map(|entry| (entry.what.revision, entry.time.to_string()))
        .collect();
    let markers = markers(store, &track, revisions).await?;
    for name in strange {
        store.report().warn(format!(
            "{}{} is no revision: GoCD's poller may stop there for good",
            track.job,
            shown(&name)
        ));
    }
    if arguments.output.json {
        let all: Vec<Value> = markers
            .iter()
            .map(|(revision, marker)| {
                json!({
                    "revision": revision, "state": state(marker.as_ref()),
                    "annotations": marker.as_ref().map(|marker| &marker.annotations),
                    "published_at": times.get(revision),
                })
            })
            .collect();
        answer(&all)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = markers
        .iter()
        .map(|(revision, marker)| {
            let said = |name: &str| {
                let marker = marker.as_ref();
                marker.and_then(|it| it.annotation(name)).unwrap_or_default().to_owned()
            };
            vec![
                revision.to_string(),
                state(marker.as_ref()).to_owned(),
                said(LABEL),
                said(USER),
                times.get(revision).cloned().unwrap_or_default(),
                said(TRACEBACK_URL),
            ]
        })
        .collect();
    let titles = ["revision", "state", "label", "user", "published", "traceback url"];
    print(table(&titles, &rows).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// What GoCD makes of a folder.
fn state(marker: Option<&Marker>) -> &'static str {
    match marker {
        Some(marker) if marker.is_completed => "completed",
        Some(_) => "not completed",
        None => "no marker",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_annotated() {
        let digest = crate::words::digest::Sha256::of(b"x");
        let pending = Marker::claiming(&digest, &digest);
        let completed = Marker { is_completed: true, ..pending.clone() };
        let bare = Marker::default();
        let said = |path: &str, files, marker: Option<&Marker>| {
            let folder = Prefix::parse("PATH", path).expect("a folder");
            match judge(&folder, files, marker, &Annotations::default()) {
                Ok((metadata, warnings)) => format!("{} {}", metadata.len(), warnings.join(" ")),
                Err(e) => e.to_string(),
            }
        };
        assert_eq!(said("p/s/j/42.1", 1, None), "1 ");
        assert_eq!(said("team/p/s/j/42.1/", 1, Some(&bare)), "1 ");
        // What was recorded of the folder's files stays.
        let again = said("p/s/j/42.1", 1, Some(&completed));
        assert!(again.starts_with("3 p/s/j/42.1/ was annotated before"), "{again}");
        for path in ["artifacts/", "s/j/42.1", "p/s/j/42", "p/s/j/latest"] {
            assert!(said(path, 1, None).contains("is no folder that GoCD looks at"), "{path}");
        }
        assert_eq!(said("p/s/j/42.1", 0, None), "nothing lies in p/s/j/42.1/");
        let busy = "a put of the resource is uploading to p/s/j/42.1/, or died of it";
        assert_eq!(said("p/s/j/42.1", 1, Some(&pending)), busy);
    }

    #[test]
    fn a_path_is_a_job() {
        for (path, folder, records) in [
            ("p/s/j", "p/s/j/", ".history/p/s/j/"),
            ("team/x/p/s/j/", "team/x/p/s/j/", "team/x/.history/p/s/j/"),
        ] {
            let job = job(path).expect(path);
            assert_eq!((job.job.as_str(), job.records.as_str()), (folder, records));
        }
        for path in ["", "p", "p/s", "/p/s/j", "p//j", "p/s/.j"] {
            assert!(job(path).is_err(), "{path}");
        }
    }
}
