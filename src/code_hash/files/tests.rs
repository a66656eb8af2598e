use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use super::*;

fn recipe(algorithm: Algorithm, written: &str) -> Recipe {
    Recipe::parse(algorithm, &[written]).unwrap()
}

fn plant(root: &Path) {
    for directory in ["src/deep", ".git/objects", "sub", "link_target"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    for (path, contents) in [
        ("src/a", "abc"),
        ("src/deep/.hidden", ""),
        ("src/.git", "gitdir: x"),
        (".git/config", "x"),
        ("sub/.git", "gitdir: y"),
        ("sub/file", "abc"),
        ("link_target/x", "x"),
    ] {
        fs::write(root.join(path), contents).unwrap();
    }
    fs::write(root.join("src/run"), "abc").unwrap();
    fs::set_permissions(root.join("src/run"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("../link_target", root.join("src/link")).unwrap();
    fs::write(root.join(OsStr::from_bytes(b"src/\xff")), "abc").unwrap();
}

#[test]
fn a_listing_is_what_is_on_disk() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    plant(root);
    // A socket would block a reader for ever.
    let _socket = UnixListener::bind(root.join("src/socket")).unwrap();
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    // printf ../link_target | sha256sum
    let target = "db0dcf5a8f1e1f7e07b4f75cf6d9d006c4c056906ad97222fd4bfb105ddd8960";
    let expected = format!(
        "100644 {abc} src/a\n\
         100644 {nothing} src/deep/.hidden\n\
         120000 {target} src/link\n\
         100755 {abc} src/run\n\
         100644 {abc} \"src/\\xff\"\n\
         100644 {abc} sub/file\n"
    );
    let patterns = Patterns::parse(&["src/** sub/**"]).unwrap();
    let listing = disk_listing(root, &patterns).unwrap();
    assert_eq!(listing.to_string(), expected);

    let hash =
        code_hash(root, &recipe(Algorithm::Sha256, "src/** sub/**"), NoFiles::Refuse).unwrap();
    assert_eq!(hash.hex, listing.digest());
    assert_eq!(hash.files, 6);
    assert_eq!(hash.listing, Some(listing));
}

#[test]
fn contents_are_hashed_whole_whatever_their_size() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    let sizes = [0, 1, READ_SIZE - 1, READ_SIZE, READ_SIZE + 1, 2 * READ_SIZE, 5 * READ_SIZE / 2];
    for size in sizes {
        let contents: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        fs::write(root.join("file"), &contents).unwrap();
        let listing = disk_listing(root, &Patterns::parse(&["*"]).unwrap()).unwrap();
        assert_eq!(listing.entries()[0].id, ContentId::new(&Sha256::digest(&contents)), "{size}");
    }
}

#[test]
fn every_change_that_matters_changes_the_hash() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    plant(root);
    let recipe = recipe(Algorithm::Sha256, "src/**");
    let hash = || code_hash(root, &recipe, NoFiles::Refuse).unwrap().hex;
    let mut seen = HashSet::from([hash()]);
    type Change = (&'static str, fn(&Path));
    let changes: &[Change] = &[
        ("contents", |root| fs::write(root.join("src/a"), "abd").unwrap()),
        ("mode", |root| {
            fs::set_permissions(root.join("src/a"), fs::Permissions::from_mode(0o744)).unwrap();
        }),
        ("name", |root| fs::rename(root.join("src/a"), root.join("src/b")).unwrap()),
        ("hidden", |root| fs::write(root.join("src/.new"), "").unwrap()),
        ("target", |root| {
            fs::remove_file(root.join("src/link")).unwrap();
            symlink("elsewhere", root.join("src/link")).unwrap();
        }),
    ];
    for (what, change) in changes {
        change(root);
        assert!(seen.insert(hash()), "{what}");
    }
    // Outside the patterns, in .git, or in bits that git does not keep: nothing changes.
    let before = hash();
    fs::write(root.join("sub/file"), "other").unwrap();
    fs::write(root.join("src/.git"), "other").unwrap();
    fs::set_permissions(root.join("src/b"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(hash(), before);
}

#[test]
fn no_file_is_an_error_unless_allowed() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    let git = git2::Repository::init(root).unwrap();
    let tree = git.find_tree(git.treebuilder(None).unwrap().write().unwrap()).unwrap();
    let author = git2::Signature::now("t", "t@example.com").unwrap();
    git.commit(Some("HEAD"), &author, &author, "empty", &tree, &[]).unwrap();
    let nothing = [
        (Algorithm::Sha256, "7bdb33be0b8375b23fb30db232c2c77d1aa41bc2e4ab7ae00d6108b3c0dce277"),
        (Algorithm::GitTree, "f01e61ac9f559bf007f40efd32e403388418b3dd93830f87a444af16e46598dc"),
        (Algorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e"),
    ];
    for (algorithm, hex) in nothing {
        let recipe = recipe(algorithm, "lambdas/**");
        let error = code_hash(root, &recipe, NoFiles::Refuse).unwrap_err();
        let error: &NothingMatches = error.downcast_ref().unwrap();
        assert!(error.hint().contains("root"));
        assert_eq!(code_hash(root, &recipe, NoFiles::Allow).unwrap().hex, hex, "{algorithm}");
    }
}

#[test]
fn a_root_that_is_no_directory_is_named() {
    let temporary = tempfile::tempdir().unwrap();
    fs::write(temporary.path().join("file"), "").unwrap();
    for name in ["none", "file"] {
        for algorithm in Algorithm::ALL {
            let root = temporary.path().join(name);
            let error = code_hash(&root, &recipe(algorithm, "**"), NoFiles::Allow).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
