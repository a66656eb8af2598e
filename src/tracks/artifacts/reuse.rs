//! What of a directory lies in the bucket already: in the newest sets of other commits.
//!
//! Most commits change a few files of a set. A file whose size and SHA-256 one of the newest
//! manifests has is copied inside S3 instead of sent.
//!
//! Invariants:
//! - a copy is made of an object whose own `package-hash` is the file's, and only while its ETag is
//!   the one that was seen with that; a manifest's word alone is never enough;
//! - what makes a copy impossible makes a put slower, and never fails it: the file is sent.

use super::rules::Published;
use super::source::Artifacts;
use super::standing::{Stood, stood};
use crate::history::stored::Current;
use crate::machine::workspace::{Found, Hashed};
use crate::s3::store::Store;
use crate::s3::transfer::AT_ONCE;
use crate::sealing::plan::{Item, Twin};
use crate::sealing::set::ManifestFile;
use crate::words::digest::Sha256;
use crate::words::names::CommitId;
use futures_util::stream::{self, StreamExt as _};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A copy takes a look at its source and a request of its own: fewer bytes are sent as quickly.
const WORTH: u64 = 1 << 20;
/// How many of the newest sets are looked at: those of two branches, say.
const SETS: usize = 2;

/// Objects with the bytes of a put's files, each seen to have them.
pub(super) type Twins = HashMap<Sha256, Twin>;

/// Whether any of these files is worth a copy.
pub(super) fn is_any_worth(files: &[Found]) -> bool {
    files.iter().any(|file| file.size >= WORTH)
}

/// The commits whose sets are looked at, of entries newest first.
fn commits<'a>(
    entries: impl Iterator<Item = &'a Published>,
    own: &'a CommitId,
) -> impl Iterator<Item = &'a CommitId> {
    let others = entries.filter(move |it| !it.unsealed && it.commit != *own);
    others.map(|it| &it.commit).take(SETS)
}

/// The large files of the newest sets. A set that cannot be read has none.
pub(super) async fn older(
    store: &Store,
    track: &Artifacts,
    own: &CommitId,
    current: Option<&Current<Published>>,
) -> Vec<ManifestFile> {
    let entries = current.into_iter().flat_map(|it| it.head.entries()).map(|entry| &entry.what);
    let sets = commits(entries, own).map(|commit| stood(store, track, commit));
    let stood = futures_util::future::join_all(sets).await;
    let sets = stood.into_iter().flatten().flatten().filter_map(|stood| match stood {
        Stood::Own(standing) => Some(standing.manifest.files),
        Stood::Copied { .. } => None,
    });
    sets.flatten().filter(|file| file.size >= WORTH).collect()
}

/// The objects that are worth a look: those of older sets whose bytes files of this put have that do
/// not lie under their keys yet. One for each digest, of the newest set.
pub(super) fn candidates(
    local: &[Arc<Hashed>],
    older: &[ManifestFile],
    is_held: impl Fn(&Hashed) -> bool,
) -> Vec<ManifestFile> {
    let sent = local.iter().filter(|file| file.facts.size >= WORTH && !is_held(file));
    let mut wanted: HashSet<(Sha256, u64)> =
        sent.map(|file| (file.facts.sha256, file.facts.size)).collect();
    let same = older.iter().filter(|file| wanted.remove(&(file.sha256, file.size)));
    same.cloned().collect()
}

/// Those of them that are there and say of themselves that they have the bytes.
pub(super) async fn seen(store: &Store, candidates: Vec<ManifestFile>) -> Twins {
    let looked = stream::iter(candidates).map(|file| async move {
        let facts = store.head(&file.key).await.ok().flatten()?;
        let is_same = facts.holds(file.size, &file.sha256);
        is_same.then_some((file.sha256, Twin { key: file.key, seen: facts }))
    });
    looked.buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await
}

/// Where the bytes of each file of a put come from.
pub(super) fn items(local: Vec<Arc<Hashed>>, twins: &Twins) -> Vec<Item> {
    let of = |file: Arc<Hashed>| match twins.get(&file.facts.sha256) {
        Some(twin) if twin.seen.size == file.facts.size => {
            Item::Both { file, twin: Box::new(twin.clone()) }
        }
        _ => Item::Disk(file),
    };
    local.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::file::{FileFacts, Mode};
    use crate::words::names::{Key, RelPath};

    fn local(path: &str, text: &str, size: u64) -> Arc<Hashed> {
        let (path, sha256) = (RelPath::parse(path).expect("a path"), Sha256::of(text.as_bytes()));
        let facts = FileFacts { path, size, mode: Mode::Plain, sha256 };
        Arc::new(Hashed { facts, disk: "disk".into(), part: 1, sums: Box::default(), parts: None })
    }

    fn older(set: &str, path: &str, text: &str, size: u64) -> ManifestFile {
        let FileFacts { path, size, mode, sha256 } = local(path, text, size).facts.clone();
        let key = Key::parse(&format!("artifacts/{set}/{path}")).expect("a key");
        ManifestFile { path, size, mode, sha256, key, parts: None }
    }

    /// What lies in older sets, what is on disk, what the set's own folder holds; then which keys are
    /// looked at.
    #[test]
    fn what_is_worth_a_look() {
        let large = WORTH;
        let sets = [
            older("new", "a", "a", large),
            older("new", "b", "b", large),
            older("old", "a", "a", large),
            older("old", "c", "c", large + 1),
        ];
        type Case<'a> = (Vec<Arc<Hashed>>, &'a [&'a str], &'a [&'a str]);
        let cases: [Case<'_>; 8] = [
            (vec![], &[], &[]),
            (vec![local("a", "a", large)], &[], &["artifacts/new/a"]),
            (vec![local("d/other", "a", large)], &[], &["artifacts/new/a"]),
            (vec![local("a", "a", large), local("z", "a", large)], &[], &["artifacts/new/a"]),
            (vec![local("c", "c", large + 1)], &[], &["artifacts/old/c"]),
            (vec![local("a", "a", large), local("b", "b", large)], &["a"], &["artifacts/new/b"]),
            // Another size, other bytes.
            (vec![local("c", "c", large), local("a", "other", large)], &[], &[]),
            // As quickly sent.
            (vec![local("a", "a", large - 1)], &[], &[]),
        ];
        for (files, held, want) in cases {
            let keys = candidates(&files, &sets, |it| held.contains(&it.facts.path.as_str()));
            let keys: Vec<&str> = keys.iter().map(|file| file.key.as_str()).collect();
            assert_eq!(keys, want, "{files:?} {held:?}");
        }
    }

    #[test]
    fn which_sets_are_looked_at() {
        let commit = |n: char| CommitId::parse(&n.to_string().repeat(40)).expect("a commit");
        let set = |(n, unsealed)| Published { commit: commit(n), code_hash: None, unsealed };
        let cases: [(&[(char, bool)], &str); 4] = [
            (&[], ""),
            (&[('1', false)], "1"),
            (&[('a', false), ('1', true), ('2', false), ('3', false), ('4', false)], "23"),
            (&[('1', false), ('a', false), ('2', false)], "12"),
        ];
        for (entries, want) in cases {
            let entries: Vec<Published> = entries.iter().copied().map(set).collect();
            let own = commit('a');
            let commits = commits(entries.iter(), &own).map(|it| it.as_str()[..1].to_owned());
            assert_eq!(commits.collect::<String>(), want);
        }
    }
}
