use super::super::pattern::Pattern;
use super::super::walk::Walk;
use super::*;

fn named(regexp: &str) -> Named {
    let (pattern, translated) = Pattern::translated("regexp", regexp).expect(regexp);
    let walk = Walk::of(&translated, &pattern).expect(regexp);
    Named { pattern, walk, by: By::Version }
}

#[test]
fn which_files_a_check_answers() {
    let named = named("a-(.*)");
    let rank = |version: &str| Rank::Version(Order::of(version));
    let all = ["a-10", "a-2", "a-1", "a-3-rc", "a-3", "a-3.0"];
    let cases: [(Option<&str>, usize, Option<&str>, &str); 12] = [
        (None, 1, None, "a-10"),
        (None, 3, None, "a-3 a-3.0 a-10"),
        (None, 99, None, "a-1 a-2 a-3-rc a-3 a-3.0 a-10"),
        (Some("2"), 1, None, "a-2 a-3-rc a-3 a-3.0 a-10"),
        // One that is gone, and others are newer.
        (Some("2.5"), 1, None, "a-3-rc a-3 a-3.0 a-10"),
        (Some("10"), 1, None, "a-10"),
        // Newer than all: it is gone, and the newest is what there is.
        (Some("11"), 1, None, "a-10"),
        (None, 1, Some("a-0"), "a-10"),
        (None, 7, Some("a-0"), "a-0 a-1 a-2 a-3-rc a-3 a-3.0 a-10"),
        (Some("0"), 1, Some("a-0"), "a-0 a-1 a-2 a-3-rc a-3 a-3.0 a-10"),
        (Some("3"), 1, Some("a-0"), "a-3 a-3.0 a-10"),
        (Some("1"), 1, Some("a-2"), "a-1 a-2 a-3-rc a-3 a-3.0 a-10"),
    ];
    for (given, limit, initial, want) in cases {
        let mut answer = Answer::new(given.map(rank), limit);
        for path in all {
            answer.take(named.rank(path, 0).expect(path), path);
        }
        let initial = initial.map(|path| (named.rank(path, 0), path));
        assert_eq!(answer.finish(initial.clone()).join(" "), want, "{given:?} {limit} {initial:?}");
    }
    let nothing = |initial| Answer::new(None, 1).finish(initial);
    assert!(nothing(None).is_empty());
    assert_eq!(nothing(Some((named.rank("a-0", 0), "a-0"))).concat(), "a-0");
}

#[test]
fn the_newest_few_take_no_room_for_the_rest() {
    let mut answer = Answer::new(None, 3);
    for n in 0..10_000 {
        let version = (n * 7_919) % 10_000;
        answer.take(Rank::Version(Order::of(&version.to_string())), &version.to_string());
        assert!(answer.newest.len() <= 3 && answer.since.is_empty());
    }
    assert_eq!(answer.finish(None).join(" "), "9997 9998 9999");
}

#[test]
fn which_versions_of_one_file_a_check_answers() {
    let cases: [(Option<&str>, usize, &str); 6] = [
        (None, 1, "c"),
        (None, 2, "b c"),
        (None, 9, "a b c"),
        (Some("b"), 1, "b c"),
        (Some("c"), 1, "c"),
        (Some("gone"), 5, "c"),
    ];
    for (given, limit, want) in cases {
        let ids = ["c", "b", "a"].map(str::to_owned).to_vec();
        assert_eq!(since(ids, given, limit).join(" "), want, "{given:?} {limit}");
    }
    assert!(since(Vec::new(), Some("a"), 1).is_empty());
}

#[test]
fn under_which_path_a_put_writes() {
    let folder = |text: &str| Some(To::Folder(text.to_owned()));
    let path = |text: &str| Some(To::Path(text.to_owned()));
    let cases = [
        ("app-(.*).tgz", "out/app-1.tgz", None, Ok("app-1.tgz")),
        ("releases/app-(.*).tgz", "out/app-1.tgz", None, Ok("releases/app-1.tgz")),
        ("^releases/app-(.*).tgz$", "out/app-1.tgz", None, Ok("releases/app-1.tgz")),
        (r"v1\.2/app-(.*).tgz", "out/app-1.tgz", None, Ok("v1.2/app-1.tgz")),
        ("r/dir-(.*)/app.tgz", "out/dir-1/app.tgz", None, Ok("r/dir-1/app.tgz")),
        ("r/dir-(.*)/app.tgz", "out/app.tgz", None, Err("`r/out/app.tgz` does not match")),
        ("app-(.*).tgz", "out/other-1.tgz", None, Err("`other-1.tgz` does not match regexp")),
        ("app-(.*).tgz", "out/app-1.tgz.sha", None, Err("`app-1.tgz.sha` does not match")),
        ("app-.*.tgz", "out/app-1.tgz", None, Err("which has no group")),
        ("b/app-(.*)", "out/app-1", folder("b/"), Ok("b/app-1")),
        ("b/app-(.*)", "out/app-1", folder(""), Err("`app-1` does not match")),
        ("b/app-(.*)", "out/app-1", path("b//x/../app-2"), Ok("b/app-2")),
        ("b/(a/)?app-(.*)", "out/app-1", None, Err("`b/(a/app-1` does not match")),
    ];
    for (regexp, local, to, want) in cases {
        let got = destination(&named(regexp), local, to.as_ref());
        match (got, want) {
            (Ok(got), Ok(want)) => assert_eq!(got, want, "{regexp} {local}"),
            (Err(got), Err(want)) => assert!(got.to_string().contains(want), "{got} / {want}"),
            (got, want) => panic!("{regexp} {local}: {got:?} instead of {want:?}"),
        }
    }
}

#[test]
fn initial_content() {
    let bytes = |text, binary| Initial::new("v", text, binary).bytes();
    assert_eq!(bytes(None, None).expect("nothing"), b"");
    assert_eq!(bytes(Some("a\n"), None).expect("a text"), b"a\n");
    assert_eq!(bytes(None, Some("aGVs\nbG8=\n")).expect("base64"), b"hello");
    assert!(bytes(None, Some("aGVs bG8=")).is_err());
}
