//! What objects carry beside their bytes, uploaded and copied ones alike.

use crate::support::{BUCKET, Checkout, Embedded, Place, Resource, Tree};
use serde_json::{Value, json};

fn code() -> Tree {
    Tree::of("src/a", "a").with("README", "one")
}

fn with_options() -> Value {
    json!({
        "repository": "repo", "directory": "assets",
        "acl": "bucket-owner-full-control", "cache_control": "max-age=60",
        "content_disposition": "attachment", "storage_class": "STANDARD_IA",
        "object_tags": {"team": "a/b + c=d", "n": 1}, "object_metadata": {"Colour": "red"},
    })
}

fn assets() -> Tree {
    Tree::of("page.html", "<p>").with("data.json", "{}").with("strange.xyzzy", "?")
}

/// Publishes for one commit and, out of the cache, for another; answers both folders and the
/// cache's.
fn folders(resource: &Resource, tree: &Tree, params: &Value) -> Vec<String> {
    let resource = resource.clone().artifacts("code_hash", "src/**");
    let checkout = Checkout::of(&code());
    checkout.input("assets", tree);
    let first = resource.put(checkout.inputs(), params);
    let mut folders = vec![format!("artifacts/{}", checkout.head())];
    std::fs::write(checkout.repo().join("README"), "two").expect("the file");
    folders.push(format!("artifacts/{}", checkout.commit("second")));
    let second = resource.put(checkout.inputs(), params);
    assert_eq!([first.metadata("cache_hit"), second.metadata("cache_hit")], ["false", "true"]);
    let code_hash = first.version()["code_hash"].as_str().expect("a hash").to_owned();
    folders.push(format!("cache/{code_hash}"));
    folders
}

#[test]
fn headers_tags_and_metadata_are_on_uploads_and_on_copies() {
    let place = Place::new();
    for folder in folders(&place.resource(), &assets(), &with_options()) {
        for (name, content_type) in [
            ("page.html", "text/html"),
            ("data.json", "application/json"),
            ("strange.xyzzy", "application/octet-stream"),
        ] {
            let key = format!("{folder}/{name}");
            let head = place.head(&key);
            assert_eq!(head.content_type(), Some(content_type), "{key}");
            assert_eq!(head.cache_control(), Some("max-age=60"), "{key}");
            assert_eq!(head.content_disposition(), Some("attachment"), "{key}");
            let metadata = head.metadata().expect("metadata");
            assert_eq!(metadata.get("colour").map(String::as_str), Some("red"), "{key}");
            assert!(metadata.contains_key("package-hash"), "{key}");
            let tags: Vec<_> = place.tags(&key).into_iter().collect();
            let want = [("n", "1"), ("team", "a/b + c=d")];
            assert_eq!(tags, want.map(|(k, v)| (k.to_owned(), v.to_owned())), "{key}");
        }
    }
}

#[test]
fn acl_and_storage_class_are_on_uploads_and_on_copies() {
    let server = Embedded::new();
    let tree = assets().with("large.bin", vec![7; 17 << 20]);
    for folder in folders(&server.resource(), &tree, &with_options()) {
        for name in ["page.html", "large.bin"] {
            let object = server.get(BUCKET, &format!("{folder}/{name}")).expect("an object");
            let acl = object.attributes.acl.as_deref();
            assert_eq!(acl, Some("bucket-owner-full-control"), "{folder}/{name}");
            assert_eq!(object.storage_class(), "STANDARD_IA", "{folder}/{name}");
            assert_eq!(object.tags["team"], "a/b + c=d", "{folder}/{name}");
        }
    }
}

/// A user's storage class, ACL and tags are for files: nothing that the rest counts on has them.
#[test]
fn objects_of_our_own_carry_nothing_of_a_users() {
    let server = Embedded::new();
    folders(&server.resource(), &assets(), &with_options());
    let rank = json!({"ranks": ["qa"], "rank": "qa", "file": "data.json"});
    let resource = server.resource().unset("artifacts").set("promotion", rank);
    let mut params = with_options();
    params
        .as_object_mut()
        .expect("a map")
        .retain(|key, _| !["repository", "directory"].contains(&key.as_str()));
    params["file"] = "assets/data.json".into();
    let inputs = crate::support::Inputs::of(&assets());
    resource.put(inputs.path(), &params).version();
    let mut seen = 0;
    for (key, (_, attributes)) in server.snapshot(BUCKET) {
        let name = key.rsplit('/').next().unwrap_or_default();
        let own = [".manifest.json", ".pending", "release.json", "claim.json"];
        if own.contains(&name) || key.contains(".history") {
            let object = server.get(BUCKET, &key).expect("an object");
            assert_eq!((attributes.acl.as_deref(), object.storage_class()), (None, "STANDARD"));
            assert!(object.tags.is_empty(), "{key}");
            seen += 1;
        }
    }
    assert!(seen >= 9, "{seen}");
}

#[test]
fn a_given_content_type_is_every_objects() {
    let place = Place::new();
    let params = json!({"repository": "repo", "directory": "assets", "content_type": "text/x"});
    for folder in folders(&place.resource(), &assets(), &params) {
        let head = place.head(&format!("{folder}/page.html"));
        assert_eq!(head.content_type(), Some("text/x"), "{folder}");
    }
}

#[test]
fn encryption_is_asked_for_every_object() {
    let server = Embedded::new();
    let resource = server
        .resource()
        .set("server_side_encryption", "aws:kms")
        .set("sse_kms_key_id", "arn:aws:kms:us-east-1:1:key/k");
    let params = json!({"repository": "repo", "directory": "assets"});
    let tree = assets().with("large.bin", vec![7; 17 << 20]);
    folders(&resource, &tree, &params);
    for (key, (_, attributes)) in server.snapshot(BUCKET) {
        assert_eq!(attributes.sse.as_deref(), Some("aws:kms"), "{key}");
        let id = attributes.sse_kms_key_id.as_deref();
        assert_eq!(id, Some("arn:aws:kms:us-east-1:1:key/k"), "{key}");
    }
}

#[test]
fn the_chosen_checksum_travels_with_each_body() {
    for (key, value, header) in [
        ("skip_s3_checksums", "false", Some("x-amz-checksum-sha256")),
        ("skip_s3_checksums", "true", None),
        ("checksum_algorithm", "CRC32", Some("x-amz-checksum-crc32")),
        ("checksum_algorithm", "crc64nvme", Some("x-amz-checksum-crc64nvme")),
    ] {
        let server = Embedded::new();
        let resource = server.resource().set(key, value);
        let tree = Tree::of("a", "a").with("large.bin", vec![7; 17 << 20]);
        let version = resource.publish(&crate::support::commit(1), &tree).version();
        assert!(resource.get(&version, json!({})).assets() == tree, "{value}");
        let puts = server.requests_of("PutObject");
        let parts = server.requests_of("UploadPart");
        assert!(!parts.is_empty());
        for put in puts.iter().chain(&parts) {
            let sent: Vec<_> = put
                .headers
                .keys()
                .map(|name| name.as_str())
                .filter(|name| name.starts_with("x-amz-checksum-"))
                .collect();
            let want = match (put.operation, header) {
                ("UploadPart", Some("x-amz-checksum-sha256")) => Some("x-amz-checksum-crc64nvme"),
                (_, header) => header,
            };
            assert_eq!(sent, want.into_iter().collect::<Vec<_>>(), "{value} {}", put.operation);
        }
    }
}
