//! Listings over the wire; the order and the cutting are tested beside the code.

use aws_sdk_s3::types::EncodingType;
use s3_test_server::{Options, Server};

use crate::support::{BUCKET, client};

#[tokio::test]
async fn pages_and_prefixes() {
    let server = Server::start(Options { max_page: 2, ..Options::with_bucket(BUCKET) });
    let client = client(&server);
    let keys = ["a b", "a/b", "a/c/d", "a/c/e", "ab", "b", "é"];
    server.put_many(BUCKET, keys.map(|key| (key, "x".into())));
    let mut found = Vec::new();
    let mut pages = client.list_objects_v2().bucket(BUCKET).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        assert!(page.key_count() <= Some(2));
        found.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
    }
    assert_eq!(found, keys);
    assert_eq!(server.requests_of("ListObjectsV2").len(), 4);

    let list =
        client.list_objects_v2().bucket(BUCKET).prefix("a/").delimiter("/").fetch_owner(true);
    let page = list.send().await.expect("a page");
    assert_eq!(page.contents()[0].key(), Some("a/b"));
    assert!(page.contents()[0].owner().is_some());
    assert_eq!(page.common_prefixes()[0].prefix(), Some("a/c/"));
    let list = client.list_objects_v2().bucket(BUCKET).start_after("ab");
    let page = list.encoding_type(EncodingType::Url).send().await.expect("a page");
    assert_eq!(page.contents()[1].key(), Some("%C3%A9"));
    assert_eq!(page.is_truncated(), Some(false));
    assert_eq!(
        server.requests().last().and_then(|entry| entry.query("start-after")).as_deref(),
        Some("ab")
    );

    let mut marker = None;
    let mut found = Vec::new();
    loop {
        let list = client.list_objects().bucket(BUCKET).delimiter("/").set_marker(marker);
        let page = list.send().await.expect("a page");
        found.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
        found.extend(
            page.common_prefixes().iter().filter_map(|prefix| prefix.prefix().map(str::to_owned)),
        );
        marker = page.next_marker().map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(found, ["a b", "a/", "ab", "b", "é"]);
    let missing = client.list_objects_v2().bucket("no-such-bucket").send().await;
    assert!(
        missing
            .expect_err("none")
            .as_service_error()
            .is_some_and(|error| error.is_no_such_bucket())
    );
}

#[tokio::test]
async fn versions_in_pages() {
    let server = Server::start(Options { max_page: 2, ..Options::default() });
    let client = client(&server);
    server.create_versioned_bucket("versioned");
    for body in ["1", "2", "3"] {
        server.put("versioned", "a", body, &[]);
    }
    server.put("versioned", "b", "1", &[]);
    client.delete_object().bucket("versioned").key("b").send().await.expect("deleted");
    let (mut key, mut version) = (None, None);
    let mut found = Vec::new();
    loop {
        let list = client.list_object_versions().bucket("versioned");
        let list = list.set_key_marker(key).set_version_id_marker(version);
        let page = list.send().await.expect("a page");
        for marker in page.delete_markers() {
            found.push((marker.key().map(str::to_owned), marker.is_latest() == Some(true), true));
        }
        for object in page.versions() {
            found.push((object.key().map(str::to_owned), object.is_latest() == Some(true), false));
        }
        if page.is_truncated() != Some(true) {
            break;
        }
        key = page.next_key_marker().map(str::to_owned);
        version = page.next_version_id_marker().map(str::to_owned);
    }
    let (a, b) = (Some("a".to_owned()), Some("b".to_owned()));
    found.sort();
    let mut expected = [
        (a.clone(), true, false),
        (a.clone(), false, false),
        (a, false, false),
        (b.clone(), true, true),
        (b, false, false),
    ];
    expected.sort();
    assert_eq!(found, expected);
}
