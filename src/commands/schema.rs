//! `schema`: what editors may know of a pipeline's `source` and `params`.

use crate::machine::terminal::print;
use crate::tracks;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::process::ExitCode;

pub(super) const HELP: &str = "\
All three are under `$defs` unless one is named.

Examples:
  s3-asset schema > s3-asset.schema.json
  s3-asset schema source";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Which one
    part: Option<Part>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Part {
    /// The resource's configuration
    Source,
    /// The params of a get
    Get,
    /// The params of a put
    Put,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut text = serde_json::to_vec_pretty(&schema(arguments.part))?;
    text.push(b'\n');
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn schema(part: Option<Part>) -> Value {
    let source = tracks::schema();
    let [get, put] = tracks::params_schemas();
    let mut schema = match part {
        Some(Part::Source) => source,
        Some(Part::Get) => get,
        Some(Part::Put) => put,
        None => json!({
            "title": "s3-asset, a resource type of Concourse",
            "$defs": {"source": source, "get": get, "put": put},
        }),
    };
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema
}
