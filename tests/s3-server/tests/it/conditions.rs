//! Conditions, alone and under races.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use crate::support::{BUCKET, at_once, client, code, server, status};
use s3_test_server::{Options, Server};

#[tokio::test]
async fn of_sixteen_puts_one_wins_a_hundred_times() {
    let server = server();
    let client = client(&server);
    for round in 0..100 {
        let key = format!("round-{round}");
        let results = at_once(16, |number| {
            let (client, key) = (client.clone(), key.clone());
            Box::pin(async move {
                let body = format!("writer {number}").into_bytes();
                let put = client.put_object().bucket(BUCKET).key(key).if_none_match("*");
                put.body(body.into()).send().await.map(|_| number)
            })
        })
        .await;
        let winners: Vec<usize> = results.iter().flatten().copied().collect();
        assert_eq!(winners.len(), 1, "round {round}");
        let object = server.get(BUCKET, &key).expect("stored");
        assert_eq!(object.text(), format!("writer {}", winners[0]));
        for loser in results.iter().filter_map(|result| result.as_ref().err()) {
            assert_eq!((code(loser).as_str(), status(loser)), ("PreconditionFailed", 412));
        }
    }
}

#[tokio::test]
async fn compare_and_swap_loses_nothing() {
    let server = server();
    let client = client(&server);
    server.put(BUCKET, "counter", "0", &[]);
    at_once(8, |_| {
        let client = client.clone();
        Box::pin(async move {
            let mut done = 0;
            while done < 10 {
                let read =
                    client.get_object().bucket(BUCKET).key("counter").send().await.expect("there");
                let etag = read.e_tag().expect("an etag").to_owned();
                let bytes = read.body.collect().await.expect("a body").into_bytes();
                let count: u32 = String::from_utf8_lossy(&bytes).parse().expect("a number");
                let put = client.put_object().bucket(BUCKET).key("counter").if_match(etag);
                let put = put.body((count + 1).to_string().into_bytes().into()).send().await;
                done += usize::from(put.is_ok());
            }
        })
    })
    .await;
    assert_eq!(server.get(BUCKET, "counter").expect("there").text(), "80");
}

#[tokio::test]
async fn of_eight_completions_one_wins() {
    let server = server();
    let client = client(&server);
    for round in 0..25 {
        let key = format!("round-{round}");
        let results = at_once(8, |_| {
            let (client, key) = (client.clone(), key.clone());
            Box::pin(async move {
                let create = client.create_multipart_upload().bucket(BUCKET).key(&key);
                let upload = create.send().await.expect("created");
                let id = upload.upload_id().expect("an id").to_owned();
                let part =
                    client.upload_part().bucket(BUCKET).key(&key).upload_id(&id).part_number(1);
                let part = part.body(b"part".to_vec().into()).send().await.expect("uploaded");
                let part = CompletedPart::builder()
                    .part_number(1)
                    .e_tag(part.e_tag().expect("an etag"))
                    .build();
                let complete = client.complete_multipart_upload().bucket(BUCKET).key(&key);
                let complete = complete.upload_id(id).if_none_match("*");
                let parts = CompletedMultipartUpload::builder().parts(part).build();
                complete.multipart_upload(parts).send().await.is_ok()
            })
        })
        .await;
        assert_eq!(results.iter().filter(|won| **won).count(), 1);
    }
    assert_eq!(server.uploads(BUCKET).len(), 25 * 7, "a refused upload can be tried again");
}

#[tokio::test]
async fn a_write_asks_for_what_is_there() {
    let server = server();
    let client = client(&server);
    let put = |key: &str| client.put_object().bucket(BUCKET).key(key).body(b"new".to_vec().into());
    let missing = put("missing").if_match("\"abc\"").send().await.expect_err("refused");
    assert_eq!((code(&missing).as_str(), status(&missing)), ("NoSuchKey", 404));
    let etag = put("there").send().await.expect("put").e_tag().expect("an etag").to_owned();
    let other = put("there").if_match("\"abc\"").send().await.expect_err("refused");
    assert_eq!((code(&other).as_str(), status(&other)), ("PreconditionFailed", 412));
    put("there").if_match(etag.trim_matches('"')).send().await.expect("unquoted will do");
    let named = put("there").if_none_match("\"abc\"").send().await.expect_err("refused");
    assert_eq!(status(&named), 501);
    let delete = client.delete_object().bucket(BUCKET).key("there");
    let refused = delete.clone().if_match("\"abc\"").send().await.expect_err("refused");
    assert_eq!(status(&refused), 412);
    delete.if_match(etag).send().await.expect("deleted");
    assert!(server.keys(BUCKET).is_empty());
}

#[tokio::test]
async fn a_read_asks_for_what_it_knows() {
    let server = server();
    let client = client(&server);
    server.put(BUCKET, "key", "bytes", &[]);
    let etag = server.get(BUCKET, "key").expect("there").etag;
    let get = || client.get_object().bucket(BUCKET).key("key");
    assert_eq!(status(&get().if_none_match(&etag).send().await.expect_err("not modified")), 304);
    assert_eq!(status(&get().if_match("\"other\"").send().await.expect_err("refused")), 412);
    get().if_match(&etag).send().await.expect("read");
    get().if_none_match("\"other\"").send().await.expect("read");
    let head = client.head_object().bucket(BUCKET).key("key").if_none_match(&etag);
    assert_eq!(status(&head.send().await.expect_err("not modified")), 304);
}

#[tokio::test]
async fn a_copy_asks_on_both_sides() {
    let server = server();
    let client = client(&server);
    server.put(BUCKET, "from", "bytes", &[("a", "b")]);
    server.put(BUCKET, "to", "old", &[]);
    let etag = server.get(BUCKET, "from").expect("there").etag;
    let old = server.get(BUCKET, "to").expect("there").etag;
    let copy = |to: &str| {
        client.copy_object().bucket(BUCKET).key(to).copy_source(format!("{BUCKET}/from"))
    };
    let refused = copy("to").copy_source_if_match("\"x\"").send().await.expect_err("refused");
    assert_eq!((code(&refused).as_str(), status(&refused)), ("PreconditionFailed", 412));
    let refused = copy("to").copy_source_if_none_match(&etag).send().await.expect_err("refused");
    assert_eq!(status(&refused), 412);
    let refused = copy("to").if_none_match("*").send().await.expect_err("refused");
    assert_eq!(status(&refused), 412);
    let refused = copy("to").if_match("\"x\"").send().await.expect_err("refused");
    assert_eq!(status(&refused), 412);
    assert_eq!(server.get(BUCKET, "to").expect("there").text(), "old");
    copy("to").if_match(old).copy_source_if_match(etag).send().await.expect("copied");
    copy("new").if_none_match("*").send().await.expect("copied");
    assert_eq!(server.get(BUCKET, "to").expect("there").metadata("a"), Some("b"));
    assert_eq!(server.get(BUCKET, "new").expect("there").text(), "bytes");
}

#[tokio::test]
async fn a_server_may_ignore_conditions() {
    let server = Server::start(Options { ignore_conditions: true, ..Options::with_bucket(BUCKET) });
    let client = client(&server);
    for body in ["one", "two"] {
        let put = client.put_object().bucket(BUCKET).key("key").if_none_match("*");
        put.body(body.as_bytes().to_vec().into()).send().await.expect("put");
    }
    let put = client.put_object().bucket(BUCKET).key("other").if_match("\"x\"");
    put.send().await.expect("put");
    assert_eq!(server.get(BUCKET, "key").expect("there").text(), "two");
}
