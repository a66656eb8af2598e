//! Sets of files, one for each commit.

pub mod check;
pub mod code;
pub mod facts;
pub mod gc;
pub mod get;
pub mod params;
pub mod plan;
pub mod put;
mod reuse;
pub mod rules;
pub mod source;
pub mod standing;
