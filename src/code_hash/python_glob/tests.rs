use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use super::*;

/// Kind, path, and for symlinks the target.
type Tree<'a> = &'a [(char, &'a [u8], &'a str)];

#[rustfmt::skip]
const TREE: Tree<'static> = &[
    ('f', b"a/x.c", ""), ('f', b"a/y.h", ""), ('f', b"a/.hid/z.c", ""), ('f', b"a/b/x.c", ""),
    ('f', b"a/b/c/x.c", ""), ('f', b".top", ""), ('f', b".dir/in.c", ""), ('f', b"b.txt", ""),
    ('f', b"B.txt", ""), ('f', b"[x]", ""), ('f', b"a]b", ""), ('f', b"a-b", ""), ('f', b"a^b", ""),
    ('f', b"a!b", ""), ('f', "\u{e9}.txt".as_bytes(), ""), ('f', "\u{ff21}.txt".as_bytes(), ""),
    ('f', "\u{1f600}.txt".as_bytes(), ""), ('f', b"\xff.txt", ""), ('f', b"\xc3(.txt", ""),
    ('d', b"empty", ""), ('l', b"ldir", "a/b"), ('l', b"lfile", "b.txt"),
    ('l', b"broken", "nowhere"), ('f', b"d.c/e.c", ""),
];

/// What CPython 3.11.7 answers in [`TREE`]: the paths for which `Path(path).is_file()` holds, of
/// `sorted(glob.glob(root + "/" + pattern, recursive=True))`, without `root/`.
#[rustfmt::skip]
const RECORDED: &[(&str, &[&[u8]])] = &[
    ("", &[]),
    ("*", &[b"B.txt", b"[x]", b"a!b", b"a-b", b"a]b", b"a^b", b"b.txt", b"lfile", b"\xc3\xa9.txt", b"\xc3(.txt", b"\xff.txt", b"\xef\xbc\xa1.txt", b"\xf0\x9f\x98\x80.txt"]),
    ("**", &[b"B.txt", b"[x]", b"a!b", b"a-b", b"a/b/c/x.c", b"a/b/x.c", b"a/x.c", b"a/y.h", b"a]b", b"a^b", b"b.txt", b"d.c/e.c", b"ldir/c/x.c", b"ldir/x.c", b"lfile", b"\xc3\xa9.txt", b"\xc3(.txt", b"\xff.txt", b"\xef\xbc\xa1.txt", b"\xf0\x9f\x98\x80.txt"]),
    ("**/", &[]),
    ("*/", &[]),
    ("*//", &[]),
    ("**/*.c", &[b"a/b/c/x.c", b"a/b/x.c", b"a/x.c", b"d.c/e.c", b"ldir/c/x.c", b"ldir/x.c"]),
    ("a/**", &[b"a/b/c/x.c", b"a/b/x.c", b"a/x.c", b"a/y.h"]),
    ("a/**/x.c", &[b"a/b/c/x.c", b"a/b/x.c", b"a/x.c"]),
    ("a/*", &[b"a/x.c", b"a/y.h"]),
    ("a//*", &[b"a/x.c", b"a/y.h"]),
    ("a/b/**/", &[]),
    ("a/.*", &[]),
    ("a/.hid/*", &[b"a/.hid/z.c"]),
    (".*", &[b".top"]),
    (".*/*", &[b".dir/in.c"]),
    ("*.txt", &[b"B.txt", b"b.txt", b"\xc3\xa9.txt", b"\xc3(.txt", b"\xff.txt", b"\xef\xbc\xa1.txt", b"\xf0\x9f\x98\x80.txt"]),
    ("?.txt", &[b"B.txt", b"b.txt", b"\xc3\xa9.txt", b"\xff.txt", b"\xef\xbc\xa1.txt", b"\xf0\x9f\x98\x80.txt"]),
    ("??.txt", &[b"\xc3(.txt"]),
    ("[[]x]", &[b"[x]"]),
    ("a[]]b", &[b"a]b"]),
    ("a[!]]b", &[b"a!b", b"a-b", b"a^b"]),
    ("a[^-]b", &[b"a-b", b"a^b"]),
    ("a[--^]b", &[b"a-b", b"a]b", b"a^b"]),
    ("a[b-a]b", &[]),
    ("a[!b-a]b", &[b"a!b", b"a-b", b"a]b", b"a^b"]),
    ("a[b-a!x]b", &[b"a!b", b"a-b", b"a]b", b"a^b"]),
    ("a[-]b", &[b"a-b"]),
    ("[B-b].txt", &[b"B.txt", b"b.txt"]),
    ("[!b].txt", &[b"B.txt", b"\xc3\xa9.txt", b"\xff.txt", b"\xef\xbc\xa1.txt", b"\xf0\x9f\x98\x80.txt"]),
    ("[x", &[]),
    ("b.tx[", &[]),
    ("empty/**", &[]),
    ("missing/**", &[]),
    ("missing/*", &[]),
    ("b.txt/**", &[b"b.txt/"]),
    ("b.txt/*", &[]),
    ("b.txt/", &[]),
    ("a/../b.txt", &[b"a/../b.txt"]),
    ("*/../b.txt", &[b"a/../b.txt", b"d.c/../b.txt", b"empty/../b.txt"]),
    ("./a/./x.c", &[b"./a/./x.c"]),
    ("ldir/**", &[b"ldir/c/x.c", b"ldir/x.c"]),
    ("ldir/", &[]),
    ("l*", &[b"lfile"]),
    ("broken", &[]),
    ("broken/", &[]),
    ("b*n", &[]),
    ("lfile", &[b"lfile"]),
    ("a/**/b/**/*.c", &[b"a/b/c/x.c", b"a/b/x.c"]),
    ("**/**/e.c", &[b"d.c/e.c", b"d.c/e.c"]),
    ("a**", &[b"a!b", b"a-b", b"a]b", b"a^b"]),
    ("a/b**/x.c", &[b"a/b/x.c"]),
    ("*/*/x.c", &[b"a/b/x.c", b"ldir/c/x.c"]),
    ("*.c/*.c", &[b"d.c/e.c"]),
    ("ldir*/../y.h", &[b"ldir/../y.h"]),
    ("[[]*", &[b"[x]"]),
    ("a[a-]b", &[b"a-b"]),
    ("a[!-]b", &[b"a!b", b"a]b", b"a^b"]),
    ("/a/x.c", &[b"/a/x.c"]),
    ("//a/*.c", &[b"//a/x.c"]),
];

fn plant(root: &Path, tree: Tree<'_>) {
    for (kind, path, target) in tree {
        let path = root.join(OsStr::from_bytes(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match kind {
            'f' => fs::write(&path, path.as_os_str().as_bytes()).unwrap(),
            'd' => fs::create_dir_all(&path).unwrap(),
            _ => symlink(target, &path).unwrap(),
        }
    }
}

/// The files without `root/`.
fn found(root: &Path, pattern: &str) -> Vec<Vec<u8>> {
    let skip = root.as_os_str().len() + 1;
    files(root, pattern)
        .unwrap()
        .into_iter()
        .map(|path| path.into_os_string().into_vec().split_off(skip))
        .collect()
}

#[test]
fn files_are_those_that_python_finds() {
    // Magic in the root's own path is taken literally.
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path().join("r[o]*t?");
    plant(&root, TREE);
    for (pattern, expected) in RECORDED {
        let found = found(&root, pattern);
        let shown: Vec<_> = found.iter().map(|path| path.escape_ascii().to_string()).collect();
        assert!(found == *expected, "{pattern:?} found {shown:#?}");
    }
}

#[test]
fn symlinks_in_a_circle_end_where_the_kernel_ends_them() {
    let temporary = tempfile::tempdir().unwrap();
    plant(temporary.path(), &[('f', b"a/x", ""), ('l', b"a/loop", ".")]);
    let found = found(temporary.path(), "**/x");
    assert_eq!(found.len(), 41, "the file itself, and through 1 to 40 symlinks");
    assert!(found.contains(&b"a/loop/loop/x".to_vec()));
}

#[test]
fn names_match_components() {
    #[rustfmt::skip]
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("*", &["a", ""], &[]),
        ("a*b*c", &["abc", "axbxbxc"], &["ab", "abcd"]),
        ("*a", &["a", "aaa"], &["ab"]),
        ("***", &["x"], &[]),
        ("?", &["\u{e9}"], &["", "ab"]),
        ("[ab", &["[ab"], &["a"]),
        ("[]", &["[]"], &[]),
        ("[!]", &["[!]"], &[]),
        ("[]-a]", &["]", "_", "a"], &["-", "b"]),
        ("[a-c-e]", &["b", "-", "e"], &["d"]),
        ("[a-c-b]", &["a", "b", "-"], &["d"]),
        ("[c-a]", &[], &["a", "b", "c", "-", ""]),
        ("[!c-a]", &["a", "!", "-"], &[""]),
        ("[b-a!-x]", &["a", "y"], &["-", "x"]),
        ("[^a]", &["^", "a"], &["b"]),
        ("[\\]", &["\\"], &["a"]),
        ("[[:a]", &["[", ":", "a"], &["b"]),
        ("[&&~~||]", &["&", "~", "|"], &["a"]),
        ("a.b", &["a.b"], &["axb"]),
    ];
    for (pattern, matching, others) in cases {
        let compiled = NamePattern::new(pattern);
        for name in *matching {
            assert!(compiled.matches(name.as_bytes()), "{pattern} {name}");
        }
        for name in *others {
            assert!(!compiled.matches(name.as_bytes()), "{pattern} {name}");
        }
    }
}

#[test]
fn all_patterns_make_one_md5() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    fs::create_dir(root.join("d")).unwrap();
    fs::write(root.join("d/one"), "1").unwrap();
    fs::write(root.join("d/two"), "2").unwrap();
    // From md5sum of the contents one after the other.
    let cases: &[(&[&str], &str, usize)] = &[
        (&["d/*"], "c20ad4d76fe97759aa27a0c99bff6710", 2),
        (&["d/two", "", "d/one"], "3c59dc048e8850243be8079a5c74d079", 2),
        (&["d/one", "**"], "7f6ffaa6bb0b408017b62254211691b5", 3),
        (&["none", ""], "d41d8cd98f00b204e9800998ecf8427e", 0),
    ];
    for (patterns, md5, count) in cases {
        let (hex, files) = md5_of_files(root, patterns).unwrap();
        assert_eq!((hex.as_str(), files), (*md5, *count), "{patterns:?}");
    }
    // Python finds `d/one/`, sees a file, and fails to open it.
    let error = md5_of_files(root, &["d/one/**"]).unwrap_err();
    assert!(error.to_string().ends_with("d/one/"), "{error}");
}

/// Prints, for each line of patterns, what s3-asset-manager would hash, in hex.
const PYTHON: &str = r#"
import glob, os, sys
from pathlib import Path
for line in sys.stdin.read().split("\n")[:-1]:
    root, pattern = line.split("\t")
    files = sorted(glob.glob("%s/%s" % (root, pattern), recursive=True))
    files = [os.fsencode(f)[len(os.fsencode(root)) + 1:] for f in files if Path(f).is_file()]
    print(" ".join(f.hex() or "-" for f in files if not f.endswith(b"/")))
"#;

/// Numbers that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

fn random_tree(numbers: &mut Numbers, root: &Path) {
    const NAMES: &[&[u8]] = &[
        b"a",
        b"b",
        b"ab",
        b"a-b",
        b"c",
        b"-",
        b".h",
        b".ab",
        b"[a]",
        b"a]",
        b"!",
        b"^a",
        b"\xff",
        b"a\xe2\x82",
        b"\xed\xa0\x80",
        "\u{e9}".as_bytes(),
        "\u{ffee}".as_bytes(),
        "\u{1f600}".as_bytes(),
    ];
    for _ in 0..24 {
        let mut path = root.to_path_buf();
        for _ in 0..=numbers.below(4) {
            path.push(OsStr::from_bytes(numbers.pick(NAMES)));
        }
        // What stands in the way of a path (a file where it has a directory) just loses it.
        let Some(parent) = path.parent() else {
            continue;
        };
        if fs::create_dir_all(parent).is_err() {
            continue;
        }
        let _ = match numbers.below(8) {
            0 => fs::create_dir(&path),
            1 => symlink(numbers.pick(&["a", "../a", "b/ab", "none"]), &path),
            _ => fs::write(&path, b"x"),
        };
    }
}

fn random_pattern(numbers: &mut Numbers) -> String {
    const WHOLE: &[&str] = &["**", "**", "*", "a", "b", ".h", ".", "..", "", "?", ".*", "*b"];
    const PIECES: &[&str] =
        &["*", "?", "a", "b", "-", "[", "]", "!", "^", ".", "[!a]", "[a-b]", "**", "\u{e9}"];
    const MEMBERS: &[&str] = &["a", "b", "c", "-", "-", "!", "]", "^"];
    let mut components = Vec::new();
    for _ in 0..=numbers.below(3) {
        components.push(match numbers.below(4) {
            0 | 1 => numbers.pick(WHOLE).to_owned(),
            2 => (0..=numbers.below(7)).map(|_| numbers.pick(PIECES)).collect(),
            _ => {
                let members: String =
                    (0..=numbers.below(6)).map(|_| numbers.pick(MEMBERS)).collect();
                format!("[{members}]")
            }
        });
    }
    components.join("/")
}

#[test]
fn python_itself_finds_the_same() {
    let temporary = tempfile::tempdir().unwrap();
    let mut numbers = Numbers(20_241);
    let mut cases = Vec::new();
    for tree in 0..60 {
        // So deep that no pattern climbs out of what this test made.
        let root = temporary.path().join(format!("{tree}/1/2/3/4/tree"));
        fs::create_dir_all(&root).unwrap();
        random_tree(&mut numbers, &root);
        cases.extend((0..60).map(|_| (root.clone(), random_pattern(&mut numbers))));
    }
    let spawned = Command::new("python3")
        .args(["-W", "ignore", "-X", "utf8", "-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut python) = spawned else {
        eprintln!("skipped: there is no python3 here to compare with");
        return;
    };
    let lines: String =
        cases.iter().map(|(root, pattern)| format!("{}\t{pattern}\n", root.display())).collect();
    let mut input = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || io::Write::write_all(&mut input, lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());

    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), cases.len());
    let mut hits = 0;
    for ((root, pattern), answer) in cases.iter().zip(answers.lines()) {
        let ours: Vec<String> = found(root, pattern)
            .iter()
            // Before 3.13 Python takes `file/**` to find `file/`.
            .filter(|path| !path.ends_with(b"/"))
            .map(|path| crate::code_hash::hex(path))
            .collect();
        hits += ours.len();
        assert!(ours.join(" ") == answer, "{pattern:?} in {}", root.display());
    }
    assert!(hits > cases.len() / 4, "patterns that find next to nothing show nothing: {hits}");
}

/// A pattern and a name, a line each.
#[test]
fn fuzz_names() {
    let seeds =
        ["a*[!b-d]?\naxxey", "[]a]*\n]x", "[z-a]\na", "[!]\n[!]", "**\n.hidden", "[a-\n[a-"];
    fuzz_driver::texts("python-globs", 10_000, seeds, |input| {
        let (pattern, name) = input.split_once('\n').unwrap_or((input, "x.c"));
        let one = NamePattern::new(pattern);
        let all = NamePattern::new(&format!("{pattern}*"));
        assert!(!one.matches(name.as_bytes()) || all.matches(name.as_bytes()), "{input:?}");
        if !pattern.contains(['*', '?', '[']) {
            assert_eq!(one.matches(name.as_bytes()), pattern == name, "{input:?}");
        }
        format!("{} {}", one.takes_hidden(), one.matches(name.as_bytes()))
    });
}
