//! Histories of any length, written into the embedded server directly.

use super::{BUCKET, Embedded, commit};
use s3_asset_resource::history::{Event, Head, Ranges, Segment};
use s3_asset_resource::tracks::artifacts::rules::Published;
use s3_asset_resource::words::build::Run;
use s3_asset_resource::words::names::CommitId;
use s3_asset_resource::words::time::Utc;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// A history of the commits 1 to `count`, in that order.
pub(crate) struct Grown {
    pub(crate) count: usize,
}

/// Writes a history of `count` entries under a key: its head and every part. `what` makes the nth
/// entry, from 1, of the head that it is appended to.
pub(crate) fn grow<T: Serialize + DeserializeOwned + Clone>(
    server: &Embedded,
    key: &str,
    count: usize,
    what: impl FnMut(usize, &Head<T>) -> T,
) {
    grow_and_remove(server, key, count, &|_| None, what);
}

/// The same, and after the nth entry what `removed` names is removed.
pub(crate) fn grow_and_remove<T: Serialize + DeserializeOwned + Clone>(
    server: &Embedded,
    key: &str,
    count: usize,
    removed: &dyn Fn(usize) -> Option<Ranges>,
    mut what: impl FnMut(usize, &Head<T>) -> T,
) {
    let mut head: Head<T> = Head::new("grown");
    let mut volume = Vec::new();
    for n in 1..=count {
        let what = what(n, &head);
        let time = "2026-01-01T00:00:00Z".to_owned();
        let (next, mut segments) = head.append([Event { run: Run::at(Utc::read(&time)), what }]);
        head = next;
        if let Some(numbers) = removed(n) {
            let (next, more) =
                head.mark(&Run::at(Utc::read(&time)), &numbers).expect("what stands");
            head = next.finish(&numbers).expect("something to end");
            segments.extend(more);
        }
        for segment in segments {
            volume.push(segment.clone());
            let completes = segment.part().completes().is_some();
            let whole = completes.then(|| Segment::gathering("grown", std::mem::take(&mut volume)));
            for part in [Some(segment), whole].into_iter().flatten() {
                let key = format!("{key}/grown/{}", part.part().name());
                server.put(BUCKET, &key, part.to_bytes().expect("JSON"), &[]);
            }
        }
    }
    server.put(BUCKET, &format!("{key}.json"), head.to_bytes().expect("a head"), &[]);
}

impl Grown {
    /// Writes the history, and a manifest for each of these commits.
    pub(crate) fn new(server: &Embedded, count: usize, with_manifests: &[usize]) -> Grown {
        grow(server, "artifacts/.history", count, |n, head: &Head<Published>| {
            if with_manifests.contains(&n) {
                let position = head.position().to_string();
                let key = format!("artifacts/{}/.manifest.json", commit(n));
                server.put(BUCKET, &key, "{}", &[("history", &position)]);
            }
            let commit = CommitId::parse(&commit(n)).expect("a commit");
            Published { commit, code_hash: None, unsealed: false }
        });
        Grown { count }
    }

    /// The version of the nth commit.
    pub(crate) fn version(&self, n: usize) -> Value {
        json!({"commit": commit(n)})
    }

    /// The versions from the nth commit on.
    pub(crate) fn since(&self, n: usize) -> Vec<Value> {
        (n..=self.count).map(|n| self.version(n)).collect()
    }
}
