//! `s3-asset`: what people and tasks call by hand, over the same library as the resource.
//!
//! One file a command group. What a command answers goes to standard output, a table or with
//! `--json` one JSON value; everything else goes to standard error, as it does for the resource.

mod artifacts;
mod artifacts_gc;
mod asset_manager;
mod board;
mod bucket_options;
mod by;
mod code_hash;
mod doctor;
mod gocd;
mod import;
mod import_plan;
mod manual;
mod package;
mod release;
mod retention;
mod schema;
mod sets_options;
mod table;
mod unlisted_sets;
mod usage;
mod verify;

use crate::machine::terminal;
use clap::{Args, Parser, Subcommand};
use serde_json::Value;
use std::process::ExitCode;

const ABOUT: &str = "Keeps build assets in S3: found again instead of rebuilt";
const EXAMPLES: &str = "\
The resource's own programs, as Concourse runs them, are here too:
  s3-asset resource check       < request.json
  s3-asset resource in  <directory> < request.json
  s3-asset resource out [--dry-run] <directory> < request.json

Credentials are those of the AWS tools: environment, profile (AWS_PROFILE), web identity, container,
instance. AWS_ROLE names a role to assume with them. `s3-asset doctor` tries them out.

Examples:
  s3-asset artifacts list --bucket my-assets
  s3-asset artifacts verify --bucket my-assets --all
  s3-asset release promote dist/my.tar.gz qa 0.1.1
  s3-asset package add frontend build/frontend.jar
  s3-asset code-hash --repository app 'lambdas/**'";

#[derive(Debug, Parser)]
#[command(name = "s3-asset", version, about = ABOUT, after_help = EXAMPLES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Looks whether the assets of a checkout's commit are published, or can come out of the cache
    #[command(after_help = asset_manager::CHECK_HELP)]
    Check(asset_manager::CheckArguments),
    /// Uploads the package directory that `check` prepared, unless the assets were found
    #[command(after_help = asset_manager::UPLOAD_HELP)]
    Upload(asset_manager::UploadArguments),
    /// Looks at the sets in a bucket, removes old ones, and gives a history to a bucket that has none
    #[command(subcommand, after_help = artifacts::HELP)]
    Artifacts(artifacts::Command),
    /// Promotes files through ranks, and back: s3p's commands
    #[command(subcommand, after_help = release::HELP)]
    Release(release::Command),
    /// Keeps versions and tags of packages: sacker's commands
    #[command(after_help = package::HELP)]
    Package(package::Arguments),
    /// Marks folders so that GoCD finds them, and lists a job's revisions: GoS3-matic's command
    #[command(subcommand, after_help = gocd::HELP)]
    Gocd(gocd::Command),
    /// Shows who stands where: files by ranks, packages by tags
    #[command(after_help = board::HELP)]
    Board(board::Arguments),
    /// Tries out what a bucket, its server and these credentials can do
    #[command(after_help = doctor::HELP)]
    Doctor(doctor::Arguments),
    /// Prints the hash of the code that patterns pick out of a checkout
    #[command(after_help = code_hash::HELP)]
    CodeHash(code_hash::Arguments),
    /// Prints JSON Schema of a pipeline's `source` and `params`, for editors
    #[command(after_help = schema::HELP)]
    Schema(schema::Arguments),
    /// Prints what a shell needs to complete commands and options
    #[command(after_help = manual::COMPLETIONS_HELP)]
    Completions(manual::CompletionsArguments),
    /// Writes manual pages
    #[command(after_help = manual::MAN_HELP)]
    Man(manual::ManArguments),
}

/// How a command answers.
#[derive(Debug, Clone, Copy, Args)]
struct Output {
    /// Answers with one JSON value on standard output
    #[arg(long)]
    json: bool,
}

impl Output {
    /// Prints the plan of a dry run: each step, or that there is `nothing` to do. `about` is what the
    /// JSON tells beside the steps.
    fn plan(self, steps: &[String], nothing: &str, mut about: Value) -> anyhow::Result<()> {
        if self.json {
            about["dry_run"] = true.into();
            about["steps"] = steps.into();
            return terminal::answer(&about);
        }
        let text = match steps {
            [] => format!("would do nothing: {nothing}\n"),
            steps => steps.iter().map(|step| format!("would {step}\n")).collect(),
        };
        terminal::print(text.as_bytes())
    }
}

/// Runs the command that the words after the program's name ask for.
pub fn main<'a>(arguments: impl IntoIterator<Item = &'a str>) -> ExitCode {
    let report = terminal::report(terminal::Reader::Operator);
    let words = std::iter::once("s3-asset").chain(arguments);
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return usage::answer(&report, &error),
    };
    terminal::run(&report.clone(), async {
        match cli.command {
            Command::Check(arguments) => asset_manager::check(&report, arguments).await,
            Command::Upload(arguments) => asset_manager::upload(&report, arguments).await,
            Command::Artifacts(command) => artifacts::run(&report, command).await,
            Command::Release(command) => release::run(&report, command).await,
            Command::Package(arguments) => package::run(&report, arguments).await,
            Command::Gocd(command) => gocd::run(&report, command).await,
            Command::Board(arguments) => board::run(&report, &arguments).await,
            Command::Doctor(arguments) => doctor::run(&report, &arguments).await,
            Command::CodeHash(arguments) => code_hash::run(&arguments).await,
            Command::Schema(arguments) => schema::run(&arguments),
            Command::Completions(arguments) => manual::completions(arguments),
            Command::Man(arguments) => manual::man(&report, &arguments),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_are_sound_and_each_has_examples() {
        let mut cli = Cli::command();
        cli.clone().debug_assert();
        let mut words = vec![vec!["s3-asset".to_owned()]];
        for command in cli.get_subcommands_mut() {
            let name = command.get_name().to_owned();
            let below: Vec<_> =
                command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
            words.push(vec!["s3-asset".into(), name.clone()]);
            words.extend(below.into_iter().map(|b| vec!["s3-asset".into(), name.clone(), b]));
        }
        for mut words in words {
            words.push("--help".into());
            let help = Cli::try_parse_from(&words).expect_err("help").to_string();
            assert!(help.contains("Examples:\n"), "{words:?}\n{help}");
        }
    }
}
