//! Ranks: releases that climb, and can go back.

mod climbing;
mod cost;
mod gc;
mod gc_races;
mod getting;
mod kills;
mod races;
mod rules;
mod s3p;
mod support;
