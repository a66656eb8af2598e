//! Which files of a directory, or of a set, a user means.

use crate::words::fault::fault;
use crate::words::names::{RelPath, shown};
use crate::words::pattern;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Which files of a directory, or of a set, are meant.
#[derive(Debug, Clone)]
pub struct Selection {
    globs: Option<GlobSet>,
    text: String,
    include_hidden: bool,
}

impl Selection {
    /// Files that match any of the globs; all where there is none. `*` stays within a directory,
    /// `**` does not. Names that start with a dot are left out unless asked for.
    pub fn new(globs: &[String], include_hidden: bool) -> anyhow::Result<Selection> {
        let mut set = GlobSetBuilder::new();
        if globs.len() > pattern::MOST {
            return Err(fault(
                format!("files: {} globs, and {} are the most", globs.len(), pattern::MOST),
                "name directories: `lambdas/**`",
            ));
        }
        for glob in globs {
            if let Some(flaw) = pattern::flaw(glob) {
                return Err(fault(
                    format!("files: `{}` {flaw}", shown(glob)),
                    "write several globs, or name a directory: `lambdas/**`",
                ));
            }
            let built = GlobBuilder::new(glob.trim_start_matches("./"))
                .literal_separator(true)
                .build()
                .map_err(|e| {
                    fault(
                        format!("files: `{}`: {}", shown(glob), e.kind()),
                        "for example `*.zip` or `lambdas/**`",
                    )
                })?;
            set.add(built);
        }
        let globs_set = if globs.is_empty() {
            None
        } else {
            Some(set.build().map_err(|e| {
                fault(format!("files: {}", e.kind()), "name directories instead: `lambdas/**`")
            })?)
        };
        Ok(Selection { globs: globs_set, text: globs.join(", "), include_hidden })
    }

    /// Every file, hidden ones too.
    pub fn everything() -> Selection {
        Selection { globs: None, text: String::new(), include_hidden: true }
    }

    /// Whether names that start with a dot are meant, too.
    pub fn takes_hidden(&self) -> bool {
        self.include_hidden
    }

    /// Whether a file is meant.
    pub fn takes(&self, path: &RelPath) -> bool {
        (self.include_hidden || !path.is_hidden())
            && self.globs.as_ref().is_none_or(|globs| globs.is_match(path.as_str()))
    }

    /// Whether a file is meant whose name may be no text.
    pub fn takes_disk(&self, path: &std::path::Path) -> bool {
        self.globs.as_ref().is_none_or(|globs| globs.is_match(path))
    }

    /// The globs, for messages; empty when every file is meant.
    pub fn globs(&self) -> &str {
        &self.text
    }
}
