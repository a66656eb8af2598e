//! Ranks: releases that climb, and can go back.

mod climbing;
mod cost;
mod kills;
mod races;
mod s3p;
mod support;
