//! Signatures, regions, roles, deny rules, https.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use s3_test_server::{Deny, Options, Server, WrongRegion};

use crate::support::{
    BUCKET, client, code, config, presigning, send, send_raw, server, sign, status, target,
};

fn client_with(server: &Server, key: &str, secret: &str, token: Option<String>) -> Client {
    let credentials = Credentials::new(key, secret, token, None, "test");
    let provider = SharedCredentialsProvider::new(credentials);
    Client::from_conf(config(server, "us-east-1").credentials_provider(provider).build())
}

#[tokio::test]
async fn signatures_are_checked() {
    let server = server();
    let put =
        |client: &Client| client.put_object().bucket(BUCKET).key("key").body(b"x".to_vec().into());
    let wrong = client_with(&server, server.access_key(), "wrong", None);
    assert_eq!(code(&put(&wrong).send().await.expect_err("refused")), "SignatureDoesNotMatch");
    let unknown = client_with(&server, "unknown", server.secret_key(), None);
    assert_eq!(code(&put(&unknown).send().await.expect_err("refused")), "InvalidAccessKeyId");
    assert!(server.keys(BUCKET).is_empty());
}

#[test]
fn the_body_must_be_the_signed_one() {
    let server = server();
    let headers = || sign(&server, "s3", "PUT", "/assets/key", b"signed");
    let answer = send_raw(&server, "PUT", "/assets/key", &headers(), b"forged");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("XAmzContentSHA256Mismatch"),
        "{answer}"
    );
    assert!(server.keys(BUCKET).is_empty());
    let answer = send_raw(&server, "PUT", "/assets/key", &headers(), b"signed");
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn only_public_buckets_are_read_without_a_signature() {
    let server = server();
    server.put(BUCKET, "key", "public", &[]);
    let get = || send_raw(&server, "GET", "/assets/key", "", b"");
    assert!(get().starts_with(b"HTTP/1.1 403"));
    server.set_public(BUCKET, true);
    assert!(get().ends_with(b"public"));
    assert!(send_raw(&server, "PUT", "/assets/key", "", b"x").starts_with(b"HTTP/1.1 403"));
    assert!(send_raw(&server, "DELETE", "/assets/key", "", b"").starts_with(b"HTTP/1.1 403"));
}

#[tokio::test]
async fn another_region_is_refused_with_the_right_one() {
    for (wrong_region, expected) in [
        (WrongRegion::Malformed, ("AuthorizationHeaderMalformed", 400)),
        (WrongRegion::Redirect, ("PermanentRedirect", 301)),
    ] {
        let server = Server::start(Options {
            region: Some("eu-central-1".to_owned()),
            wrong_region,
            ..Options::with_bucket(BUCKET)
        });
        let there = Client::from_conf(config(&server, "eu-central-1").build());
        there.list_objects_v2().bucket(BUCKET).send().await.expect("listed");
        let located = there.get_bucket_location().bucket(BUCKET).send().await.expect("located");
        assert_eq!(
            located.location_constraint().map(|region| region.as_str()),
            Some("eu-central-1")
        );
        let refused =
            client(&server).list_objects_v2().bucket(BUCKET).send().await.expect_err("refused");
        assert_eq!((code(&refused).as_str(), status(&refused)), expected);
        let response = refused.raw_response().expect("a response");
        assert_eq!(response.headers().get("x-amz-bucket-region"), Some("eu-central-1"));
    }
}

#[tokio::test]
async fn denied_requests() {
    let server = server();
    let client = client(&server);
    server.put(BUCKET, "open/key", "x", &[]);
    server.put(BUCKET, "secret/key", "x", &[]);
    server.deny(Deny::all().on("PutObject").key_contains("secret/"));
    server.deny(Deny::all().on("DeleteObject").key("open/key"));
    let put = |key: &str| client.put_object().bucket(BUCKET).key(key).body(b"y".to_vec().into());
    let refused = put("secret/new").send().await.expect_err("refused");
    assert_eq!((code(&refused).as_str(), status(&refused)), ("AccessDenied", 403));
    put("open/key").send().await.expect("put");
    client.get_object().bucket(BUCKET).key("secret/key").send().await.expect("read");
    let delete = client.delete_object().bucket(BUCKET).key("open/key");
    assert_eq!(status(&delete.clone().send().await.expect_err("refused")), 403);
    server.clear_denies();
    delete.send().await.expect("deleted");
    // A refusal reaches a client that is still sending.
    server.deny(Deny::all().on("PutObject"));
    let large = client.put_object().bucket(BUCKET).key("large").body(vec![0; 8_000_000].into());
    assert_eq!(status(&large.send().await.expect_err("refused")), 403);
}

#[tokio::test]
async fn keys_that_are_not_in_the_address_can_be_denied() {
    let server = Server::start(Options {
        deny: vec![
            Deny::all().on("DeleteObject").key("kept"),
            Deny::all().on("GetObject").key("kept"),
            Deny::all().on("ListObjectsV2").key_contains("secret/"),
        ],
        public_buckets: vec!["open".to_owned()],
        ..Options::with_bucket(BUCKET)
    });
    let client = client(&server);
    server.put_many(BUCKET, ["kept", "other"].map(|key| (key, "x".into())));
    let name = |key: &str| ObjectIdentifier::builder().key(key).build().expect("a key");
    let delete = Delete::builder().objects(name("kept")).objects(name("other")).build();
    let request = client.delete_objects().bucket(BUCKET).delete(delete.expect("keys"));
    let done = request.send().await.expect("answered");
    assert_eq!(done.errors()[0].code(), Some("AccessDenied"));
    assert_eq!(server.keys(BUCKET), ["kept"]);
    let copy =
        client.copy_object().bucket(BUCKET).key("copy").copy_source(format!("{BUCKET}/kept"));
    assert_eq!(code(&copy.send().await.expect_err("refused")), "AccessDenied");
    let list = client.list_objects_v2().bucket(BUCKET);
    list.clone().prefix("secret/").send().await.expect_err("refused");
    list.send().await.expect("listed");
    server.put("open", "key", "public", &[]);
    assert!(send_raw(&server, "GET", "/open/key", "", b"").ends_with(b"public"));
}

#[tokio::test]
async fn buckets() {
    let server = server();
    let client = client(&server);
    client.create_bucket().bucket("second").send().await.expect("made");
    let again = client.create_bucket().bucket("second").send().await.expect_err("refused");
    assert_eq!(code(&again), "BucketAlreadyOwnedByYou");
    let all = client.list_buckets().send().await.expect("listed");
    let names: Vec<_> = all.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert_eq!(names, [BUCKET, "second"]);
    let head = client.head_bucket().bucket("second").send().await.expect("there");
    assert_eq!(head.bucket_region(), Some("us-east-1"));
    server.put("second", "key", "x", &[]);
    let delete = client.delete_bucket().bucket("second");
    assert_eq!(code(&delete.clone().send().await.expect_err("refused")), "BucketNotEmpty");
    assert!(server.remove("second", "key"));
    delete.send().await.expect("deleted");
    assert!(!server.has_bucket("second"));
    assert_eq!(status(&client.head_bucket().bucket("second").send().await.expect_err("gone")), 404);
}

#[tokio::test]
async fn a_role_gives_credentials_that_expire() {
    let server = Server::start(Options {
        session_duration: Some(Duration::from_secs(600)),
        ..Options::with_bucket(BUCKET)
    });
    // A signed POST to the root, made from the only kind of POST that the SDK can sign.
    let form = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fci\
                &RoleSessionName=build&ExternalId=ext&DurationSeconds=900";
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    let unsigned = send_raw(&server, "POST", "/", kind, form.as_bytes());
    assert!(unsigned.starts_with(b"HTTP/1.1 403"), "{}", String::from_utf8_lossy(&unsigned));
    assert!(server.assumed_roles().is_empty());
    let signed = sign(&server, "sts", "POST", "/", form.as_bytes());
    let answer = send_raw(&server, "POST", "/", &format!("{kind}{signed}"), form.as_bytes());
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let field = |name: &str| {
        let (_, rest) = answer.split_once(&format!("<{name}>")).expect(name);
        rest.split('<').next().unwrap_or_default().to_owned()
    };
    let role = &server.assumed_roles()[0];
    assert_eq!(role.role_arn, "arn:aws:iam::1:role/ci");
    assert_eq!((role.session_name.as_str(), role.external_id.as_deref()), ("build", Some("ext")));
    assert_eq!(role.asked_by, server.access_key());
    assert_eq!(server.requests_of("AssumeRole").len(), 2);

    let (key, secret) = (field("AccessKeyId"), field("SecretAccessKey"));
    let client = client_with(&server, &key, &secret, Some(field("SessionToken")));
    client.list_objects_v2().bucket(BUCKET).send().await.expect("listed");
    assert_eq!(server.requests().last().and_then(|entry| entry.access_key()), Some(key.clone()));
    let without = client_with(&server, &key, &secret, None);
    let refused = without.list_objects_v2().bucket(BUCKET).send().await.expect_err("refused");
    assert_eq!(code(&refused), "InvalidAccessKeyId");
    server.expire_sessions();
    let refused = client.list_objects_v2().bucket(BUCKET).send().await.expect_err("refused");
    assert_eq!((code(&refused).as_str(), status(&refused)), ("ExpiredToken", 400));
}

#[tokio::test]
async fn https_with_an_authority_of_its_own() {
    let server = Server::start(Options { tls: true, ..Options::with_bucket(BUCKET) });
    server.put(BUCKET, "key", "safe", &[]);
    let client = |store: TrustStore| {
        let context = TlsContext::builder().with_trust_store(store).build().expect("a context");
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context)
            .build_https();
        Client::from_conf(config(&server, "us-east-1").http_client(http).build())
    };
    let pem = server.ca_pem().expect("a certificate").as_bytes();
    let trusting = client(TrustStore::empty().with_pem_certificate(pem));
    let got = trusting.get_object().bucket(BUCKET).key("key").send().await.expect("read");
    assert_eq!(got.body.collect().await.expect("a body").into_bytes(), "safe");
    let other = client(TrustStore::empty());
    other.get_object().bucket(BUCKET).key("key").send().await.expect_err("not trusted");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn expired_urls_are_refused() {
    let server = server();
    let client = client(&server);
    server.put(BUCKET, "key", "bytes", &[]);
    let get = client
        .get_object()
        .bucket(BUCKET)
        .key("key")
        .presigned(presigning())
        .await
        .expect("signed");
    assert!(send(&server, &get, b"").starts_with(b"HTTP/1.1 200"));
    let changed = target(get.uri()).replace("X-Amz-Expires=60", "X-Amz-Expires=6000");
    assert!(send_raw(&server, "GET", &changed, "", b"").starts_with(b"HTTP/1.1 403"));
}
