//! An import, decided: what lies in the bucket, and what the history lacks of it.
//!
//! No network, no clock: listings and known commits come in, steps go out.

use crate::s3::store::Listed;
use crate::tracks::artifacts::rules::is_file;
use crate::words::names::{CommitId, Prefix};
use std::collections::{BTreeMap, HashSet};

/// A folder of a set, or of a cache, as a listing shows it.
#[derive(Debug, Clone)]
pub(super) struct Found<N> {
    /// The commit, or the code hash.
    pub(super) name: N,
    /// The folder.
    pub(super) folder: Prefix,
    /// Its files.
    pub(super) files: Vec<Listed>,
    /// What it is.
    pub(super) state: State,
    /// When its manifest was written, or else the newest of its files; seconds since 1970.
    pub(super) modified: i64,
}

/// What a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It has a manifest.
    Published,
    /// A put of this resource began it, and has not published it.
    Incomplete,
    /// s3-asset-manager uploaded it.
    Unsealed,
    /// There are no files in it.
    Empty,
}

/// The folders below `root` whose names `parse` accepts, by name.
pub(super) fn folders<N>(
    root: &Prefix,
    listing: Vec<Listed>,
    parse: impl Fn(&str) -> Option<N>,
) -> Vec<Found<N>> {
    let mut names: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
    for object in listing {
        let below = object.key.strip_prefix(root.as_str()).and_then(|rest| rest.split_once('/'));
        if let Some((name, _)) = below {
            names.entry(name.to_owned()).or_default().push(object);
        }
    }
    let found = |(text, objects): (String, Vec<Listed>)| {
        let name = parse(&text)?;
        let folder = root.folder(&text);
        let find = |file: &str| {
            let key = format!("{folder}{file}");
            objects.iter().find(|object| object.key == key).map(|object| object.modified)
        };
        let (sealed, pending) = (find(".manifest.json"), find(".pending").is_some());
        let files: Vec<Listed> =
            objects.into_iter().filter(|it| is_file(folder.as_str(), &it.key)).collect();
        let state = match (sealed, pending, files.is_empty()) {
            (Some(_), _, _) => State::Published,
            (None, true, _) => State::Incomplete,
            (None, false, false) => State::Unsealed,
            (None, false, true) => State::Empty,
        };
        let newest = files.iter().map(|file| file.modified).max();
        let modified = sealed.or(newest).unwrap_or(0);
        Some(Found { name, folder, files, state, modified })
    };
    names.into_iter().filter_map(found).collect()
}

/// A set of which something is to be done.
#[derive(Debug)]
pub(super) struct Step {
    /// The set.
    pub(super) set: Found<CommitId>,
    /// It gets a manifest.
    pub(super) seal: bool,
    /// It is entered in the history.
    pub(super) enter: bool,
}

impl Step {
    /// In words, for people and for `--json`.
    pub(super) fn action(&self) -> &'static str {
        match (self.seal, self.enter) {
            (true, true) => "seal, enter",
            (true, false) => "seal",
            (false, _) => "enter",
        }
    }
}

/// What an import has to do with the sets, and the folders that are incomplete.
pub(super) fn steps(
    sets: Vec<Found<CommitId>>,
    known: &HashSet<CommitId>,
) -> (Vec<Step>, Vec<Prefix>) {
    let (mut steps, mut incomplete) = (Vec::new(), Vec::new());
    for set in sets {
        let enter = !known.contains(&set.name);
        match set.state {
            State::Incomplete => incomplete.push(set.folder),
            State::Empty => {}
            State::Published if !enter => {}
            State::Published => steps.push(Step { set, seal: false, enter }),
            State::Unsealed => steps.push(Step { set, seal: true, enter }),
        }
    }
    (steps, incomplete)
}

/// What all of some values agree on; none where they differ or say nothing.
pub(super) fn agreed<'a, T: PartialEq + 'a>(
    values: impl IntoIterator<Item = Option<&'a T>>,
) -> Option<&'a T> {
    let mut values = values.into_iter();
    let first = values.next()??;
    values.all(|value| value == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(key: &str, modified: i64) -> Listed {
        Listed { key: key.to_owned(), size: 1, modified }
    }

    #[test]
    fn folders_are_told_apart() {
        let root = Prefix::parse("root", "artifacts").expect("a prefix");
        let id = |c: char| c.to_string().repeat(40);
        type Case<'a> = (char, &'a [(&'a str, i64)], Option<State>);
        let cases: [Case<'_>; 7] = [
            ('a', &[("x.zip", 5), ("d/y.zip", 9)], Some(State::Unsealed)),
            ('b', &[(".pending", 1), ("x.zip", 2)], Some(State::Incomplete)),
            ('c', &[(".pending", 1), ("x.zip", 2), (".manifest.json", 3)], Some(State::Published)),
            ('d', &[("", 1), ("sub/", 2)], Some(State::Empty)),
            ('e', &[(".manifest.json", 3)], Some(State::Published)),
            ('f', &[(".sets/d/x", 1)], Some(State::Empty)),
            ('x', &[("x.zip", 5)], None),
        ];
        let mut listing =
            vec![listed("artifacts/.history.json", 1), listed("artifacts/.history/i/0.json", 1)];
        listing.push(listed(&format!("artifacts/{}", id('a')), 1));
        for (c, objects, _) in cases {
            let object =
                |(rest, at): &(&str, i64)| listed(&format!("artifacts/{}/{rest}", id(c)), *at);
            listing.extend(objects.iter().map(object));
        }
        let found = folders(&root, listing, |text| CommitId::parse(text).ok());
        for (c, _, want) in cases {
            let state = found.iter().find(|it| it.name.as_str() == id(c)).map(|it| it.state);
            assert_eq!(state, want, "{c}");
        }
        assert_eq!((found[0].files.len(), found[0].modified), (2, 9));
        let known = HashSet::from([CommitId::parse(&id('c')).expect("a commit")]);
        let (all, incomplete) = steps(found.clone(), &HashSet::new());
        let actions: Vec<_> = all.iter().map(|s| (&s.set.name.as_str()[..1], s.action())).collect();
        assert_eq!(actions, [("a", "seal, enter"), ("c", "enter"), ("e", "enter")]);
        assert_eq!(incomplete.len(), 1);
        let (fewer, _) = steps(found, &known);
        assert_eq!(fewer.len(), 2);
    }

    #[test]
    fn a_set_known_without_manifest_is_sealed_only() {
        let commit = CommitId::parse(&"a".repeat(40)).expect("a commit");
        let set = Found {
            folder: Prefix::parse("f", "artifacts").expect("a prefix").folder(commit.as_str()),
            name: commit.clone(),
            files: vec![listed("x", 1)],
            state: State::Unsealed,
            modified: 1,
        };
        let (all, _) = steps(vec![set], &HashSet::from([commit]));
        assert_eq!(all[0].action(), "seal");
    }

    #[test]
    fn one_voice_or_none() {
        let cases: [(&[Option<u8>], Option<u8>); 5] = [
            (&[], None),
            (&[Some(1)], Some(1)),
            (&[Some(1), Some(1)], Some(1)),
            (&[Some(1), Some(2)], None),
            (&[Some(1), None], None),
        ];
        for (values, want) in cases {
            assert_eq!(agreed(values.iter().map(Option::as_ref)), want.as_ref(), "{values:?}");
        }
    }
}
