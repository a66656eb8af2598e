//! Gives a reader what nobody wrote: mutations of a small corpus, the same ones in every run.
//!
//! A target is a test of the module whose reader it is, since most readers are private. It is given
//! inputs and answers a line of what came of each; an input whose line is of a kind that was not
//! there before joins those that are mutated, which leads from one branch of a reader to the next
//! without an instrumented build. The corpus of a target is what its test gives (what our own writers
//! write, so it never grows stale) and the files of `tests/corpus/NAME`.
//!
//! An input at which a target panics is written to that folder, so that every later run begins with
//! it: commit it with what mends it.
//!
//! `FUZZ_SECONDS` goes on with other inputs for so long, and prints how many there were; `FUZZ_TIMES`
//! runs so many times as many, the same ones on every machine; `FUZZ_SEED` makes all of them others.
//! `ci/fuzz` sets them.

#![allow(clippy::disallowed_methods, reason = "the driver of tests is told by its environment")]

mod dice;
mod mutate;

use dice::Dice;
use mutate::Mutator;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// As many inputs are mutated, and as many kinds of answers told apart.
const POOL: usize = 400;

/// Runs a target on bytes, so many times.
pub fn bytes(
    name: &str,
    executions: u64,
    seeds: impl IntoIterator<Item = Vec<u8>>,
    target: impl Fn(&[u8]) -> String,
) {
    Run::new(name, seeds).go(executions, target);
}

/// Runs a target on texts, so many times.
pub fn texts<'a>(
    name: &str,
    executions: u64,
    seeds: impl IntoIterator<Item = &'a str>,
    target: impl Fn(&str) -> String,
) {
    let seeds = seeds.into_iter().map(|seed| seed.as_bytes().to_vec());
    bytes(name, executions, seeds, |input| target(&String::from_utf8_lossy(input)));
}

/// The line that an error is: nothing in it ends a line or moves a terminal.
#[track_caller]
pub fn line(error: impl ToString) -> String {
    let text = error.to_string();
    assert!(!text.is_empty() && !text.contains(char::is_control), "no line: {text:?}");
    text
}

struct Run<'a> {
    name: &'a str,
    folder: PathBuf,
    pool: Vec<Vec<u8>>,
    mutator: Mutator,
    kinds: HashSet<u64>,
}

impl<'a> Run<'a> {
    fn new(name: &'a str, seeds: impl IntoIterator<Item = Vec<u8>>) -> Run<'a> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(name);
        let mut pool: Vec<Vec<u8>> = seeds.into_iter().collect();
        let files = std::fs::read_dir(&folder).into_iter().flatten().map(|it| it.expect("a file"));
        let mut files: Vec<PathBuf> = files.map(|it| it.path()).collect();
        files.sort();
        pool.extend(files.iter().map(|path| std::fs::read(path).expect("a file of the corpus")));
        assert!(!pool.is_empty(), "{name}: nothing to begin with");
        let mutator = Mutator::of(&pool);
        Run { name, folder, pool, mutator, kinds: HashSet::new() }
    }

    fn go(mut self, executions: u64, target: impl Fn(&[u8]) -> String) {
        let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse::<u64>().ok());
        let mut hasher = DefaultHasher::new();
        (self.name, number("FUZZ_SEED")).hash(&mut hasher);
        let mut dice = Dice::new(hasher.finish());
        let mut slowest = Duration::ZERO;
        let mut one = |run: &mut Run<'a>, input: Vec<u8>| {
            let begun = Instant::now();
            run.one(input, &target);
            slowest = slowest.max(begun.elapsed());
        };
        for seed in self.pool.clone() {
            one(&mut self, seed);
        }
        let executions = executions.saturating_mul(number("FUZZ_TIMES").unwrap_or(1));
        let (begun, seconds) = (Instant::now(), number("FUZZ_SECONDS"));
        let mut done = 0_u64;
        // The clock is asked rarely: it costs as much as a small reader.
        while done < executions
            || !done.is_multiple_of(64)
            || seconds.is_some_and(|it| begun.elapsed().as_secs() < it)
        {
            let input = self.mutator.input(&self.pool, &mut dice);
            one(&mut self, input);
            done += 1;
        }
        if seconds.is_some() {
            let each = begun.elapsed().as_secs_f64() / done as f64;
            let (name, kinds) = (self.name, self.kinds.len());
            println!(
                "{name}: {done} executions, {:.0} a second, {kinds} kinds of answers, the slowest {slowest:.0?}",
                1.0 / each
            );
        }
    }

    fn one(&mut self, input: Vec<u8>, target: &impl Fn(&[u8]) -> String) {
        let told = Told { name: self.name, folder: &self.folder, input: &input };
        let answer = target(&input);
        drop(told);
        if self.kinds.len() < POOL && self.kinds.insert(kind(&answer)) && self.pool.len() < POOL {
            self.pool.push(input);
        }
    }
}

/// What an answer is without what it quotes, and without its numbers.
fn kind(answer: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (index, part) in answer.split(['`', '"']).enumerate() {
        if index % 2 == 0 {
            part.chars().filter(|c| !c.is_ascii_digit()).for_each(|c| c.hash(&mut hasher));
        }
    }
    hasher.finish()
}

/// Keeps the input at which a target panics.
struct Told<'a> {
    name: &'a str,
    folder: &'a Path,
    input: &'a [u8],
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let mut hasher = DefaultHasher::new();
        self.input.hash(&mut hasher);
        let path = self.folder.join(format!("found-{:016x}", hasher.finish()));
        let kept =
            std::fs::create_dir_all(self.folder).and_then(|()| std::fs::write(&path, self.input));
        let where_to = kept.map_or_else(|e| e.to_string(), |()| path.display().to_string());
        eprintln!(
            "{}: kept in {where_to}: b\"{}\"",
            self.name,
            self.input[..self.input.len().min(2_000)].escape_ascii()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};

    #[test]
    fn every_run_has_the_same_inputs() {
        let run = || {
            let seen = RefCell::new(Vec::new());
            bytes("of-the-driver", 200, [b"{\"a\": [1, \"b\"]}".to_vec()], |input| {
                seen.borrow_mut().push(input.to_vec());
                input.len().to_string()
            });
            seen.into_inner()
        };
        let first = run();
        assert_eq!(first, run());
        assert!(first.len() > 200 && first.iter().collect::<HashSet<_>>().len() > 100);
    }

    /// One branch behind another: bytes by chance would not get there in a million inputs.
    #[test]
    fn new_answers_lead_on() {
        let reached = Cell::new(0);
        bytes("of-the-driver", 60_000, [b"____".to_vec()], |input| {
            let right = input.iter().zip(b"FUZZ").take_while(|(a, b)| a == b).count();
            reached.set(right.max(reached.get()));
            "x".repeat(right)
        });
        assert_eq!(reached.into_inner(), 4);
    }

    #[test]
    fn answers_of_one_kind() {
        assert_eq!(kind("line 1 has `a`"), kind("line 22 has `b`"));
        assert_ne!(kind("line 1 has `a`"), kind("file 1 has `a`"));
    }
}
