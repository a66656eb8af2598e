use super::*;
use crate::machine::workspace::Staging;
use crate::words::fault::hint_of;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use tempfile::TempDir;

mod damage;
mod hostile;
mod sparse;

/// An entry of a tar, written as it is: no program's door refuses what an attacker would not.
struct Entry<'a> {
    name: &'a str,
    kind: u8,
    mode: u32,
    link: &'a str,
    bytes: &'a [u8],
}

const EMPTY: Entry<'static> = Entry { name: "", kind: b'0', mode: 0o644, link: "", bytes: b"" };

fn file<'a>(name: &'a str, mode: u32, text: &'a str) -> Entry<'a> {
    Entry { name, mode, bytes: text.as_bytes(), ..EMPTY }
}

fn directory(name: &str, mode: u32) -> Entry<'_> {
    Entry { name, kind: b'5', mode, ..EMPTY }
}

fn link<'a>(name: &'a str, to: &'a str) -> Entry<'a> {
    Entry { name, kind: b'2', mode: 0o777, link: to, ..EMPTY }
}

fn hard<'a>(name: &'a str, to: &'a str) -> Entry<'a> {
    Entry { name, kind: b'1', link: to, ..EMPTY }
}

/// A block of a tar with a right checksum, whatever `change` makes of it.
fn header(
    entry: &Entry<'_>,
    mut header: ::tar::Header,
    change: impl Fn(&mut [u8; 512]),
) -> Vec<u8> {
    let old = header.as_old_mut();
    old.name[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
    old.linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
    old.linkflag = [entry.kind];
    header.set_mode(entry.mode);
    header.set_mtime(1_000_000_000);
    header.set_size(entry.bytes.len() as u64);
    change(header.as_mut_bytes());
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// The entries, and no end.
fn entries(entries: &[Entry<'_>]) -> Vec<u8> {
    let one = |entry: &Entry<'_>| {
        [header(entry, ::tar::Header::new_ustar(), |_| {}), padded(entry.bytes)].concat()
    };
    entries.iter().flat_map(one).collect()
}

fn tar_of(list: &[Entry<'_>]) -> Vec<u8> {
    [entries(list), vec![0; 1024]].concat()
}

/// As programs wrote it before ustar: no mark, no type for a directory.
fn old_tar_of(list: &[Entry<'_>]) -> Vec<u8> {
    let one = |entry: &Entry<'_>| {
        let header = header(&Entry { kind: 0, ..*entry }, ::tar::Header::new_old(), |_| {});
        [header, padded(entry.bytes)].concat()
    };
    list.iter().flat_map(one).chain([0; 1024]).collect()
}

/// An extended header of records.
fn extended(kind: u8, records: &[(&str, &str)]) -> Vec<u8> {
    let record = |(key, value): &(&str, &str)| {
        let rest = key.len() + value.len() + 3;
        let length = (1..).find(|length| (rest + length).to_string().len() == *length);
        format!("{} {key}={value}\n", rest + length.expect("a length"))
    };
    let text: String = records.iter().map(record).collect();
    entries(&[Entry { name: "extended", kind, bytes: text.as_bytes(), ..EMPTY }])
}

fn zip_of(entries: &[(&str, u32, &str)]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, mode, text) in entries {
        let options = ::zip::write::SimpleFileOptions::default()
            .compression_method(::zip::CompressionMethod::Deflated)
            .unix_permissions(*mode);
        if path.ends_with('/') {
            writer.add_directory(*path, options).expect("an entry");
        } else if let Some(path) = path.strip_suffix('@') {
            writer.add_symlink(path, *text, options).expect("an entry");
        } else {
            writer.start_file(*path, options).expect("an entry");
            writer.write_all(text.as_bytes()).expect("its bytes");
        }
    }
    writer.finish().expect("a zip").into_inner()
}

fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("a gzip")
}

fn bzip2_of(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("a bzip2")
}

fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).expect("a zstd")
}

/// `text`, in two streams, with padding after each.
const TEXT_XZ: &[u8] = b"\
    \xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\
    \xe5\xa3\x01\x00\x01\x74\x65\x00\x00\x00\x33\x6d\x5a\xf5\x61\x81\xcf\x35\x00\x01\x1a\x02\
    \xdc\x2e\xa5\x7e\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a\x00\x00\x00\x00\xfd\x37\
    \x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3\
    \x01\x00\x01\x78\x74\x00\x00\x00\x43\x25\x16\x6c\x6b\x18\x25\x2a\x00\x01\x1a\x02\xdc\x2e\
    \xa5\x7e\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a\x00\x00\x00\x00\x00\x00\x00\x00\
";

/// A tar of a file `a`, with an `a` in it.
const TAR_XZ: &[u8] = b"\
    \xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x1c\x00\x00\x00\x10\xcf\
    \x58\xcc\xe0\x27\xff\x00\x55\x5d\x00\x30\x80\x33\x50\x18\x68\x89\x83\x01\xdc\xe2\x6e\x21\
    \x05\x46\x57\x7c\xd8\x72\xfe\xfd\x8a\xd3\xc0\x76\xcb\x8c\x01\xfc\xba\x26\x0b\x65\x88\x13\
    \x31\x95\x6d\x27\x8e\x5a\x32\x0f\xc9\xa7\x86\x3d\x38\x9c\x52\x44\x2f\x09\x8c\x5c\xa8\xc7\
    \x78\x7a\xef\xd8\x89\xcb\x02\xa3\x59\xf5\x54\xc6\xf8\xec\x6c\x85\x83\x72\x07\x64\x81\x34\
    \xcd\xcc\x6c\x26\x00\x00\x00\x00\x00\x00\x1a\x25\x52\x2c\x01\xef\xcf\x8f\x00\x01\x71\x80\
    \x50\x00\x00\x00\x89\xb5\xc0\x79\xb1\xc4\x67\xfb\x02\x00\x00\x00\x00\x04\x59\x5a\
";

struct Case {
    place: TempDir,
}

impl Case {
    fn new() -> Case {
        let case = Case { place: TempDir::new().expect("a directory") };
        fs::create_dir(case.root()).expect("a directory");
        case
    }

    fn root(&self) -> PathBuf {
        self.place.path().join("into")
    }

    /// As a get does it.
    fn unpack(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let staging = Staging::begin(&self.root())?;
        fs::write(staging.archive(), bytes).expect("the archive");
        let directories = unpack(&staging.archive(), name, staging.tree(), 200)?;
        staging.finish(&directories)
    }

    /// The error, after which nothing may be there.
    fn error(&self, name: &str, bytes: &[u8]) -> anyhow::Error {
        let error = self.unpack(name, bytes).expect_err("refused");
        assert_eq!(self.all(), Vec::<String>::new(), "{name} leaves something: {error}");
        assert!(hint_of(&error).is_some(), "{error}");
        error
    }

    /// What is there, sorted: `path mode text` of a file, `path/ mode`, `path -> target`.
    fn all(&self) -> Vec<String> {
        let into = self.root();
        let walk = walkdir::WalkDir::new(&into).min_depth(1).sort_by_file_name().into_iter();
        walk.map(|entry| {
            let entry = entry.expect("an entry");
            let path = entry.path().strip_prefix(&into).expect("below").display().to_string();
            let mode = entry.metadata().expect("its mode").permissions().mode() & 0o7777;
            match entry.file_type() {
                kind if kind.is_dir() => format!("{path}/ {mode:o}"),
                kind if kind.is_symlink() => {
                    format!("{path} -> {}", fs::read_link(entry.path()).expect("a link").display())
                }
                kind => {
                    assert!(kind.is_file() && !kind.is_fifo());
                    let bytes = fs::read(entry.path()).expect("its bytes");
                    format!("{path} {mode:o} {}", String::from_utf8_lossy(&bytes))
                }
            }
        })
        .collect()
    }
}

fn check(cases: &[(&str, Vec<u8>, &[&str])]) {
    for (name, bytes, want) in cases {
        let case = Case::new();
        case.unpack(name, bytes).expect(name);
        assert_eq!(case.all(), *want, "{name}");
    }
}

#[test]
fn what_comes_out() {
    let list = [directory("dir/", 0o755), file("dir/run", 0o755, "r"), file("a", 0o644, "a")];
    let tar = tar_of(&list);
    let old = old_tar_of(&list);
    let zip = zip_of(&[("dir/run", 0o755, "r"), ("a", 0o644, "a")]);
    let all: &[&str] = &["a 644 a", "dir/ 755", "dir/run 755 r"];
    let skippable = [b"\x5a\x2a\x4d\x18\x04\0\0\0seek".to_vec(), zstd_of(&tar)].concat();
    check(&[
        ("a.tar", tar.clone(), all),
        ("no end.tar", entries(&list), all),
        ("a.tgz", gzip_of(&tar), all),
        ("any name", gzip_of(&tar), all),
        ("zeros after it.tgz", [gzip_of(&tar), vec![0; 10_000]].concat(), all),
        ("a.tar.bz2", bzip2_of(&tar), all),
        ("a.tar.zst", zstd_of(&tar), all),
        ("with an index.zst", skippable, all),
        ("a.txz", TAR_XZ.to_vec(), &["a 644 a"]),
        ("v7.tar", old.clone(), all),
        ("v7.tar.gz", gzip_of(&old), all),
        ("a.zip", zip, all),
        ("notes.txt.gz", gzip_of(b"text"), &["notes.txt 644 text"]),
        ("NOTES.GZ", gzip_of(b"text"), &["NOTES 644 text"]),
        (".gz", gzip_of(b"text"), &[".gz 644 text"]),
        ("notes.bz2", bzip2_of(b"text"), &["notes 644 text"]),
        ("notes.zst", zstd_of(b"text"), &["notes 644 text"]),
        ("notes.xz", TEXT_XZ.to_vec(), &["notes 644 text"]),
        ("empty.tar", vec![0; 10_240], &[]),
        ("empty.tgz", gzip_of(&tar_of(&[])), &[]),
        ("empty.zip", zip_of(&[]), &[]),
        ("two.gz", [gzip_of(b"one "), gzip_of(b"two")].concat(), &["two 644 one two"]),
        ("two.bz2", [bzip2_of(b"one "), bzip2_of(b"two")].concat(), &["two 644 one two"]),
        ("two.zst", [zstd_of(b"one "), zstd_of(b"two")].concat(), &["two 644 one two"]),
    ]);
}

#[test]
fn directories_that_may_not_be_written_to_or_entered_get_their_files() {
    check(&[
        (
            "a.tar",
            tar_of(&[
                directory("d/", 0o555),
                directory("d/e/", 0o555),
                file("d/e/a", 0o444, "a"),
                directory("n/", 0o644),
                file("n/a", 0o600, "a"),
                directory("./", 0o700),
            ]),
            &["d/ 555", "d/e/ 555", "d/e/a 444 a", "n/ 755", "n/a 600 a"],
        ),
        (
            "a.zip",
            zip_of(&[("d/", 0o555, ""), ("d/a", 0o444, "a"), ("n/", 0o600, "")]),
            &["d/ 555", "d/a 444 a", "n/ 700"],
        ),
    ]);
}

#[test]
fn times_are_those_of_the_archive() {
    let case = Case::new();
    case.unpack("a.tar", &tar_of(&[directory("d/", 0o555), file("d/a", 0o444, "a")])).expect("ok");
    for path in ["d", "d/a"] {
        let time = fs::metadata(case.root().join(path)).and_then(|it| it.modified()).expect(path);
        let since = time.duration_since(std::time::SystemTime::UNIX_EPOCH).expect("after 1970");
        assert_eq!(since.as_secs(), 1_000_000_000, "{path}");
    }
    case.unpack("a.zip", &zip_of(&[("z", 0o444, "a")])).expect("ok");
    let time = fs::metadata(case.root().join("z")).and_then(|it| it.modified()).expect("z");
    let since = time.duration_since(std::time::SystemTime::UNIX_EPOCH).expect("after 1970");
    assert_eq!(since.as_secs(), 315_532_800, "what the format has for no time");
}

#[test]
fn links_of_the_archive_are_followed_within_it() {
    let both = ["dir/ 755", "dir/a 644 a", "link -> dir"];
    check(&[
        (
            "a.tar",
            tar_of(&[directory("dir/", 0o755), link("link", "dir"), file("link/a", 0o644, "a")]),
            &both,
        ),
        // Whether the directory comes before or after.
        (
            "before.tar",
            tar_of(&[link("link", "dir"), file("link/a", 0o644, "a"), directory("dir/", 0o755)]),
            &both,
        ),
        (
            "up.tar",
            tar_of(&[
                link("usr/lib/x", "../../lib/./x/"),
                file("usr/lib/x/y/../a", 0o644, "a"),
                directory("lib/x/", 0o755),
                directory("usr/lib/x/", 0o700),
            ]),
            &[
                "lib/ 755",
                "lib/x/ 700",
                "lib/x/a 644 a",
                "lib/x/y/ 755",
                "usr/ 755",
                "usr/lib/ 755",
                "usr/lib/x -> ../../lib/./x/",
            ],
        ),
        (
            "a.zip",
            zip_of(&[("dir/", 0o755, ""), ("link@", 0o777, "dir"), ("link/a", 0o644, "a")]),
            &both,
        ),
        // Made, wherever they lead; not followed.
        (
            "out.tar",
            tar_of(&[
                link("python", "/usr/bin/python3"),
                link("up", "../.."),
                link("loop", "loop"),
            ]),
            &["loop -> loop", "python -> /usr/bin/python3", "up -> ../.."],
        ),
        (
            "hard.tar",
            tar_of(&[
                file("dir/a", 0o644, "a"),
                link("l", "dir"),
                hard("b", "l/a"),
                hard("b", "b"),
                hard("c", "l"),
                Entry { bytes: b"", ..hard("d", "/dir/a") },
            ]),
            &["b 644 a", "c -> dir", "d 644 a", "dir/ 755", "dir/a 644 a", "l -> dir"],
        ),
    ]);
}

#[test]
fn of_two_entries_of_one_name_the_later_counts() {
    check(&[
        (
            "a.tar",
            tar_of(&[
                file("a", 0o444, "one"),
                file("./a", 0o644, "two"),
                link("b", "a"),
                file("b", 0o644, "b"),
                file("c", 0o644, "c"),
                link("c", "a"),
                hard("d", "a"),
                file("d", 0o644, "d"),
                directory("e/", 0o700),
                directory("e", 0o755),
            ]),
            &["a 644 two", "b 644 b", "c -> a", "d 644 d", "e/ 755"],
        ),
        // The last bytes of a name's, in its place.
        ("a.tgz", gzip_of(&tar_of(&[file("a", 0o644, "1"), file("a", 0o600, "2")])), &["a 600 2"]),
    ]);
}

#[test]
fn headers_of_every_age() {
    let long = format!("{}/{}", "d".repeat(90), "n".repeat(120));
    let name = format!("{long}\0");
    let gnu = [
        entries(&[Entry { name: "././@LongLink", kind: b'L', bytes: name.as_bytes(), ..EMPTY }]),
        entries(&[Entry { name: "././@LongLink", kind: b'K', bytes: b"x/y\0", ..EMPTY }]),
        entries(&[link("cut", "cut")]),
    ]
    .concat();
    let pax =
        |kind| [extended(kind, &[("path", &long)]), entries(&[file("cut", 0o644, "a")])].concat();
    let nested = header(&file("n", 0o644, ""), ::tar::Header::new_ustar(), |bytes| {
        bytes[345..348].copy_from_slice(b"a/b")
    });
    let signed = {
        let mut bytes = header(&file("\u{e9}", 0o644, ""), ::tar::Header::new_old(), |_| {});
        let sum: i64 = bytes.iter().map(|byte| i64::from(byte.cast_signed())).sum();
        let sum = sum - bytes[148..156].iter().map(|byte| i64::from(*byte)).sum::<i64>() + 8 * 32;
        bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes
    };
    let directory = format!("{}/ 755", "d".repeat(90));
    let (made, linked) = (format!("{long} 644 a"), format!("{long} -> x/y"));
    let mac = ("LIBARCHIVE.xattr.com.apple.cs", "a\n\n11 path=no\n");
    check(&[
        ("gnu.tar", gnu, &[&directory, &linked]),
        ("pax.tar", pax(b'x'), &[&directory, &made]),
        ("sun.tar", pax(b'X'), &[&directory, &made]),
        ("ustar.tar", nested, &["a/ 755", "a/b/ 755", "a/b/n 644 "]),
        ("signed.tar", signed, &["\u{e9} 644 "]),
        (
            "mac.tar",
            [extended(b'x', &[mac, ("path", "yes")]), entries(&[file("cut", 0o644, "a")])].concat(),
            &["yes 644 a"],
        ),
        (
            "git.tar",
            [extended(b'g', &[("comment", "0123")]), entries(&[file("a", 0o644, "a")])].concat(),
            &["a 644 a"],
        ),
        (
            "label.tar",
            entries(&[Entry { name: "label", kind: b'V', ..EMPTY }, file("a", 0o644, "a")]),
            &["a 644 a"],
        ),
        (
            "dump.tar",
            entries(&[Entry { name: "d/", kind: b'D', mode: 0o755, bytes: b"Ya\0\0", ..EMPTY }]),
            &["d/ 755"],
        ),
        // The size of what it links to, and no bytes.
        (
            "link.tar",
            [
                entries(&[file("a", 0o644, "a")]),
                header(&hard("b", "a"), ::tar::Header::new_ustar(), |bytes| bytes[134] = b'1'),
                entries(&[file("c", 0o644, "c")]),
            ]
            .concat(),
            &["a 644 a", "b 644 a", "c 644 c"],
        ),
    ]);
}

#[test]
fn zips_from_elsewhere() {
    // As .NET wrote them: made by DOS, backslashes, no mode.
    let mut dos = zip_of(&[("dir\\a", 0o600, "a"), ("b", 0o400, "b")]);
    let mut at = 0;
    while let Some(next) = dos[at..].windows(4).position(|it| it == b"PK\x01\x02") {
        at += next + 5;
        dos[at] = 0;
    }
    check(&[
        ("dos.zip", dos, &["b 644 b", "dir/ 755", "dir/a 644 a"]),
        ("unix.zip", zip_of(&[("dir\\a", 0o600, "a")]), &["dir\\a 600 a"]),
    ]);
}

#[test]
fn what_is_damaged_or_no_archive_is_said() {
    let tar = tar_of(&[file("a", 0o644, &"a".repeat(2000)), file("b", 0o644, "b")]);
    let gzip = gzip_of(&tar);
    let checksum = [&gzip[..gzip.len() - 5], b"\0\0\0\0\0"].concat();
    let damaged = [&tar[..2600], b"x", &tar[2601..]].concat();
    let iso = [vec![0; 32_768], b"\x01CD001\x01".to_vec(), vec![0; 4096]].concat();
    let cases = [
        ("a.txt", b"text".to_vec(), " is no archive that can be unpacked"),
        ("empty", Vec::new(), " is no archive that can be unpacked"),
        ("disk.iso", iso.clone(), " is no archive that can be unpacked"),
        ("image.tar", iso, " is no archive that can be unpacked"),
        ("zeros.img", vec![0; 10_240], " is no archive that can be unpacked"),
        ("zeros.tar", vec![0; 4 << 20], " is no archive that can be unpacked"),
        ("a.tar", tar[..1000].to_vec(), ": a: the archive ends in the middle of it"),
        ("a.tar", tar[..2700].to_vec(), ": ends in the middle of a header"),
        ("a.tar", damaged, ": a header is damaged: its checksum is wrong"),
        ("a.tar", extended(b'x', &[("path", "a")]), ": ends before the entry that its last"),
        ("a.tgz", gzip[..gzip.len() - 20].to_vec(), ": "),
        ("a.tgz", checksum, ": "),
        ("a.tgz", [gzip.clone(), b"more".to_vec()].concat(), ": "),
        ("a.zst", zstd_of(&tar)[..20].to_vec(), ": "),
        ("a.xz", TAR_XZ[..100].to_vec(), ": "),
        ("a.xz", [&TAR_XZ[..60], b"\xff", &TAR_XZ[61..]].concat(), ": "),
        ("a.zip", b"PK\x03\x04 and no more".to_vec(), ": "),
        ("a.zip", zip_of(&[("a", 0o644, "a")])[..60].to_vec(), ": "),
    ];
    for (name, bytes, want) in cases {
        let error = Case::new().error(name, &bytes).to_string();
        assert!(error.starts_with(&format!("unpack: {name}{want}")), "{error}");
    }
    // Compressed, it is a file like others.
    let case = Case::new();
    case.unpack("zeros.img.gz", &gzip_of(&[0; 10_240])).expect("unpacks");
    assert_eq!(fs::metadata(case.root().join("zeros.img")).expect("a file").len(), 10_240);
}
