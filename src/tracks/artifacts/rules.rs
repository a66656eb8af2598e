//! The `artifacts` track, decided: keys, versions, and what a check answers.
//!
//! Invariants:
//! - a version's keys and values never change between releases: Concourse identifies it by them;
//! - an entry is in the history only when its set's manifest stands, and, where it has a code
//!   hash, the cache's manifest too: so whatever a check names, a get finds.

use crate::input::protocol::{Metadata, Version, metadata};
use crate::machine::report::size;
use crate::sealing::set::{Folder, Manifest};
use crate::tracks::artifacts::source::{Artifacts, Follow};
use crate::words::fault::fault;
use crate::words::names::{CodeHash, CommitId, Key, Prefix, RelPath, shown};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What the history of publications says of one set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The commit it was built from.
    pub commit: CommitId,
    /// The hash of the code that it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_hash: Option<CodeHash>,
    /// Set where s3-asset-manager uploaded it: there is no manifest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsealed: bool,
}

/// A version of this track, as Concourse gives it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The set of a commit.
    Commit {
        /// The commit.
        commit: CommitId,
        /// The code hash that the version named.
        code_hash: Option<CodeHash>,
        /// False where a lookup found nothing.
        found: bool,
    },
    /// The newest set of some code.
    Code(CodeHash),
}

/// The names that this resource keeps to itself at the root of a set.
pub const RESERVED: [&str; 7] =
    [".manifest.json", ".pending", ".sets", ".found", ".commit-hash", ".code-hash", ".s3_uri"];

/// The folder of a set of files at this prefix.
pub fn folder(prefix: Prefix) -> Folder {
    Folder { prefix, reserved: &RESERVED }
}

/// Whether a listed object is a file of the set in `folder`: not the console's marker of a folder,
/// nor anything that this resource keeps to itself.
pub fn is_file(folder: &str, key: &str) -> bool {
    let below = key.strip_prefix(folder).unwrap_or("");
    let reserved = RelPath::parse(below).is_ok_and(|path| path.is_below(&RESERVED));
    !below.is_empty() && !below.ends_with('/') && !reserved
}

/// What the build page shows of a set; `uri` is its folder's.
pub fn describe(uri: &str, manifest: &Manifest) -> Vec<Metadata> {
    let mut lines = vec![metadata("commit", manifest.commit.as_str())];
    lines.extend(manifest.code_hash.as_ref().map(|hash| metadata("code_hash", hash.as_str())));
    lines.push(metadata("cache_hit", manifest.cached_from.is_some().to_string()));
    lines.push(metadata("files", manifest.files.len().to_string()));
    lines.push(metadata("size", size(manifest.size())));
    lines.push(metadata("published_at", manifest.published_at.as_str()));
    lines.extend(manifest.build.url.as_ref().map(|url| metadata("build_url", url.as_str())));
    lines.push(metadata("s3_uri", uri.trim_end_matches('/')));
    lines
}

impl Wanted {
    /// Reads a version.
    pub fn parse(version: &Version) -> anyhow::Result<Wanted> {
        let hint = "a version is {commit: <hash>}, with code_hash when the set has one, or {code_hash: <hash>} with `follow: code`";
        let known = ["commit", "code_hash", "found"];
        if let Some(key) = version.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(fault(format!("version: unknown key `{}`", shown(key)), hint));
        }
        let code_hash = version.get("code_hash").map(|h| CodeHash::parse(h)).transpose();
        let code_hash = code_hash.map_err(|e| e.context("version.code_hash"))?;
        match (version.get("commit"), code_hash) {
            (Some(commit), code_hash) => Ok(Wanted::Commit {
                commit: CommitId::parse(commit).map_err(|e| e.context("version.commit"))?,
                code_hash,
                found: version.get("found").is_none_or(|found| found != "false"),
            }),
            (None, Some(code_hash)) => Ok(Wanted::Code(code_hash)),
            (None, None) => Err(fault("version: neither commit nor code_hash", hint)),
        }
    }

    fn is(&self, set: &Published) -> bool {
        match self {
            Wanted::Commit { commit, .. } => *commit == set.commit,
            Wanted::Code(hash) => Some(hash) == set.code_hash.as_ref(),
        }
    }
}

/// The version of a published set; none where code is followed and the set has no code hash.
pub fn version(set: &Published, follow: Follow) -> Option<Version> {
    let code_hash = set.code_hash.as_ref().map(|h| ("code_hash".to_owned(), h.to_string()));
    match follow {
        Follow::Code => Some(Version::from([code_hash?])),
        Follow::Commit => {
            let mut version = Version::from([("commit".to_owned(), set.commit.to_string())]);
            version.extend(code_hash);
            Some(version)
        }
    }
}

/// The version of a lookup that found nothing.
pub fn not_found(commit: &CommitId, code_hash: Option<&CodeHash>) -> Version {
    let mut version = Version::from([
        ("commit".to_owned(), commit.to_string()),
        ("found".to_owned(), "false".to_owned()),
    ]);
    version.extend(code_hash.map(|h| ("code_hash".to_owned(), h.to_string())));
    version
}

/// What a check knows of the version that it was given.
#[derive(Debug)]
pub enum Given {
    /// It was given none: the very first check.
    None,
    /// This one; `stands` says whether its manifest is in the bucket.
    Version {
        /// The version.
        wanted: Wanted,
        /// Whether its manifest stands.
        stands: bool,
    },
}

/// A check's answer in the making: it takes entries, newest first, until it has enough.
///
/// With `follow: code` a version appears once, where its code was last published: a return to
/// older code is the newest version again, and not a second one with the same keys.
#[derive(Debug)]
pub struct Answer {
    given: Given,
    /// How many versions the very first check wants.
    initial: usize,
    follow: Follow,
    newest_first: Vec<Version>,
    seen: HashSet<CodeHash>,
    /// Whether the given version has come by.
    known: bool,
}

impl Answer {
    /// An answer that has seen nothing yet.
    pub fn new(given: Given, initial: usize, follow: Follow) -> Answer {
        let known = matches!(given, Given::None);
        Answer { given, initial, follow, newest_first: Vec::new(), seen: HashSet::new(), known }
    }

    /// Takes the next older entry; true: no older one is needed.
    pub fn take(&mut self, set: &Published) -> bool {
        let is_given = match &self.given {
            Given::None => false,
            Given::Version { wanted, .. } => wanted.is(set),
        };
        if is_given && matches!(self.given, Given::Version { stands: false, .. }) && !set.unsealed {
            return false;
        }
        let is_new = match (self.follow, &set.code_hash) {
            (Follow::Code, Some(hash)) => self.seen.insert(hash.clone()),
            _ => true,
        };
        if is_new {
            self.newest_first.extend(version(set, self.follow));
        }
        self.known |= is_given;
        is_given || (matches!(self.given, Given::None) && self.newest_first.len() >= self.initial)
    }

    /// The versions, oldest first: from the given one on, or, where it did not come by, the newest.
    pub fn finish(mut self) -> Vec<Version> {
        if !self.known {
            self.newest_first.truncate(1);
        }
        self.newest_first.reverse();
        self.newest_first
    }
}

/// Where things are: the layout of s3-asset-manager, and what this resource adds to it.
impl Artifacts {
    /// The folder of a commit's set.
    pub fn set(&self, commit: &CommitId) -> Prefix {
        self.artifacts.folder(commit.as_str())
    }

    /// The folder of a code hash's set in the cache.
    pub fn cached(&self, code_hash: &CodeHash) -> Prefix {
        self.cache.folder(code_hash.as_str())
    }

    /// The folder that holds what a version names.
    pub fn folder(&self, wanted: &Wanted) -> Prefix {
        match wanted {
            Wanted::Commit { commit, .. } => self.set(commit),
            Wanted::Code(hash) => self.cached(hash),
        }
    }

    /// The folder of the history of publications.
    pub fn history(&self) -> anyhow::Result<Key> {
        self.artifacts.key(".history")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(n: usize) -> CommitId {
        CommitId::parse(&format!("{n:040x}")).expect("a commit")
    }

    fn hash(c: char) -> CodeHash {
        CodeHash::parse(&c.to_string().repeat(64)).expect("a hash")
    }

    /// A history: each letter, oldest first, the code of a set, `-` none. Newest first.
    fn history(codes: &str) -> Vec<Published> {
        let set = |(n, c): (usize, char)| Published {
            commit: commit(n),
            code_hash: (c != '-').then(|| hash(c)),
            unsealed: false,
        };
        let mut sets: Vec<_> = codes.chars().enumerate().map(set).collect();
        sets.reverse();
        sets
    }

    fn versions(sets: &[Published], given: Given, initial: usize, follow: Follow) -> Vec<Version> {
        let mut answer = Answer::new(given, initial, follow);
        let _ = sets.iter().any(|set| answer.take(set));
        answer.finish()
    }

    fn by_commit(n: usize, stands: bool) -> Given {
        Given::Version {
            wanted: Wanted::Commit { commit: commit(n), code_hash: None, found: true },
            stands,
        }
    }

    /// The answers, as commit numbers.
    fn commits(sets: &[Published], given: Given, initial: usize) -> Vec<usize> {
        versions(sets, given, initial, Follow::Commit)
            .iter()
            .map(|v| usize::from_str_radix(&v["commit"], 16).expect("a number"))
            .collect()
    }

    #[test]
    fn what_check_promises() {
        let entries = history("-----");
        let cases: [(Given, usize, &[usize]); 9] = [
            (Given::None, 1, &[4]),
            (Given::None, 3, &[2, 3, 4]),
            (Given::None, 99, &[0, 1, 2, 3, 4]),
            (by_commit(4, true), 1, &[4]),
            (by_commit(2, true), 1, &[2, 3, 4]),
            (by_commit(0, true), 3, &[0, 1, 2, 3, 4]),
            (by_commit(9, true), 1, &[4]),
            (by_commit(9, false), 1, &[4]),
            (by_commit(4, false), 1, &[3]),
        ];
        for (given, initial, want) in cases {
            let text = format!("{given:?} {initial}");
            assert_eq!(commits(&entries, given, initial), want, "{text}");
        }
        assert!(commits(&[], Given::None, 1).is_empty());
        assert!(commits(&[], by_commit(1, true), 1).is_empty());
    }

    #[test]
    fn a_set_without_manifest_is_not_gone() {
        let mut entries = history("---");
        entries[1].unsealed = true;
        assert_eq!(commits(&entries, by_commit(1, false), 1), [1, 2]);
    }

    #[test]
    fn followed_code_is_a_version_once() {
        let code = |c| Given::Version { wanted: Wanted::Code(hash(c)), stands: true };
        let cases = [
            ("aabbb", Given::None, 9, "ab"),
            ("aba", Given::None, 9, "ba"),
            ("a-a", Given::None, 9, "a"),
            ("ab-", Given::None, 1, "b"),
            ("---", Given::None, 1, ""),
            ("abc", code('b'), 1, "bc"),
            ("aba", code('b'), 1, "ba"),
            ("aba", code('a'), 1, "a"),
            ("abba", code('c'), 1, "a"),
        ];
        for (codes, given, initial, want) in cases {
            let text = format!("{codes} {given:?}");
            let got: String = versions(&history(codes), given, initial, Follow::Code)
                .iter()
                .map(|v| &v["code_hash"][..1])
                .collect();
            assert_eq!(got, want, "{text}");
        }
    }

    #[test]
    fn versions_read_back() {
        let set = Published { commit: commit(1), code_hash: Some(hash('a')), unsealed: false };
        let wanted =
            Wanted::parse(&version(&set, Follow::Commit).expect("a version")).expect("parses");
        assert_eq!(
            wanted,
            Wanted::Commit { commit: commit(1), code_hash: Some(hash('a')), found: true }
        );
        let wanted =
            Wanted::parse(&version(&set, Follow::Code).expect("a version")).expect("parses");
        assert_eq!(wanted, Wanted::Code(hash('a')));
        let wanted = Wanted::parse(&not_found(&commit(1), None)).expect("parses");
        assert_eq!(wanted, Wanted::Commit { commit: commit(1), code_hash: None, found: false });
        for (key, value) in [("commit", "x"), ("code_hash", "../x"), ("path", "a")] {
            assert!(Wanted::parse(&Version::from([(key.to_owned(), value.to_owned())])).is_err());
        }
    }

    #[test]
    fn reserved_names_are_those_at_the_root() {
        for (path, want) in
            [(".found", true), (".sets/x", true), ("a/.found", false), (".foundry", false)]
        {
            assert_eq!(RelPath::parse(path).expect(path).is_below(&RESERVED), want, "{path}");
        }
    }

    #[test]
    fn what_counts_as_a_file() {
        let cases = [
            ("a/c/x.zip", true),
            ("a/c/d/x.zip", true),
            ("a/c/.hidden", true),
            ("a/c/", false),
            ("a/c/d/", false),
            ("a/c/.manifest.json", false),
            ("a/c/.sets/d/x", false),
        ];
        for (key, want) in cases {
            assert_eq!(is_file("a/c/", key), want, "{key}");
        }
    }
}
