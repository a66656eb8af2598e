//! Large files whose parts' SHA-256s are recorded: each part is verified as it arrives.

use crate::support::{BUCKET, Embedded, Inputs, Resource, Tree, commit, noise};
use s3_asset_resource::words::digest::Sha256;
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};

const PART: usize = 8 << 20;
const SIZE: usize = 2 * PART + 12_345;

fn tree() -> Tree {
    Tree::of("large.bin", noise(1, SIZE)).with("small", "small")
}

fn published() -> (Embedded, Resource, Value) {
    let server = Embedded::with(|options| options.fast_etags = true);
    let resource = server.resource();
    let version = resource.publish(&commit(1), &tree()).version();
    server.reset_requests();
    (server, resource, version)
}

fn at_rank(server: &Embedded) -> Resource {
    let rank = json!({"ranks": ["qa"], "rank": "qa", "file": "large.bin"});
    server.resource().unset("artifacts").set("promotion", rank)
}

fn manifest_key() -> String {
    format!("artifacts/{}/.manifest.json", commit(1))
}

/// Changes what a manifest says of its first file.
fn edit(server: &Embedded, change: impl FnOnce(&mut Value)) {
    let mut manifest: Value = serde_json::from_str(&server.text(&manifest_key())).expect("JSON");
    change(&mut manifest["files"][0]);
    assert!(server.corrupt(BUCKET, &manifest_key(), manifest.to_string()));
}

#[test]
fn the_manifest_and_the_record_have_the_digests() {
    let (server, _, _) = published();
    let manifest: Value = serde_json::from_str(&server.text(&manifest_key())).expect("JSON");
    let digests: Vec<u8> =
        noise(1, SIZE).chunks(PART).flat_map(|part| Sha256::of(part).bytes()).collect();
    let parts = json!({
        "size": PART, "sha256": base64_simd::STANDARD.encode_to_string(digests),
    });
    assert_eq!(manifest["files"][0]["parts"], parts);
    assert_eq!(manifest["files"][1].get("parts"), None, "in one piece");
    let whole = Sha256::of(&noise(1, SIZE));
    assert_eq!(manifest["files"][0]["sha256"], json!(whole.hex()), "made of the same bytes");

    let inputs = Inputs::of(&tree());
    let put = json!({"file": "assets/large.bin", "version": "1"});
    at_rank(&server).put(inputs.path(), &put).version();
    let record = server.text("archive/1/.large.bin/release.json");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    assert_eq!(record["parts"], parts);
    let history = server.text("qa/.history/large.bin.json");
    assert!(!history.contains("parts"), "a check reads no digests of parts: {history}");
}

/// A bad part costs one more request, and not the whole file.
#[test]
fn a_part_that_flips_on_its_way_is_fetched_again_alone() {
    let (server, resource, version) = published();
    let get = |resource: &Resource, version: &Value, wrong: u64| {
        server.reset_requests();
        let fault = Fault::new(Action::Corrupt).on("GetObject").key_contains("/large.bin");
        server.fault(fault.skip(1).times(wrong));
        let got = resource.get(version, json!({}));
        server.clear_faults();
        let ranges = server.requests_of("GetObject");
        let ranges = ranges.iter().filter(|it| it.header("range").is_some()).count();
        assert_eq!(got.run.retries(), wrong as usize, "{}", got.run.stderr);
        (ranges, got.assets())
    };
    for wrong in [0, 1, 2] {
        let (ranges, assets) = get(&resource, &version, wrong);
        assert_eq!(ranges, 3 + wrong as usize);
        assert!(assets == tree());
    }
}

#[test]
fn a_release_is_verified_by_parts_as_well() {
    let server = Embedded::with(|options| options.fast_etags = true);
    let (resource, inputs) = (at_rank(&server), Inputs::of(&tree()));
    let put = json!({"file": "assets/large.bin", "version": "1"});
    let version = resource.put(inputs.path(), &put).version();
    server.reset_requests();
    let fault = Fault::new(Action::Corrupt).on("GetObject").key("archive/1/large.bin");
    server.fault(fault.skip(1));
    let got = resource.get(&version, json!({}));
    assert_eq!(got.run.retries(), 1, "{}", got.run.stderr);
    assert!(std::fs::read(got.path().join("large.bin")).expect("the file") == noise(1, SIZE));
    assert_eq!(server.requests_of("GetObject").len(), 2 + 4, "history, record, and four ranges");
}

/// A policy may give the archive's objects and none of its records: then the whole is verified.
#[test]
fn a_record_that_may_not_be_read_is_done_without() {
    let server = Embedded::with(|options| options.fast_etags = true);
    let (resource, inputs) = (at_rank(&server), Inputs::of(&tree()));
    let put = json!({"file": "assets/large.bin", "version": "1"});
    let version = resource.put(inputs.path(), &put).version();
    let denied = Fault::new(Action::Status(403, "AccessDenied")).key_contains("release.json");
    server.fault(denied.always());
    let got = resource.get(&version, json!({}));
    assert!(got.run.succeeded(), "{}", got.run.stderr);
    assert!(std::fs::read(got.path().join("large.bin")).expect("the file") == noise(1, SIZE));
}

/// What the server keeps wrong is an error that names the object and the part, whichever part it is.
#[test]
fn a_part_that_stays_wrong_is_an_error() {
    for at in [0, PART, SIZE - 1] {
        let (server, resource, version) = published();
        let mut bytes = noise(1, SIZE);
        bytes[at] ^= 1;
        server.corrupt(BUCKET, &format!("artifacts/{}/large.bin", commit(1)), bytes);
        let error = resource.get(&version, json!({})).nothing_but_an_error();
        let from = at / PART * PART;
        assert!(error.contains(&format!("bytes from {from} on")), "{error}");
        assert!(error.contains("large.bin: not the bytes that were published"), "{error}");
    }
}

#[test]
fn other_bytes_each_time_are_blamed_on_the_way() {
    let (server, resource, version) = published();
    let get = |action| Fault::new(action).on("GetObject").key_contains("/large.bin");
    server.fault(get(Action::Corrupt));
    // The three parts are asked for at once, so the fourth request is the second for one of them.
    let handle: s3_test_server::Handle = (*server).clone();
    let change = move |_: &s3_test_server::RequestInfo| {
        handle.corrupt(BUCKET, &format!("artifacts/{}/large.bin", commit(1)), noise(2, SIZE));
    };
    server.fault(get(Action::Call(std::sync::Arc::new(change))).skip(3));
    let error = resource.get(&version, json!({})).nothing_but_an_error();
    assert!(error.contains("other bytes arrive each time"), "{error}");
}

/// What an older release published, or what nobody can make sense of, is verified as a whole.
#[test]
fn without_digests_of_parts_the_whole_is_verified() {
    let edits: [&dyn Fn(&mut Value); 5] = [
        &|file| {
            file.as_object_mut().expect("a map").remove("parts");
        },
        &|file| file["parts"]["sha256"] = json!("AAAA"),
        &|file| file["parts"]["size"] = json!(PART / 2),
        &|file| file["parts"]["size"] = json!(0),
        &|file| file["parts"]["size"] = json!(u64::MAX),
    ];
    for change in edits {
        let (server, resource, version) = published();
        edit(&server, change);
        assert!(resource.get(&version, json!({})).assets() == tree());
        let mut bytes = noise(1, SIZE);
        bytes[PART] ^= 1;
        server.corrupt(BUCKET, &format!("artifacts/{}/large.bin", commit(1)), bytes);
        let error = resource.get(&version, json!({})).nothing_but_an_error();
        assert!(error.contains("its SHA-256 is"), "{error}");
    }
}

/// Digests that are not those of the bytes are an error, though the whole's is right: whoever wrote
/// the manifest is at odds with themselves.
#[test]
fn digests_of_other_parts_are_not_believed_over() {
    let (server, resource, version) = published();
    edit(&server, |file| {
        let digests: Vec<u8> = (0..3).flat_map(|n| Sha256::of(&[n]).bytes()).collect();
        file["parts"]["sha256"] = json!(base64_simd::STANDARD.encode_to_string(digests));
    });
    resource.get(&version, json!({})).nothing_but_an_error();
}

/// A copy out of the cache, or out of an older set, has them too.
#[test]
fn copies_keep_the_digests() {
    let (server, resource, _) = published();
    let version = resource.publish(&commit(2), &tree().with("small", "changed")).version();
    assert_eq!(server.requests_of("CopyObject").len(), 1);
    let of = |n| {
        let text = server.text(&format!("artifacts/{}/.manifest.json", commit(n)));
        serde_json::from_str::<Value>(&text).expect("JSON")["files"][0]["parts"].clone()
    };
    assert!(of(2).is_object() && of(2) == of(1));
    assert!(resource.get(&version, json!({})).assets() == tree().with("small", "changed"));
}
