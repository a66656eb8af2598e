//! A file that climbs through ranks.

pub mod check;
pub mod facts;
pub mod gc;
pub mod get;
pub mod outcome;
pub mod params;
pub mod plan;
pub mod put;
pub mod rules;
pub mod source;
