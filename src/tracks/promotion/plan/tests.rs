use super::*;
use crate::sealing::claim::Claimed;
use crate::sealing::claim::Seen::{self, Nothing, Others, These};
use crate::tracks::{Source, Track};
use crate::words::build::Build;
use crate::words::names::Rank;
use crate::words::time::Utc;
use serde_json::json;

const FILE: &str = "f.tgz";

fn track(rank: &str) -> Promotion {
    let source = json!({
        "bucket": "b",
        "promotion": {"ranks": ["qa", "production"], "rank": rank, "file": FILE},
    });
    match Source::parse(source.as_object().expect("a map")).expect("valid").track {
        Track::Promotion(track) => track,
        other => panic!("{other:?}"),
    }
}

fn text(version: &str) -> ReleaseVersion {
    ReleaseVersion::parse(version).expect("a version")
}

fn sha(bytes: &str) -> Sha256 {
    Sha256::of(bytes.as_bytes())
}

/// A release of some bytes, under the plain key or under the bytes' own.
fn release(version: &str, bytes: &str, is_plain: bool) -> Release {
    let shelf = track("qa").shelf(&text(version)).expect("a shelf");
    let sha256 = sha(bytes);
    let key = if is_plain { shelf.plain } else { shelf.own(&sha256).expect("a key") };
    Release { version: text(version), size: bytes.len() as u64, sha256, key }
}

fn object(bytes: &str) -> Object {
    let size = bytes.len() as u64;
    Object { size, sha256: Some(sha(bytes)), version: None, promotion: None }
}

fn entry(number: u64, version: &str, id: &str) -> Entry<Promoted> {
    let what = Promoted {
        release: release(version, version, true),
        from: None,
        rollback: false,
        after_s3p: None,
        id: id.to_owned(),
    };
    Entry { number, time: Utc::default(), build: Build::default(), what }
}

/// A rank's object that shows an entry.
fn showing(entry: &Entry<Promoted>) -> Object {
    let version = &entry.what.release.version;
    Object {
        version: Some(version.to_string()),
        promotion: Some(entry.number.to_string()),
        ..object(version.as_str())
    }
}

/// The upload of a file that holds its version, at a rank that has a history.
fn upload(version: &str, goal: Goal) -> Facts {
    Facts {
        intent: Intent::Upload { version: text(version) },
        id: "me".into(),
        newest: Some(entry(3, "0", "x")),
        next: 4,
        is_leaving: false,
        s3p: None,
        is_foreign: false,
        hit: None,
        file: Some((version.len() as u64, sha(version))),
        goal,
        shown: None,
    }
}

fn vacant(claim: Claimed, plain: Seen, own: Seen) -> Goal {
    Goal::Vacant { claim, plain, own }
}

fn archived(release: Release, object: Option<Object>, plain: Seen) -> Goal {
    Goal::Archived { release, object, plain }
}

/// The steps of a plan, each in a word, or the error.
fn steps(rank: &str, facts: &Facts) -> Result<(String, News), String> {
    let (bucket, track) = (Bucket::parse("b").expect("a bucket"), track(rank));
    let run = Run { time: Utc::read("2026-01-01T00:00:00Z"), ..Run::default() };
    let plan = Putter { bucket: &bucket, track: &track, run: &run };
    let plan = plan.plan(facts).map_err(|e| format!("{e:#}"))?;
    let own = |key: &Key| if key.as_str().contains("/.") { " own" } else { "" };
    let word = |step: &Step| match step {
        Step::BeginHistory => "begin".to_owned(),
        Step::Claim(_) => "claim".to_owned(),
        Step::Send(key) => format!("send{}", own(key)),
        Step::Mend(_) => "mend".to_owned(),
        Step::Record(release, _) => format!("record{}", own(&release.key)),
        Step::Agree(_) => "agree".to_owned(),
        Step::Enter(entry) => format!("enter {}", entry.number),
        Step::Show(_, number) => format!("show {number}"),
    };
    let words: Vec<String> = plan.steps.iter().map(word).collect();
    Ok((words.join(", "), plan.outcome.news))
}

#[test]
fn an_upload_brings_its_bytes_into_the_archive() {
    let (by_nobody, by_these) = (Claimed::ByNobody, Claimed::By(sha("1")));
    let by_others = Claimed::ByStrangers;
    let these = Some(object("1"));
    let (plain, own) = (release("1", "1", true), release("1", "1", false));
    let done = "enter 4, show 4";
    let cases = [
        ("nothing is there", vacant(by_nobody, Nothing, Nothing), "claim, send, record, "),
        ("it was killed after its claim", vacant(by_these, Nothing, Nothing), "send, record, "),
        ("after its bytes", vacant(by_these, These, Nothing), "record, "),
        ("after its record", archived(plain.clone(), these.clone(), Nothing), ""),
        ("s3p came between", vacant(by_these, Others, Nothing), "send own, record own, agree, "),
        ("others claimed it", vacant(by_others, Nothing, Nothing), "send own, record own, agree, "),
        ("and it sent", vacant(by_others, Nothing, These), "record own, agree, "),
        ("and others sent", vacant(by_others, Others, Nothing), "send own, record own, agree, "),
        (
            "others wrote to the key that is for these alone",
            vacant(by_others, Others, Others),
            "mend, record own, agree, ",
        ),
        ("it recorded its own key", archived(own.clone(), these.clone(), Others), "agree, "),
        ("and agreed", archived(own.clone(), these.clone(), These), ""),
        (
            "s3p wrote over the object",
            archived(plain.clone(), Some(object("12")), Nothing),
            "mend, ",
        ),
        ("the object is gone", archived(plain.clone(), None, Nothing), "send, "),
        ("the other is gone", archived(own, None, These), "send own, "),
    ];
    for (what, goal, want) in cases {
        let planned = steps("qa", &upload("1", goal)).expect(what);
        assert_eq!(planned, (format!("{want}{done}"), News::Promoted), "{what}");
    }
}

#[test]
fn what_was_removed_comes_back_under_a_key_of_its_own() {
    let etag = crate::s3::store::ETag::example("\"stone\"");
    let shelf = track("qa").shelf(&text("1")).expect("a shelf");
    let key = shelf.anew(&sha("1"), "g1").expect("a key");
    let removed = |own| Goal::Removed { key: key.clone(), etag: etag.clone(), own };
    for (own, want) in [
        (Nothing, "send own, record own, enter 4, show 4"),
        (These, "record own, enter 4, show 4"),
        (Others, "mend, record own, enter 4, show 4"),
    ] {
        let planned = steps("qa", &upload("1", removed(own))).expect(want);
        assert_eq!(planned, (want.to_owned(), News::Promoted));
    }
    // Once it is there, no copy goes to the plain key.
    let release = Release { key, ..release("1", "1", true) };
    let there = archived(release, Some(object("1")), Nothing);
    let planned = steps("qa", &upload("1", there)).expect("planned");
    assert_eq!(planned.0, "enter 4, show 4");
}

#[test]
fn what_is_being_removed_is_left_alone() {
    let leaving = Facts { is_leaving: true, ..upload("1", Goal::Unread) };
    let error = steps("qa", &leaving).expect_err("leaving");
    assert!(error.contains("is being removed"), "{error}");
}

#[test]
fn a_number_is_the_one_that_the_history_gives() {
    // Removals have numbers too.
    let after = Facts { next: 9, ..upload("1", vacant(Claimed::ByNobody, These, Nothing)) };
    assert_eq!(steps("qa", &after).expect("a plan").0, "claim, record, enter 9, show 9");
}

#[test]
fn an_upload_is_refused_before_anything_is_done() {
    let other = release("1", "2", true);
    let cases = [
        (archived(other.clone(), Some(object("2")), Nothing), "is archived with other bytes"),
        (archived(other, None, Nothing), "is archived with other bytes"),
    ];
    for (goal, want) in cases {
        let error = steps("qa", &upload("1", goal)).expect_err(want);
        assert!(error.contains(want), "{error}");
    }
    let foreign = Facts { newest: None, is_foreign: true, ..upload("1", Goal::Unread) };
    assert!(steps("qa", &foreign).expect_err("foreign").contains("is no release"));
}

#[test]
fn what_is_done_already_is_not_done_again() {
    let goal = || archived(release("1", "1", true), Some(object("1")), Nothing);
    let (own, other, newest) = (entry(3, "1", "me"), entry(3, "1", "x"), entry(7, "2", "y"));
    let before = News::Before(text("2"));
    let stale = Some(showing(&entry(2, "1", "x")));
    let cases = [
        (&own, &own, Some(showing(&own)), "", News::Promoted),
        (&own, &own, None, "show 3", News::Promoted),
        (&own, &own, stale, "show 3", News::Promoted),
        (&own, &newest, Some(showing(&own)), "show 7", News::Promoted),
        (&other, &other, Some(showing(&other)), "", News::Already),
        (&other, &other, Some(object("1")), "show 3", News::Already),
        (&other, &newest, Some(showing(&newest)), "", before.clone()),
        (&other, &newest, Some(showing(&other)), "show 7", before.clone()),
    ];
    for (stands, newest, shown, words, news) in cases {
        let facts = Facts {
            hit: Some(Hit::Stands(stands.clone())),
            newest: Some(newest.clone()),
            shown,
            ..upload("1", goal())
        };
        assert_eq!(steps("qa", &facts), Ok((words.to_owned(), news)));
    }
    let by_s3p = Facts {
        hit: Some(Hit::StoodByS3p(text("1"))),
        newest: Some(newest.clone()),
        shown: Some(showing(&newest)),
        ..upload("1", goal())
    };
    assert_eq!(steps("qa", &by_s3p), Ok((String::new(), before)));
    let stands = Facts { newest: None, s3p: Some(text("1")), ..upload("1", goal()) };
    assert_eq!(steps("qa", &stands), Ok((String::new(), News::Already)));
    let others = archived(release("1", "2", true), None, Nothing);
    let error = steps("qa", &Facts { newest: None, s3p: Some(text("1")), ..upload("1", others) });
    assert!(error.expect_err("other bytes").contains("with other bytes"));
}

#[test]
fn a_promotion_and_a_rollback_enter_bytes_that_are_there() {
    let from = || Place { rank: Rank::parse("qa").expect("a rank"), promotion: 5 };
    let promote = |object| Facts {
        intent: Intent::Promote { version: text("1"), from: from() },
        file: None,
        ..upload("1", archived(release("1", "1", true), object, Nothing))
    };
    let back = |hit, goal| Facts {
        intent: Intent::RollBack { version: text("1"), build_url: None },
        file: None,
        hit,
        ..upload("1", goal)
    };
    let there = || archived(release("1", "1", true), Some(object("1")), Nothing);
    let done = |words: &str| Ok((words.to_owned(), News::Promoted));
    assert_eq!(steps("production", &promote(Some(object("1")))), done("enter 4, show 4"));
    let first = Facts { newest: None, next: 1, ..promote(Some(object("1"))) };
    assert_eq!(steps("production", &first), done("begin, enter 1, show 1"));
    let after_s3p =
        Facts { newest: None, next: 1, s3p: Some(text("0")), ..promote(Some(object("1"))) };
    assert_eq!(steps("production", &after_s3p), done("begin, enter 1, show 1"));
    for (object, want) in [(None, "gone"), (Some(object("2 bytes")), "package-hash is another")] {
        let error = steps("production", &promote(object)).expect_err(want);
        assert!(error.contains(want), "{error}");
    }
    let base = Some(Hit::Base(entry(1, "1", "x")));
    assert_eq!(steps("qa", &back(base.clone(), there())), done("enter 4, show 4"));
    assert_eq!(steps("qa", &back(Some(Hit::BaseByS3p), there())), done("enter 4, show 4"));
    let gone = back(base, archived(release("1", "1", true), None, Nothing));
    assert!(steps("qa", &gone).expect_err("gone").contains("gone"));
    for newest in [None, Some(entry(3, "0", "x"))] {
        let never = Facts { newest, ..back(None, Goal::Unread) };
        assert!(steps("qa", &never).expect_err("never").contains("never stood at the rank `qa`"));
    }
}

#[test]
fn the_entry_says_where_it_comes_from() {
    let (bucket, track) = (Bucket::parse("b").expect("a bucket"), track("production"));
    let run = Run { time: Utc::read("2026-01-01T00:00:00Z"), ..Run::default() };
    let putter = Putter { bucket: &bucket, track: &track, run: &run };
    let goal = || archived(release("1", "1", true), Some(object("1")), Nothing);
    let from = Place { rank: Rank::parse("qa").expect("a rank"), promotion: 5 };
    let cases = [
        (
            Intent::Promote { version: text("1"), from: from.clone() },
            None,
            None,
            Some(from),
            false,
            None,
        ),
        (
            Intent::RollBack { version: text("1"), build_url: None },
            Some(Hit::Base(entry(2, "1", "x"))),
            None,
            Some(Place { rank: track.rank.clone(), promotion: 2 }),
            true,
            None,
        ),
        (
            Intent::Upload { version: text("1") },
            None,
            Some(text("0")),
            None,
            false,
            Some(text("0")),
        ),
    ];
    for (intent, hit, s3p, from, rollback, after_s3p) in cases {
        let newest = s3p.is_none().then(|| entry(3, "0", "x"));
        let facts = Facts { intent, hit, s3p, newest, ..upload("1", goal()) };
        let plan = putter.plan(&facts).expect("a plan");
        let entry = plan.outcome.standing.entry().expect("an entry");
        assert_eq!((&entry.what.from, entry.what.rollback), (&from, rollback));
        assert_eq!((&entry.what.after_s3p, entry.time.as_str()), (&after_s3p, run.time.as_str()));
        let words = putter.words(&plan);
        assert!(words.len() >= 2 && words.iter().all(|line| line.contains(": ")), "{words:?}");
    }
}
