use super::*;
use crate::digest::Sha256;
use std::os::unix::fs::symlink;

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
    let found = scan(dir, &Selection::new(&globs, hidden)?)?;
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
    let found = scan(dir.path(), &Selection::everything()).expect("found");
    let empty = hash(&found[0], 4).expect("hashed");
    assert_eq!((empty.facts.sha256, empty.sums.len()), (Sha256::of(b""), 0));
    let file = hash(&found[1], 4).expect("hashed");
    assert_eq!((file.facts.sha256, file.sums.len()), (Sha256::of(b"hello world"), 3));
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
    let path = |text| RelPath::parse(text).expect(text);
    let staging = Staging::begin(dir.path()).expect("begun");
    staging.write(0, b"1").expect("written");
    staging.write(1, b"2").expect("written");
    assert_eq!(paths(dir.path(), &[], false).expect("found"), Vec::<String>::new());
    staging.finish(&[(path("a/b"), 0o755), (path("c"), 0o644)]).expect("placed");
    assert_eq!(paths(dir.path(), &[], true).expect("found"), ["a/b", "c"]);
    let mode = fs::metadata(dir.path().join("a/b")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o755);

    let outside = tempfile::tempdir().expect("a directory");
    symlink(outside.path(), dir.path().join("link")).expect("a link");
    let staging = Staging::begin(dir.path()).expect("begun");
    staging.write(0, b"1").expect("written");
    assert!(staging.finish(&[(path("link/x"), 0o644)]).is_err());
    assert!(!outside.path().join("x").exists());
    fs::remove_file(dir.path().join("link")).expect("removed");
    assert_eq!(paths(dir.path(), &["a/**"], true).expect("no stage left"), ["a/b"]);
}
