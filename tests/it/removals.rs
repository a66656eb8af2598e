//! Entries that are taken out of a history: what readers then see, what it costs them, and what
//! becomes of writers beside it.

use crate::support::{BUCKET, Embedded, check, commit, grow_and_remove, store};
use s3_asset_resource::history::stored::{Current, History, Next};
use s3_asset_resource::history::{Entry, Event, Head, Ranges, SEGMENT};
use s3_asset_resource::s3::store::{Store, Written};
use s3_asset_resource::tracks::artifacts::rules::Published;
use s3_asset_resource::words::build::Run;
use s3_asset_resource::words::names::{CommitId, Key};
use s3_asset_resource::words::time::Utc;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashSet;

const KEY: &str = "artifacts/.history";

fn published(n: usize) -> Published {
    let commit = CommitId::parse(&commit(n)).expect("a commit");
    Published { commit, code_hash: None, unsealed: false }
}

fn ranges(text: &str) -> Ranges {
    Ranges::parse(text).expect(text)
}

fn record(store: &Store) -> History<'_, Published> {
    History::new(store, Key::parse(KEY).expect("a key"))
}

async fn current(record: &History<'_, Published>) -> Current<Published> {
    record.read().await.expect("read").expect("a history")
}

fn versions(commits: &[usize]) -> Vec<Value> {
    commits.iter().map(|n| json!({"commit": commit(*n)})).collect()
}

/// A history in which removals lie between entries, and the commits that stand, oldest first: after
/// every twentieth entry the old ones go, but for every seventh.
fn thinned(server: &Embedded, count: usize) -> Vec<usize> {
    let standing: RefCell<Vec<(u64, usize)>> = RefCell::default();
    let removed = |n: usize| {
        let mut standing = standing.borrow_mut();
        let old = standing.len().saturating_sub(30);
        let goes = |(at, (_, commit)): &(usize, (u64, usize))| *at < old && commit % 7 > 0;
        let all: Vec<(usize, (u64, usize))> = standing.iter().copied().enumerate().collect();
        let (gone, kept): (Vec<_>, Vec<_>) = all.into_iter().partition(goes);
        if !n.is_multiple_of(20) || gone.is_empty() {
            return None;
        }
        *standing = kept.into_iter().map(|(_, it)| it).collect();
        Some(gone.into_iter().map(|(_, (number, _))| number).collect())
    };
    grow_and_remove(server, KEY, count, &removed, |n, head: &Head<Published>| {
        let position = head.position().to_string();
        let key = format!("artifacts/{}/.manifest.json", commit(n));
        server.put(BUCKET, &key, "{}", &[("history", &position)]);
        standing.borrow_mut().push((head.next(), n));
        published(n)
    });
    standing.into_inner().into_iter().map(|(_, commit)| commit).collect()
}

#[test]
fn a_check_answers_what_stands_and_as_much_as_is_wanted() {
    let server = Embedded::new();
    let standing = thinned(&server, 1_500);
    assert!(standing.len() > 200 && standing.len() < 300, "{}", standing.len());
    for (initial, most) in [(1, 1), (20, 1), (60, 8), (standing.len(), 25), (1_500, 25)] {
        let resource = server.resource().set("initial_history", initial);
        let (got, requests, rounds) = check(&server, &resource, None);
        let want = &standing[standing.len().saturating_sub(initial)..];
        assert_eq!(got, versions(want), "{initial}");
        assert!(requests <= most && rounds <= 2, "{initial}: {requests} in {rounds} rounds");
    }
    for given in [0, standing.len() / 2, standing.len() - 40, standing.len() - 1] {
        let version = json!({"commit": commit(standing[given])});
        let (got, requests, rounds) = check(&server, &server.resource(), Some(&version));
        assert_eq!(got, versions(&standing[given..]), "{given}");
        assert!(requests <= 26 && rounds <= 2, "{given}: {requests} in {rounds} rounds");
    }
    // One that is removed: the newest, though a manifest stands (the moment after it was marked).
    let gone = (1..1_500).find(|n| !standing.contains(n)).expect("one");
    let (got, ..) = check(&server, &server.resource(), Some(&json!({"commit": commit(gone)})));
    assert_eq!(got, versions(&standing[standing.len() - 1..]));
}

/// Of ten thousand sets two hundred are left: reading them costs what two hundred cost.
#[test]
fn what_holds_nothing_that_stands_is_not_read() {
    let server = Embedded::new();
    let removed = |n: usize| (n == 10_000).then(|| ranges("3-9800"));
    grow_and_remove(&server, KEY, 10_000, &removed, |n, _: &Head<Published>| published(n));
    let resource = server.resource().set("initial_history", 1_000);
    let (got, requests, rounds) = check(&server, &resource, None);
    let mut standing = vec![1, 2];
    standing.extend(9_801..=10_000);
    assert!(got == versions(&standing));
    assert!(requests <= 6 && rounds == 2, "{requests} in {rounds} rounds");
}

/// However many removals come after it: what stands is in the head, and whoever asks reads that alone.
#[test]
fn the_newest_that_stands_is_in_the_head() {
    let server = Embedded::new();
    let run = tokio::runtime::Runtime::new().expect("a runtime");
    run.block_on(async {
        let (store, many) = (store(&server).await, 3 * SEGMENT as usize);
        let record = record(&store);
        let events = (1..=many).map(|n| Event { run: Run::default(), what: published(n) });
        let begun = record.begin().await.expect("begun");
        record.append_all(begun, |it| it.commit.clone(), events.collect()).await.expect("entered");
        for number in 1..many as u64 {
            let now = current(&record).await;
            let one = [number].into_iter().collect();
            let written = record.try_mark(now, &Run::default(), &one).await.expect("marked");
            assert_eq!(written, Written::Yes);
            record.finish(&one).await.expect("ended");
        }
        let numbers: Vec<u64> =
            current(&record).await.head.entries().iter().map(|it| it.number).collect();
        assert_eq!(numbers, [many as u64]);
        let newest = record.newest(3).await.expect("read").expect("a history");
        assert_eq!(newest.iter().map(|it| it.number).collect::<Vec<_>>(), [many as u64]);
        let gone = record.entry(1).await.expect("read");
        assert_eq!(gone, None);
        let removal = record.removal_of(1).await.expect("read").expect("removed");
        assert_eq!((removal.number, removal.removed), (many as u64 + 1, ranges("1")));
        assert_eq!(record.removal_of(many as u64).await.expect("read"), None);
    });
    let many = 3 * SEGMENT as usize;
    for given in [None, Some(json!({"commit": commit(5)})), Some(json!({"commit": commit(9_999)}))]
    {
        let (got, _, rounds) = check(&server, &server.resource(), given.as_ref());
        assert_eq!((got, rounds), (versions(&[many]), 1), "{given:?}");
    }
}

/// Writers of single entries, of many, and two removers, all at once: every number is one thing, no
/// entry is lost, none that is removed is shown, and each is removed once.
#[tokio::test]
async fn removers_and_writers_at_once_lose_nothing() {
    const MANY: usize = 1_500;
    const SINGLE: usize = 12;
    let server = Embedded::new();
    let store = store(&server).await;
    let record = || record(&store);
    record().begin().await.expect("begun");
    let events = |from: usize, to: usize| -> Vec<Event<Published>> {
        (from..to).map(|n| Event { run: Run::default(), what: published(n) }).collect()
    };
    let name = |what: &Published| what.commit.clone();
    let first = current(&record()).await;
    record().append_all(first, name, events(0, 300)).await.expect("entered");
    let bulk = async {
        let now = current(&record()).await;
        record().append_all(now, name, events(0, MANY)).await.expect("entered");
    };
    let single = async |n: usize| {
        let (now, what) = (current(&record()).await, published(n));
        let same = |known: &Published| known.commit == what.commit;
        record().append(now, None, same, &Run::default(), &what).await.expect("entered");
    };
    // Each removes what is even among the oldest that stand, and first finishes what it finds.
    let remover = async || {
        for _ in 0..8 {
            let record_ = record();
            let done = record_.until_first(async || {
                let now = current(&record()).await;
                let found = record().removing(&now.head).await?;
                record().finish(&found.iter().map(|it| it.number).collect()).await?;
                let now = current(&record()).await;
                let shape = now.head.shape();
                let even = (2..250).step_by(2).filter(|number| shape.stands(*number));
                let some: Ranges = even.take(5).collect();
                if some.is_empty() {
                    return Ok(Some(()));
                }
                let written = record().try_mark(now, &Run::default(), &some).await?;
                Ok((written == Written::Yes).then_some(()))
            });
            done.await.expect("removed");
        }
    };
    let singles = futures_util::future::join_all((MANY..MANY + SINGLE).map(single));
    let removers = futures_util::future::join(remover(), remover());
    futures_util::future::join3(bulk, singles, removers).await;

    let now = current(&record()).await;
    let left = now.head.removing().clone();
    record().finish(&left).await.expect("ended");
    let now = current(&record()).await;
    let shape = now.head.shape();
    let older = record().segments(&shape, shape.segments_since(None)).await.expect("every segment");
    let all: Vec<&Entry<Published>> = now.head.entries().iter().chain(&older).collect();
    assert!(all.iter().all(|entry| shape.stands(entry.number)));
    assert!(all.windows(2).all(|pair| pair[0].number > pair[1].number));
    let names: HashSet<&str> = all.iter().map(|entry| entry.what.commit.as_str()).collect();
    assert_eq!(names.len(), all.len());
    // The bulk entered again what was removed before it looked; whatever else is there once.
    for n in (0..MANY + SINGLE).filter(|n| *n >= 300 || n % 2 == 0) {
        assert!(names.contains(commit(n).as_str()), "{n}");
    }
    assert!(now.head.removing().is_empty());
    // Every removal names numbers of its own.
    let removals = now.head.next() - 1 - all.len() as u64;
    assert_eq!(now.head.removed().len(), removals);
    for number in (2..=80).step_by(2) {
        let removal = record().removal_of(number).await.expect("read");
        assert!(removal.is_some_and(|it| it.removed.contains(number)), "{number}");
    }
}

#[tokio::test]
async fn whoever_decided_before_a_removal_decides_anew() {
    let server = Embedded::new();
    let store = store(&server).await;
    let record = record(&store);
    record.begin().await.expect("begun");
    for n in 1..=3 {
        let now = current(&record).await;
        let written = record.try_append(now, &Run::default(), published(n)).await;
        assert_eq!(written.expect("entered"), Written::Yes);
    }
    let (stale, other) = (current(&record).await, current(&record).await);
    let now = current(&record).await;
    assert_eq!(
        record.try_mark(now, &Run::at(Utc::read("then")), &ranges("1-2")).await.expect("marked"),
        Written::Yes
    );
    // A put that read the head before, and another remover.
    let refused = record.try_append(stale, &Run::default(), published(4)).await.expect("asked");
    assert_eq!(refused, Written::Refused);
    let refused = record.try_mark(other, &Run::default(), &ranges("1")).await.expect("asked");
    assert_eq!(refused, Written::Refused);
    // A history is not begun anew under a removal that was not ended.
    let now = current(&record).await;
    let again = record.interleave(
        now,
        |it| it.commit.clone(),
        vec![Event { run: Run::at(Utc::read("0")), what: published(9) }],
    );
    let error = again.await.expect_err("not now").to_string();
    assert!(error.contains("a removal was begun and not ended"), "{error}");
    let now = current(&record).await;
    let found = record.removing(&now.head).await.expect("read");
    assert_eq!(
        found.iter().map(|it| it.what.clone()).collect::<Vec<_>>(),
        [published(1), published(2)]
    );
    // What is removed can be published again, under a number of its own.
    let what = published(1);
    let same = |known: &Published| known.commit == what.commit;
    let entry = record.append(now, None, same, &Run::default(), &what).await.expect("entered");
    assert_eq!(entry.number, 5);
    let now = current(&record).await;
    let run = Run::default();
    let again = record.extend(now, &run, async |head| {
        Ok(match head.entries().iter().find(|entry| same(&entry.what)) {
            Some(entry) => Next::Stands(entry.clone()),
            None => Next::Append(what.clone()),
        })
    });
    assert_eq!(again.await.expect("known").0.number, 5);
    record.finish(&ranges("1-5")).await.expect("ended");
    record.finish(&ranges("1-5")).await.expect("ended once");
    let now = current(&record).await;
    assert_eq!((now.head.removed(), now.head.removing()), (&ranges("1-2,4"), &Ranges::default()));
    let numbers: Vec<u64> = now.head.entries().iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [5, 3]);
    record
        .interleave(
            now,
            |it| it.commit.clone(),
            vec![Event { run: Run::at(Utc::read("0")), what: published(9) }],
        )
        .await
        .expect("anew");
    let now = current(&record).await;
    let commits: Vec<_> = now.head.entries().iter().map(|entry| entry.what.clone()).collect();
    assert_eq!(commits.len(), 3);
    assert!(now.head.removed().is_empty() && commits.contains(&published(9)));
}
