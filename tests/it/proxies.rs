//! `http_proxy`, `https_proxy` and `no_proxy`, with a proxy of a few lines that leads every host
//! to the embedded server.

use crate::support::{Embedded, Resource, Tree, commit};
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A proxy, and the first lines of what was asked of it.
struct Proxy {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn to(server: &Embedded) -> Proxy {
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

    fn asked(&self) -> Vec<String> {
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
    let resource = server.resource().env("http_proxy", &proxy.url);
    resource.clone().versions(None);
    assert_eq!(proxy.asked().len(), 1);
    round_trip(&resource.env("no_proxy", "example.com,127.0.0.1"));
    assert!(proxy.asked().is_empty());
}
