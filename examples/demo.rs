//! The main job, shown: a set of files is published for a commit, found again, copied out of the
//! cache for the next commit, and fetched. Everything is real (git, the programs that Concourse
//! calls, the HTTP requests) except the S3 server, which lives in this process' memory.
//!
//! Run it with `cargo run --example demo`.
#![allow(clippy::print_stdout, clippy::disallowed_methods)] // a show for the terminal

use anyhow::{Context as _, ensure};
use s3_test_server::{Options, Server};
use serde_json::{Value, json};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

const BUCKET: &str = "my-team-assets";

fn main() -> ExitCode {
    // This executable is also the resource: it calls itself by Concourse's names.
    if std::env::args().next().is_some_and(|name| name.starts_with("/opt/resource/")) {
        return s3_asset_resource::entry::main();
    }
    match show() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            println!("the demonstration failed: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn show() -> anyhow::Result<()> {
    let server = Server::start(Options::with_bucket(BUCKET));
    let stage = tempfile::tempdir()?;
    let inputs = stage.path();
    let demo = Demo {
        source: json!({
            "bucket": BUCKET,
            "endpoint": server.endpoint(),
            "use_path_style": true,
            "access_key_id": server.access_key(),
            "secret_access_key": server.secret_key(),
            "artifacts": { "code_hash": "src/**" },
        }),
        server,
    };

    title("A git checkout, as a `get` of the git resource leaves it");
    let repository = inputs.join("repo");
    std::fs::create_dir_all(repository.join("src"))?;
    std::fs::write(
        repository.join("src/handler.py"),
        "def handler(event, context):\n    return 42\n",
    )?;
    std::fs::write(repository.join("README.md"), "A small function.\n")?;
    git(&repository, &["init", "--quiet"])?;
    git(&repository, &["add", "."])?;
    git(&repository, &["commit", "--quiet", "-m", "Answer the question"])?;
    println!("{}", git(&repository, &["log", "--oneline", "--stat", "--format=%h %s"])?);

    title("What a build task leaves in `packages`");
    let packages = inputs.join("packages");
    std::fs::create_dir_all(packages.join("layers"))?;
    std::fs::write(packages.join("handler.zip"), vec![7; 120_000])?;
    std::fs::write(packages.join("layers/common.zip"), vec![9; 80_000])?;
    println!("packages/handler.zip\npackages/layers/common.zip\n");

    title("put: the commit's set is uploaded, sealed, cached and entered in the history");
    let params = json!({ "repository": "repo", "directory": "packages" });
    let first = demo.call("out", inputs, json!({ "params": params }))?;

    title("put again: found, nothing is uploaded");
    let again = demo.call("out", inputs, json!({ "params": params }))?;
    ensure!(first["version"] == again["version"], "the same put gives the same version");

    title("check: the newest version, in one request");
    let versions = demo.call("check", inputs, json!({}))?;
    ensure!(versions[0] == first["version"], "check shows what was put");

    title("The next commit changes the README only: same code, so the set comes out of the cache");
    std::fs::write(repository.join("README.md"), "A small function, with a longer README.\n")?;
    git(&repository, &["commit", "--quiet", "--all", "-m", "Explain the answer"])?;
    let second = demo.call("out", inputs, json!({ "params": { "repository": "repo" } }))?;

    title("check from the first version: it and every newer one, oldest first");
    let versions = demo.call("check", inputs, json!({ "version": first["version"] }))?;
    ensure!(versions == json!([first["version"], second["version"]]), "both are there, in order");

    title("get: every byte is checked against the SHA-256 that was recorded");
    let fetched = stage.path().join("fetched");
    demo.call("in", &fetched, json!({ "version": second["version"] }))?;
    println!("{}", tree(&fetched)?);
    for file in ["handler.zip", "layers/common.zip"] {
        ensure!(
            std::fs::read(packages.join(file))? == std::fs::read(fetched.join(file))?,
            "{file} came back as it was put"
        );
    }

    title("The bucket");
    for key in demo.server.keys(BUCKET) {
        let size = demo.server.get(BUCKET, &key).map_or(0, |object| object.size());
        println!("{size:>9}  {}", shortened(&key));
    }
    println!("\nThe newest entry of its history, which a person can open in the S3 console:");
    let history = demo.server.get(BUCKET, "artifacts/.history.json").context("a history")?;
    println!("{}", history.text().lines().nth(1).unwrap_or_default());
    Ok(())
}

struct Demo {
    server: Server,
    source: Value,
}

impl Demo {
    /// Calls one of the three programs as Concourse does, and prints what passes.
    fn call(&self, program: &str, directory: &Path, mut request: Value) -> anyhow::Result<Value> {
        println!("\x1b[2m{program} <- {}\x1b[0m", shortened(&request.to_string()));
        request["source"] = self.source.clone();
        self.server.reset_requests();
        let begun = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .arg0(format!("/opt/resource/{program}"))
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        child.stdin.take().context("standard input")?.write_all(request.to_string().as_bytes())?;
        let output = child.wait_with_output()?;
        let taken = begun.elapsed();
        ensure!(output.status.success(), "{program} failed");
        let answer: Value = serde_json::from_slice(&output.stdout)?;
        let shown = answer.get("version").unwrap_or(&answer);
        println!("\x1b[1m{program} -> {}\x1b[0m", shortened(&shown.to_string()));
        if let Some(lines) = answer["metadata"].as_array() {
            for line in lines {
                let (name, value) = (&line["name"], &line["value"]);
                println!(
                    "       {:<13}{}",
                    name.as_str().unwrap_or(""),
                    shortened(value.as_str().unwrap_or(""))
                );
            }
        }
        let requests = self.server.requests();
        println!("\x1b[2m{} requests in {} ms:", requests.len(), taken.as_millis());
        for request in &requests {
            let key = request.key.clone().unwrap_or_default();
            let status = request.status.map_or("-".to_owned(), |status| status.to_string());
            println!("  {status}  {:<14} {}", request.operation, shortened(&key));
        }
        println!("\x1b[0m");
        Ok(answer)
    }
}

fn title(text: &str) {
    println!("\x1b[1;36m== {text}\x1b[0m");
}

/// Long hashes get in the way of reading: their first digits do.
fn shortened(text: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_ascii_hexdigit() {
            run.push(c);
            continue;
        }
        if run.len() >= 32 {
            run.truncate(8);
            run.push('…');
        }
        out.push_str(&run);
        run.clear();
        out.push(c);
    }
    out.pop();
    out
}

fn git(repository: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git")
        .current_dir(repository)
        .args([
            "-c",
            "user.name=Ana",
            "-c",
            "user.email=ana@example.com",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .output()
        .context("git")?;
    ensure!(output.status.success(), "git: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn tree(root: &Path) -> anyhow::Result<String> {
    let mut lines = String::new();
    for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(root)?.display();
            lines.push_str(&format!("{:>9}  {path}\n", entry.metadata()?.len()));
        }
    }
    Ok(lines)
}
