//! `regexp`: check, get and put.

use super::{named, names, path, put, text};
use crate::support::{BUCKET, Embedded, Inputs, Tree};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

fn paths(versions: &[Value]) -> Vec<&str> {
    versions.iter().map(|it| it["path"].as_str().expect("a path")).collect()
}

#[test]
fn a_check_orders_versions_as_s3_resource_does() {
    let server = Embedded::new();
    let app = named(&server, "r/app-(.*).tgz");
    assert_eq!(app.check(None).stdout, "[]\n");
    for version in ["9", "10", "10-rc.1", "9+1", "0999", "v1"] {
        server.put(BUCKET, &format!("r/app-{version}.tgz"), "x", &[]);
    }
    for other in ["r/app-11.tgz.sha", "r/sub/app-12.tgz", "app-13.tgz", "r/app-.tgz2", "r/"] {
        server.put(BUCKET, other, "x", &[]);
    }
    let all = ["9", "9+1", "10-rc.1", "10", "0999", "v1"].map(|it| format!("r/app-{it}.tgz"));
    assert_eq!(paths(&app.versions(None)), [&all[5]]);
    for (at, given) in all.iter().enumerate() {
        assert_eq!(paths(&app.versions(Some(&path(given)))), all[at..].to_vec());
    }
    // What is gone: those that are newer; the newest, where none is.
    assert_eq!(paths(&app.versions(Some(&path("r/app-9.5.tgz")))), all[2..].to_vec());
    for gone in ["r/app-z.tgz", "other/thing"] {
        assert_eq!(paths(&app.versions(Some(&path(gone)))), [&all[5]]);
    }
    let few = app.clone().set("initial_history", 3);
    assert_eq!(paths(&few.versions(None)), all[3..].to_vec());
}

#[test]
fn a_check_by_time() {
    let server = Embedded::new();
    let app = named(&server, "app-(.*)").set("order", "time");
    for (age, name) in [(30, "app-c"), (20, "app-a"), (10, "app-b")] {
        server.put(BUCKET, name, "x", &[]);
        server.set_modified(BUCKET, name, SystemTime::now() - Duration::from_secs(age));
    }
    assert_eq!(paths(&app.versions(None)), ["app-b"]);
    assert_eq!(paths(&app.versions(Some(&path("app-a")))), ["app-a", "app-b"]);
    assert_eq!(paths(&app.versions(Some(&path("app-gone")))), ["app-b"]);
}

#[test]
fn a_check_goes_through_pages_and_folders() {
    let server = Embedded::with(|options| options.max_page = 3);
    for n in 0..10 {
        server.put(BUCKET, &format!("dir-{n}/a+b/app.tgz"), "x", &[]);
        server.put(BUCKET, &format!("dir-{n}/other"), "x", &[]);
        server.put(BUCKET, &format!("else-{n}/a+b/app.tgz"), "x", &[]);
    }
    let app = named(&server, r"dir-(\d+)/a\+b/app\.tgz");
    assert_eq!(paths(&app.versions(Some(&path("dir-0/a+b/app.tgz")))).len(), 10);
    let prefixed = named(&server, r"a\+b/(app)\.tgz").set("prefix", "dir-4");
    assert_eq!(paths(&prefixed.versions(None)), ["a+b/app.tgz"]);
    assert_eq!(
        text(&prefixed.get(&path("a+b/app.tgz"), json!({})), "s3_uri"),
        format!("s3://{BUCKET}/dir-4/a+b/app.tgz")
    );
}

#[test]
fn a_get_writes_the_file_and_what_is_known_of_it() {
    let server = Embedded::new();
    let app = named(&server, "r/app-(.*).tgz");
    server.put(BUCKET, "r/app-1.2.tgz", "the bytes", &[]);
    let got = app.get(&path("r/app-1.2.tgz"), json!({}));
    assert_eq!(names(&got), ["app-1.2.tgz", "s3_uri", "url", "version"]);
    assert_eq!(text(&got, "app-1.2.tgz"), "the bytes");
    assert_eq!(text(&got, "version"), "1.2");
    assert_eq!(text(&got, "s3_uri"), format!("s3://{BUCKET}/r/app-1.2.tgz"));
    let url = format!("{}/{BUCKET}/r/app-1.2.tgz", server.endpoint());
    assert_eq!(text(&got, "url"), url);
    let metadata = json!([
        {"name": "filename", "value": "app-1.2.tgz"}, {"name": "url", "value": url},
    ]);
    assert_eq!(got.run.json(), json!({"version": path("r/app-1.2.tgz"), "metadata": metadata}));

    let skipped = app.get(&path("r/app-1.2.tgz"), json!({"skip_download": "true"}));
    assert_eq!(names(&skipped), ["s3_uri", "url", "version"]);
    let tags = app.get(&path("r/app-1.2.tgz"), json!({"download_tags": true}));
    assert_eq!(text(&tags, "tags.json"), "{}");
}

#[test]
fn a_private_url_is_signed_and_told_to_nobody() {
    let server = Embedded::new();
    server.put(BUCKET, "app-1", "the bytes", &[]);
    let app = named(&server, "app-(.*)").set("private", true);
    let got = app.get(&path("app-1"), json!({}));
    assert_eq!(got.run.metadata_names(), ["filename"]);
    let url = text(&got, "url");
    assert!(url.contains("X-Amz-Signature=") && url.contains("X-Amz-Expires=86400"), "{url}");
    assert!(!got.run.stderr.contains("X-Amz-Signature"), "{}", got.run.stderr);
    assert_eq!(put(&app, "app-2", b"x", json!({})).metadata_names(), ["filename"]);
    let nobody = app.unset("access_key_id").unset("secret_access_key");
    let error = nobody.get(&path("app-1"), json!({})).nothing_but_an_error();
    assert!(error.starts_with("source.private: nobody is there to sign"), "{error}");
}

#[test]
fn gets_that_cannot_be() {
    let server = Embedded::new();
    let app = named(&server, "app-(.*)");
    let cases = [
        (json!({"version_id": "x"}), "missing path in request"),
        (
            path("other"),
            "regex does not match provided version: s3resource.Version{Path:\"other\", VersionID:\"\"}",
        ),
        (path("app-1"), "s3://assets/app-1: the object is gone"),
        (path("app-/.."), "version.path: the path `..` leads out of its directory"),
    ];
    for (version, want) in cases {
        assert_eq!(app.get(&version, json!({})).nothing_but_an_error(), want);
    }
    // A file that has the name of one of ours gives way.
    server.put(BUCKET, "app-v/version", "theirs", &[]);
    let got = named(&server, "app-(.*)/version").get(&path("app-v/version"), json!({}));
    assert_eq!(text(&got, "version"), "v");
}

#[test]
fn an_initial_version_needs_no_object() {
    let server = Embedded::new();
    let app = named(&server, "r/app-(.*)").set("initial_path", "r/app-0");
    assert_eq!(paths(&app.versions(None)), ["r/app-0"]);
    let got = app.clone().set("initial_content_text", "hello").get(&path("r/app-0"), json!({}));
    assert_eq!(names(&got), ["app-0", "version"]);
    assert_eq!((text(&got, "app-0"), text(&got, "version")), ("hello".into(), "0".into()));
    assert_eq!(got.run.metadata_names(), ["filename"]);
    let got =
        app.clone().set("initial_content_binary", "aGVsbG8=").get(&path("r/app-0"), json!({}));
    assert_eq!(text(&got, "app-0"), "hello");
    let broken = app.clone().set("initial_content_binary", "?").get(&path("r/app-0"), json!({}));
    assert!(broken.nothing_but_an_error().contains("failed to decode initial_content_binary"));
    server.put(BUCKET, "r/app-1", "x", &[]);
    assert_eq!(paths(&app.versions(None)), ["r/app-1"]);
    assert_eq!(paths(&app.versions(Some(&path("r/app-0")))), ["r/app-0", "r/app-1"]);
}

#[test]
fn a_put_writes_below_the_folder_of_the_pattern() {
    let server = Embedded::new();
    let app = named(&server, "^r/app-(.*).tgz$");
    let run = put(
        &app,
        "app-1.tgz",
        b"bytes",
        json!({
            "cache_control": "no-store", "object_tags": {"team": "a"}, "object_metadata": {"k": "v"},
        }),
    );
    assert_eq!(run.version(), path("r/app-1.tgz"));
    assert_eq!(run.metadata_names(), ["filename", "url"]);
    let object = server.get(BUCKET, "r/app-1.tgz").expect("the object");
    assert_eq!(object.text(), "bytes");
    assert_eq!(object.attributes.metadata["k"], "v");
    assert_eq!(app.versions(None), [path("r/app-1.tgz")]);
    assert_eq!(text(&app.get(&path("r/app-1.tgz"), json!({})), "app-1.tgz"), "bytes");
    // A version in the name of a folder comes from the folder that the file is in.
    let inputs = Inputs::new().with("built", &Tree::of("dir-7/app.tgz", "x"));
    let folders = named(&server, "r/dir-(.*)/app.tgz");
    let run = folders.put(inputs.path(), &json!({"file": "built/*/app.tgz"}));
    assert_eq!(run.version(), path("r/dir-7/app.tgz"));
}

#[test]
fn puts_with_from_and_to() {
    let server = Embedded::new();
    let app = named(&server, "b/app-(.*)");
    let inputs = Inputs::new().with("built", &Tree::of("thing-1.tgz", "x"));
    let put = |params| app.put(inputs.path(), &params);
    let run = put(json!({"from": "built/thing-(.*).tgz", "to": "b/app-${1}"}));
    assert_eq!(run.version(), path("b/app-1"));
    assert!(run.stderr.contains("`from` and `to` are deprecated"), "{}", run.stderr);
    assert_eq!(put(json!({"file": "built/*", "to": "b/app-2"})).version(), path("b/app-2"));
    let wide = named(&server, "c/(.*)");
    let run = wide.put(inputs.path(), &json!({"from": "thing", "to": "c/"}));
    assert_eq!(run.version(), path("c/thing-1.tgz"));
}

#[test]
fn puts_that_cannot_be_send_nothing() {
    let server = Embedded::new();
    let app = named(&server, "r/app-(.*).tgz");
    let tree = Tree::of("app-1.tgz", "x");
    let inputs = Inputs::new().with("a", &tree).with("b", &tree).with("c", &Tree::of("d/e", "x"));
    std::os::unix::fs::symlink("/etc/hostname", inputs.join("c/app-2.tgz")).expect("a link");
    let cases = [
        (json!({}), "params.file: missing"),
        (json!({"file": "a/x"}), "no matches found for pattern: a/x"),
        (
            json!({"file": "*/app-1.tgz"}),
            "more than one match found for pattern: */app-1.tgz: a/app-1.tgz, b/app-1.tgz",
        ),
        (json!({"file": "../*"}), "params.file: `../*` leads out of the inputs"),
        (json!({"file": "a/["}), "params.file: `a/[` is no glob: syntax error in pattern"),
        (json!({"file": "c"}), "params.file: c is a directory, and an object is one file"),
        (
            json!({"file": "c/d/e"}),
            "`r/e` does not match regexp `r/app-(.*).tgz`, so no check would find it",
        ),
        (
            json!({"file": "c/app-2.tgz"}),
            "c/app-2.tgz is a symbolic link that leads out of the inputs",
        ),
        (json!({"file": "a/*", "from": "b"}), "params: contains both file and from"),
        (json!({"from": "("}), "params.from: `(` is no regular expression: a `(` without its `)`"),
    ];
    for (params, want) in cases {
        assert_eq!(app.put(inputs.path(), &params).error(), want);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn sources_that_cannot_be() {
    let server = Embedded::new();
    let cases = [
        (
            json!({"regexp": "a-(.*)", "versioned_file": "b"}),
            "source: please specify either regexp or versioned_file",
        ),
        (
            json!({"regexp": "a-(.*)", "initial_version": "b"}),
            "source: please use initial_path when regexp is set",
        ),
        (
            json!({"versioned_file": "a", "initial_path": "b"}),
            "source: please use initial_version when versioned_file is set",
        ),
        (
            json!({"regexp": "a-(.*)", "initial_content_text": "b"}),
            "source: please specify initial_version or initial_path if initial content is set",
        ),
        (
            json!({"regexp": "/a-(.*)"}),
            "source.regexp: it starts with a `/`, and no key that a put makes does",
        ),
        (
            json!({"regexp": "a-(.*"}),
            "source.regexp: `a-(.*` is no regular expression: a `(` without its `)`",
        ),
        (json!({"regex": "a-(.*)"}), "source: unknown key `regex`"),
        (json!({"regexp": "a-(.*)", "order": "size"}), "source.order: `size` is no order here"),
        (json!({}), "source: no track"),
    ];
    for (keys, want) in cases {
        let mut resource = server.resource().unset("artifacts");
        for (key, value) in keys.as_object().expect("a map") {
            resource = resource.set(key, value.clone());
        }
        assert_eq!(resource.check(None).error(), want);
    }
    let without = named(&server, "app-.*");
    let run = without.check(None);
    assert_eq!(run.json(), json!([]));
    assert!(run.stderr.contains("source.regexp has no group"), "{}", run.stderr);
}
