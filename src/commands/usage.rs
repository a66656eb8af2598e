//! What clap says of a command line, in the form in which everything else is said here.

use crate::machine::report::Report;
use crate::machine::terminal;
use crate::words::fault::{Fault, fault};
use clap::error::{Error, ErrorKind};
use std::process::ExitCode;

/// What a command line that cannot be read ends with, as for most programs.
const USAGE: u8 = 2;

/// Prints the help or the version that was asked for, or says what is wrong.
pub(super) fn answer(report: &Report, error: &Error) -> ExitCode {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            match terminal::print(text.as_bytes()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(e) => {
                    report.error(&e);
                    ExitCode::FAILURE
                }
            }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            report.error(&fault("no command given", "`s3-asset --help` lists them"));
            ExitCode::from(USAGE)
        }
        _ => {
            report.error(&explained(&text).into());
            ExitCode::from(USAGE)
        }
    }
}

/// One line of what, and a hint: clap's tip, or else how the command is called.
fn explained(rendered: &str) -> Fault {
    let mut paragraphs = rendered.split("\n\n");
    let what = joined(paragraphs.next().unwrap_or(""));
    let what = what.strip_prefix("error: ").unwrap_or(&what).to_owned();
    let mut usage = String::new();
    for paragraph in paragraphs {
        let line = joined(paragraph);
        if let Some(tip) = line.strip_prefix("tip: ") {
            return Fault::new(what, tip);
        }
        if line.starts_with("Usage: ") {
            usage = line.replacen("Usage", "usage", 1);
        }
    }
    let hint = if usage.is_empty() { "add --help to see what the command takes" } else { &usage };
    Fault::new(what, hint)
}

fn joined(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::explained;
    use crate::commands::Cli;
    use clap::Parser as _;

    #[test]
    fn errors_are_a_line_and_a_hint() {
        let cases: [(&[&str], &str, &str); 5] = [
            (&["frobnicate"], "unrecognized subcommand 'frobnicate'", "usage: s3-asset <COMMAND>"),
            (&["chekc"], "unrecognized subcommand 'chekc'", "'check'"),
            (&["check", "--jsn"], "unexpected argument '--jsn' found", "'--json'"),
            (
                &["artifacts", "show"],
                "the following required arguments were not provided: <COMMIT>",
                "usage: s3-asset artifacts show <COMMIT>",
            ),
            (
                &["artifacts", "list", "--limit", "x"],
                "invalid value 'x' for '--limit <N>': invalid digit found in string",
                "--help",
            ),
        ];
        for (words, what, hint) in cases {
            let words = std::iter::once("s3-asset").chain(words.iter().copied());
            let error = Cli::try_parse_from(words).expect_err(what);
            let fault = explained(&error.render().to_string());
            assert_eq!(fault.to_string(), what);
            assert!(fault.hint().contains(hint), "{} / {hint}", fault.hint());
        }
    }
}
