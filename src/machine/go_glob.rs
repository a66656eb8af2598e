//! Files below a directory, found as Go's `filepath.Glob` finds them.
//!
//! `*` and `?` stay within a name, `[a-z]` and `[^a-z]` are classes, a backslash takes the meaning
//! from what follows; braces are text, and names that start with a dot are names like others.

use crate::words::fault::fault;
use crate::words::names::{RelPath, shown};
use std::path::{Path, PathBuf};

/// What a glob matches below a directory, sorted: files and directories, and where they are.
pub fn find(root: &Path, glob: &str) -> anyhow::Result<Vec<(RelPath, PathBuf)>> {
    let mut names: Vec<&str> = Vec::new();
    for name in glob.split('/') {
        match name {
            "" | "." => (),
            ".." if names.pop().is_none() => {
                return Err(fault(
                    format!("params.file: `{}` leads out of the inputs", shown(glob)),
                    "the path starts with the name of an input",
                ));
            }
            ".." => (),
            name => names.push(name),
        }
    }
    let mut found = vec![(String::new(), root.to_owned())];
    for name in names {
        let parsed = parse(name).ok_or_else(|| {
            fault(
                format!("params.file: `{}` is no glob: syntax error in pattern", shown(glob)),
                "close each `[`, and put something into it and behind each backslash",
            )
        })?;
        let mut next = Vec::new();
        for (path, disk) in found {
            let below = if path.is_empty() { path } else { format!("{path}/") };
            if let Some(literal) = literal(&parsed) {
                let disk = disk.join(&literal);
                if disk.symlink_metadata().is_ok() {
                    next.push((format!("{below}{literal}"), disk));
                }
                continue;
            }
            let entries = std::fs::read_dir(&disk).into_iter().flatten().filter_map(Result::ok);
            let mut names: Vec<String> =
                entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
            names.sort();
            let names = names.into_iter().filter(|name| matches(&parsed, name));
            next.extend(names.map(|name| (format!("{below}{name}"), disk.join(name))));
        }
        found = next;
    }
    let found = found.into_iter().filter(|(path, _)| !path.is_empty());
    found.map(|(path, disk)| Ok((RelPath::parse(&path)?, disk))).collect()
}

/// Every file below a directory, sorted; links to directories are not followed.
pub fn every_file(root: &Path) -> Vec<(RelPath, PathBuf)> {
    let walk = walkdir::WalkDir::new(root).min_depth(1).sort_by_file_name();
    // What cannot be walked cannot be meant.
    let entries = walk.into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| !entry.file_type().is_dir() && !entry.path().is_dir());
    let file = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(root).ok()?.to_str()?;
        Some((RelPath::parse(path).ok()?, entry.path().to_owned()))
    };
    files.filter_map(file).collect()
}

/// A piece of a name's pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(char),
    One,
    Any,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// None: the syntax is none that Go knows.
fn parse(pattern: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => Piece::Literal(chars.next()?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
                    let mut one = || match chars.next()? {
                        '-' | ']' => None,
                        '\\' => chars.next(),
                        c => Some(c),
                    };
                    let from = one()?;
                    let to = if chars.next_if_eq(&'-').is_some() {
                        match chars.next()? {
                            '-' | ']' => return None,
                            '\\' => chars.next()?,
                            c => c,
                        }
                    } else {
                        from
                    };
                    ranges.push((from, to));
                }
                Piece::Class { negated, ranges }
            }
            c => Piece::Literal(c),
        });
    }
    Some(pieces)
}

/// The name, where it is one without anything that stands for others.
fn literal(pieces: &[Piece]) -> Option<String> {
    let character = |piece: &Piece| match piece {
        Piece::Literal(c) => Some(*c),
        _ => None,
    };
    pieces.iter().map(character).collect()
}

/// Goes back to the last `*` only, so its time is bounded by the product of the two lengths.
fn matches(pieces: &[Piece], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut piece) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let fits = match pieces.get(piece) {
            Some(Piece::Any) => {
                star = Some((piece + 1, at));
                piece += 1;
                continue;
            }
            None if at == name.len() => return true,
            None => false,
            Some(one) => name.get(at).is_some_and(|c| match one {
                Piece::Literal(literal) => literal == c,
                Piece::Class { negated, ranges } => {
                    ranges.iter().any(|(from, to)| (from..=to).contains(&c)) != *negated
                }
                Piece::One | Piece::Any => true,
            }),
        };
        if fits {
            (at, piece) = (at + 1, piece + 1);
            continue;
        }
        match star {
            Some((after, from)) if from < name.len() => {
                star = Some((after, from + 1));
                (at, piece) = (from + 1, after);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_go() {
        let cases = [
            ("abc", "abc", Some(true)),
            ("*", "abc", Some(true)),
            ("*", ".hidden", Some(true)),
            ("*c", "abc", Some(true)),
            ("a*b?c*x", "abxbbxdbxebxczzx", Some(true)),
            ("a*b?c*x", "abxbbxdbxebxczzy", Some(false)),
            ("ab[c]", "abc", Some(true)),
            ("ab[b-d]", "abc", Some(true)),
            ("ab[^c]", "abc", Some(false)),
            ("ab[^e-g]", "abc", Some(true)),
            ("[!a]", "!", Some(true)),
            ("[!a]", "b", Some(false)),
            ("a\\*b", "a*b", Some(true)),
            ("a\\*b", "ab", Some(false)),
            ("{a,b}", "{a,b}", Some(true)),
            ("{a,b}", "a", Some(false)),
            ("a?b", "a☺b", Some(true)),
            ("[a-ζ]*", "α", Some(true)),
            ("[\\]a]", "]", Some(true)),
            ("[x\\-]", "-", Some(true)),
            ("**", "a", Some(true)),
            ("", "", Some(true)),
            ("[]a]", "]", None),
            ("[-]", "-", None),
            ("[x-]", "x", None),
            ("[a-b-c]", "a", None),
            ("[", "a", None),
            ("[^", "a", None),
            ("[^bc", "a", None),
            ("a[", "a", None),
            ("a\\", "a", None),
        ];
        for (pattern, name, want) in cases {
            let got = parse(pattern).map(|pieces| matches(&pieces, name));
            assert_eq!(got, want, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_found() {
        let root = tempfile::tempdir().expect("a directory");
        for file in ["a/x-1.tgz", "a/x-2.tgz", "a/.dot", "b/x-1.tgz", "c"] {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, file).expect("written");
        }
        let cases = [
            ("a/x-*.tgz", "a/x-1.tgz a/x-2.tgz"),
            ("*/x-1.tgz", "a/x-1.tgz b/x-1.tgz"),
            ("a/*", "a/.dot a/x-1.tgz a/x-2.tgz"),
            ("**/x-1.tgz", "a/x-1.tgz b/x-1.tgz"),
            ("/./a/../b/x-1.tgz", "b/x-1.tgz"),
            ("?", "a b c"),
            ("c/x", ""),
            ("c/*", ""),
            ("nothing/*", ""),
        ];
        for (glob, want) in cases {
            let found = find(root.path(), glob).expect(glob);
            let found: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
            assert_eq!(found.join(" "), want, "{glob}");
        }
        for glob in ["../a", "a/../../b", "[a"] {
            assert!(find(root.path(), glob).is_err(), "{glob}");
        }
        let every: Vec<String> =
            every_file(root.path()).into_iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(every.join(" "), "a/.dot a/x-1.tgz a/x-2.tgz b/x-1.tgz c");
    }

    /// A pattern and a name, a line each.
    #[test]
    fn fuzz_globs() {
        let seeds = ["a*b?c\naxbyc", "[^a-c\\]x]*\nzed", "\\*[\\--9]\n*5", "[\n[", "{a,b}\na"];
        fuzz_driver::texts("go-globs", 10_000, seeds, |input| {
            let (pattern, name) = input.split_once('\n').unwrap_or((input, "app-1.tgz"));
            let Some(pieces) = parse(pattern) else { return "none".to_owned() };
            if let Some(literal) = literal(&pieces) {
                assert!(matches(&pieces, &literal), "{pattern:?}");
            }
            format!("{}", matches(&pieces, name))
        });
    }
}
