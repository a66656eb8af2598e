//! What a check costs: requests, and how many of them had to wait for the one before, at
//! histories of 1, 1,000 and 100,000 published sets.

use crate::support::{Embedded, Grown, check, commit, grow};
use s3_asset_resource::history::{Head, SEGMENT, VOLUME};
use s3_asset_resource::tracks::artifacts::rules::Published;
use s3_asset_resource::words::names::{CodeHash, CommitId};
use serde_json::json;

const COUNTS: [usize; 3] = [1, 1_000, 100_000];

#[test]
fn the_first_check_is_one_request() {
    for count in COUNTS {
        let server = Embedded::new();
        let history = Grown::new(&server, count, &[]);
        let (versions, requests, rounds) = check(&server, &server.resource(), None);
        assert_eq!(versions, history.since(count));
        assert_eq!((requests, rounds), (1, 1), "{count} sets");
    }
    let empty = Embedded::new();
    let (versions, requests, rounds) = check(&empty, &empty.resource(), None);
    assert_eq!((versions.len(), requests, rounds), (0, 1, 1));
}

#[test]
fn a_check_from_the_newest_is_two_requests_at_once() {
    for count in COUNTS {
        let server = Embedded::new();
        let history = Grown::new(&server, count, &[count]);
        let newest = history.version(count);
        let (versions, requests, rounds) = check(&server, &server.resource(), Some(&newest));
        assert_eq!(versions, [newest]);
        assert_eq!((requests, rounds), (2, 1), "{count} sets");
    }
}

#[test]
fn a_check_from_an_unknown_or_deleted_version_is_two_requests_at_once() {
    for count in COUNTS {
        let server = Embedded::new();
        let history = Grown::new(&server, count, &[]);
        for given in [history.version(count + 7), history.version(count.div_ceil(2))] {
            let (versions, requests, rounds) = check(&server, &server.resource(), Some(&given));
            // Of a history of one, the given version may be the only one.
            if count > 1 {
                assert_eq!(versions, history.since(count));
            }
            assert_eq!((requests, rounds), (2, 1), "{count} sets");
        }
    }
}

#[test]
fn a_check_from_further_back_reads_only_what_it_needs() {
    for (count, backs) in [
        (1_000, vec![1, 30, 160, 161, 500, 999]),
        (100_000, vec![1, 30, 300, 1_000, 4_000, 20_000, 99_999]),
    ] {
        let server = Embedded::new();
        let manifests: Vec<usize> = backs.iter().map(|back| count - back).collect();
        let history = Grown::new(&server, count, &manifests);
        for back in backs {
            let given = history.version(count - back);
            let (versions, requests, rounds) = check(&server, &server.resource(), Some(&given));
            assert!(versions == history.since(count - back), "{back} back of {count}");
            let parts = requests - 2;
            println!("{count} sets, {back} back: {requests} requests in {rounds} rounds");
            // Whole volumes, and at both ends what is less than one.
            let most = back / (SEGMENT * VOLUME) as usize + 1 + 64 + 8;
            assert!(parts <= most.min(back.div_ceil(SEGMENT as usize)), "{back} back: {parts}");
            assert!(rounds <= 2, "{back} back of {count}: {rounds} rounds");
        }
    }
}

#[test]
fn an_initial_history_reads_only_what_it_needs() {
    let server = Embedded::new();
    let history = Grown::new(&server, 100_000, &[]);
    for (initial, most) in [(1, 1), (32, 1), (500, 9)] {
        let resource = server.resource().set("initial_history", initial);
        let (versions, requests, rounds) = check(&server, &resource, None);
        assert!(versions == history.since(100_001 - initial), "{initial}");
        assert!(requests <= most && rounds <= 2, "{initial}: {requests} in {rounds} rounds");
    }
}

/// Entries of one code are one version: what the very first check wants may be far back.
#[test]
fn followed_code_has_as_many_versions_as_are_wanted() {
    let server = Embedded::new();
    grow(&server, "artifacts/.history", 1_000, |n, _: &Head<Published>| Published {
        commit: CommitId::parse(&commit(n)).expect("a commit"),
        code_hash: Some(CodeHash::parse(&format!("{:064x}", n / 150)).expect("a hash")),
        unsealed: false,
    });
    let resource = server.resource().artifacts("code_hash", "x").artifacts("follow", "code");
    for (initial, most) in [(1, 1), (5, 20)] {
        let resource = resource.clone().set("initial_history", initial);
        let (versions, requests, _) = check(&server, &resource, None);
        let codes = (7 - initial..7).map(|n| json!({"code_hash": format!("{n:064x}")}));
        assert_eq!(versions, codes.collect::<Vec<_>>());
        assert!(requests <= most, "{initial}: {requests}");
    }
}
