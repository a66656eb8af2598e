//! Which files of a directory, or of a set, a user means.

use crate::words::fault::fault;
use crate::words::names::{RelPath, shown};
use crate::words::pattern;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Which files of a directory, or of a set, are meant.
#[derive(Debug, Clone)]
pub struct Selection {
    globs: Option<GlobSet>,
    left_out: GlobSet,
    text: String,
    include_hidden: bool,
}

impl Selection {
    /// Files that match any of the globs; all where there is none. `*` stays within a directory,
    /// `**` does not. `!glob` leaves out what it matches, wherever it stands; `\!name` is a name that
    /// begins so. Names that start with a dot are left out unless asked for.
    pub fn new(globs: &[String], include_hidden: bool) -> anyhow::Result<Selection> {
        if globs.len() > pattern::MOST {
            return Err(fault(
                format!("files: {} globs, and {} are the most", globs.len(), pattern::MOST),
                "name directories: `lambdas/**`",
            ));
        }
        let (left_out, taken): (Vec<&String>, Vec<&String>) =
            globs.iter().partition(|glob| glob.starts_with('!'));
        Ok(Selection {
            globs: (!taken.is_empty()).then(|| set(&taken)).transpose()?,
            left_out: set(&left_out)?,
            text: globs.join(", "),
            include_hidden,
        })
    }

    /// Files, hidden ones too, that match the one glob there is, in which a `!` is nothing but that.
    pub fn one(glob: &str) -> anyhow::Result<Selection> {
        let escaped = if glob.starts_with('!') { "\\" } else { "" };
        Selection::new(&[format!("{escaped}{glob}")], true)
    }

    /// Every file, hidden ones too.
    pub fn everything() -> Selection {
        Selection {
            globs: None,
            left_out: GlobSet::empty(),
            text: String::new(),
            include_hidden: true,
        }
    }

    /// Whether names that start with a dot are meant, too.
    pub fn takes_hidden(&self) -> bool {
        self.include_hidden
    }

    /// Whether a file is meant.
    pub fn takes(&self, path: &RelPath) -> bool {
        (self.include_hidden || !path.is_hidden()) && self.takes_disk(path.as_str().as_ref())
    }

    /// Whether a file is meant whose name may be no text.
    pub fn takes_disk(&self, path: &std::path::Path) -> bool {
        self.globs.as_ref().is_none_or(|globs| globs.is_match(path))
            && !self.left_out.is_match(path)
    }

    /// The globs, for messages; empty when every file is meant.
    pub fn globs(&self) -> &str {
        &self.text
    }
}

/// Compiles globs.
fn set(globs: &[&String]) -> anyhow::Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        if let Some(flaw) = pattern::flaw(glob) {
            return Err(fault(
                format!("files: `{}` {flaw}", shown(glob)),
                "write several globs, or name a directory: `lambdas/**`",
            ));
        }
        let text = glob.strip_prefix('!').unwrap_or(glob).trim_start_matches("./");
        if text.is_empty() && glob.starts_with('!') {
            return Err(fault("files: nothing follows the `!`", "for example `!**/test_*`"));
        }
        let built = GlobBuilder::new(text).literal_separator(true).build().map_err(|e| {
            fault(
                format!("files: `{}`: {}", shown(glob), e.kind()),
                "for example `*.zip` or `lambdas/**`",
            )
        })?;
        set.add(built);
    }
    set.build().map_err(|e| {
        fault(format!("files: {}", e.kind()), "name directories instead: `lambdas/**`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_and_what_is_left_out() {
        let cases: [(&str, &[&str], &[&str]); 6] = [
            ("", &["a", "a/b"], &[".a", "a/.b"]),
            ("*.zip !x*", &["a.zip"], &["x.zip", "a/b.zip", "a"]),
            ("!**/test_*", &["a", "a/b"], &["test_a", "a/test_b", ".c"]),
            ("!./a/** **", &["a", "b/c"], &["a/b", "a/b/c"]),
            ("\\!a", &["!a"], &["a"]),
            ("a !a", &[], &["a"]),
        ];
        for (globs, taken, left) in cases {
            let globs: Vec<String> = globs.split_whitespace().map(str::to_owned).collect();
            let selection = Selection::new(&globs, false).expect("a selection");
            let takes = |path: &str| selection.takes(&RelPath::parse(path).expect("a path"));
            assert!(taken.iter().all(|path| takes(path)), "{globs:?}");
            assert!(!left.iter().any(|path| takes(path)), "{globs:?}");
        }
        let one = Selection::one("!a*").expect("a selection");
        let takes = |path: &str| one.takes(&RelPath::parse(path).expect("a path"));
        assert!(takes("!abc") && !takes("b") && !takes("abc"));
        for bad in ["!", "![a", "!./"] {
            assert!(Selection::new(&[bad.to_owned()], false).is_err(), "{bad}");
        }
    }
}
