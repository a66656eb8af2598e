//! s3-asset-manager's two commands: its files, layout, metadata and exit codes.

use super::support::{BUCKET, Run, Task, server};
use crate::support::only_reads;
use s3_test_server::{Deny, SECRET_KEY};

/// What `md5sum` says of `print('a')`, the one file that the filter picks.
const CODE: &str = "50a4a7e970729d9271fa0ad9053c17ec";
const FILTER: &str = "lambdas/**";
/// The base64 of what `sha256sum` says of `zip-a`.
const ZIP_A: &str = "43KHsN29p+21WEWsxt5CRM2C4U31gkvdcQB6RSp8uqs=";

#[test]
fn check_build_upload_and_found_again() {
    let (server, task) = (server(), Task::new());
    task.write(".found", "");
    let run = task.check(&server, Some(FILTER)).ok();
    assert!(run.stderr.contains("must be built"), "{}", run.stderr);
    assert_eq!(run.stdout, "");
    let commit = task.head();
    assert_eq!(task.package(".commit-hash").as_ref(), Some(&commit));
    assert_eq!(task.package(".code-hash").as_deref(), Some(CODE));
    assert_eq!(task.package(".found"), None, "the .found of an earlier run");
    assert!(server.keys(BUCKET).is_empty());

    task.write("a.zip", "zip-a");
    task.write("nested/b.zip", "zip-b");
    task.write(".hidden", "no");
    task.upload(&server).ok();
    let keys = server.keys(BUCKET);
    for key in ["a.zip", "nested/b.zip", ".manifest.json"] {
        for folder in [format!("artifacts/{commit}"), format!("cache/{CODE}")] {
            assert!(keys.contains(&format!("{folder}/{key}")), "{folder}/{key} in {keys:?}");
        }
    }
    assert!(!keys.iter().any(|key| key.ends_with(".hidden")), "{keys:?}");
    for folder in [format!("artifacts/{commit}"), format!("cache/{CODE}")] {
        let zip = server.get(BUCKET, &format!("{folder}/a.zip")).expect("a.zip");
        assert_eq!(zip.text(), "zip-a");
        assert_eq!(zip.metadata("commit-hash"), Some(commit.as_str()));
        assert_eq!(zip.metadata("package-hash"), Some(ZIP_A));
        assert_eq!(zip.metadata("code-hash"), Some(CODE));
    }

    task.clean();
    task.check(&server, Some(FILTER)).ok();
    assert_eq!(task.package(".found").as_deref(), Some(""));
    assert_eq!(task.package(".commit-hash"), Some(commit));
    assert_eq!(task.package(".code-hash"), None, "it was not computed");
    server.reset_requests();
    let run = task.upload(&server).ok();
    assert!(run.stderr.contains("nothing to do"), "{}", run.stderr);
    assert!(server.requests().is_empty());
}

#[test]
fn an_upload_says_what_it_would_do_by_reads_alone() {
    let (server, task) = (server(), Task::new());
    task.check(&server, Some(FILTER)).ok();
    task.write("a.zip", "zip-a");
    let dry = |options: &[&str]| -> Run {
        server.reset_requests();
        let state = server.snapshot(BUCKET);
        let mut command = task.command(&server, "upload");
        let run = Run::from(command.arg("--dry-run").args(options).output().expect("runs")).ok();
        only_reads(&server);
        assert_eq!(server.snapshot(BUCKET), state);
        run
    };
    let text = dry(&[]).stdout;
    let steps: Vec<&str> = text.lines().collect();
    assert!(steps.iter().all(|step| step.starts_with("would ")), "{text}");
    for want in ["begin the history", "send ", "publishes the set", "enter "] {
        assert!(text.contains(want), "{want}: {text}");
    }
    let json = dry(&["--json"]).json();
    assert_eq!(
        (&json["dry_run"], json["steps"].as_array().map(Vec::len)),
        (&true.into(), Some(steps.len()))
    );
    task.upload(&server).ok();
    assert_eq!(dry(&[]).stdout, "would do nothing: the set is published\n");
}

#[test]
fn the_same_code_comes_out_of_the_cache() {
    let (server, task) = (server(), Task::new());
    task.check(&server, Some(FILTER)).ok();
    task.write("a.zip", "zip-a");
    task.upload(&server).ok();
    let first = task.head();
    task.clean();
    let second = task.commit(&[("README.md", "2")]);
    server.reset_requests();
    let mut command = task.command(&server, "check");
    command.arg("--json").env("CODE_HASH_FIND_FILTER", FILTER);
    let run = Run::from(command.output().expect("runs")).ok();
    let want = serde_json::json!({"commit": second, "code_hash": CODE, "found": true});
    assert_eq!(run.json(), want);
    assert!(task.package(".found").is_some());
    assert_eq!(task.package(".code-hash").as_deref(), Some(CODE));
    let manifest = server.get(BUCKET, &format!("artifacts/{second}/.manifest.json"));
    let manifest: serde_json::Value = serde_json::from_str(&manifest.expect("one").text()).unwrap();
    assert_eq!(manifest["cached_from"], first);
    assert!(
        server.requests_of("GetObject").iter().all(|r| !r.key.as_ref().unwrap().contains(".zip"))
    );

    let third = task.commit(&[("lambdas/a.py", "other")]);
    task.clean();
    let run = task.check(&server, Some(FILTER)).ok();
    assert!(run.stderr.contains("neither published nor cached"), "{}", run.stderr);
    assert!(task.package(".found").is_none() && task.package(".commit-hash") == Some(third));
}

#[test]
fn what_an_earlier_run_left_fills_no_cache() {
    let (server, task) = (server(), Task::new());
    task.check(&server, Some(FILTER)).ok();
    let run = task.check(&server, None).ok();
    assert!(run.stderr.contains("no CODE_HASH_FIND_FILTER"), "{}", run.stderr);
    assert_eq!(task.package(".code-hash"), None);
    task.write("a.zip", "zip-a");
    task.upload(&server).ok();
    assert!(!server.keys(BUCKET).iter().any(|key| key.starts_with("cache/")));
    let zip = server.get(BUCKET, &format!("artifacts/{}/a.zip", task.head())).expect("a.zip");
    assert_eq!(zip.metadata("code-hash"), None);
}

#[test]
fn a_bucket_of_s3_asset_manager_is_found_and_its_cache_used() {
    let (server, task) = (server(), Task::new());
    let commit = task.head();
    let other = "1".repeat(40);
    let metadata = [("commit-hash", other.as_str()), ("package-hash", ZIP_A), ("code-hash", CODE)];
    server.put(BUCKET, &format!("cache/{CODE}/a.zip"), "zip-a", &metadata);
    task.check(&server, Some(FILTER)).ok();
    assert!(task.package(".found").is_some());
    let copy = server.get(BUCKET, &format!("artifacts/{commit}/a.zip")).expect("copied");
    assert_eq!(copy.metadata("package-hash"), Some(ZIP_A));
    assert_eq!(copy.metadata("code-hash"), Some(CODE));

    let next = task.commit(&[("lambdas/a.py", "other")]);
    server.put(BUCKET, &format!("artifacts/{next}/a.zip"), "zip-a", &metadata);
    task.clean();
    let run = task.check(&server, Some(FILTER)).ok();
    assert!(run.stderr.contains("uploaded by s3-asset-manager"), "{}", run.stderr);
    assert!(task.package(".found").is_some() && task.package(".code-hash").is_none());
}

#[test]
fn exit_codes_of_check() {
    let (server, task) = (server(), Task::new());
    let cases: [(&str, Option<&str>, i32, &str); 6] = [
        ("PACKAGE_ASSETS_BUCKET", None, 100, "PACKAGE_ASSETS_BUCKET"),
        ("GIT_REPO_PATH", None, 101, "GIT_REPO_PATH"),
        ("PACKAGE_DIRECTORY", None, 102, "PACKAGE_DIRECTORY"),
        ("GIT_REPO_PATH", Some("./packages"), 103, "is not a git repository"),
        ("GIT_REPO_PATH", Some("./nowhere"), 103, "is not a git repository"),
        ("PACKAGE_DIRECTORY", Some("./nowhere"), 1, "there is no ./nowhere"),
    ];
    for (name, value, status, what) in cases {
        let mut command = task.command(&server, "check");
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
        Run::from(command.output().expect("runs")).failed(status, what);
    }
    let mut command = task.command(&server, "check");
    let none = ["PACKAGE_ASSETS_BUCKET", "GIT_REPO_PATH", "PACKAGE_DIRECTORY"];
    for name in none {
        command.env_remove(name);
    }
    Run::from(command.output().expect("runs")).failed(100, "PACKAGE_ASSETS_BUCKET");
    assert!(server.requests().is_empty());
    server.deny(Deny::all());
    task.check(&server, None).failed(1, "AccessDenied");
}

#[test]
fn exit_codes_of_upload() {
    let (server, task) = (server(), Task::new());
    let without = |name: &str| {
        let mut command = task.command(&server, "upload");
        command.env_remove(name);
        Run::from(command.output().expect("runs"))
    };
    without("PACKAGE_DIRECTORY").failed(100, "PACKAGE_DIRECTORY");
    without("PACKAGE_ASSETS_BUCKET").failed(101, "PACKAGE_ASSETS_BUCKET");
    task.write(".hidden", "x");
    task.upload(&server).failed(102, "no file to upload");
    task.write("a.zip", "zip-a");
    task.upload(&server).failed(103, ".commit-hash");
    task.write(".commit-hash", "main");
    task.upload(&server).failed(1, "`main` is no commit hash");
    task.write(".found", "");
    without("PACKAGE_ASSETS_BUCKET").ok();
    assert!(server.requests().is_empty());
}

#[test]
fn a_role_is_assumed_and_no_secret_is_said() {
    let (server, task) = (server(), Task::new());
    let mut command = task.command(&server, "check");
    command.env("AWS_ROLE", "arn:aws:iam::1:role/builds").env("AWS_SESSION_TOKEN", "");
    let run = Run::from(command.output().expect("runs")).ok();
    let roles = server.assumed_roles();
    assert_eq!(roles.len(), 1, "{roles:?}");
    assert_eq!(roles[0].role_arn, "arn:aws:iam::1:role/builds");
    assert_eq!(roles[0].session_name, "s3-asset-manager");
    let mut command = task.command(&server, "check");
    command.env("PACKAGE_DIRECTORY", format!("./{SECRET_KEY}"));
    let bad = Run::from(command.output().expect("runs"));
    assert!(!run.stderr.contains(SECRET_KEY) && !bad.stderr.contains(SECRET_KEY), "{}", bad.stderr);
}

#[test]
fn builds_are_named_in_the_history() {
    let (server, task) = (server(), Task::new());
    task.check(&server, None).ok();
    task.write("a.zip", "zip-a");
    let mut command = task.command(&server, "upload");
    let variables = [
        ("BUILD_TEAM_NAME", "main"),
        ("BUILD_PIPELINE_NAME", "app"),
        ("BUILD_JOB_NAME", "build"),
        ("BUILD_NAME", "7"),
    ];
    let run = Run::from(command.envs(variables).arg("--json").output().expect("runs")).ok();
    assert_eq!(run.json()["uploaded"], true);
    assert_eq!(run.json()["files"], 1);
    let history = server.get(BUCKET, "artifacts/.history.json").expect("a history").text();
    assert!(history.contains("main/app/build #7"), "{history}");
}
