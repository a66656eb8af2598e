//! Checkouts as Concourse hands them over.

use crate::support::{Checkout, Place, Tree, git};
use serde_json::{Value, json};
use std::path::Path;

const ALGORITHMS: [&str; 3] = ["sha256", "git-tree", "md5"];

fn origin() -> Checkout {
    let origin = Checkout::of(&Tree::of("src/a", "a").with("README", "one"));
    std::fs::write(origin.repo().join("README"), "two").expect("the file");
    origin.commit("second");
    origin
}

fn clone(origin: &Checkout, options: &[&str]) -> Checkout {
    let checkout = Checkout::empty();
    let url = format!("file://{}", origin.repo().display());
    let arguments = [&["clone", "--quiet"], options, &[url.as_str(), "repo"]].concat();
    git(checkout.inputs(), &arguments);
    checkout
}

fn publish(place: &Place, checkout: &Checkout, algorithm: &str) -> Value {
    let resource = place
        .resource()
        .artifacts("code_hash", "src/**")
        .artifacts("code_hash_algorithm", algorithm);
    checkout.input("assets", &Tree::of("app", "built"));
    let params = json!({"repository": "repo", "directory": "assets"});
    let out = resource.put(checkout.inputs(), &params);
    assert!(!out.stderr.contains("warning"), "{}", out.stderr);
    out.version()
}

#[test]
fn a_shallow_clone_on_a_detached_head_is_the_same_commit_and_code() {
    for algorithm in ALGORITHMS {
        let (place, origin) = (Place::new(), origin());
        let whole = publish(&place, &origin, algorithm);
        let shallow = clone(&origin, &["--depth", "1"]);
        shallow.git(&["checkout", "--quiet", "--detach"]);
        assert_eq!(publish(&Place::new(), &shallow, algorithm), whole, "{algorithm}");
        assert_eq!(whole["commit"], origin.head());
    }
}

#[test]
fn submodules_are_part_of_the_code() {
    for algorithm in ALGORITHMS {
        let (library, origin) = (Checkout::of(&Tree::of("lib", "l")), origin());
        let url = library.repo().display().to_string();
        origin.git(&["submodule", "--quiet", "add", &url, "src/library"]);
        origin.commit("with a submodule");
        let before = publish(&Place::new(), &origin, algorithm);
        let checkout = clone(&origin, &["--recurse-submodules"]);
        assert_eq!(publish(&Place::new(), &checkout, algorithm), before, "{algorithm}");
        let submodule = origin.repo().join("src/library");
        std::fs::write(submodule.join("lib"), "changed").expect("the file");
        git(&submodule, &["add", "--all"]);
        git(&submodule, &["commit", "--quiet", "--message", "changed"]);
        origin.commit("with another submodule");
        let after = publish(&Place::new(), &origin, algorithm);
        assert_ne!(after["code_hash"], before["code_hash"], "{algorithm}");
    }
}

#[test]
fn a_checkout_of_another_user_is_taken() {
    let (place, origin) = (Place::new(), origin());
    let before = publish(&Place::new(), &origin, "git-tree");
    if !give_away(&origin.repo()) {
        println!("skipped: only root can give a checkout away");
        return;
    }
    assert_eq!(publish(&place, &origin, "git-tree"), before);
}

/// Makes everything below a path another user's; whether this user may.
fn give_away(path: &Path) -> bool {
    if std::os::unix::fs::lchown(path, Some(12_345), Some(12_345)).is_err() {
        return false;
    }
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path).expect("a directory") {
            give_away(&entry.expect("an entry").path());
        }
    }
    true
}

#[test]
fn what_is_no_checkout_is_an_error() {
    let place = Place::new();
    let checkout = Checkout::empty();
    checkout.input("assets", &Tree::of("app", "built"));
    std::fs::create_dir(checkout.inputs().join("plain")).expect("a directory");
    git(checkout.inputs(), &["init", "--quiet", "unborn"]);
    git(checkout.inputs(), &["init", "--quiet", "--bare", "bare"]);
    for name in ["nothing", "plain", "unborn", "bare", "assets/app"] {
        let params = json!({"repository": name, "directory": "assets"});
        let error = place.resource().put(checkout.inputs(), &params).error();
        assert!(error.contains(name), "{name}: {error}");
    }
    assert!(place.keys().is_empty());
}

/// A repository whose objects are named by SHA-256.
fn of_sha256() -> Checkout {
    let checkout = Checkout::empty();
    git(checkout.inputs(), &["init", "--quiet", "--object-format=sha256", "repo"]);
    Tree::of("src/a", "a").with("README", "one").write(&checkout.repo());
    assert_eq!(checkout.commit("first").len(), 64);
    checkout
}

#[test]
fn a_repository_of_sha256_is_as_any_other() {
    for algorithm in ALGORITHMS {
        let (place, checkout) = (Place::new(), of_sha256());
        let version = publish(&place, &checkout, algorithm);
        assert_eq!(version["commit"], checkout.head());
        let got = place.resource().get(&version, json!({}));
        assert_eq!(got.assets(), Tree::of("app", "built"));
        std::fs::write(checkout.repo().join("README"), "two").expect("the file");
        let second = checkout.commit("the same code");
        let again = publish(&place, &checkout, algorithm);
        let code = &version["code_hash"];
        assert_eq!((&again["commit"], &again["code_hash"]), (&json!(second), code), "{algorithm}");
        // Packed, in a linked worktree, and as a submodule, whose own hash is of the same commit.
        checkout.git(&["gc", "--quiet"]);
        checkout.git(&["worktree", "add", "--quiet", "--detach", "../linked"]);
        let resource = place
            .resource()
            .artifacts("code_hash", "src/**")
            .artifacts("code_hash_algorithm", algorithm);
        let found = |repository: &str| {
            let params = json!({"repository": repository, "directory": "assets"});
            resource.put(checkout.inputs(), &params).version()
        };
        assert_eq!(found("linked"), again, "{algorithm}");
        git(checkout.inputs(), &["init", "--quiet", "--object-format=sha256", "outer"]);
        let outer = checkout.inputs().join("outer");
        git(&outer, &["submodule", "--quiet", "add", "../repo", "inner"]);
        assert_eq!(found("outer/inner"), again, "{algorithm}");
    }
}

#[test]
fn files_of_a_repository_of_sha256_that_are_not_the_commit_s_are_named() {
    let (place, checkout) = (Place::new(), of_sha256());
    std::fs::write(checkout.repo().join("README"), "not committed").expect("the file");
    checkout.input("assets", &Tree::of("app", "built"));
    let resource = place.resource().artifacts("code_hash", "src/**");
    let out =
        resource.put(checkout.inputs(), &json!({"repository": "repo", "directory": "assets"}));
    assert_eq!(out.version()["commit"], checkout.head());
    assert!(
        out.stderr.contains("differs from its commit: 1 file changed (README)"),
        "{}",
        out.stderr
    );
}

/// At each door: one line, and a hint of what works, which does.
#[test]
fn a_reftable_is_refused_in_one_line_and_its_commit_published() {
    for checkout in [origin(), of_sha256()] {
        let (place, commit) = (Place::new(), checkout.head());
        checkout.git(&["worktree", "add", "--quiet", "--detach", "../linked"]);
        checkout.git(&["config", "core.repositoryFormatVersion", "1"]);
        checkout.git(&["config", "extensions.refStorage", "reftable"]);
        checkout.input("assets", &Tree::of("app", "built"));
        let refused = |(error, hint): (String, String)| {
            assert!(error.contains("cannot read the git repository"), "{error}");
            assert!(hint.contains("--ref-format=files") && hint.contains("`commit`"), "{hint}");
        };
        let coded = place.resource().artifacts("code_hash", "src/**");
        let tree = coded.clone().artifacts("code_hash_algorithm", "git-tree");
        for repository in ["repo", "linked"] {
            for resource in [&place.resource(), &coded, &tree] {
                let params = json!({"repository": repository, "directory": "assets"});
                refused(resource.put(checkout.inputs(), &params).failure());
            }
            let params = json!({"repository": repository, "directory": "assets", "commit": commit});
            refused(tree.put(checkout.inputs(), &params).failure());
        }
        for algorithm in ["sha256", "md5"] {
            let resource = coded.clone().artifacts("code_hash_algorithm", algorithm);
            let params = json!({"repository": "repo", "directory": "assets", "commit": commit});
            let out = resource.put(checkout.inputs(), &params);
            assert_eq!(out.version()["commit"], commit, "{algorithm}");
        }
    }
}
