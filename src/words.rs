//! Words: what the rest speaks of. No file, no network, no clock, no environment.

pub mod build;
pub mod digest;
pub mod encoded_word;
pub mod fault;
pub mod file;
pub mod names;
pub mod object;
pub mod packing;
pub mod parts;
pub mod pattern;
pub mod retention;
pub mod secret;
pub mod span;
pub mod time;
