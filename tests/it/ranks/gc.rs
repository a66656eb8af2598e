//! Removal of releases: what goes and what stays, what is said of it, and killed anywhere.

use super::support::{FILE, RANKS, at, promote, put, roll_back, upload, version};
use crate::support::{
    BUCKET, Embedded, Inputs, Point, Resource, Tree, age, fate, get_all, is_planned, is_stone,
    kill_at_each_request, long_ago, noise, only_allowed, only_reads, program, run, run_as_victim,
};
use s3_test_server::{Action, Fault, Handle};
use serde_json::{Value, json};
use std::process::Command;

/// `s3-asset release gc` of the file, over all ranks.
pub(super) fn command(server: &Handle, more: &[&str]) -> Command {
    let ranks = RANKS.join(",");
    let words = ["release", "gc", FILE, "--bucket", BUCKET, "--ranks", &ranks];
    program(server, &[&words, more].concat())
}

/// Removes all but what stands at a rank.
pub(super) const ALL_BUT_WHAT_STANDS: [&str; 5] = ["--keep-last", "1", "--wait", "1h", "--delete"];

#[track_caller]
pub(super) fn gc(server: &Handle) -> Value {
    run(&mut command(server, &[&ALL_BUT_WHAT_STANDS[..], &["--json"]].concat())).json()
}

/// Removes what a policy does not keep.
#[track_caller]
pub(super) fn gc_with(server: &Handle, policy: &[&str]) -> Value {
    let words = [policy, &["--wait", "1h", "--delete", "--json"]].concat();
    run(&mut command(server, &words)).json()
}

/// Runs it; it must fail, with both of these in its words.
#[track_caller]
fn refused(server: &Handle, more: &[&str], code: i32, what: [&str; 2]) {
    let run = run(&mut command(server, more));
    let is_said = what.iter().all(|it| run.stderr.contains(it));
    assert!(run.code == Some(code) && is_said, "{:?} {}", run.code, run.stderr);
}

pub(super) fn ranks(server: &Embedded) -> [Resource; 3] {
    RANKS.map(|rank| at(&server.resource(), rank))
}

pub(super) fn bytes(version: &str) -> Vec<u8> {
    format!("the bytes of {version}").into_bytes()
}

/// 1.0 to 5.0 at qa, the odd ones at staging, 1.0 at production; long ago.
pub(super) fn filled(server: &Embedded) {
    let [qa, staging, production] = ranks(server);
    for version in ["1.0", "2.0", "3.0", "4.0", "5.0"] {
        upload(&qa, version, bytes(version)).version();
        if ["1.0", "3.0", "5.0"].contains(&version) {
            promote(&staging, version).version();
        }
        if version == "1.0" {
            promote(&production, version).version();
        }
    }
    age(server);
}

/// Everything that a check of a rank shows can be fetched, and has its bytes; answers `version#number`.
#[track_caller]
pub(super) fn all_whole(resource: &Resource, at: &str) -> Vec<String> {
    get_all(resource, at, |version, got| {
        let name = version["version"].as_str().expect("a version");
        let file = std::fs::read(got.path().join(FILE)).expect("the file");
        assert!(file == bytes(name), "{at}: other bytes for {name}");
        format!("{name}#{}", version["promotion"].as_str().expect("a number"))
    })
}

/// What each rank shows.
#[track_caller]
pub(super) fn shown(server: &Embedded, at: &str) -> Vec<String> {
    ranks(server).iter().map(|rank| all_whole(rank, at).join(" ")).collect()
}

/// The keys of the archive that are not stones.
pub(super) fn archived(server: &Embedded) -> Vec<String> {
    let all = server.keys(BUCKET).into_iter().filter(|key| key.starts_with("archive/"));
    all.filter(|key| !is_stone(server, key)).collect()
}

/// Whether a rank's head says that something is under way.
pub(super) fn is_under_way(server: &Embedded) -> bool {
    RANKS.iter().any(|rank| {
        let key = format!("{rank}/.history/{FILE}.json");
        let Some(head) = server.get(BUCKET, &key) else { return false };
        let head: Value = serde_json::from_slice(&head.bytes()).expect("JSON");
        let fence =
            head["fence"].as_str().and_then(|text| text.strip_prefix("removing releases: "));
        let fence: Value =
            fence.map_or(json!({"versions": {}}), |text| serde_json::from_str(text).expect("JSON"));
        !head["removing"].is_null() || fence["versions"] != json!({})
    })
}

#[test]
fn what_no_rank_needs_goes_and_the_rest_stays_whole() {
    let server = Embedded::new();
    filled(&server);
    let [qa, staging, production] = ranks(&server);
    // A put that was killed before its record, what a loser of a race left, and another file's.
    server.put(BUCKET, &format!("archive/9.0/.{FILE}/claim.json"), "{}", &[]);
    server.put(BUCKET, &format!("archive/9.0/.{FILE}/{}", "d".repeat(64)), "half", &[]);
    let lost = format!("archive/5.0/.{FILE}/{}", "e".repeat(64));
    server.put(BUCKET, &lost, "lost", &[]);
    server.put(BUCKET, "archive/2.0/other.tgz", "another file", &[]);
    age(&server);
    let before = server.snapshot(BUCKET);

    server.reset_requests();
    let policy = ["--keep-last", "2", "--keep", "2.0", "--wait", "1h"];
    let planned = run(&mut command(&server, &policy));
    let told = planned.told();
    only_reads(&server);
    assert!(server.snapshot(BUCKET) == before, "a dry run changes nothing");
    for (action, what, why) in [
        ("keep", "1.0", "stands at production"),
        ("keep", "2.0", "named to be kept"),
        ("keep", "3.0", "one of the last 2 at staging"),
        ("keep", "4.0", "one of the last 2 at qa"),
        ("keep", "5.0", "stands at qa"),
        ("remove", "9.0", "left by a put that did not end"),
        ("remove", lost.as_str(), "version 5.0 has other bytes"),
    ] {
        is_planned(told, action, what, why);
    }
    let sum = "would be removed: 0 versions, 2 leftovers";
    assert!(planned.stderr.contains(sum), "{}", planned.stderr);

    let plan = gc(&server);
    let gone: Vec<&str> = plan["plan"]
        .as_array()
        .expect("a plan")
        .iter()
        .filter(|it| it["action"] == "remove" && it["kind"] == "version")
        .filter_map(|it| it["name"].as_str())
        .collect();
    assert_eq!(gone, ["2.0", "3.0", "4.0"]);
    assert_eq!(shown(&server, "after"), ["1.0#1 5.0#5", "1.0#1 5.0#3", "1.0#1"]);
    let plain = |version: &str| format!("archive/{version}/{FILE}");
    let keys = archived(&server);
    assert!(
        !keys.contains(&lost) && keys.contains(&"archive/2.0/other.tgz".to_owned()),
        "{keys:?}"
    );
    assert!(!keys.iter().any(|key| key.contains("9.0")), "{keys:?}");
    for (version, stays) in [("1.0", true), ("2.0", false), ("3.0", false), ("5.0", true)] {
        assert_eq!(keys.contains(&plain(version)), stays, "{version}: {keys:?}");
    }
    assert!(!is_under_way(&server));

    // A check costs what it did, from a version that was removed as well.
    for given in [None, Some(version("5.0", 5)), Some(version("3.0", 3))] {
        server.reset_requests();
        assert_eq!(qa.versions(given.as_ref()).last(), Some(&version("5.0", 5)));
        assert_eq!(server.requests().len(), 1, "{given:?}");
    }
    let got = qa.get(&version("3.0", 3), json!({}));
    assert!(
        got.run.stderr.contains("version 3.0 of my.tar.gz was removed at "),
        "{}",
        got.run.stderr
    );
    for refused in [promote(&staging, "4.0"), promote(&production, "3.0"), promote(&staging, "3.0")]
    {
        assert!(refused.stderr.contains("was removed at "), "{}", refused.stderr);
    }
    let back = roll_back(&staging, "3.0");
    assert!(back.stderr.contains("never stood"), "{}", back.stderr);
    let others = upload(&qa, "3.0", "others");
    let want = "version 3.0 of my.tar.gz had other bytes before it was removed";
    assert!(others.stderr.contains(want), "{}", others.stderr);
    assert_eq!(shown(&server, "refused"), ["1.0#1 5.0#5", "1.0#1 5.0#3", "1.0#1"]);

    // Again: there is nothing to do, and nothing is written.
    let before = server.snapshot(BUCKET);
    let plan = gc(&server);
    assert_eq!((&plan["objects_deleted"], &plan["bytes"]), (&json!(0), &json!(0)), "{plan}");
    assert!(server.snapshot(BUCKET) == before);

    // The very same bytes may come back, and climb; s3p's key stays empty.
    let again = upload(&qa, "3.0", bytes("3.0")).version();
    assert_eq!(again["version"], "3.0");
    promote(&staging, "3.0").version();
    put(&production, &json!({})).version();
    let now = shown(&server, "again");
    assert!(now.iter().all(|rank| rank.contains("3.0#")), "{now:?}");
    assert!(server.get(BUCKET, &plain("3.0")).is_none());
    age(&server);
    gc(&server);
    assert!(shown(&server, "at last").iter().all(|rank| rank.starts_with("3.0#")));
    // And go once more, and come back once more.
    upload(&qa, "6.0", bytes("6.0")).version();
    promote(&staging, "6.0").version();
    promote(&production, "6.0").version();
    age(&server);
    gc(&server);
    assert!(!archived(&server).iter().any(|key| key.starts_with("archive/3.0/")));
    upload(&qa, "3.0", bytes("3.0")).version();
    assert!(all_whole(&qa, "once more").iter().any(|it| it.starts_with("3.0#")));
}

#[test]
fn what_would_remove_too_much_is_refused() {
    let server = Embedded::new();
    filled(&server);
    let before = server.snapshot(BUCKET);
    refused(&server, &["--delete"], 1, ["nothing says what to keep", "--keep-last"]);
    refused(
        &server,
        &["--keep-last", "1", "--wait", "1m", "--delete"],
        2,
        ["--wait", "give days or hours"],
    );
    let some = ["--ranks", "qa,staging"];
    let words = ["release", "gc", FILE, "--bucket", BUCKET, "--keep-last", "1", "--delete"];
    let run = run(&mut program(&server, &[&words[..], &some].concat()));
    let why = "at the rank `production` too";
    assert!(run.code == Some(1) && run.stderr.contains(why), "{}", run.stderr);
    let why = "nothing is removed where `conditional_writes` is false";
    refused(&server, &["--keep-last", "1", "--delete", "--no-conditional-writes"], 1, [why, ""]);
    assert!(server.snapshot(BUCKET) == before);
    // s3p has it at a rank that is not named.
    server.put(BUCKET, &format!("canary/{FILE}"), "x", &[("version", "1.0")]);
    refused(&server, &["--keep-last", "1"], 1, ["at the rank `canary` too", "name every rank"]);
}

#[test]
fn what_s3p_left_stays() {
    let server = Embedded::new();
    let [qa, staging, _] = ranks(&server);
    for text in ["0.1", "0.2"] {
        server.put(BUCKET, &format!("archive/{text}/{FILE}"), bytes(text), &[("version", text)]);
    }
    for rank in ["qa", "staging"] {
        server.put(BUCKET, &format!("{rank}/{FILE}"), bytes("0.2"), &[("version", "0.2")]);
    }
    upload(&qa, "1.0", bytes("1.0")).version();
    upload(&qa, "2.0", bytes("2.0")).version();
    age(&server);
    let plan = gc(&server);
    assert_eq!(fate(&plan, "0.2"), ["keep", "stands at staging"]);
    assert_eq!(fate(&plan, "1.0"), ["keep", "its entry says what s3p had put at qa"]);
    for text in ["0.1", "0.2"] {
        assert!(server.get(BUCKET, &format!("archive/{text}/{FILE}")).is_some(), "{text}");
    }
    // What s3p had put there can still be gone back to.
    assert_eq!(roll_back(&qa, "0.2").version()["version"], "0.2");
    promote(&staging, "2.0").version();
    assert_eq!(all_whole(&staging, "after s3p"), ["0.2#0", "2.0#1"]);
}

#[test]
fn a_removal_may_be_killed_anywhere() {
    let server = Embedded::new();
    filled(&server);
    let stored = server.stored();
    let before = shown(&server, "before");
    server.reset_requests();
    gc(&server);
    let requests = server.requests().len() as u64;
    let (want, keys) = (shown(&server, "undisturbed"), archived(&server));
    assert!(requests >= 40, "{requests}");
    kill_at_each_request("a removal", requests, |Point { fault, at, .. }| {
        let server = Embedded::new();
        server.restore(&stored);
        age(&server);
        server.fault(fault);
        let run = run_as_victim(&server, &mut command(&server, &ALL_BUT_WHAT_STANDS));
        server.clear_faults();
        // Each rank shows all, or what is left; and what stands at it, always.
        for ((now, before), want) in shown(&server, &at).iter().zip(&before).zip(&want) {
            assert!(now == before || now == want, "{at}: {now}");
        }
        gc(&server);
        assert_eq!(shown(&server, &at), want, "{at}");
        assert_eq!(archived(&server), keys, "{at}");
        assert!(!is_under_way(&server), "{at}");
        let [qa, staging, _] = ranks(&server);
        upload(&qa, "2.0", bytes("2.0")).version();
        promote(&staging, "2.0").version();
        all_whole(&staging, &at);
        run.code
    });
}

/// A removal that was stopped when it had named its versions: whoever wants one waits a little and is
/// told what to do; another policy frees them.
#[test]
fn what_a_stopped_removal_named_can_be_freed() {
    let server = Embedded::new();
    filled(&server);
    let [qa, staging, _] = ranks(&server);
    // At the first rank: the history is begun already, so the first write there names.
    let naming = Fault::new(Action::KillAfter).on("PutObject").key_contains("production/.history/");
    server.fault(naming);
    let run = run_as_victim(&server, &mut command(&server, &["--keep-last", "1", "--delete"]));
    assert_eq!(run.code, None, "it was killed");
    server.clear_faults();
    let before = shown(&server, "named");
    assert_eq!(before, ["1.0#1 2.0#2 3.0#3 4.0#4 5.0#5", "1.0#1 3.0#2 5.0#3", "1.0#1"]);
    let refused = promote(&staging, "4.0");
    let told = &refused.stderr;
    assert!(!refused.succeeded() && told.contains("version 4.0 of my.tar.gz is being removed"));
    assert!(told.contains("release gc"), "{told}");
    // Others are free.
    upload(&qa, "6.0", bytes("6.0")).version();
    promote(&staging, "6.0").version();
    gc_with(&server, &["--keep-last", "9"]);
    assert!(!is_under_way(&server));
    promote(&staging, "4.0").version();
    let now = shown(&server, "freed");
    assert_eq!(now[1], "1.0#1 3.0#2 5.0#3 6.0#4 4.0#5");
}

/// Uploads that nobody completed go when they are old, and what is asked for is what
/// assets/policies/ranks-gc.json allows.
#[test]
fn uploads_that_were_left_are_given_up() {
    let server = Embedded::new();
    filled(&server);
    let [qa, ..] = ranks(&server);
    server.fault(Fault::new(Action::KillBefore).on("CompleteMultipartUpload"));
    let inputs = Inputs::of(&Tree::of("f", noise(1, 17 << 20)));
    let params = json!({"file": "assets/f", "version": "7.0"});
    server.put_as_victim(&qa, inputs.path(), &params);
    server.clear_faults();
    gc(&server);
    assert_eq!(server.uploads(BUCKET).len(), 1, "it is young");
    server.set_uploads_begun(long_ago());
    age(&server);
    server.reset_requests();
    gc(&server);
    assert!(server.uploads(BUCKET).is_empty());
    assert!(!archived(&server).iter().any(|key| key.contains("7.0")), "its claim went too");
    only_allowed(&server, "ranks-gc.json");
}
