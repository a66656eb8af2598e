//! The check of the file tracks.
//!
//! `regexp`: the folders on the way to what it names are listed page by page, several at once, and
//! nothing is kept but the answer. `versioned_file`: its versions, as far back as the given one; and
//! whether the bucket keeps versions, where none of them shows that it does.

use super::rules::{Answer, Initial, PATH, Rank, VERSION_ID, since};
use super::source::{By, Files, Follows, Named};
use super::walk::Step;
use crate::input::common::Settings;
use crate::input::protocol::{Version, Versions};
use crate::s3::store::{Depth, ListedPage, Mark, Store, Versioning};
use crate::words::fault::fault;
use crate::words::names::Key;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::collections::BTreeSet;

/// Listings of different folders at once.
const AT_ONCE: usize = 8;
/// The id of a version from before its bucket kept any.
const NULL: &str = "null";

/// The answer of a check of the file tracks, oldest first.
pub(in crate::tracks) async fn check(
    settings: &Settings,
    track: &Files,
    store: &Store,
    version: Option<&Version>,
) -> anyhow::Result<Versions> {
    let limit = settings.initial_history;
    match &track.follows {
        Follows::Pattern(named) => {
            let given = version.and_then(|version| version.get(PATH)).map(String::as_str);
            Ok(Versions::Each(PATH, files(track, named, store, given, limit).await?))
        }
        Follows::Versions(key) => {
            let given = version.and_then(|version| version.get(VERSION_ID)).map(String::as_str);
            let ids = versions(store, key, track.initial.as_ref(), given, limit).await?;
            Ok(Versions::Each(VERSION_ID, ids.into_iter().map(Into::into).collect()))
        }
    }
}

async fn files(
    track: &Files,
    named: &Named,
    store: &Store,
    given: Option<&str>,
    limit: usize,
) -> anyhow::Result<Vec<Box<str>>> {
    if !named.pattern.has_group() {
        store.report().warn(
            "source.regexp has no group, so it names no version: put parentheses around what the version is, for example `app-(.*).tgz`",
        );
        return Ok(Vec::new());
    }
    let initial = track.initial.as_ref().map(|it| it.version.as_str());
    let initial = initial.filter(|path| named.pattern.version_in(path).is_some());
    let rank = match (given, named.by) {
        (None, _) => None,
        (Some(given), By::Version) => named.rank(given, 0),
        (Some(given), By::Time) if Some(given) == initial => Some(Rank::First),
        (Some(given), By::Time) => modified(track, store, given).await?.map(Rank::Time),
    };
    let limit = if given.is_some() { 1 } else { limit };
    let mut answer = Answer::new(rank, limit);
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<(Step, Option<Mark>)> =
        named.walk.begin().into_iter().rev().map(|step| (step, None)).collect();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < AT_ONCE
            && let Some((step, mark)) = waiting.pop()
        {
            running.push(page(track, store, step, mark));
        }
        let Some(listed) = running.next().await else { break };
        let (step, page) = listed?;
        for object in &page.objects {
            let path = &object.key[track.prefix.as_str().len()..];
            if named.walk.names(&step, path)
                && let Some(rank) = named.rank(path, object.modified)
            {
                answer.take(rank, path);
            }
        }
        for folder in &page.folders {
            let folder = &folder[track.prefix.as_str().len()..];
            // Two alternatives may lead into one folder, on different ways.
            if let Some(next) = named.walk.enter(&step, folder)
                && seen.insert(next.clone())
            {
                waiting.push((next, None));
            }
        }
        if let Some(mark) = page.next {
            waiting.push((step, Some(mark)));
        }
    }
    let initial = initial.map(|path| {
        let rank = match named.by {
            By::Version => named.rank(path, 0),
            By::Time => Some(Rank::First),
        };
        (rank, path)
    });
    let mut paths = answer.finish(initial);
    // Several alternatives may name one file.
    paths.dedup();
    Ok(paths)
}

async fn page(
    track: &Files,
    store: &Store,
    step: Step,
    mark: Option<Mark>,
) -> anyhow::Result<(Step, ListedPage)> {
    let prefix = format!("{}{}", track.prefix, step.prefix);
    let depth = if step.folders { Depth::Folders } else { Depth::Keys };
    let page = store.page(&prefix, depth, mark.as_ref()).await?;
    Ok((step, page))
}

/// When a file was written; none when it is gone.
async fn modified(track: &Files, store: &Store, path: &str) -> anyhow::Result<Option<i64>> {
    let key = track.key(path)?;
    Ok(store.describe(&key, None).await?.and_then(|it| it.modified))
}

async fn versions(
    store: &Store,
    key: &Key,
    initial: Option<&Initial>,
    given: Option<&str>,
    limit: usize,
) -> anyhow::Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    let mut after = None;
    loop {
        let page = store.versions_page(key, after.as_ref()).await?;
        ids.extend(page.ids);
        let enough = match given {
            Some(given) => ids.iter().any(|id| id == given),
            None => ids.len() >= limit,
        };
        after = page.next;
        if enough || after.is_none() {
            break;
        }
    }
    if ids.iter().all(|id| id == NULL) && store.versioning().await? == Versioning::Never {
        return Err(fault(
            format!("bucket is not versioned: {}", store.bucket()),
            "switch versioning on for the bucket; or follow files with `regexp`, which needs none",
        ));
    }
    if after.is_none() {
        ids.extend(initial.map(|initial| initial.version.clone()));
    }
    Ok(since(ids, given, limit))
}
