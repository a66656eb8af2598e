//! Who a history says did something by hand.
//!
//! A build is known by its own variables. Outside of builds it is whoever `--by` names, or else the
//! user of this machine: so no entry is nobody's.

use crate::machine::{environment, user};
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::is_obeyed;
use clap::Args;

/// The option of each command that writes a history.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct By {
    /// Who does it, for the history; unset: who started the build, or else this machine's user
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl By {
    /// This process at work, and for whom.
    pub(super) fn run(&self) -> anyhow::Result<Run> {
        self.of(environment::run(), user::name)
    }

    fn of(&self, mut run: Run, user: impl FnOnce() -> Option<String>) -> anyhow::Result<Run> {
        if let Some(name) = &self.by {
            if name.trim().is_empty() || name.contains(is_obeyed) {
                let hint = "give a name on one line, for example ana or ana@example.com";
                return Err(fault("--by: no name", hint));
            }
            run.build.by = Some(name.clone());
        } else if run.build.is_empty() {
            run.build.by = user();
        }
        Ok(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::build::Build;

    #[test]
    fn a_build_is_known_and_else_it_is_somebody() {
        let build = |name: Option<&str>, by: Option<&str>| Build {
            name: name.map(str::to_owned),
            by: by.map(str::to_owned),
            url: None,
        };
        let (outside, job) = (build(None, None), build(Some("main/app/build #7"), None));
        let bea = build(Some("main/app/build #7"), Some("bea"));
        let cases = [
            (&outside, None, Some("ana"), build(None, Some("ana"))),
            (&outside, None, None, outside.clone()),
            (&outside, Some("x@y"), Some("ana"), build(None, Some("x@y"))),
            (&job, None, Some("root"), job.clone()),
            (&bea, None, Some("root"), bea.clone()),
            (&bea, Some("carl"), Some("root"), build(Some("main/app/build #7"), Some("carl"))),
        ];
        for (known, by, user, want) in cases {
            let by = By { by: by.map(str::to_owned) };
            let run = Run { build: known.clone(), time: crate::words::time::Utc::default() };
            let run = by.of(run, || user.map(str::to_owned)).expect("a run");
            assert_eq!(run.build, want, "{by:?} {user:?}");
        }
        for name in ["", " ", "a\nb", "a\u{1b}[2J"] {
            let by = By { by: Some(name.to_owned()) };
            assert!(by.of(Run::default(), || None).is_err(), "{name:?}");
        }
    }
}
