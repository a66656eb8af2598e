//! Ranks: releases that climb, and can go back.

mod climbing;
mod cost;
mod getting;
mod kills;
mod races;
mod rules;
mod s3p;
mod support;
