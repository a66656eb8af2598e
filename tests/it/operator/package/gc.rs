//! Blobs that no version names: they are set aside, then deleted, and nothing that is needed goes.

use super::{BUCKET, add, blob, files, package, path, server};
use s3_test_server::{Action, Deny, Fault, ListedKeys, Options, Server};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_hours(24);

/// Makes every object older.
fn age(server: &Server, days: u32) {
    for key in server.keys(BUCKET) {
        server.set_modified(BUCKET, &key, SystemTime::now() - DAY * days);
    }
}

/// Blobs and what was set aside, by content.
fn blobs(server: &Server, contents: &[&str]) -> String {
    let at = |content: &str| {
        let own = server.get(BUCKET, &blob(content)).is_some();
        let aside = server.get(BUCKET, &format!(".aside/{}", blob(content))).is_some();
        match (own, aside) {
            (true, false) => 'o',
            (false, true) => 'a',
            (true, true) => 'b',
            (false, false) => '-',
        }
    };
    contents.iter().map(|content| at(content)).collect()
}

#[test]
fn gc_takes_two_steps_and_keeps_what_is_needed() {
    let server = server();
    let all = ["one", "two", "three", "orphan", "fresh"];
    for content in &all[..3] {
        add(&server, "app", content);
    }
    package(&server, &["remove", "app", "2"]).ok();
    server.put(BUCKET, &blob("orphan"), "orphan", &[]);
    age(&server, 8);
    server.put(BUCKET, &blob("fresh"), "fresh", &[]);
    let before = server.snapshot(BUCKET);
    let planned = package(&server, &["gc", "--json"]).ok().json();
    assert_eq!(planned["done"], false);
    assert_eq!(planned["blobs"].as_array().map(Vec::len), Some(2));
    let table = package(&server, &["gc"]).ok();
    assert!(table.stdout.contains(&blob("two")) && table.stderr.contains("add --delete"));
    assert!(server.snapshot(BUCKET) == before, "nothing without --delete");

    let first = package(&server, &["gc", "--delete"]).ok();
    assert_eq!(blobs(&server, &all), "oaoao");
    assert!(first.stderr.contains("since it was written: 1 blob"), "{}", first.stderr);
    let second = package(&server, &["gc", "--delete"]).ok();
    assert!(second.stderr.contains("since it was set aside: 2 blobs"), "{}", second.stderr);
    assert_eq!(blobs(&server, &all), "oaoao", "what was set aside is left alone for a while");
    // Another add needs what was set aside, and uploads it; a version that somebody entered whose
    // blob lies aside only is still to be had, and its blob is put back.
    assert_eq!(add(&server, "app", "orphan"), "4");
    let record = format!(r#"{{"sha": "{}", "basename": "two.jar", "mode": 33188}}"#, blob("two"));
    server.put(BUCKET, "other/versions/1500000000000", record, &[]);
    let into = tempfile::tempdir().expect("a directory");
    let to = path(&into, "x");
    package(&server, &["download", "other", "1500000000000", "-o", &to]).ok();
    assert_eq!(std::fs::read_to_string(&to).expect("it"), "two");
    package(&server, &["gc", "--delete"]).ok();
    assert_eq!(blobs(&server, &all), "obobo");
    age(&server, 8);
    package(&server, &["gc", "--delete"]).ok();
    assert_eq!(blobs(&server, &all), "ooooa");
    age(&server, 8);
    package(&server, &["gc", "--delete", "--older-than", "1h"]).ok();
    assert_eq!(blobs(&server, &all), "oooo-");
    package(&server, &["gc", "--older-than", "0h"]).failed(2, "older-than");
}

#[test]
fn gc_deletes_no_blob_of_a_name_that_is_listed_otherwise() {
    for (listed_keys, status) in
        [(ListedKeys::Encoded, 0), (ListedKeys::Plain, 0), (ListedKeys::Mislabelled, 1)]
    {
        let options = Options { listed_keys, ..Options::with_bucket(BUCKET) };
        let server = Server::start(options);
        let names = ["lib/c++", "lib/a+b%41"];
        for name in names {
            assert_eq!(add(&server, name, name), "1");
        }
        age(&server, 8);
        let run = package(&server, &["gc", "--delete"]);
        assert_eq!(run.status, Some(status), "{listed_keys:?}: {}", run.stderr);
        assert_eq!(blobs(&server, &names), "oo", "{listed_keys:?}: {}", run.stderr);
    }
}

#[test]
fn gc_stops_at_what_it_cannot_read() {
    let server = server();
    add(&server, "app", "one");
    server.put(BUCKET, &blob("orphan"), "orphan", &[]);
    age(&server, 8);
    server.put(BUCKET, "other/versions/7", "{", &[]);
    package(&server, &["gc", "--delete"]).failed(1, "other/versions/7 is damaged");
    server.remove(BUCKET, "other/versions/7");
    server.put(BUCKET, "a/tags/b/versions/7", "{}", &[]);
    package(&server, &["gc", "--delete"]).failed(1, "a/tags/b/versions/7");
    server.remove(BUCKET, "a/tags/b/versions/7");
    // A store with the blobs of two ledgers.
    server.put(
        "ledger-2",
        "x/versions/7",
        format!(r#"{{"sha": "{}", "basename": "x", "mode": 33188}}"#, blob("orphan")),
        &[],
    );
    let both = ["gc", "--delete", "--also-ledger", "s3://ledger-2"];
    package(&server, &both).ok();
    assert_eq!(blobs(&server, &["one", "orphan"]), "oo");
    package(&server, &["gc", "--delete"]).ok();
    assert_eq!(blobs(&server, &["one", "orphan"]), "oa");
}

/// An add finds its blob there, and at each of its requests a whole run of gc comes in between.
#[test]
fn gc_beside_an_add_loses_nothing() {
    let found = |numbering: &str, nth: u64| -> bool {
        let server = server();
        add(&server, "app", "one");
        server.put(BUCKET, &blob("again"), "again", &[]);
        age(&server, 8);
        let server = Arc::new(server);
        let beside = server.clone();
        server.reset_requests();
        let between = Action::Call(Arc::new(move |_| {
            package(&beside, &["gc", "--delete"]).ok();
        }));
        let fault = server.fault(Fault::new(between).nth(nth));
        let directory = files(&[("app.jar", "again")]);
        let file = path(&directory, "app.jar");
        let version =
            package(&server, &["add", "app", &file, "--numbering", numbering]).ok().stdout;
        let was_there = fault.applied() > 0;
        server.clear_faults();
        let version = version.trim();
        let to = path(&directory, "fetched");
        for _ in 0..2 {
            package(&server, &["download", "app", version, "-o", &to]).ok();
            assert_eq!(std::fs::read_to_string(&to).expect("it"), "again", "{numbering} {nth}");
            age(&server, 8);
            package(&server, &["gc", "--delete"]).ok();
        }
        assert_ne!(blobs(&server, &["again"]), "-", "{numbering} {nth}");
        assert_eq!(blobs(&server, &["one"]), "o");
        was_there
    };
    for numbering in ["sequential", "timestamp"] {
        let points = (1..).take_while(|nth| found(numbering, *nth)).count();
        println!("{numbering}: gc at each of {points} requests of an add");
        assert!(points >= 6, "{points}");
    }
}

/// The same, with a client that may only write: it never learns that its blob has gone.
#[test]
fn gc_beside_a_client_that_may_only_write() {
    let server = server();
    add(&server, "app", "one");
    server.put(BUCKET, &blob("again"), "again", &[]);
    age(&server, 8);
    let (server, only_puts) = (Arc::new(server), |server: &Server| {
        let denied = ["GetObject", "HeadObject", "ListObjectsV2", "DeleteObject"];
        denied.into_iter().for_each(|operation| server.deny(Deny::all().on(operation)));
    });
    let beside = server.clone();
    let between = Action::Call(Arc::new(move |_| {
        beside.clear_denies();
        package(&beside, &["gc", "--delete"]).ok();
        only_puts(&beside);
    }));
    // After its blob was found there, and before its record stands.
    let fault = server.fault(Fault::new(between).on("PutObject").key_contains("app/versions/"));
    only_puts(&server);
    let directory = files(&[("app.jar", "again")]);
    let file = path(&directory, "app.jar");
    let run = package(&server, &["add", "app", &file, "--numbering", "timestamp"]).ok();
    assert_eq!(fault.applied(), 1);
    server.clear_denies();
    assert_eq!(blobs(&server, &["again"]), "b", "sent again, as it may have gone");
    let to = path(&directory, "fetched");
    package(&server, &["download", "app", run.stdout.trim(), "-o", &to]).ok();
    assert_eq!(std::fs::read_to_string(&to).expect("it"), "again");
    // Had it gone after that, the next run would put it back.
    server.remove(BUCKET, &blob("again"));
    package(&server, &["gc", "--delete"]).ok();
    assert_eq!(blobs(&server, &["again"]), "b");
}
