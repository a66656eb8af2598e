//! Who did something, and when.

use crate::words::time::Utc;
use serde::{Deserialize, Serialize};

/// A build at work: what everything that it writes says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// The Concourse build, or the person at a command line.
    pub build: Build,
    /// When it began.
    pub time: Utc,
}

impl Run {
    /// Whoever it was, at this time.
    pub fn at(time: Utc) -> Run {
        Run { build: Build::default(), time }
    }
}

/// Who did something: what Concourse tells of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// `team/pipeline/job #number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The build's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The user who started it, where the pipeline exposes that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Build {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Build::default()
    }

    /// Who did something, to be put behind when: the build, or else the person; empty where neither is
    /// known.
    pub fn told(&self) -> String {
        let by = self.name.as_deref().or(self.by.as_deref());
        by.map(|by| format!(" by {by}")).unwrap_or_default()
    }
}
