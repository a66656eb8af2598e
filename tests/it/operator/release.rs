//! `s3-asset release`: s3p's commands.

use super::support::{BUCKET, Run, program, server};
use crate::support::only_reads;
use s3_test_server::{Handle, Server};
use serde_json::json;
use std::path::Path;
use tempfile::TempDir;

/// The README of s3p, its files in a directory.
fn s3p() -> (Server, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(directory.path().join("dist")).expect("a directory");
    for (name, text) in [("dist/my.tar.gz", "mine"), ("rev2.tar.gz", "two")] {
        std::fs::write(directory.path().join(name), text).expect("a file");
    }
    (server(), directory)
}

fn in_directory(server: &Handle, directory: &Path, words: &str) -> Run {
    let words: Vec<&str> = words.split(' ').collect();
    let mut command = program(server, &words);
    command
        .current_dir(directory)
        .env("AWS_S3_BUCKET", BUCKET)
        .env("AWS_S3_RANKS", "qa, staging, production")
        .env("USER", "ana");
    command.output().expect("runs").into()
}

impl Run {
    /// Asserts what it printed, and what it ended with.
    #[track_caller]
    fn says(&self, status: i32, stdout: &str) {
        assert_eq!((self.status, &*self.stdout), (Some(status), stdout), "{}", self.stderr);
    }
}

#[test]
fn what_s3p_shows_in_its_readme() {
    let (server, directory) = s3p();
    let run = |words: &str| in_directory(&server, directory.path(), words);
    let skip = "error=\"could not promote, trying to skip rank?\"\n";
    run("release promote rev2.tar.gz staging").says(2, skip);
    run("release promote dist/my.tar.gz qa 0.1.1")
        .says(0, "success=\"promoted my.tar.gz version 0.1.1 to qa rank\"\n");
    run("release promote dist/my.tar.gz qa 0.1.1")
        .says(0, "warning=\"my.tar.gz version 0.1.1 already in qa rank\"\n");
    run("release promote my.tar.gz production").says(2, skip);
    run("release promote my.tar.gz staging")
        .says(0, "success=\"promoted my.tar.gz version 0.1.1 to staging rank\"\n");
    run("release version my.tar.gz")
        .says(0, "qa=\"0.1.1\"\nstaging=\"0.1.1\"\nproduction=\"None\"\n");
    run("release version my.tar.gz staging").says(0, "staging=\"0.1.1\"\n");
    run("release version my.tar.gz staging --only-version").says(0, "0.1.1\n");
    run("release promote my.tar.gz prod").says(2, "error=\"invalid rank\"\n");
    run("release promote nothing.tgz qa").says(2, "error=\"could not promote\"\n");
    run("release promote dist/my.tar.gz qa --version=839de03f972e8182")
        .says(0, "success=\"promoted my.tar.gz version 839de03f972e8182 to qa rank\"\n");
    std::fs::write(directory.path().join("dist/my.tar.gz"), "other").expect("the file");
    let refused = run("release promote dist/my.tar.gz qa 0.1.1");
    refused.says(2, "error=\"could not promote\"\n");
    assert!(refused.stderr.contains("is archived with other bytes"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: "), "{}", refused.stderr);

    run("release download my.tar.gz staging got.tgz").says(0, "");
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).expect(name);
    assert_eq!(read("got.tgz"), "mine");
    let here = run("release download my.tar.gz qa");
    here.says(0, "");
    assert!(here.stderr.contains("is in qa-my.tar.gz"), "{}", here.stderr);
    assert_eq!(read("qa-my.tar.gz"), "mine");
    run("release download my.tar.gz qa dist").says(0, "");
    assert_eq!(read("dist/my.tar.gz"), "mine");
    run("release download my.tar.gz production").says(2, "error=\"could not download\"\n");
    let left = std::fs::read_dir(directory.path()).expect("a directory").count();
    assert_eq!(left, 4, "no stage is left behind");
}

/// What a dry run prints is what is done then; and it asks for nothing but reads.
#[test]
fn a_dry_run_reads_and_prints() {
    let (server, directory) = s3p();
    let run = |words: &str| in_directory(&server, directory.path(), words);
    let dry = |words: &str, want: &[&str]| {
        let state = server.snapshot(BUCKET);
        server.reset_requests();
        let dry = run(&format!("{words} --dry-run"));
        assert_eq!(dry.status, Some(0), "{}", dry.stderr);
        let lines: Vec<&str> = dry.stdout.lines().collect();
        assert_eq!(lines.len(), want.len(), "{}", dry.stdout);
        for (line, want) in lines.iter().zip(want) {
            assert!(line.starts_with("would ") && line.contains(want), "{line}: {want}");
        }
        only_reads(&server);
        assert_eq!(server.snapshot(BUCKET), state, "{words}");
        let json = run(&format!("{words} --dry-run --json"));
        let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
        assert_eq!((&json["dry_run"], lines.len()), (&json!(true), want.len()));
    };
    let promote = "release promote dist/my.tar.gz qa 1.0";
    let steps = ["begin", "claim", "upload", "record", "enter version 1.0 as promotion 1", "copy"];
    dry(promote, &steps);
    run(promote).says(0, "success=\"promoted my.tar.gz version 1.0 to qa rank\"\n");
    dry(promote, &["do nothing: version 1.0 is there, as promotion 1"]);
    let promote = "release promote my.tar.gz staging";
    dry(promote, &["begin", "enter version 1.0", "copy"]);
    run(promote).says(0, "success=\"promoted my.tar.gz version 1.0 to staging rank\"\n");
    std::fs::write(directory.path().join("dist/my.tar.gz"), "other").expect("the file");
    run("release promote dist/my.tar.gz qa 2.0")
        .says(0, "success=\"promoted my.tar.gz version 2.0 to qa rank\"\n");
    dry("release rollback my.tar.gz qa", &["the rank goes back to qa #1", "copy"]);
    let refused = run("release rollback my.tar.gz qa 3.0 --dry-run");
    refused.says(2, "error=\"could not roll back\"\n");
}

#[test]
fn a_rank_goes_back_and_its_history_says_so() {
    let (server, directory) = s3p();
    let run = |words: &str| in_directory(&server, directory.path(), words);
    for version in ["1.0", "2.0"] {
        run(&format!("release promote rev2.tar.gz qa {version}")).ok();
        run("release promote rev2.tar.gz staging").ok();
    }
    run("release rollback rev2.tar.gz staging")
        .says(0, "success=\"rolled back rev2.tar.gz to version 1.0 in staging rank\"\n");
    run("release rollback rev2.tar.gz staging 1.0")
        .says(0, "warning=\"rev2.tar.gz version 1.0 already in staging rank\"\n");
    run("release rollback rev2.tar.gz staging 9.0").says(2, "error=\"could not roll back\"\n");
    run("release rollback rev2.tar.gz production").says(2, "error=\"could not roll back\"\n");
    let again = run("release promote rev2.tar.gz staging 2.0");
    again.says(
        0,
        "warning=\"rev2.tar.gz version 2.0 was in staging rank before, and 1.0 is there now\"\n",
    );
    assert!(again.stderr.contains("release rollback rev2.tar.gz staging 2.0"), "{}", again.stderr);

    let table = run("release history rev2.tar.gz staging").ok().stdout;
    let lines: Vec<Vec<&str>> =
        table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["RANK", "NUMBER", "TIME", "VERSION", "FROM", "BUILD", "BY"]);
    assert_eq!(
        (lines[1][1], lines[1][3], &lines[1][4..]),
        ("3", "1.0", &["back", "to", "#1", "-", "ana"][..])
    );
    assert_eq!((lines[3][1], lines[3][3], lines[3][4]), ("1", "1.0", "qa"));
    let all = run("release history rev2.tar.gz --json").ok().json();
    assert_eq!(all.as_array().map(Vec::len), Some(5));
    assert_eq!(all[0]["rank"], "qa");
    assert_eq!(all[2]["from"], json!({"rank": "staging", "promotion": 1}));
    let one = run("release history rev2.tar.gz --limit 1 --json").ok().json();
    assert_eq!(one.as_array().map(Vec::len), Some(2));
    let answer = run("release promote rev2.tar.gz production --json").ok().json();
    assert_eq!((&answer["answer"], &answer["promotion"]), (&json!("success"), &json!(1)));
    let refused = run("release promote rev2.tar.gz production 7.0 --json");
    assert_eq!(refused.status, Some(2));
    assert_eq!(refused.json()["message"], "could not promote, trying to skip rank?");
    let versions = run("release version rev2.tar.gz --json").ok().json();
    assert_eq!(versions, json!({"qa": "2.0", "staging": "1.0", "production": "1.0"}));
}

#[test]
fn what_s3p_left_is_shown() {
    let (server, directory) = s3p();
    let run = |words: &str| in_directory(&server, directory.path(), words);
    for key in ["qa/old.tgz", "archive/0.9/old.tgz"] {
        server.put(BUCKET, key, "old", &[("version", "0.9")]);
    }
    run("release version old.tgz qa").says(0, "qa=\"0.9\"\n");
    run("release download old.tgz qa").says(0, "");
    let history = run("release history old.tgz --json").ok().json();
    assert_eq!((&history[0]["number"], &history[0]["version"]), (&json!(0), &json!("0.9")));
    run("release promote old.tgz staging")
        .says(0, "success=\"promoted old.tgz version 0.9 to staging rank\"\n");
}

#[test]
fn what_is_not_set_is_said() {
    let (server, directory) = s3p();
    let run = |set: &[(&str, &str)]| -> Run {
        let mut command = program(&server, &["release", "version", "f"]);
        command.current_dir(directory.path()).envs(set.iter().copied());
        command.output().expect("runs").into()
    };
    run(&[("AWS_S3_BUCKET", BUCKET)]).failed(1, "no ranks given");
    run(&[("AWS_S3_RANKS", "qa")]).failed(1, "no bucket given");
    run(&[("AWS_S3_BUCKET", BUCKET), ("AWS_S3_RANKS", "qa, qa")]).failed(1, "`qa` is there twice");
}

#[test]
fn the_board_shows_who_stands_where() {
    let (server, directory) = s3p();
    let run = |words: &str| in_directory(&server, directory.path(), words);
    let empty = run("board").ok();
    assert_eq!(empty.stdout, "FILE  QA  STAGING  PRODUCTION\n");
    run("release promote dist/my.tar.gz qa 1.0").ok();
    run("release promote my.tar.gz staging").ok();
    run("release promote dist/my.tar.gz qa 1.1").ok();
    server.put(BUCKET, "qa/old.tgz", "old", &[("version", "0.9")]);
    server.put(BUCKET, "qa/notes.txt", "no release", &[]);
    let table = run("board").ok().stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[1].starts_with("my.tar.gz  1.1 (now)  1.0 (now)  -"), "{table}");
    assert!(lines[2].starts_with("old.tgz    0.9 (now)  -"), "{table}");
    let board = run("board --json").ok().json();
    assert_eq!(board["files"]["my.tar.gz"]["staging"]["version"], "1.0");
    assert_eq!(board["files"]["my.tar.gz"]["staging"]["by"], "ana");
    assert_eq!(board["files"]["old.tgz"]["qa"]["promotion"], 0);
    assert_eq!(run("board old.tgz").ok().stdout.lines().count(), 2);
    assert_eq!(run("board --html board.html").ok().stdout, "");
    let page = std::fs::read_to_string(directory.path().join("board.html")).expect("the page");
    assert!(page.contains("my.tar.gz") && page.contains("1.1 waits"), "{page}");
    run("board --html nowhere/board.html").failed(1, "nowhere/board.html");
}

#[test]
fn the_board_shows_packages_by_tags() {
    let (server, directory) = s3p();
    let run = |words: &str| in_directory(&server, directory.path(), words);
    assert_eq!(
        run("board --ledger s3://assets --ranks qa").ok().stdout,
        "FILE  QA\n\nPACKAGE  LATEST\n"
    );
    for words in [
        "add team/app dist/my.tar.gz",
        "tag team/app 1 live",
        "add team/app dist/my.tar.gz --metadata n=2 --tag canary",
        "tag team/app 2 live",
        "tag team/app 1 live",
        "tag team/app 1 gone",
        "untag team/app gone",
        "add other dist/my.tar.gz",
    ] {
        run(&format!("package --ledger s3://assets {words}")).ok();
    }
    server.put(BUCKET, "other/tags/sackers", r#"{"version": 1}"#, &[]);
    let board = run("board --ledger s3://assets --json").ok().json();
    let packages = &board["packages"];
    assert_eq!(packages["team/app"]["live"]["version"], "1");
    assert_eq!(packages["team/app"]["live"]["tagged"], 3);
    assert_eq!(packages["team/app"]["live"]["rollback"], true);
    assert_eq!(packages["team/app"]["gone"], serde_json::Value::Null);
    assert_eq!(packages["other"]["sackers"]["version"], "1");
    let table = run("board --ledger s3://assets team/app none").ok().stdout;
    let table = table.split_once("\n\n").expect("two tables").1;
    let latest = packages["team/app"]["latest"]["version"].as_str().expect("a version");
    let want = format!(
        "PACKAGE   LATEST   CANARY   LIVE\nteam/app  {latest} (now)  {latest} (now)  1 (now)\n"
    );
    assert_eq!(table, want);
    run("board --ledger s3://assets --html board.html").ok();
    let page = std::fs::read_to_string(directory.path().join("board.html")).expect("the page");
    assert!(page.contains("Packages by tags") && page.contains("team/app"), "{page}");
}

#[test]
fn colours_are_for_terminals_and_for_whoever_asks() {
    let server = server();
    for (variable, value, coloured) in
        [("X", "", false), ("CLICOLOR_FORCE", "1", true), ("NO_COLOR", "1", false)]
    {
        let mut command = program(&server, &["release", "version", "my.tar.gz", "nowhere"]);
        let output = command.env(variable, value).output().expect("runs");
        let shown = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(shown.contains('\u{1b}'), coloured, "{variable}: {shown}");
        assert!(!shown.is_empty());
    }
}
