//! Sets of files, one for each commit.

pub mod check;
pub mod get;
pub mod params;
pub mod put;
pub mod rules;
pub mod source;
