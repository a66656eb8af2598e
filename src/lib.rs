//! A Concourse resource that keeps build assets in S3.
//!
//! One idea: **facts in, plan, effects out.** Reading makes plain data, pure functions decide, and
//! effects follow. A file imports from its own floor and those below it:
//!
//! | floor | files | what they may use |
//! |---|---|---|
//! | 0 words | [`fault`], [`names`], [`digest`], [`secret`] | std, serde, sha2 |
//! | 1 the edge | [`lenient`], [`protocol`], [`source`], [`params`], [`selection`], [`object`], [`code_hash`] | what users and Concourse write, validated |
//! | 2 decisions | [`history`], [`artifacts`], [`promotion`], [`package`], [`set`] | no async, clock, environment or file system |
//! | 3 hands | [`http`], [`credentials`], [`store`], [`transfer`], [`record`], [`workspace`], [`repo`], [`unpack`], [`python_glob`], [`code_hash_files`], [`build_info`], [`report`] | one foreign thing each |
//! | 4 stories | [`publish`], [`ledger`], [`check`], [`get`], [`put`], [`operator`], [`entry`] | 1 to 3 together |
//!
//! A request's way: `entry` reads it, `source` and `params` validate it, `check`, `get` or `put`
//! gather facts with `store` and `record`, decide with `artifacts`, `promotion`, `package`, `set` and
//! `history`, act through `publish`, `ledger` and `transfer`, and answer.

pub mod artifacts;
pub mod build_info;
pub mod check;
pub mod code_hash;
pub mod code_hash_files;
pub mod credentials;
pub mod digest;
pub mod entry;
pub mod fault;
pub mod get;
pub mod history;
pub mod http;
pub mod ledger;
pub mod lenient;
pub mod names;
pub mod object;
pub mod operator;
pub mod package;
pub mod params;
pub mod promotion;
pub mod protocol;
pub mod publish;
pub mod put;
pub mod python_glob;
pub mod record;
pub mod repo;
pub mod report;
pub mod secret;
pub mod selection;
pub mod set;
pub mod source;
pub mod store;
pub mod transfer;
pub mod unpack;
pub mod workspace;
