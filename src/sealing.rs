//! Whole or not at all: how a set of files becomes a published one.

pub mod publish;
pub mod set;
