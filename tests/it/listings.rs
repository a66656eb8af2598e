//! Folders of more objects than a listing has on a page.

use crate::support::{BUCKET, Checkout, Embedded, Resource, Tree, commit};
use s3_asset_resource::words::digest::Sha256;
use s3_test_server::{Action, Fault};
use serde_json::json;

const FILES: usize = 60;

/// A server whose pages hold 7 keys.
fn server() -> (Embedded, Resource) {
    let server = Embedded::with(|options| options.max_page = 7);
    let resource = server.resource().artifacts("code_hash", "src/**");
    (server, resource)
}

fn tree(text: &str) -> Tree {
    (0..FILES).fold(Tree::default(), |tree, n| tree.with(&format!("d {n}/f+{n}"), text))
}

/// Puts a tree in a folder as s3-asset-manager does.
fn plain(server: &Embedded, folder: &str, tree: &Tree) {
    for path in tree.paths() {
        let bytes = tree.text(path).expect("a file");
        let hash = Sha256::of(bytes.as_bytes()).base64();
        server.put(BUCKET, &format!("{folder}/{path}"), bytes, &[("package-hash", &hash)]);
    }
}

#[test]
fn a_large_set_of_s3_asset_manager_is_whole() {
    let (server, resource) = server();
    plain(&server, &format!("artifacts/{}", commit(1)), &tree("old"));
    let out = resource.publish(&commit(1), &Tree::of("never", "uploaded"));
    assert_eq!(resource.get(&out.version(), json!({})).assets(), tree("old"));
    assert!(server.requests_of("ListObjectsV2").len() > FILES / 7);
}

#[test]
fn a_large_cached_set_of_s3_asset_manager_is_whole() {
    let (server, resource) = server();
    let checkout = Checkout::of(&Tree::of("src/a", "a"));
    let ask = json!({"repository": "repo"});
    let lookup = resource.artifacts("lookup", true).artifacts("code_hash_algorithm", "md5");
    let miss = lookup.put(checkout.inputs(), &ask).version();
    plain(&server, &format!("cache/{}", miss["code_hash"].as_str().expect("a hash")), &tree("old"));
    let hit = lookup.put(checkout.inputs(), &ask).version();
    assert_eq!(lookup.get(&hit, json!({})).assets(), tree("old"));
}

#[test]
fn a_large_leftover_is_finished_without_sending_it_again() {
    let (server, resource) = server();
    let manifest = Fault::new(Action::Status(403, "AccessDenied")).on("PutObject");
    server.fault(manifest.key_contains(".manifest.json"));
    resource.publish(&commit(1), &tree("new")).failure();
    server.reset_requests();
    let version = resource.publish(&commit(1), &tree("new")).version();
    let sent = server.requests_of("PutObject");
    let files = sent.iter().filter(|it| it.key.as_deref().is_some_and(|key| key.contains("/d ")));
    assert_eq!(files.count(), 0, "what is there is not sent again");
    assert_eq!(resource.get(&version, json!({})).assets(), tree("new"));
}

#[test]
fn a_large_leftover_of_other_bytes_is_not_mixed_in() {
    let (server, resource) = server();
    let folder = format!("artifacts/{}", commit(1));
    let manifest = Fault::new(Action::Status(403, "AccessDenied")).on("PutObject");
    server.fault(manifest.key_contains(".manifest.json"));
    resource.publish(&commit(1), &tree("old")).failure();
    let version = resource.publish(&commit(1), &tree("new")).version();
    assert_eq!(resource.get(&version, json!({})).assets(), tree("new"));
    assert_eq!(server.published(&folder), Some(tree("new")));
}

#[test]
fn only_the_part_that_failed_is_sent_again() {
    let (server, resource) = server();
    server.fault(Fault::new(Action::DropBefore).on("UploadPart").skip(1));
    let large = Tree::of("large.bin", vec![5; 33 << 20]);
    let out = resource.publish(&commit(1), &large);
    assert_eq!(out.retries(), 1, "{}", out.stderr);
    assert_eq!(server.requests_of("UploadPart").len(), 5 + 1);
    assert!(resource.get(&out.version(), json!({})).assets() == large);
}
