//! What somebody makes who wants out, or a full disk.

use super::*;

#[test]
fn nobody_gets_out() {
    let out = "leads out of the directory";
    let cases: [(&str, Vec<u8>, &str); 16] = [
        ("up", tar_of(&[file("../out", 0o644, "x")]), "../out: leads out of the directory"),
        ("deep", tar_of(&[file("a/../../out", 0o644, "x")]), out),
        ("directory", tar_of(&[directory("../out/", 0o777)]), out),
        ("link", tar_of(&[link("../out", "x")]), out),
        (
            "absolute link",
            tar_of(&[link("link", "/"), file("link/out", 0o644, "x")]),
            "link/out: leads out of the directory, through the symbolic link link",
        ),
        ("link up", tar_of(&[link("a/link", "../.."), file("a/link/out", 0o644, "x")]), out),
        (
            "two links",
            tar_of(&[
                directory("d/", 0o755),
                link("a", "d/.."),
                link("b", "a/.."),
                file("b/out", 0o644, "x"),
            ]),
            out,
        ),
        ("directory by a link", tar_of(&[link("l", ".."), directory("l/out/", 0o777)]), out),
        ("mode by a link", tar_of(&[link("l", "/tmp"), directory("l/", 0o777)]), out),
        ("hard link up", tar_of(&[hard("a", "../canary")]), out),
        ("hard link by a link", tar_of(&[link("l", ".."), hard("a", "l/canary")]), out),
        (
            "hard link to nothing",
            tar_of(&[hard("a", "b"), file("b", 0o644, "x")]),
            "a: is a hard link to b, which is no file before it",
        ),
        (
            "circle",
            tar_of(&[link("a", "b"), link("b", "a"), file("a/x", 0o644, "x")]),
            "in a circle",
        ),
        ("no name", tar_of(&[file("", 0o644, "x")]), "is no name of a file"),
        ("zip up", zip_of(&[("../out", 0o644, "x")]), out),
        ("zip link", zip_of(&[("l@", 0o777, ".."), ("l/out", 0o644, "x")]), out),
    ];
    for (name, bytes, want) in cases {
        let case = Case::new();
        let canary = case.place.path().join("canary");
        fs::write(&canary, "alive").expect("a canary");
        let error = case.error(name, &bytes).to_string();
        assert!(error.starts_with(&format!("unpack: {name}: ")) && error.contains(want), "{error}");
        let beside = fs::read_dir(case.place.path()).expect("a directory").count();
        assert_eq!(beside, 2, "{name}: only the canary and the directory");
        let metadata = fs::metadata(&canary).expect("a canary");
        assert_eq!(fs::read(&canary).expect("a canary"), b"alive", "{name}");
        assert_eq!(std::os::unix::fs::MetadataExt::nlink(&metadata), 1, "{name}");
    }
    assert!(!Path::new("/out").exists());
}

#[test]
fn what_looks_like_the_way_out_is_not() {
    // An absolute path is one below the directory, as it is for tar itself; and nobody gets the
    // set-user-id bit.
    check(&[
        ("a.tar", tar_of(&[file("/abs", 0o4755, "x")]), &["abs 755 x"]),
        ("a.zip", zip_of(&[("/abs", 0o755, "x")]), &["abs 755 x"]),
        // A link at an entry's own name is replaced, not written through.
        ("own.tar", tar_of(&[link("l", "../canary"), file("l", 0o644, "x")]), &["l 644 x"]),
    ]);
    // What is at the destination before is not written through either.
    let case = Case::new();
    symlink(case.place.path(), case.root().join("other")).expect("a link");
    let error = case.unpack("a.tar", &tar_of(&[file("other/out", 0o644, "x")]));
    assert!(error.expect_err("refused").to_string().contains("is in the way"));
    assert!(!case.place.path().join("out").exists());
}

#[test]
fn what_is_no_file_is_refused_by_name() {
    let entry = |kind| tar_of(&[Entry { name: "odd", kind, ..EMPTY }]);
    let mut fifo = zip_of(&[("odd", 0o644, "")]);
    let list = fifo.windows(4).position(|it| it == b"PK\x01\x02").expect("the list");
    fifo[list + 41] = 0x11;
    let mut secret = zip_of(&[("odd", 0o644, "x")]);
    let list = secret.windows(4).position(|it| it == b"PK\x01\x02").expect("the list");
    (secret[6], secret[list + 8]) = (1, 1);
    let cases = [
        (entry(b'3'), "odd: is a device, which is not unpacked"),
        (entry(b'4'), "odd: is a device, which is not unpacked"),
        (entry(b'6'), "odd: is a named pipe, which is not unpacked"),
        (entry(b'M'), "odd: goes on from another archive"),
        (entry(b'Z'), "odd: is an entry of the unknown type `Z`"),
        (entry(b'\x1b'), "odd: is an entry of the unknown type `\\u{1b}`"),
        (tar_of(&[link("odd", "")]), "odd: is a symbolic link to nothing"),
        (tar_of(&[directory("odd/", 0o755), file("odd", 0o644, "")]), "odd: is a directory before"),
        (
            tar_of(&[file("odd", 0o644, ""), file("odd/a", 0o644, "")]),
            "odd/a: lies below odd, which is a file before",
        ),
        (
            tar_of(&[file("a\x1b[31m", 0o644, ""), directory("a\x1b[31m/", 0o755)]),
            "a\\u{1b}[31m/: ",
        ),
        (fifo, "odd: is a device, a pipe or a socket"),
        (secret, "odd: is encrypted"),
    ];
    for (bytes, want) in cases {
        let error = Case::new().error("a", &bytes).to_string();
        assert!(error.starts_with(&format!("unpack: a: {want}")), "{error}");
    }
}

#[test]
fn more_than_an_archive_may_hold_is_not_written() {
    let zeros = vec![0; 3 << 20];
    let text = String::from_utf8(zeros.clone()).expect("a text");
    let tar = tar_of(&[file("a", 0o644, &text)]);
    let empty: Vec<_> = (0..6000).map(|_| file("same", 0o644, "")).collect();
    let bombs = [
        ("a.gz", gzip_of(&zeros)),
        ("a.bz2", bzip2_of(&zeros)),
        ("a.zst", zstd_of(&zeros)),
        ("a.tgz", gzip_of(&tar)),
        ("a.zip", zip_of(&[("a", 0o644, &text)])),
        ("b.zip", zip_of(&[("a", 0o644, &text[..1 << 20]), ("b", 0o644, &text[..(1 << 20) + 1])])),
        // As many files as there is room for, and no bytes in them.
        ("names.tgz", gzip_of(&tar_of(&empty))),
    ];
    for (name, bytes) in bombs {
        for (most, fits) in [(2 << 20, false), (4 << 20, true)] {
            let case = Case::new();
            let archive = case.place.path().join(name);
            fs::write(&archive, &bytes).expect("the archive");
            let mut budget = Budget::new(bytes.len() as u64, 200);
            budget.left = most;
            let kind = Kind::of(&bytes[..8], name).expect("an archive");
            let (mut tree, root) = (Vec::new(), case.root());
            tree.push(Tree::new(&root));
            let open = File::open(&archive).expect("the archive");
            let placed = place(&mut tree[0], open, kind, name, &mut budget);
            assert_eq!(placed.is_ok(), fits, "{name}: {placed:?}");
            if let Err(error) = placed {
                let text = format!("{error:#}");
                assert!(
                    text.ends_with("it holds more than 1.0 GiB, and is 3.0 KiB")
                        || text.contains("it holds more than 1.0 GiB, and is "),
                    "{text}"
                );
                assert!(hint(&error).expect("a hint").contains("`unpack_limit`"));
                let sizes = walkdir::WalkDir::new(case.root())
                    .into_iter()
                    .map(|entry| entry.and_then(|entry| entry.metadata()).expect("an entry"));
                let sum: u64 = sizes.filter(fs::Metadata::is_file).map(|it| it.len()).sum();
                assert!(sum <= most, "{name}: {sum}");
            }
        }
    }
    // The bound itself, and what it says.
    for (archive, times, most, want) in [
        (1, 200, 1 << 30, "it holds more than 1.0 GiB, and is 1 B"),
        (
            8 << 20,
            200,
            1600 << 20,
            "it holds more than 1.6 GiB, and is 8.0 MiB: more than 200 times its size",
        ),
        (
            8 << 20,
            1000,
            8000 << 20,
            "it holds more than 7.8 GiB, and is 8.0 MiB: more than 1000 times its size",
        ),
        (
            u64::MAX,
            2,
            u64::MAX,
            "it holds more than 16384.0 PiB, and is 16384.0 PiB: more than 2 times its size",
        ),
    ] {
        let mut budget = Budget::new(archive, times);
        assert_eq!(budget.left, most);
        budget.left = 3;
        let error = io::copy(&mut budget.bound(&b"four"[..]), &mut io::sink()).expect_err(want);
        assert_eq!(error.to_string(), want);
    }
}

#[test]
fn headers_that_ask_for_memory_get_none() {
    let size = |text: &[u8; 12]| {
        let text = *text;
        header(
            &Entry { name: "a", kind: b'x', ..EMPTY },
            ::tar::Header::new_ustar(),
            move |bytes| {
                bytes[124..136].copy_from_slice(&text);
            },
        )
    };
    let mut window = zstd_of(b"a");
    // A window of 2 GiB in the frame's header.
    window.splice(4.., [0x00, 0xa8, 0x01, 0x00, 0x00]);
    let cases = [
        (size(b"77777777777\0"), "an extended header is larger than any is"),
        (
            size(b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"),
            "an extended header is larger than any is",
        ),
        (size(b"00007777777\0"), "ends in the middle of an extended header"),
        (window, ""),
    ];
    for (bytes, want) in cases {
        let error = Case::new().error("a", &bytes).to_string();
        assert!(error.starts_with(&format!("unpack: a: {want}")), "{error}");
    }
}
