use super::*;
use crate::sealing::claim::Claimed;
use crate::tracks::{Source, Track};
use crate::words::digest::Sha256;
use crate::words::fault::hint_of;
use crate::words::file::{FileFacts, Mode};
use crate::words::names::RelPath;
use crate::words::time::Utc;
use serde_json::json;
use std::collections::{HashMap, HashSet};

fn track(lookup: bool) -> Artifacts {
    let source = json!({"bucket": "b", "artifacts": {"lookup": lookup}});
    match Source::parse(source.as_object().expect("a map")).expect("valid").track {
        Track::Artifacts(track) => track,
        other => panic!("{other:?}"),
    }
}

fn commit(c: char) -> CommitId {
    CommitId::parse(&c.to_string().repeat(40)).expect("a commit")
}

fn code() -> CodeHash {
    CodeHash::parse(&"f".repeat(64)).expect("a hash")
}

fn run(time: &str) -> Run {
    Run::at(Utc::read(time))
}

/// Plans with these facts at the time `now`.
fn plan(lookup: bool, facts: Facts) -> anyhow::Result<Plan> {
    let (track, commit, run) = (track(lookup), commit('c'), run("now"));
    let bucket = Bucket::parse("b-1").expect("a bucket");
    Putter { bucket: &bucket, track: &track, commit: &commit, run: &run }.plan(facts)
}

/// A file on disk whose bytes are this text.
fn local(path: &str, text: &str) -> Arc<Hashed> {
    let facts = FileFacts {
        path: RelPath::parse(path).expect("a path"),
        size: text.len() as u64,
        mode: Mode::Plain,
        sha256: Sha256::of(text.as_bytes()),
    };
    Arc::new(Hashed { facts, disk: path.into(), part: 1, sums: Box::default(), parts: None })
}

fn file(path: &str, text: &str) -> ManifestFile {
    let FileFacts { path, size, mode, sha256 } = local(path, text).facts.clone();
    let key = track(false).set(&commit('c')).key(path.as_str()).expect("a key");
    ManifestFile { path, size, mode, sha256, key, parts: None }
}

/// The manifest of a set of `a` and `b`, published then.
fn manifest(time: &str, code_hash: Option<CodeHash>) -> Manifest {
    let provenance = Provenance {
        commit: commit('c'),
        code_hash,
        cached_from: None,
        run: Run::at(Utc::read(time)),
    };
    Manifest::new(&provenance, vec![file("a", "a"), file("b", "b")])
}

fn free() -> Ground {
    Ground {
        claim: Claimed::ByNobody,
        taken: HashMap::new(),
        held: HashSet::new(),
        replaces: None,
        generation: None,
    }
}

fn cached() -> Cache {
    let file = file("a", "a");
    Cache::Stands {
        from: Some(commit('d')),
        files: vec![Item::Object { file: Box::new(file), seen: None }],
    }
}

fn set(manifest: Manifest, lost: &[&str], apart: &[&str]) -> Set {
    let named = |names: &[&str]| {
        let files = manifest.files.iter().filter(|file| names.contains(&file.path.as_str()));
        files.cloned().collect::<Vec<_>>()
    };
    let lost = named(lost).into_iter().map(|file| Lost { file, is_other: false }).collect();
    Set::Published { lost, apart: named(apart), manifest }
}

fn facts(set: Set) -> Facts {
    Facts {
        set,
        is_begun: true,
        entry: None,
        code_hash: None,
        cache: Cache::Unread,
        local: None,
        twins: Twins::new(),
    }
}

fn entry() -> Option<Published> {
    Some(Published { commit: commit('c'), code_hash: None, unsealed: false })
}

/// The steps in one letter each, and the news.
fn told(plan: &Plan) -> (String, Option<News>) {
    let letter = |step: &Step| match step {
        Step::BeginHistory => 'B',
        Step::Set(_) => 'S',
        Step::Cache(_) => 'C',
        Step::Enter(_) => 'E',
    };
    let news = match &plan.outcome {
        Outcome::Published { news, .. } => Some(*news),
        Outcome::Missing { .. } => None,
    };
    (plan.steps.iter().map(letter).collect(), news)
}

#[test]
fn what_a_put_does() {
    let both = || Some(vec![local("a", "a"), local("b", "b")]);
    let others = || Some(vec![local("a", "other")]);
    let stands = || facts(set(manifest("then", None), &[], &[]));
    let coded = || facts(set(manifest("then", Some(code())), &[], &[]));
    let ours =
        |cache| Facts { cache, local: both(), ..facts(set(manifest("now", None), &[], &[])) };
    let open = || facts(Set::Open(free()));
    let coded_and_open =
        || Facts { code_hash: Some(code()), cache: Cache::Open(free()), local: both(), ..open() };
    let cases = [
        // Nothing is there.
        (false, Facts { is_begun: false, local: both(), ..open() }, "BSE", Some(News::Published)),
        (false, Facts { local: both(), ..open() }, "SE", Some(News::Published)),
        (false, coded_and_open(), "SCE", Some(News::Published)),
        (false, Facts { entry: entry(), local: both(), ..open() }, "S", Some(News::Published)),
        (false, open(), "", None),
        (true, open(), "", None),
        // The cache has it.
        (false, Facts { cache: cached(), ..open() }, "SE", Some(News::Copied)),
        (true, Facts { cache: cached(), ..open() }, "SE", Some(News::Copied)),
        (false, Facts { cache: cached(), local: both(), ..open() }, "SE", Some(News::Copied)),
        // It is published.
        (false, Facts { entry: entry(), ..stands() }, "", Some(News::Already)),
        (false, stands(), "E", Some(News::Already)),
        (false, Facts { is_begun: false, ..stands() }, "BE", Some(News::Already)),
        (false, Facts { cache: Cache::Open(free()), ..coded() }, "CE", Some(News::Already)),
        (false, Facts { cache: cached(), ..coded() }, "E", Some(News::Already)),
        (true, stands(), "", Some(News::Already)),
        // By this very put, or by another one that was faster.
        (false, ours(Cache::Unread), "E", Some(News::Published)),
        (false, Facts { local: both(), ..stands() }, "E", Some(News::Already)),
        (false, Facts { local: others(), ..stands() }, "E", Some(News::Lost)),
        // It has lost something.
        (
            false,
            Facts { entry: entry(), ..facts(set(manifest("then", None), &[], &["b"])) },
            "S",
            Some(News::Already),
        ),
        (
            false,
            Facts {
                entry: entry(),
                local: both(),
                ..facts(set(manifest("then", None), &["b"], &[]))
            },
            "S",
            Some(News::Mended),
        ),
        // s3-asset-manager uploaded it.
        (false, facts(Set::Unsealed), "E", Some(News::Unsealed)),
        (false, Facts { is_begun: false, ..facts(Set::Unsealed) }, "BE", Some(News::Unsealed)),
        (false, Facts { entry: entry(), ..facts(Set::Unsealed) }, "", Some(News::Unsealed)),
        (true, facts(Set::Unsealed), "", Some(News::Unsealed)),
    ];
    for (lookup, facts, steps, news) in cases {
        let text = format!("lookup {lookup}, {facts:?}");
        let plan = plan(lookup, facts).expect(&text);
        assert_eq!(told(&plan), (steps.to_owned(), news), "{text}");
    }
}

#[test]
fn what_was_lost_comes_back_from_the_same_bytes_only() {
    let broken = || facts(set(manifest("then", None), &["b"], &[]));
    let cases: [(Option<Vec<Arc<Hashed>>>, &str); 3] = [
        (None, "the object is gone"),
        (Some(vec![local("b", "x")]), "the directory has other bytes for b"),
        (Some(vec![local("b", "b, and more")]), "the directory has other bytes for b"),
    ];
    for (local, want) in cases {
        let error = plan(false, Facts { local, ..broken() }).expect_err(want);
        assert!(error.to_string().contains(want), "{error}");
        assert!(hint_of(&error).is_some());
    }
    let moved = Some(vec![local("elsewhere", "b")]);
    let plan = plan(false, Facts { local: moved, ..broken() }).expect("a plan");
    let Step::Set(mend) = &plan.steps[0] else { panic!("{:?}", plan.steps) };
    assert_eq!(mend.placings.len(), 1);
    assert_eq!(mend.placings[0].key, file("b", "b").key);
    assert_eq!(mend.placings[0].item.facts().path.as_str(), "b");
    assert!(mend.claim.is_none() && mend.seal.is_none());
}

#[test]
fn every_step_says_why() {
    let (track, commit, run) = (track(false), commit('c'), run("now"));
    let bucket = Bucket::parse("b-1").expect("a bucket");
    let putter = Putter { bucket: &bucket, track: &track, commit: &commit, run: &run };
    let facts = Facts {
        is_begun: false,
        code_hash: Some(code()),
        cache: Cache::Open(free()),
        local: Some(vec![local("a", "a")]),
        ..facts(Set::Open(free()))
    };
    let plan = putter.plan(facts).expect("a plan");
    let words = putter.words(&plan);
    let starts = ["begin", "claim", "send", "write", "claim", "copy", "write", "enter"];
    assert_eq!(words.len(), starts.len(), "{words:?}");
    for (line, start) in words.iter().zip(starts) {
        assert!(line.starts_with(start) && line.contains(": "), "{line}");
    }
}
