//! An error that a person can act on: what happened, and what to do about it.
//!
//! Everything that a user's input, bucket or network can cause ends in a [`Fault`] somewhere in
//! its chain; `entry` prints the chain on one line and the innermost hint on the next.

use std::fmt;
use std::io;

/// One thing that went wrong, with the hint that `entry` prints below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    what: String,
    hint: String,
}

impl Fault {
    /// `what` went wrong, in one line; `hint` says what to do.
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Fault { what: what.into(), hint: hint.into() }
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Fault {}

/// Shorthand for an `anyhow` error made of a [`Fault`].
pub fn fault(what: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Fault::new(what, hint))
}

/// The hint of the innermost fault of a chain of errors, or of what the machine says in it.
pub fn hint_of(error: &anyhow::Error) -> Option<&str> {
    let fault = error.chain().filter_map(|e| e.downcast_ref::<Fault>()).last().map(Fault::hint);
    fault.or_else(|| error.chain().filter_map(|e| e.downcast_ref().and_then(hint_of_io)).last())
}

/// What to do about what the machine refuses, by its number on Linux.
fn hint_of_io(error: &io::Error) -> Option<&'static str> {
    Some(match error.raw_os_error()? {
        1 | 13 => {
            "the user that this runs as may not: change the owner or the mode, or `user` of the task before"
        }
        2 => "it was there a moment ago: something removes files while this runs",
        5 => "the disk, or the network that it is on, fails: look at the worker",
        17 => "something stands there already: remove it, or take another place",
        20 => "a file stands where a directory should be",
        21 => "a directory stands where a file should be",
        23 | 24 => "too many files are open: raise `ulimit -n` of the worker",
        27 => "the file system takes no file of this size: use another",
        28 | 122 => "the disk is full: make room on the worker; of a set, `files` fetches less",
        30 => "the disk is mounted for reading only: give a directory that can be written",
        36 => "the path is too long for this machine: shorten names, or `prefix`",
        40 => "a symbolic link leads to itself: remove it, or leave it out with `files`",
        116 => "the network file system lost it: try again",
        _ => "the machine refuses it: look at the worker, and at what is named",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn what_the_machine_refuses_has_a_hint() {
        let cases = [
            (13, "may not"),
            (24, "ulimit"),
            (28, "disk is full"),
            (30, "reading only"),
            (36, "too long"),
            (40, "leads to itself"),
        ];
        for (number, want) in cases {
            let error = Err::<(), _>(io::Error::from_raw_os_error(number)).context("a/file");
            let error = error.expect_err("an error");
            assert!(hint_of(&error).is_some_and(|hint| hint.contains(want)), "{number}");
        }
        let own = fault("what", "our own hint").context("a/file");
        assert_eq!(hint_of(&own), Some("our own hint"));
        assert_eq!(hint_of(&anyhow::anyhow!("x")), None);
    }
}
