//! How a bucket is reached: the same options at each command that reaches one, and at both buckets of a
//! package.

use super::support::{BUCKET, Run, Task, listed, program, server};
use std::collections::BTreeSet;

const OWNER: &str = "111122223333";
/// Commands that reach no bucket.
const ELSEWHERE: [&str; 4] = ["code-hash", "schema", "completions", "man"];

/// A run of each command that reaches a bucket, each after those that it needs.
fn runs(commit: &str) -> Vec<(&'static str, String)> {
    let in_order = [
        ("check", ""),
        ("upload", ""),
        ("artifacts list", "--size"),
        ("artifacts show", commit),
        ("artifacts verify", ""),
        ("artifacts import", ""),
        ("artifacts gc", "--keep-last 1"),
        ("release promote", "f.tgz qa 1"),
        ("release promote", "f.tgz qa 2"),
        ("release version", "f.tgz"),
        ("release download", "f.tgz qa got.tgz"),
        ("release history", "f.tgz"),
        ("release rollback", "f.tgz qa 1"),
        ("release gc", "f.tgz --keep-last 1"),
        ("gocd annotate", "assets app/build/package/7.1 --label 7"),
        ("gocd list", "assets app/build/package"),
        ("package init", ""),
        ("package add", "app f.tgz"),
        ("package add", "app repo/README.md"),
        ("package list", ""),
        ("package versions", "app"),
        ("package tag", "app 1 live"),
        ("package tags", "app"),
        ("package info", "app live"),
        ("package download", "app live"),
        ("package untag", "app live"),
        ("package export", "backup"),
        ("package import", "backup"),
        ("package remove", "app 1"),
        ("package gc", ""),
        ("board", "--ledger s3://ledger"),
        ("doctor", ""),
    ];
    in_order.map(|(name, words)| (name, words.to_owned())).to_vec()
}

/// The commands that `--help` lists, but for groups of them.
fn commands() -> BTreeSet<String> {
    let server = server();
    let mut all = BTreeSet::new();
    for name in listed(&server, &[]) {
        let below = listed(&server, &[&name]);
        all.extend(below.iter().map(|it| format!("{name} {it}")));
        if below.is_empty() && !ELSEWHERE.contains(&name.as_str()) {
            all.insert(name);
        }
    }
    all
}

#[test]
fn each_command_says_whose_the_bucket_is_and_who_pays() {
    let (server, task) = (server(), Task::new());
    std::fs::write(task.root().join("f.tgz"), "f").expect("a file");
    server.put(BUCKET, "app/build/package/7.1/file", "x", &[]);
    let (runs, commands) = (runs(&task.head()), commands());
    let ran: BTreeSet<String> = runs.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(ran, commands, "each command that reaches a bucket has its line here");
    let mut buckets = BTreeSet::new();
    for (name, words) in runs {
        if name == "upload" {
            task.write("a.zip", "zip");
        }
        let options = format!("--expected-bucket-owner {OWNER} --request-payer requester");
        let line = match name.strip_prefix("package ") {
            // Before the command or after it.
            Some(it @ ("list" | "add" | "gc")) => {
                format!("package --ledger s3://ledger {options} --store s3://store {it} {words}")
            }
            Some(_) => format!("{name} {words} --ledger s3://ledger --store s3://store {options}"),
            None => format!("{name} {words} {options}"),
        };
        let line: Vec<&str> = line.split_whitespace().collect();
        let mut command = program(&server, &line);
        command
            .current_dir(task.root())
            .env("AWS_S3_BUCKET", BUCKET)
            .env("AWS_S3_RANKS", "qa, production")
            .env("GIT_REPO_PATH", "./repo")
            .env("PACKAGE_DIRECTORY", "./packages");
        server.reset_requests();
        Run::from(command.output().expect("runs")).ok();
        let requests = server.requests();
        assert!(!requests.is_empty(), "{name} asked for nothing");
        for request in requests {
            let header = |name: &str| request.header(name).map(str::to_owned);
            let owner = header("x-amz-expected-bucket-owner");
            assert_eq!(owner.as_deref(), Some(OWNER), "{name}: {request:?}");
            assert_eq!(header("x-amz-request-payer").as_deref(), Some("requester"), "{name}");
            if let (true, Some(bucket)) = (name.starts_with("package "), &request.bucket) {
                buckets.insert(bucket.clone());
            }
        }
    }
    assert_eq!(buckets.into_iter().collect::<Vec<_>>(), ["ledger", "store"]);
}
