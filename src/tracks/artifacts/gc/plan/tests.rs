use super::*;
use crate::words::build::Build;
use crate::words::time::Utc;

const DAY: i64 = 86_400;
const NOW: i64 = 1_000 * DAY;

fn commit(n: usize) -> CommitId {
    CommitId::parse(&format!("{n:040x}")).expect("a commit")
}

fn code(c: char) -> CodeHash {
    CodeHash::parse(&c.to_string().repeat(64)).expect("a hash")
}

/// The entry of a number, so many days old.
fn entry(number: u64, of: usize, days: i64) -> Entry<Published> {
    Entry {
        number,
        time: Utc::of_seconds(NOW - days * DAY),
        build: Build::default(),
        what: Published { commit: commit(of), code_hash: None, unsealed: false },
    }
}

/// Ten sets, one a day, of which the newest is from today. Newest first.
fn daily() -> Vec<Entry<Published>> {
    (0..10).map(|back| entry(10 - back, 10 - back as usize, back as i64)).collect()
}

fn policy(keep_last: Option<usize>, keep_within: Option<i64>) -> Policy {
    let keep_within = keep_within.map(|days| days * DAY);
    Policy { keep_last, keep_within, wait: 3600, ..Policy::default() }
}

/// Which commits go, oldest first.
fn removed(plan: &[Fate]) -> Vec<usize> {
    let gone = plan.iter().filter(|fate| fate.action == Action::Remove);
    gone.filter_map(Fate::commit)
        .map(|commit| usize::from_str_radix(commit.as_str(), 16).expect("a number"))
        .collect()
}

#[test]
fn a_set_is_kept_if_anything_keeps_it() {
    let named = |it: Policy, of: usize| Policy { keep: [commit(of)].into(), ..it };
    let tagged =
        |it: Policy, of: usize| Policy { tagged: [(commit(of), "v1".to_owned())].into(), ..it };
    let waiting = |days: i64| Policy { wait: days * DAY, ..policy(Some(1), None) };
    let all_but = |kept: &[usize]| (1..=10).filter(|n| !kept.contains(n)).collect::<Vec<_>>();
    let cases = [
        (policy(Some(1), None), all_but(&[10])),
        (policy(Some(3), None), all_but(&[8, 9, 10])),
        (policy(Some(99), None), vec![]),
        (policy(None, Some(0)), all_but(&[10])),
        (policy(None, Some(1)), all_but(&[10])),
        (policy(None, Some(4)), all_but(&[7, 8, 9, 10])),
        (policy(Some(3), Some(4)), all_but(&[7, 8, 9, 10])),
        (policy(Some(5), Some(4)), all_but(&[6, 7, 8, 9, 10])),
        (named(policy(Some(1), None), 4), all_but(&[4, 10])),
        (tagged(policy(None, None), 2), all_but(&[2, 10])),
        (waiting(3), all_but(&[8, 9, 10])),
    ];
    for (policy, want) in cases {
        let facts = Facts { now: NOW, entries: daily(), ..Facts::default() };
        let plan = facts.plan(&policy);
        assert_eq!(removed(&plan), want, "{policy:?}");
        assert_eq!(plan.len(), 10, "every set has a fate: {policy:?}");
        assert!(plan.iter().all(|fate| !fate.why.is_empty()), "{policy:?}");
    }
}

#[test]
fn what_was_not_read_counts_as_newer() {
    let oldest = daily().split_off(6);
    for (newer, last, want) in [(6, 7, vec![1, 2, 3]), (0, 3, vec![1]), (6, 4, vec![1, 2, 3, 4])] {
        let facts = Facts { now: NOW, entries: oldest.clone(), newer, ..Facts::default() };
        assert_eq!(removed(&facts.plan(&policy(Some(last), None))), want, "{newer} {last}");
    }
}

#[test]
fn a_commit_has_one_fate() {
    // Entered again after its manifest was deleted by hand: two entries, one folder.
    let mut entries = daily();
    entries.insert(0, entry(11, 2, 0));
    let facts = Facts { now: NOW, entries, ..Facts::default() };
    let plan = facts.plan(&policy(Some(2), None));
    assert_eq!(removed(&plan), [1, 3, 4, 5, 6, 7, 8, 9]);
    let plan = Facts {
        now: NOW,
        entries: vec![entry(3, 9, 0), entry(2, 5, 8), entry(1, 5, 9)],
        ..Facts::default()
    }
    .plan(&policy(Some(1), None));
    let Some(Fate { thing: Thing::Set(of, numbers), action: Action::Remove, .. }) = plan.first()
    else {
        panic!("{plan:?}")
    };
    assert_eq!((of, numbers.to_string()), (&commit(5), "1-2".to_owned()));
}

#[test]
fn what_has_no_time_is_kept() {
    let odd = Entry { time: Utc::read("yesterday"), ..entry(1, 1, 0) };
    let facts = Facts { now: NOW, entries: vec![entry(2, 2, 0), odd], ..Facts::default() };
    assert!(removed(&facts.plan(&policy(Some(1), None))).is_empty());
}

/// A cache by what stands in it, how old that is, whose code it is; then its fate.
#[test]
fn what_goes_with_sets_of_the_cache() {
    use Action::{Keep, Remove};
    let with = |what: Option<char>, of, days| {
        let mut entry = entry(of as u64, of, days);
        entry.what.code_hash = what.map(code);
        entry
    };
    let entries = vec![with(Some('a'), 3, 0), with(Some('b'), 2, 50), with(Some('c'), 1, 60)];
    let sealed =
        |days: i64| Contents { sealed: Some(NOW - days * DAY), bytes: 7, ..Contents::default() };
    let stone =
        |rest: Option<i64>| Contents { newest: rest.map(|days| NOW - days * DAY), ..sealed(9) };
    let pending = |days: i64| Contents {
        newest: Some(NOW - days * DAY),
        is_claimed: true,
        ..Contents::default()
    };
    let unsealed = Contents { newest: Some(0), has_files: true, ..Contents::default() };
    let cases = [
        ('a', sealed(50), false, Some(("cache", Keep))),
        ('b', sealed(50), false, Some(("cache", Remove))),
        ('b', sealed(0), false, Some(("cache", Keep))),
        ('d', sealed(50), false, Some(("cache", Remove))),
        ('d', stone(None), true, None),
        ('d', stone(Some(50)), true, Some(("leftover", Remove))),
        ('d', stone(Some(0)), true, Some(("leftover", Keep))),
        ('d', pending(50), false, Some(("leftover", Remove))),
        ('d', pending(0), false, Some(("leftover", Keep))),
        ('d', unsealed, false, Some(("cache", Keep))),
        // A folder that holds a copy of its manifest.
        ('e', sealed(50), false, Some(("cache", Keep))),
    ];
    for (of, contents, is_stone, want) in cases {
        let prefix = Prefix::parse("p", "cache/x").expect("a prefix");
        let facts = Facts {
            now: NOW,
            entries: entries.clone(),
            caches: [(code(of), (prefix, contents.clone()))].into(),
            stones: is_stone.then(|| code(of)).into_iter().collect(),
            stands: [(commit(77), Stands::Foreign(Some(code('e'))))].into(),
            ..Facts::default()
        };
        let mut plan = facts.plan(&policy(Some(1), None));
        plan.retain(|fate| fate.commit().is_none());
        let got = plan.first().map(|fate| (fate.kind(), fate.action));
        assert_eq!(got, want, "{of} {contents:?} {is_stone}");
    }
}

/// The folder of a commit by whether it is entered and kept, what stands in it and what it holds.
#[test]
fn what_goes_of_folders() {
    use Action::{Keep, Remove};
    let old = |contents: Contents| Contents { newest: Some(NOW - 50 * DAY), ..contents };
    let young = |contents: Contents| Contents { newest: Some(NOW), ..contents };
    let claimed = Contents { is_claimed: true, ..Contents::default() };
    let own = Contents { has_own: true, ..Contents::default() };
    let files = Contents { has_files: true, ..Contents::default() };
    let sealed = Contents { sealed: Some(0), has_files: true, ..Contents::default() };
    let set = |newest: i64| Stands::Set { unnamed: vec!["k".to_owned()], newest, bytes: 1 };
    let none = || Stands::Set { unnamed: Vec::new(), newest: 0, bytes: 0 };
    let (kept, gone, unknown) = (2, 1, 9);
    let cases = [
        (unknown, None, old(claimed.clone()), Some(("leftover", Remove))),
        (unknown, None, young(claimed.clone()), Some(("leftover", Keep))),
        (unknown, None, old(own.clone()), Some(("leftover", Remove))),
        (unknown, None, old(files.clone()), Some(("leftover", Keep))),
        (unknown, None, Contents::default(), None),
        (unknown, Some(none()), old(sealed.clone()), Some(("leftover", Keep))),
        (unknown, Some(set(0)), old(sealed.clone()), Some(("leftover", Keep))),
        (unknown, Some(Stands::Foreign(None)), old(sealed.clone()), Some(("leftover", Keep))),
        (unknown, Some(Stands::Stone), old(sealed.clone()), Some(("leftover", Remove))),
        (unknown, Some(Stands::Stone), young(sealed.clone()), Some(("leftover", Keep))),
        (unknown, Some(Stands::Stone), sealed.clone(), None),
        (kept, Some(set(0)), old(sealed.clone()), Some(("unnamed", Remove))),
        (kept, Some(set(NOW)), old(sealed.clone()), Some(("unnamed", Keep))),
        (kept, Some(none()), old(sealed.clone()), None),
        (kept, None, old(sealed.clone()), None),
        (kept, None, old(claimed.clone()), None),
        (gone, Some(set(0)), old(sealed.clone()), None),
        (gone, None, old(files.clone()), None),
    ];
    for (of, stands, contents, want) in cases {
        let prefix = Prefix::parse("p", "artifacts/x").expect("a prefix");
        let facts = Facts {
            now: NOW,
            entries: vec![entry(2, kept, 0), entry(1, gone, 60)],
            sets: [(commit(of), (prefix, contents.clone()))].into(),
            stands: stands.clone().map(|it| (commit(of), it)).into_iter().collect(),
            ..Facts::default()
        };
        let mut plan = facts.plan(&policy(Some(1), None));
        plan.retain(|fate| fate.commit().is_none());
        let got = plan.first().map(|fate| (fate.kind(), fate.action));
        assert_eq!(got, want, "{of} {stands:?} {contents:?}");
    }
}

#[test]
fn uploads_that_are_old_go() {
    let upload = |begun| ("artifacts/x".to_owned(), "id".to_owned(), begun);
    let facts = Facts {
        now: NOW,
        uploads: vec![upload(0), upload(NOW), upload(i64::MAX)],
        ..Facts::default()
    };
    let actions: Vec<Action> =
        facts.plan(&policy(Some(1), None)).iter().map(|fate| fate.action).collect();
    assert_eq!(actions, [Action::Remove, Action::Keep, Action::Keep]);
}
