//! Files with holes: the right bytes, or refused.

use super::*;

const WHOLE: u64 = 20_000;

/// A block of `x`, a hole, a block and a bit of `y`, a hole.
fn data() -> Vec<u8> {
    [vec![b'x'; 512], vec![b'y'; 600]].concat()
}

fn is_right(bytes: &[u8]) -> bool {
    bytes.len() as u64 == WHOLE
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            0..512 => *byte == b'x',
            8192..8792 => *byte == b'y',
            _ => *byte == 0,
        })
}

/// An extended header, and an entry for programs that know no holes.
fn pax(records: &[(&str, &str)], bytes: &[u8]) -> Vec<u8> {
    let size = WHOLE.to_string();
    let records: Vec<_> = records
        .iter()
        .map(|(key, value)| (*key, if *value == "SIZE" { &size } else { *value }))
        .collect();
    let entry = Entry { name: "GNUSparseFile.0/a", bytes, ..EMPTY };
    [extended(b'x', &records), entries(&[entry, file("after", 0o644, "after")])].concat()
}

/// In front of the data: how many segments, and their numbers.
fn map(numbers: &str, data: &[u8]) -> Vec<u8> {
    [padded(numbers.as_bytes()), data.to_vec()].concat()
}

/// GNU's old way: the segments in the header and, where `extra`, in a block after it.
fn old(segments: &[(u64, u64)], whole: u64, bytes: &[u8]) -> Vec<u8> {
    let octal = |number: u64| format!("{number:011o}\0").into_bytes();
    let pairs: Vec<u8> = segments
        .iter()
        .flat_map(|(offset, length)| [octal(*offset), octal(*length)].concat())
        .collect();
    let (inside, after) = pairs.split_at(pairs.len().min(96));
    let entry = Entry { name: "a", kind: b'S', bytes, ..EMPTY };
    let head = header(&entry, ::tar::Header::new_gnu(), |block| {
        block[386..386 + inside.len()].copy_from_slice(inside);
        block[482] = u8::from(!after.is_empty());
        block[483..495].copy_from_slice(&octal(whole));
    });
    let more = if after.is_empty() { Vec::new() } else { padded(after) };
    [head, more, padded(bytes), entries(&[file("after", 0o644, "after")])].concat()
}

#[test]
fn holes_of_every_format_are_holes() {
    let data = data();
    let name = ("GNU.sparse.name", "a");
    let one = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), name];
    let with = |more: &[(&'static str, &'static str)]| [&one[..], more].concat();
    let cases = [
        (
            "1.0",
            pax(&with(&[("GNU.sparse.realsize", "SIZE")]), &map("2\n0\n512\n8192\n600\n", &data)),
        ),
        (
            "1.0, an empty segment at the end",
            pax(
                &with(&[("GNU.sparse.realsize", "SIZE")]),
                &map("3\n0\n512\n8192\n600\n20000\n0\n", &data),
            ),
        ),
        (
            "1.0, the size with holes as the size",
            pax(
                &with(&[("GNU.sparse.realsize", "SIZE"), ("size", "SIZE")]),
                &map("2\n0\n512\n8192\n600\n", &data),
            ),
        ),
        (
            "0.1",
            pax(
                &[
                    ("GNU.sparse.size", "SIZE"),
                    ("GNU.sparse.numblocks", "2"),
                    name,
                    ("GNU.sparse.map", "0,512,8192,600"),
                ],
                &data,
            ),
        ),
        (
            "0.0",
            pax(
                &[
                    ("path", "a"),
                    ("GNU.sparse.size", "SIZE"),
                    ("GNU.sparse.numblocks", "2"),
                    ("GNU.sparse.offset", "0"),
                    ("GNU.sparse.numbytes", "512"),
                    ("GNU.sparse.offset", "8192"),
                    ("GNU.sparse.numbytes", "600"),
                ],
                &data,
            ),
        ),
        ("old", old(&[(0, 512), (8192, 600), (WHOLE, 0)], WHOLE, &data)),
        (
            "old, with a block of segments",
            old(&[(0, 512), (512, 0), (600, 0), (700, 0), (8192, 600), (WHOLE, 0)], WHOLE, &data),
        ),
    ];
    for (name, bytes) in cases {
        for (name, bytes) in
            [(name.to_owned(), bytes.clone()), (format!("{name}.tgz"), gzip_of(&bytes))]
        {
            let case = Case::new();
            case.unpack(&name, &bytes).expect(&name);
            assert!(is_right(&fs::read(case.root().join("a")).expect("a")), "{name}");
            assert_eq!(fs::read(case.root().join("after")).expect("after"), b"after", "{name}");
            assert_eq!(fs::read_dir(case.root()).expect("into").count(), 2, "{name}");
        }
    }
}

#[test]
fn a_file_that_is_one_hole() {
    let records = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "a"),
        ("GNU.sparse.realsize", "1099511627776"),
    ];
    let case = Case::new();
    case.unpack("a", &pax(&records, &map("0\n", b""))).expect("unpacks, though it is a TiB");
    let metadata = fs::metadata(case.root().join("a")).expect("a");
    assert_eq!(metadata.len(), 1 << 40);
    assert_eq!(std::os::unix::fs::MetadataExt::blocks(&metadata), 0);
}

#[test]
fn maps_that_cannot_be_are_refused() {
    let data = data();
    let one = |map: &[u8]| {
        let records = [
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "a"),
            ("GNU.sparse.realsize", "SIZE"),
        ];
        pax(&records, map)
    };
    let cases = [
        (one(&map("1\n0\n512\n", &data)), "its map of holes does not fit its bytes"),
        (one(&map("2\n0\n512\n100\n600\n", &data)), "its map of holes does not fit its size"),
        (one(&map("2\n8192\n600\n0\n512\n", &data)), "its map of holes does not fit its size"),
        (one(&map("1\n19999\n1112\n", &data)), "its map of holes does not fit its size"),
        (one(&map("1\n18446744073709551615\n1112\n", &data)), "its map of holes does not fit"),
        (one(&map("2\n0\n600\n8192\n512\n", &data)), "its map of holes does not keep to blocks"),
        (one(&map("2\n0\nx\n", &data)), "its map of holes is damaged"),
        (one(&map("2\n0\n\n", &data)), "its map of holes is damaged"),
        (one(b"2\n0\n"), "its map of holes is cut off"),
        (one(&map("99999999\n0\n", &data)), "has more holes than are read"),
        (
            pax(&[("GNU.sparse.major", "2"), ("GNU.sparse.minor", "1")], &data),
            "has holes, written as in version 2.1 of GNU tar's format, which is unknown",
        ),
        (pax(&[("GNU.sparse.map", "0,512")], &data), "has holes, and no size"),
        (old(&[(0, 512), (8192, 601)], WHOLE, &data), "its map of holes does not fit its bytes"),
        (entries(&[Entry { name: "a", kind: b'S', ..EMPTY }]), "has holes, and no list of them"),
    ];
    for (bytes, want) in cases {
        let error = Case::new().error("a.tar", &bytes).to_string();
        assert!(
            error.starts_with("unpack: a.tar: ") && error.contains(want),
            "{error}, not {want}"
        );
    }
}
