//! No secret in any output: generated sources and failures, run as processes.

use crate::support::{BUCKET, Dice, Embedded, Resource, Run, Tree, commit, on_threads};
use s3_test_server::{Action, Deny, Fault, Options};
use serde_json::{Value, json};

const CASES: u64 = 400;

const KEYS: [&str; 26] = [
    "bucket",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "aws_role_arn",
    "aws_role_external_id",
    "aws_role_session_name",
    "enable_aws_creds_provider",
    "region_name",
    "endpoint",
    "disable_ssl",
    "skip_ssl_verification",
    "ca_bundle",
    "use_path_style",
    "skip_s3_checksums",
    "checksum_algorithm",
    "server_side_encryption",
    "sse_kms_key_id",
    "disable_multipart",
    "private",
    "skip_download",
    "cloudfront_url",
    "use_v2_signing",
    "prefix",
    "initial_history",
    "artifacts",
];

/// A secret as people have them: any printable characters, sometimes ones that need quoting.
fn secret(dice: &mut Dice) -> String {
    let letters: Vec<char> = "abcXYZ0189/+=_-.$%&'\"\\<>{}[]:;é".chars().collect();
    let body: String = (0..12 + dice.below(30)).map(|_| *dice.pick(&letters)).collect();
    format!("Q{body}Z")
}

fn odd_value(dice: &mut Dice) -> Value {
    dice.pick(&[
        json!(null),
        json!(""),
        json!(true),
        json!(7),
        json!([]),
        json!({}),
        json!(["x"]),
        json!({"a": "b"}),
        json!("x"),
        json!("http://"),
        json!("a/../b"),
        json!("\u{0}\n"),
    ])
    .clone()
}

/// A request with secrets in it, and those secrets.
fn case(dice: &mut Dice, server: &Embedded) -> (Resource, Vec<String>, Option<usize>) {
    let mut resource = server.resource();
    let (key, token) = (secret(dice), secret(dice));
    let mut secrets = vec![key.clone(), token.clone()];
    resource = match dice.below(10) {
        0..=3 => resource.set("secret_access_key", key).set("session_token", token),
        4 => resource
            .set("secret_access_key", json!([key]))
            .set("session_token", json!({"t": token})),
        5 => resource.set("secret_acces_key", key).set("session_tokens", token),
        6 => resource.set("endpoint", format!("https://user:{key}@{}", "127.0.0.1:1")),
        7 => resource
            .unset("access_key_id")
            .unset("secret_access_key")
            .set("enable_aws_creds_provider", true)
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", &key.replace('é', "e"))
            .env("AWS_SESSION_TOKEN", &token.replace('é', "e")),
        8 => resource
            .set("aws_role_arn", "arn:aws:iam::1:role/r")
            .env("AWS_ENDPOINT_URL_STS", &server.endpoint()),
        _ => resource.set("secret_access_key", key),
    };
    secrets.extend(secrets.clone().iter().map(|it| it.replace('é', "e")));
    secrets.push(server.secret_key().to_owned());
    secrets.extend((0..9).map(|n| format!("temporary-secret-{n:020}")));
    for _ in 0..dice.below(3) {
        let key = *dice.pick(&KEYS);
        if !key.contains("secret") && !key.contains("token") {
            resource = resource.set(key, odd_value(dice));
        }
    }
    // Sometimes the request breaks off in the middle.
    let cut = (dice.below(8) == 0).then(|| dice.below(resource.source.to_string().len()));
    (resource, secrets, cut)
}

fn break_something(dice: &mut Dice, server: &Embedded) {
    let statuses = [
        (403, "AccessDenied"),
        (400, "InvalidToken"),
        (400, "ExpiredToken"),
        (403, "SignatureDoesNotMatch"),
        (501, "NotImplemented"),
        (404, "NoSuchBucket"),
    ];
    let operations = ["GetObject", "HeadObject", "PutObject", "ListObjectsV2", "AssumeRole"];
    let operation = *dice.pick(&operations);
    match dice.below(4) {
        0 => server.deny(Deny::all().on(operation)),
        1 => {
            let (status, code) = *dice.pick(&statuses);
            server.fault(Fault::new(Action::Status(status, code)).on(operation).always());
        }
        2 => server.put(BUCKET, "artifacts/.history.json", "junk", &[]),
        _ => {}
    }
}

fn run(dice: &mut Dice, resource: &Resource, cut: Option<usize>) -> Run {
    if let Some(cut) = cut {
        let text = json!({"source": resource.source}).to_string();
        let cut = (0..=cut).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        return resource.start_raw("check", None, &text.as_bytes()[..cut]).wait();
    }
    match dice.below(3) {
        0 => resource.check(None),
        1 => resource.get(&json!({"commit": commit(1)}), json!({})).run,
        _ => resource.publish(&commit(1), &Tree::of("a", "a")),
    }
}

#[test]
fn no_secret_is_ever_shown() {
    let seeds: Vec<u64> = (1..=CASES).collect();
    on_threads(6, &seeds, |seed| {
        let mut dice = Dice::new(*seed);
        let secret_key = secret(&mut dice).replace('é', "e");
        let server = Embedded::with(|options: &mut Options| options.secret_key = secret_key);
        break_something(&mut dice, &server);
        let (resource, secrets, cut) = case(&mut dice, &server);
        let run = run(&mut dice, &resource, cut);
        let shown = format!("{}{}", run.stdout, run.stderr);
        for secret in &secrets {
            assert!(!shown.contains(secret), "case {seed} shows {secret}:\n{shown}");
            // Nor in the form that an escape gives it.
            let escaped: String = secret.escape_debug().collect();
            assert!(!shown.contains(&escaped), "case {seed} shows {escaped}:\n{shown}");
        }
        let over = if run.succeeded() { 0 } else { 1 };
        assert_eq!(run.code, Some(over), "case {seed}: {shown}");
        if over == 1 {
            run.failure();
        }
    });
}

/// A server that answers with what it was sent.
#[test]
fn a_server_that_quotes_the_secret_is_not_repeated() {
    let server = Embedded::new();
    server.fault(Fault::new(Action::Status(400, "hunter2-hunter2")).always());
    let resource = server.resource().set("session_token", "hunter2-hunter2");
    let run = resource.check(None);
    run.failure();
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
}
