//! Cases of each decision: a ledger, what is asked of it, and the steps that are planned.

use super::model::*;
use crate::tracks::package::plan::*;
use crate::tracks::package::rules::*;
use crate::words::time::Utc;

/// The steps of the first plan, without their reasons.
fn steps(world: &World, ask: &Ask) -> Result<Vec<String>, String> {
    let mut writer = Writer::new(ask, "mine");
    let mut world = world.clone();
    while !writer.is_planning() {
        writer.request(&mut world);
    }
    let plan = plan(&writer.facts()).map_err(|e| e.to_string())?;
    assert!(plan.steps.iter().all(|step| !step.reason.is_empty()));
    let words = |step: &Planned| {
        let text = step.to_string();
        text.split_once(": ").map(|(step, _)| step.to_owned()).expect("a reason")
    };
    Ok(plan.steps.iter().map(words).map(|it| it.replace(SHA_OF_NEW, "NEW")).collect())
}

const SHA_OF_NEW: &str = "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437";

fn add(content: &str) -> Ask {
    ask(Act::Add(addition(content)), &[], &[])
}

#[test]
fn adds() {
    let killed = |steps: usize| {
        let (mut world, mut writer) = (World::with(&["one"]), Writer::new(&add("new"), "killed"));
        writer.until_step(&mut world, steps);
        world
    };
    let all = [
        "send 3 B to the store as NEW",
        "record version 2",
        "enter version 2 in the history",
        "point latest at version 2",
    ];
    let cases: [(&str, World, Ask, Vec<&str>); 9] = [
        (
            "the first version",
            World::default(),
            add("new"),
            vec![
                "begin the history of versions",
                "send 3 B to the store as NEW",
                "record version 1",
                "enter version 1 in the history",
                "point latest at version 1",
            ],
        ),
        ("another", World::with(&["one"]), add("new"), all.to_vec()),
        ("the newest", World::with(&["one"]), add("one"), vec![]),
        (
            "an older one",
            World::with(&["new", "one"]),
            add("new"),
            vec!["record version 3", "enter version 3 in the history", "point latest at version 3"],
        ),
        ("a blob was sent", killed(1), add("new"), all[1..].to_vec()),
        (
            "a record was written",
            killed(2),
            add("new"),
            vec!["enter version 2 in the history", "point latest at version 2"],
        ),
        ("it was entered", killed(3), add("new"), all[3..].to_vec()),
        (
            "another put's record was written",
            killed(2),
            add("other"),
            vec![
                "enter version 2 in the history",
                "send 5 B to the store as d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa",
                "record version 3",
                "enter version 3 in the history",
                "point latest at version 3",
            ],
        ),
        (
            "sacker filled the ledger",
            World::default().sackers(7, "seven").sackers(9, "nine"),
            add("new"),
            vec![
                "begin the history of versions",
                "enter 2 versions in the history",
                "send 3 B to the store as NEW",
                "record version 10",
                "enter version 10 in the history",
                "point latest at version 10",
            ],
        ),
    ];
    for (name, world, ask, want) in cases {
        assert_eq!(steps(&world, &ask).expect(name), want, "{name}");
    }
}

#[test]
fn tags() {
    let two = World::with(&["one", "two"]);
    let mut live = two.clone();
    live.alone(&ask(Act::Tag(Some(1)), &["live"], &[]), "before").expect("tagged");
    let sackers = two.clone().sackers_tag("live", 1);
    let to = |version| ask(Act::Tag(Some(version)), &["live"], &[]);
    let away = ask(Act::Tag(None), &[], &["live"]);
    let mut behind = live.clone();
    behind.pointers.clear();
    let cases: [(&str, &World, &Ask, Vec<&str>); 10] = [
        (
            "a new tag",
            &two,
            &to(2),
            vec!["begin the history of live", "move live to version 2", "point live at version 2"],
        ),
        ("it moves", &live, &to(2), vec!["move live to version 2", "point live at version 2"]),
        ("it is there", &live, &to(1), vec![]),
        ("its pointer is not", &behind, &to(1), vec!["point live at version 1"]),
        ("it goes", &live, &away, vec!["take live away", "delete the pointer of live"]),
        ("nobody set it", &two, &away, vec![]),
        (
            "sacker's moves",
            &sackers,
            &to(2),
            vec![
                "begin the history of live",
                "begin the moves of live with version 1",
                "move live to version 2",
                "point live at version 2",
            ],
        ),
        (
            "sacker's stays",
            &sackers,
            &to(1),
            vec![
                "begin the history of live",
                "begin the moves of live with version 1",
                "point live at version 1",
            ],
        ),
        (
            "sacker's goes",
            &sackers,
            &away,
            vec![
                "begin the history of live",
                "begin the moves of live with version 1",
                "take live away",
                "delete the pointer of live",
            ],
        ),
        (
            "with an add",
            &live,
            &ask(Act::Add(addition("two")), &["live"], &["old"]),
            vec!["move live to version 2", "point live at version 2"],
        ),
    ];
    for (name, world, ask, want) in cases {
        assert_eq!(steps(world, ask).expect(name), want, "{name}");
    }
    let error = steps(&two, &to(3)).expect_err("no version");
    assert_eq!(error, "app has no version 3");
}

#[test]
fn removals() {
    let mut world = World::with(&["one", "two"]);
    let remove = |version| ask(Act::Remove(version), &[], &[]);
    let end = [
        "enter in the history that version 2 is removed",
        "put a tombstone in place of version 2",
        "point latest at version 1",
    ];
    let mark = [&["mark version 2"][..], &end].concat();
    assert_eq!(steps(&world, &remove(2)).expect("steps"), mark);
    assert_eq!(steps(&world, &remove(3)).expect_err("none"), "app has no version 3");
    world.alone(&ask(Act::Tag(Some(1)), &["live"], &[]), "before").expect("tagged");
    let fence = [&["mark version 2", "fence live"][..], &end].concat();
    assert_eq!(steps(&world, &remove(2)).expect("steps"), fence);
    let error = steps(&world, &remove(1)).expect_err("tagged");
    assert_eq!(error, "version 1 of app has the tag `live`");
    // sacker's tags count as well.
    let error = steps(&world.clone().sackers_tag("x", 2), &remove(2)).expect_err("tagged");
    assert_eq!(error, "version 2 of app has the tag `x`");
    let mut killed = Writer::new(&remove(2), "killed");
    killed.until_step(&mut world, 1);
    assert_eq!(steps(&world, &remove(2)).expect("steps"), fence[1..]);
    let to = |version| ask(Act::Tag(Some(version)), &["live"], &[]);
    let error = steps(&world, &to(2)).expect_err("marked");
    assert_eq!(error, "version 2 of app is being removed");
    killed.until_step(&mut world, 1);
    assert_eq!(steps(&world, &remove(2)).expect("steps"), end, "it is fenced already");
    killed.until_step(&mut world, 1);
    assert_eq!(steps(&world, &remove(2)).expect("steps"), end[1..]);
    world.alone(&remove(2), "next").expect("removed");
    assert_eq!(steps(&world, &remove(2)).expect("steps"), [""; 0]);
    assert!(
        steps(&world, &to(2)).expect_err("gone").starts_with("version 2 of app was removed at")
    );
    // The number stays taken.
    assert_eq!(steps(&world, &add("new")).expect("steps")[1], "record version 3");
    world.alone(&ask(Act::Tag(None), &[], &["live"]), "after").expect("taken away");
    world.alone(&remove(1), "next").expect("removed");
    assert_eq!(world.latest, None);
}

#[test]
fn blobs() {
    let wrong = || Blob::Wrong("it has 2 bytes instead of 3".to_owned());
    let cases = [
        (Blob::Whole, Sent::No, false, Some(None)),
        (Blob::Unseen, Sent::No, false, Some(Some(Over::Nothing))),
        (Blob::Unseen, Sent::No, true, Some(Some(Over::Nothing))),
        (Blob::Unseen, Sent::Written, true, Some(None)),
        (Blob::Unseen, Sent::Refused, false, Some(None)),
        (Blob::Unseen, Sent::Refused, true, Some(Some(Over::Nothing))),
        (Blob::Unseen, Sent::Again, true, Some(None)),
        (wrong(), Sent::No, true, Some(Some(Over::WrongBytes))),
        (wrong(), Sent::Written, true, None),
    ];
    for (blob, sent, is_recorded, want) in cases {
        let got = sending(&blob, sent, is_recorded).ok().map(|it| it.map(|(over, _)| over));
        assert_eq!(got, want, "{blob:?} {sent:?} {is_recorded}");
    }
}

/// A build that runs again knows what it added; other bytes, or another build's, are new.
#[test]
fn who_is_worth_reading() {
    use crate::words::build::{Build, Run};
    let build = |name: &str| Build { name: Some(name.to_owned()), ..Build::default() };
    let run = |name: &str| Run { build: build(name), time: Utc::read("then") };
    let record = |content: &str, run: &Run| addition(content).record(run, "id");
    let added = |added, content: Option<&str>| Change::Added {
        added,
        sha: content.map(|it| addition(it).file.facts.sha256),
        basename: None,
    };
    let changes = [
        (added(4, Some("other")), build("b")),
        (Change::Removed { removed: 3, newest: 3 }, build("a")),
        (added(3, None), Build::default()),
        (added(2, Some("new")), build("a")),
        (added(1, Some("new")), Build::default()),
    ];
    let worth = |newest, wanted: &VersionRecord| {
        worth_reading(changes.iter().map(|(change, by)| (change, by)), newest, wanted)
    };
    assert_eq!(worth(Some(4), &record("new", &Run::default())), [0; 0]);
    assert_eq!(worth(Some(4), &record("new", &run("a"))), [2]);
    assert_eq!(worth(Some(3), &record("new", &run("a"))), [3, 2]);
    assert_eq!(worth(Some(4), &record("other", &run("a"))), [4]);
}
