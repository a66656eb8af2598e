//! A role is assumed, and assumed again while a long put runs.

use crate::support::{Embedded, Resource, Tree, commit};
use s3_test_server::{Action, Fault};
use serde_json::json;
use std::time::Duration;

const ARN: &str = "arn:aws:iam::123456789012:role/assets";

fn with_role(server: &Embedded) -> Resource {
    server.resource().set("aws_role_arn", ARN).env("AWS_ENDPOINT_URL_STS", &server.endpoint())
}

#[test]
fn a_role_is_assumed_with_its_external_id_and_session_name() {
    let server = Embedded::new();
    let resource = with_role(&server)
        .set("aws_role_external_id", "external")
        .set("aws_role_session_name", "session");
    let tree = Tree::of("a", "a");
    let version = resource.publish(&commit(1), &tree).version();
    assert_eq!(resource.get(&version, json!({})).assets(), tree);
    let roles = server.assumed_roles();
    assert_eq!(roles.len(), 2, "once a process");
    for role in roles {
        assert_eq!(role.role_arn, ARN);
        assert_eq!(role.external_id.as_deref(), Some("external"));
        assert_eq!(role.session_name, "session");
        assert_eq!(role.asked_by, server.access_key());
    }
    let by_server = server.access_key().to_owned();
    let s3 = server.requests().into_iter().filter(|it| it.operation != "AssumeRole");
    assert!(s3.map(|it| it.access_key()).all(|key| key.is_some_and(|key| key != by_server)));
}

#[test]
fn a_role_is_assumed_with_the_environments_keys() {
    let server = Embedded::new();
    let resource = with_role(&server)
        .unset("access_key_id")
        .unset("secret_access_key")
        .env("AWS_ACCESS_KEY_ID", server.access_key())
        .env("AWS_SECRET_ACCESS_KEY", server.secret_key());
    assert!(resource.versions(None).is_empty());
    assert_eq!(server.assumed_roles().len(), 1);
    assert_eq!(server.assumed_roles()[0].session_name, "s3-asset-resource");
}

#[test]
fn a_session_that_ends_while_a_put_runs_is_renewed() {
    let server = Embedded::with(|options| options.session_duration = Some(Duration::from_secs(2)));
    let slow = Action::Slow(Duration::from_millis(900));
    server.fault(Fault::new(slow).on("PutObject").always());
    let tree = Tree::of("large.bin", vec![1; 17 << 20]).with("a", "a");
    let resource = with_role(&server);
    let version = resource.publish(&commit(1), &tree).version();
    assert!(server.assumed_roles().len() >= 2, "{}", server.assumed_roles().len());
    server.clear_faults();
    assert!(resource.get(&version, json!({})).assets() == tree);
}

#[test]
fn a_role_that_is_refused_is_one_error() {
    let server = Embedded::new();
    server.fault(Fault::new(Action::Status(403, "AccessDenied")).on("AssumeRole").always());
    let (error, hint) = with_role(&server).check(None).failure();
    assert!(hint.contains("aws_role_arn"), "{error}\n{hint}");
}

#[test]
fn an_sts_that_cannot_be_reached_is_one_error() {
    let server = Embedded::new();
    let gone = Embedded::new().endpoint();
    let resource = with_role(&server).env("AWS_ENDPOINT_URL_STS", &gone);
    let (error, hint) = resource.check(None).failure();
    assert!(hint.contains("STS"), "{error}\n{hint}");
}
