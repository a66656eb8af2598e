//! The floors of lib.rs's table: a file uses only files of its own floor and of those below.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The floor of each module, from the rows `| 0 words | [`fault`], … |`.
fn floors() -> BTreeMap<String, u32> {
    let text = std::fs::read_to_string(src().join("lib.rs")).expect("lib.rs");
    let mut floors = BTreeMap::new();
    for row in text.lines().filter_map(|line| line.strip_prefix("//! | ")) {
        let mut cells = row.split(" | ");
        let first = cells.next().unwrap_or("");
        let Some(floor) = first.split(' ').next().and_then(|it| it.parse().ok()) else { continue };
        for module in cells.next().unwrap_or("").split(", ") {
            floors.insert(module.trim_matches(['[', ']', '`']).to_owned(), floor);
        }
    }
    floors
}

/// Every source file with the module of the table that it belongs to.
fn files(directory: &Path, module: Option<&str>, found: &mut Vec<(String, PathBuf)>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let module = module.unwrap_or(&stem);
        if path.is_dir() && stem != "bin" {
            files(&path, Some(module), found);
        } else if path.extension().is_some_and(|it| it == "rs") && stem != "lib" && stem != "tests"
        {
            found.push((module.to_owned(), path));
        }
    }
}

/// The modules of this crate that a text names after `crate::`, its own tests left out.
fn used(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let mut used = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for after in line.split("crate::").skip(1) {
            let names: Vec<&str> = match after.strip_prefix('{') {
                Some(list) => list.split([',', '}']).collect(),
                None => vec![after],
            };
            for name in names.into_iter().map(str::trim) {
                let end =
                    name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
                if end > 0 {
                    used.push(name[..end].to_owned());
                }
            }
        }
    }
    used
}

#[test]
fn a_file_uses_its_own_floor_and_those_below() {
    let floors = floors();
    let mut found = Vec::new();
    files(&src(), None, &mut found);
    assert!(floors.len() > 20 && found.len() > floors.len(), "the table was read");
    for (module, path) in found {
        let floor = floors.get(&module);
        let floor = *floor.unwrap_or_else(|| panic!("{module} is not in the table of lib.rs"));
        let text = std::fs::read_to_string(&path).expect("a source file");
        for other in used(&text) {
            let Some(its) = floors.get(&other) else { continue };
            assert!(
                *its <= floor,
                "{}: `{module}` (floor {floor}) uses `{other}` (floor {its})",
                path.display()
            );
        }
    }
}

#[test]
fn uses_are_read_as_rust_writes_them() {
    let text = "use crate::a::B;\n/// crate::no\nfn f() { crate::c::d(); }\nuse crate::{e, f::G};\n\
        #[cfg(test)]\nmod tests {\n use crate::z;\n}";
    assert_eq!(used(text), ["a", "c", "e", "f"]);
}
