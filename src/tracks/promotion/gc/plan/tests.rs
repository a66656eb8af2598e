use super::*;
use crate::tracks::promotion::rules::Release;
use crate::words::build::Build;
use crate::words::digest::Sha256;
use crate::words::names::Key;
use crate::words::time::Utc;

const DAY: i64 = 86_400;
const NOW: i64 = 1_000 * DAY;

fn text(version: &str) -> ReleaseVersion {
    ReleaseVersion::parse(version).expect("a version")
}

/// A rank's entries, oldest first: `version@day`, or `version` at a time that cannot be read. `>`: the
/// entry says that s3p had something there.
fn rank(name: &str, entries: &str) -> AtRank {
    let entry = |(at, word): (usize, &str)| {
        let (version, day) = word.trim_start_matches('>').split_once('@').unwrap_or((word, ""));
        let time = day.parse::<i64>().map(|day| Utc::of_seconds(day * DAY));
        Entry {
            number: at as u64 + 1,
            time: time.unwrap_or_else(|_| Utc::read("long ago")),
            build: Build::default(),
            what: Promoted {
                release: Release {
                    version: text(version),
                    size: 1,
                    sha256: Sha256::of(b"x"),
                    key: Key::parse(&format!("archive/{version}/f")).expect("a key"),
                },
                from: None,
                rollback: false,
                after_s3p: word.starts_with('>').then(|| text("s3p")),
                id: String::new(),
            },
        }
    };
    let mut entries: Vec<_> = entries.split_whitespace().enumerate().map(entry).collect();
    entries.reverse();
    let rank = Rank::parse(name).expect("a rank");
    AtRank { rank, entries, s3p: None, leaving: Leaving::default() }
}

fn lying(key: &str, day: i64) -> Lying {
    Lying { key: key.to_owned(), bytes: 10, time: day * DAY }
}

fn facts(ranks: Vec<AtRank>) -> Facts {
    Facts { now: NOW, ranks, ..Facts::default() }
}

fn policy() -> Policy {
    Policy { wait: 7 * DAY, ..Policy::default() }
}

fn fates(facts: &Facts, policy: &Policy) -> Vec<(String, bool, String)> {
    let fate = |fate: &Fate| {
        let name = format!("{} {}", fate.kind(), fate.name());
        (name, fate.action == Action::Remove, fate.why.clone())
    };
    facts.plan(policy).iter().map(fate).collect()
}

/// The reason for one version; none: it goes.
fn kept(facts: &Facts, policy: &Policy, version: &str) -> Option<String> {
    let name = format!("version {version}");
    let (_, goes, why) = fates(facts, policy).into_iter().find(|it| it.0 == name).expect(version);
    (!goes).then_some(why)
}

#[test]
fn what_keeps_a_version() {
    let two =
        || facts(vec![rank("qa", "a@1 b@2 c@3 d@900 e@995"), rank("production", "a@10 b@890")]);
    let last = |n| Policy { keep_last: Some(n), ..policy() };
    let within = |days| Policy { keep_within: Some(days * DAY), ..policy() };
    let named = Policy { keep: [text("a")].into(), ..policy() };
    let cases = [
        (policy(), "e", Some("stands at qa")),
        (policy(), "b", Some("stands at production")),
        // It stood until five days ago, whenever it came.
        (policy(), "d", Some("changed within 7 d")),
        (policy(), "c", None),
        (policy(), "a", None),
        (last(1), "a", None),
        (last(2), "d", Some("one of the last 2 at qa")),
        (last(2), "a", Some("one of the last 2 at production")),
        (last(3), "c", Some("one of the last 3 at qa")),
        (last(2), "c", None),
        // c stood at qa until day 900, a at production until day 890.
        (within(101), "c", Some("stood at qa within 101 d")),
        (within(100), "c", None),
        (within(111), "a", Some("stood at production within 111 d")),
        (within(110), "a", None),
        (named, "a", Some("named to be kept")),
    ];
    for (policy, version, want) in cases {
        assert_eq!(kept(&two(), &policy, version).as_deref(), want, "{version} {policy:?}");
    }
}

#[test]
fn a_version_that_came_back_counts_once() {
    let back = facts(vec![rank("qa", "a@1 b@2 a@3 c@4 d@5")]);
    let last = |n| Policy { keep_last: Some(n), ..policy() };
    assert_eq!(kept(&back, &last(3), "a").as_deref(), Some("one of the last 3 at qa"));
    assert_eq!(kept(&back, &last(3), "b"), None);
    assert_eq!(kept(&back, &last(4), "b").as_deref(), Some("one of the last 4 at qa"));
}

#[test]
fn what_nobody_can_judge_stays() {
    let s3p = AtRank { s3p: Some(text("a")), ..rank("staging", "") };
    let all = facts(vec![rank("qa", "a@1 >b@2 c d@3"), s3p]);
    assert_eq!(kept(&all, &policy(), "a").as_deref(), Some("stands at staging"));
    assert_eq!(kept(&all, &policy(), "b").as_deref(), Some("nobody can tell how old it is"));
    assert_eq!(kept(&all, &policy(), "c").as_deref(), Some("nobody can tell how old it is"));
    let after = facts(vec![rank("qa", ">b@2 c@3 d@4")]);
    let want = "its entry says what s3p had put at qa";
    assert_eq!(kept(&after, &policy(), "b").as_deref(), Some(want));
    // A record that was written anew, as after a removal.
    let mut young = facts(vec![rank("qa", "b@2 c@3")]);
    let record = Some(lying("r", 999));
    young.shelves.insert(text("b"), OnShelf { record, ..OnShelf::default() });
    assert_eq!(kept(&young, &policy(), "b").as_deref(), Some("younger than 7 d (`--wait`)"));
}

#[test]
fn what_is_decided_goes_whatever_is_to_be_kept() {
    let mut leaving = Leaving::default();
    leaving.begin([&text("a"), &text("d")]);
    leaving.decide(&text("a"));
    let mut all = facts(vec![rank("qa", "b@2 d@999"), rank("staging", "a@998")]);
    all.ranks[0].leaving = leaving;
    let keep = Policy { keep: [text("a")].into(), keep_last: Some(9), ..policy() };
    assert_eq!(kept(&all, &keep, "a"), None);
    assert_eq!(kept(&all, &keep, "d").as_deref(), Some("stands at qa"), "named, not decided");
    // Only the first rank decides.
    all.ranks.reverse();
    assert_eq!(kept(&all, &keep, "a").as_deref(), Some("stands at staging"));
}

#[test]
fn what_goes_of_shelves() {
    let old = |shelf: OnShelf| shelf;
    let record = |day| Some(lying("release.json", day));
    let others = |day| vec![lying("0123", day)];
    let of = |stands, record, others, day| OnShelf {
        plain: None,
        record,
        claim: Some(lying("claim.json", day)),
        others,
        stands,
    };
    let stone = || Some(Stands::Stone("g".into()));
    let foreign = || Some(Stands::Foreign("another's".into()));
    let cases = [
        ("a dead put", of(None, None, others(1), 1), Some(("leftover", true))),
        ("one under way", of(None, None, others(999), 1), Some(("leftover", false))),
        ("a claim alone", of(None, None, vec![], 1), Some(("leftover", true))),
        ("without an entry", of(Some(Stands::Here), record(1), vec![], 1), Some(("version", true))),
        (
            "just recorded",
            of(Some(Stands::Here), record(999), vec![], 1),
            Some(("leftover", false)),
        ),
        ("a stone", of(None, record(1), vec![], 1), None),
        ("with leftovers", of(stone(), record(1), others(1), 1), Some(("leftover", true))),
        ("another's", of(foreign(), record(1), others(1), 1), Some(("leftover", false))),
    ];
    for (what, shelf, want) in cases {
        let mut all = facts(vec![rank("qa", "z@1")]);
        all.shelves.insert(text("v"), old(shelf));
        let plan = all.plan(&policy());
        let fate = plan.iter().find(|fate| fate.name() == "v");
        let told = fate.map(|fate| (fate.kind(), fate.action == Action::Remove));
        assert_eq!(told, want, "{what}");
    }
    // Below a version that stands: what its entries do not name.
    let mut all = facts(vec![rank("qa", "z@1")]);
    let own = lying("archive/z/f", 1);
    let others = vec![own, lying("x", 1), lying("y", 2)];
    let shelf = OnShelf { record: record(1), others, ..OnShelf::default() };
    all.shelves.insert(text("z"), shelf.clone());
    let plan = fates(&all, &policy());
    assert_eq!(plan[1], ("unnamed x and 1 more".into(), true, "version z has other bytes".into()));
    all.now = 8 * DAY;
    assert!(!fates(&all, &policy())[1].1, "it is young");
    // What goes takes its shelf with it, and is told once.
    let mut goes = facts(vec![rank("qa", "z@1 y@2")]);
    goes.shelves.insert(text("z"), shelf.clone());
    let kinds: Vec<String> = fates(&goes, &policy()).into_iter().map(|it| it.0).collect();
    assert_eq!(kinds, ["version z", "version y"]);
    // Of s3p's, which has no record, an upload under way may still name what lies there.
    for s3p in [None, Some(text("z"))] {
        let entries = if s3p.is_some() { "" } else { "z@1" };
        let mut all = facts(vec![AtRank { s3p, ..rank("qa", entries) }]);
        all.shelves.insert(text("z"), OnShelf { record: None, ..shelf.clone() });
        assert_eq!(fates(&all, &policy()).len(), 1);
    }
}

#[test]
fn uploads_go_when_they_are_old() {
    let mut all = facts(vec![]);
    all.uploads = vec![("k".into(), "1".into(), DAY), ("l".into(), "2".into(), NOW - DAY)];
    let plan = fates(&all, &policy());
    assert_eq!(plan.iter().map(|it| it.1).collect::<Vec<_>>(), [true, false]);
}
