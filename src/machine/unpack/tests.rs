use super::*;
use crate::words::fault::hint_of;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use tempfile::TempDir;

/// A tar of (path, mode, text); a path that ends in `/` is a directory.
fn tar_of(entries: &[(&str, u32, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, mode, text) in entries {
        let mut header = tar::Header::new_ustar();
        // Written as it is: the crate's own door refuses what an attacker would not.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_mode(*mode);
        header.set_size(text.len() as u64);
        let kind =
            if path.ends_with('/') { tar::EntryType::Directory } else { tar::EntryType::Regular };
        header.set_entry_type(kind);
        header.set_cksum();
        builder.append(&header, text.as_bytes()).expect("an entry");
    }
    builder.into_inner().expect("a tar")
}

fn zip_of(entries: &[(&str, u32, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, mode, text) in entries {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .unix_permissions(*mode);
        writer.start_file(*path, options).expect("an entry");
        writer.write_all(text.as_bytes()).expect("its bytes");
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

struct Case {
    stage: TempDir,
}

impl Case {
    fn new() -> Case {
        let case = Case { stage: TempDir::new().expect("a directory") };
        fs::create_dir(case.root()).expect("a directory");
        case
    }

    fn root(&self) -> PathBuf {
        self.stage.path().join("into")
    }

    fn unpack(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let archive = self.stage.path().join("archive");
        fs::write(&archive, bytes).expect("the archive");
        unpack(&archive, name, &self.root())
    }

    /// `path mode text` of each file, sorted.
    fn files(&self) -> Vec<String> {
        let into = self.root();
        let files = walkdir::WalkDir::new(&into).sort_by_file_name().into_iter();
        files
            .map(|entry| entry.expect("an entry"))
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let mode = entry.metadata().expect("its mode").permissions().mode() & 0o7777;
                let text = fs::read_to_string(entry.path()).expect("its text");
                let path = entry.path().strip_prefix(&into).expect("below").display().to_string();
                format!("{path} {mode:o} {text}")
            })
            .collect()
    }
}

#[test]
fn what_comes_out() {
    let entries = [("dir/", 0o755, ""), ("dir/run", 0o755, "r"), ("a", 0o644, "a")];
    let tar = tar_of(&entries);
    let zip = zip_of(&entries[1..]);
    let both = ["a 644 a", "dir/run 755 r"];
    let cases: [(&str, Vec<u8>, &[&str]); 11] = [
        ("a.tar", tar.clone(), &both),
        ("a.tgz", gzip_of(&tar), &both),
        ("any name", gzip_of(&tar), &both),
        ("a.tar.bz2", bzip2_of(&tar), &both),
        ("a.zip", zip, &both),
        ("notes.txt.gz", gzip_of(b"text"), &["notes.txt 644 text"]),
        ("NOTES.GZ", gzip_of(b"text"), &["NOTES 644 text"]),
        (".gz", gzip_of(b"text"), &[".gz 644 text"]),
        ("notes.bz2", bzip2_of(b"text"), &["notes 644 text"]),
        ("empty.tgz", gzip_of(&tar_of(&[])), &[]),
        ("two.gz", [gzip_of(b"one "), gzip_of(b"two")].concat(), &["two 644 one two"]),
    ];
    for (name, bytes, want) in cases {
        let case = Case::new();
        case.unpack(name, &bytes).expect(name);
        assert_eq!(case.files(), want, "{name}");
    }
}

#[test]
fn a_directory_that_may_not_be_written_to_gets_its_files() {
    let case = Case::new();
    case.unpack("a.tar", &tar_of(&[("d/", 0o555, ""), ("d/a", 0o444, "a")])).expect("unpacks");
    assert_eq!(case.files(), ["d/a 444 a"]);
    let mode = fs::metadata(case.root().join("d")).expect("d").permissions().mode();
    assert_eq!(mode & 0o777, 0o555);
}

#[test]
fn nobody_gets_out_and_nobody_gets_the_set_user_id_bit() {
    let case = Case::new();
    let error = case.unpack("a.tar", &tar_of(&[("../out", 0o644, "x")])).expect_err("refused");
    assert_eq!(error.to_string(), "unpack: a.tar: ../out leads out of the directory");
    assert!(hint_of(&error).is_some());
    // An absolute path is one below the directory, as it is for tar itself.
    case.unpack("a.tar", &tar_of(&[("/abs", 0o4755, "x")])).expect("unpacks");
    assert_eq!(case.files(), ["abs 755 x"]);
    assert!(Case::new().unpack("a.zip", &zip_of(&[("../out", 0o644, "x")])).is_err());

    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "link", "/").expect("a link");
    let mut bytes = builder.into_inner().expect("a tar");
    bytes.truncate(512);
    bytes.extend(tar_of(&[("link/out", 0o644, "x")]));
    let case = Case::new();
    assert!(case.unpack("a.tar", &bytes).is_err(), "not through a link");
    assert!(!Path::new("/out").exists());
    symlink("/", case.root().join("other")).expect("a link");
    assert!(case.unpack("a.tar", &tar_of(&[("other/out", 0o644, "x")])).is_err());
}

#[test]
fn what_is_damaged_or_no_archive_is_said() {
    let tar = tar_of(&[("a", 0o644, &"a".repeat(2000))]);
    let gzip = gzip_of(&tar);
    let cases = [
        ("a.txt", b"text".to_vec(), "unpack: a.txt is no archive that can be unpacked"),
        ("empty", Vec::new(), "unpack: empty is no archive that can be unpacked"),
        ("a.tar", tar[..1000].to_vec(), "unpack: a.tar: "),
        ("a.tgz", gzip[..gzip.len() - 20].to_vec(), "unpack: a.tgz: "),
        ("a.zip", b"PK\x03\x04 and no more".to_vec(), "unpack: a.zip: "),
    ];
    for (name, bytes, want) in cases {
        let error = Case::new().unpack(name, &bytes).expect_err(want);
        assert!(error.to_string().starts_with(want), "{error}");
        assert!(hint_of(&error).is_some());
    }
}
