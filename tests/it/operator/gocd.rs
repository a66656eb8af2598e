//! `s3-asset gocd`: GoS3-matic's command line, and a job's revisions.

use super::support::{BUCKET, Run, program, run, server};
use s3_test_server::{Options, Server};
use serde_json::json;
use std::collections::BTreeMap;

fn uploaded(key: &str) -> Server {
    let server = server();
    server.put(BUCKET, &format!("{key}file.txt"), "text", &[]);
    server
}

fn metadata(server: &Server, key: &str) -> BTreeMap<String, String> {
    server.get(BUCKET, key).expect("a marker").attributes.metadata
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The example of GoS3-matic's own page, word for word after the program's name.
const EXAMPLE: [&str; 11] = [
    "annotate",
    "assets",
    "artifacts/",
    "--label",
    "42",
    "--username",
    "john@example.com",
    "--traceback-url",
    "https://example.com/traceback",
    "--key",
    "my-annotation",
];

fn gocd(server: &Server, arguments: &[&str]) -> Run {
    run(server, &[&["gocd"], arguments].concat())
}

#[test]
fn the_example_of_gos3_matic() {
    let server = uploaded("artifacts/");
    let done = gocd(&server, &EXAMPLE).ok();
    let marker = server.get(BUCKET, "artifacts/").expect("a marker");
    assert_eq!(marker.bytes().len(), 0);
    assert_eq!(
        metadata(&server, "artifacts/"),
        pairs(&[
            ("completed", "completed"),
            ("go_pipeline_label", "42"),
            ("my-annotation", "my-annotation"),
            ("traceback_url", "https://example.com/traceback"),
            ("user", "john@example.com"),
        ])
    );
    // The table of what was written.
    for line in [
        "bucket             assets",
        "path               artifacts/",
        "go_pipeline_label  42",
        "user               john@example.com",
        "traceback_url      https://example.com/traceback",
        "my-annotation      my-annotation",
    ] {
        assert!(done.stdout.lines().any(|it| it == line), "{line}\n{}", done.stdout);
    }
    assert!(done.stderr.contains("is no folder that GoCD looks at"), "{}", done.stderr);
}

#[test]
fn what_may_be_left_out_and_what_may_not() {
    let server = uploaded("p/s/j/42.1/");
    for quiet in ["--quiet", "-q"] {
        let done = gocd(&server, &["annotate", BUCKET, "p/s/j/42.1", "--label", "42", quiet]).ok();
        assert_eq!(done.stdout, "");
    }
    let least = pairs(&[("completed", "completed"), ("go_pipeline_label", "42")]);
    assert_eq!(metadata(&server, "p/s/j/42.1/"), least);
    gocd(&server, &["annotate", BUCKET, "p/s/j/42.1"]).failed(2, "--label <N>");
    gocd(&server, &["annotate", BUCKET, "p/s/j/42.1", "--label", "x"]).failed(2, "--label");
    gocd(&server, &["annotate", BUCKET, "--label", "1"]).failed(2, "<PATH>");
    let with = |key: &str| {
        gocd(&server, &["annotate", BUCKET, "p/s/j/42.1", "--label", "1", "--key", key])
    };
    with("completed").failed(1, "--key: `completed` is written by this resource");
    with("a b=c").failed(1, "--key: `a b` cannot be a header's name");
    let label = ["annotate", BUCKET, "p/s/j/43.1", "--label", "43"];
    gocd(&server, &label).failed(1, "nothing lies in p/s/j/43.1/");
    gocd(&server, &["annotate", BUCKET, "/p", "--label", "43"]).failed(1, "PATH");
    assert_eq!(metadata(&server, "p/s/j/42.1/"), least, "nothing of this was written");
}

#[test]
fn keys_have_values_and_json_says_what_was_written() {
    let server = uploaded("p/s/j/42.1/");
    let words = [
        "annotate",
        BUCKET,
        "p/s/j/42.1/",
        "--label",
        "042",
        "--key",
        "branch=größe",
        "--key",
        "a=b=c",
        "--username",
        "José",
        "--json",
    ];
    let before = server.snapshot(BUCKET);
    let dry = gocd(&server, &[&words[..], &["--dry-run"]].concat()).ok().json();
    assert!(server.snapshot(BUCKET) == before, "a dry run writes nothing");
    let said = json!({
        "completed": "completed", "go_pipeline_label": "42", "branch": "größe", "a": "b=c",
        "user": "José",
    });
    let want = |written: bool| json!({"bucket": BUCKET, "path": "p/s/j/42.1/", "annotations": said, "written": written});
    assert_eq!(dry, want(false));
    assert_eq!(gocd(&server, &words).ok().json(), want(true));
    assert_eq!(metadata(&server, "p/s/j/42.1/")["user"], "José");
}

/// GoS3-matic's ways to credentials: the environment, which all tests have, and a profile. The third,
/// the instance's, is the AWS chain's as well.
#[test]
fn credentials_come_from_a_profile() {
    let server = uploaded("p/s/j/42.1/");
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("credentials");
    let (key, secret) = (server.access_key(), server.secret_key());
    let text = format!("[ci]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
    std::fs::write(&file, text).expect("written");
    let words = ["gocd", "annotate", BUCKET, "p/s/j/42.1", "--label", "42", "-q"];
    let annotate = |profile: &str| -> Run {
        let mut command = program(&server, &words);
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.env("AWS_SHARED_CREDENTIALS_FILE", &file).env("AWS_PROFILE", profile);
        command.output().expect("runs").into()
    };
    annotate("other").failed(1, "HeadObject s3://assets/p/s/j/42.1/");
    annotate("ci").ok();
    assert_eq!(metadata(&server, "p/s/j/42.1/")["go_pipeline_label"], "42");
}

#[test]
fn a_server_that_forgets_metadata_is_named() {
    let options = Options { forget_folder_metadata: true, ..Options::with_bucket(BUCKET) };
    let server = Server::start(options);
    server.put(BUCKET, "p/s/j/42.1/file", "x", &[]);
    gocd(&server, &["annotate", BUCKET, "p/s/j/42.1", "--label", "42"])
        .failed(1, "the server did not keep the metadata `go_pipeline_label`");
}

#[test]
fn a_jobs_revisions_are_listed() {
    let server = uploaded("p/s/j/9.1/");
    server.put(BUCKET, "p/s/j/10.1/file", "x", &[]);
    server.put(BUCKET, "p/s/j/11.1/", "", &[]);
    server.put(BUCKET, "p/s/j/latest/file", "x", &[]);
    gocd(&server, &["annotate", BUCKET, "p/s/j/9.1", "--label", "9", "--username", "ana"]).ok();
    let listed = gocd(&server, &["list", BUCKET, "p/s/j"]).ok();
    let lines: Vec<Vec<&str>> =
        listed.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1][..3], ["11.1", "not", "completed"]);
    assert_eq!(lines[2][..3], ["10.1", "no", "marker"]);
    assert_eq!(lines[3][..4], ["9.1", "completed", "9", "ana"]);
    assert!(listed.stderr.contains("p/s/j/latest is no revision"), "{}", listed.stderr);
    let json = gocd(&server, &["list", BUCKET, "p/s/j/", "--limit", "1", "--json"]).ok().json();
    assert_eq!(
        json,
        json!([{"revision": "11.1", "state": "not completed", "annotations": {}, "published_at": null}])
    );
    gocd(&server, &["list", BUCKET, "p/s"]).failed(1, "PATH: `p/s` is no job");
}
