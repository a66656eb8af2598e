//! What cannot work is said in one line, with a hint; and what opens the door does.

use crate::support::{BUCKET, Embedded, Resource, Run, Tree, commit};
use s3_test_server::{Action, Deny, Fault, WrongRegion};
use serde_json::json;

/// Runs all three programs, each of which must fail the same way.
fn all_three(resource: &Resource) -> Vec<Run> {
    let version = json!({"commit": commit(1)});
    let got = resource.get(&version, json!({}));
    got.nothing_but_an_error();
    vec![resource.check(None), got.run, resource.publish(&commit(1), &Tree::of("a", "a"))]
}

fn fails(resource: &Resource, error: &str, hint: &str) {
    for run in all_three(resource) {
        let (what, todo) = run.failure();
        assert!(what.contains(error), "{what}");
        assert!(todo.contains(hint), "{todo}");
        assert_eq!(run.retries(), 0, "{}", run.stderr);
    }
}

#[test]
fn a_wrong_key_is_said() {
    let server = Embedded::new();
    let wrong = server.resource().set("secret_access_key", "wrong");
    fails(&wrong, "SignatureDoesNotMatch", "`secret_access_key`");
    let unknown = server.resource().set("access_key_id", "unknown");
    fails(&unknown, "InvalidAccessKeyId", "`access_key_id`");
    let anonymous = server.resource().unset("secret_access_key").unset("access_key_id");
    fails(&anonymous, "AccessDenied", "nobody signed the request: give `access_key_id`");
}

#[test]
fn a_missing_bucket_is_said() {
    let server = Embedded::new();
    fails(&server.resource().set("bucket", "nowhere"), "NoSuchBucket", "`nowhere`");
}

#[test]
fn a_forbidden_action_is_named() {
    let server = Embedded::new();
    let version = server.resource().publish(&commit(1), &Tree::of("a", "a")).version();
    for (operation, action) in [
        ("GetObject", "s3:GetObject"),
        ("PutObject", "s3:PutObject"),
        ("ListObjectsV2", "s3:ListBucket"),
    ] {
        server.deny(Deny::all().on(operation));
        let out = server.resource().publish(&commit(2), &Tree::of("a", "a"));
        let (error, hint) = out.failure();
        assert!(error.contains(operation) && error.contains("AccessDenied"), "{error}");
        assert!(hint.contains(action), "{hint}");
        if operation == "GetObject" {
            server.resource().check(None).failure();
            server.resource().get(&version, json!({})).nothing_but_an_error();
        }
        server.clear_denies();
    }
    server.deny(Deny::all().on("HeadObject"));
    let (error, hint) = server.resource().check(Some(&version)).failure();
    assert!(error.contains("HeadObject") && hint.contains("s3:GetObject"), "{error} {hint}");
}

#[test]
fn a_wrong_region_is_said() {
    for wrong_region in [WrongRegion::Malformed, WrongRegion::Redirect] {
        let server = Embedded::with(|options| {
            options.region = Some("eu-central-1".to_owned());
            options.wrong_region = wrong_region;
        });
        let resource = server.resource();
        for run in all_three(&resource) {
            let (_, hint) = run.failure();
            assert!(hint.contains("eu-central-1") && hint.contains("region_name"), "{hint}");
        }
        let right = resource.set("region_name", "eu-central-1");
        right.publish(&commit(1), &Tree::of("a", "a")).version();
    }
}

#[test]
fn an_answer_is_never_told_as_no_answer() {
    let server = Embedded::new();
    for (status, code) in [(400, "InvalidTag"), (400, "Whatever"), (405, "MethodNotAllowed")] {
        server.fault(Fault::new(Action::Status(status, code)).on("PutObject"));
        let run = server.resource().publish(&commit(1), &Tree::of("a", "a"));
        let (error, hint) = run.failure();
        assert!(error.contains(code) && !hint.contains("cannot be reached"), "{error}\n{hint}");
    }
}

#[test]
fn an_unreachable_server_is_said() {
    let endpoint = Embedded::new().endpoint();
    let gone = Embedded::new().resource().set("endpoint", endpoint.as_str());
    let run = gone.check(None);
    let (_, hint) = run.failure();
    assert!(hint.contains(&endpoint) && hint.contains("cannot be reached"), "{hint}");
    assert!(run.retries() > 0, "{}", run.stderr);
}

#[test]
fn a_certificate_is_trusted_only_when_it_is_named() {
    let server = Embedded::with(|options| options.tls = true);
    let resource = server.resource();
    for run in all_three(&resource) {
        let (error, hint) = run.failure();
        assert!(hint.contains("ca_bundle"), "{error}\n{hint}");
    }
    let pem = server.ca_pem().expect("a certificate");
    let bundled = resource.clone().set("ca_bundle", pem);
    let tree = Tree::of("a", "a");
    let version = bundled.publish(&commit(1), &tree).version();
    assert_eq!(bundled.get(&version, json!({})).assets(), tree);
    let skipping = resource.clone().set("skip_ssl_verification", true);
    assert_eq!(skipping.get(&version, json!({})).assets(), tree);
    let host_only = server.endpoint().trim_start_matches("https://").to_owned();
    assert_eq!(bundled.clone().set("endpoint", host_only).versions(None), [version]);
    let other = Embedded::with(|options| options.tls = true);
    let wrong = resource.clone().set("ca_bundle", other.ca_pem().expect("a certificate"));
    wrong.check(None).failure();
    let (error, _) = resource.set("ca_bundle", "not PEM").check(None).failure();
    assert!(error.contains("ca_bundle"), "{error}");
}

#[test]
fn a_scheme_is_chosen_by_disable_ssl() {
    let server = Embedded::new();
    let host = server.endpoint().trim_start_matches("http://").to_owned();
    let resource = server.resource().set("endpoint", host).set("disable_ssl", "true");
    assert!(resource.versions(None).is_empty());
}

#[test]
fn a_public_bucket_needs_no_key() {
    let server = Embedded::new();
    let tree = Tree::of("a", "a");
    let version = server.resource().publish(&commit(1), &tree).version();
    server.set_public(BUCKET, true);
    let anonymous = server.resource().unset("secret_access_key").unset("access_key_id");
    let anonymous = anonymous.env("AWS_ACCESS_KEY_ID", "ours").env("AWS_SECRET_ACCESS_KEY", "not");
    server.reset_requests();
    assert_eq!(anonymous.versions(Some(&version)), [version.clone()]);
    assert_eq!(anonymous.get(&version, json!({})).assets(), tree);
    assert!(server.requests().iter().all(|it| it.header("authorization").is_none()));
    anonymous.publish(&commit(2), &tree).failure();
}

#[test]
fn the_standard_chain_reads_the_environment() {
    let server = Embedded::new();
    let bare = server.resource().unset("secret_access_key").unset("access_key_id");
    let chain =
        bare.set("enable_aws_creds_provider", true).env("AWS_EC2_METADATA_DISABLED", "true");
    let keys = chain
        .clone()
        .env("AWS_ACCESS_KEY_ID", server.access_key())
        .env("AWS_SECRET_ACCESS_KEY", server.secret_key());
    let tree = Tree::of("a", "a");
    let version = keys.publish(&commit(1), &tree).version();
    assert_eq!(keys.get(&version, json!({})).assets(), tree);
    let (error, hint) = chain.check(None).failure();
    assert!(hint.contains("credentials"), "{error}\n{hint}");
}

#[test]
fn what_cannot_be_sent_is_refused_wherever_it_comes_from() {
    let server = Embedded::new();
    for (key, value) in [
        ("access_key_id", "id\n"),
        ("secret_access_key", "hunter2\r"),
        ("session_token", "hunter2 \u{e9}"),
        ("region_name", "eu-west-1\n"),
        ("region_name", "x@elsewhere/"),
        ("aws_role_arn", "arn:aws:iam::1:role/r\n"),
        ("aws_role_external_id", "x\ny"),
        ("server_side_encryption", "aws:kms\n"),
        ("prefix", "team\n"),
        ("bucket", "assets\n"),
        ("endpoint", "http://s3\u{e9}.example.com"),
    ] {
        let resource = server.resource().set(key, value);
        for run in all_three(&resource) {
            let (error, _) = run.failure();
            assert!(error.contains(key.rsplit('.').next().expect("a key")), "{key}: {error}");
            assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
        }
    }
    let bare = server.resource().unset("secret_access_key").unset("access_key_id");
    let chain = bare.set("enable_aws_creds_provider", true);
    let chain = chain.env("AWS_EC2_METADATA_DISABLED", "true");
    for (id, secret, token) in [
        ("id\n", "hunter2", "a-token"),
        ("i\u{e9}d", "hunter2", "a-token"),
        ("id", "hunter2\n", "a-token"),
        ("id", "hunter2", "to\nken"),
    ] {
        let resource = chain
            .clone()
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_SESSION_TOKEN", token);
        for run in all_three(&resource) {
            let (error, hint) = run.failure();
            assert!(error.contains("not sent") && hint.contains("line end"), "{error}\n{hint}");
            assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
        }
    }
}
