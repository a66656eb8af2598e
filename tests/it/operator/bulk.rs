//! Many entries at once in one history, beside writers of one.

use super::support::{BUCKET, server};
use s3_asset_resource::history::Event;
use s3_asset_resource::history::stored::History;
use s3_asset_resource::machine::report::Report;
use s3_asset_resource::s3::store::Store;
use s3_asset_resource::tracks::Source;
use s3_asset_resource::tracks::artifacts::rules::Published;
use s3_asset_resource::words::build::Run;
use s3_asset_resource::words::names::{CommitId, Key};
use s3_test_server::Server;
use std::collections::HashSet;
use std::sync::Arc;

fn published(n: usize) -> Published {
    let commit = CommitId::parse(&format!("{n:040x}")).expect("a commit");
    Published { commit, code_hash: None, unsealed: false }
}

async fn store(server: &Server) -> Store {
    let source = serde_json::json!({
        "bucket": BUCKET,
        "endpoint": server.endpoint(),
        "use_path_style": true,
        "access_key_id": server.access_key(),
        "secret_access_key": server.secret_key(),
        "artifacts": {},
    });
    let source = Source::parse(source.as_object().expect("a map")).expect("a source");
    Store::open(&source.settings.access, Arc::new(Report::new(true))).await
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
