//! `s3-asset doctor`: what it finds on servers of several kinds.

use super::support::{BUCKET, Run, program, run, server};
use s3_test_server::{Deny, Handle, Options, Server};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Stdio;

/// The verdict of each probe.
fn verdicts(run: &Run) -> Vec<(String, String)> {
    let json = run.json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let probes = json["probes"].as_array().expect("probes").clone();
    probes.iter().map(|line| (text(&line["probe"]), text(&line["verdict"]))).collect()
}

fn failing(run: &Run) -> Vec<String> {
    let all = verdicts(run).into_iter();
    all.filter(|(_, verdict)| verdict == "fail").map(|(probe, _)| probe).collect()
}

#[test]
fn a_healthy_bucket_is_left_as_it_was() {
    let server = server();
    server.put(BUCKET, "other", "x", &[]);
    let healthy = run(&server, &["doctor", "--json"]).ok();
    let all = verdicts(&healthy);
    assert!(all.len() >= 12 && all.iter().all(|(_, verdict)| verdict == "ok"), "{all:?}");
    assert_eq!(server.keys(BUCKET), ["other"]);
    let table = run(&server, &["doctor"]).ok().stdout;
    assert!(table.starts_with("PROBE") && table.contains("sixteen at once"), "{table}");
}

#[test]
fn what_does_not_work_is_named() {
    let deaf = Server::start(Options { ignore_conditions: true, ..Options::with_bucket(BUCKET) });
    let conditions = ["create-only put", "put if unchanged", "sixteen at once"];
    let sick = run(&deaf, &["doctor", "--json"]).failed(1, "probes failed");
    assert_eq!(failing(&sick), conditions);
    let known = run(&deaf, &["doctor", "--json", "--no-conditional-writes"]).ok();
    assert!(failing(&known).is_empty());
    for (options, lost) in [
        (
            Options { hyphens_for_underscores: true, ..Options::with_bucket(BUCKET) },
            " `go_pipeline_label`",
        ),
        (Options { forget_folder_metadata: true, ..Options::with_bucket(BUCKET) }, ""),
    ] {
        let told = run(&Server::start(options), &["doctor", "--json"]).ok().json();
        let mut lines = told["probes"].as_array().expect("probes").iter();
        let line = lines.find(|line| line["probe"] == "zero-byte folder keys").expect("a line");
        let found = format!("an empty object whose key ends in `/` loses its metadata{lost}");
        assert_eq!((&line["verdict"], &line["found"]), (&json!("warn"), &json!(found)));
    }
    let server = server();
    let lost = run(&server, &["doctor", "--json", "--bucket", "of-nobody"]);
    assert_eq!((lost.status, failing(&lost)), (Some(1), vec!["reach".to_owned()]));
}

/// Asks by a pipeline's request.
fn asked(server: &Handle, options: &[&str], source: &Value) -> Run {
    let mut command = program(server, &[&["doctor"], options].concat());
    command.env_remove("PACKAGE_ASSETS_BUCKET");
    let mut child = command.stdin(Stdio::piped()).spawn().expect("runs");
    let text = json!({"source": source}).to_string();
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
    Run::from(child.wait_with_output().expect("ends"))
}

/// A source over a bucket of a server.
fn source(server: &Handle, track: &Value) -> Value {
    let mut source = json!({
        "bucket": BUCKET, "endpoint": server.endpoint(), "use_path_style": true,
        "access_key_id": server.access_key(), "secret_access_key": server.secret_key(),
    });
    let track = track.as_object().expect("a map").clone();
    source.as_object_mut().expect("a map").extend(track);
    source
}

#[test]
fn both_buckets_of_a_package_are_tried() {
    let server = server();
    server.create_bucket("ledger");
    let package = |store: &str| {
        let package = json!({"name": "app", "ledger": "s3://ledger", "store": store});
        source(&server, &json!({"package": package}))
    };
    let healthy = asked(&server, &["--json"], &package("s3://assets")).ok().json();
    assert_eq!(healthy["bucket"], "ledger");
    let probes = healthy["probes"].as_array().expect("probes").clone();
    let of = |bucket: &str| probes.iter().filter(|line| line["bucket"] == bucket).count();
    assert_eq!((of("ledger"), of(BUCKET)), (probes.len() / 2, probes.len() / 2));
    let lost = asked(&server, &[], &package("s3://nowhere")).failed(1, "1 of ");
    assert!(lost.stdout.starts_with("BUCKET "), "{}", lost.stdout);
    let failed: Vec<&str> = lost.stdout.lines().filter(|line| line.contains("FAIL")).collect();
    assert!(failed.len() == 1 && failed[0].starts_with("nowhere  reach"), "{failed:?}");
    assert!(server.keys("ledger").is_empty() && server.keys(BUCKET).is_empty());
}

#[test]
fn who_may_only_read_is_told_what_works() {
    let server = server();
    server.deny(Deny::all().on("PutObject"));
    let reader = asked(&server, &["--json"], &source(&server, &json!({"artifacts": {}})));
    assert_eq!(failing(&reader), ["put"]);
    let probes: Vec<String> = verdicts(&reader).into_iter().map(|(probe, _)| probe).collect();
    let want = "signed by, reach, clock, put, missing object, versions, lifecycle, encryption";
    assert_eq!(probes.join(", "), want);
    assert!(reader.stdout.contains("only checks and gets needs none of it"), "{}", reader.stdout);
    let lookup = json!({"artifacts": {"lookup": true}});
    let lookup = asked(&server, &["--json"], &source(&server, &lookup)).ok();
    assert!(
        failing(&lookup).is_empty() && lookup.stdout.contains("nothing of this resource writes")
    );
}

#[test]
fn a_versioned_file_needs_a_bucket_that_keeps_versions() {
    let server = server();
    server.create_versioned_bucket("kept");
    let track = json!({"versioned_file": "f.txt"});
    let lacking = asked(&server, &["--json"], &source(&server, &track));
    assert_eq!(failing(&lacking), ["versions"]);
    let track = json!({"versioned_file": "f.txt", "bucket": "kept"});
    asked(&server, &["--json"], &source(&server, &track)).ok();
}

#[test]
fn who_has_no_credentials_is_told_where_they_come_from() {
    let server = server();
    let config = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(config.path(), "[profile dev]\nregion = eu-west-1\n").expect("written");
    let run = |words: &[&str], profile: &str| {
        let mut command = program(&server, words);
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.env("AWS_CONFIG_FILE", config.path()).env("AWS_PROFILE", profile);
        Run::from(command.output().expect("runs"))
    };
    let bare = run(&["artifacts", "list"], "dev").failed(1, "in chain: Environment (");
    let hint = "hint: set `AWS_PROFILE`, or `AWS_ACCESS_KEY_ID`";
    assert!(bare.stderr.contains(hint), "{}", bare.stderr);
    let profile = run(&["artifacts", "list"], "nobody").failed(1, "`nobody` was not defined");
    assert!(
        profile.stderr.contains("hint: `AWS_PROFILE`, or `source_profile`"),
        "{}",
        profile.stderr
    );
    let told = run(&["doctor", "--json"], "dev").failed(1, "probes failed");
    assert_eq!(failing(&told), ["signed by", "reach"]);
    let signer = &told.json()["probes"][0];
    assert!(signer["found"].as_str().is_some_and(|it| !it.contains(char::is_control)), "{signer}");
    assert!(signer["hint"].as_str().is_some_and(|it| it.contains("AWS_PROFILE")), "{signer}");
}

#[test]
fn what_is_missing_or_wrong_is_said_in_the_words_of_options() {
    let server = server();
    let mut bare = program(&server, &["doctor"]);
    let bare = Run::from(bare.env_remove("PACKAGE_ASSETS_BUCKET").output().expect("runs"));
    assert!(bare.failed(1, "no bucket given").stderr.contains("doctor < request.json"));
    let list = |words: &[&str]| run(&server, &[&["artifacts", "list"], words].concat());
    list(&["--bucket", "s3://x"]).failed(1, "--bucket: `s3://x` is no bucket name");
    list(&["--region", "eu west"]).failed(1, "--region: not sent");
    list(&["--request-payer", "me"]).failed(1, "--request-payer: `me` is nobody who can pay");
    let nowhere = list(&["--bucket", "nowhere"]).failed(1, "NoSuchBucket");
    assert!(nowhere.stderr.contains("check `--bucket`, `--region`"), "{}", nowhere.stderr);
    run(&server, &["package", "--ledger", "x", "list"]).failed(1, "--ledger: `x` is not in S3");
    run(&server, &["board"]).failed(1, "neither ranks nor a ledger given");
}

#[test]
fn a_request_says_what_is_tried() {
    let server = server();
    let ask = |source: Value| asked(&server, &["--json"], &source);
    let source = |secret: &str| {
        json!({
            "bucket": BUCKET, "artifacts": {}, "endpoint": server.endpoint(), "use_path_style": true,
            "access_key_id": server.access_key(), "secret_access_key": secret, "prefix": "team",
        })
    };
    let good = ask(source(server.secret_key())).ok();
    assert!(failing(&good).is_empty() && good.stdout.contains("team/.s3-asset-doctor/"));
    let bad = ask(source("another secret"));
    assert_eq!(failing(&bad), ["reach"]);
    assert!(!format!("{}{}", bad.stdout, bad.stderr).contains("another secret"));
}

#[test]
fn what_a_bucket_does_by_itself_is_told() {
    let server = server();
    server.expire(BUCKET, "old builds", "artifacts/", 30);
    server.expire(BUCKET, "logs", "logs/", 1);
    let told = run(&server, &["doctor", "--json", "--prefix", "artifacts"]).ok();
    let line = |run: &Run, probe: &str| {
        let json = run.json();
        let lines = json["probes"].as_array().expect("probes").clone();
        lines.into_iter().find(|line| line["probe"] == probe).expect("a line")
    };
    let lifecycle = line(&told, "lifecycle");
    assert_eq!(lifecycle["verdict"], "warn", "{lifecycle}");
    assert!(lifecycle["found"].as_str().expect("a text").ends_with("apart: old builds"));
    assert!(lifecycle["hint"].as_str().expect("a text").contains("artifacts gc"));
    for (probe, want) in [
        ("encryption", "AES256"),
        ("versions", "not kept"),
        ("checksums", "kept: "),
        ("clock", "agrees"),
        ("signed by", "access key"),
    ] {
        let line = line(&told, probe);
        let found = line["found"].as_str().expect("a text");
        assert!(line["verdict"] == "ok" && found.contains(want), "{line}");
        assert!(!found.contains(server.secret_key()) && !found.contains(server.access_key()));
    }
}
