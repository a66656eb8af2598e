//! Which paths a code hash covers, and which directories a walk need not enter.
//!
//! Globs as `globset` has them, from the repository's root: `?` and `*` do not cross `/`, `**`
//! does, `dir/**` is everything below `dir`, `[a-z]`, `[!a-z]`, `{this,that}`, `\` before a
//! character that is meant literally. Hidden names match like any others. `?` stands for one byte.
//! A bare `dir` matches a file of that name, not what is below it; `dir/` means `dir/**`.
//!
//! `!pattern` leaves out what it matches, wherever in the list it stands: there is no order to get wrong.
//! A submodule, or a symlink, is left out with everything below it as well. `\!name` begins with a `!`.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;

use globset::{GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

use super::{Listing, Mode};
use crate::words::names::{refusal, shown};
use crate::words::pattern::flaw;

/// The compiled patterns of a code hash.
#[derive(Clone, Debug)]
pub struct Patterns {
    /// All of them, in the order in which they were written.
    written: Vec<String>,
    taken: Globs,
    left_out: Globs,
}

/// Globs that are asked together.
#[derive(Clone, Debug)]
struct Globs {
    written: Vec<String>,
    set: GlobSet,
    reaches: Vec<Reach>,
}

/// How much of what is below a directory the patterns may match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Below {
    /// Nothing: a walk need not enter.
    Nothing,
    /// Perhaps something: each path has to be asked for.
    Something,
    /// Every path, however deep.
    Everything,
}

/// One pattern seen directory by directory: a path below the directory `a/b` can match only if
/// `a` matches the first step and `b` the second.
#[derive(Clone, Debug)]
struct Reach {
    steps: Vec<Step>,
    rest: Rest,
}

#[derive(Clone, Debug)]
enum Step {
    Literal(String),
    Glob(Box<GlobMatcher>),
}

/// What follows the steps of a [`Reach`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// One last name, which cannot span a `/`: directories deeper than the steps are out of reach.
    Name,
    /// Something whose depth is not known.
    AnyDepth,
    /// A final `**`.
    Everything,
}

impl Patterns {
    /// Compiles what the user wrote; each element may hold several patterns with spaces between.
    /// `./`, doubled slashes and a slash at the end (`dir/` is `dir/**`) are understood.
    ///
    /// # Errors
    /// There is no pattern, or one is absolute, has `..`, or is malformed.
    pub fn parse<S: AsRef<str>>(written: &[S]) -> Result<Self, PatternError> {
        Self::compile(written.iter().flat_map(|element| element.as_ref().split_whitespace()))
    }

    /// Compiles a list, of which each element is one pattern, spaces and all.
    ///
    /// # Errors
    /// As [`Patterns::parse`].
    pub fn of_list<S: AsRef<str>>(written: &[S]) -> Result<Self, PatternError> {
        Self::compile(written.iter().map(AsRef::as_ref))
    }

    fn compile<'a>(words: impl Iterator<Item = &'a str>) -> Result<Self, PatternError> {
        let words: Vec<&str> = words.collect();
        let (left_out, taken): (Vec<&str>, Vec<&str>) =
            words.iter().partition(|word| word.starts_with('!'));
        let refuse = |why: &str| Err(PatternError::new(&words.join(" "), why.to_owned()));
        match (taken.is_empty(), left_out.is_empty()) {
            (true, true) => return refuse("there is no pattern"),
            (true, false) => {
                return refuse("there is only what is left out; `**` takes everything else");
            }
            (false, _) => {}
        }
        Ok(Self {
            taken: Globs::of(&taken)?,
            left_out: Globs::of(&left_out)?,
            written: words.into_iter().map(str::to_owned).collect(),
        })
    }

    /// Whether a path, relative to the root, is covered.
    #[must_use]
    pub fn matches(&self, path: &[u8]) -> bool {
        self.taken.matches(path) && !self.left_out.matches(path)
    }

    /// Whether an entry is covered: its path matches, or it may hide files (a submodule, a symlink)
    /// and something below its path could match.
    #[must_use]
    pub fn cover(&self, path: &[u8], mode: Mode) -> bool {
        if !mode.may_hide_files() {
            return self.matches(path);
        }
        let is_out = self.left_out.matches(path) || self.left_out.below(path) == Below::Everything;
        !is_out && (self.taken.matches(path) || self.below(path) != Below::Nothing)
    }

    /// The patterns, as written, that took nothing into a listing: most likely misspelt, and then
    /// changes to what they mean go unnoticed. Of those that leave something out, a listing cannot tell.
    #[must_use]
    pub fn unmatched(&self, listing: &Listing) -> Vec<&str> {
        let taken = &self.taken;
        let mut open: Vec<usize> = (0..taken.written.len()).collect();
        for entry in listing.entries() {
            if open.is_empty() {
                break;
            }
            let matching = taken.set.matches(OsStr::from_bytes(&entry.path));
            let hides = entry.mode.may_hide_files();
            open.retain(|index| {
                let below = hides && taken.reaches[*index].below(&entry.path) != Below::Nothing;
                !below && !matching.contains(index)
            });
        }
        open.into_iter().map(|index| taken.written[index].as_str()).collect()
    }

    /// How much of what is below a directory (the root is "") may match.
    #[must_use]
    pub fn below(&self, directory: &[u8]) -> Below {
        match (self.taken.below(directory), self.left_out.below(directory)) {
            (Below::Nothing, _) | (_, Below::Everything) => Below::Nothing,
            (below, Below::Nothing) => below,
            (_, Below::Something) => Below::Something,
        }
    }
}

impl Globs {
    fn of(words: &[&str]) -> Result<Self, PatternError> {
        let mut reaches = Vec::new();
        let mut set = GlobSetBuilder::new();
        for word in words {
            if let Some(flaw) = flaw(word) {
                return Err(PatternError::new(&shown(word), flaw));
            }
            let pattern = normal(word, word.strip_prefix('!').unwrap_or(word))?;
            let refuse = |why: &globset::Error| PatternError::new(word, why.kind().to_string());
            let glob = GlobBuilder::new(&pattern)
                .literal_separator(true)
                .build()
                .map_err(|error| refuse(&error))?;
            set.add(glob);
            reaches.push(Reach::of(&pattern).map_err(|error| refuse(&error))?);
        }
        let set = set.build();
        Ok(Self {
            set: set.map_err(|error| PatternError::new(&words.join(" "), error.to_string()))?,
            written: words.iter().map(|word| (*word).to_owned()).collect(),
            reaches,
        })
    }

    fn matches(&self, path: &[u8]) -> bool {
        self.set.is_match(OsStr::from_bytes(path))
    }

    /// How much of what is below a directory (the root is "") may match.
    fn below(&self, directory: &[u8]) -> Below {
        self.reaches.iter().map(|reach| reach.below(directory)).max().unwrap_or(Below::Nothing)
    }
}

impl fmt::Display for Patterns {
    /// As they were written, spaces between.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written.join(" "))
    }
}

impl Reach {
    fn of(pattern: &str) -> Result<Self, globset::Error> {
        let names: Vec<&str> = pattern.split('/').collect();
        let mut steps = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let last = at + 1 == names.len();
            let rest = if *name == "**" && last {
                Rest::Everything
            } else if name.contains("**") || name.contains(['[', ']', '{', '}', '\\']) {
                // A class or an alternative may span a slash, so nothing is known from here on.
                Rest::AnyDepth
            } else if last {
                Rest::Name
            } else {
                steps.push(Step::of(name)?);
                continue;
            };
            return Ok(Self { steps, rest });
        }
        Ok(Self { steps, rest: Rest::AnyDepth })
    }

    fn below(&self, directory: &[u8]) -> Below {
        let mut names = directory.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        for step in &self.steps {
            match names.next() {
                None => return Below::Something,
                Some(name) if step.matches(name) => {}
                Some(_) => return Below::Nothing,
            }
        }
        match self.rest {
            Rest::Everything => Below::Everything,
            Rest::AnyDepth => Below::Something,
            Rest::Name if names.next().is_none() => Below::Something,
            Rest::Name => Below::Nothing,
        }
    }
}

impl Step {
    fn of(name: &str) -> Result<Self, globset::Error> {
        Ok(if name.contains(['*', '?']) {
            let glob = GlobBuilder::new(name).literal_separator(true).build()?;
            Self::Glob(Box::new(glob.compile_matcher()))
        } else {
            Self::Literal(name.to_owned())
        })
    }

    fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Literal(literal) => literal.as_bytes() == name,
            Self::Glob(glob) => glob.is_match(OsStr::from_bytes(name)),
        }
    }
}

/// A pattern without `.` and empty components, a slash at its end turned into `/**`; `written` is what it
/// was before.
fn normal(written: &str, word: &str) -> Result<String, PatternError> {
    let refuse = |why: &str| Err(PatternError::new(written, why.to_owned()));
    if word.is_empty() && !written.is_empty() {
        return refuse("nothing follows the `!`");
    }
    if word.starts_with('/') {
        return refuse("it is absolute; patterns start at the repository's root");
    }
    let mut names: Vec<&str> = Vec::new();
    for name in word.split('/') {
        match name {
            "" | "." => {}
            ".." => return refuse("`..` would leave the repository"),
            name => names.push(name),
        }
    }
    if word.ends_with('/') || word.ends_with("/.") || names.is_empty() {
        names.push("**");
    }
    Ok(names.join("/"))
}

/// A pattern that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct PatternError {
    pattern: String,
    why: String,
}

impl PatternError {
    pub(super) fn new(pattern: &str, why: String) -> Self {
        Self { pattern: pattern.to_owned(), why: refusal(why) }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code hash pattern {:?}: {}", self.pattern, self.why)
    }
}

impl std::error::Error for PatternError {}
