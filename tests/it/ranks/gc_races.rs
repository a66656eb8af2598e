//! A removal of releases at each request of a put, a put at each request of a removal, two removals at
//! once, and deletions that arrive late.

use super::gc::{
    ALL_BUT_WHAT_STANDS, all_whole, archived, bytes, command, filled, gc, gc_with, is_under_way,
    ranks, shown,
};
use super::support::{at, promote, roll_back, upload};
use crate::support::{
    BUCKET, Between, Disturbed, Embedded, Inputs, Run, Stored, Tree, age, fate, run, start_late,
};
use s3_test_server::{Action, Fault, Handle, RequestInfo};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn begun(stored: &Stored) -> Embedded {
    let server = Embedded::new();
    server.restore(stored);
    age(&server);
    server
}

/// What a bucket is in which `filled` and one removal have been.
fn stored(more: impl Fn(&Embedded)) -> Stored {
    let server = Embedded::new();
    filled(&server);
    more(&server);
    server.stored()
}

/// Puts, and runs a removal in the middle, before each request of the put in turn: the put ends well and
/// what it put stands, or it says why not; and whatever is shown is whole.
fn removed_during(stored: &Stored, rank: &str, put: impl Fn(&Embedded) -> Run + Sync, what: &str) {
    let done = AtomicUsize::new(0);
    let disturbed = Between {
        name: what,
        begin: &|| begun(stored),
        what: &put,
        comes: Arc::new(|server| drop(gc(server))),
    };
    let look = |it: Disturbed<'_, Run>| {
        let Disturbed { server, answer: run, undisturbed, at: place } = it;
        undisturbed.version();
        let after = shown(server, place);
        assert!(!is_under_way(server), "{place}");
        if run.succeeded() {
            done.fetch_add(1, Ordering::Relaxed);
            let version = run.version();
            let own = all_whole(&at(&server.resource(), rank), place);
            let name = format!("{}#", version["version"].as_str().expect("a version"));
            assert!(own.last().is_some_and(|it| it.starts_with(&name)), "{place}: {own:?}");
        } else {
            let words = ["was removed at", "never stood", "being removed", "gone"];
            assert!(words.iter().any(|it| run.stderr.contains(it)), "{place}: {}", run.stderr);
        }
        age(server);
        gc(server);
        for (now, before) in shown(server, place).iter().zip(&after) {
            let last = |text: &str| text.rsplit(' ').next().map(str::to_owned);
            assert_eq!(last(now), last(before), "{place}: what stands");
        }
    };
    let requests = disturbed.at_each_request(look);
    let done = done.into_inner();
    assert!(done > 0 && (done as u64) <= requests, "{what}: {done} of {requests}");
}

#[test]
fn a_removal_at_each_request_of_an_upload() {
    let plain = stored(|_| {});
    let new = |server: &Embedded| upload(&ranks(server)[0], "6.0", bytes("6.0"));
    removed_during(&plain, "qa", new, "a new version");
    let again = |server: &Embedded| upload(&ranks(server)[0], "2.0", bytes("2.0"));
    let removed = stored(|server| drop(gc(server)));
    removed_during(&removed, "qa", again, "one that was removed");
}

#[test]
fn a_removal_at_each_request_of_a_promotion() {
    let plain = stored(|_| {});
    let climb = |server: &Embedded| promote(&ranks(server)[1], "4.0");
    removed_during(&plain, "staging", climb, "a version that would go");
    let first = |server: &Embedded| promote(&ranks(server)[2], "3.0");
    removed_during(&plain, "production", first, "another rank");
    // Each removal leaves a fence: the next one must not leave the same.
    let some = ["--keep-last", "1", "--keep", "2.0", "--keep", "3.0"];
    let once = stored(|server| drop(gc_with(server, &some)));
    removed_during(&once, "production", first, "another rank, after a removal");
    let back = |server: &Embedded| roll_back(&ranks(server)[1], "3.0");
    removed_during(&plain, "staging", back, "a rollback");
    let last = |server: &Embedded| promote(&ranks(server)[2], "5.0");
    removed_during(&plain, "production", last, "what stands");
}

/// A rank that has no history yet gets its first entry beside a removal.
#[test]
fn a_removal_at_each_request_of_a_first_promotion() {
    let server = Embedded::new();
    let [qa, ..] = ranks(&server);
    for version in ["1.0", "2.0", "3.0"] {
        upload(&qa, version, bytes(version)).version();
    }
    let climb = |server: &Embedded| promote(&ranks(server)[1], "2.0");
    removed_during(&server.stored(), "staging", climb, "the first of a rank");
}

/// Removes, and in the middle, before each request of that in turn, does something else.
fn during_removal(
    stored: &Stored,
    other: impl Fn(&Embedded) + Send + Sync + 'static,
    check: impl Fn(&Embedded, &str) + Sync,
) {
    let removal = Between {
        name: "a removal",
        begin: &|| begun(stored),
        what: &|server| gc(server),
        comes: Arc::new(other),
    };
    removal.at_each_request(|it| {
        assert!(!is_under_way(it.server), "{}", it.at);
        check(it.server, it.at);
    });
}

/// What was promoted in the middle stands, and has its bytes, unless the put said that it cannot be.
fn put_during(
    put: impl Fn(&Embedded) -> Run + Send + Sync + 'static,
    rank: usize,
    name: &'static str,
) {
    let (done, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (yes, no) = (Arc::clone(&done), Arc::clone(&refused));
    let other = move |server: &Embedded| {
        let run = put(server);
        let count = if run.succeeded() { &yes } else { &no };
        count.fetch_add(1, Ordering::Relaxed);
        // Told to whoever looks at the bucket afterwards.
        let told = if run.succeeded() { "done" } else { "refused" };
        server.put(BUCKET, "told", told, &[]);
    };
    during_removal(&stored(|_| {}), other, |server, place| {
        let told = server.text("told");
        let shown = shown(server, place);
        let stands = shown[rank].rsplit(' ').next().is_some_and(|it| it.starts_with(name));
        assert_eq!(stands, told == "done", "{place}: {told}: {shown:?}");
        age(server);
        gc(server);
        assert_eq!(super::gc::shown(server, place)[rank].contains(name), stands, "{place}");
    });
    let (done, refused) = (done.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
    assert!(done > 0 && refused > 0, "{done} done, {refused} refused");
}

#[test]
fn a_promotion_at_each_request_of_a_removal() {
    put_during(|server| promote(&ranks(server)[1], "4.0"), 1, "4.0#");
}

#[test]
fn a_rollback_at_each_request_of_a_removal() {
    put_during(|server| roll_back(&ranks(server)[0], "3.0"), 0, "3.0#");
}

#[test]
fn an_upload_at_each_request_of_a_removal() {
    let put = |server: &Embedded| {
        upload(&ranks(server)[0], "6.0", bytes("6.0")).version();
    };
    during_removal(&stored(|_| {}), put, |server, place| {
        let shown = shown(server, place);
        assert!(shown[0].ends_with("6.0#6") || shown[0].contains(" 6.0#"), "{place}: {shown:?}");
    });
}

#[test]
fn two_removals_at_once_remove_once() {
    let stored = stored(|_| {});
    let server = begun(&stored);
    gc(&server);
    let (keys, want) = (archived(&server), shown(&server, "undisturbed"));
    during_removal(
        &stored,
        |server| drop(gc(server)),
        |server, place| {
            assert_eq!(shown(server, place), want, "{place}");
            assert_eq!(archived(server), keys, "{place}");
        },
    );
}

/// One keeps what the other removes: each version is whole, or gone everywhere.
#[test]
fn two_removals_that_disagree() {
    let other = |server: &Embedded| {
        gc_with(server, &["--keep-last", "9"]);
        // What it freed climbs at once, where it still stands.
        promote(&ranks(server)[1], "2.0");
    };
    during_removal(&stored(|_| {}), other, |server, place| {
        let shown = shown(server, place);
        let is_there = shown[1].contains("2.0#");
        assert_eq!(shown[0].contains("2.0#"), is_there, "{place}: {shown:?}");
        let keys = archived(server);
        assert_eq!(keys.iter().any(|key| key.starts_with("archive/2.0/")), is_there, "{place}");
    });
}

/// A remover that stopped before its deletions: they arrive after the version came back, and take
/// nothing of it.
#[test]
fn deletions_that_arrive_late_take_nothing_of_what_came_back() {
    let server = Embedded::new();
    filled(&server);
    let [qa, staging, _] = ranks(&server);
    let begun = std::time::Instant::now();
    upload(&qa, "5.0", bytes("5.0")).version();
    let delay = Duration::from_secs(2) + 12 * begun.elapsed();
    let late = start_late(&server, &mut command(&server, &ALL_BUT_WHAT_STANDS), delay);
    gc(&server);
    let version = upload(&qa, "2.0", bytes("2.0")).version();
    promote(&staging, "2.0").version();
    late.wait().told();
    let got = qa.get(&version, json!({}));
    got.run.json();
    assert!(shown(&server, "late")[..2].iter().all(|rank| rank.contains("2.0#")));
    let inputs = Inputs::of(&Tree::of("f", bytes("2.0")));
    let again = qa.put(inputs.path(), &json!({"file": "assets/f", "version": "2.0"}));
    assert_eq!(again.version(), version);
}

#[test]
fn faults_on_the_way_are_overcome_or_left_to_the_next() {
    for (operation, action) in [
        ("DeleteObject", Action::Status(503, "SlowDown")),
        ("DeleteObject", Action::StatusAfter(500, "InternalError")),
        ("PutObject", Action::DropAfter),
        ("PutObject", Action::StatusAfter(500, "InternalError")),
        ("PutObject", Action::Twice),
        ("GetObject", Action::HalfBody),
        ("ListObjectsV2", Action::HalfBody),
    ] {
        let server = Embedded::new();
        filled(&server);
        server.fault(Fault::new(action.clone()).on(operation).times(3));
        gc(&server);
        let place = format!("{operation} {action:?}");
        assert_eq!(shown(&server, &place), ["1.0#1 5.0#5", "1.0#1 5.0#3", "1.0#1"], "{place}");
        let keys = archived(&server);
        let others = keys.iter().filter(|key| !key.contains("1.0") && !key.contains("5.0"));
        assert_eq!(others.count(), 0, "{place}: {keys:?}");
        assert!(!is_under_way(&server), "{place}");
    }
    // A deletion that is not allowed: said, and done by the next one that may.
    let server = Embedded::new();
    filled(&server);
    server.fault(Fault::new(Action::Status(403, "AccessDenied")).on("DeleteObject").always());
    let run = run(&mut command(&server, &["--keep-last", "1", "--delete"]));
    assert!(!run.succeeded() && run.stderr.contains("s3:DeleteObject"), "{}", run.stderr);
    let want = ["1.0#1 5.0#5", "1.0#1 5.0#3", "1.0#1"];
    assert_eq!(shown(&server, "not allowed"), want);
    server.clear_faults();
    // Whatever is to be kept now: that they go was decided.
    gc_with(&server, &["--keep-last", "9"]);
    assert_eq!(shown(&server, "the next one"), want);
    assert!(!archived(&server).iter().any(|key| key.contains("2.0")));
    assert!(!is_under_way(&server));
}

/// Two removals name the same versions, the second one the first rank later and the others before: the
/// first, which may not decide any more, ends and takes none of the second's names away. So nobody
/// can promote, before the second has decided, what it removes then.
#[test]
fn a_removal_that_was_overtaken_leaves_the_names_of_the_other() {
    let server = Arc::new(begun(&stored(|_| {})));
    let (to_first, first_may_go_on) = std::sync::mpsc::channel::<()>();
    let (to_second, first_has_ended) = std::sync::mpsc::channel::<()>();
    let (to_test, promotions) = std::sync::mpsc::channel::<Run>();
    let (to_first, to_test) = (Mutex::new(to_first), Mutex::new(to_test));
    let first_has_ended = Mutex::new(first_has_ended);
    // The second, just before it decides: the first goes on to its end, and somebody promotes.
    let inner = Arc::clone(&server);
    let decides = Arc::new(move |_: &RequestInfo| {
        to_first.lock().expect("free").send(()).expect("it waits");
        first_has_ended.lock().expect("free").recv().expect("it ended");
        let run = promote(&ranks(&inner)[1], "4.0");
        to_test.lock().expect("free").send(run).expect("the test waits");
    });
    // The first, just before it names the second rank's: the second begins.
    let inner = Arc::clone(&server);
    let second = Arc::new(Mutex::new(None));
    let of_second = Arc::clone(&second);
    let first_may_go_on = Mutex::new(first_may_go_on);
    let names = Arc::new(move |_: &RequestInfo| {
        let decides = Fault::new(Action::Call(decides.clone())).on("PutObject");
        inner.fault(decides.key_contains("qa/.history/").skip(1));
        let handle = Handle::clone(&inner);
        let run = std::thread::spawn(move || gc(&handle));
        *of_second.lock().expect("free") = Some(run);
        first_may_go_on.lock().expect("free").recv().expect("the second decides");
    });
    let fault = Fault::new(Action::Call(names)).on("PutObject").key_contains("staging/.history/");
    server.fault(fault);
    let told = gc(&server);
    to_second.send(()).expect("the second waits");
    let promoted = promotions.recv().expect("somebody promoted");
    let second = second.lock().expect("free").take().expect("it began");
    second.join().expect("the second removal ended");
    assert_eq!(fate(&told, "4.0"), ["keep", "another removal has it"]);
    assert!(promoted.stderr.contains("is being removed"), "{}", promoted.stderr);
    assert_eq!(shown(&server, "after both"), ["1.0#1 5.0#5", "1.0#1 5.0#3", "1.0#1"]);
    assert!(!is_under_way(&server));
}

/// The server decides, and answers that it did not: what is decided stays named at every rank, so that
/// nobody goes back to it before the next removal ends it.
#[test]
fn a_decision_whose_answer_was_an_error_is_kept() {
    let server = begun(&stored(|_| {}));
    let refused = Fault::new(Action::StatusAfter(403, "AccessDenied")).on("PutObject");
    server.fault(refused.key_contains("qa/.history/").skip(1));
    let run = run(&mut command(&server, &ALL_BUT_WHAT_STANDS));
    assert!(!run.succeeded() && run.stderr.contains("AccessDenied"), "{}", run.stderr);
    assert!(is_under_way(&server));
    // It stands in that rank's history still.
    let back = roll_back(&ranks(&server)[1], "3.0");
    assert!(back.stderr.contains("3.0 of my.tar.gz is being removed"), "{}", back.stderr);
    // Decided is decided, whatever is to be kept now.
    gc_with(&server, &["--keep-last", "9"]);
    assert_eq!(shown(&server, "ended"), ["1.0#1 5.0#5", "1.0#1 5.0#3", "1.0#1"]);
    assert!(!is_under_way(&server));
}
