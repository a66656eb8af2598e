//! Writers that die in crowds, and writes that arrive after their writer's death.

use crate::support::{BUCKET, Dice, Embedded, Grown, Inputs, Place, Tree, Walk, commit, noise};
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const DELAY: Duration = Duration::from_millis(1_500);

fn params(n: usize) -> Value {
    json!({"commit": commit(n), "directory": "assets"})
}

fn tree(writer: usize) -> Tree {
    (0..6)
        .fold(Tree::default(), |tree, n| tree.with(&format!("f{n}"), format!("{writer} wrote {n}")))
}

/// The completion of a dead writer's upload replaces a plain key after another set is published:
/// the set stays whole, and the next put mends the plain key.
#[test]
fn a_completion_that_arrives_late_changes_nothing_that_is_published() {
    let server = Embedded::with(|options| options.ignore_complete_conditions = true);
    let resource = server.resource();
    let of = |seed| Tree::of("large.bin", noise(seed, 17 << 20));
    // Later than a put takes, on a machine with much else to do as well.
    let begun = Instant::now();
    Embedded::new().resource().publish(&commit(1), &of(1)).version();
    let delay = DELAY + 4 * begun.elapsed();
    server.fault(Fault::new(Action::Slow(delay)).on("CompleteMultipartUpload"));
    server.fault(Fault::new(Action::KillBefore).on("CompleteMultipartUpload").skip(1));
    let inputs = Inputs::of(&of(1));
    let first = resource.start_put(inputs.path(), &params(1));
    while server.requests_of("CompleteMultipartUpload").is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    first.kill();
    server.clear_faults();

    let version = resource.publish(&commit(1), &of(2)).version();
    assert!(resource.get(&version, json!({})).assets() == of(2));
    let plain = format!("artifacts/{}/large.bin", commit(1));
    std::thread::sleep(delay);
    let late = server.get(BUCKET, &plain).expect("an object").bytes();
    assert!(late == noise(1, 17 << 20), "the late completion was applied");
    assert!(resource.get(&version, json!({})).assets() == of(2), "the set is whole all the same");

    assert_eq!(resource.publish(&commit(1), &of(3)).version(), version);
    let folder = format!("artifacts/{}", commit(1));
    assert!(server.published(&folder) == Some(of(2)), "the next put mends the plain key");
}

/// Puts of small files are conditional, so a late one is refused.
#[test]
fn a_small_write_that_arrives_late_changes_nothing() {
    let server = Embedded::new();
    let resource = server.resource();
    for (n, part) in ["f3", ".manifest.json", ".pending"].into_iter().enumerate() {
        let n = n + 1;
        let key = format!("artifacts/{}/{part}", commit(n));
        server.reset_requests();
        server.fault(Fault::new(Action::Slow(DELAY)).on("PutObject").key(&key));
        let inputs = Inputs::of(&tree(1));
        let first = resource.start_put(inputs.path(), &params(n));
        let reached = || server.requests().iter().any(|it| it.key.as_deref() == Some(&key));
        while !reached() {
            std::thread::sleep(Duration::from_millis(5));
        }
        first.kill();
        let version = resource.publish(&commit(n), &tree(2)).version();
        let folder = format!("artifacts/{}", commit(n));
        assert_eq!(server.published(&folder), Some(tree(2)), "{part}");
        std::thread::sleep(DELAY);
        assert_eq!(server.published(&folder), Some(tree(2)), "{part}");
        assert_eq!(resource.get(&version, json!({})).assets(), tree(2), "{part}");
    }
}

/// Eight writers at once, each killed after a moment or not: whatever was read once is read for
/// ever, and a last put completes.
#[test]
fn crowds_of_writers_that_die() {
    let place = Place::of_writers();
    let resource = place.resource();
    let mut dice = Dice::new(11);
    let inputs: Vec<Inputs> = (0..8).map(|writer| Inputs::of(&tree(writer))).collect();
    let read = |n: usize| {
        let got = resource.get(&json!({"commit": commit(n)}), json!({}));
        got.run.succeeded().then(|| got.assets())
    };
    let mut died = 0;
    for n in 1..=12 {
        let mut puts: Vec<_> =
            inputs.iter().map(|it| resource.start_put(it.path(), &params(n))).collect();
        let mut before = None;
        while !puts.is_empty() {
            std::thread::sleep(Duration::from_millis(dice.below(25) as u64));
            let put = puts.swap_remove(dice.below(puts.len()));
            died += usize::from(put.kill().code.is_none());
            before = before.or_else(|| read(n));
        }
        let version = resource.publish(&commit(n), &tree(99)).version();
        let after = read(n).expect("it is published");
        assert!((0..8).chain([99]).any(|writer| tree(writer) == after), "a mixture: {after:?}");
        assert!(before.is_none_or(|before| before == after), "commit {n} changed");
        assert_eq!(place.published(&format!("artifacts/{}", commit(n))), Some(after));
        assert_eq!(resource.versions(None), [version]);
    }
    println!("{died} of {} writers died", 12 * 8);
    assert!(died > 12);
    let numbers: Vec<_> = place.head_of_history().iter().map(|e| e["number"].clone()).collect();
    assert_eq!(numbers, (1..=12).rev().map(Value::from).collect::<Vec<_>>());
}

/// A put that moves entries of the history to a segment may be killed anywhere as well.
#[test]
fn a_put_that_seals_a_segment_may_be_killed_anywhere() {
    let full = usize::try_from(s3_asset_resource::history::SEGMENT).expect("small")
        + s3_asset_resource::history::KEEP;
    let inputs = Inputs::of(&tree(1));
    let segments = |server: &Embedded| {
        server.keys(BUCKET).iter().filter(|key| key.contains("/.history/")).count()
    };
    let begin = || {
        let server = Embedded::new();
        Grown::new(&server, full, &[]);
        let resource = server.resource().set("initial_history", 9_999);
        (server, resource)
    };
    let walk = Walk {
        name: "a put that seals a segment",
        begin: &begin,
        inputs: inputs.path(),
        params: &params(full + 1),
        least_requests: 5,
    };
    let elsewhere = Embedded::new();
    let history = Grown::new(&elsewhere, full, &[]);
    walk.kill(|killed| {
        let (place, resource) = (&killed.at, &killed.resource);
        assert_eq!(resource.versions(None)[..full], history.since(1), "{place}");
        killed.put();
        assert_eq!(segments(&killed.server), 1, "{place}: this put seals");
        resource.put(inputs.path(), &params(full + 2)).version();
        let all: Vec<Value> = (1..=full + 2).map(|n| history.version(n)).collect();
        assert_eq!(resource.versions(None), all, "{place}");
    });
}
