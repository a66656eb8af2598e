//! Servers that answer otherwise than S3 does: what is no S3 server is said, and no answer counts
//! that lacks its result.

use super::doors::each_track;
use crate::support::{BUCKET, Embedded, Inputs, Tree, commit, noise};
use s3_test_server::{Action, Answer, Fault, ListedKeys};
use serde_json::json;

fn json_of(status: u16) -> Answer {
    Answer::empty(status).header("content-type", "application/json").body("{\"error\": \"nope\"}")
}

#[test]
fn what_is_no_s3_server_is_said_at_every_door() {
    each_track(|server, track| {
        let version = track.put().version();
        for answer in [
            Answer::page(404),
            Answer::page(200),
            Answer::page(403),
            Answer::page(302).header("location", "https://login.example.com/"),
            Answer::empty(404),
            json_of(404),
            json_of(401),
        ] {
            server.fault(Fault::new(Action::Answer(answer.clone())).always());
            for (program, run) in track.programs(&version) {
                let (error, hint) = run.failure();
                let place = format!("{}, {program}, {answer:?}: {error}\n{hint}", track.name);
                assert!(hint.contains("no S3 server"), "{place}");
                assert!(!error.contains("damaged"), "{place}");
                assert_eq!(run.retries(), 0, "{place}");
            }
            server.clear_faults();
        }
        assert_eq!(track.put().version(), version, "{}", track.name);
    });
}

#[test]
fn a_server_that_says_yes_to_everything_keeps_nothing() {
    each_track(|server, track| {
        let version = track.put().version();
        server.fault(Fault::new(Action::Answer(Answer::empty(200))).always());
        for (program, run) in track.programs(&version) {
            let (error, hint) = run.failure();
            assert!(!error.contains("damaged"), "{}, {program}: {error}", track.name);
            assert!(hint.contains("S3 server"), "{}, {program}: {error}\n{hint}", track.name);
        }
        server.clear_faults();
    });
}

/// Answers to a write that say yes, and no more.
fn yes_to(operation: &str) -> Vec<Answer> {
    let empty = Answer::empty(200).header("x-amz-request-id", "1");
    let late = "<Error><Code>InternalError</Code><Message>late</Message></Error>";
    match operation {
        "PutObject" | "UploadPart" => vec![empty.clone(), empty.header("etag", "\"\"")],
        "CopyObject" => {
            vec![empty, Answer::xml(200, "<CopyObjectResult/>"), Answer::xml(200, late)]
        }
        _ => vec![empty, Answer::xml(200, late)],
    }
}

const WRITES: [&str; 5] =
    ["PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"];

/// Bytes that make a put use an operation.
fn bytes_for(operation: &str) -> Vec<u8> {
    noise(1, if operation == "PutObject" || operation == "CopyObject" { 99 } else { 17 << 20 })
}

#[test]
fn a_write_without_its_result_is_made_again() {
    each_track(|_, track| {
        for operation in WRITES {
            for answer in yes_to(operation) {
                // A put of its own: what stands is never sent again.
                let server = Embedded::new();
                let track = track.at(&server);
                let fault = server.fault(Fault::new(Action::Answer(answer.clone())).on(operation));
                let run = track.put_of(bytes_for(operation));
                let place = format!("{}, {operation}, {answer:?}", track.name);
                let version = run.version();
                assert!(fault.applied() == 0 || run.retries() >= 1, "{place}: {}", run.stderr);
                let got = track.resource.get(&version, json!({}));
                assert!(got.run.succeeded(), "{place}: {}", got.run.stderr);
                assert!(server.uploads(BUCKET).is_empty(), "{place}");
            }
        }
    });
}

#[test]
fn nothing_is_shown_on_writes_without_results() {
    each_track(|_, track| {
        for operation in WRITES {
            let server = Embedded::new();
            let track = track.at(&server);
            let answer = Answer::empty(200).header("x-amz-request-id", "1");
            let fault = server.fault(Fault::new(Action::Answer(answer)).on(operation).always());
            let run = track.put_of(bytes_for(operation));
            let place = format!("{}, {operation}", track.name);
            if fault.applied() == 0 {
                assert!(run.succeeded(), "{place}: {}", run.stderr);
                continue;
            }
            assert!(run.error().contains("says yes"), "{place}: {}", run.stderr);
            server.clear_faults();
            // A rank's history decides, and its object follows it: that one is fetched already.
            for version in track.resource.versions(None) {
                assert!(track.resource.get(&version, json!({})).run.succeeded(), "{place}");
            }
            let version = track.put_of(bytes_for(operation)).version();
            assert!(track.resource.get(&version, json!({})).run.succeeded(), "{place}");
        }
    });
}

#[test]
fn a_copy_out_of_the_cache_without_its_result_is_made_again() {
    for answer in yes_to("CopyObject") {
        let server = Embedded::new();
        let resource = server.resource();
        let ranks = json!({"ranks": ["qa", "live"], "rank": "qa", "file": "app.bin"});
        let qa = resource.unset("artifacts").set("promotion", ranks);
        let inputs = Inputs::of(&Tree::of("app.bin", "bytes"));
        qa.put(inputs.path(), &json!({"file": "assets/app.bin", "version": "1"})).version();
        let live = qa.clone();
        let live = live
            .set("promotion", json!({"ranks": ["qa", "live"], "rank": "live", "file": "app.bin"}));
        let fault = server.fault(Fault::new(Action::Answer(answer.clone())).on("CopyObject"));
        let run = live.put_params(&json!({}));
        assert!(
            run.succeeded() && fault.applied() == 1 && run.retries() == 1,
            "{answer:?}: {}",
            run.stderr
        );
        assert_eq!(server.text("live/app.bin"), "bytes", "{answer:?}");
    }
}

#[test]
fn a_completion_that_the_network_sends_twice_is_no_error() {
    each_track(|server, track| {
        let fault = server.fault(Fault::new(Action::Twice).on("CompleteMultipartUpload"));
        let run = track.put_of(noise(1, 17 << 20));
        assert!(run.succeeded() && fault.applied() == 1, "{}: {}", track.name, run.stderr);
        assert_eq!(run.retries(), 0, "{}: {}", track.name, run.stderr);
    });
}

#[test]
fn an_upload_that_somebody_aborted_is_not_taken_for_complete() {
    each_track(|server, track| {
        let gone = Answer::xml(404, "<Error><Code>NoSuchUpload</Code></Error>");
        server.fault(Fault::new(Action::Answer(gone)).on("CompleteMultipartUpload"));
        let (error, hint) = track.put_of(noise(1, 17 << 20)).failure();
        assert!(error.contains("NoSuchUpload") && hint.contains("aborted"), "{error}\n{hint}");
        server.clear_faults();
        track.put_of(noise(1, 17 << 20)).version();
    });
}

#[test]
fn a_byte_that_flips_on_its_way_to_the_server_is_sent_again() {
    each_track(|_, track| {
        for (skip, operation) in
            [(false, "PutObject"), (true, "PutObject"), (false, "UploadPart"), (true, "UploadPart")]
        {
            let server = Embedded::new();
            let mut track = track.at(&server);
            track.resource = track.resource.set("skip_s3_checksums", skip);
            let fault = server.fault(Fault::new(Action::CorruptRequest).on(operation));
            let run = track.put_of(bytes_for(operation));
            let place = format!("{}, {operation}, skip_s3_checksums: {skip}", track.name);
            assert!(run.succeeded() && fault.applied() == 1, "{place}: {}", run.stderr);
            assert_eq!(run.retries(), 1, "{place}: {}", run.stderr);
            let got = track.resource.get(&run.version(), json!({}));
            assert!(got.run.succeeded(), "{place}: {}", got.run.stderr);
        }
    });
}

/// Names with what an encoding changes.
const ODD: [&str; 4] = ["lib/c++", "lib/a b", "lib/100%25", "lib/é+%"];

#[test]
fn listed_keys_are_read_as_the_answer_says() {
    for listed_keys in [ListedKeys::Encoded, ListedKeys::Plain] {
        let server = Embedded::with(|options| options.listed_keys = listed_keys);
        let tree = ODD.iter().fold(Tree::default(), |tree, name| tree.with(name, *name));
        for path in tree.paths() {
            let bytes = tree.text(path).expect("a file");
            let hash = s3_asset_resource::words::digest::Sha256::of(bytes.as_bytes()).base64();
            let key = format!("artifacts/{}/{path}", commit(1));
            server.put(BUCKET, &key, bytes, &[("package-hash", &hash)]);
        }
        let version = server.resource().publish(&commit(1), &Tree::of("x", "x")).version();
        assert_eq!(server.resource().get(&version, json!({})).assets(), tree, "{listed_keys:?}");
    }
}

/// A listing in which the first page, or the second, is made up.
fn lists(keys: &[&str], more: &str) -> Answer {
    let keys: String = keys
        .iter()
        .map(|key| format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>"))
        .collect();
    Answer::xml(
        200,
        &format!("<ListBucketResult><Name>{BUCKET}</Name>{keys}{more}</ListBucketResult>"),
    )
}

#[test]
fn a_listing_that_cannot_be_followed_is_an_error() {
    let again = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>";
    let folder = format!("artifacts/{}", commit(1));
    let inside = format!("{folder}/a");
    let cases = [
        ("the same page again", lists(&[&inside], again)),
        ("where it was before", lists(&[], again)),
        ("does not say where", lists(&[&inside], "<IsTruncated>true</IsTruncated>")),
        ("does not start with", lists(&["elsewhere/a"], "")),
        ("does not start with", lists(&[""], "")),
    ];
    let server = Embedded::new();
    for (what, answer) in cases {
        server.fault(Fault::new(Action::Answer(answer)).on("ListObjectsV2").always());
        let (error, hint) = server.resource().publish(&commit(1), &Tree::of("a", "a")).failure();
        assert!(error.contains(what) && hint.contains("listing"), "{what}: {error}\n{hint}");
        assert!(server.keys(BUCKET).iter().all(|key| !key.ends_with(".manifest.json")), "{what}");
        server.clear_faults();
    }
}

#[test]
fn a_range_that_is_ignored_is_said() {
    let server = Embedded::new();
    let bytes = noise(1, 17 << 20);
    let version =
        server.resource().publish(&commit(1), &Tree::of("large.bin", bytes.clone())).version();
    let whole =
        Answer::empty(200).header("etag", "\"x\"").header("x-amz-request-id", "1").body(bytes);
    server.fault(Fault::new(Action::Answer(whole)).on("GetObject").key_contains("large").always());
    let got = server.resource().get(&version, json!({}));
    let error = got.nothing_but_an_error();
    let (_, hint) = got.run.failure();
    assert!(error.contains("the whole object") && hint.contains("Range"), "{error}\n{hint}");
    assert_eq!(got.run.retries(), 0, "{}", got.run.stderr);
}

#[test]
fn a_weak_tag_of_a_compressing_proxy_is_the_servers_own() {
    let server = Embedded::new();
    let resource = server.resource();
    resource.publish(&commit(1), &Tree::of("a", "a")).version();
    let head = server.get(BUCKET, "artifacts/.history.json").expect("a history");
    let weak =
        Answer::empty(200).header("etag", &format!("W/\"{}\"", head.etag)).body(head.bytes());
    let fault = Fault::new(Action::Answer(weak)).on("GetObject").key("artifacts/.history.json");
    server.fault(fault.always());
    let run = resource.publish(&commit(2), &Tree::of("a", "a"));
    assert_eq!(run.version(), json!({"commit": commit(2)}), "{}", run.stderr);
}

#[test]
fn what_a_balancer_says_is_tried_again_or_explained() {
    each_track(|server, track| {
        for status in [408, 425, 429, 500, 502, 503, 504] {
            server.fault(Fault::new(Action::Answer(Answer::page(status))));
            let run = track.resource.check(None);
            assert!(
                run.succeeded() && run.retries() == 1,
                "{}, {status}: {}",
                track.name,
                run.stderr
            );
        }
        let moved = Answer::xml(307, "<Error><Code>TemporaryRedirect</Code></Error>");
        for answer in [moved, Answer::empty(307)] {
            let answer = answer.header("x-amz-bucket-region", "eu-west-3");
            server.fault(Fault::new(Action::Answer(answer)).always());
            let (error, hint) = track.resource.check(None).failure();
            assert!(hint.contains("region_name: eu-west-3"), "{error}\n{hint}");
            server.clear_faults();
        }
    });
}

#[test]
fn what_a_server_says_is_one_line_that_no_terminal_obeys() {
    let long = format!("\u{1b}[2J\u{202e}{}", "x".repeat(3 << 20));
    let body = format!("<Error><Code>A\u{9b}B</Code><Message>{long}</Message></Error>");
    each_track(|server, track| {
        server.fault(Fault::new(Action::Answer(Answer::xml(400, &body))).always());
        let run = track.resource.check(None);
        let (error, _) = run.failure();
        assert!(error.len() < 2_000, "{}", error.len());
        assert!(!run.stderr.contains(['\u{9b}', '\u{202e}']) && !run.stderr.contains("\u{1b}[2J"));
        server.clear_faults();
    });
}

#[test]
fn what_is_larger_than_anything_of_its_kind_is_not_read() {
    let server = Embedded::new();
    let huge = Answer::empty(200).header("etag", "\"x\"").body(vec![b' '; 70 << 20]);
    each_track(|_, track| {
        let track = track.at(&server);
        server.fault(Fault::new(Action::Answer(huge.clone())).on("GetObject").always());
        let (error, _) = track.resource.check(None).failure();
        assert!(error.contains("larger than 64.0 MiB"), "{}: {error}", track.name);
    });
}

#[test]
fn an_upload_that_is_gone_is_complete_when_its_object_is_whole() {
    each_track(|server, track| {
        let operation = "CompleteMultipartUpload";
        server.fault(Fault::new(Action::StatusAfter(500, "InternalError")).on(operation));
        server.fault(Fault::new(Action::Status(500, "UnknownError")).on(operation).skip(1));
        let run = track.put_of(noise(1, 17 << 20));
        assert!(run.succeeded() && run.retries() == 1, "{}: {}", track.name, run.stderr);
    });
}

#[test]
fn a_server_that_knows_tags_without_quotes_only_is_understood() {
    let server = Embedded::with(|options| options.bare_tags = true);
    each_track(|_, track| {
        let track = track.at(&server);
        let version = track.put().version();
        assert_eq!(track.resource.versions(None), [version], "{}", track.name);
    });
    for n in 2..5 {
        server.resource().publish(&commit(n), &Tree::of("a", "a")).version();
    }
    assert_eq!(server.resource().versions(None), [json!({"commit": commit(4)})]);
}

/// As a mock's web frame does: it calls everything HTML.
#[test]
fn a_result_that_is_called_a_page_is_a_result() {
    let server = Embedded::new();
    let page = |status| Answer::empty(status).header("content-type", "text/html");
    let blob = s3_asset_resource::words::digest::Sha256::of(b"one").hex();
    let put = Action::AnswerAfter(page(200).header("etag", "\"x\""));
    let put = server.fault(Fault::new(put).on("PutObject").key(&blob));
    let delete = server.fault(Fault::new(Action::AnswerAfter(page(204))).on("DeleteObject"));
    let package = server.package("app");
    package.add("one", &json!({"tags": ["live"]})).version();
    package.put_params(&json!({"untag": ["live"]})).json();
    assert_eq!((put.applied(), delete.applied()), (1, 1));
}
