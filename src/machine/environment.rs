//! The process's environment and clock: the only reader of either.

use crate::words::build::{Build, Run};
use crate::words::time::Utc;
use std::time::SystemTime;

/// An environment variable that is set and not empty.
#[allow(clippy::disallowed_methods)]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The program's arguments, its own name first.
#[allow(clippy::disallowed_methods)]
pub fn arguments() -> Vec<String> {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

/// What Concourse tells a get or a put about its build.
pub fn build() -> Build {
    build_from(variable)
}

/// This process at work, from now on.
pub fn run() -> Run {
    Run { build: build(), time: Utc::of(SystemTime::now()) }
}

fn build_from(variable: impl Fn(&str) -> Option<String>) -> Build {
    let team = variable("BUILD_TEAM_NAME");
    let pipeline = variable("BUILD_PIPELINE_NAME");
    let job = variable("BUILD_JOB_NAME");
    let number = variable("BUILD_NAME");
    let id = variable("BUILD_ID");
    let name = match (&team, &pipeline, &job, &number) {
        (Some(team), Some(pipeline), Some(job), Some(number)) => {
            Some(format!("{team}/{pipeline}/{job} #{number}"))
        }
        // A one-off build (`fly execute`) has neither pipeline nor job.
        _ => id.as_ref().map(|id| format!("build {id}")),
    };
    // BUILD_URL came with Concourse 8; before it, the build's id finds the page.
    let url = variable("BUILD_URL").or_else(|| {
        let base = variable("ATC_EXTERNAL_URL")?;
        Some(format!("{}/builds/{}", base.trim_end_matches('/'), id?))
    });
    Build { name, url, by: variable("BUILD_CREATED_BY") }
}

/// Milliseconds since 1970.
pub fn now_in_milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build_of(pairs: &[(&str, &str)]) -> Build {
        build_from(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn what_concourse_tells() {
        let job = [
            ("BUILD_TEAM_NAME", "main"),
            ("BUILD_PIPELINE_NAME", "app"),
            ("BUILD_JOB_NAME", "build"),
            ("BUILD_NAME", "7"),
            ("BUILD_ID", "4711"),
            ("ATC_EXTERNAL_URL", "https://ci.example.com/"),
        ];
        let build = build_of(&job);
        assert_eq!(build.name.as_deref(), Some("main/app/build #7"));
        assert_eq!(build.url.as_deref(), Some("https://ci.example.com/builds/4711"));
        let one_off = build_of(&[
            ("BUILD_ID", "9"),
            ("BUILD_URL", "https://ci/b/9"),
            ("BUILD_CREATED_BY", "ana"),
        ]);
        assert_eq!(one_off.name.as_deref(), Some("build 9"));
        assert_eq!(one_off.url.as_deref(), Some("https://ci/b/9"));
        assert_eq!(one_off.by.as_deref(), Some("ana"));
        assert!(build_of(&[]).is_empty());
    }
}
