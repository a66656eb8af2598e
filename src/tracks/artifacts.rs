//! Sets of files, one for each commit.

pub mod check;
mod facts;
pub mod get;
pub mod params;
mod plan;
pub mod put;
pub mod rules;
pub mod source;
pub mod standing;
