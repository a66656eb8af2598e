//! The tables of commands, written from what `--help` says of each.
//!
//! `<!-- commands: artifacts -->` to `<!-- /commands -->` holds a group's commands, `<!-- commands: -->` those
//! that are in none.

use super::{filled, is_current, read};
use std::process::Command;

/// What `--help` says of some words of the command line.
fn help(words: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_s3-asset")).args(words).arg("--help").output();
    String::from_utf8(run.expect("the program runs").stdout).expect("UTF-8")
}

/// The commands that a help lists.
fn listed(help: &str) -> Vec<&str> {
    let list = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
    let names = list.lines().take_while(|it| !it.is_empty()).map(|it| it.split_whitespace().next());
    names.flatten().filter(|name| *name != "help").collect()
}

/// The row of a command: how it is called, and its first line of help.
fn row(words: &[&str], help: &str) -> String {
    let first = help.lines().next().unwrap_or_default();
    let prefix = format!("Usage: s3-asset {}", words.join(" "));
    let usage = help.lines().find_map(|it| it.strip_prefix(&prefix)).expect("a line of usage");
    let usage = usage.replace(" [OPTIONS]", "").replace('|', "\\|");
    format!("| `{}{usage}` | {first} |\n", words.join(" "))
}

/// The group's commands, or those that are in no group.
fn table(group: &str, all: &[&str]) -> String {
    let mut table = "| command | |\n|---|---|\n".to_owned();
    if group.is_empty() {
        for name in all {
            let help = help(&[name]);
            if listed(&help).is_empty() {
                table.push_str(&row(&[name], &help));
            }
        }
        return table;
    }
    let of_group = help(&[group]);
    let names = listed(&of_group);
    assert!(!names.is_empty(), "{group} is no group of commands");
    for name in names {
        table.push_str(&row(&[group, name], &help(&[group, name])));
    }
    table
}

#[test]
fn the_tables_of_commands_are_current() {
    const PAGE: &str = "docs/commands.md";
    let top = help(&[]);
    let all = listed(&top);
    let page = read(PAGE);
    is_current(PAGE, &page, &filled(&page, "commands", |group| table(group, &all)));
    for name in &all {
        let is_group = !listed(&help(&[name])).is_empty();
        let has_table = page.contains(&format!("<!-- commands: {name} -->"));
        assert!(!is_group || has_table, "{PAGE} has no table of `{name}`");
    }
    assert!(page.contains("<!-- commands: -->"));
}
