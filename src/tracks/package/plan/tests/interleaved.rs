//! Two writers beside each other: every order of their requests.

use super::model::*;
use crate::tracks::package::plan::*;
use std::collections::HashSet;

/// Runs two writers in every order of their requests. What holds always is asserted after each one,
/// what holds at rest at the end; `check` judges the ends.
fn every_order(
    world: &World,
    asks: [&Ask; 2],
    mut check: impl FnMut(&World, [&Writer; 2]),
) -> usize {
    let writers = [Writer::new(asks[0], "first"), Writer::new(asks[1], "second")];
    let mut seen = HashSet::new();
    let mut left = vec![(world.clone(), writers)];
    let mut ends = 0;
    while let Some((world, writers)) = left.pop() {
        world.is_sound();
        if writers.iter().all(|writer| writer.ended.is_some()) {
            world.is_settled();
            check(&world, [&writers[0], &writers[1]]);
            ends += 1;
            continue;
        }
        for n in 0..2 {
            if writers[n].ended.is_none() {
                let (mut world, mut writers) = (world.clone(), writers.clone());
                writers[n].request_and_plan(&mut world);
                if seen.insert(format!("{world:?}{writers:?}")) {
                    left.push((world, writers));
                }
            }
        }
    }
    println!("{} states, {ends} ends", seen.len());
    ends
}

fn is_done(writer: &Writer) -> bool {
    matches!(writer.ended, Some(Ok(_)))
}

fn removed(world: &World, version: u64) -> bool {
    use crate::tracks::package::rules::Stood;
    matches!(world.records[&version].stood, Stood::Removed(_))
}

/// A tag comes on the version that is removed: one of the two happens, and what a check shows of the
/// tag is there for a get at every moment.
#[test]
fn a_tag_and_a_removal() {
    let remove = ask(Act::Remove(1), &[], &[]);
    let tagging = ask(Act::Tag(Some(1)), &["live"], &[]);
    let new = World::with(&["one", "two"]);
    let mut used = new.clone();
    used.alone(&ask(Act::Tag(Some(2)), &["live"], &[]), "before").expect("tagged");
    let sackers = new.clone().sackers_tag("live", 2);
    for world in [new, used, sackers] {
        let mut won = HashSet::new();
        every_order(&world, [&tagging, &remove], |world, [tag, remove]| {
            assert!(is_done(tag) != is_done(remove), "{:?} {:?}", tag.ended, remove.ended);
            assert_eq!(removed(world, 1), is_done(remove));
            won.insert(is_done(tag));
        });
        assert_eq!(won.len(), 2, "either may win");
    }
}

#[test]
fn a_tag_that_leaves_and_a_removal() {
    let mut world = World::with(&["one", "two"]);
    world.alone(&ask(Act::Tag(Some(1)), &["live"], &[]), "before").expect("tagged");
    let remove = ask(Act::Remove(1), &[], &[]);
    for leave in [ask(Act::Tag(Some(2)), &["live"], &[]), ask(Act::Tag(None), &[], &["live"])] {
        every_order(&world, [&leave, &remove], |world, [leave, remove]| {
            assert!(is_done(leave), "{:?}", leave.ended);
            assert_eq!(removed(world, 1), is_done(remove));
        });
    }
}

#[test]
fn two_removals() {
    let world = World::with(&["one", "two"]);
    for (first, second) in [(1, 1), (2, 2), (1, 2)] {
        let asks = [ask(Act::Remove(first), &[], &[]), ask(Act::Remove(second), &[], &[])];
        every_order(&world, [&asks[0], &asks[1]], |world, writers| {
            assert!(writers.iter().all(|writer| is_done(writer)));
            assert!(removed(world, first) && removed(world, second));
        });
    }
}

#[test]
fn an_add_and_a_removal() {
    let world = World::with(&["one"]);
    let add = ask(Act::Add(addition("two")), &["live"], &[]);
    every_order(&world, [&add, &ask(Act::Remove(1), &[], &[])], |world, [add, remove]| {
        assert!(is_done(add) && is_done(remove));
        assert_eq!(world.moves("live"), [Some(2)]);
        assert!(removed(world, 1));
    });
}

#[test]
fn two_adds() {
    let two = [("two", "three", 3), ("two", "two", 2)];
    for world in [World::default(), World::with(&["one"])] {
        for (first, second, newest) in two {
            let add = |content| ask(Act::Add(addition(content)), &[], &[]);
            let known = world.changes().len() as i64;
            every_order(&world, [&add(first), &add(second)], |world, writers| {
                assert!(writers.iter().all(|writer| is_done(writer)));
                let numbers: Vec<i64> = (1..=newest - 1 + known).collect();
                assert_eq!(world.changes(), numbers);
            });
        }
    }
}

#[test]
fn two_moves_of_a_tag() {
    let mut used = World::with(&["one", "two"]);
    let new = used.clone();
    used.alone(&ask(Act::Tag(Some(1)), &["live"], &[]), "before").expect("tagged");
    for world in [new.clone(), used, new.sackers_tag("live", 1)] {
        let moves = [ask(Act::Tag(Some(2)), &["live"], &[]), ask(Act::Tag(None), &[], &["live"])];
        every_order(&world, [&moves[0], &moves[1]], |world, writers| {
            assert!(writers.iter().all(|writer| is_done(writer)));
            assert!(world.moves("live").contains(&Some(2)));
        });
    }
}

/// A writer is killed before each of its requests; the next one finishes.
#[test]
fn killed_anywhere() {
    let asks = [
        ask(Act::Add(addition("three")), &["live"], &["old"]),
        ask(Act::Remove(1), &[], &[]),
        ask(Act::Tag(Some(1)), &["live"], &[]),
    ];
    let mut world = World::with(&["one", "two"]).sackers(9, "nine").sackers_tag("old", 1);
    world.alone(&ask(Act::Tag(Some(2)), &["live"], &[]), "before").expect("tagged");
    world.alone(&ask(Act::Tag(None), &[], &["old"]), "before").expect("taken away");
    for ask in &asks {
        for requests in 0.. {
            let mut world = world.clone();
            let mut killed = Writer::new(ask, "killed");
            for _ in 0..requests {
                if killed.ended.is_none() {
                    killed.request(&mut world);
                    world.is_sound();
                }
            }
            world.alone(ask, "next").expect("finished");
            world.is_settled();
            if let Act::Add(_) = ask.act {
                assert_eq!(world.changes().len(), 4, "once: {:?}", world.changes());
            }
            if killed.ended.is_some() {
                break;
            }
        }
    }
}
