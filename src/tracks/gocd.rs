//! Folders that GoCD's S3 material recognises, and folders that GoCD published.

pub mod check;
mod facts;
pub mod get;
pub mod params;
pub mod plan;
pub mod put;
pub mod rules;
pub mod source;
