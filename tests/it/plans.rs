//! A put that only says what it would do: its plan, and not one request that changes anything.

use crate::support::{BUCKET, Checkout, Embedded, Inputs, Resource, Run, Tree, commit, only_reads};
use serde_json::{Value, json};

/// What a put would do, asserted to have read only.
#[track_caller]
fn dry(
    server: &Embedded,
    resource: &Resource,
    inputs: &std::path::Path,
    params: &Value,
) -> (Vec<String>, Value) {
    server.reset_requests();
    let before = server.snapshot(BUCKET);
    let request = json!({"source": resource.source, "params": params});
    let run: Run = resource.start_with("out", &["--dry-run"], Some(inputs), &request).wait();
    let answer = run.json();
    only_reads(server);
    assert!(server.snapshot(BUCKET) == before, "something was written");
    let steps = answer["steps"].as_array().expect("steps").iter();
    let steps: Vec<String> = steps.map(|it| it.as_str().expect("a line").to_owned()).collect();
    for step in &steps {
        assert!(run.stderr.contains(step.as_str()), "{step} is told to people, too");
    }
    (steps, answer["version"].clone())
}

#[test]
fn a_put_of_a_set_says_each_step_and_changes_nothing() {
    let server = Embedded::new();
    let resource = server.resource().artifacts("code_hash", "src/**");
    let checkout = Checkout::of(&Tree::of("src/a", "a").with("README", "one"));
    checkout.input("assets", &Tree::of("app.zip", "built").with("d/run", "x"));
    let params = json!({"repository": "repo", "directory": "assets"});
    let (steps, version) = dry(&server, &resource, checkout.inputs(), &params);
    assert_eq!(version["commit"], checkout.head());
    let starts =
        ["begin", "claim", "send", "send", "write", "claim", "copy", "copy", "write", "enter"];
    assert_eq!(steps.len(), starts.len(), "{steps:?}");
    for (step, start) in steps.iter().zip(starts) {
        assert!(step.starts_with(start), "{step}");
    }
    let put = resource.put(checkout.inputs(), &params);
    assert_eq!(put.version(), version, "what was planned is what is done");

    let (steps, again) = dry(&server, &resource, checkout.inputs(), &params);
    assert_eq!((steps.len(), again), (0, version));
    std::fs::write(checkout.repo().join("README"), "two").expect("the file");
    checkout.commit("second");
    let (steps, _) = dry(&server, &resource, checkout.inputs(), &params);
    assert!(steps.iter().any(|step| step.starts_with("copy s3://assets/cache/")), "{steps:?}");
    assert!(!steps.iter().any(|step| step.starts_with("send")), "{steps:?}");
}

#[test]
fn a_put_at_a_rank_says_each_step_and_changes_nothing() {
    let server = Embedded::new();
    let rank = json!({"ranks": ["qa"], "rank": "qa", "file": "app.jar"});
    let resource = server.resource().unset("artifacts").set("promotion", rank);
    let inputs = Inputs::of(&Tree::of("app.jar", "jar"));
    let params = json!({"file": "assets/app.jar", "version": "1"});
    let (steps, version) = dry(&server, &resource, inputs.path(), &params);
    assert!(steps.len() > 3, "{steps:?}");
    assert_eq!(version, json!({"version": "1", "promotion": "1"}));
    assert_eq!(resource.put(inputs.path(), &params).version(), version);
    assert!(dry(&server, &resource, inputs.path(), &params).0.is_empty());
}

#[test]
fn a_put_of_a_package_says_each_step_and_changes_nothing() {
    let server = Embedded::new();
    let resource = server.package("app");
    let inputs = Inputs::of(&Tree::of("app.jar", "jar"));
    let params = json!({"file": "assets/app.jar", "tags": ["live"]});
    let (steps, _) = dry(&server, &resource, inputs.path(), &params);
    assert!(!steps.is_empty());
    let version = resource.put(inputs.path(), &params).version();
    let (steps, again) = dry(&server, &resource, inputs.path(), &params);
    assert_eq!((steps.len(), again), (0, version));
}

#[test]
fn a_put_of_a_gocd_folder_says_each_step_and_changes_nothing() {
    let server = Embedded::new();
    let job = json!({"pipeline": "app", "stage": "build", "job": "package"});
    let resource = server.resource().unset("artifacts").set("gocd", job);
    let inputs = Inputs::of(&Tree::of("app.jar", "jar"));
    let params = json!({"directory": "assets", "revision": "3.1"});
    let (steps, version) = dry(&server, &resource, inputs.path(), &params);
    assert!(steps.len() > 3, "{steps:?}");
    assert_eq!(resource.put(inputs.path(), &params).version(), version);
    assert!(dry(&server, &resource, inputs.path(), &params).0.is_empty());
}

#[test]
fn a_put_of_a_file_says_what_it_writes_and_changes_nothing() {
    let server = Embedded::new();
    let resource = server.resource().unset("artifacts").set("regexp", "app-(.*).jar");
    let inputs = Inputs::of(&Tree::of("app-1.jar", "jar"));
    let params = json!({"file": "assets/app-*.jar", "on_conflict": "fail"});
    let (steps, _) = dry(&server, &resource, inputs.path(), &params);
    assert!(steps.len() == 1 && steps[0].contains("where nothing stands"), "{steps:?}");
    resource.put(inputs.path(), &params).version();
    assert!(dry(&server, &resource, inputs.path(), &params).0.is_empty());
}

/// The loser of a race says whose set stands.
#[test]
fn who_was_slower_says_whose_set_stands() {
    use s3_test_server::{Action, Fault};
    let server = Embedded::new();
    let resource = server.resource().env("BUILD_PIPELINE_NAME", "p").env("BUILD_TEAM_NAME", "t");
    let slow = std::time::Duration::from_millis(1_500);
    let manifest = format!("artifacts/{}/.manifest.json", commit(1));
    server.fault(Fault::new(Action::Slow(slow)).on("PutObject").key(&manifest).times(1));
    let params = json!({"commit": commit(1), "directory": "assets"});
    let inputs = Inputs::of(&Tree::of("f", "slow"));
    let first = resource.start_put(inputs.path(), &params);
    while !server
        .requests()
        .iter()
        .any(|it| it.key.as_deref() == Some(&manifest) && it.operation == "PutObject")
    {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let winner = resource.publish(&commit(1), &Tree::of("f", "fast!")).version();
    let loser = first.wait();
    assert_eq!(loser.version(), winner);
    assert!(loser.stderr.contains("another put was faster"), "{}", loser.stderr);
    assert!(loser.stderr.contains("files of this put were not kept"), "{}", loser.stderr);
    assert!(!loser.stderr.contains("published 1 file"), "{}", loser.stderr);
    assert_eq!(server.published(&format!("artifacts/{}", commit(1))), Some(Tree::of("f", "fast!")));
}
