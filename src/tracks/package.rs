//! Versions of a package, with tags.

pub mod check;
pub mod get;
pub mod ledger;
pub mod params;
pub mod plan;
pub mod put;
pub mod rules;
pub mod source;
