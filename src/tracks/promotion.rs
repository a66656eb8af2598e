//! A file that climbs through ranks.

pub mod check;
pub mod get;
pub mod params;
pub mod put;
pub mod rules;
pub mod source;
