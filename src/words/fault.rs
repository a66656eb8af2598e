//! An error that a person can act on: what happened, and what to do about it.
//!
//! Everything that a user's input, bucket or network can cause ends in a [`Fault`] somewhere in
//! its chain; `entry` prints the chain on one line and the innermost hint on the next.

use std::fmt;

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

/// The hint of the innermost fault of a chain of errors.
pub fn hint_of(error: &anyhow::Error) -> Option<&str> {
    error.chain().filter_map(|e| e.downcast_ref::<Fault>()).last().map(Fault::hint)
}
