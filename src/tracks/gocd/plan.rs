//! What a put does to a job's folders: facts in, a plan out.
//!
//! The order of the steps, each of which the next relies on: the marker claims the folder, the files
//! are there, the list of them is there, everything was seen to be there, the marker completes the
//! folder, the history has it. Killed anywhere, the same put goes on in the folder that it claimed;
//! another one takes another, since nobody can tell a put that is dead from one that is slow.

use super::facts::{Ask, Facts, Set};
use super::rules::{Annotations, Marker, Revision, uncompleted};
use crate::machine::report::count;
use crate::words::fault::fault;
use crate::words::names::shown;
use crate::words::object::UserMetadata;

/// One thing that a put does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The job gets a history.
    BeginHistory,
    /// The marker is created, with all that it will say but `completed`.
    Claim(UserMetadata),
    /// These files of the set go up, to keys that hold nothing.
    Send(Vec<usize>),
    /// The list of the files is written.
    List,
    /// The folder is listed: it has every file, and nothing else.
    Verify,
    /// The marker gets all that it will say but `completed`: a server that does not keep it is found out
    /// while nothing is shown.
    TryOut(UserMetadata),
    /// The marker is written again, with `completed`.
    Complete(UserMetadata),
    /// The history gets an entry.
    Enter,
}

/// What is new when a put is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// The folder was published.
    Published,
    /// A run that was killed had begun it.
    Finished,
    /// The folder of something else was completed.
    Annotated,
    /// It was completed before.
    Already,
}

/// What a put does, and what it answers when that is done.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// The folder.
    pub revision: Revision,
    /// What its marker says afterwards.
    pub marker: Marker,
    /// What is new then.
    pub news: News,
    /// What people should know.
    pub warnings: Vec<String>,
    pub(super) steps: Vec<Step>,
}

/// The plan of a put, or why it is refused: then nothing was changed.
pub(super) fn plan(ask: &Ask, facts: &Facts) -> anyhow::Result<Plan> {
    let mut plan = match (&ask.set, &ask.revision) {
        (Some(set), Some(revision)) => exactly(ask, facts, set, revision)?,
        (Some(set), None) => next(ask, facts, set)?,
        (None, Some(revision)) => annotate(ask, facts, revision)?,
        (None, None) => {
            return Err(fault("no folder to annotate", "give the revision, which is its name"));
        }
    };
    let is_entered = facts.entered.contains(&plan.revision);
    if !is_entered {
        plan.steps.push(Step::Enter);
        if !facts.has_history {
            plan.steps.insert(0, Step::BeginHistory);
        }
    }
    if plan.news != News::Already {
        plan.warnings = warnings(facts, &plan.revision);
    }
    Ok(plan)
}

/// What GoCD would not make of the job what the user expects.
fn warnings(facts: &Facts, revision: &Revision) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(greatest) = &facts.greatest
        && (greatest > revision || greatest.is_same_to_gocd(revision))
    {
        warnings.push(format!(
            "GoCD looks at the greatest revision only: with {greatest} there, it does not notice {revision}"
        ));
    }
    if !facts.strange.is_empty() {
        let some: Vec<String> = facts.strange.iter().take(3).map(|name| shown(name)).collect();
        warnings.push(format!(
            "no revisions in the job's folder: {} ({}); GoCD's poller may stop there for good: move them away",
            count(facts.strange.len(), "folder"),
            some.join(", "),
        ));
    }
    warnings
}

/// Files under a revision that the user chose.
fn exactly(ask: &Ask, facts: &Facts, set: &Set, revision: &Revision) -> anyhow::Result<Plan> {
    let Some(marker) = facts.markers.get(revision) else {
        if facts.objects.is_empty() {
            return fresh(ask, set, revision.clone());
        }
        return Err(fault(
            format!("the folder of revision {revision} has files, and no marker"),
            "something else uploads there: `annotate_only: true` completes it; or take another revision",
        ));
    };
    match (marker.is_completed, &marker.files) {
        (true, Some(files)) if *files == set.digest => Ok(already(revision, marker)),
        (true, Some(_)) => Err(fault(
            format!("revision {revision} is published with other files"),
            "what is published stays as it is: take another revision",
        )),
        (true, None) => Err(fault(
            format!("revision {revision} was published by something else"),
            "what is published stays as it is: take another revision",
        )),
        (false, Some(files)) if *files == set.digest => resume(ask, facts, set, revision, marker),
        (false, Some(_)) => Err(fault(
            format!(
                "another put claimed revision {revision}, with other files, and has not completed it"
            ),
            "take another revision; if that put is dead, delete the folder",
        )),
        (false, None) => Err(fault(
            format!(
                "the folder of revision {revision} has a marker that this resource did not write"
            ),
            "`annotate_only: true` completes what something else uploaded; else delete the marker, or take another revision",
        )),
    }
}

/// Files under the next revision, or the one that they have already.
fn next(ask: &Ask, facts: &Facts, set: &Set) -> anyhow::Result<Plan> {
    if let Some((revision, marker)) = facts.own(&set.claim) {
        return match marker.is_completed {
            true => Ok(already(revision, marker)),
            false => resume(ask, facts, set, revision, marker),
        };
    }
    let counter = facts.counter.map_or(Some(1), |counter| counter.checked_add(1));
    let Some(revision) = Revision::first_of(counter) else {
        return Err(fault(
            "there is no pipeline counter after 2,147,483,647: GoCD reads Java integers",
            "a folder of the job has that number: move it away, or give `revision`",
        ));
    };
    fresh(ask, set, revision)
}

/// A folder that nobody has begun.
fn fresh(ask: &Ask, set: &Set, revision: Revision) -> anyhow::Result<Plan> {
    let recorded = Marker::claiming(&set.claim, &set.digest).recorded();
    let said = uncompleted(annotations(ask, &revision).completed(&recorded)?);
    let claiming = marker_of(&said);
    let steps = vec![Step::Claim(said), Step::Send((0..set.files.len()).collect())];
    completing(ask, revision, &claiming, steps, News::Published)
}

/// A folder that an equal put has begun.
fn resume(
    ask: &Ask,
    facts: &Facts,
    set: &Set,
    revision: &Revision,
    marker: &Marker,
) -> anyhow::Result<Plan> {
    let mut missing = Vec::new();
    for (index, file) in set.files.iter().enumerate() {
        let file = &file.facts;
        match facts.objects.iter().find(|object| object.name == file.path.as_str()) {
            None => missing.push(index),
            Some(it) if it.size == file.size && it.sha256 == Some(file.sha256) => {}
            Some(_) => {
                return Err(fault(
                    format!(
                        "{} of revision {revision} has other bytes than the put that claimed it",
                        file.path
                    ),
                    "something else writes there: take another revision",
                ));
            }
        }
    }
    let steps = if missing.is_empty() { Vec::new() } else { vec![Step::Send(missing)] };
    completing(ask, revision.clone(), marker, steps, News::Finished)
}

/// The steps from the last file on; `standing` is the marker by then.
fn completing(
    ask: &Ask,
    revision: Revision,
    standing: &Marker,
    mut steps: Vec<Step>,
    news: News,
) -> anyhow::Result<Plan> {
    let metadata = annotations(ask, &revision).completed(&standing.recorded())?;
    let marker = marker_of(&metadata);
    if news != News::Annotated {
        steps.extend([Step::List, Step::Verify]);
    }
    let said = uncompleted(metadata.clone());
    if marker_of(&said) != *standing {
        steps.push(Step::TryOut(said));
    }
    steps.push(Step::Complete(metadata));
    Ok(Plan { revision, marker, news, warnings: Vec::new(), steps })
}

fn marker_of(metadata: &UserMetadata) -> Marker {
    Marker::of(&metadata.clone().into_iter().collect())
}

/// What the marker is to say.
fn annotations(ask: &Ask, revision: &Revision) -> Annotations {
    let mut annotations = ask.annotations.clone();
    annotations.label.get_or_insert_with(|| revision.counter().to_string());
    annotations
}

fn already(revision: &Revision, marker: &Marker) -> Plan {
    Plan {
        revision: revision.clone(),
        marker: marker.clone(),
        news: News::Already,
        warnings: Vec::new(),
        steps: Vec::new(),
    }
}

/// A folder that something else uploaded.
fn annotate(ask: &Ask, facts: &Facts, revision: &Revision) -> anyhow::Result<Plan> {
    match facts.markers.get(revision) {
        Some(marker) if marker.is_completed => return Ok(already(revision, marker)),
        Some(marker) if marker.claim.is_some() => {
            return Err(fault(
                format!("a put of this resource is uploading revision {revision}, or died of it"),
                "it completes the folder itself: run that put again",
            ));
        }
        _ => {}
    }
    if facts.objects.is_empty() {
        return Err(fault(
            format!("nothing lies in the folder of revision {revision}"),
            "upload the files first, and annotate them then",
        ));
    }
    completing(ask, revision.clone(), &Marker::default(), Vec::new(), News::Annotated)
}

impl Plan {
    /// The steps in words, each with its reason; none: nothing is left to do.
    pub fn words(&self) -> Vec<String> {
        let word = |step: &Step| match step {
            Step::BeginHistory => "begin the job's history, which has nothing of it yet".to_owned(),
            Step::Claim(_) => {
                format!(
                    "claim {} by its marker, so that no other put takes it and GoCD skips it",
                    self.revision
                )
            }
            Step::Send(files) => {
                format!("upload {}, which is not there yet", count(files.len(), "file"))
            }
            Step::List => "record the list of files, by which a get checks them".to_owned(),
            Step::Verify => "list the folder: every file is there, and nothing else".to_owned(),
            Step::TryOut(_) => {
                "write to the marker what it will say, to see that the server keeps it".to_owned()
            }
            Step::Complete(_) => {
                format!("complete {}: from then on GoCD and checks show it", self.revision)
            }
            Step::Enter => {
                format!("enter {} in the history, which does not have it", self.revision)
            }
        };
        self.steps.iter().map(word).collect()
    }
}

#[cfg(test)]
mod tests;
