//! Many entries at once in one history, beside writers of one.

use super::support::server;
use crate::support::store;
use s3_asset_resource::history::Event;
use s3_asset_resource::history::stored::History;
use s3_asset_resource::tracks::artifacts::rules::Published;
use s3_asset_resource::words::build::Run;
use s3_asset_resource::words::names::{CommitId, Key};
use std::collections::HashSet;

fn published(n: usize) -> Published {
    let commit = CommitId::parse(&format!("{n:040x}")).expect("a commit");
    Published { commit, code_hash: None, unsealed: false }
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_is_there_twice() {
    const MANY: usize = 10_000;
    const SINGLE: usize = 12;
    let server = server();
    let store = store(&server).await;
    let key = || Key::parse("artifacts/.history").expect("a key");
    let record = || History::<Published>::new(&store, key());
    let first = record().begin().await.expect("begun");
    drop(first);
    let bulk = async |range: std::ops::Range<usize>| {
        let event = |n| Event { run: Run::default(), what: published(n) };
        let current = record().read().await.expect("read").expect("there");
        let events = range.map(event).collect();
        record().append_all(current, |what| what.commit.clone(), events).await.expect("entered");
    };
    let single = async |n: usize| {
        let current = record().read().await.expect("read").expect("there");
        let what = published(n);
        let same = |known: &Published| known.commit == what.commit;
        record().append(current, None, same, &Run::default(), &what).await.expect("entered");
    };
    let singles = futures_util::future::join_all((MANY..MANY + SINGLE).map(single));
    // Two imports of the same sets, of which the second has some more, and puts beside them.
    let all = futures_util::future::join3(bulk(0..MANY - 500), bulk(0..MANY), singles);
    all.await;

    let current = record().read().await.expect("read").expect("there");
    let shape = current.head.shape();
    let older = record().segments(&shape, shape.segments_since(None)).await;
    let older = older.expect("every segment");
    let entries: Vec<_> = current.head.entries().iter().chain(&older).collect();
    let names: HashSet<_> = entries.iter().map(|entry| &entry.what.commit).collect();
    assert_eq!((entries.len(), names.len()), (MANY + SINGLE, MANY + SINGLE));
    let numbers: Vec<_> = entries.iter().rev().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=(MANY + SINGLE) as u64).collect::<Vec<_>>());
    assert!(current.head.entries().len() < 200, "{}", current.head.entries().len());
}
