//! A Concourse resource that keeps build assets in S3.
//!
//! One idea: **facts in, plan, effects out.** Reading makes plain data, pure functions decide, and
//! effects follow. A file imports from its own subject (a folder, or one track's folder) and from
//! floors below; `tests/it/floors.rs` holds it to that.
//!
//! | floor | subjects | what they are |
//! |---|---|---|
//! | 0 | [`words`] | what the rest speaks of: names, digests, times, faults; no file, network or clock |
//! | 1 | [`input`], [`code_hash`] | what users and Concourse write, validated; the hash of a commit's code |
//! | 2 | [`machine`] | disk, environment, clock, terminal: one foreign thing a file |
//! | 3 | [`s3`] | one bucket, and what travels to and from it |
//! | 4 | [`history`] | the ordered record of what was published, pure, and as it is stored |
//! | 5 | [`sealing`] | whole or not at all: how a set of files becomes a published one |
//! | 6 | tracks/* | a folder for each track: `source params rules check get put` |
//! | 7 | [`tracks`] | the enum of them, and the one `match` each for what is asked of every track |
//! | 8 | [`commands`] | `s3-asset`, the operator's command |
//! | 9 | [`entry`], bin | where a process begins: reads the request, picks a program |
//!
//! A request's way: `entry` reads it, `tracks` validates it and picks the track; the track's `check`,
//! `get` or `put` gathers facts with `s3` and `history`, decides with its `rules`, acts through
//! `sealing` and `s3`, and answers.
//!
//! Words that have one meaning here. A *track* is a kind of version that a resource follows. A *set*
//! is the files of one commit; it is *published* when its manifest stands. A *claim* (`.pending`)
//! says which set may use a folder's plain keys until then. A *history* is the ordered record of a
//! track, a *head* its newest entries, a *segment* 256 older ones. A *rank* is a step that a release
//! climbs to; its *pointer* is the object that stands there. A *ledger* holds a package's versions
//! and tags.
//!
//! Errors are `anyhow`, with the path or key in their context, but for those that somebody branches
//! on: [`words::fault::Fault`] (a line and its hint), [`machine::terminal::Terminated`] (its exit
//! status), [`s3::store::Failure`] (what a retry does), [`code_hash::NoFiles`] and
//! [`code_hash::NothingMatches`] (a cache that is neither asked nor filled),
//! [`tracks::promotion::rules::Refused`] and [`tracks::promotion::source::InvalidRank`] (s3p's
//! answers and exit codes).

pub mod code_hash;
pub mod commands;
pub mod entry;
pub mod history;
pub mod input;
pub mod machine;
pub mod s3;
pub mod sealing;
pub mod tracks;
pub mod words;
