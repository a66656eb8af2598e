//! Taking versions away that nobody needs any more: facts are gathered, a plan gives a reason for each
//! that is kept or removed, and is carried out, some versions at a time:
//!
//! 1. the versions are *named* in the head of every rank's history ([`super::rules::leaving`]), which
//!    changes it: no entry of theirs can come any more;
//! 2. everything is looked at anew. What stands at a rank by now, or is to be kept for another reason,
//!    is named no more, at the first rank first;
//! 3. the first rank's head says by one write that the rest is *decided*, and that its entries do not
//!    stand: of those versions that no newer removal has named there, which then decides;
//! 4. the other ranks' entries do not stand any more, and checks show them no more;
//! 5. a stone takes the place of each record ([`super::rules::removed`]), under the condition that it
//!    is the one that was read in step 2;
//! 6. what lies on the shelf is listed, the stone looked at once more, and what was listed deleted, but
//!    for keys of its generation;
//! 7. the heads say that nothing is left, and the names go, at the first rank last.
//!
//! Killed anywhere, the first rank's head says what is left to do: what is only named may be taken
//! back, what is decided is ended by whoever removes next.
//!
//! Invariants:
//! - what stands at a rank has its bytes, and a get of what a check shows finds them: entries stop
//!   standing before anything of theirs is touched, and none comes between the decision and that;
//! - no removal takes away the names of a newer one ([`super::rules::leaving`]), and only the newest
//!   decides: of two at once, one does;
//! - a put that looked at a rank's head before its version was named is refused by that head; one that
//!   looks after the name is gone finds a stone, or no bytes;
//! - below a record that stands, keys that it does not name are deleted without more ado: nothing is
//!   ever published there any more, since other bytes of the version are refused, and after a removal
//!   they have keys of another generation.

pub mod carry_out;
pub mod facts;
pub mod plan;
mod shelves;
