//! What a person at a terminal has of it: bars, a name in the history, completions and pages.

use super::support::{BUCKET, Run, Task, listed, program, run, server};
use s3_test_server::{Action, Fault, Handle};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Runs a command on a slow server, as at a terminal; then as in a script.
fn bars(server: &Handle, words: &[&str], bar: &str) {
    // Longer than a bar waits between two frames.
    let slow = Fault::new(Action::Slow(Duration::from_millis(600)));
    let slow = server.fault(slow.on("GetObject").always());
    let mut terminal = program(server, words);
    terminal.env("CLICOLOR_FORCE", "1");
    let seen: Run = terminal.output().expect("runs").into();
    let seen = seen.ok();
    assert!(seen.stderr.contains(bar) && seen.stderr.contains("\u{1b}[K\r"), "{}", seen.stderr);
    server.remove_fault(&slow);
    let script = run(server, words).ok();
    assert!(!script.stderr.contains(['\r', '█', '░']), "{}", script.stderr);
}

#[test]
fn what_takes_long_shows_a_bar_at_a_terminal() {
    let (server, task) = (server(), Task::new());
    for n in 0..2 {
        task.commit(&[("README.md", &n.to_string())]);
        task.clean();
        task.check(&server, None).ok();
        task.write("a.zip", &format!("zip {n}"));
        task.upload(&server).ok();
    }
    bars(&server, &["artifacts", "verify"], "verifying ");
    server.put(BUCKET, &format!("artifacts/{}/x.zip", "1".repeat(40)), "x", &[]);
    bars(&server, &["artifacts", "import"], "importing ");

    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("app.jar");
    std::fs::write(&file, "jar").expect("a file");
    let ledger = format!("s3://{BUCKET}");
    let package = |words: &[&str], bar: &str| {
        bars(&server, &[&["package", "--ledger", &ledger], words].concat(), bar);
    };
    let file = file.to_str().expect("text");
    run(&server, &["package", "--ledger", &ledger, "add", "app", file]).ok();
    let backup = directory.path().join("backup");
    let backup = backup.to_str().expect("text");
    package(&["export", backup], "exporting ");
    package(&["import", backup], "importing ");
    package(&["gc"], "reading ");
}

/// Who the newest entry of a history is by.
fn newest(server: &Handle, head: &str) -> String {
    let keys = server.keys(BUCKET);
    let key = keys.iter().find(|key| key.ends_with(head)).unwrap_or_else(|| panic!("{keys:?}"));
    let text = server.get(BUCKET, key).expect("a history").text();
    let (_, rest) = text.split_once("\"by\":\"").unwrap_or_else(|| panic!("{text}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[test]
fn histories_say_who() {
    let (server, task) = (server(), Task::new());
    let at = |words: &str, environment: &[(&str, &str)]| {
        let words: Vec<&str> = words.split(' ').collect();
        let mut command = program(&server, &words);
        command
            .current_dir(task.root())
            .env("AWS_S3_BUCKET", BUCKET)
            .env("AWS_S3_RANKS", "qa, production")
            .env("GIT_REPO_PATH", "./repo")
            .env("PACKAGE_DIRECTORY", "./packages")
            .envs(environment.iter().copied());
        Run::from(command.output().expect("runs"))
    };
    std::fs::write(task.root().join("f.tgz"), "f").expect("a file");
    let user = [("USER", "ana")];
    let job = [("BUILD_ID", "7"), ("USER", "root")];
    at("release promote f.tgz qa 1", &user).ok();
    assert_eq!(newest(&server, "qa/.history/f.tgz.json"), "ana");
    at("release promote f.tgz production 1 --by bea", &job).ok();
    assert_eq!(newest(&server, "production/.history/f.tgz.json"), "bea");
    at("release promote f.tgz qa 2 --by", &user).failed(2, "--by");
    for (words, by) in [
        ("add app f.tgz", "ana"),
        ("add app repo/README.md --by carl@example.com", "carl@example.com"),
        ("tag app 1 live", "ana"),
        ("remove app 2 --by dora", "dora"),
    ] {
        at(&format!("package --ledger s3://{BUCKET} {words}"), &user).ok();
        let head = if words.starts_with("tag") { "tags/live.json" } else { "versions.json" };
        assert_eq!(newest(&server, head), by, "{words}");
    }
    at(&format!("package --ledger s3://{BUCKET} untag app live --by eve"), &user).ok();
    assert_eq!(newest(&server, "tags/live.json"), "eve");
    at("check", &user).ok();
    task.write("a.zip", "zip");
    at("upload --by frida", &user).ok();
    assert_eq!(newest(&server, "artifacts/.history.json"), "frida");
    let refused = at("package --ledger s3://x add app f.tgz --by=", &user);
    refused.failed(1, "--by: no name");
}

#[test]
fn a_build_that_names_nobody_is_not_said_to_be_the_containers_user() {
    let (server, task) = (server(), Task::new());
    std::fs::write(task.root().join("f.tgz"), "f").expect("a file");
    let words = ["release", "promote", "f.tgz", "qa", "1", "--ranks", "qa"];
    let mut command = program(&server, &words);
    command.current_dir(task.root()).env("AWS_S3_BUCKET", BUCKET);
    command.env("BUILD_ID", "7").env("USER", "root");
    Run::from(command.output().expect("runs")).ok();
    let keys = server.keys(BUCKET);
    let key = keys.iter().find(|key| *key == "qa/.history/f.tgz.json").expect("a history");
    let text = server.get(BUCKET, key).expect("a history").text();
    assert!(text.contains("build 7") && !text.contains("\"by\""), "{text}");
}

#[test]
fn shells_complete_every_command() {
    let server = server();
    let directory = tempfile::tempdir().expect("a directory");
    for shell in ["bash", "zsh", "fish"] {
        let text = run(&server, &["completions", shell]).ok().stdout;
        for group in [&[][..], &["release"], &["package"], &["artifacts"]] {
            for name in listed(&server, group) {
                assert!(text.contains(&name), "{shell}: {name}");
            }
        }
        assert!(text.contains("--only-version") || text.contains("only-version"), "{shell}");
        std::fs::write(directory.path().join(shell), text).expect("written");
    }
    // Bash completes a command, a command of a group, and an option.
    for (line, want) in [
        ("s3-asset rel", "release"),
        ("s3-asset package unt", "untag"),
        ("s3-asset release promote --dry", "--dry-run"),
        ("s3-asset code-hash --algo", "--algorithm"),
    ] {
        assert_eq!(completed(&directory.path().join("bash"), line), want, "{line}");
    }
    run(&server, &["completions", "tcsh"]).failed(2, "invalid value 'tcsh'");
}

/// What bash makes of a line whose last word is begun.
fn completed(script: &Path, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let last = words.len() - 1;
    let program = format!(
        "source {}; COMP_WORDS=({line}); COMP_CWORD={last}; f=$(complete -p s3-asset); f=${{f#*-F }}; ${{f%% *}} s3-asset '{}' '{}'; echo \"${{COMPREPLY[@]}}\"",
        script.display(),
        words[last],
        words[last - 1]
    );
    let bash = Command::new("bash").args(["--norc", "-c", &program]).output().expect("bash runs");
    assert!(bash.status.success(), "{}", String::from_utf8_lossy(&bash.stderr));
    String::from_utf8(bash.stdout).expect("text").trim().to_owned()
}

#[test]
fn every_command_has_a_page() {
    let server = server();
    let directory = tempfile::tempdir().expect("a directory");
    let pages = directory.path().join("man1");
    run(&server, &["man", pages.to_str().expect("text")]).ok();
    let mut names = vec!["s3-asset".to_owned()];
    for group in listed(&server, &[]) {
        let below = listed(&server, &[&group]);
        names.extend(below.iter().map(|name| format!("s3-asset-{group}-{name}")));
        names.push(format!("s3-asset-{group}"));
    }
    for name in &names {
        let page = std::fs::read_to_string(pages.join(format!("{name}.1"))).expect(name);
        assert!(page.contains(&format!(".TH {name} 1")) && page.contains("Examples"), "{page}");
    }
    let written = std::fs::read_dir(&pages).expect("a directory").count();
    assert_eq!(written, names.len());
    let page = run(&server, &["man"]).ok().stdout;
    assert!(page.contains(".TH s3-asset 1"), "{page}");
    let file = directory.path().join("file");
    std::fs::write(&file, "").expect("a file");
    run(&server, &["man", file.to_str().expect("text")]).failed(1, "file");
}

/// Runs a command with a configuration of the AWS tools in place of keys.
fn with_profile(server: &Handle, config: &str) -> Run {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("config");
    std::fs::write(&file, config).expect("written");
    let mut command = program(server, &["artifacts", "list"]);
    command.env_remove("AWS_DEFAULT_REGION").env("AWS_CONFIG_FILE", &file);
    command.env("AWS_SHARED_CREDENTIALS_FILE", directory.path().join("none"));
    if !config.starts_with("[default]\nregion") {
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    }
    command.output().expect("runs").into()
}

#[test]
fn the_profile_s_region_is_taken() {
    let server = server();
    with_profile(&server, "[default]\nregion = eu-north-1\n").ok();
    let requests = server.requests();
    assert!(!requests.is_empty());
    assert!(requests.iter().all(|it| it.signed_region().as_deref() == Some("eu-north-1")));
}

#[test]
fn what_a_profile_wants_is_done_or_named() {
    let server = server();
    let sso = "[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n\
               [sso-session s]\nsso_start_url = https://example.com\nsso_region = eu-west-1\n";
    let keys = format!(
        "{{\"Version\": 1, \"AccessKeyId\": \"{}\", \"SecretAccessKey\": \"{}\"}}",
        server.access_key(),
        server.secret_key()
    );
    let process = format!("[default]\ncredential_process = echo '{keys}'\n");
    if cfg!(feature = "sso") {
        with_profile(&server, &process).ok();
        let broken = with_profile(&server, "[default]\ncredential_process = exit 3\n");
        let broken = broken.failed(1, "external process");
        assert!(broken.stderr.contains("run it by hand"), "{}", broken.stderr);
        // Nobody has signed in.
        let run = with_profile(&server, sso).failed(1, "");
        assert!(run.stderr.contains("aws sso login"), "{}", run.stderr);
        return;
    }
    for (config, name) in [(sso.to_owned(), "SSO"), (process, "credential_process")] {
        let run = with_profile(&server, &config).failed(1, "credentials");
        assert!(
            run.stderr.contains(name) && run.stderr.contains("`cargo install --path .`"),
            "{}",
            run.stderr
        );
    }
}
