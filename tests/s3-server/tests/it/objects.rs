//! Objects: what is stored and what comes back.

use aws_sdk_s3::config::ResponseChecksumValidation;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sdk_s3::types::{
    BucketVersioningStatus, ChecksumAlgorithm, ChecksumMode, Delete, MetadataDirective,
    ObjectCannedAcl, ObjectIdentifier, ServerSideEncryption, StorageClass, Tag, Tagging,
    TaggingDirective, VersioningConfiguration,
};
use s3_test_server::{Algorithm, Options, Server};

use crate::support::{BUCKET, client, code, config, presigning, send, server, status};

#[tokio::test]
async fn everything_said_comes_back() {
    let server = server();
    let client = client(&server);
    let key = "a dir/ä+ü &<>/./..//file.txt";
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .body(b"hello".to_vec().into())
        .content_type("text/x-test; a=b")
        .cache_control("no-store")
        .content_disposition("attachment")
        .content_encoding("gzip")
        .content_language("en")
        .metadata("name", "value")
        .storage_class(StorageClass::StandardIa)
        .server_side_encryption(ServerSideEncryption::AwsKms)
        .ssekms_key_id("kms-key")
        .acl(ObjectCannedAcl::BucketOwnerFullControl)
        .tagging("a=b%20c&d=e");
    let put = put.send().await.expect("put");
    assert_eq!(put.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(put.ssekms_key_id(), Some("kms-key"));

    let stored = server.get(BUCKET, key).expect("stored");
    assert_eq!(stored.text(), "hello");
    assert_eq!(stored.attributes.acl.as_deref(), Some("bucket-owner-full-control"));
    assert_eq!(stored.tags.get("a").map(String::as_str), Some("b c"));
    assert_eq!(stored.storage_class(), "STANDARD_IA");

    let head = client.head_object().bucket(BUCKET).key(key).send().await.expect("head");
    let get = client.get_object().bucket(BUCKET).key(key).send().await.expect("get");
    assert_eq!(head.content_type(), Some("text/x-test; a=b"));
    assert_eq!(get.content_type(), head.content_type());
    assert_eq!(get.cache_control(), Some("no-store"));
    assert_eq!(get.content_disposition(), Some("attachment"));
    assert_eq!(get.content_encoding(), Some("gzip"));
    assert_eq!(get.content_language(), Some("en"));
    assert_eq!(get.metadata().and_then(|all| all.get("name")).map(String::as_str), Some("value"));
    assert_eq!(get.storage_class(), Some(&StorageClass::StandardIa));
    assert_eq!(get.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));
    assert_eq!(get.tag_count(), Some(2));
    assert_eq!((head.content_length(), get.content_length()), (Some(5), Some(5)));
    assert_eq!(&get.body.collect().await.expect("a body").into_bytes()[..], b"hello");
}

#[tokio::test]
async fn ranges_and_parts() {
    let server = server();
    let client = client(&server);
    server.put(BUCKET, "key", "0123456789", &[]);
    server.put(BUCKET, "empty", "", &[]);
    let get =
        |key: &str, range: &str| client.get_object().bucket(BUCKET).key(key).range(range).send();
    for (range, expected, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=3-5", "345", "bytes 3-5/10"),
        ("bytes=8-", "89", "bytes 8-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=-99", "0123456789", "bytes 0-9/10"),
    ] {
        let got = get("key", range).await.expect(range);
        assert_eq!(got.content_range(), Some(content_range));
        assert_eq!(got.content_length(), Some(expected.len() as i64));
        assert_eq!(got.body.collect().await.expect("a body").into_bytes(), expected);
    }
    for (key, range) in [("key", "bytes=10-"), ("empty", "bytes=0-"), ("empty", "bytes=-1")] {
        let refused = get(key, range).await;
        assert_eq!(refused.err().map(|error| status(&error)), Some(416), "{key} {range}");
    }
    let head = client.head_object().bucket(BUCKET).key("key").range("bytes=3-5");
    assert_eq!(head.send().await.expect("head").content_length(), Some(3));
}

#[tokio::test]
async fn checksums_are_verified_stored_and_returned() {
    let server = server();
    let client = client(&server);
    let all = [
        ("crc32", ChecksumAlgorithm::Crc32, Algorithm::Crc32, "NhCmhg=="),
        ("crc32c", ChecksumAlgorithm::Crc32C, Algorithm::Crc32c, "mnG7TA=="),
        ("crc64nvme", ChecksumAlgorithm::Crc64Nvme, Algorithm::Crc64Nvme, "M3eFcAZSQlc="),
        ("sha1", ChecksumAlgorithm::Sha1, Algorithm::Sha1, "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
        (
            "sha256",
            ChecksumAlgorithm::Sha256,
            Algorithm::Sha256,
            "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
        ),
    ];
    for (key, algorithm, ours, expected) in all {
        let put = client.put_object().bucket(BUCKET).key(key).checksum_algorithm(algorithm.clone());
        put.body(b"hello".to_vec().into()).send().await.expect("put");
        let stored = server.get(BUCKET, key).expect("stored");
        assert_eq!(stored.checksums.get(ours), Some(expected), "{key}");

        // A streamed body carries its checksum behind it.
        let streamed = ByteStream::new(SdkBody::retryable(|| {
            SdkBody::from_body_1_x(http_body_util::Full::new(bytes::Bytes::from_static(b"hello")))
        }));
        let put = client.put_object().bucket(BUCKET).key("streamed").checksum_algorithm(algorithm);
        put.content_length(5).body(streamed).send().await.expect("put");
        let stored = server.get(BUCKET, "streamed").expect("stored");
        assert_eq!(stored.text(), "hello");
        assert_eq!(stored.checksums.get(ours), Some(expected), "{key}");
        assert_eq!(stored.attributes.content_encoding, None);
    }
    let quiet = config(&server, "us-east-1")
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    let quiet = aws_sdk_s3::Client::from_conf(quiet.build());
    let get = quiet.get_object().bucket(BUCKET).key("sha256");
    let without = get.clone().send().await.expect("get");
    assert_eq!(without.checksum_sha256(), None);
    let with = get.clone().checksum_mode(ChecksumMode::Enabled).send().await.expect("get");
    assert!(with.checksum_sha256().is_some());
    let part =
        get.checksum_mode(ChecksumMode::Enabled).range("bytes=0-1").send().await.expect("get");
    assert_eq!(part.checksum_sha256(), None);

    let wrong = || client.put_object().bucket(BUCKET).key("wrong").body(b"hello".to_vec().into());
    let refused = wrong().checksum_crc32("AAAAAA==").send().await.expect_err("refused");
    assert_eq!((code(&refused).as_str(), status(&refused)), ("BadDigest", 400));
    let refused =
        wrong().content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await.expect_err("refused");
    assert_eq!((code(&refused).as_str(), status(&refused)), ("BadDigest", 400));
    assert!(server.get(BUCKET, "wrong").is_none());
}

#[tokio::test]
async fn a_copy_keeps_or_replaces() {
    let server = server();
    let client = client(&server);
    let put = client.put_object().bucket(BUCKET).key("from").body(b"bytes".to_vec().into());
    let put = put.metadata("a", "b").content_type("text/plain").tagging("x=y");
    put.storage_class(StorageClass::Glacier).send().await.expect("put");
    let copy = |to: &str| {
        client.copy_object().bucket(BUCKET).key(to).copy_source(format!("{BUCKET}/from"))
    };
    copy("kept").send().await.expect("copied");
    let kept = server.get(BUCKET, "kept").expect("copied");
    assert_eq!((kept.metadata("a"), kept.content_type()), (Some("b"), Some("text/plain")));
    assert_eq!(kept.tags.len(), 1);
    assert_eq!(kept.storage_class(), "STANDARD");
    let replace =
        copy("replaced").metadata_directive(MetadataDirective::Replace).metadata("c", "d");
    let replace = replace.tagging_directive(TaggingDirective::Replace);
    replace.send().await.expect("copied");
    let replaced = server.get(BUCKET, "replaced").expect("copied");
    assert_eq!((replaced.metadata("a"), replaced.metadata("c")), (None, Some("d")));
    assert!(replaced.tags.is_empty());
    assert_eq!(replaced.content_type(), None);
    assert!(copy("from").send().await.is_err(), "a copy to itself changes nothing");
    let missing =
        client.copy_object().bucket(BUCKET).key("to").copy_source(format!("{BUCKET}/missing"));
    assert_eq!(code(&missing.send().await.expect_err("refused")), "NoSuchKey");
}

#[tokio::test]
async fn versions_stay_until_they_are_deleted() {
    let server = Server::start(Options::default());
    let client = client(&server);
    server.put("versioned", "key", "before", &[]);
    let configuration =
        VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let versioning = client.put_bucket_versioning().bucket("versioned");
    versioning.versioning_configuration(configuration).send().await.expect("enabled");
    let get = client.get_bucket_versioning().bucket("versioned").send().await.expect("read");
    assert_eq!(get.status(), Some(&BucketVersioningStatus::Enabled));

    let put = client.put_object().bucket("versioned").key("key").body(b"after".to_vec().into());
    let after = put.send().await.expect("put").version_id().expect("a version").to_owned();
    let deleted =
        client.delete_object().bucket("versioned").key("key").send().await.expect("deleted");
    assert_eq!(deleted.delete_marker(), Some(true));
    let gone = client.get_object().bucket("versioned").key("key").send().await.expect_err("gone");
    assert_eq!(code(&gone), "NoSuchKey");
    let get = |version: &str| {
        client.get_object().bucket("versioned").key("key").version_id(version).send()
    };
    let got = get(&after).await.expect("there").body.collect().await.expect("a body");
    assert_eq!(got.into_bytes(), "after");
    let got = get("null").await.expect("there").body.collect().await.expect("a body");
    assert_eq!(got.into_bytes(), "before");
    assert_eq!(code(&get("v9").await.expect_err("none")), "NoSuchVersion");
    let marker = deleted.version_id().expect("a version").to_owned();
    assert_eq!(status(&get(&marker).await.expect_err("a marker")), 405);
    let put = client.put_object().bucket("versioned").key("key").if_none_match("*");
    put.send().await.expect("nothing is there");

    for version in [marker, after, "null".to_owned()] {
        let delete = client.delete_object().bucket("versioned").key("key").version_id(version);
        delete.send().await.expect("deleted");
    }
    assert_eq!(server.versions("versioned").len(), 1);
}

#[tokio::test]
async fn tags_change_in_place() {
    let server = server();
    let client = client(&server);
    server.put(BUCKET, "key", "bytes", &[]);
    let tag = Tag::builder().key("a").value("b").build().expect("a tag");
    let tagging = Tagging::builder().tag_set(tag).build().expect("tags");
    let put = client.put_object_tagging().bucket(BUCKET).key("key").tagging(tagging);
    put.send().await.expect("tagged");
    let get = client.get_object_tagging().bucket(BUCKET).key("key").send().await.expect("tags");
    assert_eq!(get.tag_set()[0].value(), "b");
    let delete = client.delete_object_tagging().bucket(BUCKET).key("key");
    delete.send().await.expect("untagged");
    assert!(server.get(BUCKET, "key").expect("there").tags.is_empty());
}

#[tokio::test]
async fn many_are_deleted_at_once() {
    let server = server();
    let client = client(&server);
    server.put_many(BUCKET, (0..5).map(|number| (format!("key-{number}"), "x".into())));
    let name = |key: &str| ObjectIdentifier::builder().key(key).build().expect("a key");
    let delete =
        Delete::builder().objects(name("key-1")).objects(name("key-3")).objects(name("none"));
    let request = client.delete_objects().bucket(BUCKET).delete(delete.build().expect("keys"));
    let done = request.send().await.expect("deleted");
    assert_eq!(done.deleted().len(), 3);
    assert_eq!(server.keys(BUCKET), ["key-0", "key-2", "key-4"]);
}

#[tokio::test]
async fn presigned_urls_work() {
    let server = server();
    let client = client(&server);
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key("a key")
        .presigned(presigning())
        .await
        .expect("signed");
    let answer = send(&server, &put, b"from a url");
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    let get = client
        .get_object()
        .bucket(BUCKET)
        .key("a key")
        .presigned(presigning())
        .await
        .expect("signed");
    assert!(send(&server, &get, b"").ends_with(b"from a url"));
    let entry = &server.requests()[0];
    assert_eq!((entry.operation, entry.key.as_deref()), ("PutObject", Some("a key")));
    assert_eq!((entry.status, entry.bytes_in, entry.bytes_out), (Some(200), 10, 0));
}

#[test]
fn a_hundred_thousand_objects_are_there_quickly() {
    let server = server();
    let started = std::time::Instant::now();
    server.put_many(BUCKET, (0..100_000).map(|number| (format!("key-{number:06}"), "x".into())));
    assert_eq!(server.keys(BUCKET).len(), 100_000);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[tokio::test]
async fn large_bodies_pass_with_fast_etags() {
    let server = Server::start(Options { fast_etags: true, ..Options::with_bucket(BUCKET) });
    let client = client(&server);
    let body =
        bytes::Bytes::from((0..20_000_000_u32).map(|number| number as u8).collect::<Vec<u8>>());
    let put = client.put_object().bucket(BUCKET).key("key").body(ByteStream::from(body.clone()));
    put.send().await.expect("put");
    let get = client.get_object().bucket(BUCKET).key("key").send().await.expect("get");
    assert_eq!(get.body.collect().await.expect("a body").into_bytes(), body);
    assert_eq!(server.requests()[1].bytes_out, 20_000_000);
    let again = client.put_object().bucket(BUCKET).key("key").body(ByteStream::from(body));
    let etag = again.send().await.expect("put").e_tag().map(str::to_owned);
    assert_eq!(etag.map(|etag| etag.len()), Some(34));
}
