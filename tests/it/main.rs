//! The real program from outside, as Concourse calls it: one file a story.
//!
//! Stories over a `Place` run on the embedded server, or on a real one when
//! `S3_ASSET_TEST_ENDPOINT`, `S3_ASSET_TEST_ACCESS_KEY` and `S3_ASSET_TEST_SECRET_KEY` are set.
//! Stories over an `Embedded` need its log, faults or insides and keep to it.

// A test takes from the machine what it needs, and stops where it does not get it.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::print_stdout)]
// A list of one version reads best as a list.
#![allow(clippy::cloned_ref_to_slice_refs)]

mod artifacts;
mod cache;
mod checkouts;
mod ci;
mod conditions;
mod copies;
mod cost;
mod docs;
mod faults;
mod files;
mod floors;
mod gc;
mod gocd;
mod input;
mod integrity;
mod kills;
mod late;
mod listings;
mod neighbours;
mod objects;
mod operator;
mod packages;
mod parts;
mod plans;
mod proxies;
mod races;
mod ranks;
mod refusals;
mod removals;
mod reuse;
mod roles;
mod secrets;
mod stopping;
mod support;
mod ways_in;
