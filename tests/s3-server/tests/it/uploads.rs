//! Uploads in parts.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use s3_test_server::{Options, Server};

use crate::support::{BUCKET, client, code, server, status};

const KEY: &str = "large";

async fn create(client: &Client) -> String {
    let upload = client.create_multipart_upload().bucket(BUCKET).key(KEY).metadata("a", "b");
    upload.send().await.expect("created").upload_id().expect("an id").to_owned()
}

async fn upload(client: &Client, id: &str, number: i32, body: &str) -> CompletedPart {
    let part = client.upload_part().bucket(BUCKET).key(KEY).upload_id(id).part_number(number);
    let part = part.body(body.as_bytes().to_vec().into()).send().await.expect("uploaded");
    let etag = part.e_tag().expect("an etag");
    CompletedPart::builder().part_number(number).e_tag(etag).build()
}

fn complete(
    client: &Client,
    id: &str,
    parts: &[CompletedPart],
) -> aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder
{
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec())).build();
    let request = client.complete_multipart_upload().bucket(BUCKET).key(KEY);
    request.upload_id(id).multipart_upload(parts)
}

#[tokio::test]
async fn parts_become_an_object() {
    let server = server();
    let client = client(&server);
    let id = create(&client).await;
    assert_eq!(
        server.uploads(BUCKET)[0].attributes.metadata.get("a").map(String::as_str),
        Some("b")
    );
    // In any order, and one of them twice.
    let third = upload(&client, &id, 7, "three").await;
    upload(&client, &id, 1, "wrong").await;
    let first = upload(&client, &id, 1, "one").await;
    let second = upload(&client, &id, 2, "two").await;
    let listed =
        client.list_parts().bucket(BUCKET).key(KEY).upload_id(&id).send().await.expect("parts");
    assert_eq!(listed.parts().len(), 3);
    let listed = client.list_multipart_uploads().bucket(BUCKET).send().await.expect("uploads");
    assert_eq!(listed.uploads()[0].upload_id(), Some(id.as_str()));
    assert!(server.get(BUCKET, KEY).is_none());

    let wrong = CompletedPart::builder().part_number(2).e_tag("\"00\"").build();
    for (parts, expected) in [
        (vec![first.clone(), wrong], "InvalidPart"),
        (vec![second.clone(), first.clone()], "InvalidPartOrder"),
        (vec![], "MalformedXML"),
    ] {
        let refused = complete(&client, &id, &parts).send().await.expect_err("refused");
        assert_eq!(code(&refused), expected);
    }
    let done = complete(&client, &id, &[first.clone(), second, third]).if_none_match("*");
    let done = done.send().await.expect("completed");
    assert!(done.e_tag().is_some_and(|etag| etag.ends_with("-3\"")));
    let stored = server.get(BUCKET, KEY).expect("stored");
    assert_eq!((stored.text().as_str(), stored.metadata("a")), ("onetwothree", Some("b")));
    assert!(server.uploads(BUCKET).is_empty());
    let again = complete(&client, &id, &[first]).send().await.expect_err("gone");
    assert_eq!((code(&again).as_str(), status(&again)), ("NoSuchUpload", 404));

    let part =
        client.get_object().bucket(BUCKET).key(KEY).part_number(2).send().await.expect("a part");
    assert_eq!(part.parts_count(), Some(3));
    assert_eq!(part.content_range(), Some("bytes 3-5/11"));
    assert_eq!(part.body.collect().await.expect("a body").into_bytes(), "two");
}

#[tokio::test]
async fn completion_is_conditional_and_abort_forgets() {
    let server = server();
    let client = client(&server);
    server.put(BUCKET, KEY, "old", &[]);
    let id = create(&client).await;
    let parts = [upload(&client, &id, 1, "new").await];
    let refused =
        complete(&client, &id, &parts).if_none_match("*").send().await.expect_err("refused");
    assert_eq!((code(&refused).as_str(), status(&refused)), ("PreconditionFailed", 412));
    let refused =
        complete(&client, &id, &parts).if_match("\"x\"").send().await.expect_err("refused");
    assert_eq!(status(&refused), 412);
    assert_eq!(server.get(BUCKET, KEY).expect("there").text(), "old");
    let abort = client.abort_multipart_upload().bucket(BUCKET).key(KEY).upload_id(&id);
    abort.clone().send().await.expect("aborted");
    assert!(server.uploads(BUCKET).is_empty());
    assert_eq!(code(&abort.send().await.expect_err("gone")), "NoSuchUpload");
}

#[tokio::test]
async fn a_server_may_ignore_the_condition_of_a_completion() {
    let server = Server::start(Options {
        ignore_complete_conditions: true,
        min_part_size: 4,
        ..Options::with_bucket(BUCKET)
    });
    let client = client(&server);
    server.put(BUCKET, KEY, "old", &[]);
    let id = create(&client).await;
    let parts = [upload(&client, &id, 1, "too").await, upload(&client, &id, 2, "small").await];
    let refused = complete(&client, &id, &parts).send().await.expect_err("refused");
    assert_eq!(code(&refused), "EntityTooSmall");
    let parts = [upload(&client, &id, 1, "new ").await, upload(&client, &id, 2, "it").await];
    complete(&client, &id, &parts).if_none_match("*").send().await.expect("ignored");
    assert_eq!(server.get(BUCKET, KEY).expect("there").text(), "new it");
    let put = client.put_object().bucket(BUCKET).key(KEY).if_none_match("*");
    assert_eq!(status(&put.send().await.expect_err("refused")), 412);
}

#[tokio::test]
async fn parts_can_be_copied() {
    let server = server();
    let client = client(&server);
    server.put(BUCKET, "from", "0123456789", &[]);
    let etag = server.get(BUCKET, "from").expect("there").etag;
    let id = create(&client).await;
    let copy = |number: i32| {
        let copy = client.upload_part_copy().bucket(BUCKET).key(KEY).upload_id(&id);
        copy.part_number(number).copy_source(format!("{BUCKET}/from"))
    };
    let refused = copy(1).copy_source_if_match("\"x\"").send().await.expect_err("refused");
    assert_eq!(status(&refused), 412);
    let refused = copy(1).copy_source_range("bytes=5-10").send().await.expect_err("refused");
    assert_eq!(code(&refused), "InvalidArgument");
    let mut parts = Vec::new();
    for (number, range) in [(1, "bytes=5-9"), (2, "bytes=0-1")] {
        let copied = copy(number).copy_source_if_match(&etag).copy_source_range(range);
        let copied = copied.send().await.expect("copied");
        let etag =
            copied.copy_part_result().and_then(|part| part.e_tag()).expect("an etag").to_owned();
        parts.push(CompletedPart::builder().part_number(number).e_tag(etag).build());
    }
    complete(&client, &id, &parts).send().await.expect("completed");
    assert_eq!(server.get(BUCKET, KEY).expect("there").text(), "5678901");
}

#[tokio::test]
async fn checksums_of_parts_and_of_the_whole() {
    let server = server();
    let client = client(&server);
    for (algorithm, kind, suffix) in [
        (ChecksumAlgorithm::Sha256, ChecksumType::Composite, true),
        (ChecksumAlgorithm::Crc32, ChecksumType::Composite, true),
        (ChecksumAlgorithm::Crc32, ChecksumType::FullObject, false),
        (ChecksumAlgorithm::Crc64Nvme, ChecksumType::FullObject, false),
    ] {
        let create = client.create_multipart_upload().bucket(BUCKET).key(KEY);
        let create = create.checksum_algorithm(algorithm.clone()).checksum_type(kind.clone());
        let id = create.send().await.expect("created").upload_id().expect("an id").to_owned();
        let mut parts = Vec::new();
        for (number, body) in [(1, "hel"), (2, "lo")] {
            let part =
                client.upload_part().bucket(BUCKET).key(KEY).upload_id(&id).part_number(number);
            let part =
                part.checksum_algorithm(algorithm.clone()).body(body.as_bytes().to_vec().into());
            let part = part.send().await.expect("uploaded");
            let completed = CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.e_tag().map(str::to_owned))
                .set_checksum_sha256(part.checksum_sha256().map(str::to_owned))
                .set_checksum_crc32(part.checksum_crc32().map(str::to_owned))
                .set_checksum_crc64_nvme(part.checksum_crc64_nvme().map(str::to_owned))
                .build();
            parts.push(completed);
        }
        complete(&client, &id, &parts).send().await.expect("completed");
        let stored = server.get(BUCKET, KEY).expect("stored");
        let (_, value) = stored.checksums.iter().next().expect("a checksum");
        assert_eq!(value.ends_with("-2"), suffix);
        assert_eq!(stored.checksums.kind.as_deref(), Some(kind.as_str()));
        if (algorithm, kind) == (ChecksumAlgorithm::Crc32, ChecksumType::FullObject) {
            assert_eq!(value, "NhCmhg==");
        }
    }
}
