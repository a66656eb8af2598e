//! Whole or not at all: how a set of files becomes a published one.

pub mod claim;
pub mod plan;
pub mod publish;
pub mod set;
pub mod stone;
