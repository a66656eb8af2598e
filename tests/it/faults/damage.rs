//! Buckets and machines that look like this: a line of a record is damaged, a name is odd, a disk
//! refuses. Each is named, and what to do about it is said.

use super::doors::each_track;
use crate::support::{BUCKET, Embedded, Inputs, Tree, commit};
use serde_json::json;
use tempfile::TempDir;

#[test]
fn a_damaged_line_names_its_object_at_every_door() {
    each_track(|server, track| {
        let version = track.put().version();
        let heads: Vec<String> = server
            .keys(BUCKET)
            .into_iter()
            .filter(|key| key.contains(".history") && key.ends_with(".json"))
            .collect();
        assert!(!heads.is_empty(), "{}", track.name);
        let mut named = 0;
        for key in &heads {
            let text = server.text(key);
            assert!(text.contains("\n{\""), "entries are on lines of their own: {text}");
            server.corrupt(BUCKET, key, text.replacen("\n{\"", "\n{!\"", 1).into_bytes());
            let many = track.resource.clone().set("initial_history", 5);
            for run in [many.check(None), track.resource.check(Some(&version)), track.put()] {
                if run.succeeded() {
                    continue;
                }
                let (error, hint) = run.failure();
                assert!(
                    error.contains(key) && error.contains("damaged"),
                    "{}: {error}",
                    track.name
                );
                assert!(hint.contains("restore"), "{hint}");
                named += 1;
            }
            server.corrupt(BUCKET, key, text.into_bytes());
        }
        assert!(named >= 2, "{}: {named}", track.name);
        assert_eq!(track.put().version(), version, "{}", track.name);
    });
}

/// An empty line between entries is JSON as well; a head without its end is none.
#[test]
fn a_head_that_was_cut_off_is_no_shorter_history() {
    let server = Embedded::new();
    for n in 1..=3 {
        server.resource().publish(&commit(n), &Tree::of("a", "a")).version();
    }
    let many = server.resource().set("initial_history", 5);
    let all = many.versions(None);
    assert_eq!(all.len(), 3);
    let head = |key: &String| key.ends_with("/.history.json");
    let key = server.keys(BUCKET).into_iter().find(head).expect("a head");
    let text = server.text(&key);
    let oldest = text.rfind("\n{\"").expect("a line for each entry");
    server.corrupt(BUCKET, &key, format!("{}\n{}", &text[..oldest], &text[oldest..]).into_bytes());
    assert_eq!(many.versions(None), all);
    server.corrupt(BUCKET, &key, format!("{}\n", &text[..oldest]).into_bytes());
    let (error, hint) = many.check(None).failure();
    assert!(error.contains(&key) && error.contains("damaged"), "{error}");
    assert!(hint.contains("restore"), "{hint}");
}

#[test]
fn what_the_machine_refuses_has_a_hint() {
    let server = Embedded::new();
    let inputs = Inputs::of(&Tree::of("a", "a"));
    std::os::unix::fs::symlink("loop", inputs.join("assets/loop")).expect("a link");
    let params = json!({"commit": commit(1), "directory": "assets"});
    server.resource().put(inputs.path(), &params).failure();
    // A file stands where the destination should be.
    let version = server.resource().publish(&commit(2), &Tree::of("a", "a")).version();
    let place = TempDir::new().expect("a directory");
    std::fs::write(place.path().join("file"), "").expect("a file");
    for destination in ["file", "file/below"] {
        let request = json!({"source": server.resource().source, "version": version});
        let at = place.path().join(destination);
        let run = server.resource().start("in", Some(&at), &request).wait();
        let (error, _) = run.failure();
        assert!(error.contains("file"), "{error}");
    }
}
