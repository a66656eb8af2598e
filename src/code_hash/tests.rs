use super::*;

fn entry(path: &str, mode: Mode, id: &[u8]) -> Entry {
    Entry { path: path.as_bytes().to_vec(), mode, id: ContentId::new(id) }
}

fn sample() -> Listing {
    Listing::new(
        Algorithm::GitTree,
        vec![
            entry("sub", Mode::Submodule, &[0xcc; 20]),
            entry("a/run", Mode::Executable, &[0x0a; 20]),
            entry("a.txt", Mode::File, &[0xff; 20]),
            entry("link", Mode::Symlink, &[0x01; 20]),
        ],
    )
}

#[test]
fn algorithms_are_read_as_they_are_printed() {
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
    }
    for text in ["", "SHA256", "sha-256", "git"] {
        let error = text.parse::<Algorithm>().unwrap_err().to_string();
        assert!(error.ends_with("it is one of sha256, git-tree, md5"), "{error}");
    }
}

#[test]
fn listings_are_sorted_by_bytes_and_printed() {
    let expected = "\
        100644 ffffffffffffffffffffffffffffffffffffffff a.txt\n\
        100755 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a a/run\n\
        120000 0101010101010101010101010101010101010101 link\n\
        160000 cccccccccccccccccccccccccccccccccccccccc sub\n";
    assert_eq!(sample().to_string(), expected);

    let odd = Entry { path: b"new\nline \xff \"q\"".to_vec(), ..entry("", Mode::File, b"\x12") };
    assert_eq!(odd.to_string(), r#"100644 12 "new\nline \xff \"q\"""#);
}

/// Made with sha256sum from the encoding that the module documents. A change here loses every
/// user's caches.
#[test]
fn digests_never_change() {
    let file =
        |id: u8| Listing::new(Algorithm::Sha256, vec![entry("src/main.rs", Mode::File, &[id; 32])]);
    let cases = [
        (
            Listing::new(Algorithm::Sha256, vec![]),
            "7bdb33be0b8375b23fb30db232c2c77d1aa41bc2e4ab7ae00d6108b3c0dce277",
        ),
        (file(0xab), "971768ebf7ca36e29222bc7cc9f841a57f34d8f3833b6d90717857e37f806182"),
        (sample(), "8e417514f573bd5904908c7e8b8aa00617716501297a5c1858e8f72c7f6e8d00"),
    ];
    for (listing, digest) in cases {
        assert_eq!(listing.digest(), digest, "{listing}");
    }
    assert_ne!(file(1).digest(), file(2).digest());
}

#[test]
fn everything_but_the_order_counts() {
    let base = sample();
    let mut reversed = base.entries().to_vec();
    reversed.reverse();
    assert_eq!(Listing::new(Algorithm::GitTree, reversed).digest(), base.digest());

    let with = |change: fn(&mut Entry)| {
        let mut entries = base.entries().to_vec();
        change(&mut entries[0]);
        Listing::new(Algorithm::GitTree, entries).digest()
    };
    let others = [
        Listing::new(Algorithm::Sha256, base.entries().to_vec()).digest(),
        Listing::new(Algorithm::GitTree, base.entries()[1..].to_vec()).digest(),
        with(|entry| entry.path.push(b'2')),
        with(|entry| entry.mode = Mode::Executable),
        with(|entry| entry.id = ContentId::new(&[0xfe; 20])),
        with(|entry| entry.id = ContentId::new(&[0xff; 19])),
    ];
    for (index, other) in others.iter().enumerate() {
        assert_ne!(other, &base.digest(), "case {index}");
        assert!(!others[..index].contains(other), "case {index}");
    }
}

#[test]
fn a_miss_is_explained() {
    let old = sample();
    let new = Listing::new(
        Algorithm::GitTree,
        vec![
            entry("a.txt", Mode::File, &[0xfe; 20]),
            entry("a/run", Mode::File, &[0x0a; 20]),
            entry("b", Mode::File, &[0x0b; 20]),
            entry("sub", Mode::Submodule, &[0xcc; 20]),
        ],
    );
    let told: Vec<String> = old.explain(&new).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["changed a.txt", "changed a/run (mode 100755 to 100644)", "added b", "removed link",]
    );
    assert!(old.explain(&old).is_empty());
}

#[test]
fn recipes_split_what_was_written() {
    let md5 = |written: &[&str]| match Recipe::parse(Algorithm::Md5, written) {
        Ok(Recipe::Md5(patterns)) => patterns,
        other => panic!("{other:?}"),
    };
    assert_eq!(md5(&["a  b/** "]), ["a", "", "b/**", ""]);
    assert_eq!(md5(&["/x", "../y", "a!"]), ["/x", "../y", "a!"]);
    for refused in
        [Recipe::parse(Algorithm::Md5, &["a !b"]), Recipe::of_list(Algorithm::Md5, &["!b"])]
    {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("\"!b\"") && error.contains("`md5` leaves nothing out"), "{error}");
    }

    let recipe = Recipe::parse(Algorithm::GitTree, &["a  b/** ", "c"]).unwrap();
    assert_eq!(recipe.written(), "a b/** c");
    assert_eq!(recipe.algorithm(), Algorithm::GitTree);
    assert_eq!(
        NothingMatches::new(&recipe).to_string(),
        r#"no file matches the code hash's patterns "a b/** c""#
    );
}

#[test]
fn patterns_that_cannot_be_meant_are_refused() {
    let cases = [
        ("", "there is no pattern"),
        ("  ", "there is no pattern"),
        ("/src/**", "it is absolute"),
        ("src/../**", "`..` would leave the repository"),
        ("..", "`..` would leave the repository"),
        ("src/[a", "unclosed character class"),
        ("src/{a,b", "unclosed alternate group"),
        ("src/[z-a]", "invalid range"),
        ("!src/**", "there is only what is left out"),
        ("src/** !", "nothing follows the `!`"),
        ("src/** !/x", "it is absolute"),
        ("src/** !src/[a", "unclosed character class"),
    ];
    for (pattern, why) in cases {
        let error = Patterns::parse(&[pattern]).unwrap_err().to_string();
        assert!(error.contains(why), "{pattern:?}: {error}");
    }
}

#[test]
fn patterns_leave_out() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "lambdas/** !lambdas/**/test_*",
            &["lambdas/a.py", "lambdas/a/b.py", "lambdas/a/x_test_y"],
            &["lambdas/test_a.py", "lambdas/a/b/test_c", "test_a", "x"],
        ),
        ("!src/gen/ src/**", &["src/a", "src/gen"], &["src/gen/a", "src/gen/b/c"]),
        ("** !*.md !./docs//**", &["a", "a/b.md"], &["README.md", "docs/a", "docs/a/b"]),
        ("\\!odd a", &["!odd", "a"], &["odd"]),
        ("a !a", &[], &["a"]),
    ];
    for (written, taken, left) in cases {
        let patterns = Patterns::parse(&[written]).unwrap();
        for path in *taken {
            assert!(patterns.matches(path.as_bytes()), "{written}: {path}");
        }
        for path in *left {
            assert!(!patterns.matches(path.as_bytes()), "{written}: {path}");
        }
        assert_eq!(patterns.to_string(), *written);
    }
}

#[test]
fn what_is_left_out_is_not_walked_and_hides_nothing() {
    let patterns = Patterns::parse(&["src/** lib !src/gen/** !src/**/test_*"]).unwrap();
    for (directory, below) in [
        ("", Below::Something),
        ("src", Below::Something),
        ("src/a", Below::Something),
        ("src/gen", Below::Nothing),
        ("src/gen/a", Below::Nothing),
        ("docs", Below::Nothing),
    ] {
        assert_eq!(patterns.below(directory.as_bytes()), below, "{directory}");
    }
    let whole = Patterns::parse(&["src/** !docs/**"]).unwrap();
    assert_eq!(whole.below(b"src/a"), Below::Everything, "nothing is left out below it");
    for mode in [Mode::Symlink, Mode::Submodule] {
        assert!(patterns.cover(b"src/link", mode) && !patterns.cover(b"src/gen", mode));
        assert!(!patterns.cover(b"src/test_link", mode));
        let inner = Patterns::parse(&["src/link/a/b !src/link/a/c"]).unwrap();
        assert!(inner.cover(b"src/link", mode));
    }
}

#[test]
fn patterns_match_paths() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "src/**",
            &["src/a", "src/.hid", "src/a/b/c", "src/new\nline"],
            &["src", "src2/a", "a/src/b"],
        ),
        ("src/", &["src/a", "src/a/b"], &["src", "srcs/a"]),
        ("./src/.", &["src/a", "src/a/b"], &["src"]),
        (".", &["a", "a/b", ".x"], &[]),
        ("**", &["a", "a/b", ".github/x"], &[]),
        ("*", &["a", ".x"], &["a/b"]),
        ("*.rs", &["a.rs", ".rs"], &["a/b.rs"]),
        ("**/*.rs", &["a.rs", "a/b.rs", "a/.b/c.rs"], &["a.rs/b"]),
        ("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["a/xb", "b"]),
        ("a//b", &["a/b"], &["a//b/c"]),
        ("a?c", &["abc"], &["a/c", "ac"]),
        ("{a,b/c}/*.t", &["a/x.t", "b/c/x.t"], &["b/x.t"]),
        ("[!a]*", &["b", "bb"], &["a", "ab"]),
        (r"\*", &["*"], &["a"]),
        ("a b/*.rs", &["a", "b/x.rs"], &["a b/x.rs"]),
    ];
    for (pattern, matching, others) in cases {
        let patterns = Patterns::parse(&[pattern]).unwrap();
        for path in *matching {
            assert!(patterns.matches(path.as_bytes()), "{pattern} {path}");
        }
        for path in *others {
            assert!(!patterns.matches(path.as_bytes()), "{pattern} {path}");
        }
    }
    assert!(Patterns::parse(&["a*"]).unwrap().matches(b"a\xff\xfe"));
}

#[test]
fn walks_know_where_to_go() {
    use Below::{Everything, Nothing, Something};
    let cases: &[(&str, &[(&str, Below)])] = &[
        (
            "src/**",
            &[
                ("", Something),
                ("src", Everything),
                ("src/a/b", Everything),
                ("srcs", Nothing),
                ("a/src", Nothing),
            ],
        ),
        ("**", &[("", Everything), ("a/b", Everything)]),
        ("**/*.rs", &[("", Something), ("a/b", Something)]),
        (
            "a/b/c.rs",
            &[
                ("", Something),
                ("a", Something),
                ("a/b", Something),
                ("a/b/c.rs", Nothing),
                ("a/x", Nothing),
            ],
        ),
        ("*.rs", &[("", Something), ("a", Nothing)]),
        (
            "p*/src/**/x",
            &[
                ("p1", Something),
                ("q1", Nothing),
                ("p1/src", Something),
                ("p1/lib", Nothing),
                ("p1/src/d/e", Something),
            ],
        ),
        ("a/x**y/b", &[("a", Something), ("b", Nothing), ("a/q", Something)]),
        ("{a,b/c}/x", &[("a", Something), ("q", Something)]),
        ("a/[!x]/y", &[("a/q/r", Something), ("b", Nothing)]),
        ("a/** b/*.c", &[("a/x", Everything), ("b", Something), ("b/x", Nothing), ("c", Nothing)]),
    ];
    for (pattern, directories) in cases {
        let patterns = Patterns::parse(&[pattern]).unwrap();
        for (directory, below) in *directories {
            assert_eq!(patterns.below(directory.as_bytes()), *below, "{pattern} {directory}");
        }
    }
}

/// Every pattern over a small alphabet, against every path: a pruned directory has no match below
/// it, and one that is taken whole has nothing but matches.
#[test]
fn pruning_never_loses_a_match() {
    let names = ["a", "b", "ab", ".a"];
    let parts = ["a", "*", "**", "?b", "[!b]", "{a,b/a}", "a**", "[+-0]"];
    let mut paths: Vec<String> = names.map(str::to_owned).to_vec();
    for depth in 0..2 {
        let longer: Vec<String> = paths
            .iter()
            .filter(|path| path.matches('/').count() == depth)
            .flat_map(|path| names.map(|name| format!("{path}/{name}")))
            .collect();
        paths.extend(longer);
    }
    for first in parts {
        for second in parts {
            for third in parts {
                for pattern in [format!("{first}/{second}"), format!("{first}/{second}/{third}")] {
                    let patterns = Patterns::parse(&[&pattern]).unwrap();
                    for path in &paths {
                        let matches = patterns.matches(path.as_bytes());
                        for (at, _) in path.match_indices('/') {
                            match patterns.below(&path.as_bytes()[..at]) {
                                Below::Nothing => assert!(!matches, "{pattern} {path}"),
                                Below::Something => {}
                                Below::Everything => assert!(matches, "{pattern} {path}"),
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn entries_that_may_hide_files_are_covered_where_patterns_reach_below() {
    let patterns = Patterns::parse(&["lib/**/*.rs", "vendor/one"]).unwrap();
    let cases = [
        ("lib", Mode::Submodule, true),
        ("lib/inner", Mode::Symlink, true),
        ("vendor/one", Mode::Submodule, true),
        ("vendor/two", Mode::Submodule, false),
        ("vendor", Mode::Submodule, true),
        ("lib", Mode::File, false),
        ("lib/a.rs", Mode::File, true),
    ];
    for (path, mode, covered) in cases {
        assert_eq!(patterns.cover(path.as_bytes(), mode), covered, "{path} {mode:?}");
    }
}

#[test]
fn patterns_without_effect_are_named() {
    let patterns = Patterns::parse(&["*.txt lamdas/** sub/x/*.c a/*", "a/**/z"]).unwrap();
    assert_eq!(patterns.unmatched(&sample()), ["lamdas/**", "a/**/z"]);
    assert!(Patterns::parse(&["**"]).unwrap().unmatched(&sample()).is_empty());
}

/// Patterns and a path, a line each: a walk enters each directory on the way to what matches.
#[test]
fn fuzz_patterns() {
    let seeds = [
        "src/** *.rs\nsrc/a/b.rs",
        "{a,b}/[!c]?/**/x\na/dd/e/f/x",
        "a\\*b/\na*b/c",
        "**/x/*\ny/x/z",
    ];
    fuzz_driver::texts("globs", 3_000, seeds, |input| {
        let (written, path) = input.split_once('\n').unwrap_or((input, "src/main.rs"));
        let patterns = match Patterns::parse(&[written]) {
            Ok(patterns) => patterns,
            Err(e) => return fuzz_driver::line(e),
        };
        let matches = patterns.matches(path.as_bytes());
        let is_path = !path.split('/').any(|name| matches!(name, "" | "." | ".."));
        if is_path {
            let directories = path.match_indices('/').map(|(at, _)| &path[..at]);
            for directory in std::iter::once("").chain(directories) {
                match patterns.below(directory.as_bytes()) {
                    Below::Nothing => assert!(!matches, "{input:?} {directory}"),
                    Below::Everything => assert!(matches, "{input:?} {directory}"),
                    Below::Something => {}
                }
            }
        }
        format!("{is_path} {matches}")
    });
}
