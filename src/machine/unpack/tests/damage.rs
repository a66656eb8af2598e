//! Archives that chance made: nothing panics, nothing is outside, an error leaves nothing behind.

use super::*;
use fastrand::Rng;

/// Enough to reach what each byte decides, and over in seconds.
const ROUNDS: usize = 300;

/// Unpacks something, and holds it to what holds for every archive.
fn hold(name: &str, bytes: &[u8], seed: u64) -> bool {
    let case = Case::new();
    let canary = case.place.path().join("canary");
    fs::write(&canary, "alive").expect("a canary");
    let unpacked = case.unpack(name, bytes);
    assert_eq!(fs::read(&canary).expect("a canary"), b"alive", "seed {seed}");
    let links = std::os::unix::fs::MetadataExt::nlink(&fs::metadata(&canary).expect("a canary"));
    assert_eq!(links, 1, "seed {seed}");
    let mut beside: Vec<_> = fs::read_dir(case.place.path()).expect("a directory").collect();
    beside.retain(|entry| entry.as_ref().is_ok_and(|it| it.file_name() != "into"));
    assert_eq!(beside.len(), 1, "seed {seed}: only the canary is beside the directory");
    let left = fs::read_dir(case.root()).expect("into").filter_map(Result::ok);
    let stage = left.filter(|entry| entry.file_name().to_string_lossy().starts_with(".s3-asset"));
    assert_eq!(stage.count(), 0, "seed {seed}");
    if let Err(error) = &unpacked {
        let text = error.to_string();
        let is_line = text.starts_with("unpack: ") && !text.contains(char::is_control);
        assert!(is_line || text.contains("is in the way"), "seed {seed}: {text:?}");
    }
    unpacked.is_ok()
}

#[test]
fn damaged_bytes() {
    let records =
        [("path", "p"), ("mtime", "1.5"), ("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,1")];
    let tar = [
        extended(b'x', &records),
        tar_of(&[
            file("s", 0o644, "s"),
            directory("dir/", 0o555),
            file("dir/a", 0o644, &"a".repeat(700)),
            link("l", "dir"),
            hard("l/h", "dir/a"),
        ]),
    ]
    .concat();
    let zip = zip_of(&[("dir/", 0o755, ""), ("dir/a", 0o644, "a"), ("l@", 0o777, "dir")]);
    let mut whole = 0;
    for (index, archive) in
        [tar.clone(), zip, gzip_of(&tar), zstd_of(&tar), bzip2_of(&tar), TAR_XZ.to_vec()]
            .iter()
            .enumerate()
    {
        for round in 0..ROUNDS / 6 {
            let seed = (index * ROUNDS + round) as u64;
            let mut rng = Rng::with_seed(seed);
            let mut bytes = archive.clone();
            for _ in 0..rng.usize(1..4) {
                let at = rng.usize(..bytes.len());
                match rng.u8(..4) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes[at] ^= 1 << rng.u8(..8),
                    2 => bytes[at] = rng.u8(..),
                    _ => bytes.splice(at..at, [rng.u8(..), rng.u8(..)]).for_each(drop),
                }
            }
            // So that damage gets past the checksums of headers.
            if index == 0 {
                for block in
                    bytes.chunks_exact_mut(512).filter(|it| it.iter().any(|byte| *byte != 0))
                {
                    let mut header = ::tar::Header::from_byte_slice(block).clone();
                    header.set_cksum();
                    block.copy_from_slice(header.as_bytes());
                }
            }
            whole += usize::from(hold("a.tgz", &bytes, seed));
        }
    }
    assert!(whole > 0, "some damage hits nothing that counts");
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
        whole += usize::from(hold("a.tar", &tar_of(&list), seed));
    }
    assert!((25..ROUNDS).contains(&whole), "some can be, and some not: {whole}");
}
