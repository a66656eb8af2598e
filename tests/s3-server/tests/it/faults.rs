//! Every fault.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use s3_test_server::{Action, Fault, Options, Server};

use crate::support::{BUCKET, client, code, presigning, send, server, status};

/// A server with one object of this size, and a client.
fn with_object(size: usize) -> (Server, Client) {
    let server = server();
    let bytes: Vec<u8> = (0..size).map(|number| (number % 251) as u8).collect();
    server.put(BUCKET, "key", bytes, &[]);
    let client = client(&server);
    (server, client)
}

async fn get(client: &Client) -> Result<bytes::Bytes, String> {
    let got = client.get_object().bucket(BUCKET).key("key").send().await;
    let got = got.map_err(|error| code(&error))?;
    let body = got.body.collect().await.map_err(|error| error.to_string())?;
    Ok(body.into_bytes())
}

async fn put(client: &Client, key: &str) -> Result<(), String> {
    let put = client.put_object().bucket(BUCKET).key(key).body(b"new".to_vec().into());
    put.send().await.map(|_| ()).map_err(|error| code(&error))
}

#[tokio::test]
async fn an_error_instead_of_an_answer() {
    let (server, client) = with_object(10);
    let fault = server.fault(Fault::new(Action::Status(503, "SlowDown")).on("PutObject").times(2));
    assert!(get(&client).await.is_ok());
    for _ in 0..2 {
        let refused =
            client.put_object().bucket(BUCKET).key("new").send().await.expect_err("refused");
        assert_eq!((code(&refused).as_str(), status(&refused)), ("SlowDown", 503));
    }
    assert!(server.get(BUCKET, "new").is_none());
    assert_eq!(put(&client, "new").await, Ok(()));
    assert_eq!(fault.applied(), 2);
    server.fault(Fault::new(Action::StatusAfter(500, "InternalError")).key("late"));
    assert_eq!(put(&client, "late").await, Err("InternalError".to_owned()));
    assert!(server.get(BUCKET, "late").is_some());
    let statuses: Vec<_> = server.requests().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Some(200), Some(503), Some(503), Some(200), Some(500)]);
}

/// Both ways, and for all connections together.
#[tokio::test]
async fn a_slow_network_carries_so_much_and_no_more() {
    let options = Options { rate: Some(100_000), ..Options::with_bucket(BUCKET) };
    let server = Server::start(options);
    let client = client(&server);
    let begun = Instant::now();
    let up = |key: &'static str| {
        client.put_object().bucket(BUCKET).key(key).body(vec![1; 20_000].into())
    };
    let (a, b) = tokio::join!(up("a").send(), up("b").send());
    a.and(b).expect("both arrive");
    let sent = begun.elapsed();
    assert!(sent >= Duration::from_millis(390), "{sent:?}");
    let got = client.get_object().bucket(BUCKET).key("a").send().await.expect("an answer");
    assert_eq!(got.body.collect().await.expect("a body").into_bytes().len(), 20_000);
    let both = begun.elapsed() - sent;
    assert!(both >= Duration::from_millis(190), "{both:?}");
}

#[tokio::test]
async fn rules_choose_their_requests() {
    let (server, client) = with_object(10);
    let failure = || Fault::new(Action::Status(500, "InternalError"));
    server.fault(failure().nth(3));
    for expected in [true, true, false, true] {
        assert_eq!(get(&client).await.is_ok(), expected);
    }
    server.clear_faults();
    server.fault(failure().on("PutObject").key_contains("b").skip(1).always());
    for (key, expected) in [("a", true), ("ab", true), ("ab", false), ("a", true), ("b", false)] {
        assert_eq!(put(&client, key).await.is_ok(), expected, "{key}");
    }
    server.clear_faults();
    let rule = server.fault(failure().nth(2));
    assert!(get(&client).await.is_ok());
    server.reset_requests();
    assert!(get(&client).await.is_ok());
    assert!(get(&client).await.is_err());
    server.remove_fault(&rule);
    assert_eq!(server.requests().last().map(|entry| entry.number), Some(2));
}

#[tokio::test]
async fn connections_are_closed() {
    let (server, client) = with_object(10);
    let request = client
        .put_object()
        .bucket(BUCKET)
        .key("new")
        .presigned(presigning())
        .await
        .expect("signed");
    server.fault(Fault::new(Action::DropBefore));
    assert_eq!(send(&server, &request, b"body"), b"");
    assert!(server.get(BUCKET, "new").is_none());
    server.fault(Fault::new(Action::DropAfter));
    assert_eq!(send(&server, &request, b"body"), b"");
    assert_eq!(server.get(BUCKET, "new").expect("applied").text(), "body");
    assert!(server.requests().iter().all(|entry| entry.status.is_none()));
    server.fault(Fault::new(Action::DropAfter));
    put(&client, "other").await.expect_err("no answer");
    assert!(server.get(BUCKET, "other").is_some());
}

#[tokio::test]
async fn half_a_body() {
    for size in [10_usize, 3_000_000] {
        let (server, client) = with_object(size);
        server.fault(Fault::new(Action::HalfBody));
        let request = client
            .get_object()
            .bucket(BUCKET)
            .key("key")
            .presigned(presigning())
            .await
            .expect("signed");
        let answer = send(&server, &request, b"");
        let split = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
        let head = String::from_utf8_lossy(&answer[..split]).to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains(&format!("content-length: {size}")), "{head}");
        assert_eq!(answer.len() - split, size / 2);
        server.fault(Fault::new(Action::HalfBody));
        get(&client).await.expect_err("half a body is no body");
        assert_eq!(get(&client).await.map(|body| body.len()), Ok(size));
    }
}

#[tokio::test]
async fn a_corrupt_body() {
    let (server, client) = with_object(500_000);
    let good = get(&client).await.expect("read");
    server.fault(Fault::new(Action::Corrupt));
    let bad = get(&client).await.expect("read");
    assert_eq!(good.len(), bad.len());
    let different: Vec<usize> = (0..good.len()).filter(|at| good[*at] != bad[*at]).collect();
    assert_eq!(different, [250_000]);
}

#[tokio::test]
async fn slowness() {
    let (server, client) = with_object(5000);
    server.fault(Fault::new(Action::Slow(Duration::from_millis(300))));
    let started = Instant::now();
    put(&client, "slow").await.expect("put");
    assert!(started.elapsed() >= Duration::from_millis(300));
    server.fault(Fault::new(Action::SlowBody(Duration::from_millis(320))));
    let started = Instant::now();
    assert_eq!(get(&client).await.map(|body| body.len()), Ok(5000));
    assert!(started.elapsed() >= Duration::from_millis(250), "{:?}", started.elapsed());

    // What was received is applied, though nobody waits for the answer.
    server.fault(Fault::new(Action::Slow(Duration::from_millis(1500))));
    let lost = tokio::time::timeout(Duration::from_millis(700), put(&client, "lost")).await;
    assert!(lost.is_err() && server.get(BUCKET, "lost").is_none());
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert!(server.get(BUCKET, "lost").is_some());
}

#[tokio::test]
async fn a_victim_is_killed() {
    let (server, client) = with_object(10);
    let request = client
        .put_object()
        .bucket(BUCKET)
        .key("new")
        .presigned(presigning())
        .await
        .expect("signed");
    for (action, applied) in [(Action::KillBefore, false), (Action::KillAfter, true)] {
        server.clear_victim();
        server.fault(Fault::new(action));
        let url = format!("{}{}", server.endpoint(), crate::support::target(request.uri()));
        let mut victim = Command::new("curl")
            .args(["-s", "-X", "PUT", "--data-binary", "body", "-H", "Content-Type:", &url])
            .stdin(Stdio::null())
            .spawn()
            .expect("curl starts");
        // The server waits for a victim.
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.set_victim(victim.id());
        let end = victim.wait().expect("it ends");
        assert_eq!(end.code(), None, "killed by a signal");
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(server.get(BUCKET, "new").is_some(), applied);
    }
}

#[tokio::test]
async fn a_signal_and_a_call_go_on() {
    let (server, client) = with_object(10);
    let mut victim = Command::new("sleep").arg("60").spawn().expect("starts");
    server.set_victim(victim.id());
    server.fault(Fault::new(Action::SignalBefore(15)).on("PutObject"));
    let calls = Arc::new(AtomicU64::new(0));
    let (handle, counter) = (server.handle(), Arc::clone(&calls));
    let call = move |request: &s3_test_server::RequestInfo| {
        assert!(handle.get(BUCKET, "new").is_none(), "before it is applied");
        counter.store(request.number, Ordering::SeqCst);
    };
    server.fault(Fault::new(Action::Call(Arc::new(call))));
    put(&client, "new").await.expect("put");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert!(!victim.wait().expect("ends").success());
}

#[tokio::test]
async fn some_requests_never_end() {
    let (server, client) = with_object(10);
    server.fault(Fault::new(Action::Hang));
    let hung = tokio::time::timeout(Duration::from_millis(200), get(&client)).await;
    assert!(hung.is_err());
    get(&client).await.expect("read");
}
