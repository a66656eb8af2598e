//! A plan in words, for whoever asks before it is done.

use super::{Plan, Putter, Step};
use crate::words::names::Key;

impl Putter<'_> {
    /// The plan in words: what is done, and why.
    pub(in crate::tracks::promotion) fn words(&self, plan: &Plan) -> Vec<String> {
        let uri = |key: &Key| self.bucket.uri(key.as_str());
        let (file, rank) = (&self.track.file, &self.track.rank);
        let words = |step: &Step| match step {
            Step::BeginHistory => {
                format!("begin a history of {file} at the rank {rank}: there is none")
            }
            Step::Claim(key) => format!("claim {} for these bytes: nobody has", uri(key)),
            Step::Send(key) => format!("upload the file to {}: nothing is there", uri(key)),
            Step::Mend(key) => format!(
                "upload the file over {}: other bytes lie under a key that is for these alone",
                uri(key)
            ),
            Step::Record(release, Some(_)) => format!(
                "record in the archive that version {} is there again: it was removed",
                release.version
            ),
            Step::Record(release, None) => format!(
                "record in the archive that version {} is SHA-256 {}: no record says what it is",
                release.version, release.sha256
            ),
            Step::Agree(release) => format!(
                "copy {} to where other tools look for version {}: other bytes, or none, are there",
                uri(&release.key),
                release.version
            ),
            Step::Enter(entry) => {
                let version = &entry.what.release.version;
                let why = match (&entry.what.from, entry.what.rollback) {
                    (Some(from), true) => format!("the rank goes back to {from}"),
                    (Some(from), false) => format!("it stood as {from}, and not here"),
                    (None, _) => "it is new".to_owned(),
                };
                format!("enter version {version} as promotion {} of {rank}: {why}", entry.number)
            }
            Step::Show(release, number) => format!(
                "copy version {} to {rank}/{file}: it does not show promotion {number}",
                release.version
            ),
        };
        plan.steps.iter().map(words).collect()
    }
}
