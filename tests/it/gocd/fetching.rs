//! What GoCD published is shown and fetched; what is damaged is refused.

use super::{JOB, all, by_gocd, put, version};
use crate::support::{BUCKET, Embedded, Tree, noise};
use serde_json::{Value, json};

#[test]
fn what_gocd_published_is_shown_and_fetched() {
    let server = Embedded::new();
    let files = Tree::of("app.jar", "jar").with("docs/README.md", "text").with("empty", "");
    by_gocd(&server, "7.1", &files);
    by_gocd(&server, "10.1", &files);
    by_gocd(&server, "10.1.2", &files);
    by_gocd(&server, "9.2", &files);
    // Half uploaded: no marker yet, as the plugin does it.
    server.put(BUCKET, &format!("{JOB}11.1/app.jar"), "half", &[]);
    // As the S3 console makes folders.
    server.put(BUCKET, JOB, "", &[]);
    server.put(BUCKET, &format!("{JOB}10.1/docs/"), "", &[]);
    server.put(BUCKET, &format!("{JOB}latest/"), "", &[("completed", "completed")]);
    let resource = server.gocd();
    assert_eq!(all(&resource), ["7.1", "9.2", "10.1", "10.1.2"]);
    assert_eq!(resource.versions(None), [version("10.1.2")]);
    let since = resource.versions(Some(&version("10.1")));
    assert_eq!(since, [version("10.1"), version("10.1.2")]);
    for gone in ["8.1", "11.1", "12.1"] {
        assert_eq!(resource.versions(Some(&version(gone))), [version("10.1.2")], "{gone}");
    }
    let got = resource.get(&version("10.1"), json!({}));
    let tree = got.tree();
    assert_eq!(tree.text(".label").as_deref(), Some("7"));
    assert!(tree.text(".annotations.json").expect("a file").contains("\"user\": \"anonymous\""));
    assert_eq!(tree.without(&[".revision", ".label", ".annotations.json"]), files);
    assert!(got.run.stderr.contains("was not published by this resource"), "{}", got.run.stderr);
    assert_eq!(
        got.run.metadata("traceback_url"),
        "https://gocd/go/tab/build/detail/app/7/build/1/package"
    );

    // And a put goes on from there; it says what stops the poller.
    let run = put(&resource, &files, &json!({}));
    assert_eq!(run.version(), version("12.1"));
    assert!(run.stderr.contains("1 folder (latest); GoCD's poller may stop"), "{}", run.stderr);
    let error = put(&resource, &files, &json!({"revision": "7.1"})).error();
    assert_eq!(error, "revision 7.1 was published by something else");
    let error = put(&resource, &files, &json!({"revision": "11.1"})).error();
    assert_eq!(error, "the folder of revision 11.1 has files, and no marker");
}

#[test]
fn a_get_is_of_the_files_that_were_published() {
    let server = Embedded::new();
    let resource = server.gocd();
    let tree = Tree::of("app.jar", "jar").with("large", noise(1, 20 << 20));
    put(&resource, &tree, &json!({})).version();
    let key = |name: &str| format!("{JOB}1.1/{name}");
    let get = || resource.get(&version("1.1"), json!({}));
    let stored = server.stored();
    let list = server.keys(BUCKET).into_iter().find(|key| key.contains("/files/")).expect("a list");
    assert!(list.starts_with(".history/app/build/package/files/"), "{list}");

    // What somebody adds is not part of it.
    server.put(BUCKET, &key("added"), "x", &[]);
    let got = get().tree();
    assert_eq!(got.without(&[".revision", ".label", ".annotations.json"]), tree);

    server.put(BUCKET, &key("app.jar"), "JAR", &[]);
    assert!(get().nothing_but_an_error().contains("not the bytes that were published"));
    server.restore(&stored);
    server.remove(BUCKET, &key("large"));
    assert!(get().nothing_but_an_error().contains("app/build/package/1.1/large"));
    server.restore(&stored);
    let text = server.text(&list).replace("app.jar", "app.war");
    server.put(BUCKET, &list, text, &[]);
    assert!(get().nothing_but_an_error().contains("is not the one that was published"));
    server.remove(BUCKET, &list);
    assert!(get().nothing_but_an_error().contains("the object is gone"));
    server.restore(&stored);
    server.put(BUCKET, &key(""), "", &[]);
    assert!(get().nothing_but_an_error().contains("revision 1.1 is not completed"));
    server.remove(BUCKET, &key(""));
    assert!(get().nothing_but_an_error().contains("there is no revision 1.1"));
}

#[test]
fn versions_of_another_kind_are_refused() {
    let server = Embedded::new();
    let resource = server.gocd();
    let cases: [(Value, &str); 4] = [
        (json!({"commit": "x"}), "version: unknown key `commit`"),
        (json!({"revision": "42"}), "version.revision: `42` is no revision"),
        (json!({"revision": "../1.1"}), "version.revision: `../1.1` is no revision"),
        (json!({"revision": "1.2147483648"}), "version.revision: `1.2147483648` is no revision"),
    ];
    for (version, want) in cases {
        assert_eq!(resource.check(Some(&version)).error(), want);
        assert_eq!(resource.get(&version, json!({})).nothing_but_an_error(), want);
    }
}

/// A file's key leads nowhere but into the destination.
#[test]
fn a_foreign_folder_cannot_lead_out() {
    let server = Embedded::new();
    by_gocd(&server, "1.1", &Tree::of("a", "1"));
    let resource = server.gocd();
    for name in ["../x", "a//b", "./y"] {
        server.put(BUCKET, &format!("{JOB}1.1/{name}"), "x", &[]);
        let error = resource.get(&version("1.1"), json!({})).nothing_but_an_error();
        assert!(error.contains("the path `"), "{error}");
        server.remove(BUCKET, &format!("{JOB}1.1/{name}"));
    }
    server.put(BUCKET, &format!("{JOB}1.1/.label"), "x", &[]);
    let got = resource.get(&version("1.1"), json!({}));
    assert_eq!(got.tree().text(".label").as_deref(), Some("7"));
    assert!(got.run.stderr.contains(".label is left out"), "{}", got.run.stderr);
}
