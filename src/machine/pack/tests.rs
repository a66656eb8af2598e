use super::*;
use crate::machine::unpack::unpack;
use crate::machine::workspace::find_one;
use crate::words::fault::hint_of;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// Inputs with a directory `built/app-1.2`; `names` in the order of their making.
fn inputs(names: &[&str]) -> TempDir {
    let inputs = TempDir::new().expect("a directory");
    let app = inputs.path().join("built/app-1.2");
    fs::create_dir_all(app.join("bin")).expect("a directory");
    fs::create_dir(app.join("empty")).expect("a directory");
    for name in names {
        fs::write(app.join(name), name).expect("a file");
    }
    let program = fs::Permissions::from_mode(0o700);
    fs::set_permissions(app.join("bin/run"), program).expect("a program");
    symlink("bin/run", app.join("run")).expect("a link");
    symlink("../.hidden", app.join("bin/up")).expect("a link");
    inputs
}

/// `path mode text`, `path/ mode` or `path -> target` of all below a directory.
fn tree(root: &Path) -> Vec<String> {
    let walk = walkdir::WalkDir::new(root).min_depth(1).sort_by_file_name().into_iter();
    walk.map(|entry| {
        let entry = entry.expect("an entry");
        let path = entry.path().strip_prefix(root).expect("below").display().to_string();
        let mode = entry.metadata().expect("its mode").permissions().mode() & 0o777;
        match entry.file_type() {
            kind if kind.is_dir() => format!("{path}/ {mode:o}"),
            kind if kind.is_symlink() => {
                format!("{path} -> {}", fs::read_link(entry.path()).expect("a link").display())
            }
            _ => format!("{path} {mode:o} {}", fs::read_to_string(entry.path()).expect("a text")),
        }
    })
    .collect()
}

#[test]
fn the_same_files_are_the_same_bytes_and_come_out_again() {
    let long = "n".repeat(200);
    let names = [".hidden", "bin/run", "bin-", &long];
    let backwards: Vec<_> = names.iter().rev().copied().collect();
    let (one, other) = (inputs(&names), inputs(&backwards));
    let old = other.path().join("built/app-1.2/.hidden");
    File::open(old).and_then(|it| it.set_modified(std::time::SystemTime::UNIX_EPOCH)).expect("old");
    for packing in Packing::ALL {
        let packed = Packed::of(one.path(), "built/app-*", packing).expect("packed");
        let name = format!("app-1.2.{}", packing.ending());
        assert_eq!(packed.file().path.as_str(), format!("built/{name}"));
        let bytes = fs::read(&packed.file().disk).expect("the archive");
        assert_eq!(bytes.len() as u64, packed.file().size);
        let again = Packed::of(other.path(), "built/app-*", packing).expect("packed");
        assert!(fs::read(&again.file().disk).expect("the archive") == bytes, "{name}");
        let into = TempDir::new().expect("a directory");
        unpack(&packed.file().disk, &name, into.path(), 200).expect("unpacks");
        let want = [
            ".hidden 644 .hidden",
            "bin/ 755",
            "bin/run 755 bin/run",
            "bin/up -> ../.hidden",
            "bin- 644 bin-",
            "empty/ 755",
            &format!("{long} 644 {long}"),
            "run -> bin/run",
        ];
        assert_eq!(tree(into.path()), want, "{name}");
        drop((packed, again));
    }
    // Nothing stays beside what was packed.
    for inputs in [one, other] {
        assert_eq!(fs::read_dir(inputs.path()).expect("inputs").count(), 1);
    }
}

#[test]
fn what_cannot_be_packed_is_said_and_nothing_stays() {
    let names = ["bin/run", "a"];
    let link = inputs(&names);
    symlink("../../outside", link.path().join("built/app-1.2/out")).expect("a link");
    let absolute = inputs(&names);
    symlink("/etc/hosts", absolute.path().join("built/app-1.2/out")).expect("a link");
    let socket = inputs(&names);
    let path = socket.path().join("built/app-1.2/s");
    let _listening = std::os::unix::net::UnixListener::bind(path).expect("a socket");
    let two = inputs(&names);
    fs::create_dir(two.path().join("built/app-2")).expect("a directory");
    let latin = inputs(&names);
    let name = OsStr::from_bytes(b"\xe9");
    fs::write(latin.path().join("built/app-1.2").join(name), "").expect("a file");
    let out = "is a symbolic link that leads out of the directory";
    let cases = [
        (&link, "built/app-*", Packing::Zip, out),
        (&absolute, "built/app-*", Packing::TarGz, out),
        (&socket, "built/app-*", Packing::TarZst, "is neither a file nor a directory"),
        (&two, "built/app-*", Packing::Zip, "`built/app-*` matches 2 directories"),
        (&two, "built/app-1.2/a", Packing::Zip, "`built/app-1.2/a` matches no directory"),
        (&latin, "built/app-*", Packing::Zip, "is not UTF-8"),
    ];
    for (inputs, glob, packing, want) in cases {
        let error = Packed::of(inputs.path(), glob, packing).expect_err(want);
        assert!(format!("{error:#}").contains(want), "{error:#}");
        assert!(hint_of(&error).is_some(), "{error:#}");
        assert_eq!(fs::read_dir(inputs.path()).expect("inputs").count(), 1, "{want}");
    }
    Packed::of(latin.path(), "built/app-*", Packing::TarGz).expect("a tar takes any name");
    let error = find_one(two.path(), "built/app-2", "params.file").expect_err("a directory");
    assert!(hint_of(&error).expect("a hint").contains("`pack: tar.gz`"));
}

#[test]
fn where_links_lead() {
    for (path, target, want) in [
        ("a", "b", false),
        ("a", "./b/../c", false),
        ("a", "..", true),
        ("a", "b/../../c", true),
        ("d/a", "../b", false),
        ("d/a", "../../b", true),
        ("a", "/", true),
    ] {
        assert_eq!(leads_out(Path::new(path), Path::new(target)), want, "{path} -> {target}");
    }
}
