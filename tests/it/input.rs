//! What people write, and what Concourse sends: read kindly, refused with the reason.

use crate::support::{Embedded, Inputs, Place, Resource, Run, Tree, commit};
use serde_json::{Value, json};

/// A step with this text on standard input.
fn raw(program: &str, input: &str) -> Run {
    let directory = tempfile::TempDir::new().expect("a directory");
    Resource::new(json!({})).start_raw(program, Some(directory.path()), input.as_bytes()).wait()
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_known_one() {
    let place = Place::new();
    let resource = place.resource();
    for (key, nearest) in [
        ("buckets", "bucket"),
        ("acess_key_id", "access_key_id"),
        ("region", "region_name"),
        ("Endpoint", "endpoint"),
    ] {
        let (error, hint) = resource.clone().set(key, "x").check(None).failure();
        assert!(error.contains(&format!("source: unknown key `{key}`")), "{error}");
        assert!(hint.contains(&format!("`{nearest}`")), "{key}: {hint}");
    }
    let (error, hint) = resource.clone().artifacts("folow", "code").check(None).failure();
    assert!(error.contains("source.artifacts: unknown key `folow`"), "{error}");
    assert!(hint.contains("`follow`"), "{hint}");
    let inputs = Inputs::of(&Tree::of("a", "a"));
    let params = json!({"commit": commit(1), "directry": "assets"});
    let (error, hint) = resource.put(inputs.path(), &params).failure();
    assert!(error.contains("params: unknown key `directry`"), "{error}");
    assert!(hint.contains("`directory`"), "{hint}");
    let got = resource.get(&json!({"commit": commit(1)}), json!({"file": "x"}));
    let (error, hint) = got.run.failure();
    assert!(error.contains("params: unknown key `file`") && hint.contains("`files`"), "{hint}");
    assert!(place.keys().is_empty());
}

#[test]
fn only_the_first_document_is_read() {
    let place = Place::new();
    let resource = place.resource();
    let one = json!({"source": resource.source}).to_string();
    for after in ["{\"source\": {\"bucket\": \"other\"}}", "\n", "junk", "[1,2", "{\"source\""] {
        let run = raw("check", &format!("{one}\n{after}"));
        assert_eq!(run.json(), json!([]), "{after}");
        assert_eq!(run.stdout.lines().count(), 1);
    }
}

#[test]
fn what_is_no_request_is_an_error() {
    let inputs = [
        "",
        " ",
        "\n\n",
        "null",
        "[]",
        "7",
        "\"text\"",
        "{",
        "{\"source\"",
        "not JSON",
        "{\"source\": []}",
        "{\"source\": 7}",
        "{\"source\": \"x\"}",
        "{\"params\": []}",
        "{\"source\": {}, \"version\": []}",
        "{\"source\": {}, \"version\": {\"commit\": 7}}",
        "\u{0}",
        "{\"source\": {}}",
        "{}",
    ];
    for program in ["check", "in", "out"] {
        for input in inputs {
            let (error, _) = raw(program, input).failure();
            assert!(!error.is_empty(), "{program} {input:?}");
        }
    }
}

#[test]
fn a_directory_is_needed() {
    let place = Place::new();
    let request = json!({"source": place.resource().source, "version": {"commit": commit(1)},
        "params": {}});
    place.resource().start("in", None, &request).wait().failure();
    let request = json!({"source": place.resource().source,
        "params": {"commit": commit(1), "directory": "assets"}});
    place.resource().start("out", None, &request).wait().failure();
    let request = json!({"source": place.resource().source});
    place.resource().start("in", Some(std::path::Path::new(".")), &request).wait().failure();
}

#[test]
fn empty_and_null_fields_are_unset() {
    // With `conditional_writes` unset, too.
    let place = Place::of_writers();
    let keys = [
        "session_token",
        "aws_role_arn",
        "aws_role_external_id",
        "aws_role_session_name",
        "enable_aws_creds_provider",
        "region_name",
        "disable_ssl",
        "skip_ssl_verification",
        "ca_bundle",
        "skip_s3_checksums",
        "checksum_algorithm",
        "server_side_encryption",
        "sse_kms_key_id",
        "disable_multipart",
        "private",
        "skip_download",
        "cloudfront_url",
        "use_v2_signing",
        "prefix",
        "initial_history",
        "conditional_writes",
        "promotion",
        "package",
        "gocd",
        "regexp",
        "versioned_file",
    ];
    let params = [
        "repository",
        "commit_file",
        "files",
        "include_hidden",
        "acl",
        "content_type",
        "cache_control",
        "content_disposition",
        "storage_class",
        "object_tags",
        "object_metadata",
    ];
    let inputs = Inputs::of(&Tree::of("a", "a"));
    for (n, empty) in [json!(null), json!(""), json!({})].into_iter().enumerate() {
        let mut resource = place.resource();
        for key in keys {
            // A map is a track, so an empty one chooses it.
            if !(empty.is_object() && ["promotion", "package", "gocd"].contains(&key)) {
                resource = resource.set(key, empty.clone());
            }
        }
        for key in ["artifacts_prefix", "cache_prefix", "code_hash", "follow", "lookup"] {
            resource = resource.artifacts(key, empty.clone());
        }
        let mut put = json!({"commit": commit(n + 1), "directory": "assets"});
        for key in params {
            put[key] = empty.clone();
        }
        let version = resource.put(inputs.path(), &put).version();
        assert_eq!(version, json!({"commit": commit(n + 1)}), "{empty}");
        let got = resource.get(&version, json!({"files": empty, "skip_download": empty}));
        assert_eq!(got.assets(), Tree::of("a", "a"), "{empty}");
        let request = json!({"source": resource.source, "version": null, "params": empty});
        let check = resource.start("check", None, &request).wait();
        assert!(check.succeeded() || empty == "", "{empty}: {}", check.stderr);
    }
}

#[test]
fn numbers_and_booleans_may_be_texts_and_texts_numbers() {
    let place = Place::new();
    let resource = place.resource();
    for n in 1..=3 {
        resource.publish(&commit(n), &Tree::of("a", "a")).version();
    }
    let count = |value: Value| resource.clone().set("initial_history", value).versions(None).len();
    assert_eq!([count(json!(2)), count(json!("2")), count(json!(" 3 "))], [2, 2, 3]);
    for bad in [json!(0), json!(-1), json!(1.5), json!("many"), json!(true), json!([1])] {
        let (error, _) = resource.clone().set("initial_history", bad).check(None).failure();
        assert!(error.contains("source.initial_history"), "{error}");
    }
    let files = |value: Value| {
        let skipping = resource.clone().set("skip_download", value);
        skipping.get(&json!({"commit": commit(1)}), json!({})).assets().len()
    };
    for yes in [json!(true), json!("true"), json!("True"), json!("1"), json!(1), json!("t")] {
        assert_eq!(files(yes.clone()), 0, "{yes}");
    }
    for no in [json!(false), json!("false"), json!("FALSE"), json!("0"), json!(0), json!("")] {
        assert_eq!(files(no.clone()), 1, "{no}");
    }
    for bad in [json!("maybe"), json!(2), json!([true])] {
        let (error, _) = resource.clone().set("skip_download", bad).check(None).failure();
        assert!(error.contains("source.skip_download"), "{error}");
    }
    let numbered = resource.set("prefix", 2026);
    numbered.publish(&commit(1), &Tree::of("a", "a")).version();
    assert!(place.keys().iter().any(|key| key.starts_with("2026/artifacts/")));
}

#[test]
fn exactly_one_track() {
    let place = Place::new();
    let six = ["artifacts", "promotion", "package", "gocd", "regexp", "versioned_file"];
    for resource in [place.resource().unset("artifacts"), place.resource().set("regexp", "x(.*)")] {
        let (_, hint) = resource.check(None).failure();
        assert!(six.iter().all(|track| hint.contains(&format!("`{track}`"))), "{hint}");
    }
}

#[test]
fn contradictions_are_said() {
    let place = Place::new();
    let cases = [
        ("access_key_id", json!(""), "source.access_key_id"),
        ("secret_access_key", json!(null), "source.secret_access_key"),
        ("access_key_id", json!("an id"), "source.access_key_id"),
        ("session_token", json!("tök"), "source.session_token"),
        ("session_token", json!("token\n"), "source.session_token"),
        ("region_name", json!("eu\n"), "source.region_name"),
        ("bucket", json!("s3://x/y"), "bucket"),
        ("prefix", json!("/x"), "source.prefix"),
        ("prefix", json!("a/../b"), "source.prefix"),
        ("endpoint", json!("ftp://x"), "source.endpoint"),
        ("endpoint", json!("https://"), "source.endpoint"),
        ("endpoint", json!("a b"), "source.endpoint"),
        ("checksum_algorithm", json!("crc"), "checksum_algorithm"),
        ("sse_kms_key_id", json!("k"), "source.sse_kms_key_id"),
        ("artifacts", json!([]), "source.artifacts"),
        ("artifacts", json!({"follow": "tags"}), "source.artifacts.follow"),
        ("artifacts", json!({"code_hash_algorithm": "crc"}), "code_hash_algorithm"),
        ("artifacts", json!({"cache_prefix": "artifacts/x"}), "cache_prefix"),
    ];
    for (key, value, named) in cases {
        let (error, _) = place.resource().set(key, value).check(None).failure();
        assert!(error.contains(named), "{key}: {error}");
    }
}

#[test]
fn what_no_person_writes_costs_nothing() {
    let server = Embedded::new();
    let long = "k".repeat(4 << 20);
    let (error, hint) = server.resource().set(&long, "x").check(None).failure();
    assert!(error.contains("unknown key") && error.len() + hint.len() < 4_000, "{}", error.len());
    let inputs = Inputs::of(&Tree::of("a", "a"));
    let nested = format!("{}a{}", "{".repeat(43_000), "}".repeat(43_000));
    let many: Vec<String> = (0..20_000).map(|n| format!("*-{n}.zip")).collect();
    for (files, what) in [(json!([nested]), "are the most"), (json!(many), "20000 globs")] {
        let params = json!({"commit": commit(1), "directory": "assets", "files": files});
        let (error, _) = server.resource().put(inputs.path(), &params).failure();
        assert!(error.contains(what) && error.len() < 1_000, "{error}");
    }
    let version = server.resource().publish(&commit(1), &Tree::of("a", "a")).version();
    let got = server.resource().get(&version, json!({"files": [nested]}));
    assert!(got.nothing_but_an_error().contains("are the most"));
}
