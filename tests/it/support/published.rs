//! A published set as the bucket holds it, without the program's help.

use super::Tree;
use s3_asset_resource::words::digest::Sha256;
use serde_json::Value;

/// The objects that the manifest in a folder names, if it stands. Each must hold what the manifest
/// says, and so must the plain key of its path.
pub(crate) fn published(folder: &str, read: impl Fn(&str) -> Option<Vec<u8>>) -> Option<Tree> {
    let manifest = read(&format!("{folder}/.manifest.json"))?;
    let manifest: Value = serde_json::from_slice(&manifest).expect("a manifest");
    let mut tree = Tree::default();
    for file in manifest["files"].as_array().expect("files") {
        let text = |name: &str| file[name].as_str().expect("a text").to_owned();
        let (path, key) = (text("path"), text("key"));
        let bytes = read(&key).unwrap_or_else(|| panic!("no object {key}"));
        let sha256 = Sha256::of(&bytes).hex();
        assert_eq!(sha256, text("sha256"), "{key} differs from its manifest");
        let plain = format!("{folder}/{path}");
        if plain != key {
            let plain = read(&plain).unwrap_or_else(|| panic!("no object {plain}"));
            assert!(plain == bytes, "the plain key of {path} in {folder} differs");
        }
        tree = match text("mode").as_str() {
            "0755" => tree.with_program(&path, bytes),
            _ => tree.with(&path, bytes),
        };
    }
    Some(tree)
}
