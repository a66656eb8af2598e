//! What a check costs at 100,000 versions, with a history and without one.

use super::{number, record, sackers_record, tagged, version};
use crate::support::{BUCKET, Embedded, check, grow};
use bytes::Bytes;
use s3_asset_resource::history::Head;
use s3_asset_resource::tracks::package::rules::{Change, Move};

const COUNT: u64 = 100_000;

fn latest(server: &Embedded, version: u64) {
    server.put(BUCKET, "app/tags/latest", format!("{{\"version\": {version}}}"), &[]);
}

#[test]
fn of_every_version() {
    let server = Embedded::new();
    let backs = [0, 1, 30, 300, 4_000, 99_999];
    grow(&server, "app/.history/versions", COUNT as usize, |n, head: &Head<Change>| {
        let n = n as u64;
        if backs.contains(&(COUNT - n)) {
            server.put(BUCKET, &format!("app/versions/{n}"), record(&head.position()), &[]);
        }
        Change::Added { added: n, sha: None, basename: None }
    });
    latest(&server, COUNT);
    let package = server.package("app");
    let (versions, requests, rounds) = check(&server, &package, None);
    assert_eq!(versions, [version(COUNT)]);
    assert_eq!((requests, rounds), (2, 1));
    for back in backs {
        let given = version(COUNT - back);
        let (versions, requests, rounds) = check(&server, &package, Some(&given));
        assert!(versions.iter().map(number).eq(COUNT - back..=COUNT), "{back} back");
        println!("{COUNT} versions, {back} back: {requests} requests in {rounds} rounds");
        assert!(rounds <= 2 && (requests == 3 || back > 30), "{back} back: {requests}, {rounds}");
        assert!(requests <= 3 + 25 + 64 + 8, "{back} back: {requests}");
    }
    for gone in [COUNT + 7, COUNT - 50] {
        let (versions, requests, rounds) = check(&server, &package, Some(&version(gone)));
        assert_eq!(versions, [version(COUNT)], "{gone}");
        assert_eq!((requests, rounds), (3, 1));
    }
    let history = package.set("initial_history", 500);
    let (versions, requests, rounds) = check(&server, &history, None);
    assert_eq!(versions.len(), 500);
    assert!(requests <= 10 && rounds == 2, "{requests} in {rounds}");
}

/// More removals at the end of the history than its head and a segment hold.
#[test]
fn of_what_stands_before_many_removals() {
    let server = Embedded::new();
    let (standing, count, removals) = (40, 200, 160);
    grow(&server, "app/.history/versions", count + removals, |n, _: &Head<Change>| {
        let (n, count) = (n as u64, count as u64);
        match n.checked_sub(count).filter(|over| *over > 0) {
            None => Change::of_number(n),
            Some(over) => Change::Removed { removed: standing + over, newest: count },
        }
    });
    let package = server.package("app");
    let many = package.clone().set("initial_history", 5);
    // Nobody pointed `latest`; somebody who was killed did; it is as new as the history.
    for (pointer, rounds) in [
        (None, 3),
        (Some("{\"version\":7,\"tagged\":7}"), 3),
        (Some("{\"version\":40,\"tagged\":360}"), 1),
    ] {
        if let Some(pointer) = pointer {
            server.put(BUCKET, "app/tags/latest", pointer, &[]);
        }
        for given in [None, Some(version(100))] {
            let (versions, _, took) = check(&server, &package, given.as_ref());
            assert_eq!(versions, [version(standing)], "{pointer:?} {given:?}");
            assert!(took <= rounds, "{pointer:?} {given:?}: {took}");
        }
        let versions = many.versions(None);
        assert_eq!(versions, (36..=40).map(version).collect::<Vec<_>>(), "{pointer:?}");
    }
}

#[test]
fn of_a_tag() {
    let server = Embedded::new();
    grow(&server, "app/.history/tags/live", COUNT as usize, |n, _: &Head<Move>| Move {
        version: Some(n as u64 % 100 + 1),
        id: n.to_string(),
    });
    let live = server.package("app").of_package("tag", "live");
    let at = |n: u64| tagged(n % 100 + 1, "live", n);
    let (versions, requests, rounds) = check(&server, &live, None);
    assert_eq!(versions, [at(COUNT)]);
    assert_eq!((requests, rounds), (1, 1));
    for back in [0, 30, 4_000, 99_999] {
        let (versions, requests, rounds) = check(&server, &live, Some(&at(COUNT - back)));
        assert_eq!(versions.len() as u64, back + 1);
        assert_eq!(versions[0], at(COUNT - back));
        println!("{COUNT} moves, {back} back: {requests} requests in {rounds} rounds");
        assert!(rounds <= 2, "{back} back: {rounds}");
    }
}

/// A ledger that sacker filled: no history, and numbers that are times.
#[test]
fn without_a_history() {
    let server = Embedded::new();
    let at = |n: u64| 1_700_000_000_000 + n * 10_007;
    let bytes = Bytes::from(sackers_record(b"made up"));
    let keys = (1..=COUNT).map(|n| (format!("app/versions/{}", at(n)), bytes.clone()));
    server.put_many(BUCKET, keys);
    latest(&server, at(COUNT));
    let package = server.package("app");
    let (versions, requests, rounds) = check(&server, &package, None);
    assert_eq!(versions, [version(at(COUNT))]);
    assert_eq!((requests, rounds), (3, 2), "a history that is not there, `latest`, one page");
    for back in [0, 1, 900] {
        let (versions, requests, rounds) =
            check(&server, &package, Some(&version(at(COUNT - back))));
        assert!(versions.iter().map(number).eq((COUNT - back..=COUNT).map(at)), "{back} back");
        assert_eq!((requests, rounds), (4, 2), "{back} back");
    }
    // A writer that was slower than another left `latest` on an older version.
    latest(&server, at(COUNT - 3));
    let (versions, _, rounds) = check(&server, &package, None);
    assert_eq!((versions, rounds), (vec![version(at(COUNT))], 2));
    let (versions, requests, _) = check(&server, &package, Some(&version(at(COUNT - 2_500))));
    assert_eq!((versions.len(), requests), (2_501, 6), "three pages");
    // A history that a put once began, and nobody goes on with.
    grow(&server, "app/.history/versions", 1, |_, _: &Head<Change>| Change::of_number(at(1)));
    for given in [None, Some(0), Some(1), Some(900)] {
        let back = given.unwrap_or(0);
        let given = given.map(|back| version(at(COUNT - back)));
        let (versions, requests, rounds) = check(&server, &package, given.as_ref());
        assert!(versions.iter().map(number).eq((COUNT - back..=COUNT).map(at)), "{given:?}");
        assert!(requests <= 4 && rounds == 2, "{given:?}: {requests} in {rounds}");
    }
    let (versions, _, rounds) = check(&server, &package, Some(&version(at(1))));
    assert_eq!(versions.len() as u64, COUNT);
    println!("{COUNT} versions beside a history: {rounds} rounds from the oldest on");
}
