//! What an import finds: what lies in the bucket, and what the history has of it. Reads only.

use super::Plan;
use crate::commands::artifacts::record;
use crate::commands::import_plan::{Found, State, folders, steps};
use crate::commands::sets_options::Opened;
use crate::s3::store::Store;
use crate::s3::transfer::AT_ONCE;
use crate::tracks::artifacts::rules;
use crate::words::names::{CodeHash, CommitId};
use crate::words::object::REMOVED;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::HashSet;

/// Lists the bucket, once for the sets and once for the caches, and reads the whole history.
pub(super) async fn plan(opened: &Opened) -> anyhow::Result<Plan> {
    let (store, track) = (&*opened.engine.store, &opened.track);
    let record = record(opened)?;
    let (sets, caches, current) = futures_util::future::try_join3(
        store.list(track.artifacts.as_str()),
        store.list(track.cache.as_str()),
        record.read(),
    )
    .await?;
    let mut known = HashSet::new();
    if let Some(current) = &current {
        let shape = current.head.shape();
        let older = record.segments(&shape, shape.segments_since(None)).await?;
        let all = older.iter().chain(current.head.entries());
        known.extend(all.map(|entry| entry.what.commit.clone()));
        // What is being removed still has its manifest, perhaps.
        let marked = record.removing(&current.head).await?;
        known.extend(marked.into_iter().map(|entry| entry.what.commit));
    }
    // A name in capitals is no folder of ours: keys are compared byte by byte.
    let sets = folders(&track.artifacts, sets, |text| {
        CommitId::parse(text).ok().filter(|commit| commit.as_str() == text)
    });
    let caches = folders(&track.cache, caches, |text| {
        CodeHash::parse(text).ok().filter(|hash| hash.as_str() == text)
    });
    let sets = standing_ones(store, sets, |set| !known.contains(&set.name)).await?;
    let caches = standing_ones(store, caches, |_| true).await?;
    let (mut steps, incomplete) = steps(sets, &known);
    steps.sort_by(|a, b| (a.set.modified, &a.set.name).cmp(&(b.set.modified, &b.set.name)));
    let cached = caches.iter().filter(|cache| cache.state == State::Published);
    Ok(Plan {
        cached: cached.map(|cache| cache.name.clone()).collect(),
        caches: caches.into_iter().filter(|cache| cache.state == State::Unsealed).collect(),
        steps,
        incomplete: incomplete.iter().map(|folder| store.uri(folder.as_str())).collect(),
        current,
    })
}

/// Those whose manifests are none of removed sets; of the others, only those are looked at that are
/// of interest.
async fn standing_ones<N>(
    store: &Store,
    found: Vec<Found<N>>,
    is_of_interest: impl Fn(&Found<N>) -> bool,
) -> anyhow::Result<Vec<Found<N>>> {
    let asked = found.iter().map(|it| it.state == State::Published && is_of_interest(it));
    let keys = asked.zip(&found).map(|(asked, it)| (asked, rules::folder(it.folder.clone())));
    let removed: Vec<bool> = stream::iter(keys.collect::<Vec<_>>())
        .map(|(asked, folder)| async move {
            if !asked {
                return Ok(false);
            }
            let facts = store.head(&folder.manifest()?).await?;
            anyhow::Ok(facts.is_some_and(|facts| facts.metadata.contains_key(REMOVED)))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(found.into_iter().zip(removed).filter(|(_, removed)| !removed).map(|(it, _)| it).collect())
}
