//! Doors to a bucket other than its name: access points, AWS's other servers; and what every request
//! says of the bucket, whichever operation it is.

use crate::proxies::Proxy;
use crate::support::{Embedded, Resource, Tree};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

const OWNER: &str = "111122223333";
const ROLE: &str = "arn:aws:iam::123456789012:role/assets";

fn point(region: &str) -> String {
    format!("arn:aws:s3:{region}:123456789012:accesspoint/assets")
}

fn round_trip(resource: &Resource) {
    let (tree, same) = (Tree::of("a", "a").with("large.bin", vec![3; 17 << 20]), "c".repeat(64));
    let resource = resource.clone().artifacts("code_hash", "src/**");
    let checkout = crate::support::Checkout::of(&Tree::of("src/a", &*same));
    checkout.input("assets", &tree);
    let params = json!({"repository": "repo", "directory": "assets"});
    let version = resource.put(checkout.inputs(), &params).version();
    assert_eq!(resource.versions(None), [version.clone()]);
    assert!(resource.get(&version, json!({})).assets() == tree);
    // Out of the cache: copied inside S3.
    checkout.commit("the same code");
    let copied = resource.put(checkout.inputs(), &params).version();
    assert_eq!(copied["code_hash"], version["code_hash"]);
}

#[test]
fn an_access_point_is_a_bucket() {
    let server = Embedded::new();
    let proxy = Proxy::to(&server);
    let resource = server
        .resource()
        .set("bucket", point("eu-west-2"))
        .unset("use_path_style")
        .set("endpoint", "http://s3.invalid:9000")
        .env("http_proxy", &proxy.url);
    round_trip(&resource);
    let asked = proxy.asked();
    let host = " http://assets-123456789012.s3.invalid:9000/";
    assert!(!asked.is_empty() && asked.iter().all(|it| it.contains(host)), "{asked:?}");
    let requests = server.requests();
    assert!(requests.iter().any(|it| it.operation == "CopyObject"));
    for request in requests {
        // A signature is of the region where the access point is.
        assert_eq!(request.signed_region().as_deref(), Some("eu-west-2"), "{request:?}");
        if let Some(source) = request.header("x-amz-copy-source") {
            let object = format!("{}/object/", point("eu-west-2"));
            assert!(source.starts_with(&object), "{source}");
        }
    }
    let direct = server.resource().artifacts("code_hash", "src/**");
    assert_eq!(direct.versions(None).len(), 1, "it is the same bucket");
}

#[test]
fn the_servers_of_aws_are_asked_by_their_names() {
    let server = Embedded::with(|options| options.tls = true);
    let proxy = Proxy::to(&server);
    for (keys, host) in [
        (json!({}), "assets.s3.eu-west-2.amazonaws.com"),
        (json!({"use_fips_endpoint": true}), "assets.s3-fips.eu-west-2.amazonaws.com"),
        (json!({"use_dualstack_endpoint": "true"}), "assets.s3.dualstack.eu-west-2.amazonaws.com"),
        (
            json!({"use_fips_endpoint": true, "use_dualstack_endpoint": true}),
            "assets.s3-fips.dualstack.eu-west-2.amazonaws.com",
        ),
        (
            json!({"bucket": point("us-west-2")}),
            "assets-123456789012.s3-accesspoint.us-west-2.amazonaws.com",
        ),
        (
            json!({"bucket": point("us-west-2"), "use_fips_endpoint": true}),
            "assets-123456789012.s3-accesspoint-fips.us-west-2.amazonaws.com",
        ),
    ] {
        let mut resource = server
            .resource()
            .unset("endpoint")
            .unset("use_path_style")
            .set("region_name", "eu-west-2")
            .set("skip_ssl_verification", true)
            .env("https_proxy", &proxy.url);
        for (key, value) in keys.as_object().expect("keys") {
            resource = resource.set(key, value.clone());
        }
        resource.check(None);
        let asked = proxy.asked();
        let line = format!("CONNECT {host}:443 ");
        assert!(!asked.is_empty() && asked.iter().all(|it| it.starts_with(&line)), "{asked:?}");
    }
}

/// Every operation that the tracks and the doctor ask for says whose the bucket must be, and who pays.
#[test]
fn every_request_says_whose_the_bucket_is_and_who_pays() {
    let server = Embedded::new();
    server.create_versioned_bucket("kept");
    let told = |resource: Resource| {
        resource.set("expected_bucket_owner", OWNER).set("request_payer", "requester")
    };
    round_trip(&told(server.resource()));
    let files = told(server.resource().unset("artifacts").set("bucket", "kept"));
    let versioned = files.clone().set("versioned_file", "f.txt").set("private", true);
    let inputs = crate::support::Inputs::of(&Tree::of("f.txt", "text"));
    let put = json!({"file": "assets/f.txt", "object_tags": {"a": "b"}});
    let version = versioned.put(inputs.path(), &put).version();
    assert_eq!(versioned.versions(None).len(), 1);
    let got = versioned.get(&version, json!({"download_tags": true}));
    got.run.json();
    let url = std::fs::read_to_string(got.path().join("url")).expect("a URL");
    for pair in ["x-amz-expected-bucket-owner=111122223333", "x-amz-request-payer=requester"] {
        assert!(url.contains(pair), "{url}");
    }
    assert!(url.contains("X-Amz-SignedHeaders=host&"), "a URL needs no header: {url}");
    assert!(files.clone().set("versioned_file", "nothing").versions(None).is_empty());
    let pattern = files.set("regexp", "f(.*).txt");
    assert_eq!(pattern.versions(None).len(), 1);
    let package = told(server.package("app"));
    package.put(inputs.path(), &json!({"file": "assets/f.txt", "tags": ["live"]})).version();
    doctor(&json!({"source": told(server.resource()).source}));

    let mut seen = BTreeSet::new();
    for request in server.requests() {
        seen.insert(request.operation);
        let header = |name: &str| request.header(name).map(str::to_owned);
        assert_eq!(header("x-amz-expected-bucket-owner").as_deref(), Some(OWNER), "{request:?}");
        assert_eq!(header("x-amz-request-payer").as_deref(), Some("requester"), "{request:?}");
        let of_source = header("x-amz-copy-source").map(|_| OWNER.to_owned());
        assert_eq!(header("x-amz-source-expected-bucket-owner"), of_source, "{request:?}");
    }
    let all = [
        "GetObject",
        "HeadObject",
        "PutObject",
        "CopyObject",
        "DeleteObject",
        "ListObjectsV2",
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
        "ListObjectVersions",
        "GetBucketVersioning",
        "GetObjectTagging",
    ];
    for operation in all {
        assert!(seen.contains(operation), "{operation} was not asked for: {seen:?}");
    }
}

/// Runs the doctor with a pipeline's request.
fn doctor(request: &Value) {
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_s3-asset"))
        .arg("doctor")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("runs");
    let mut input = doctor.stdin.take().expect("an input");
    input.write_all(request.to_string().as_bytes()).expect("written");
    drop(input);
    assert!(doctor.wait().expect("ends").success());
}

#[test]
fn the_owner_is_named_where_a_bucket_is_refused() {
    let server = Embedded::new();
    server.deny(s3_test_server::Deny::all());
    let (_, hint) = server.resource().set("expected_bucket_owner", OWNER).check(None).failure();
    assert!(hint.contains("not of account 111122223333"), "{hint}");
}

#[test]
fn a_token_of_the_pipeline_is_a_role() {
    let server = Embedded::new();
    let resource = server
        .resource()
        .unset("access_key_id")
        .unset("secret_access_key")
        .set("aws_role_arn", ROLE)
        .set("aws_role_session_name", "session")
        .set("aws_web_identity_token", "ey.JhbGciOi.JIUzI1NiJ9")
        .env("AWS_ENDPOINT_URL_STS", &server.endpoint());
    round_trip(&resource);
    let roles = server.assumed_roles();
    assert!(!roles.is_empty());
    for role in roles {
        assert_eq!((role.role_arn.as_str(), role.session_name.as_str()), (ROLE, "session"));
        assert_eq!(role.token.as_deref(), Some("ey.JhbGciOi.JIUzI1NiJ9"));
        assert_eq!(role.asked_by, "", "the token alone is the proof");
    }
    let denied = s3_test_server::Action::Status(400, "InvalidIdentityToken");
    server.fault(s3_test_server::Fault::new(denied).on("AssumeRole").always());
    let run = resource.check(None);
    let (error, hint) = run.failure();
    assert!(hint.contains("aws_web_identity_token"), "{error}\n{hint}");
    assert!(!run.stderr.contains("JhbGciOi"), "{}", run.stderr);
}
