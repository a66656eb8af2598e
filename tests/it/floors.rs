//! The floors of lib.rs's table: a file uses files of its own subject, and of floors below its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The floor of each subject, from the rows `| 0 | [`words`] | … |`.
fn floors() -> BTreeMap<String, u32> {
    let text = std::fs::read_to_string(src().join("lib.rs")).expect("lib.rs");
    let mut floors = BTreeMap::new();
    for row in text.lines().filter_map(|line| line.strip_prefix("//! | ")) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let Ok(floor) = cells[0].trim().parse() else { continue };
        for subject in cells[1].split(", ") {
            floors.insert(subject.trim_matches(['[', ']', '`']).to_owned(), floor);
        }
    }
    floors
}

/// Every source file with the path of its module.
fn files(directory: &Path, module: &[String], found: &mut Vec<(Vec<String>, PathBuf)>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let below = [module, std::slice::from_ref(&stem)].concat();
        if path.is_dir() {
            files(&path, &below, found);
        } else if path.extension().is_some_and(|it| it == "rs") && stem != "lib" && stem != "tests"
        {
            found.push((below, path));
        }
    }
}

/// What a module belongs to: a folder of `src`, or one track's. None: the crate itself, or what is
/// not in the table.
fn subject(module: &[String], floors: &BTreeMap<String, u32>) -> Option<String> {
    let first = module.first()?;
    let track = module.get(1).map(|second| format!("{first}/{second}"));
    let is_track = |track: &String| first == "tracks" && src().join(track).is_dir();
    let subject = track.filter(is_track).map_or(first.clone(), |_| "tracks/*".to_owned());
    floors.contains_key(&subject).then(|| match subject.as_str() {
        "tracks/*" => module[..2].join("/"),
        _ => subject,
    })
}

fn floor(subject: &str, floors: &BTreeMap<String, u32>) -> u32 {
    let row = if subject.starts_with("tracks/") { "tracks/*" } else { subject };
    floors[row]
}

/// The modules that a text names from `crate::` or `super::` on, its own tests left out. `module`
/// is the text's own.
fn used(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let code: String = text
        .lines()
        .map(|line| if line.trim_start().starts_with("//") { "" } else { line })
        .flat_map(|line| [line, "\n"])
        .collect::<String>()
        .replace("pub(in crate::", "pub(in ");
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut used = Vec::new();
    for root in ["crate::", "super::"] {
        for (at, _) in code.match_indices(root) {
            let before = &code[..at];
            if before.ends_with(is_name) || before.ends_with("super::") {
                continue;
            }
            let mut base: Vec<String> = match root {
                "crate::" => Vec::new(),
                _ => module[..module.len() - 1].to_vec(),
            };
            let mut rest = &code[at + root.len()..];
            while let Some(after) = rest.strip_prefix("super::") {
                base.pop();
                rest = after;
            }
            paths(rest, &base, &mut used);
        }
    }
    used
}

/// Reads `a::b`, or `{a, b::{c, d}}` over as many lines as it takes; answers how much it read.
fn paths(text: &str, base: &[String], used: &mut Vec<Vec<String>>) -> usize {
    let mut at = text.len() - text.trim_start().len();
    if text[at..].starts_with('{') {
        at += 1;
        loop {
            at += paths(&text[at..], base, used);
            at += text[at..].find([',', '}']).expect("the list ends");
            at += 1;
            if text[..at].ends_with('}') {
                return at;
            }
        }
    }
    let end = text[at..].find(|c: char| !c.is_alphanumeric() && c != '_');
    let name = &text[at..end.map_or(text.len(), |end| at + end)];
    at += name.len();
    if name.is_empty() {
        return at;
    }
    let path = [base, &[name.to_owned()]].concat();
    match text[at..].strip_prefix("::") {
        Some(rest) if !rest.starts_with(['*', '<']) => at + 2 + paths(rest, &path, used),
        _ => {
            used.push(path);
            at
        }
    }
}

#[test]
fn a_file_uses_its_own_subject_and_floors_below() {
    let floors = floors();
    let mut found = Vec::new();
    files(&src(), &[], &mut found);
    assert!(floors.len() > 8 && found.len() > 100, "the table and the files were read");
    let mut wrong = Vec::new();
    for (module, path) in found {
        let Some(own) = subject(&module, &floors) else {
            panic!("{} is not in the table of lib.rs", path.display())
        };
        let text = std::fs::read_to_string(&path).expect("a source file");
        for other in used(&text, &module) {
            let Some(its) = subject(&other, &floors) else { continue };
            if its != own && floor(&its, &floors) >= floor(&own, &floors) {
                wrong.push(format!("{}: {own} uses {its}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn uses_are_read_as_rust_writes_them() {
    let text = "use crate::a::B;\n/// crate::no\nfn f() { crate::c::d(); }\nuse crate::{\n    e,\n    \
        f::{G, h::I},\n};\nuse super::{j, k};\nuse super::super::l;\n#[cfg(test)]\nmod tests {\n use \
        crate::z;\n}";
    let module = ["x", "y", "own"].map(str::to_owned);
    let used: Vec<String> = used(text, &module).iter().map(|path| path.join("::")).collect();
    assert_eq!(used, ["a::B", "c::d", "e", "f::G", "f::h::I", "x::y::j", "x::y::k", "x::l"]);
}
