//! `completions` and `man`: what shells and `man` are told, out of the commands' own definitions. A build
//! without the feature `manual`, as the image's is, says so.

#[cfg(feature = "manual")]
pub(super) use made::{completions, man};
#[cfg(not(feature = "manual"))]
pub(super) use missing::{completions, man};

use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(super) const COMPLETIONS_HELP: &str = "\
Examples:
  s3-asset completions bash > ~/.local/share/bash-completion/completions/s3-asset
  s3-asset completions zsh > \"${fpath[1]}/_s3-asset\"
  s3-asset completions fish > ~/.config/fish/completions/s3-asset.fish";

pub(super) const MAN_HELP: &str = "\
Without a directory, the page of s3-asset itself goes to standard output.

Examples:
  s3-asset man ~/.local/share/man/man1
  s3-asset man | man -l -";

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Where to; a page for each command
    directory: Option<PathBuf>,
}

#[cfg(feature = "manual")]
mod made {
    use super::{CompletionsArguments, ManArguments, Shell};
    use crate::commands::Cli;
    use crate::machine::report::{Report, count};
    use crate::machine::terminal::print;
    use crate::words::fault::fault;
    use clap::CommandFactory as _;
    use std::path::Path;
    use std::process::ExitCode;

    pub(in crate::commands) fn completions(
        arguments: CompletionsArguments,
    ) -> anyhow::Result<ExitCode> {
        let shell = match arguments.shell {
            Shell::Bash => clap_complete::Shell::Bash,
            Shell::Zsh => clap_complete::Shell::Zsh,
            Shell::Fish => clap_complete::Shell::Fish,
        };
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "s3-asset", &mut text);
        // clap_complete writes a program's name with a hyphen in two ways, of which bash knows one.
        let text = String::from_utf8_lossy(&text).replace("s3__subcmd__asset", "s3__asset");
        print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }

    pub(in crate::commands) fn man(
        report: &Report,
        arguments: &ManArguments,
    ) -> anyhow::Result<ExitCode> {
        let Some(directory) = &arguments.directory else {
            let mut text = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut text)?;
            print(&text)?;
            return Ok(ExitCode::SUCCESS);
        };
        let pages = pages(directory).map_err(|e| {
            fault(
                format!("{}: {e}", directory.display()),
                "name a directory that pages may be written to",
            )
        })?;
        report.success(format!("{} in {}", count(pages, "page"), directory.display()));
        Ok(ExitCode::SUCCESS)
    }

    /// Writes a page for each command; answers how many.
    fn pages(directory: &Path) -> std::io::Result<usize> {
        std::fs::create_dir_all(directory)?;
        let mut root = Cli::command().disable_help_subcommand(true);
        root.build();
        let (mut commands, mut pages) = (vec![root], 0);
        while let Some(command) = commands.pop() {
            let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
            commands.extend(command.get_subcommands().cloned());
            let mut text = Vec::new();
            clap_mangen::Man::new(command).title(&name).render(&mut text)?;
            std::fs::write(directory.join(format!("{name}.1")), text)?;
            pages += 1;
        }
        Ok(pages)
    }
}

#[cfg(not(feature = "manual"))]
mod missing {
    use super::{CompletionsArguments, ManArguments};
    use crate::machine::report::Report;
    use crate::words::fault::fault;
    use std::process::ExitCode;

    fn none(what: &str) -> anyhow::Result<ExitCode> {
        Err(fault(
            format!("this build of s3-asset, the image's, has no {what}"),
            "`cargo install --path .` makes one that has",
        ))
    }

    pub(in crate::commands) fn completions(
        arguments: CompletionsArguments,
    ) -> anyhow::Result<ExitCode> {
        none(&format!("completions for {:?}", arguments.shell))
    }

    pub(in crate::commands) fn man(
        _: &Report,
        arguments: &ManArguments,
    ) -> anyhow::Result<ExitCode> {
        let place = arguments.directory.as_ref().map(|it| format!(" for {}", it.display()));
        none(&format!("manual pages{}", place.unwrap_or_default()))
    }
}
