use super::record::OWN_FILES;
use super::*;
use crate::history::Event;
use crate::tracks::package::source::Numbering;
use crate::words::build::Run;
use crate::words::names::{PackageName, Prefix};
use crate::words::time::Utc;

fn package() -> Package {
    Package {
        name: PackageName::parse("team/app").expect("a name"),
        tag: None,
        ledger: None,
        store: None,
        numbering: Numbering::Sequential,
        prefix: Prefix::parse("prefix", "p").expect("a prefix"),
    }
}

/// `3`: added, `-3`: removed. Oldest first; answered newest first.
fn changes(story: &[i64]) -> Vec<Change> {
    let mut newest = 0;
    let mut changes: Vec<Change> = story
        .iter()
        .map(|n| match u64::try_from(*n) {
            Ok(added) => {
                newest = added;
                Change::Added { added, sha: None, basename: None }
            }
            Err(_) => Change::Removed { removed: n.unsigned_abs(), newest },
        })
        .collect();
    changes.reverse();
    changes
}

fn given_as(given: Option<u64>, gone: bool) -> Given {
    match given {
        None => Given::Nothing,
        Some(version) if gone => Given::Gone(version),
        Some(version) => Given::Stands(version),
    }
}

#[test]
fn where_things_are() {
    let package = package();
    let tag = Tag::parse("live").expect("a tag");
    let sha = Sha256::of(b"x");
    let cases = [
        (package.record(7), "p/team/app/versions/7".to_owned()),
        (package.pointer(&tag), "p/team/app/tags/live".to_owned()),
        (package.latest(), "p/team/app/tags/latest".to_owned()),
        (package.history(), "p/team/app/.history/versions".to_owned()),
        (package.tag_history(&tag), "p/team/app/.history/tags/live".to_owned()),
        (package.blob(&sha), format!("p/{sha}")),
    ];
    for (key, want) in cases {
        assert_eq!(key.expect("a key").as_str(), want);
    }
    for (key, want) in [
        ("p/team/app/versions/7", Some(7)),
        ("p/team/app/versions/07", None),
        ("p/team/app/versions/+7", None),
        ("p/team/app/versions/", None),
        ("p/team/app2/versions/7", None),
    ] {
        assert_eq!(package.version_at(key), want, "{key}");
    }
    assert_eq!(package.newer_than(10, 99).as_deref(), Some("p/team/app/versions/10"));
    assert_eq!(package.newer_than(9, 10), None);
}

#[test]
fn versions_read_back() {
    let tag = Tag::parse("live").expect("a tag");
    for tagged in [None, Some((tag, 9))] {
        let wanted = Wanted { version: 23, tagged };
        assert_eq!(Wanted::parse(&wanted.version()).expect("parses"), wanted);
    }
    let version = |pairs: &[(&str, &str)]| -> Version {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    for (bad, want) in [
        (version(&[]), "version.version: `` is no number"),
        (version(&[("version", "07")]), "version.version: `07` is no number"),
        (version(&[("version", "x")]), "version.version: `x` is no number"),
        (version(&[("version", "1"), ("tag", "live")]), "version.tagged: `` is no number"),
        (version(&[("version", "1"), ("commit", "x")]), "version: unknown key `commit`"),
    ] {
        assert_eq!(Wanted::parse(&bad).expect_err(want).to_string(), want);
    }
}

#[test]
fn what_a_check_answers() {
    // The story, oldest first; the given version and whether its record is gone; how many the
    // first check wants; the answer.
    type Case = (&'static [i64], Option<u64>, bool, usize, &'static [u64]);
    let cases: [Case; 17] = [
        (&[], None, false, 1, &[]),
        (&[], Some(3), false, 1, &[]),
        (&[1, 2, 3], None, false, 1, &[3]),
        (&[1, 2, 3], None, false, 2, &[2, 3]),
        (&[1, 2, 3], None, false, 9, &[1, 2, 3]),
        (&[1, 2, 3], Some(3), false, 1, &[3]),
        (&[1, 2, 3], Some(1), false, 1, &[1, 2, 3]),
        (&[1, 2, 3], Some(9), false, 1, &[3]),
        (&[10, 20, 30], Some(15), false, 1, &[30]),
        (&[1, 2, 3], Some(2), true, 1, &[3]),
        (&[1, 2, 3], Some(3), true, 1, &[2]),
        (&[1, 2, 3, -3], None, false, 1, &[2]),
        (&[1, 2, 3, -3], Some(3), false, 1, &[2]),
        (&[1, 2, -2, 3], Some(1), false, 1, &[1, 3]),
        (&[1, 2, 3, -2], Some(2), false, 1, &[3]),
        (&[1, -1], None, false, 1, &[]),
        (&[1, -1], Some(1), false, 1, &[]),
    ];
    for (story, given, gone, initial, want) in cases {
        let mut answer = VersionAnswer::new(given_as(given, gone), initial);
        let _ = changes(story).iter().any(|change| answer.take(change));
        let got: Vec<String> = answer.finish().iter().map(|v| v["version"].clone()).collect();
        let want: Vec<String> = want.iter().map(u64::to_string).collect();
        assert_eq!(got, want, "{story:?} {given:?} {gone} {initial}");
    }
}

#[test]
fn an_answer_reads_no_further_than_it_must() {
    for (story, given, gone, reads) in [
        (vec![1, 2, 3, 4, 5], None, false, 1),
        (vec![1, 2, 3, 4, 5], Some(5), false, 1),
        (vec![1, 2, 3, 4, 5], Some(3), false, 3),
        (vec![1, 2, 3, 4, 5], Some(3), true, 1),
        (vec![10, 20, 30], Some(25), false, 2),
        (vec![1, 2, 3], Some(9), false, 1),
    ] {
        let mut answer = VersionAnswer::new(given_as(given, gone), 1);
        let read = changes(&story).iter().position(|change| answer.take(change));
        assert_eq!(read, Some(reads - 1), "{story:?} {given:?}");
    }
}

#[test]
fn what_a_check_of_a_tag_answers() {
    let tag = Tag::parse("live").expect("a tag");
    type Case = (&'static [Option<u64>], Option<u64>, usize, &'static [&'static str]);
    // The moves, oldest first; the given number; the answer as version@number.
    let cases: [Case; 11] = [
        (&[], None, 1, &[]),
        (&[Some(5)], None, 1, &["5@1"]),
        (&[Some(5), Some(7), Some(5)], None, 1, &["5@3"]),
        (&[Some(5), Some(7), Some(5)], None, 2, &["7@2", "5@3"]),
        (&[Some(5), Some(7), Some(5)], Some(1), 1, &["5@1", "7@2", "5@3"]),
        (&[Some(5), Some(7)], Some(9), 1, &["7@2"]),
        (&[Some(5), Some(7)], Some(0), 1, &["7@2"]),
        (&[Some(5), None], None, 1, &[]),
        (&[Some(5), None], Some(1), 1, &["5@1"]),
        (&[Some(5), None, Some(6)], Some(1), 1, &["5@1", "6@3"]),
        (&[Some(5), None, Some(6)], Some(2), 1, &["6@3"]),
    ];
    for (moves, given, initial, want) in cases {
        let mut answer = TagAnswer::new(&tag, given, initial);
        for (n, version) in (1..).zip(moves).collect::<Vec<_>>().into_iter().rev() {
            if answer.take(n, &Move { version: *version, id: String::new() }) {
                break;
            }
        }
        let got: Vec<String> =
            answer.finish().iter().map(|v| format!("{}@{}", v["version"], v["tagged"])).collect();
        assert_eq!(got, want, "{moves:?} {given:?} {initial}");
    }
}

#[test]
fn numbers_never_come_back() {
    let mut head: Head<Change> = Head::new("h");
    assert_eq!(newest(&head), 0);
    for change in changes(&[1, 2, 3, -3, -2]).into_iter().rev() {
        let event = Event { run: Run::default(), what: change };
        (head, _) = head.append([event]);
    }
    assert_eq!(newest(&head), 3);
    assert_eq!(standing(head.entries().iter().map(|entry| &entry.what), None), Some(1));
    assert_eq!(standing(&changes(&[1, -1]), None), None);
    assert_eq!(standing(&changes(&[1, 2, 3, -2]), Some(3)), Some(1));
}

#[test]
fn records_are_sackers_and_ours() {
    let sha = Sha256::of(b"x");
    let sackers = format!(r#"{{"sha": "{sha}", "basename": "a.jar", "mode": 33188}}"#);
    let Stood::Version(record) = VersionRecord::parse(sackers.as_bytes(), "r").expect("reads")
    else {
        panic!("a version")
    };
    assert_eq!((record.size, permissions(record.mode)), (None, 0o644));
    assert_eq!(permissions(0o104_755), 0o755, "nothing changes who runs it");
    let mut head: Head<Change> = Head::new("h");
    (head, _) = head.append([Event {
        run: Run::default(),
        what: Change::Added { added: 1, sha: None, basename: None },
    }]);
    let ours = VersionRecord {
        size: Some(1),
        entered: Entered::new("i", &Run::at(Utc::read("2026-01-01T00:00:00Z"))),
        ..*record
    }
    .at(&head.position());
    let text = String::from_utf8(ours.to_bytes().expect("JSON")).expect("text");
    assert!(text.starts_with(&format!(r#"{{"sha":"{sha}","basename":"a.jar","mode":33188"#)));
    let Stood::Version(read) = VersionRecord::parse(text.as_bytes(), "r").expect("reads") else {
        panic!("a version")
    };
    assert_eq!(*read, ours);
    assert_eq!(read.entered.position(), Some(head.position()));
    let removed = br#"{"removed_at": "2026-01-01T00:00:00Z"}"#;
    assert!(matches!(VersionRecord::parse(removed, "r").expect("reads"), Stood::Removed(_)));
}

#[test]
fn damaged_records_and_pointers_are_named() {
    let sha = Sha256::of(b"x");
    let record =
        |basename: &str| format!(r#"{{"sha": "{sha}", "basename": {basename:?}, "mode": 33188}}"#);
    for text in [
        String::new(),
        "{".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        record("a")[..40].to_owned(),
        record("../a"),
        record("a/b"),
        record(".."),
        record(""),
        record("a").replace(&sha.hex(), "../../etc/passwd"),
    ] {
        let error = VersionRecord::parse(text.as_bytes(), "s3://b/r").expect_err(&text);
        assert!(error.to_string().starts_with("s3://b/r is damaged"), "{error}");
    }
    assert!(OWN_FILES.contains(&"version"));
    for text in ["", "{}", r#"{"version": null}"#, r#"{"version": "x"}"#] {
        let error = Pointer::parse(text.as_bytes(), "s3://b/t").expect_err(text);
        assert!(error.to_string().starts_with("s3://b/t is damaged"), "{error}");
    }
    for (text, version, tagged) in [
        (r#"{"version": 7}"#, 7, None),
        (r#"{"version": "7"}"#, 7, None),
        (r#"{"version": 7, "tagged": 2}"#, 7, Some(2)),
    ] {
        let pointer = Pointer::parse(text.as_bytes(), "t").expect(text);
        assert_eq!(pointer, Pointer { version, tagged });
    }
}

#[test]
fn what_the_history_does_not_have_yet_is_newest() {
    // The history, the versions newer than it, the given one and whether it is gone, how many the
    // first check wants; the answer.
    type Case = (&'static [i64], &'static [u64], Option<u64>, bool, usize, &'static [u64]);
    let cases: [Case; 11] = [
        (&[1, 2], &[], None, false, 1, &[2]),
        (&[1, 2], &[7, 9], None, false, 1, &[9]),
        (&[1, 2], &[7, 9], None, false, 3, &[2, 7, 9]),
        (&[], &[7, 9], None, false, 1, &[9]),
        (&[1, 2], &[7, 9], Some(1), false, 1, &[1, 2, 7, 9]),
        (&[1, 2], &[7, 9], Some(2), false, 1, &[2, 7, 9]),
        (&[1, 2], &[7, 9], Some(7), false, 1, &[7, 9]),
        (&[1, 2], &[7, 9], Some(9), false, 1, &[9]),
        (&[1, 2], &[7, 9], Some(8), true, 1, &[9]),
        (&[1, 2], &[7, 9], Some(9), true, 1, &[7]),
        (&[1, 2, -1], &[7], Some(1), true, 1, &[7]),
    ];
    for (story, newer, given, gone, initial, want) in cases {
        let mut answer = VersionAnswer::new(given_as(given, gone), initial);
        let _ = changes(story).iter().any(|change| answer.take(change));
        answer.newer(newer.iter().copied());
        let got: Vec<String> = answer.finish().iter().map(|v| v["version"].clone()).collect();
        let want: Vec<String> = want.iter().map(u64::to_string).collect();
        assert_eq!(got, want, "{story:?} {newer:?} {given:?} {gone} {initial}");
    }
}

/// Every object of a ledger, and an exported package.
#[test]
fn fuzz_ledgers() {
    let seeds = [
        r#"{"sha":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","basename":"app.jar","mode":33188,"size":0,"id":"i","added_at":"2026-01-01T00:00:00Z","build":{"name":"a/b/c #1"},"history":"h1:7","removal":{"id":"r","since":"2026-01-01T00:00:00Z"}}"#,
        r#"{"sha":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","basename":"a","mode":420}"#,
        r#"{"removed_at":"2026-01-01T00:00:00Z","build":{"name":"x"},"sha":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","basename":"a","mode":420}"#,
        r#"{"version":"7","tagged":3}"#,
        r#"{"version":7}"#,
        r#"{"format":"s3-asset-package/1","name":"team/app","changes":[{"number":1,"time":"2026-01-01T00:00:00Z","what":{"added":1}},{"number":2,"time":"2026-01-01T00:00:00Z","what":{"removed":1,"newest":0}}],"versions":[{"version":1,"record":{"sha":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","basename":"a","mode":420},"metadata":{"k":"v"}}],"tags":[{"tag":"live","moves":[{"number":1,"time":"2026-01-01T00:00:00Z","what":{"version":1,"id":"i"}}]}]}"#,
    ];
    fuzz_driver::texts("ledgers", 3_000, seeds, |input| {
        let record = match VersionRecord::parse(input.as_bytes(), "the record") {
            Ok(Stood::Version(record)) => {
                assert!(!record.basename.contains('/') && record.basename != "..");
                record.entered.position();
                let again = record.to_bytes().expect("JSON");
                assert_eq!(
                    VersionRecord::parse(&again, "it").expect("again"),
                    Stood::Version(record)
                );
                "version".to_owned()
            }
            Ok(Stood::Removed(_)) => "removed".to_owned(),
            Err(e) => fuzz_driver::line(e),
        };
        let pointer = match Pointer::parse(input.as_bytes(), "the tag") {
            Ok(pointer) => {
                let again = pointer.to_bytes().expect("JSON");
                assert_eq!(Pointer::parse(&again, "it").expect("again"), pointer);
                String::new()
            }
            Err(e) => fuzz_driver::line(e),
        };
        let exported = match Exported::parse(input.as_bytes(), "the file") {
            Ok(exported) => {
                let again = exported.to_bytes().expect("JSON");
                assert_eq!(Exported::parse(&again, "it").expect("again"), exported);
                String::new()
            }
            Err(e) => fuzz_driver::line(format!("{e:#}")),
        };
        format!("{record} {pointer} {exported}")
    });
}
