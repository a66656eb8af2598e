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

/// The commit is known and the files are hashed, with nothing of git's own objects.
#[test]
fn a_repository_of_sha256_is_published() {
    let place = Place::new();
    let checkout = Checkout::empty();
    git(checkout.inputs(), &["init", "--quiet", "--object-format=sha256", "repo"]);
    Tree::of("src/a", "a").with("README", "one").write(&checkout.repo());
    let commit = checkout.commit("first");
    assert_eq!(commit.len(), 64);
    let version = publish(&place, &checkout, "sha256");
    assert_eq!(version["commit"], commit);
    let got = place.resource().get(&version, json!({}));
    assert_eq!(got.assets(), Tree::of("app", "built"));
    std::fs::write(checkout.repo().join("README"), "two").expect("the file");
    let second = checkout.commit("second");
    let again = publish(&place, &checkout, "sha256");
    assert_eq!((&again["commit"], &again["code_hash"]), (&json!(second), &version["code_hash"]));
    assert_eq!(publish(&Place::new(), &checkout, "md5")["commit"], second);
    let resource = place.resource().artifacts("code_hash", "src/**");
    let tree = resource.artifacts("code_hash_algorithm", "git-tree");
    std::fs::write(checkout.repo().join("README"), "three").expect("the file");
    checkout.commit("third");
    let put = tree.put(checkout.inputs(), &json!({"repository": "repo", "directory": "assets"}));
    let (error, hint) = put.failure();
    assert!(error.contains("names objects by SHA-256"), "{error}");
    assert!(hint.contains("code_hash_algorithm: sha256"), "{hint}");
}
