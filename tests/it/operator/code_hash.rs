//! `s3-asset code-hash`, and what every command line has in common.

use super::support::{Run, Task, run, server};
use crate::support::git;

#[test]
fn it_is_printed_and_explained() {
    let (server, task) = (server(), Task::new());
    let repository = task.repository();
    let repository = repository.to_str().expect("text");
    let hash = |more: &[&str]| {
        let mut arguments = vec!["code-hash", "--repository", repository];
        arguments.extend(more);
        run(&server, &arguments)
    };
    let md5 = hash(&["--algorithm", "md5", "lambdas/**"]).ok();
    assert_eq!(md5.stdout, "50a4a7e970729d9271fa0ad9053c17ec\n");
    let before = hash(&["--explain", "lambdas/**"]).ok().stdout;
    assert!(before.starts_with("100644 ") && before.ends_with(" lambdas/a.py\n"), "{before}");
    let tree = hash(&["--algorithm", "git-tree", "--explain", "--json", "**"]).ok().json();
    assert_eq!(tree["files"], 2);
    assert_eq!(tree["listing"][1]["path"], "lambdas/a.py");
    let sha256 = hash(&["lambdas/**"]).ok().stdout;
    assert_eq!(sha256.trim_end().len(), 64);
    task.commit(&[("README.md", "other")]);
    assert_eq!(hash(&["lambdas/**"]).ok().stdout, sha256);
    task.commit(&[("lambdas/a.py", "other")]);
    assert_ne!(hash(&["lambdas/**"]).ok().stdout, sha256);
    assert_ne!(hash(&["--explain", "lambdas/**"]).ok().stdout, before);
    hash(&["nothing/**"]).failed(1, "no file matches");
    hash(&["--algorithm", "md5", "--explain", "**"]).failed(1, "--explain");
    hash(&["--algorithm", "sha1", "**"]).failed(2, "sha1");
    assert!(server.requests().is_empty());
}

/// What is needed of git is refused, with what works instead, which does.
#[test]
fn a_reftable_is_refused_by_each_command_that_needs_git() {
    let (server, task) = (server(), Task::new());
    git(&task.repository(), &["config", "core.repositoryFormatVersion", "1"]);
    git(&task.repository(), &["config", "extensions.refStorage", "reftable"]);
    let repository = task.repository();
    let repository = repository.to_str().expect("text");
    let refused = |run: Run, status: i32| {
        let run = run.failed(status, "cannot read the git repository");
        assert!(run.stderr.contains("--ref-format=files"), "{}", run.stderr);
    };
    refused(task.check(&server, Some("**")), 103);
    let tree = ["code-hash", "--repository", repository, "--algorithm", "git-tree", "**"];
    refused(run(&server, &tree), 1);
    refused(run(&server, &["artifacts", "gc", "--keep-tagged", repository]), 1);
    for algorithm in ["sha256", "md5"] {
        let words =
            ["code-hash", "--repository", repository, "--algorithm", algorithm, "lambdas/**"];
        run(&server, &words).ok();
    }
}

#[test]
fn command_lines_that_cannot_be_read() {
    let server = server();
    run(&server, &[]).failed(2, "no command given");
    run(&server, &["frobnicate"]).failed(2, "frobnicate");
    run(&server, &["artifacts", "list", "--bukcet", "x"]).failed(2, "--bukcet");
    run(&server, &["resource"]).failed(2, "no program of the resource given");
    run(&server, &["resource", "put"]).failed(2, "`put` is no program of a resource");
    for words in [&["resource", "--help"][..], &["resource", "out", "--help"]] {
        let help = run(&server, words).ok();
        assert!(help.stdout.contains("out [--dry-run] <DIRECTORY>"), "{}", help.stdout);
    }
    let version = run(&server, &["--version"]).ok();
    assert!(version.stdout.starts_with("s3-asset "), "{}", version.stdout);
    let help = run(&server, &["--help"]).ok();
    assert!(help.stdout.contains("resource check") && help.stderr.is_empty());
}
