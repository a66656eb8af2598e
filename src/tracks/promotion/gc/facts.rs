//! What a removal depends on, read from the bucket: reads only.

use super::plan::{AtRank, Facts, Lying, OnShelf, Stands};
use crate::machine::environment::now_in_milliseconds;
use crate::s3::store::{Listed, Store};
use crate::s3::transfer::AT_ONCE;
use crate::tracks::promotion::facts::{at, history};
use crate::tracks::promotion::rules::archive::Shelved;
use crate::tracks::promotion::rules::leaving::Leaving;
use crate::tracks::promotion::source::Promotion;
use crate::words::fault::fault;
use crate::words::names::{Rank, ReleaseVersion};
use crate::words::object::VERSION;
use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::{BTreeMap, BTreeSet};

/// Everything, of one file.
pub async fn gather(store: &Store, track: &Promotion) -> anyhow::Result<Facts> {
    all_ranks_are_named(store, track).await?;
    let (listing, ranks) =
        futures_util::future::try_join(store.list(track.archive.as_str()), at_ranks(store, track))
            .await?;
    let now = i64::try_from(store.agreed_time(now_in_milliseconds()) / 1000).unwrap_or(i64::MAX);
    let entered: BTreeSet<&ReleaseVersion> = ranks
        .iter()
        .flat_map(|rank| rank.entries.iter().map(|entry| &entry.what.release.version))
        .collect();
    let mut shelves = shelves(track, listing, &entered)?;
    let read = stream::iter(shelves.iter())
        .filter(|(version, shelf)| {
            let has_more = shelf.plain.is_some() || !shelf.others.is_empty();
            let is_of_interest = shelf.record.is_some() && has_more && !entered.contains(version);
            async move { is_of_interest }
        })
        .map(|(version, _)| async move {
            anyhow::Ok((version.clone(), stands(store, track, version).await?))
        })
        .buffered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    for (version, stands) in read {
        if let Some(shelf) = shelves.get_mut(&version) {
            shelf.stands = stands;
        }
    }
    let uploads = uploads(store, track).await?;
    Ok(Facts { now, ranks, shelves, uploads })
}

/// What there is at each rank, read whole.
pub async fn at_ranks(store: &Store, track: &Promotion) -> anyhow::Result<Vec<AtRank>> {
    let each = track.ranks.iter().map(|rank| async move {
        let found = at(store, track, rank).await?;
        let Some(current) = &found.current else {
            let (s3p, leaving) = (found.s3p, Leaving::default());
            return anyhow::Ok(AtRank { rank: rank.clone(), entries: Vec::new(), s3p, leaving });
        };
        let (history, shape) = (history(store, track, rank)?, current.head.shape());
        let mut entries = current.head.entries().to_vec();
        entries.extend(history.segments(&shape, shape.segments_since(None)).await?);
        let leaving = Leaving::of(current.head.fence())
            .with_context(|| format!("the history of the rank `{rank}`"))?;
        Ok(AtRank { rank: rank.clone(), entries, s3p: found.s3p.clone(), leaving })
    });
    futures_util::future::try_join_all(each).await
}

/// Refuses to go on where a rank is not named at which the file stands: what stands there would not be
/// known.
async fn all_ranks_are_named(store: &Store, track: &Promotion) -> anyhow::Result<()> {
    let folders = store.folders(track.prefix.as_str()).await?;
    let archive = track.archive.as_str().strip_prefix(track.prefix.as_str()).unwrap_or_default();
    let archive = archive.split('/').next().unwrap_or_default().to_owned();
    let others = folders.into_iter().filter(|name| {
        *name != archive && track.ranks.iter().all(|rank| rank.as_str() != name.as_str())
    });
    let looked = stream::iter(others)
        .map(|name| async move {
            let Ok(rank) = Rank::parse(&name) else { return anyhow::Ok(None) };
            let history = history(store, track, &rank)?.head_key()?;
            if store.head(&history).await?.is_some() {
                return Ok(Some(rank));
            }
            let shown = store.head(&track.pointer(&rank)?).await?;
            // Where versions lie beside ranks, one of them has its own name.
            let is_release = shown
                .and_then(|facts| facts.metadata.get(VERSION).cloned())
                .is_some_and(|version| version != name);
            Ok(is_release.then_some(rank))
        })
        .buffered(AT_ONCE)
        .try_filter_map(|it| async { Ok(it) })
        .try_collect::<Vec<Rank>>()
        .await?;
    let Some(first) = looked.first() else { return Ok(()) };
    Err(fault(
        format!("{} stands at the rank `{first}` too, which is not named", track.file),
        "name every rank, in order: what stands at one that is not named would be removed",
    ))
}

/// The shelves of the file's versions, as far as they hold something of ours.
fn shelves(
    track: &Promotion,
    listing: Vec<Listed>,
    entered: &BTreeSet<&ReleaseVersion>,
) -> anyhow::Result<BTreeMap<ReleaseVersion, OnShelf>> {
    let (folder, name) = track.file.split();
    let beside = format!("/{folder}.{name}/");
    let plain = format!("/{}", track.file);
    let (mut shelves, mut plains) = (BTreeMap::<ReleaseVersion, OnShelf>::new(), Vec::new());
    let version = |text: &str| ReleaseVersion::parse(text).ok().filter(|it| it.as_str() == text);
    for Listed { key, size, modified } in listing {
        let Some(below) = key.strip_prefix(track.archive.as_str()) else { continue };
        let lying = |key: &str| Lying { key: key.to_owned(), bytes: size, time: modified };
        if let Some((text, name)) = below.rsplit_once(&beside)
            && let Some(version) = version(text)
        {
            let shelf = shelves.entry(version).or_default();
            match name {
                "release.json" => shelf.record = Some(lying(&key)),
                "claim.json" => shelf.claim = Some(lying(&key)),
                _ => shelf.others.push(lying(&key)),
            }
        } else if let Some(version) = below.strip_suffix(&plain).and_then(version) {
            plains.push((version, lying(&key)));
        }
    }
    // Without anything beside them, or an entry, they are s3p's, or another file's.
    for (version, lying) in plains {
        if entered.contains(&version) || shelves.contains_key(&version) {
            shelves.entry(version).or_default().plain = Some(lying);
        }
    }
    Ok(shelves)
}

/// What stands where a version's record is looked for.
async fn stands(
    store: &Store,
    track: &Promotion,
    version: &ReleaseVersion,
) -> anyhow::Result<Option<Stands>> {
    let shelf = track.shelf(version)?;
    let Some(found) = store.get(&shelf.record()?).await? else { return Ok(None) };
    Ok(Some(match Shelved::parse(&found.bytes, version, &track.file, &shelf) {
        Ok(Shelved::Here(_)) => Stands::Here,
        Ok(Shelved::Removed(removed)) => Stands::Stone(removed.stone.generation),
        Err(why) => Stands::Foreign(why.to_string()),
    }))
}

/// The uploads of the file that are not complete.
async fn uploads(store: &Store, track: &Promotion) -> anyhow::Result<Vec<(String, String, i64)>> {
    let (folder, name) = track.file.split();
    let (beside, plain) = (format!("/{folder}.{name}/"), format!("/{}", track.file));
    let mut uploads = store.uploads(track.archive.as_str()).await?;
    uploads.retain(|(key, ..)| key.ends_with(&plain) || key.contains(&beside));
    for rank in &track.ranks {
        let pointer = track.pointer(rank)?;
        let those = store.uploads(pointer.as_str()).await?;
        uploads.extend(those.into_iter().filter(|(key, ..)| key == pointer.as_str()));
    }
    Ok(uploads)
}
