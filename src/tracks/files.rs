//! Files: those that a pattern names, or the versions of one. What concourse/s3-resource does.

pub mod check;
pub mod get;
mod order;
pub mod params;
mod pattern;
mod plan;
pub mod put;
mod rules;
pub mod source;
mod walk;
