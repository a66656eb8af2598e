//! Taking sets away that nobody needs any more: facts are gathered, a plan gives a reason for
//! each thing that is kept or removed, and is carried out.
//!
//! In this order, each step relying on the one before: the history's head says that a set does not
//! stand any more, by one write, and what of the cache goes with it; stones take the place of
//! manifests ([`crate::sealing::stone`]); what lies in the folders is deleted; the head says that
//! nothing is left. Killed anywhere, the head names what is left to do, and whoever removes next does
//! that first.
//!
//! Invariants:
//! - what a check shows has all its bytes: an entry stops standing before anything of its set is
//!   touched;
//! - a manifest is replaced by a stone only while it is the one that the mark in the head is about:
//!   a set that was published again meanwhile stays;
//! - under a stone, only what was there when it stood is deleted;
//! - below a manifest that stands, what lies under `.sets/` and is not named in it is deleted without
//!   more ado: a set that is published there later has keys of another generation, and one that was
//!   about to be published is refused.

pub mod after_put;
pub mod carry_out;
pub mod facts;
pub mod marks;
pub mod plan;
