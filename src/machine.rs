//! The machine: disk, environment, clock, terminal. One foreign thing a file.

pub mod environment;
pub mod go_glob;
pub mod pack;
pub mod report;
pub mod terminal;
pub mod unpack;
pub mod user;
pub mod workspace;
