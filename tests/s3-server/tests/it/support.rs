//! What the tests share.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials, Region, StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_smithy_http_client::Builder as HttpBuilder;
use s3_test_server::{Handle, Options, Server};

/// The bucket of the tests.
pub(crate) const BUCKET: &str = "assets";

/// A server with the bucket.
pub(crate) fn server() -> Server {
    Server::start(Options::with_bucket(BUCKET))
}

/// The configuration of a client that never tries again by itself.
pub(crate) fn config(server: &Handle, region: &str) -> Builder {
    let credentials =
        Credentials::new(server.access_key(), server.secret_key(), None, None, "test");
    aws_sdk_s3::config::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(server.endpoint())
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials)
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(HttpBuilder::new().build_http())
}

/// A client.
pub(crate) fn client(server: &Handle) -> Client {
    Client::from_conf(config(server, "us-east-1").build())
}

/// The S3 code of an error.
pub(crate) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    error.code().unwrap_or("none").to_owned()
}

/// The HTTP status of an error.
pub(crate) fn status<E>(error: &SdkError<E>) -> u16 {
    error.raw_response().map_or(0, |response| response.status().as_u16())
}

/// How long presigned requests are valid.
pub(crate) fn presigning() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(60)).expect("a valid time")
}

/// Sends a presigned request over a connection of its own, and returns all that comes back until the
/// server closes it.
pub(crate) fn send(server: &Handle, request: &PresignedRequest, body: &[u8]) -> Vec<u8> {
    send_raw(server, request.method(), target(request.uri()), "", body)
}

/// Path and query of a URL.
pub(crate) fn target(uri: &str) -> &str {
    let path = uri.splitn(4, '/').nth(3).expect("a path");
    &uri[uri.len() - path.len() - 1..]
}

/// Sends any request. `headers` end with CRLF each.
pub(crate) fn send_raw(
    server: &Handle,
    method: &str,
    target: &str,
    headers: &str,
    body: &[u8],
) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        server.port(),
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    let mut answer = Vec::new();
    // A connection that is closed hard is an answer too: what came until then.
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// Runs things at once and returns what they returned.
pub(crate) async fn at_once<T: Send + 'static>(
    count: usize,
    make: impl Fn(usize) -> std::pin::Pin<Box<dyn Future<Output = T> + Send>>,
) -> Vec<T> {
    let tasks: Vec<_> = (0..count).map(|number| tokio::spawn(make(number))).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.expect("no panic"));
    }
    results
}

/// The headers that sign a request to a service. The body that is sent need not be the signed one.
pub(crate) fn sign(
    server: &Handle,
    service: &str,
    method: &str,
    target: &str,
    body: &[u8],
) -> String {
    use aws_sigv4::http_request::{
        PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign,
    };
    use aws_sigv4::sign::v4;
    let identity =
        Credentials::new(server.access_key(), server.secret_key(), None, None, "test").into();
    let mut settings = SigningSettings::default();
    if service == "s3" {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name(service)
        .time(std::time::SystemTime::now())
        .settings(settings)
        .build()
        .expect("parameters")
        .into();
    let uri = format!("{}{target}", server.endpoint());
    let request = SignableRequest::new(method, &uri, std::iter::empty(), SignableBody::Bytes(body));
    let (signed, _) = sign(request.expect("a request"), &params).expect("signed").into_parts();
    let header = |(name, value): (&str, &str)| format!("{name}: {value}\r\n");
    signed.headers().map(header).collect()
}
