use super::*;
use crate::input::selection::Selection;
use crate::words::digest::Sha256;
use crate::words::names::RelPath;
use std::os::unix::fs::symlink;

const RESERVED: [&str; 2] = [".found", ".sets"];

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (path, content) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(path, content).expect("a file");
    }
    dir
}

fn paths(dir: &Path, globs: &[&str], hidden: bool) -> anyhow::Result<Vec<String>> {
    let globs: Vec<String> = globs.iter().map(|g| (*g).to_owned()).collect();
    let found = scan(dir, &Selection::new(&globs, hidden)?, &RESERVED)?;
    Ok(found.into_iter().map(|f| f.path.to_string()).collect())
}

#[test]
fn what_is_selected() {
    let dir = tree(&[
        ("a.zip", ""),
        ("b c+é%.zip", ""),
        ("n/d.zip", ""),
        (".h", ""),
        (".g/x", ""),
        ("n/.x", ""),
    ]);
    let cases: [(&[&str], bool, &[&str]); 6] = [
        (&[], false, &["a.zip", "b c+é%.zip", "n/d.zip"]),
        (&["*.zip"], false, &["a.zip", "b c+é%.zip"]),
        (&["**/*.zip"], false, &["a.zip", "b c+é%.zip", "n/d.zip"]),
        (&["n/**", "a.*"], false, &["a.zip", "n/d.zip"]),
        (&["./a.zip"], false, &["a.zip"]),
        (&[], true, &[".g/x", ".h", "a.zip", "b c+é%.zip", "n/.x", "n/d.zip"]),
    ];
    for (globs, hidden, want) in cases {
        assert_eq!(paths(dir.path(), globs, hidden).expect("found"), want, "{globs:?} {hidden}");
    }
}

#[test]
fn links_inside_are_followed_and_links_outside_refused() {
    let dir = tree(&[("real/x", "1")]);
    symlink("real/x", dir.path().join("file")).expect("a link");
    symlink("real", dir.path().join("dir")).expect("a link");
    assert_eq!(paths(dir.path(), &[], false).expect("found"), ["dir/x", "file", "real/x"]);
    for (target, want) in [
        ("/etc/hostname", "leads out"),
        ("/etc", "leads out"),
        ("gone", "to nothing"),
        (".", "that it is in"),
    ] {
        symlink(target, dir.path().join("bad")).expect("a link");
        let error = paths(dir.path(), &[], false).expect_err(want).to_string();
        assert!(error.contains(want), "{error}");
        fs::remove_file(dir.path().join("bad")).expect("removed");
    }
}

#[test]
fn what_cannot_be_published_is_refused() {
    let dir = tree(&[(".found", "")]);
    assert!(
        paths(dir.path(), &[], true).expect_err("reserved").to_string().contains("keeps to itself")
    );
    assert!(
        paths(&dir.path().join("none"), &[], false)
            .expect_err("none")
            .to_string()
            .contains("there is no")
    );
    assert!(
        paths(&dir.path().join(".found"), &[], false)
            .expect_err("file")
            .to_string()
            .contains("is a file")
    );
}

#[test]
fn hashing_and_reading_agree_or_say_so() {
    let dir = tree(&[("f", "hello world"), ("empty", "")]);
    let found = scan(dir.path(), &Selection::everything(), &RESERVED).expect("found");
    let empty = hash(&found[0], 4, Digests::Parts).expect("hashed");
    assert_eq!((empty.facts.sha256, empty.sums.len()), (Sha256::of(b""), 0));
    let file = hash(&found[1], 4, Digests::Parts).expect("hashed");
    assert_eq!((file.facts.sha256, file.sums.len()), (Sha256::of(b"hello world"), 3));
    assert!(file.parts.is_some());
    let whole = hash(&found[1], 4, Digests::Whole).expect("hashed");
    assert_eq!(
        (whole.facts.sha256, &whole.sums, whole.parts),
        (file.facts.sha256, &file.sums, None)
    );
    assert_eq!(read_part(&file, 2, Vec::new()).expect("read"), "rld");
    for content in ["hello w0rld", "hello wor"] {
        fs::write(dir.path().join("f"), content).expect("written");
        assert!(
            read_part(&file, 2, Vec::new()).is_err() || read_part(&file, 1, Vec::new()).is_err(),
            "{content}"
        );
    }
}

#[test]
fn files_get_their_names_together_and_never_through_a_link() {
    let dir = tempfile::tempdir().expect("a directory");
    let create = |staging: &Staging, path: &str, mode| {
        staging.create(&RelPath::parse(path).expect(path), mode).map(drop)
    };
    let staging = Staging::begin(dir.path()).expect("begun");
    create(&staging, "a/b", 0o755).expect("created");
    create(&staging, "a/c/d", 0o644).expect("created");
    create(&staging, "e", 0o644).expect("created");
    assert!(create(&staging, "e", 0o644).is_err(), "a name is given once");
    assert!(create(&staging, "e/f", 0o644).is_err(), "a file is no directory");
    assert_eq!(paths(dir.path(), &[], false).expect("found"), Vec::<String>::new());
    staging.finish(&[]).expect("placed");
    assert_eq!(paths(dir.path(), &[], true).expect("found"), ["a/b", "a/c/d", "e"]);
    let mode = |path| fs::metadata(dir.path().join(path)).expect("there").permissions().mode();
    assert_eq!((mode("a/b") & 0o777, mode("e") & 0o777), (0o755, 0o644));

    // What is there already stays, beside what comes.
    let staging = Staging::begin(dir.path()).expect("begun");
    create(&staging, "a/c/f", 0o644).expect("created");
    create(&staging, "e", 0o755).expect("created");
    create(&staging, "g", 0o644).expect("created");
    assert!(staging.take_out("g").expect("out") && !staging.take_out("g").expect("gone"));
    staging.finish(&[]).expect("placed");
    assert_eq!(paths(dir.path(), &[], true).expect("found"), ["a/b", "a/c/d", "a/c/f", "e"]);
    assert_eq!(mode("e") & 0o777, 0o755);

    let outside = tempfile::tempdir().expect("a directory");
    symlink(outside.path(), dir.path().join("link")).expect("a link");
    for (path, place) in [("link/x", "link"), ("e/x", "e"), ("a", "a")] {
        let staging = Staging::begin(dir.path()).expect("begun");
        create(&staging, path, 0o644).expect("created");
        let error = staging.finish(&[]).expect_err("in the way").to_string();
        assert!(error.contains(&format!("/{place} is in the way")), "{error}");
    }
    assert!(!outside.path().join("x").exists());
    fs::remove_file(dir.path().join("link")).expect("removed");
    let all = paths(dir.path(), &[], true).expect("no stage left");
    assert_eq!(all, ["a/b", "a/c/d", "a/c/f", "e"]);
}

#[test]
fn paths_of_inputs_stay_within_them() {
    let root = tempfile::TempDir::new().expect("a directory");
    let outside = tempfile::TempDir::new().expect("a directory");
    let inputs = root.path().join("inputs");
    fs::create_dir_all(inputs.join("a/b")).expect("made");
    std::os::unix::fs::symlink(outside.path(), inputs.join("out")).expect("a link");
    std::os::unix::fs::symlink("a/b", inputs.join("in")).expect("a link");
    let cases = [
        ("a/b", None),
        (".", None),
        ("./a", None),
        ("in", None),
        ("nothing/there", None),
        ("/etc", Some("is absolute")),
        ("a/../../x", Some("leads out of its directory")),
        ("out", Some("is a symbolic link that leads out of the inputs")),
    ];
    for (text, want) in cases {
        let error = input(&inputs, text, "params.directory").err().map(|e| e.to_string());
        assert_eq!(error, want.map(|why| format!("params.directory: `{text}` {why}")), "{text}");
    }
}

#[test]
fn a_name_that_is_no_text_is_left_out_by_globs() {
    use std::os::unix::ffi::OsStrExt as _;
    let root = tempfile::TempDir::new().expect("a directory");
    let odd = std::ffi::OsStr::from_bytes(b"odd-\xff.log");
    fs::write(root.path().join(odd), "x").expect("written");
    fs::write(root.path().join("a.zip"), "x").expect("written");
    let of = |globs: &[String]| {
        let selection = Selection::new(globs, false).expect("globs");
        scan(root.path(), &selection, &[]).map(|found| found.len())
    };
    assert_eq!(of(&["*.zip".to_owned()]).expect("left out"), 1);
    for globs in [&[][..], &["*.log".to_owned()]] {
        assert!(of(globs).expect_err("meant").to_string().contains("is not UTF-8"));
    }
}

#[test]
fn a_file_that_became_a_pipe_is_not_waited_for() {
    let root = tempfile::TempDir::new().expect("a directory");
    let disk = root.path().join("f");
    fs::write(&disk, "x").expect("written");
    let found = found(RelPath::parse("f").expect("a path"), disk.clone()).expect("a file");
    let hashed = hash(&found, 1, Digests::Whole).expect("hashed");
    fs::remove_file(&disk).expect("removed");
    let made = std::process::Command::new("mkfifo").arg(&disk).status().expect("mkfifo runs");
    assert!(made.success());
    for error in [hash(&found, 1, Digests::Whole).err(), read_part(&hashed, 0, Vec::new()).err()] {
        let error = error.expect("refused").to_string();
        assert!(error.contains("changed while it was read"), "{error}");
    }
}
