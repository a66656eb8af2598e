//! `http_proxy`, `https_proxy` and `no_proxy`, with a proxy of a few lines that leads every host
//! to the embedded server.

use crate::support::{Embedded, Resource, Tree, commit};
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A proxy, and the first lines of what was asked of it.
pub(crate) struct Proxy {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub(crate) fn to(server: &Embedded) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (log, port) = (asked.clone(), server.port());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let log = log.clone();
                std::thread::spawn(move || serve(client, port, &log));
            }
        });
        Proxy { url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().expect("the log"))
    }
}

fn serve(mut client: TcpStream, port: u16, log: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match client.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let line = text.lines().next().unwrap_or("").to_owned();
    let tunnel = line.starts_with("CONNECT ");
    let mut headers = text.lines().filter_map(|it| it.split_once(": "));
    let told = headers.find(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"));
    let line = told.map(|(_, told)| format!("{line} [{told}]")).unwrap_or(line);
    log.lock().expect("the log").push(line);
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)) else { return };
    // A request of plain http goes on as it came: servers take whole URLs too.
    let begun =
        if tunnel { client.write_all(b"HTTP/1.1 200 OK\r\n\r\n") } else { server.write_all(&head) };
    let (Ok(()), Ok(mut up), Ok(mut down)) = (begun, client.try_clone(), server.try_clone()) else {
        return;
    };
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut up, &mut server);
        let _ = server.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut down, &mut client);
}

fn round_trip(resource: &Resource) {
    let tree = Tree::of("a", "a").with("large.bin", vec![3; 17 << 20]);
    let version = resource.publish(&commit(1), &tree).version();
    assert_eq!(resource.versions(None), [version.clone()]);
    assert!(resource.get(&version, json!({})).assets() == tree);
}

#[test]
fn plain_http_goes_through_the_proxy() {
    let server = Embedded::new();
    let proxy = Proxy::to(&server);
    let nowhere = server.resource().set("endpoint", "http://s3.invalid:9000");
    round_trip(&nowhere.env("http_proxy", &proxy.url));
    let asked = proxy.asked();
    assert!(
        !asked.is_empty() && asked.iter().all(|it| it.contains(" http://s3.invalid:9000/")),
        "{asked:?}"
    );
}

#[test]
fn https_goes_through_a_tunnel() {
    let server = Embedded::with(|options| options.tls = true);
    let proxy = Proxy::to(&server);
    let nowhere = server
        .resource()
        .set("endpoint", "https://s3.invalid:9000")
        .set("skip_ssl_verification", true);
    round_trip(&nowhere.env("https_proxy", &proxy.url));
    let asked = proxy.asked();
    assert!(
        !asked.is_empty() && asked.iter().all(|it| it.starts_with("CONNECT s3.invalid:9000 ")),
        "{asked:?}"
    );
}

#[test]
fn what_no_proxy_names_is_reached_straight() {
    let server = Embedded::new();
    let proxy = Proxy::to(&server);
    // A name of this machine that is not `localhost`, which no proxy is ever asked for.
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    let host = host.trim();
    let named = server.resource().set("endpoint", format!("http://{host}.invalid:9000"));
    let named = named.env("http_proxy", &proxy.url);
    assert!(named.versions(None).is_empty());
    assert_eq!(proxy.asked().len(), 1);
    let straight = named.env("no_proxy", "example.com,.invalid:9000");
    let (error, hint) = straight.check(None).failure();
    assert!(hint.contains("cannot be reached"), "{error}\n{hint}");
    assert!(proxy.asked().is_empty());
    let loopback = server.resource().env("http_proxy", &proxy.url);
    round_trip(&loopback);
    assert!(proxy.asked().is_empty());
}

#[test]
fn user_and_password_are_told_to_the_proxy_alone() {
    for tls in [false, true] {
        let server = Embedded::with(|options| options.tls = tls);
        let proxy = Proxy::to(&server);
        let url = proxy.url.replace("http://", "http://ana:hunter2%21@");
        let scheme = if tls { "https" } else { "http" };
        let resource = server
            .resource()
            .set("endpoint", format!("{scheme}://s3.invalid:9000"))
            .set("skip_ssl_verification", tls)
            .env("http_proxy", &url)
            .env("https_proxy", &url);
        round_trip(&resource);
        // `ana:hunter2!` in base64.
        let told = "[Basic YW5hOmh1bnRlcjIh]";
        let asked = proxy.asked();
        assert!(!asked.is_empty() && asked.iter().all(|it| it.ends_with(told)), "{asked:?}");
        if tls {
            let inside = server.requests();
            assert!(inside.iter().all(|it| it.header("proxy-authorization").is_none()));
        }
    }
}

#[test]
fn a_proxy_of_another_kind_is_refused_by_name() {
    let server = Embedded::new();
    let resource = server.resource().set("endpoint", "http://s3.invalid:9000");
    for (url, what) in [
        ("socks5://ana:hunter2@proxy:1080", "http_proxy: a SOCKS proxy"),
        ("https://ana:hunter2@proxy", "http_proxy: a proxy that is spoken to over TLS"),
        ("http://", "http_proxy: there is no address"),
    ] {
        let resource = resource.clone().env("http_proxy", url);
        let got = resource.get(&json!({"commit": commit(1)}), json!({}));
        for run in
            [resource.check(None), got.run, resource.publish(&commit(1), &Tree::of("a", "a"))]
        {
            let (error, hint) = run.failure();
            assert!(error.contains(what) && hint.contains("http://host:port"), "{error}\n{hint}");
            assert_eq!(run.retries(), 0, "{}", run.stderr);
            assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
        }
        // What is reached straight has nothing to do with it.
        let straight = server.resource().env("http_proxy", url);
        assert!(straight.versions(None).is_empty());
    }
}

/// Answers every request with these bytes, or never.
fn service(answer: Option<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for mut client in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let _ = client.read(&mut head);
            if let Some(answer) = &answer {
                let length = answer.len();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                let _ = client.write_all((head + answer).as_bytes());
            }
            held.push(client);
        }
    });
    url
}

#[test]
fn credentials_of_a_container_are_asked_for_straight() {
    let server = Embedded::new();
    let proxy = Proxy::to(&server);
    let (id, secret) = (server.access_key(), server.secret_key());
    let answer = json!({
        "AccessKeyId": id, "SecretAccessKey": secret, "Token": "",
        "Expiration": "2099-01-01T00:00:00Z",
    });
    let chain = server
        .resource()
        .unset("access_key_id")
        .unset("secret_access_key")
        .set("enable_aws_creds_provider", true)
        .set("endpoint", "http://s3.invalid:9000")
        .env("http_proxy", &proxy.url)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &service(Some(answer.to_string())));
    let run = chain.check(None);
    assert!(run.succeeded(), "{}", run.stderr);
    let asked = proxy.asked();
    assert!(asked.len() == 1 && asked[0].contains("s3.invalid"), "{asked:?}");
}

#[test]
fn silent_metadata_is_not_blamed_on_the_server() {
    let server = Embedded::new();
    let chain = server
        .resource()
        .unset("access_key_id")
        .unset("secret_access_key")
        .set("enable_aws_creds_provider", true)
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &service(None));
    let (error, hint) = chain.check(None).failure();
    assert!(
        hint.contains("gives credentials") || hint.contains("no credentials"),
        "{error}\n{hint}"
    );
    assert!(!hint.contains("endpoint"), "{error}\n{hint}");
}
