//! Everything for people: standard error, in colour, with nothing secret in it.
//!
//! Concourse shows standard error through a pipe, renders colour and `\r`, and stores each flush:
//! so the resource's programs never ask for a terminal, and a progress frame ends in `\r` and is
//! redrawn at most twice a second. The operator's command asks: see [`is_coloured`].
//!
//! Invariant: every line passes `Report::line`, which blots out each secret it was told of, and
//! leaves nothing in it that a terminal obeys.

use crate::words::names::is_obeyed;
use crate::words::secret::Secret;
use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const REDRAW: Duration = Duration::from_millis(500);
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const GREEN: &str = "\x1b[32m";
const CYAN: &str = "\x1b[36m";
const RESET: &str = "\x1b[0m";
const TO_END: &str = "\x1b[K";

/// Standard error.
#[derive(Debug, Default)]
pub struct Report {
    inner: Mutex<Inner>,
    quiet: bool,
    plain: bool,
}

#[derive(Debug, Default)]
struct Inner {
    secrets: Vec<Secret>,
    bar: Option<Bar>,
}

#[derive(Debug)]
struct Bar {
    verb: &'static str,
    files: usize,
    files_done: usize,
    bytes: u64,
    bytes_done: u64,
    /// What the work consists of, where nobody knows beforehand how many files that comes to.
    stages: Option<Stages>,
    since: Instant,
    drawn: Instant,
    shown: bool,
}

/// Pieces of work under one bar, each with files of its own.
#[derive(Debug, Clone, Copy)]
struct Stages {
    noun: &'static str,
    all: usize,
    done: usize,
}

impl Report {
    /// One that tells people everything, or, when quiet, warnings and errors only.
    pub fn new(quiet: bool) -> Report {
        Report { inner: Mutex::default(), quiet, plain: false }
    }

    /// The same without colours and bars.
    pub fn plain(self) -> Report {
        Report { plain: true, ..self }
    }

    /// A text that must never be shown, whatever prints it.
    pub fn hide(&self, secret: &Secret) {
        let mut inner = self.lock();
        if !secret.expose().is_empty() && !inner.secrets.contains(secret) {
            inner.secrets.push(secret.clone());
        }
    }

    /// What is being done.
    pub fn info(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.line(CYAN, "", text.as_ref());
        }
    }

    /// What went well.
    pub fn success(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.line(GREEN, "", text.as_ref());
        }
    }

    /// What should be known, though the work goes on.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.line(YELLOW, "warning: ", text.as_ref());
    }

    /// An error, on one line with all its causes, and below it what to do.
    pub fn error(&self, error: &anyhow::Error) {
        self.line(RED, "error: ", &format!("{error:#}").replace('\n', " "));
        if let Some(hint) = crate::words::fault::hint_of(error) {
            self.line(YELLOW, "hint: ", hint);
        }
    }

    /// Begins a bar over files and their bytes; of one piece of work among several, adds them to the
    /// bar over all.
    pub fn begin(&self, verb: &'static str, files: usize, bytes: u64) {
        let mut inner = self.lock();
        match &mut inner.bar {
            Some(bar) if bar.stages.is_some() => {
                bar.files += files;
                bar.bytes += bytes;
            }
            _ => inner.bar = self.draws().then(|| Bar::new(verb, files, bytes, None)),
        }
    }

    /// Begins a bar over so many pieces of work, whose files only they themselves know.
    pub fn begin_all(&self, verb: &'static str, noun: &'static str, all: usize) {
        let stages = Some(Stages { noun, all, done: 0 });
        self.lock().bar = self.draws().then(|| Bar::new(verb, 0, 0, stages));
    }

    /// Frames are drawn over each other, which what takes no colours does not do either.
    fn draws(&self) -> bool {
        !self.quiet && !self.plain
    }

    /// Moves the bar.
    pub fn advance(&self, files: usize, bytes: u64) {
        self.moved(|bar| {
            bar.files_done += files;
            bar.bytes_done += bytes;
        });
    }

    /// One piece of the work is done.
    pub fn advance_all(&self) {
        self.moved(|bar| {
            if let Some(stages) = &mut bar.stages {
                stages.done += 1;
            }
        });
    }

    fn moved(&self, by: impl FnOnce(&mut Bar)) {
        let mut inner = self.lock();
        let Some(bar) = &mut inner.bar else { return };
        by(bar);
        if bar.drawn.elapsed() >= REDRAW {
            bar.drawn = Instant::now();
            bar.shown = true;
            write(&format!("{CYAN}{}{RESET}{TO_END}\r", bar.frame()));
        }
    }

    /// Ends the bar over files; a bar over several pieces of work goes on.
    pub fn end(&self) {
        let is_whole = self.lock().bar.as_ref().is_some_and(|bar| bar.stages.is_none());
        if is_whole {
            self.end_all();
        }
    }

    /// Ends whatever bar there is.
    pub fn end_all(&self) {
        let bar = self.lock().bar.take();
        if bar.is_some_and(|bar| bar.shown) {
            write(&format!("{TO_END}\r"));
        }
    }

    fn line(&self, colour: &str, label: &str, text: &str) {
        let inner = self.lock();
        let text = blot(text, &inner.secrets);
        let text = harmless(&text);
        if self.plain {
            write(&format!("{label}{text}\n"));
            return;
        }
        // A bar's frame lies on the line that is written now.
        write(&format!("{colour}{label}{text}{RESET}{TO_END}\n"));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the operator's command writes in colour: for a terminal, unless the environment says
/// otherwise. `NO_COLOR` and `CLICOLOR_FORCE` are as no-color.org and bixense.com/clicolors have them.
pub fn is_coloured(variable: impl Fn(&str) -> Option<String>, terminal: bool) -> bool {
    if variable("NO_COLOR").is_some() {
        return false;
    }
    match variable("CLICOLOR_FORCE").as_deref() {
        Some("0") | None => terminal && variable("TERM").as_deref() != Some("dumb"),
        Some(_) => true,
    }
}

/// Whether standard error leads to a terminal.
#[allow(clippy::disallowed_methods)] // the one owner
pub fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// A closed standard error is nobody's error.
#[allow(clippy::disallowed_methods)] // the one owner
fn write(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// A text in which nothing is left that a terminal obeys, whoever chose it: a server, a file's name.
fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().map(|c| match c {
        '\n' | '\t' => " ".to_owned(),
        c if is_obeyed(c) => c.escape_unicode().to_string(),
        c => c.to_string(),
    });
    Cow::Owned(escaped.collect())
}

fn blot(text: &str, secrets: &[Secret]) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose(), "***"))
}

impl Bar {
    fn new(verb: &'static str, files: usize, bytes: u64, stages: Option<Stages>) -> Bar {
        let now = Instant::now();
        Bar {
            verb,
            files,
            files_done: 0,
            bytes,
            bytes_done: 0,
            stages,
            since: now,
            drawn: now,
            shown: false,
        }
    }

    fn frame(&self) -> String {
        let seconds = self.since.elapsed().as_secs_f64().max(0.001);
        let rate = format!("{}/s", size((self.bytes_done as f64 / seconds) as u64));
        let (verb, done) = (self.verb, size(self.bytes_done));
        match self.stages {
            // The one piece of work says of itself how large it is.
            Some(stages) if stages.all != 1 || self.files == 0 => {
                let bar = filled(stages.done as u64, stages.all as u64);
                let moved = (self.bytes_done > 0).then(|| format!(", {done}, {rate}"));
                let (at, all) = (stages.done, count(stages.all, stages.noun));
                format!("{verb} {bar} {at}/{all}{}", moved.unwrap_or_default())
            }
            _ => {
                let bar = filled(self.bytes_done, self.bytes);
                let (files, all) = (self.files_done, self.files);
                format!("{verb} {bar} {files}/{all} files, {done} of {}, {rate}", size(self.bytes))
            }
        }
    }
}

/// A bar that is filled as far as so much of all is done.
fn filled(done: u64, all: u64) -> String {
    const WIDTH: u64 = 24;
    let filled = (u128::from(done.min(all)) * u128::from(WIDTH)).checked_div(u128::from(all));
    let filled = filled.unwrap_or(u128::from(WIDTH));
    (0..WIDTH).map(|i| if u128::from(i) < filled { '█' } else { '░' }).collect()
}

/// A number of bytes for people: `1.5 MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A count with its noun: `1 file`, `3 files`.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_572_864, "1.5 MiB"),
            (u64::MAX, "16384.0 PiB"),
        ];
        for (bytes, want) in cases {
            assert_eq!(size(bytes), want);
        }
    }

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        let cases = [
            ("plain é 漢", "plain é 漢"),
            ("a\u{1b}[2Jb\u{9b}\u{202e}", "a\\u{1b}[2Jb\\u{9b}\\u{202e}"),
            ("two\nlines\tand\r", "two lines and\\u{d}"),
        ];
        for (text, want) in cases {
            assert_eq!(harmless(text), want);
        }
    }

    #[test]
    fn colours_are_for_terminals_and_for_whoever_asks() {
        let cases = [
            ("", true, true),
            ("", false, false),
            ("NO_COLOR=1", true, false),
            ("CLICOLOR_FORCE=1", false, true),
            ("CLICOLOR_FORCE=0", false, false),
            ("NO_COLOR=1 CLICOLOR_FORCE=1", true, false),
            ("TERM=dumb", true, false),
        ];
        for (variables, terminal, want) in cases {
            let variable = |name: &str| {
                let mut pairs = variables.split(' ').filter_map(|pair| pair.split_once('='));
                pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
            };
            assert_eq!(is_coloured(variable, terminal), want, "{variables:?} {terminal}");
        }
    }

    #[test]
    fn a_bar_says_how_far_its_work_is() {
        let stages = |all, done| Some(Stages { noun: "set", all, done });
        let cases = [
            (
                None,
                (1, 4),
                (50, 100),
                "checking ████████████░░░░░░░░░░░░ 1/4 files, 50 B of 100 B, ",
            ),
            (None, (0, 2), (0, 0), "checking ████████████████████████ 0/2 files, 0 B of 0 B, "),
            (stages(3, 1), (0, 0), (0, 0), "checking ████████░░░░░░░░░░░░░░░░ 1/3 sets"),
            (stages(3, 1), (9, 12), (70, 90), "checking ████████░░░░░░░░░░░░░░░░ 1/3 sets, 70 B, "),
            (
                stages(1, 0),
                (9, 12),
                (30, 90),
                "checking ████████░░░░░░░░░░░░░░░░ 9/12 files, 30 B of ",
            ),
            (stages(1, 0), (0, 0), (0, 0), "checking ░░░░░░░░░░░░░░░░░░░░░░░░ 0/1 set"),
            (None, (0, 1), (u64::MAX, u64::MAX), "checking ████████████████████████ 0/1 files, "),
        ];
        for (stages, (files_done, files), (bytes_done, bytes), want) in cases {
            let bar = Bar { files_done, bytes_done, ..Bar::new("checking", files, bytes, stages) };
            assert!(bar.frame().starts_with(want), "{} / {want}", bar.frame());
        }
    }

    #[test]
    fn pieces_of_work_add_to_the_bar_over_all() {
        let report = Report::new(false);
        let seen = || {
            let inner = report.lock();
            inner.bar.as_ref().map(|bar| (bar.verb, bar.files, bar.bytes, bar.files_done))
        };
        report.begin_all("verifying", "set", 2);
        report.begin("downloading", 3, 30);
        report.advance(2, 20);
        report.end();
        report.begin("downloading", 1, 10);
        assert_eq!(seen(), Some(("verifying", 4, 40, 2)));
        report.end_all();
        assert_eq!(seen(), None);
        report.begin("uploading", 1, 10);
        report.begin("uploading", 2, 20);
        assert_eq!(seen(), Some(("uploading", 2, 20, 0)), "the second takes the first's place");
        report.end();
        assert_eq!(seen(), None);
    }

    #[test]
    fn secrets_are_blotted_out() {
        let secrets = [Secret::new("hunter2"), Secret::new("t0ken")];
        assert_eq!(blot("a hunter2 b t0kent0ken", &secrets), "a *** b ******");
    }
}
