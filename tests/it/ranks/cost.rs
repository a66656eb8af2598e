//! What a check costs at 1, 1,000 and 100,000 promotions; a get and a put beside it.

use super::support::{FILE, RANKS, at, promote, version};
use crate::support::{BUCKET, Embedded, check, grow};
use s3_asset_resource::history::{Head, SEGMENT, VOLUME};
use s3_asset_resource::tracks::promotion::rules::{Place, Promoted, Release};
use s3_asset_resource::words::digest::Sha256;
use s3_asset_resource::words::names::{Key, Rank, ReleaseVersion};
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};

/// A server whose rank has seen the versions 1 to `count`, all of the same bytes.
fn server(rank: &str, count: usize) -> Embedded {
    let server = Embedded::new();
    grown(&server, rank, count);
    server
}

fn grown(server: &Embedded, rank: &str, count: usize) {
    let key = Key::parse("archive/all/f").expect("a key");
    server.put(BUCKET, key.as_str(), "x", &[]);
    let previous = Rank::parse(RANKS[0]).expect("a rank");
    grow(server, &format!("{rank}/.history/{FILE}"), count, |n, _: &Head<Promoted>| Promoted {
        release: Release {
            version: ReleaseVersion::parse(&n.to_string()).expect("a version"),
            size: 1,
            sha256: Sha256::of(b"x"),
            key: key.clone(),
        },
        from: (rank != RANKS[0]).then(|| Place { rank: previous.clone(), promotion: n as u64 }),
        rollback: false,
        after_s3p: None,
        id: n.to_string(),
    });
}

fn nth(n: usize) -> Value {
    version(&n.to_string(), n as u64)
}

/// Where the head has what is needed.
fn one_request(server: &Embedded, count: usize) {
    let staging = at(&server.resource(), "staging");
    let newest = nth(count);
    let unknown = version("other", count as u64);
    let unreached = nth(count + 7);
    for given in [None, Some(&newest), Some(&unknown), Some(&unreached)] {
        let (versions, requests, rounds) = check(server, &staging, given);
        assert_eq!(versions, [newest.clone()], "{given:?}");
        assert_eq!((requests, rounds), (1, 1), "{count} promotions, {given:?}");
    }
}

/// From further back only what is needed is read.
fn from_further_back(server: &Embedded, count: usize, backs: &[usize]) {
    let staging = at(&server.resource(), "staging");
    for back in backs {
        let (versions, requests, rounds) = check(server, &staging, Some(&nth(count - back)));
        let want: Vec<Value> = (count - back..=count).map(nth).collect();
        assert!(versions == want, "{back} back of {count}");
        println!("{count} promotions, {back} back: {requests} requests in {rounds} rounds");
        let most = back / (SEGMENT * VOLUME) as usize + 1 + 64 + 8;
        assert!(requests - 1 <= most.min(back.div_ceil(SEGMENT as usize)), "{requests}");
        assert!(rounds <= 2, "{back} back of {count}: {rounds} rounds");
    }
    for (initial, most) in [(32, 1), (500, 9)] {
        let staging = staging.clone().set("initial_history", initial);
        let (versions, requests, rounds) = check(server, &staging, None);
        assert!(versions == (count + 1 - initial..=count).map(nth).collect::<Vec<_>>());
        assert!(requests <= most && rounds <= 2, "{initial}: {requests} in {rounds}");
    }
}

#[test]
fn at_none_and_at_one() {
    one_request(&server("staging", 1), 1);
    let empty = Embedded::new();
    let (versions, requests, rounds) = check(&empty, &at(&empty.resource(), "qa"), None);
    assert_eq!((versions.len(), requests, rounds), (0, 2, 2));
}

#[test]
fn at_a_thousand_promotions() {
    let server = server("staging", 1_000);
    one_request(&server, 1_000);
    from_further_back(&server, 1_000, &[1, 30, 160, 500, 999]);
}

#[test]
fn at_a_hundred_thousand_promotions() {
    const COUNT: usize = 100_000;
    let server = server("staging", COUNT);
    one_request(&server, COUNT);
    from_further_back(&server, COUNT, &[1, 30, 300, 4_000, 99_999]);
    let staging = at(&server.resource(), "staging");
    for (n, most) in [(COUNT, 2), (1, 3), (50_000, 3)] {
        server.reset_requests();
        assert!(staging.get(&nth(n), json!({})).tree().text(FILE).is_some());
        let requests = server.requests().len();
        println!("a get of promotion {n}: {requests} requests");
        assert!(requests <= most, "{requests}");
    }
}

/// However long the history: 20,000 promotions are 310 segments, 4 whole volumes among them.
#[test]
fn a_promotion_reads_few_older_parts() {
    const COUNT: usize = 20_000;
    let server = server("staging", COUNT);
    let staging = at(&server.resource(), "staging");
    // As many stood at the rank before: a new version, and the rerun of an old promotion. Who first finds
    // no index reads every older part, and makes it.
    grown(&server, "qa", COUNT + 3);
    for n in [COUNT + 1, 6] {
        promote(&staging, &n.to_string());
    }
    // One promotion in 64 finds that a segment was sealed since, and goes on from the page before.
    let new = |n| (n, nth(n));
    for ((n, want), most) in [(new(COUNT + 2), 4), (new(7), 3), (new(COUNT + 3), 3)] {
        server.reset_requests();
        assert_eq!(promote(&staging, &n.to_string()).version(), want);
        println!("a promotion of version {n}: {} requests", server.requests().len());
        for rank in ["qa", "staging"] {
            let older = older_parts(&server, rank).len();
            assert!(older <= most, "version {n}: {older} older parts of {rank}");
        }
    }
}

/// The older parts of a rank's history, and the pages of its index, that were read.
fn older_parts(server: &Embedded, rank: &str) -> Vec<String> {
    let below = format!("{rank}/.history/{FILE}/");
    let read =
        server.requests_of("GetObject").into_iter().filter_map(|request| request.key.clone());
    read.filter(|key| key.starts_with(&below)).collect()
}

#[test]
fn an_index_that_is_damaged_or_behind_is_made_anew() {
    const COUNT: usize = 700;
    let server = server("staging", COUNT);
    grown(&server, "qa", COUNT + 4);
    let staging = at(&server.resource(), "staging");
    let promoted = |n: usize| {
        server.reset_requests();
        let put = promote(&staging, &n.to_string());
        assert_eq!(put.version(), nth(n));
        (older_parts(&server, "staging").len(), put.stderr)
    };
    let page = |server: &Embedded| {
        let pages = server.keys(BUCKET).into_iter();
        pages
            .filter(|key| key.starts_with("staging/") && key.contains("/index/"))
            .collect::<Vec<_>>()
    };
    assert!(promoted(COUNT + 1).0 > 3);
    // That may have sealed a segment more.
    promoted(6);
    let pages = page(&server);
    // An old promotion is found by it, not by reading on.
    assert_eq!(promoted(7).0, 2);
    for damaged in ["", "{}", "{\"format\":\"s3-asset-history-index/1\""] {
        server.put(BUCKET, pages.last().expect("a page"), damaged, &[]);
        let (read, log) = promoted(8);
        assert!(read > 3 && log.contains("made anew"), "{log}");
        assert_eq!(promoted(9).0, 2);
    }
    // Whoever may not write there goes on without it.
    server.remove(BUCKET, pages.last().expect("a page"));
    server.fault(
        Fault::new(Action::Status(403, "AccessDenied"))
            .on("PutObject")
            .key(pages.last().expect("a page"))
            .always(),
    );
    assert!(promoted(10).0 > 3);
    assert!(promoted(11).0 > 3);
}
