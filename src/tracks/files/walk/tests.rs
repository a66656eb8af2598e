use super::*;
use std::collections::BTreeSet;

fn walk(regexp: &str) -> Walk {
    let (pattern, translated) = Pattern::translated("regexp", regexp).expect(regexp);
    Walk::of(&translated, &pattern).expect(regexp)
}

/// What the walk finds among some keys, and the prefixes that it lists.
fn walked(walk: &Walk, keys: &BTreeSet<String>) -> (BTreeSet<String>, Vec<String>) {
    let (mut found, mut listed) = (BTreeSet::new(), Vec::new());
    let mut steps = walk.begin();
    while let Some(step) = steps.pop() {
        listed.push(step.prefix.clone());
        let mut folders = BTreeSet::new();
        for key in keys.iter().filter(|key| key.starts_with(&step.prefix)) {
            match key[step.prefix.len()..].find('/') {
                Some(end) if step.folders => {
                    folders.insert(&key[..step.prefix.len() + end + 1]);
                }
                _ if walk.names(&step, key) => drop(found.insert(key.clone())),
                _ => (),
            }
        }
        steps.extend(folders.into_iter().filter_map(|folder| walk.enter(&step, folder)));
    }
    listed.sort();
    (found, listed)
}

#[test]
fn only_what_can_match_is_listed() {
    let keys: BTreeSet<String> = [
        "app-1.tgz",
        "a/app-1.tgz",
        "a/app-1.tgz.sha",
        "a/b/app-1.tgz",
        "a+b/c-1",
        "aab/c-1",
        "v1.2/x",
        "v1x2/x",
        "dir-1/a",
        "dir-2/a",
        "dir-2/b",
        "dir-2/sub/a",
        "other/a",
        "dir/",
    ]
    .map(str::to_owned)
    .into();
    let cases = [
        ("a/app-(.*).tgz", "a/app-1.tgz", "a/app-"),
        ("^a/app-(.*).tgz$", "a/app-1.tgz", "a/app-"),
        ("a/app-(.*)", "a/app-1.tgz a/app-1.tgz.sha", "a/app-"),
        ("app-(.*).tgz", "app-1.tgz", "app-"),
        ("a/(b/)?app-(.*).tgz", "a/app-1.tgz a/b/app-1.tgz", "a/"),
        (r"a\+b/c-(\d)", "a+b/c-1", "a+b/c-"),
        ("a+b/c-(.)", "aab/c-1", " aab/c-"),
        (r"v1\.2/(x)", "v1.2/x", "v1.2/"),
        ("v1.2/(x)", "v1.2/x v1x2/x", "v1 v1.2/ v1x2/"),
        ("dir-(.*)/a", "dir-1/a dir-2/a", "dir- dir-1/a dir-2/a"),
        ("dir-([^/]*)/a", "dir-1/a dir-2/a", "dir- dir-1/a dir-2/a"),
        ("(dir-1/a)|(other/a)", "dir-1/a other/a", " "),
        ("dir-1/(a)|other/(a)", "dir-1/a other/a", "dir-1/ other/"),
        ("dir/(.*)", "", "dir/"),
        ("(.*)", "app-1.tgz", ""),
        ("a/(?:b/|)(app).*", "a/app-1.tgz a/app-1.tgz.sha a/b/app-1.tgz", "a/"),
        (r"\Qa/app-1\E(.*)", "a/app-1.tgz a/app-1.tgz.sha", "a/app-1"),
        ("nothing/here/(.*)/x", "", "nothing/here/"),
    ];
    for (regexp, want, prefixes) in cases {
        let walk = walk(regexp);
        let (found, listed) = walked(&walk, &keys);
        let found: Vec<String> = found.into_iter().collect();
        assert_eq!(found.join(" "), want, "{regexp}");
        if regexp.contains(")|(") {
            // Each of the two looks from the top.
            assert!(listed.iter().all(String::is_empty), "{regexp}");
        } else {
            assert_eq!(listed.join(" "), prefixes, "{regexp}");
        }
    }
}

#[test]
fn finds_what_listing_everything_would_find() {
    let mut dice = fastrand::Rng::with_seed(12);
    const PARTS: [&str; 16] = [
        "a", "b", "/", "/", "-", ".", "(.*)", r"\.", "a+", "[^/]", "(a|b)", "b?", r"\d", "(?:a/)?",
        "|", "1",
    ];
    const NAMES: [&str; 9] = ["a", "b", "ab", "aa", "a-b", "a.b", "1", "-1", "."];
    let (mut walked_keys, mut tried) = (0, 0);
    while tried < 600 {
        let parts = dice.usize(1..9);
        let regexp: String = (0..parts).map(|_| PARTS[dice.usize(..PARTS.len())]).collect();
        let Ok((pattern, translated)) = Pattern::translated("regexp", &regexp) else { continue };
        let walk = Walk::of(&translated, &pattern).expect("a walk");
        let keys: BTreeSet<String> = (0..40)
            .map(|_| {
                let names = dice.usize(1..5);
                let names: Vec<&str> =
                    (0..names).map(|_| NAMES[dice.usize(..NAMES.len())]).collect();
                names.join("/")
            })
            .collect();
        let (found, listed) = walked(&walk, &keys);
        let want: BTreeSet<String> = keys.iter().filter(|key| walk.takes(key)).cloned().collect();
        assert_eq!(found, want, "{regexp} lists {listed:?}");
        // A pattern whose parts match no slash takes what the whole of it matches.
        for key in &found {
            assert!(pattern.is_whole(key) || regexp.contains('|'), "{regexp} {key}");
        }
        walked_keys += found.len();
        tried += 1;
    }
    assert!(walked_keys > 200, "{walked_keys}");
}

/// A pattern, and keys, a line each: the walk finds what [`Walk::takes`] says, which the whole
/// pattern matches.
#[test]
fn fuzz_walks() {
    let seeds = [
        "^r/app-(.*).tgz$\nr/app-1.tgz\nr/app-2.tgz.sha\nx",
        "dir-(.*)/(a|b/c)/x.?\ndir-1/a/x\ndir-2/b/c/xy\n",
        "a/(b/)?c|a\\+b/c-(\\d)|d\na/b/c\na+b/c-1\nd\na/c",
        "(?i)A/[^/]+/\\Qx/y\\E(/.)*\na/b/x/y/z",
    ];
    fuzz_driver::texts("walks", 1_000, seeds, |input| {
        let mut lines = input.lines();
        let text = lines.next().unwrap_or("");
        let Ok((pattern, translated)) = Pattern::translated("regexp", text) else {
            return String::new();
        };
        let walk = match Walk::of(&translated, &pattern) {
            Ok(walk) => walk,
            Err(e) => return fuzz_driver::line(e),
        };
        let keys: BTreeSet<String> = lines.map(str::to_owned).collect();
        let found = walked(&walk, &keys).0;
        for key in &keys {
            assert_eq!(found.contains(key), walk.takes(key), "{text} {key:?}");
            assert!(!walk.takes(key) || pattern.is_whole(key), "{text} {key:?}");
        }
        format!("{:?}", keys.iter().map(|key| walk.takes(key)).collect::<Vec<_>>())
    });
}
