use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use super::*;

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(directory)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args(["-c", "protocol.file.allow=always", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        // Set where these tests are run by a git hook.
        .env_remove("GIT_DIR")
        .env_remove("GIT_INDEX_FILE")
        .env_remove("GIT_WORK_TREE")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with two commits, every mode that git has, and a submodule at `lib/sub`.
fn repository(at: &Path) -> String {
    let sub = at.with_extension("sub");
    fs::create_dir_all(&sub).unwrap();
    git(&sub, &["init", "-q", "."]);
    fs::write(sub.join("inner.txt"), "inner").unwrap();
    git(&sub, &["add", "-A"]);
    git(&sub, &["commit", "-qm", "sub"]);

    fs::create_dir_all(at.join("src/deep")).unwrap();
    git(at, &["init", "-q", "."]);
    fs::write(at.join("README"), "one").unwrap();
    fs::write(at.join("src/main.rs"), "fn main() {}").unwrap();
    fs::write(at.join("src/deep/.hidden"), "hidden").unwrap();
    fs::write(at.join("src/run.sh"), "#!/bin/sh").unwrap();
    fs::set_permissions(at.join("src/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("main.rs", at.join("src/link")).unwrap();
    git(at, &["add", "-A"]);
    git(at, &["commit", "-qm", "one"]);
    let url = format!("file://{}", sub.display());
    git(at, &["submodule", "--quiet", "add", &url, "lib/sub"]);
    fs::write(at.join("README"), "two").unwrap();
    git(at, &["add", "-A"]);
    git(at, &["commit", "-qm", "two"]);
    git(at, &["rev-parse", "HEAD"])
}

fn patterns(written: &str) -> Patterns {
    Patterns::parse(&[written]).unwrap()
}

fn listed(path: &Path, written: &str) -> String {
    Repo::open(path).unwrap().tree_listing(&patterns(written)).unwrap().to_string()
}

/// The same lines from git itself.
fn ls_tree(path: &Path) -> String {
    let mut lines =
        git(path, &["ls-tree", "-r", "--format=%(objectmode) %(objectname) %(path)", "HEAD"]);
    lines.push('\n');
    lines
}

#[test]
fn a_listing_is_what_git_lists() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("repo");
    let commit = repository(&path);
    let repo = Repo::open(&path).unwrap();
    assert_eq!(repo.head_commit(), commit);
    let all = ls_tree(&path);
    assert_eq!(listed(&path, "**"), all);

    let cases: &[(&str, &[&str])] = &[
        ("src/**", &["src/deep/.hidden", "src/link", "src/main.rs", "src/run.sh"]),
        ("src/*.rs", &["src/main.rs"]),
        ("*", &[".gitmodules", "README"]),
        ("**/*.sh", &["lib/sub", "src/link", "src/run.sh"]),
        ("lib/sub/inner.txt", &["lib/sub"]),
        ("lib/*", &["lib/sub"]),
        ("src/link/x README", &["README", "src/link"]),
        ("none/**", &[]),
    ];
    for (written, paths) in cases {
        let listing = repo.tree_listing(&patterns(written)).unwrap();
        let found: Vec<_> = listing
            .entries()
            .iter()
            .map(|entry| String::from_utf8_lossy(&entry.path).into_owned())
            .collect();
        assert_eq!(found, *paths, "{written}");
    }
}

#[test]
fn trees_sort_like_their_paths() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path();
    git(path, &["init", "-q", "."]);
    for name in ["a/x", "a.b", "a-b", "a0", "ab/y", "\u{e9}"] {
        let file = path.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, name).unwrap();
    }
    git(path, &["add", "-A"]);
    git(path, &["commit", "-qm", "x"]);
    let listing = listed(path, "**");
    let paths: Vec<_> = listing.lines().filter_map(|line| line.splitn(3, ' ').nth(2)).collect();
    assert_eq!(paths, ["a-b", "a.b", "a/x", "a0", "ab/y", "\u{e9}"]);
}

#[test]
fn checkouts_of_every_kind_open() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path();
    let origin = directory.join("origin");
    let commit = repository(&origin);
    let url = format!("file://{}", origin.display());
    git(directory, &["clone", "-q", "--depth", "1", &url, "shallow"]);
    git(directory, &["clone", "-q", "--recurse-submodules", &url, "recursive"]);
    git(directory, &["clone", "-q", &url, "detached"]);
    git(&directory.join("detached"), &["checkout", "-q", "--detach"]);
    git(&origin, &["config", "uploadpack.allowFilter", "true"]);
    git(directory, &["clone", "-q", "--filter=blob:none", "--no-checkout", &url, "partial"]);
    // Newer versions of git do not declare the extension, older ones did.
    let partial = directory.join("partial");
    git(&partial, &["config", "core.repositoryformatversion", "1"]);
    git(&partial, &["config", "extensions.partialClone", "origin"]);
    git(&origin, &["worktree", "add", "-q", "--detach", "../worktree"]);
    git(directory, &["clone", "-q", &url, "packed"]);
    git(&directory.join("packed"), &["pack-refs", "--all"]);
    let tree = ls_tree(&origin);
    for name in ["origin", "shallow", "recursive", "detached", "partial", "worktree", "packed"] {
        let path = directory.join(name);
        assert_eq!(Repo::open(&path).unwrap().head_commit(), commit, "{name}");
        assert_eq!(listed(&path, "**"), tree, "{name}");
    }
    let inner = Repo::open(&directory.join("recursive/lib/sub")).unwrap();
    assert_eq!(inner.head_commit(), git(&origin.with_extension("sub"), &["rev-parse", "HEAD"]));
}

#[test]
fn another_users_checkout_opens() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("repo");
    let commit = repository(&path);
    let chown = Command::new("chown").arg("-R").arg("12345:12345").arg(&path).status().unwrap();
    if !chown.success() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    assert_eq!(Repo::open(&path).unwrap().head_commit(), commit);
}

#[test]
fn what_is_no_checkout_is_told_apart() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path();
    repository(&directory.join("repo"));
    fs::create_dir(directory.join("plain")).unwrap();
    git(directory, &["clone", "-q", "--bare", "repo", "bare"]);
    git(directory, &["init", "-q", "empty"]);
    git(directory, &["init", "-q", "--object-format=sha256", "sha256"]);
    git(directory, &["init", "-q", "--object-format=sha256", "sha256-reftable"]);
    git(&directory.join("sha256-reftable"), &["config", "extensions.refStorage", "reftable"]);
    git(directory, &["init", "-q", "--object-format=sha256", "sha256-bare"]);
    git(&directory.join("sha256-bare"), &["config", "core.bare", "true"]);
    fs::create_dir(directory.join("broken")).unwrap();
    fs::write(directory.join("broken/.git"), "gitdir: ../nowhere\n").unwrap();
    git(directory, &["clone", "-q", "repo", "missing"]);
    fs::remove_dir_all(directory.join("missing/.git/objects")).unwrap();
    fs::create_dir(directory.join("missing/.git/objects")).unwrap();

    let cases = [
        ("none", "NotARepository"),
        ("plain", "NotARepository"),
        ("repo/src", "NotARepository"),
        ("repo/README", "NotARepository"),
        ("bare", "Bare"),
        ("empty", "NoCommit"),
        ("sha256", "NoCommit"),
        ("sha256-bare", "Bare"),
        ("sha256-reftable", "Unreadable"),
        ("missing", "Unreadable"),
        ("broken", "Elsewhere"),
    ];
    for (name, kind) in cases {
        let path = directory.join(name);
        let Err(error) = Repo::open(&path) else {
            panic!("{name} opened");
        };
        assert!(format!("{error:?}").starts_with(kind), "{name}: {error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert!(!error.hint().is_empty());
    }
}

/// What git itself answers, in every state that refs and objects are found in.
#[test]
fn a_repository_of_sha256_is_read_as_git_reads_it() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("repo");
    git(temporary.path(), &["init", "-q", "--object-format=sha256", "-b", "a/b", "repo"]);
    let commit = |text: &str| {
        fs::write(path.join("README"), text).unwrap();
        git(&path, &["add", "-A"]);
        git(&path, &["commit", "-qm", text]);
    };
    let agrees = |path: &Path, state: &str| {
        let repo = Repo::open(path).unwrap();
        let commit = repo.head_commit();
        assert_eq!(commit, git(path, &["rev-parse", "HEAD"]), "{state}");
        assert_eq!(commit.len(), 64, "{state}");
        assert_eq!(listed(path, "**"), ls_tree(path), "{state}");
        assert_eq!(repo.dirt().unwrap(), Dirt::default(), "{state}");
    };
    // Enough of a tree that one becomes the delta of another.
    fs::create_dir(path.join("src")).unwrap();
    for number in 0..300 {
        fs::write(path.join(format!("src/file-{number}")), number.to_string()).unwrap();
    }
    fs::set_permissions(path.join("src/file-7"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("file-1", path.join("src/link")).unwrap();
    commit("one");
    agrees(&path, "a branch");
    git(&path, &["pack-refs", "--all"]);
    agrees(&path, "packed");
    for number in 0..9 {
        fs::write(path.join("src/file-1"), format!("again {number}")).unwrap();
        commit(&format!("two {number}"));
    }
    agrees(&path, "loose over packed");
    git(&path, &["tag", "-a", "-m", "annotated", "v1", "HEAD~1"]);
    git(&path, &["gc", "-q"]);
    git(&path, &["commit-graph", "write", "--reachable"]);
    agrees(&path, "packed objects");
    let packs = git(&path, &["count-objects", "-v"]);
    assert!(packs.contains("count: 0\n") && packs.contains("packs: 1\n"), "{packs}");
    let index = fs::read_dir(path.join(".git/objects/pack")).unwrap();
    let mut index = index.map(|it| it.unwrap().path());
    let index = index.find(|it| it.extension().is_some_and(|it| it == "idx")).unwrap();
    let packed = git(&path, &["verify-pack", "-v", index.to_str().unwrap()]);
    assert!(
        packed.lines().any(|it| it.contains(" tree ") && it.split(' ').count() > 6),
        "{packed}"
    );
    let tags = Repo::open(&path).unwrap().tags().unwrap();
    assert_eq!(tags.get(&git(&path, &["rev-parse", "v1^{commit}"])).unwrap(), "v1");

    let url = format!("file://{}", path.display());
    git(temporary.path(), &["clone", "-q", "--shared", "repo", "alternates"]);
    agrees(&temporary.path().join("alternates"), "alternates");
    git(temporary.path(), &["clone", "-q", "--depth", "1", &url, "shallow"]);
    agrees(&temporary.path().join("shallow"), "shallow");
    git(&path, &["worktree", "add", "-q", "-b", "other", "../worktree"]);
    fs::write(temporary.path().join("worktree/new"), "new").unwrap();
    git(&temporary.path().join("worktree"), &["add", "-A"]);
    git(&temporary.path().join("worktree"), &["commit", "-qm", "other"]);
    agrees(&temporary.path().join("worktree"), "a worktree");
    agrees(&path, "beside a worktree");
    let outer = temporary.path().join("outer");
    git(temporary.path(), &["init", "-q", "--object-format=sha256", "outer"]);
    git(&outer, &["submodule", "--quiet", "add", &url, "lib/sub"]);
    git(&outer, &["commit", "-qm", "a submodule"]);
    agrees(&outer, "with a submodule");
    agrees(&outer.join("lib/sub"), "a submodule");
    git(&path, &["checkout", "-q", "--detach", "HEAD~1"]);
    agrees(&path, "detached");
    git(&path, &["repack", "-q", "-a", "-d", "--write-midx", "--window=0"]);
    agrees(&path, "found by an index of several packs");
    git(&path, &["update-index", "--index-version=4"]);
    agrees(&path, "an index whose names are compressed");

    fs::write(path.join("README"), "other").unwrap();
    fs::write(path.join("new"), "new").unwrap();
    let dirt = Repo::open(&path).unwrap().dirt().unwrap();
    assert_eq!(
        (dirt.first_changed, dirt.first_untracked),
        (vec!["README".into()], vec!["new".into()])
    );
}

#[test]
fn dirt_is_counted_and_named() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("repo");
    repository(&path);
    let repo = Repo::open(&path).unwrap();
    assert_eq!(repo.dirt().unwrap(), Dirt::default());

    // Inside a submodule nothing counts.
    fs::write(path.join("lib/sub/inner.txt"), "other").unwrap();
    fs::write(path.join("lib/sub/new.txt"), "new").unwrap();
    assert_eq!(repo.dirt().unwrap(), Dirt::default());

    fs::write(path.join(".git/info/exclude"), "*.o\n").unwrap();
    fs::write(path.join("ignored.o"), "").unwrap();
    fs::write(path.join("README"), "three").unwrap();
    fs::remove_file(path.join("src/link")).unwrap();
    fs::create_dir(path.join("target")).unwrap();
    for number in 0..9 {
        fs::write(path.join(format!("new{number}")), "").unwrap();
        fs::write(path.join(format!("target/{number}")), "").unwrap();
    }
    git(&path, &["mv", "src/run.sh", "src/go.sh"]);
    let dirt = repo.dirt().unwrap();
    assert_eq!((dirt.changed, dirt.untracked), (4, 10));
    assert_eq!(dirt.first_changed, ["README", "src/go.sh", "src/link", "src/run.sh"]);
    assert_eq!(dirt.first_untracked, ["new0", "new1", "new2", "new3", "new4"]);
}

#[test]
fn what_a_sparse_checkout_leaves_out_and_what_a_filter_makes_is_no_dirt() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("repo");
    repository(&path);
    fs::create_dir_all(path.join("other")).unwrap();
    fs::write(path.join("other/file"), "left out").unwrap();
    git(&path, &["add", "-A"]);
    git(&path, &["commit", "-qm", "three"]);
    git(&path, &["sparse-checkout", "set", "--cone", "src/deep"]);
    assert!(!path.join("other/file").exists());
    assert_eq!(Repo::open(&path).unwrap().dirt().unwrap(), Dirt::default());
    fs::remove_file(path.join("src/main.rs")).unwrap();
    assert_eq!(Repo::open(&path).unwrap().dirt().unwrap().first_changed, ["src/main.rs"]);

    let path = temporary.path().join("filtered");
    fs::create_dir_all(&path).unwrap();
    git(&path, &["init", "-q", "."]);
    fs::write(path.join(".gitattributes"), "*.bin filter=lfs\n").unwrap();
    fs::write(path.join("large.bin"), "version https://git-lfs.github.com/spec/v1\n").unwrap();
    fs::write(path.join("small"), "x").unwrap();
    git(&path, &["add", "-A"]);
    git(&path, &["commit", "-qm", "one"]);
    fs::write(path.join("large.bin"), "what git-lfs puts there").unwrap();
    assert_eq!(Repo::open(&path).unwrap().dirt().unwrap(), Dirt::default());
    fs::write(path.join("small"), "y and more").unwrap();
    assert_eq!(Repo::open(&path).unwrap().dirt().unwrap().first_changed, ["small"]);
}

#[test]
fn a_git_file_that_points_nowhere_is_named() {
    let temporary = tempfile::tempdir().unwrap();
    fs::write(temporary.path().join(".git"), "gitdir: /elsewhere/.git/worktrees/x\n").unwrap();
    let error = Repo::open(temporary.path()).err().unwrap();
    assert!(error.to_string().contains("points at `/elsewhere/.git/worktrees/x`"), "{error}");
    assert!(error.hint().contains("input"));
}
