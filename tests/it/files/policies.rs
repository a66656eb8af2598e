//! The policies of the file tracks: all that checks, gets and puts ask for is allowed, and nothing
//! is allowed that none of them asks for.

use super::{id, named, path, put, text, versioned};
use crate::support::{BUCKET, Embedded, Resource, noise};
use s3_test_server::{Action, Fault, LogEntry};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// Bytes that travel in parts.
const LARGE: usize = 17 << 20;

/// An action, and what it is done to.
type Right = (String, String);

/// What S3 asks a policy for, as its documentation has it.
fn needed(request: &LogEntry) -> Vec<Right> {
    let bucket = format!("arn:aws:s3:::{BUCKET}");
    let object = format!("{bucket}/{}", request.key.as_deref().unwrap_or(""));
    let read = match request.query("versionId") {
        Some(_) => "s3:GetObjectVersion",
        None => "s3:GetObject",
    };
    let mut rights = vec![match request.operation {
        "ListObjectsV2" => ("s3:ListBucket", bucket.clone()),
        "ListObjectVersions" => ("s3:ListBucketVersions", bucket.clone()),
        "GetBucketVersioning" => ("s3:GetBucketVersioning", bucket.clone()),
        "HeadObject" | "GetObject" => (read, object),
        "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => {
            ("s3:PutObject", object)
        }
        "AbortMultipartUpload" => ("s3:AbortMultipartUpload", object),
        other => panic!("{other}"),
    }];
    // Else S3 answers 403, and nothing can be told missing.
    if request.status == Some(404) {
        rights.push(("s3:ListBucket", bucket));
    }
    rights.into_iter().map(|(action, on)| (action.to_owned(), on)).collect()
}

fn texts(value: &Value) -> Vec<String> {
    let one = |value: &Value| value.as_str().expect("a text").to_owned();
    value.as_array().map_or_else(|| vec![one(value)], |all| all.iter().map(one).collect())
}

/// What a policy allows, each action on each resource.
fn allowed(policy: &str, folder: &str, file: &str) -> BTreeSet<Right> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/policies");
    let written = std::fs::read_to_string(place.join(format!("{policy}.json"))).expect(policy);
    let written = written.replace("BUCKET", BUCKET).replace("FOLDER", folder).replace("FILE", file);
    let written: Value = serde_json::from_str(&written).expect("JSON");
    let statements = written["Statement"].as_array().expect("statements").iter();
    statements
        .flat_map(|statement| {
            assert_eq!(statement["Effect"], "Allow");
            let (actions, on) = (texts(&statement["Action"]), texts(&statement["Resource"]));
            actions
                .into_iter()
                .flat_map(move |action| on.clone().into_iter().map(move |on| (action.clone(), on)))
        })
        .collect()
}

/// Each request is allowed, and each right was used.
fn hold(server: &Embedded, policy: &str) {
    let rights = allowed(policy, "r", "r/app.tgz");
    let is_of = |(action, on): &Right, (wanted, object): &Right| {
        action == wanted
            && (on == object || on.strip_suffix('*').is_some_and(|start| object.starts_with(start)))
    };
    let mut used = BTreeSet::new();
    for request in server.requests() {
        for want in needed(&request) {
            let right = rights.iter().find(|right| is_of(right, &want));
            used.insert(right.unwrap_or_else(|| panic!("{policy} lacks {want:?}")).clone());
        }
    }
    assert_eq!(used, rights, "{policy}");
    server.reset_requests();
}

/// Small, in parts, and given up.
fn put_all(server: &Embedded, app: &Resource, names: [&str; 3], params: &Value) {
    put(app, names[0], b"small", params.clone()).json();
    put(app, names[1], &noise(1, LARGE), params.clone()).json();
    server.fault(Fault::new(Action::Status(403, "AccessDenied")).on("UploadPart"));
    put(app, names[2], &noise(2, LARGE), params.clone()).error();
    server.clear_faults();
}

#[test]
fn of_files() {
    let server = Embedded::new();
    let app = named(&server, "r/app-(.*).tgz");
    server.put(BUCKET, "r/app-1.tgz", "one", &[]);
    let read = || {
        assert_eq!(app.versions(None).len(), 1);
        assert_eq!(text(&app.get(&path("r/app-1.tgz"), json!({})), "app-1.tgz"), "one");
        app.get(&path("r/app-0.tgz"), json!({})).nothing_but_an_error();
    };
    read();
    hold(&server, "files-read");
    read();
    let names = ["app-0.1.tgz", "app-0.2.tgz", "app-0.3.tgz"];
    put_all(&server, &app, names, &json!({"on_conflict": "fail"}));
    hold(&server, "files-publish");
}

#[test]
fn of_a_versioned_file() {
    let server = Embedded::new();
    let app = versioned(&server, "r/app.tgz");
    assert_eq!(app.versions(None), Vec::<Value>::new());
    server.put(BUCKET, "r/app.tgz", "one", &[]);
    let one = id(&server.versions(BUCKET)[0].version_id);
    let read = || {
        assert_eq!(app.versions(Some(&one))[0], one);
        assert_eq!(text(&app.get(&one, json!({})), "app.tgz"), "one");
        app.get(&id("v000000000099999"), json!({})).nothing_but_an_error();
    };
    read();
    hold(&server, "versioned-file-read");
    read();
    put_all(&server, &app, ["app.tgz"; 3], &json!({}));
    // Whether the bucket keeps versions is asked where none of them shows it.
    server.suspend_versions(BUCKET);
    server.remove(BUCKET, "r/app.tgz");
    put(&app, "app.tgz", b"small", json!({})).json();
    app.versions(None);
    hold(&server, "versioned-file-publish");
}
