use super::*;
use crate::input::access::{Checksum, ChecksumAlgorithm, Identity, Trust};
use crate::input::protocol::Request;
use crate::tracks::artifacts::source::Follow;
use crate::words::fault::hint_of;
use serde_json::json;

fn parse(extra: Value) -> anyhow::Result<Source> {
    let mut source = json!({"bucket": "b", "artifacts": {}});
    for (key, value) in extra.as_object().expect("a map") {
        source[key] = value.clone();
    }
    Source::parse(source.as_object().expect("a map"))
}

#[test]
fn the_least_that_works() {
    let source = parse(json!({})).expect("valid");
    assert_eq!(source.settings.access.region, "us-east-1");
    assert_eq!(source.settings.access.identity, Identity::Anonymous);
    assert_eq!(source.settings.initial_history, 1);
    assert!(source.settings.access.conditional_writes && source.settings.access.multipart);
    let Track::Artifacts(track) = source.track else { panic!("the artifacts track") };
    assert_eq!((track.artifacts.as_str(), track.cache.as_str()), ("artifacts/", "cache/"));
    assert_eq!(track.follow, Follow::Commit);
}

#[test]
fn prefixes_stand_before_both_folders() {
    let source =
        parse(json!({"prefix": "team", "artifacts": {"artifacts_prefix": "a/b"}})).expect("valid");
    let Track::Artifacts(track) = source.track else { panic!("the artifacts track") };
    assert_eq!((track.artifacts.as_str(), track.cache.as_str()), ("team/a/b/", "team/cache/"));
}

#[test]
fn who_signs() {
    let key = json!({"access_key_id": "AKIA", "secret_access_key": "s"});
    assert!(matches!(
        parse(key.clone()).expect("valid").settings.access.identity,
        Identity::Key { .. }
    ));
    let chain = parse(json!({"enable_aws_creds_provider": "true"})).expect("valid");
    assert_eq!(chain.settings.access.identity, Identity::Chain);
    let role = parse(json!({"aws_role_arn": "arn:aws:iam::1:role/r", "aws_role_external_id": 42}))
        .expect("valid");
    assert_eq!(role.settings.access.identity, Identity::Chain);
    let role = role.settings.access.role.expect("a role");
    assert_eq!(
        (role.external_id.as_deref(), role.session_name.as_str()),
        (Some("42"), "s3-asset-resource")
    );
}

#[test]
fn urls_of_a_bucket() {
    let cases = [
        (json!({"region_name": "eu-west-2"}), "https://b.s3.eu-west-2.amazonaws.com/"),
        (json!({"region_name": "cn-north-1"}), "https://b.s3.cn-north-1.amazonaws.com.cn/"),
        (json!({"use_path_style": true}), "https://s3.us-east-1.amazonaws.com/b/"),
        (json!({"endpoint": "s3.example.com:9000"}), "https://b.s3.example.com:9000/"),
        (json!({"endpoint": "http://10.0.0.1:9000"}), "http://10.0.0.1:9000/b/"),
        (json!({"endpoint": "http://[::1]:9000"}), "http://[::1]:9000/b/"),
        (json!({"bucket": "a.b"}), "https://s3.us-east-1.amazonaws.com/a.b/"),
    ];
    for (source, want) in cases {
        assert_eq!(parse(source).expect(want).settings.access.url(), want);
    }
}

#[test]
fn endpoints_get_a_scheme() {
    let cases = [
        (json!({"endpoint": "minio:9000"}), "https://minio:9000"),
        (json!({"endpoint": "minio:9000", "disable_ssl": true}), "http://minio:9000"),
        (json!({"endpoint": "https://minio/", "disable_ssl": true}), "https://minio"),
    ];
    for (source, want) in cases {
        assert_eq!(parse(source).expect(want).settings.access.endpoint.as_deref(), Some(want));
    }
}

#[test]
fn mistakes_are_named() {
    let cases = [
        (json!({"bucket": ""}), "source.bucket: missing", "name the bucket"),
        (
            json!({"region": "eu-west-1"}),
            "source: unknown key `region`",
            "did you mean `region_name`?",
        ),
        (
            json!({"acces_key_id": "x"}),
            "source: unknown key `acces_key_id`",
            "did you mean `access_key_id`?",
        ),
        (
            json!({"artifacts": {"folow": 1}}),
            "source.artifacts: unknown key `folow`",
            "did you mean `follow`?",
        ),
        (json!({"artifacts": null}), "source: no track", SIX),
        (json!({"regexp": "a-(.*)"}), "source: more than one track: artifacts, regexp", SIX),
        (
            json!({"artifacts": "x"}),
            "source.artifacts: expected a map",
            "`artifacts: {}` takes every default",
        ),
        (
            json!({"access_key_id": "AKIA"}),
            "source.secret_access_key: missing",
            "access_key_id is given: give both, or neither",
        ),
        (
            json!({"ca_bundle": "PEM", "skip_ssl_verification": true}),
            "source: please do not use ca_bundle when skip_ssl_verification is set",
            "remove one of the two",
        ),
        (
            json!({"checksum_algorithm": "crc"}),
            "source: checksum_algorithm must be one of: CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256, SHA512, XXHASH128, XXHASH3, XXHASH64",
            "`crc` is none of them",
        ),
        (
            json!({"artifacts": {"cache_prefix": "artifacts/cache"}}),
            "source.artifacts: `artifacts_prefix` and `cache_prefix` lie within each other",
            "give two folders side by side",
        ),
        (
            json!({"endpoint": "https://user:hunter2@minio"}),
            "source.endpoint: credentials in the URL",
            "use access_key_id and secret_access_key",
        ),
        (
            json!({"initial_history": 0}),
            "source.initial_history: 0 versions are no history",
            "give 1 or more",
        ),
    ];
    for (source, what, hint) in cases {
        let error = parse(source).expect_err(what);
        assert_eq!((error.to_string().as_str(), hint_of(&error)), (what, Some(hint)));
    }
}

#[test]
fn what_has_no_effect_is_a_warning() {
    let source =
        parse(json!({"use_v2_signing": true, "cloudfront_url": "https://x"})).expect("valid");
    assert_eq!(source.settings.warnings.len(), 2);
}

/// Every key of `source` that s3-resource 2.5.4 has, and what it means here.
#[test]
fn every_key_of_s3_resource_is_taken() {
    type Means = fn(&Source) -> bool;
    let key = || json!({"access_key_id": "AKIA", "secret_access_key": "s"});
    let cases: [(&str, Value, Value, Means); 28] = [
        ("bucket", json!("other"), json!({}), |it| it.settings.access.bucket.as_str() == "other"),
        (
            "access_key_id",
            json!("AKIA"),
            key(),
            |it| matches!(&it.settings.access.identity, Identity::Key { id, .. } if id == "AKIA"),
        ),
        (
            "secret_access_key",
            json!("s"),
            key(),
            |it| matches!(&it.settings.access.identity, Identity::Key { secret, .. } if secret.expose() == "s"),
        ),
        ("session_token", json!("t"), key(), |it| {
            matches!(&it.settings.access.identity, Identity::Key { token: Some(_), .. })
        }),
        ("aws_role_arn", json!("arn:aws:iam::1:role/r"), key(), |it| {
            it.settings.access.role.as_ref().is_some_and(|role| role.arn == "arn:aws:iam::1:role/r")
        }),
        ("enable_aws_creds_provider", json!(true), json!({}), |it| {
            it.settings.access.identity == Identity::Chain
        }),
        ("region_name", json!("eu-west-2"), json!({}), |it| {
            it.settings.access.region == "eu-west-2"
        }),
        ("regexp", json!("b-(.*)"), json!({}), |it| matches!(it.track, Track::Files(_))),
        ("versioned_file", json!("b"), json!({"regexp": ""}), |it| {
            matches!(it.track, Track::Files(_))
        }),
        ("private", json!(true), json!({}), |it| it.settings.private),
        ("cloudfront_url", json!("https://x"), json!({}), |it| {
            it.settings.warnings == ["cloudfront_url has no effect: set `endpoint` instead"]
        }),
        ("endpoint", json!("s3.example.com"), json!({}), |it| {
            it.settings.access.endpoint.as_deref() == Some("https://s3.example.com")
        }),
        ("disable_ssl", json!(true), json!({"endpoint": "s3.example.com"}), |it| {
            it.settings.access.endpoint.as_deref() == Some("http://s3.example.com")
        }),
        ("server_side_encryption", json!("aws:kms"), json!({}), |it| {
            it.settings.access.encryption.as_ref().is_some_and(|it| it.algorithm == "aws:kms")
        }),
        ("sse_kms_key_id", json!("k"), json!({"server_side_encryption": "aws:kms"}), |it| {
            let encryption = it.settings.access.encryption.as_ref();
            encryption.is_some_and(|it| it.kms_key_id.as_deref() == Some("k"))
        }),
        ("use_v2_signing", json!(true), json!({}), |it| {
            it.settings.warnings
                == ["use_v2_signing has no effect: every request is signed with version 4"]
        }),
        ("skip_ssl_verification", json!(true), json!({}), |it| {
            it.settings.access.trust == Trust::Anything
        }),
        ("ca_bundle", json!("PEM"), json!({}), |it| {
            it.settings.access.trust == Trust::Bundle("PEM".to_owned())
        }),
        ("skip_download", json!(true), json!({}), |it| it.settings.skip_download),
        ("initial_version", json!("0"), json!({"regexp": "", "versioned_file": "a"}), |_| true),
        ("initial_path", json!("a-0"), json!({}), |_| true),
        ("initial_content_text", json!("hi"), json!({"initial_path": "a-0"}), |_| true),
        ("initial_content_binary", json!("aGk="), json!({"initial_path": "a-0"}), |_| true),
        ("disable_multipart", json!(true), json!({}), |it| !it.settings.access.multipart),
        ("use_path_style", json!(true), json!({}), |it| it.settings.access.path_style),
        ("skip_s3_checksums", json!(true), json!({}), |it| {
            it.settings.access.checksum() == Checksum::None
        }),
        ("checksum_algorithm", json!("CRC32C"), json!({}), |it| {
            it.settings.access.checksum() == Checksum::Always(ChecksumAlgorithm::Crc32c)
        }),
        ("checksum_algorithm", json!("XXHASH3"), json!({}), |it| {
            it.settings.access.checksum() == Checksum::Default && it.settings.warnings.len() == 1
        }),
    ];
    for (name, value, others, means) in cases {
        let mut source = json!({"bucket": "b", "regexp": "a-(.*)"});
        source[name] = value;
        for (other, value) in others.as_object().expect("a map") {
            source[other] = value.clone();
        }
        let parsed = Source::parse(source.as_object().expect("a map"));
        let parsed = parsed.unwrap_or_else(|e| panic!("{name}: {e:#}"));
        assert!(means(&parsed), "{name}: {parsed:?}");
        let told = ["cloudfront_url", "use_v2_signing", "checksum_algorithm"].contains(&name);
        assert!(told || parsed.settings.warnings.is_empty(), "{name}");
    }
}

/// Every parameter of its gets and puts.
#[test]
fn every_parameter_of_s3_resource_is_taken() {
    let gets = [
        json!({"unpack": true}),
        json!({"download_tags": true}),
        json!({"download_tags": "true"}),
        json!({"skip_download": "true"}),
        json!({"skip_download": "T"}),
    ];
    for params in gets {
        let parsed = files::params::GetFiles::parse(params.as_object().expect("a map"));
        assert!(format!("{:?}", parsed.expect("valid")).contains("warnings: []"), "{params}");
    }
    let old = "params `from` and `to` are deprecated: use `file` instead";
    let puts = [
        (json!({"file": "a/*", "acl": "public-read", "content_type": "text/plain"}), ""),
        (json!({"from": "a-(.*)", "to": "b-${1}"}), old),
    ];
    for (params, warning) in puts {
        let parsed = files::params::PutFiles::parse(params.as_object().expect("a map"));
        let parsed = format!("{:?}", parsed.expect("valid"));
        assert!(parsed.contains(warning) && !parsed.contains("unknown key"), "{parsed}");
    }
}

#[test]
fn google_is_sent_no_checksums() {
    let google = json!({"endpoint": "https://storage.googleapis.com"});
    assert_eq!(parse(google.clone()).expect("valid").settings.access.checksum(), Checksum::None);
    let mut asked = google;
    asked["checksum_algorithm"] = json!("SHA256");
    let asked = parse(asked).expect("valid").settings.access.checksum();
    assert_eq!(asked, Checksum::Always(ChecksumAlgorithm::Sha256));
}

#[test]
fn nothing_secret_is_shown_by_debug() {
    let source = parse(json!({
        "access_key_id": "AKIA", "secret_access_key": "hunter2", "session_token": "hunter3"
    }))
    .expect("valid");
    assert!(!format!("{source:?}").contains("hunter"));
}

/// What the three programs read from standard input, of every track: an error is one line with a
/// hint, and shows no secret.
#[test]
fn fuzz_requests() {
    let place = json!({
        "bucket": "assets", "endpoint": "https://minio.example.com:9000", "use_path_style": "true",
        "access_key_id": "AKIA", "secret_access_key": "hunter2hunter2", "session_token": "hunter3hunter3",
        "aws_role_arn": "arn:aws:iam::123456789012:role/ci", "region_name": "eu-west-1",
        "server_side_encryption": "aws:kms", "sse_kms_key_id": "arn:aws:kms:eu-west-1:1:key/k",
        "checksum_algorithm": "CRC32C", "initial_history": 3, "prefix": "team/a", "skip_download": false,
    });
    let object = json!({
        "acl": "private", "content_type": "text/plain", "cache_control": "no-store",
        "storage_class": "STANDARD_IA", "object_tags": {"a": "b"}, "object_metadata": {"k": 1},
    });
    let commit = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4";
    let seeds = [
        (
            json!({"artifacts": {"code_hash": ["src/**", "*.toml"], "follow": "code", "lookup": true}}),
            json!({"commit": commit, "code_hash": "d41d8cd98f00b204e9800998ecf8427e", "found": "false"}),
            json!({"commit": commit, "directory": "built", "files": ["*.zip"], "include_hidden": true}),
        ),
        (
            json!({"promotion": {"ranks": ["staging", "production"], "rank": "production", "file": "app.tgz"}}),
            json!({"version": "1.0", "promotion": "17"}),
            json!({"version_file": "v/version", "rollback": true, "file": "app.tgz"}),
        ),
        (
            json!({"package": {"name": "team/app", "tag": "live", "store": "s3://store", "numbering": "timestamp"}}),
            json!({"version": "23", "tag": "live", "tagged": "9"}),
            json!({"file": "built/app-*", "tags": "live canary", "untag": ["old"], "metadata": {"a": "b"}}),
        ),
        (
            json!({"gocd": {"pipeline": "app", "stage": "build", "job": "package"}}),
            json!({"revision": "42.1"}),
            json!({"directory": "built", "revision_file": "r", "label": 7, "user": "José", "annotate_only": true}),
        ),
        (
            json!({"regexp": "r/app-(?P<version>.*)[.]tgz", "initial_path": "r/app-0.tgz", "initial_content_binary": "aGk=", "order": "time", "private": true}),
            json!({"path": "r/app-1.tgz"}),
            json!({"file": "built/app-*.tgz", "on_conflict": "fail", "pack": "tar.gz", "to": "r/"}),
        ),
        (
            json!({"versioned_file": "r/app.tgz", "initial_version": "0", "initial_content_text": "hi", "disable_multipart": 1}),
            json!({"version_id": "null"}),
            json!({"from": "built/app-(.*)", "to": "r/${1}", "unpack": true, "download_tags": "true", "unpack_limit": 9}),
        ),
    ];
    let seeds = seeds.map(|(track, version, params)| {
        let merged = |a: &Value, b: &Value| {
            let (mut a, b) = (a.as_object().expect("a map").clone(), b.as_object().expect("a map"));
            a.extend(b.clone());
            Value::Object(a)
        };
        json!({"source": merged(&place, &track), "version": version, "params": merged(&object, &params)})
    });
    let seeds = seeds.map(|seed| seed.to_string().into_bytes());
    fuzz_driver::bytes("requests", 4_000, seeds, |input| {
        let text = String::from_utf8_lossy(input);
        // Where it is the secret, and nothing else: what a user writes elsewhere is shown.
        let is_secret = text.matches("hunter2").count() == 2
            && text.contains(r#""secret_access_key":"hunter2hunter2""#);
        let told = |e: anyhow::Error| {
            assert!(hint_of(&e).is_some(), "{e:#}");
            let line = fuzz_driver::line(format!("{e:#}"));
            assert!(!is_secret || !line.contains("hunter2"), "{line}");
            line
        };
        let request = match Request::parse(input) {
            Ok(request) => request,
            Err(e) => return told(e),
        };
        let source = match Source::parse(&request.source) {
            Ok(source) => source,
            Err(e) => return told(e),
        };
        source.settings.access.url();
        let (params, version) = (&request.params, request.version.unwrap_or_default());
        let (get, put, version) = match &source.track {
            Track::Artifacts(_) => (
                artifacts::params::GetArtifacts::parse(params).err(),
                artifacts::params::PutArtifacts::parse(params).err(),
                artifacts::rules::Wanted::parse(&version).err(),
            ),
            Track::Gocd(_) => (
                gocd::params::GetGocd::parse(params).err(),
                gocd::params::PutGocd::parse(params).err(),
                None,
            ),
            Track::Package(track) => (
                GetFile::parse(params).err(),
                package::params::PutPackage::parse(params, track).err(),
                package::rules::Wanted::parse(&version).err(),
            ),
            Track::Promotion(track) => (
                GetFile::parse(params).err(),
                promotion::params::PutPromotion::parse(params, track).err(),
                promotion::rules::Wanted::parse(&version).err(),
            ),
            Track::Files(_) => (
                files::params::GetFiles::parse(params).err(),
                files::params::PutFiles::parse(params).err(),
                None,
            ),
        };
        [get, put, version].map(|e| e.map_or_else(String::new, told)).join(" ")
    });
}
