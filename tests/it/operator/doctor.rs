//! `s3-asset doctor`: what it finds on servers of several kinds.

use super::support::{BUCKET, Run, program, run, server};
use s3_test_server::{Options, Server};
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
    let server = server();
    let lost = run(&server, &["doctor", "--json", "--bucket", "of-nobody"]);
    assert_eq!((lost.status, failing(&lost)), (Some(1), vec!["reach".to_owned()]));
}

#[test]
fn a_request_says_what_is_tried() {
    let server = server();
    let ask = |source: Value| {
        let mut command = program(&server, &["doctor", "--json"]);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("runs");
        let text = json!({"source": source}).to_string();
        child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
        Run::from(child.wait_with_output().expect("ends"))
    };
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
