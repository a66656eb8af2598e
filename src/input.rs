//! What users and Concourse write: read leniently, validated once.

pub mod access;
pub mod age;
pub mod common;
pub mod get_file;
pub mod lenient;
pub mod object_params;
pub mod protocol;
pub mod selection;
