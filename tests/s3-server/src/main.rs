//! The server as a program, to try things by hand and to measure clients from another process.

#![allow(
    clippy::disallowed_methods,
    reason = "what the resource's own programs may not do is nothing to this one"
)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;

use s3_test_server::{Numbered, Options, Server};

const USAGE: &str = "\
usage: s3-test-server [--port PORT] [--bucket BUCKET]... [--keep listing | --count]
       [--rate BYTES] [--region REGION] [--tls] [--fast-etags] [--ignore-conditions] [--max-page KEYS]
       [--numbered BEFORE,AFTER,COUNT]

Serves S3 from memory on 127.0.0.1 until it is killed.
--keep listing  ends when standard input does, and prints the keys that are there then, and the
                uploads in parts that nobody finished
--count         for each line of standard input prints a line of JSON: the requests by operation and
                the bytes of their bodies, since the line before
--rate BYTES    bytes of bodies a second that the network carries, each way
--fast-etags    ETags from a counter instead of MD5, to measure clients
--numbered      listings have COUNT keys more, a number between BEFORE and AFTER, made on the fly
--tls           https; the certificate to trust is printed
";

struct Arguments {
    options: Options,
    list: bool,
    count: bool,
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut options = Options::default();
    let (mut list, mut count) = (false, false);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--port" => options.port = number(&value()?)?,
            "--bucket" => options.buckets.push(value()?),
            "--region" => options.region = Some(value()?),
            "--max-page" => options.max_page = number(&value()?)?,
            "--keep" => match value()?.as_str() {
                "listing" => list = true,
                other => return Err(format!("--keep knows only listing, not {other}")),
            },
            "--count" => count = true,
            "--rate" => options.rate = Some(number(&value()?)?),
            "--numbered" => options.numbered = Some(numbered(&value()?)?),
            "--tls" => options.tls = true,
            "--fast-etags" => options.fast_etags = true,
            "--ignore-conditions" => options.ignore_conditions = true,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(Arguments { options, list, count })
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is not a number that fits"))
}

fn numbered(text: &str) -> Result<Numbered, String> {
    let parts: Vec<&str> = text.split(',').collect();
    let [before, after, count] = parts[..] else {
        return Err(format!("--numbered takes BEFORE,AFTER,COUNT, not {text}"));
    };
    Ok(Numbered { before: before.to_owned(), after: after.to_owned(), count: number(count)? })
}

fn run(arguments: Arguments) -> std::io::Result<()> {
    let buckets = arguments.options.buckets.clone();
    let server = Server::try_start(arguments.options)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "AWS_ENDPOINT_URL={}", server.endpoint())?;
    writeln!(out, "AWS_ACCESS_KEY_ID={}", server.access_key())?;
    writeln!(out, "AWS_SECRET_ACCESS_KEY={}", server.secret_key())?;
    writeln!(out, "AWS_REGION={}", server.region())?;
    if let Some(pem) = server.ca_pem() {
        write!(out, "{pem}")?;
    }
    out.flush()?;
    if arguments.count {
        for line in std::io::stdin().lines() {
            line?;
            writeln!(out, "{}", counted(&server))?;
            server.reset_requests();
        }
    }
    if !arguments.list {
        loop {
            std::thread::park();
        }
    }
    std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())?;
    for bucket in &buckets {
        for key in server.keys(bucket) {
            let size = server.get(bucket, &key).map_or(0, |object| object.size());
            writeln!(out, "{size:>12} {bucket}/{key}")?;
        }
        for upload in server.uploads(bucket) {
            writeln!(out, "  unfinished {bucket}/{}", upload.key)?;
        }
    }
    Ok(())
}

/// What was asked since the log was emptied, in JSON.
fn counted(server: &Server) -> String {
    let mut operations = BTreeMap::<&str, u64>::new();
    let (mut bytes_in, mut bytes_out) = (0, 0);
    for request in server.requests() {
        *operations.entry(request.operation).or_default() += 1;
        bytes_in += request.bytes_in;
        bytes_out += request.bytes_out;
    }
    let operations: Vec<String> =
        operations.iter().map(|(name, count)| format!("\"{name}\":{count}")).collect();
    format!(
        "{{\"requests\":{{{}}},\"bytes_in\":{bytes_in},\"bytes_out\":{bytes_out}}}",
        operations.join(",")
    )
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprint!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("s3-test-server: {error}");
            ExitCode::FAILURE
        }
    }
}
