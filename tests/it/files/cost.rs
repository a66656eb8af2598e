//! What a check asks for.

use super::{named, path, put, versioned};
use crate::support::{BUCKET, Embedded, check};
use bytes::Bytes;
use s3_test_server::Numbered;
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn a_check_lists_what_can_match_and_nothing_else() {
    let server = Embedded::new();
    server.put_many(BUCKET, (0..20_000).map(|n| (format!("noise/{n}"), Bytes::new())));
    server.put_many(BUCKET, (0..2_500).map(|n| (format!("r/app-{n}.tgz"), Bytes::new())));
    server.put_many(BUCKET, (0..40).map(|n| (format!("dir-{n}/app.tgz"), Bytes::new())));
    let app = named(&server, "r/app-(.*).tgz");
    let (versions, requests, rounds) = check(&server, &app, None);
    assert_eq!((versions, requests, rounds), (vec![path("r/app-2499.tgz")], 3, 3));
    let (versions, requests, _) = check(&server, &app, Some(&path("r/app-2490.tgz")));
    assert_eq!((versions.len(), requests), (10, 3));
    // Folders are listed side by side.
    let (versions, requests, rounds) = check(&server, &named(&server, "dir-(.*)/app.tgz"), None);
    assert_eq!((versions, requests), (vec![path("dir-39/app.tgz")], 41));
    assert!(rounds <= 1 + 40_u64.div_ceil(8) + 2, "{rounds}");
}

/// The pages of one prefix come one after the other, each once, as in s3-resource; `ci/bench million`
/// measures a million keys.
#[test]
fn a_check_asks_for_each_page_once() {
    let server = Embedded::with(|options| {
        options.max_page = 10;
        let (before, after) = ("r/app-".to_owned(), ".tgz".to_owned());
        options.numbered = Some(Numbered { before, after, count: 10_000 });
    });
    server.put(BUCKET, "r/app-0009999.tgz", "x", &[]);
    let app = named(&server, "r/app-(.*).tgz");
    let newest = path("r/app-0009999.tgz");
    for given in [None, Some(&newest)] {
        server.reset_requests();
        assert_eq!(app.versions(given), [newest.clone()]);
        let asked: Vec<String> = server.requests().iter().map(|it| it.query.clone()).collect();
        let once: BTreeSet<&String> = asked.iter().collect();
        assert_eq!((asked.len(), once.len()), (1_000, 1_000));
    }
    server.reset_requests();
    app.get(&newest, json!({})).run.json();
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_check_of_versions_goes_back_as_far_as_the_given_one() {
    let server = Embedded::with(|options| options.max_page = 10);
    let file = versioned(&server, "file");
    for n in 0..35 {
        server.put(BUCKET, "file", n.to_string(), &[]);
    }
    let newest = check(&server, &file, None);
    assert_eq!((newest.0.len(), newest.1), (1, 1));
    let all = server.versions(BUCKET);
    let given = super::id(&all[all.len() - 12].version_id);
    let (versions, requests, _) = check(&server, &file, Some(&given));
    assert_eq!((versions.len(), requests), (12, 2));
}

#[test]
fn gets_and_puts_ask_for_no_more_than_s3_resource() {
    let server = Embedded::new();
    let app = named(&server, "app-(.*)");
    put(&app, "app-1", b"x", json!({})).json();
    assert_eq!(server.requests().len(), 1);
    server.reset_requests();
    app.get(&path("app-1"), json!({})).run.json();
    assert_eq!(server.requests().len(), 2);
    server.reset_requests();
    app.get(&path("app-1"), json!({"skip_download": true})).run.json();
    assert_eq!(server.requests().len(), 0);
}
