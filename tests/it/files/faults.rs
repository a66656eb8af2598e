//! Servers that fail, puts that are killed or told to stop, gets that depend on nothing else.

use super::{id, named, path, put, versioned};
use crate::support::{BUCKET, Embedded, Inputs, Resource, Run, Tree, Walk, noise, on_threads};
use s3_test_server::{Action, Fault};
use serde_json::{Value, json};

const LARGE: usize = 17 << 20;

fn actions() -> [Action; 6] {
    [
        Action::Status(503, "SlowDown"),
        Action::StatusAfter(500, "InternalError"),
        Action::DropBefore,
        Action::DropAfter,
        Action::HalfBody,
        Action::Corrupt,
    ]
}

/// A bucket that keeps versions, with one version of a large file and two files that a pattern names.
fn bucket() -> (Embedded, Resource, Resource, Value) {
    let server = Embedded::with(|options| options.max_page = 1);
    let file = versioned(&server, "file");
    server.put(BUCKET, "file", noise(1, LARGE), &[]);
    for name in ["d/app-1", "d/app-2", "e/app-3"] {
        server.put(BUCKET, name, name.to_owned(), &[]);
    }
    let version = server.versions(BUCKET).into_iter().find(|it| it.key == "file");
    let version = id(&version.expect("the version").version_id);
    let app = named(&server, "(?:.*)/app-(.*)");
    (server, file, app, version)
}

/// Whether a get failed cleanly, or its file has the bytes.
fn is_right(got: &crate::support::Got, name: &str, bytes: &[u8]) -> bool {
    if !got.run.succeeded() {
        got.nothing_but_an_error();
        return true;
    }
    std::fs::read(got.path().join(name)).expect("the file") == bytes
}

#[test]
fn each_request_fails_once_in_each_way() {
    let large = noise(1, LARGE);
    let steps: [(&str, u64); 4] = [("check", 12), ("check of versions", 3), ("in", 6), ("out", 8)];
    let points: Vec<(&str, u64, Action)> = steps
        .iter()
        .flat_map(|(step, requests)| (1..=*requests).map(move |n| (*step, n)))
        .flat_map(|(step, n)| actions().map(|action| (step, n, action)))
        .collect();
    on_threads(4, &points, |(step, n, action)| {
        let (server, file, app, version) = bucket();
        let place = format!("{step}, request {n}, {action:?}");
        let corrupts = matches!(action, Action::Corrupt);
        server.reset_requests();
        server.fault(Fault::new(action.clone()).nth(*n));
        let survived = |run: &Run| {
            assert!(run.succeeded() || corrupts, "{place}: {}", run.stderr);
            run.succeeded()
        };
        match *step {
            "check" => {
                let run = app.check(Some(&path("d/app-1")));
                if survived(&run) && !corrupts {
                    let all = ["d/app-1", "d/app-2", "e/app-3"].map(path);
                    assert_eq!(run.json(), json!(all), "{place}");
                }
            }
            "check of versions" => {
                let run = file.check(Some(&version));
                if survived(&run) && !corrupts {
                    assert_eq!(run.json(), json!([version]), "{place}");
                }
            }
            "in" => {
                let got = file.get(&version, json!({}));
                survived(&got.run);
                assert!(is_right(&got, "file", &large), "{place}");
            }
            _ => {
                let run = put(&file, "file", &large, json!({}));
                server.clear_faults();
                if survived(&run) {
                    let got = file.get(&run.version(), json!({}));
                    assert!(got.run.succeeded() && is_right(&got, "file", &large), "{place}");
                }
            }
        }
    });
}

#[test]
fn a_put_that_is_killed_has_written_or_has_not() {
    let (old, new) = (noise(1, LARGE), noise(2, LARGE));
    let begin = || {
        let server = Embedded::new();
        server.put(BUCKET, "app-1", old.clone(), &[]);
        let app = named(&server, "app-(.*)");
        (server, app)
    };
    let inputs = Inputs::of(&Tree::of("app-1", new.clone()));
    let walk = Walk {
        name: "a file",
        begin: &begin,
        inputs: inputs.path(),
        params: &json!({"file": "assets/app-1"}),
        least_requests: 5,
    };
    walk.kill(|killed| {
        let stands = || killed.server.get(BUCKET, "app-1").expect("an object").bytes().to_vec();
        assert!([&old, &new].contains(&&stands()), "{}: a mixture", killed.at);
        assert_eq!(killed.resource.versions(None), [path("app-1")], "{}", killed.at);
        killed.put();
        assert!(stands() == new, "{}", killed.at);
    });
}

#[test]
fn a_put_that_is_told_to_stop_leaves_no_upload() {
    const SIGTERM: i32 = 15;
    let server = Embedded::new();
    let app = named(&server, "app-(.*)");
    server.fault(Fault::new(Action::SignalBefore(SIGTERM)).on("UploadPart").skip(1));
    let inputs = Inputs::of(&Tree::of("app-1", noise(1, 40 << 20)));
    let params = json!({"file": "assets/app-1"});
    let run = server.put_as_victim(&app, inputs.path(), &params);
    assert_eq!(run.code, Some(143), "{}", run.stderr);
    assert!(server.uploads(BUCKET).is_empty() && server.keys(BUCKET).is_empty());
}

#[test]
fn a_get_depends_on_nothing_but_its_request() {
    let (server, file, app, version) = bucket();
    let alike = |resource: &Resource, version: &Value| {
        let first = resource.get(version, json!({"download_tags": true}));
        let second = resource
            .clone()
            .env("BUILD_ID", "7")
            .env("BUILD_PIPELINE_NAME", "other")
            .get(version, json!({"download_tags": true}));
        assert_eq!(first.run.json(), second.run.json());
        for name in super::names(&first) {
            let read = |got: &crate::support::Got| std::fs::read(got.path().join(&name)).ok();
            assert!(read(&first) == read(&second), "{name}");
        }
    };
    alike(&app, &path("d/app-1"));
    alike(&file, &version);
    // A version of a file is the same for ever, whatever is written over it.
    server.put(BUCKET, "file", "newer", &[]);
    let got = file.get(&version, json!({}));
    assert!(got.run.succeeded() && is_right(&got, "file", &noise(1, LARGE)));
}

#[test]
fn a_server_that_is_none_is_refused() {
    let (server, file, app, _) = bucket();
    server.fault(Fault::new(Action::Status(404, "NoSuchBucket")).always());
    for run in [app.check(None), file.check(None), put(&app, "app-1", b"x", json!({"to": "d/"}))] {
        let (error, hint) = run.failure();
        assert!(
            error.contains("404 NoSuchBucket") && hint.contains("no bucket `assets`"),
            "{error}"
        );
    }
}
