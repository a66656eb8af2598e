//! Archives that chance made: nothing panics, nothing is outside, an error leaves nothing behind.

use super::*;
use fastrand::Rng;

/// Enough to reach what each byte decides, and over in seconds.
const ROUNDS: usize = 300;

/// Unpacks something, and holds it to what holds for every archive; the answer is the error.
fn hold(name: &str, bytes: &[u8]) -> Option<String> {
    let case = Case::new();
    let canary = case.place.path().join("canary");
    fs::write(&canary, "alive").expect("a canary");
    let unpacked = case.unpack(name, bytes);
    assert_eq!(fs::read(&canary).expect("a canary"), b"alive");
    let links = std::os::unix::fs::MetadataExt::nlink(&fs::metadata(&canary).expect("a canary"));
    assert_eq!(links, 1);
    let mut beside: Vec<_> = fs::read_dir(case.place.path()).expect("a directory").collect();
    beside.retain(|entry| entry.as_ref().is_ok_and(|it| it.file_name() != "into"));
    assert_eq!(beside.len(), 1, "only the canary is beside the directory");
    let left = fs::read_dir(case.root()).expect("into").filter_map(Result::ok);
    let stage = left.filter(|entry| entry.file_name().to_string_lossy().starts_with(".s3-asset"));
    assert_eq!(stage.count(), 0);
    let text = unpacked.err()?.to_string();
    let is_line = text.starts_with("unpack: ") && !text.contains(char::is_control);
    assert!(is_line || text.contains("is in the way"), "{text:?}");
    Some(text)
}

/// A tar with something of everything.
fn tar() -> Vec<u8> {
    let records =
        [("path", "p"), ("mtime", "1.5"), ("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,1")];
    let text = "a".repeat(700);
    let list = [
        file("s", 0o644, "s"),
        directory("dir/", 0o555),
        file("dir/a", 0o644, &text),
        link("l", "dir"),
        hard("l/h", "dir/a"),
    ];
    [extended(b'x', &records), tar_of(&list)].concat()
}

/// With right checksums, so that damage gets past those of headers.
fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while let Some(block) = bytes.get_mut(at..at + 512) {
        at += 512;
        if block.iter().all(|byte| *byte == 0) {
            continue;
        }
        let mut header = ::tar::Header::from_byte_slice(block).clone();
        header.set_cksum();
        block.copy_from_slice(header.as_bytes());
        let size = header.entry_size().ok().and_then(|it| usize::try_from(it).ok());
        at = at.saturating_add(size.unwrap_or(0).min(bytes.len()).next_multiple_of(512));
    }
    bytes
}

#[test]
fn fuzz_tars() {
    let long = [Entry { name: "././@LongLink", kind: b'L', bytes: b"a/b\0", ..EMPTY }];
    let old = old_tar_of(&[file("a", 0o644, "text"), directory("d/", 0o755)]);
    let seeds = [tar(), [entries(&long), tar_of(&[file("c", 0o600, "c")])].concat(), old];
    fuzz_driver::bytes("tars", 500, seeds, |input| {
        hold("a.tar", &summed(input.to_vec())).unwrap_or_default()
    });
}

#[test]
fn fuzz_zips() {
    let seeds = [
        zip_of(&[("dir/", 0o755, ""), ("dir/a", 0o644, "a"), ("l@", 0o777, "dir")]),
        zip_of(&[("l@", 0o777, ".."), ("l/canary", 0o644, "dead")]),
    ];
    fuzz_driver::bytes("zips", 400, seeds, |input| hold("a.zip", input).unwrap_or_default());
}

/// Around a tar and around a file; the name decides nothing but the file's.
#[test]
fn fuzz_compressed() {
    let text = b"text, text, text";
    let seeds = [
        gzip_of(&tar()),
        gzip_of(text),
        bzip2_of(&tar()),
        bzip2_of(text),
        zstd_of(&tar()),
        zstd_of(text),
        TAR_XZ.to_vec(),
        TEXT_XZ.to_vec(),
    ];
    fuzz_driver::bytes("compressed", 500, seeds, |input| hold("a.tgz", input).unwrap_or_default());
}

/// Extended headers and maps of holes, without the archive around them.
#[test]
fn fuzz_headers() {
    let seeds = [
        "14 path=a/b/c\n18 linkpath=../x/y\n10 size=9\n20 mtime=1234567.5\n",
        "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n30 GNU.sparse.name=some/where\n",
        "22 GNU.sparse.size=9\n25 GNU.sparse.map=0,1,2,3\n23 GNU.sparse.offset=4\n25 GNU.sparse.numbytes=5\n",
    ];
    fuzz_driver::texts("headers", 10_000, seeds, |input| {
        let mut pax = super::super::pax::Pax::default();
        let taken =
            pax.take_up(input.as_bytes()).map_or_else(fuzz_driver::line, |()| String::new());
        let there = pax.sparse.is_there();
        let holes = pax.sparse.holes(&mut input.as_bytes());
        let holes = holes.map_or_else(|e| fuzz_driver::line(format!("{e:#}")), |_| String::new());
        format!("{taken} {there} {holes}")
    });
}

#[test]
fn entries_in_any_order() {
    let names = [
        "a",
        "b",
        "a/b",
        "b/a",
        "a/b/c",
        "../canary",
        "/a",
        ".",
        "a/..",
        "a/../../canary",
        "b/../a",
    ];
    let targets = [
        ".",
        "..",
        "../..",
        "a",
        "b",
        "a/b",
        "/",
        "../canary",
        "/etc/passwd",
        "b/..",
        "a/../b",
        "",
    ];
    let mut whole = 0;
    for seed in 0..ROUNDS as u64 {
        let mut rng = Rng::with_seed(seed);
        let list: Vec<_> = (0..rng.usize(1..8))
            .map(|_| {
                let (name, to) =
                    (names[rng.usize(..names.len())], targets[rng.usize(..targets.len())]);
                match rng.u8(..4) {
                    0 => file(name, 0o644, "changed"),
                    1 => directory(name, 0o700),
                    2 => link(name, to),
                    _ => hard(name, to),
                }
            })
            .collect();
        whole += usize::from(hold("a.tar", &tar_of(&list)).is_none());
    }
    assert!((25..ROUNDS).contains(&whole), "some can be, and some not: {whole}");
}
