//! What a check costs at 10,000 revisions.

use super::{JOB, version};
use crate::support::{BUCKET, Embedded, check, grow};
use s3_asset_resource::history::Head;
use s3_asset_resource::tracks::gocd::rules::{Published, Revision};
use serde_json::Value;

const COUNT: usize = 10_000;
const PAGES: usize = COUNT / 1000;

fn heads(server: &Embedded) -> usize {
    server.requests_of("HeadObject").len()
}

fn markers(server: &Embedded, count: usize) {
    for n in 1..=count {
        server.put(BUCKET, &format!("{JOB}{n}.1/"), "", &[("completed", "completed")]);
        server.put(BUCKET, &format!("{JOB}{n}.1/file"), "x", &[]);
    }
}

fn nth(n: usize) -> Value {
    version(&format!("{n}.1"))
}

#[test]
fn of_a_short_job() {
    let server = Embedded::new();
    markers(&server, 40);
    let resource = server.gocd();
    let (versions, requests, rounds) = check(&server, &resource, None);
    assert_eq!(versions, [nth(40)]);
    assert_eq!((requests, rounds), (3, 2), "a listing, then two markers");
    let (versions, requests, rounds) = check(&server, &resource, Some(&nth(40)));
    assert_eq!(versions, [nth(40)]);
    assert_eq!((requests, rounds), (2, 2));
    let (versions, requests, rounds) = check(&server, &resource, Some(&nth(1)));
    assert_eq!(versions.len(), 40);
    assert_eq!((requests, rounds), (41, 2));
}

#[test]
fn of_ten_thousand_revisions() {
    let server = Embedded::new();
    markers(&server, COUNT);
    grow(&server, ".history/app/build/package", COUNT, |n, _: &Head<Published>| Published {
        revision: Revision::parse(&format!("{n}.1")).expect("a revision"),
        claim: None,
    });
    let resource = server.gocd();
    let (versions, requests, _) = check(&server, &resource, None);
    assert_eq!(versions, [nth(COUNT)]);
    assert_eq!(requests, PAGES + 2);
    for back in [0, 10, 63] {
        let (versions, requests, _) = check(&server, &resource, Some(&nth(COUNT - back)));
        assert_eq!(versions.len(), back + 1);
        assert_eq!(
            (versions.first(), versions.last()),
            (Some(&nth(COUNT - back)), Some(&nth(COUNT)))
        );
        assert_eq!(requests, PAGES + back + 1, "{back} back");
    }
    // From far back the history says which are completed: of markers, only the given one is read.
    for back in [64, 1_000, COUNT - 1] {
        let (versions, requests, _) = check(&server, &resource, Some(&nth(COUNT - back)));
        assert_eq!(versions.len(), back + 1, "{back} back");
        let want: Vec<Value> = (COUNT - back..=COUNT).map(nth).collect();
        assert!(versions == want, "{back} back");
        println!("{COUNT} revisions, {back} back: {requests} requests");
        assert_eq!(heads(&server), 1, "{back} back");
        assert!(requests <= PAGES + 1 + 100, "{back} back: {requests}");
    }
    let (versions, _, _) = check(&server, &resource, Some(&version("99999.1")));
    assert_eq!(versions, [nth(COUNT)]);
}
