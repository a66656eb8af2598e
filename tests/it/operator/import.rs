//! `s3-asset artifacts import`: a bucket that s3-asset-manager filled gets manifests and a history.

use super::support::{BUCKET, Run, Task, run, run_as_victim, server};
use s3_test_server::{Action, Fault, Server};
use std::time::{Duration, SystemTime};

const ZIP: &str = "zip-a";
const ZIP_HASH: &str = "43KHsN29p+21WEWsxt5CRM2C4U31gkvdcQB6RSp8uqs=";

fn commit(n: usize) -> String {
    // Not in the order of the numbers, so that the times decide.
    format!("{:040x}", (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn code(n: usize) -> String {
    format!("{n:032x}")
}

fn at(n: usize) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + n as u64)
}

/// A set that s3-asset-manager uploaded `n` seconds after the first, with its cache.
fn upload(server: &Server, n: usize, code: &str) {
    let commit = commit(n);
    let metadata =
        [("commit-hash", commit.as_str()), ("package-hash", ZIP_HASH), ("code-hash", code)];
    for key in [format!("artifacts/{commit}/a.zip"), format!("cache/{code}/a.zip")] {
        server.put(BUCKET, &key, ZIP, &metadata);
        server.set_modified(BUCKET, &key, at(n));
    }
}

fn import(server: &Server, more: &[&str]) -> Run {
    run(server, &[&["artifacts", "import"], more].concat())
}

/// The commits in the history, oldest first.
fn history(server: &Server) -> Vec<String> {
    let listed = run(server, &["artifacts", "list", "--all", "--json"]).ok().json();
    let entries = listed.as_array().expect("entries").iter().rev();
    entries.map(|entry| entry["commit"].as_str().expect("a commit").to_owned()).collect()
}

#[test]
fn thousands_of_sets_are_entered_at_few_writes() {
    let server = server();
    const SETS: usize = 2500;
    (0..SETS).for_each(|n| upload(&server, n, &code(n / 10)));
    let run = import(&server, &["--json"]).ok().json();
    assert_eq!((&run["entered"], &run["sealed"]), (&SETS.into(), &SETS.into()));
    assert_eq!(run["caches"].as_array().map(Vec::len), Some(SETS / 10));
    let heads = server.requests_of("PutObject").into_iter();
    let heads = heads.filter(|put| put.key.as_deref() == Some("artifacts/.history.json")).count();
    assert!(heads <= 4, "{heads} writes of the head");
    let pages = server.requests_of("ListObjectsV2").len();
    assert!(pages <= 2 * (SETS / 1000 + 2), "{pages} listings");
    let head = server.get(BUCKET, "artifacts/.history.json").expect("a head");
    assert!(head.size() < 64 << 10, "the head is sealed: {} bytes", head.size());
    assert_eq!(history(&server), (0..SETS).map(commit).collect::<Vec<_>>());

    server.reset_requests();
    let again = import(&server, &["--json"]).ok().json();
    assert_eq!((&again["entered"], &again["sealed"]), (&0.into(), &0.into()));
    assert!(server.requests_of("PutObject").is_empty());
}

#[test]
fn an_imported_set_is_a_full_one() {
    let (server, task) = (server(), Task::new());
    let head = task.head();
    let other = "1".repeat(40);
    let of = |name: &str| format!("artifacts/{name}/a.zip");
    upload(&server, 1, &code(1));
    // Copied by s3-asset-manager out of its cache, with the metadata of the first build.
    let copied =
        [("commit-hash", &*commit(1)), ("package-hash", ZIP_HASH), ("code-hash", &*code(1))];
    server.put(BUCKET, &of(&head), ZIP, &copied);
    server.set_modified(BUCKET, &of(&head), at(2));
    // Uploaded by something that recorded nothing, with a marker of the console beside it.
    server.put(BUCKET, &of(&other), "unknown", &[]);
    server.put(BUCKET, &format!("artifacts/{other}/"), "", &[]);
    server.set_modified(BUCKET, &of(&other), at(3));

    let before = server.snapshot(BUCKET);
    let planned = import(&server, &["--dry-run"]).ok();
    assert_eq!(planned.stdout.matches("seal, enter").count(), 3, "{}", planned.stdout);
    assert_eq!(planned.stdout.matches("seal cache").count(), 1, "{}", planned.stdout);
    assert_eq!(server.snapshot(BUCKET), before, "a dry run writes nothing");
    import(&server, &[]).ok();
    assert_eq!(history(&server), [commit(1), head.clone(), other.clone()]);

    let shown = run(&server, &["artifacts", "show", &head, "--json"]).ok().json();
    assert_eq!(shown["cached_from"], commit(1));
    assert_eq!(shown["code_hash"], code(1));
    assert_eq!(shown["published_at"], "2023-11-14T22:13:22Z");
    let manifest = server.get(BUCKET, &format!("artifacts/{head}/.manifest.json")).expect("one");
    assert!(manifest.metadata("history").is_some_and(|text| text.ends_with(":1")));
    run(&server, &["artifacts", "verify", "--all"]).ok();
    for (key, (etag, attributes)) in before {
        let now = server.get(BUCKET, &key).expect("still there");
        assert_eq!((now.etag, now.attributes), (etag, attributes), "{key}");
    }
    task.check(&server, None).ok();
    assert!(task.package(".found").is_some());
    assert_eq!(history(&server).len(), 3, "a check enters nothing twice");
}

#[test]
fn what_is_incomplete_or_damaged_is_left_alone_and_said() {
    let server = server();
    upload(&server, 1, &code(1));
    let (pending, damaged) = ("a".repeat(40), "b".repeat(40));
    server.put(BUCKET, &format!("artifacts/{pending}/.pending"), "{}", &[]);
    server.put(BUCKET, &format!("artifacts/{pending}/a.zip"), ZIP, &[]);
    server.put(BUCKET, &format!("artifacts/{damaged}/.manifest.json"), "{}", &[]);
    server.put(BUCKET, &format!("cache/{}/a.zip", code(9)), ZIP, &[]);
    let run = import(&server, &["--json"]).failed(1, "2 folders could not be imported");
    assert!(run.stderr.contains(&format!("{pending}/ is incomplete")), "{}", run.stderr);
    assert_eq!(run.json()["problems"].as_array().map(Vec::len), Some(2));
    assert_eq!(history(&server), [commit(1)]);
    assert!(server.get(BUCKET, &format!("artifacts/{pending}/.manifest.json")).is_none());
}

#[test]
fn a_code_hash_without_a_cache_is_not_promised() {
    let server = server();
    upload(&server, 1, &code(1));
    server.remove(BUCKET, &format!("cache/{}/a.zip", code(1)));
    import(&server, &[]).ok();
    let listed = run(&server, &["artifacts", "list", "--json"]).ok().json();
    assert_eq!(listed[0]["code_hash"], serde_json::Value::Null);
}

#[test]
fn a_killed_import_goes_on_in_the_same_order() {
    for nth in [1, 12, 25, 50, 58, 59, 60, 61] {
        let server = server();
        (0..50).for_each(|n| upload(&server, n, &code(n / 10)));
        let kill = Fault::new(Action::KillAfter).on("PutObject").skip(nth - 1);
        let fault = server.fault(kill);
        run_as_victim(&server, &["artifacts", "import"]);
        let killed = fault.applied() > 0;
        server.clear_faults();
        import(&server, &[]).ok();
        assert_eq!(history(&server), (0..50).map(commit).collect::<Vec<_>>(), "{nth} {killed}");
        run(&server, &["artifacts", "verify", "--all"]).ok();
    }
}

#[test]
fn late_sets_are_entered_before_and_said() {
    let server = server();
    upload(&server, 5, &code(1));
    import(&server, &[]).ok();
    upload(&server, 1, &code(2));
    let planned = import(&server, &["--dry-run"]).ok();
    assert!(planned.stdout.contains("seal, enter before the newest"), "{}", planned.stdout);
    let imported = import(&server, &[]).ok();
    for run in [&planned, &imported] {
        assert!(run.stderr.contains("1 set is older than the newest"), "{}", run.stderr);
    }
    assert_eq!(history(&server), [commit(1), commit(5)], "before, and not after");
    upload(&server, 9, &code(2));
    import(&server, &[]).ok();
    assert_eq!(history(&server), [commit(1), commit(5), commit(9)]);
    run(&server, &["artifacts", "verify", "--all"]).ok();
}

#[test]
fn a_history_that_was_lost_is_made_anew() {
    let (server, task) = (server(), Task::new());
    let mut commits = Vec::new();
    for n in 0..3 {
        commits.push(task.commit(&[("README.md", &n.to_string())]));
        task.clean();
        task.check(&server, Some("**")).ok();
        task.write("a.zip", &n.to_string());
        task.upload(&server).ok();
        let key = format!("artifacts/{}/.manifest.json", commits[n]);
        // Times are to the second; a test must not wait for them.
        let manifest = server.get(BUCKET, &key).expect("a manifest").text();
        let mut value: serde_json::Value = serde_json::from_str(&manifest).expect("json");
        value["published_at"] = format!("2026-01-01T00:00:0{n}Z").into();
        server.corrupt(BUCKET, &key, value.to_string());
    }
    server.remove(BUCKET, "artifacts/.history.json");
    let run = import(&server, &["--json"]).ok().json();
    assert_eq!((&run["entered"], &run["sealed"]), (&3.into(), &0.into()));
    assert_eq!(history(&server), commits);
}
