//! `s3-asset code-hash`: the hash that a cache is found by, and what it is made of.

use crate::code_hash::files::code_hash;
use crate::code_hash::{Algorithm, CodeHash, NoFiles, NothingMatches, Recipe};
use crate::machine::terminal;
use crate::s3::transfer::blocking;
use crate::words::fault::fault;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

pub(super) const HELP: &str = "\
Why was the cache missed? Compare what the hash was made of then and now:
  s3-asset code-hash --explain 'lambdas/**' > now
  diff then now

Examples:
  s3-asset code-hash 'lambdas/**' package.json
  s3-asset code-hash --repository app --algorithm git-tree --explain 'src/**'";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The root of the checkout
    #[arg(long, value_name = "DIRECTORY", default_value = ".")]
    repository: PathBuf,
    /// sha256, git-tree or md5 (s3-asset-manager's); as `code_hash_algorithm` in source
    #[arg(long, value_name = "NAME", default_value = "sha256")]
    algorithm: Algorithm,
    /// Prints the mode, id and path of everything that is hashed, instead of the hash
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    output: super::Output,
    /// Which files, from the root: quoted, so that the shell leaves them alone
    #[arg(required = true, value_name = "PATTERN")]
    patterns: Vec<String>,
}

pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.explain && arguments.algorithm == Algorithm::Md5 {
        return Err(fault(
            "--explain: md5 is made of contents alone, and has no listing",
            "take sha256 or git-tree",
        ));
    }
    let recipe = match arguments.patterns.as_slice() {
        [line] => Recipe::parse(arguments.algorithm, &[line]),
        list => Recipe::of_list(arguments.algorithm, list),
    };
    let recipe = recipe.map_err(|e| {
        fault(e.to_string(), "patterns start at the root, for example `lambdas/**`")
    })?;
    // s3-asset-manager hashes nothing where nothing matches; whoever asks by hand wants to know.
    let repository = arguments.repository.clone();
    let hash = blocking(move || code_hash(&repository, &recipe, NoFiles::Refuse)).await;
    let hash = hash.map_err(|e| match e.downcast_ref::<NothingMatches>() {
        Some(nothing) => fault(nothing.to_string(), nothing.hint()),
        None => e.context("code hash"),
    })?;
    if arguments.output.json {
        terminal::answer(&value(&hash, arguments))?;
    } else if arguments.explain {
        let listing = hash.listing.map(|listing| listing.to_string()).unwrap_or_default();
        terminal::print(listing.as_bytes())?;
    } else {
        terminal::print(format!("{}\n", hash.hex).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn value(hash: &CodeHash, arguments: &Arguments) -> serde_json::Value {
    let mut value = json!({
        "code_hash": hash.hex,
        "algorithm": arguments.algorithm.name(),
        "files": hash.files,
    });
    if let (true, Some(listing)) = (arguments.explain, &hash.listing) {
        let entry = |entry: &crate::code_hash::Entry| {
            json!({
                "mode": entry.mode.octal(),
                "id": entry.id.to_string(),
                "path": String::from_utf8_lossy(&entry.path),
            })
        };
        value["listing"] = listing.entries().iter().map(entry).collect();
    }
    value
}
