//! `s3-asset`, as people and tasks call it.

mod artifacts;
mod bulk;
mod code_hash;
mod doctor;
mod everyday;
mod gocd;
mod import;
mod manager;
mod package;
mod reach;
mod release;
mod support;
