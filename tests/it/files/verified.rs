//! What a get is compared with: S3's checksum, the recorded SHA-256, the tag, and the size.

use super::{named, path, put, text};
use crate::support::{BUCKET, Embedded, noise};
use s3_test_server::{Action, Fault};
use serde_json::json;
use std::sync::Arc;

const LARGE: usize = 20 << 20;

#[test]
fn a_changed_byte_is_seen() {
    let server = Embedded::new();
    let app = named(&server, "app-(.*)");
    for (name, size) in [("app-small", 9), ("app-large", LARGE)] {
        let bytes = noise(1, size);
        put(&app, name, &bytes, json!({})).json();
        let got = app.get(&path(name), json!({}));
        assert!(got.run.succeeded(), "{}", got.run.stderr);
        assert_eq!(std::fs::read(got.path().join(name)).expect("the file"), bytes);
        let mut changed = bytes.clone();
        changed[size / 2] ^= 1;
        server.corrupt(BUCKET, name, changed);
        let error = app.get(&path(name), json!({})).nothing_but_an_error();
        assert!(error.contains("not the bytes that S3 knows: its "), "{error}");
    }
    // Written by another program: only the tag tells.
    server.put(BUCKET, "app-other", "bytes", &[]);
    server.corrupt(BUCKET, "app-other", "bytez");
    let error = app.get(&path("app-other"), json!({})).nothing_but_an_error();
    assert!(error.contains("its MD5 is"), "{error}");
    let trusting = app.set("skip_s3_checksums", true);
    assert_eq!(text(&trusting.get(&path("app-other"), json!({})), "app-other"), "bytez");
}

/// moto says four bytes where a CRC-64 is due: what cannot be a checksum is none, and no reason to
/// refuse what came.
#[test]
fn what_is_no_checksum_is_not_compared_with() {
    let server = Embedded::new();
    let app = named(&server, "app-(.*)");
    let bytes = noise(1, LARGE);
    put(&app, "app-1", &bytes, json!({})).json();
    server.change(BUCKET, "app-1", |object| {
        object.checksums.crc64nvme = Some("8b4cnQ==".to_owned());
        object.checksums.kind = Some("FULL_OBJECT".to_owned());
    });
    let got = app.get(&path("app-1"), json!({}));
    assert!(got.run.succeeded(), "{}", got.run.stderr);
    let mut changed = bytes.clone();
    changed[LARGE / 2] ^= 1;
    server.corrupt(BUCKET, "app-1", changed);
    let error = app.get(&path("app-1"), json!({})).nothing_but_an_error();
    assert!(error.contains("its SHA-256 is "), "{error}");
}

#[test]
fn a_file_that_is_written_over_meanwhile_is_no_mixture() {
    let server = Embedded::new();
    let app = named(&server, "app-(.*)");
    put(&app, "app-1", &noise(1, LARGE), json!({})).json();
    let (other, handle) = (noise(2, LARGE), std::ops::Deref::deref(&server).clone());
    server.reset_requests();
    let meddle = Action::Call(Arc::new(move |_| handle.put(BUCKET, "app-1", other.clone(), &[])));
    server.fault(Fault::new(meddle).on("GetObject").skip(1));
    let error = app.get(&path("app-1"), json!({})).nothing_but_an_error();
    assert!(error.contains("412"), "{error}");
}
