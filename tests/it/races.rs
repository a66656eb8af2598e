//! Many puts at once: one decides, nobody reads a mixture, nothing is lost.

use crate::support::{
    Checkout, Embedded, Inputs, Place, Resource, Running, Tree, commit, noise, on_threads,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const WRITERS: usize = 16;

fn params(n: usize) -> Value {
    json!({"commit": commit(n), "directory": "assets"})
}

/// Puts all trees for one commit at once while a reader looks on; answers the tree that won.
fn race<'a>(resource: &Resource, n: usize, trees: &'a [Tree]) -> &'a Tree {
    let inputs: Vec<Inputs> = trees.iter().map(Inputs::of).collect();
    let (over, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    let version = json!({"commit": commit(n)});
    // None while nothing stands: then a get is refused and writes nothing.
    let read = || {
        let got = resource.get(&version, json!({}));
        if !got.run.succeeded() {
            got.nothing_but_an_error();
            return None;
        }
        let got = got.assets();
        let winner = trees.iter().position(|tree| *tree == got);
        Some(winner.unwrap_or_else(|| panic!("a mixture: {got:?}")))
    };
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while !over.load(Ordering::Relaxed) {
                let shown = resource.versions(None).contains(&version);
                let found = read();
                assert!(found.is_some() || !shown, "a check shows what a get does not find");
                seen.extend(found);
                reads.fetch_add(usize::from(found.is_some()), Ordering::Relaxed);
            }
            seen
        });
        let puts: Vec<Running> =
            inputs.iter().map(|it| resource.start_put(it.path(), &params(n))).collect();
        let versions: Vec<Value> = puts.into_iter().map(|put| put.wait().version()).collect();
        assert!(versions.iter().all(|it| *it == version), "{versions:?}");
        let last = read().expect("a set stands");
        over.store(true, Ordering::Relaxed);
        let seen = reader.join().expect("the reader");
        assert!(seen.iter().all(|it| *it == last), "read {seen:?}, and then {last}");
        println!("commit {n}: writer {last} of {} won; {reads:?} reads meanwhile", trees.len());
        &trees[last]
    })
}

fn small(writer: usize) -> Tree {
    let tree = Tree::of(&format!("only-{writer}"), "mine");
    (0..5).fold(tree, |tree, n| tree.with(&format!("f{n}"), format!("{writer} wrote {n}")))
}

fn large(writer: usize) -> Tree {
    Tree::of("large.bin", noise(writer as u64 + 1, (17 << 20) + writer))
        .with("same-size.bin", noise(writer as u64 + 9, 17 << 20))
        .with("small", writer.to_string())
}

#[test]
fn sixteen_puts_of_one_commit_with_different_bytes() {
    let place = Place::of_writers();
    let trees: Vec<Tree> = (0..WRITERS).map(small).collect();
    for n in 1..=4 {
        let winner = race(&place.resource(), n, &trees);
        let stands = place.published(&format!("artifacts/{}", commit(n)));
        assert_eq!(stands.as_ref(), Some(winner));
        let numbers: Vec<_> = place.head_of_history().iter().map(|e| e["number"].clone()).collect();
        assert_eq!(numbers, (1..=n).rev().map(Value::from).collect::<Vec<_>>());
    }
}

#[test]
fn puts_of_one_commit_with_different_large_files() {
    let place = Place::of_writers();
    let trees: Vec<Tree> = (0..4).map(large).collect();
    let winner = race(&place.resource(), 1, &trees);
    let stands = place.published(&format!("artifacts/{}", commit(1)));
    assert!(stands.as_ref() == Some(winner), "what stands is not the winner's");
}

#[test]
fn large_files_on_a_server_whose_completions_ignore_conditions() {
    let server = Embedded::with(|options| options.ignore_complete_conditions = true);
    let trees: Vec<Tree> = (0..4).map(large).collect();
    let winner = race(&server.resource(), 1, &trees);
    let stands = server.published(&format!("artifacts/{}", commit(1)));
    assert!(stands.as_ref() == Some(winner), "what stands is not the winner's");
}

#[test]
fn sixteen_puts_of_different_commits() {
    let place = Place::of_writers();
    let resource = place.resource();
    let puts: Vec<(Inputs, Running)> = (1..=WRITERS)
        .map(|n| {
            let inputs = Inputs::of(&small(n));
            let put = resource.start_put(inputs.path(), &params(n));
            (inputs, put)
        })
        .collect();
    for (n, (_, put)) in puts.into_iter().enumerate() {
        assert_eq!(put.wait().version(), json!({"commit": commit(n + 1)}));
    }
    let numbers: Vec<_> = place.head_of_history().iter().map(|e| e["number"].clone()).collect();
    assert_eq!(numbers, (1..=WRITERS).rev().map(Value::from).collect::<Vec<_>>());
    let all: BTreeSet<String> =
        place.head_of_history().iter().map(|e| e["what"]["commit"].to_string()).collect();
    assert_eq!(all.len(), WRITERS);
    for n in 1..=WRITERS {
        let got = resource.get(&json!({"commit": commit(n)}), json!({}));
        assert_eq!(got.assets(), small(n));
    }
}

/// The cache holds one of the sets, and every commit its own or that one.
#[test]
fn puts_of_different_commits_with_the_same_code() {
    let place = Place::of_writers();
    let resource = place.resource().artifacts("code_hash", "src/**");
    let checkouts: Vec<Checkout> = (0..8)
        .map(|n| {
            let readme = n.to_string();
            let checkout = Checkout::of(&Tree::of("src/a", "the same").with("README", readme));
            checkout.input("assets", &small(n));
            checkout
        })
        .collect();
    let params = json!({"repository": "repo", "directory": "assets"});
    let puts: Vec<Running> =
        checkouts.iter().map(|it| resource.start_put(it.inputs(), &params)).collect();
    let versions: Vec<Value> = puts.into_iter().map(|put| put.wait().version()).collect();
    let code_hash = versions[0]["code_hash"].as_str().expect("a code hash");
    let cached = place.published(&format!("cache/{code_hash}")).expect("a cached set");
    assert!((0..8).any(|n| small(n) == cached), "a mixture: {cached:?}");
    for (n, version) in versions.iter().enumerate() {
        let got = resource.get(version, json!({})).assets();
        assert!(got == small(n) || got == cached, "{n}: {got:?}");
        let folder = format!("artifacts/{}", checkouts[n].head());
        assert_eq!(place.published(&folder), Some(got));
    }
    assert_eq!(place.head_of_history().len(), 8);
}

/// Checks from the oldest version on until told to stop: each answer only adds to the one before.
fn grows(resource: &Resource, over: &AtomicBool) {
    let everything = resource.clone().set("initial_history", 9_999);
    let mut seen: Vec<Value> = Vec::new();
    let mut answers = 0;
    while !over.load(Ordering::Relaxed) {
        let now = match seen.first() {
            Some(oldest) if answers % 2 == 0 => resource.versions(Some(oldest)),
            _ => everything.versions(None),
        };
        assert!(now.starts_with(&seen), "{} versions, then {}", seen.len(), now.len());
        seen = now;
        answers += 1;
    }
    println!("{answers} checks meanwhile");
}

/// More than the head of the history holds: segments are sealed while others write.
#[test]
fn two_hundred_commits_by_several_writers() {
    const COMMITS: usize = 200;
    let place = Place::of_writers();
    let resource = place.resource();
    let inputs = Inputs::of(&Tree::of("x", "x"));
    let numbers: Vec<usize> = (1..=COMMITS).collect();
    let published = Mutex::new(BTreeSet::new());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| grows(&resource, &over));
        on_threads(5, &numbers, |n| {
            let version = resource.put(inputs.path(), &params(*n)).version();
            published.lock().expect("the set").insert(version["commit"].to_string());
        });
        over.store(true, Ordering::Relaxed);
        reader.join().expect("the reader");
    });
    let published = published.into_inner().expect("the set");
    assert_eq!(published.len(), COMMITS);
    let all = resource.clone().set("initial_history", 9_999).versions(None);
    assert_eq!(all.len(), COMMITS, "none is there twice");
    let listed: BTreeSet<String> = all.iter().map(|v| v["commit"].to_string()).collect();
    assert_eq!(listed, published);
    assert!(place.keys().iter().any(|key| key.ends_with("/00000000.json")), "a segment");
    let state = place.state();
    for n in [1, 100, COMMITS] {
        resource.put(inputs.path(), &params(n)).version();
    }
    assert_eq!(place.state(), state, "a commit is never entered twice, however long ago it was");
    for at in [0, 40, 150] {
        assert_eq!(resource.versions(Some(&all[at])), all[at..], "from the {at}th on");
    }
}
