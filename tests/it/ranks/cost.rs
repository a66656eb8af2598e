//! What a check costs at 1, 1,000 and 100,000 promotions; a get and a put beside it.

use super::support::{FILE, RANKS, at, promote, version};
use crate::support::{BUCKET, Embedded, check, grow};
use s3_asset_resource::history::{Head, SEGMENT, VOLUME};
use s3_asset_resource::tracks::promotion::rules::{Place, Promoted, Release};
use s3_asset_resource::words::digest::Sha256;
use s3_asset_resource::words::names::{Key, Rank, ReleaseVersion};
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
    // As many at the rank before: a new version, and the rerun of an old promotion.
    grown(&server, "qa", COUNT + 1);
    for (n, want) in [(COUNT + 1, nth(COUNT + 1)), (7, nth(7))] {
        server.reset_requests();
        assert_eq!(promote(&staging, &n.to_string()).version(), want);
        println!("a promotion of version {n}: {} requests", server.requests().len());
    }
}
