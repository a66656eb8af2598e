//! The HTTP client under the S3 client: HTTP/1.1, proxies, and certificates that load late.
//!
//! The SDK's own connector cannot be told to skip verification, and reads every certificate of
//! the machine when it is made, for plain http too. This one reads them when the first https
//! connection is made, from the bundle alone where there is one, and takes the proxies from
//! `http_proxy`, `https_proxy` and `no_proxy`.

use crate::input::access::Trust;
use anyhow::Context as _;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector as Tcp};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tower_service::Service;

const CONNECT: Duration = Duration::from_secs(10);
/// From the first byte sent to the first byte of the answer: completing a large multipart upload
/// takes S3 minutes, and a part of a slow line too.
const ANSWER: Duration = Duration::from_secs(300);

const BUNDLES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"];
const DIRECTORY: &str = "/etc/ssl/certs";

/// A client for every connection of this process.
pub fn client(trust: &Trust) -> SharedHttpClient {
    SharedHttpClient::new(Http(Arc::new(Inner {
        trust: trust.clone(),
        plain: OnceLock::new(),
        secure: OnceLock::new(),
    })))
}

#[derive(Clone)]
struct Http(Arc<Inner>);

struct Inner {
    trust: Trust,
    plain: OnceLock<Client<Route, SdkBody>>,
    secure: OnceLock<Client<HttpsConnector<Route>, SdkBody>>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let inner = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?;
            let answer = if request.uri().scheme_str() == Some("https") {
                let client = inner.secure().map_err(|e| ConnectorError::user(e.into()))?;
                tokio::time::timeout(ANSWER, client.request(request)).await
            } else {
                tokio::time::timeout(ANSWER, inner.plain().request(request)).await
            };
            match answer {
                Ok(Ok(response)) => HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                    .map_err(|e| ConnectorError::other(e.into(), None)),
                Ok(Err(e)) => Err(ConnectorError::io(e.into())),
                Err(_) => Err(ConnectorError::timeout("the server does not answer".into())),
            }
        })
    }
}

impl Inner {
    fn plain(&self) -> &Client<Route, SdkBody> {
        self.plain.get_or_init(|| builder().build(Route::new()))
    }

    fn secure(&self) -> anyhow::Result<&Client<HttpsConnector<Route>, SdkBody>> {
        if let Some(client) = self.secure.get() {
            return Ok(client);
        }
        let connector = HttpsConnector::from((Route::new(), tls(&self.trust)?));
        Ok(self.secure.get_or_init(|| builder().build(connector)))
    }
}

fn builder() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(20));
    builder
}

/// Opens a connection to where a request goes: straight, or through the environment's proxy.
#[derive(Clone)]
struct Route {
    tcp: Tcp,
    proxies: Arc<Matcher>,
}

impl Route {
    fn new() -> Route {
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        Route { tcp, proxies: Arc::new(Matcher::from_env()) }
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl Service<http::Uri> for Route {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: http::Uri) -> Self::Future {
        let mut tcp = self.tcp.clone();
        let Some(proxy) = self.proxies.intercept(&to) else {
            let connecting = tcp.call(to);
            return Box::pin(async move { Ok(Stream { io: connecting.await?, proxied: false }) });
        };
        let over_tls = to.scheme_str() == Some("https");
        Box::pin(async move {
            if !over_tls {
                return Ok(Stream { io: tcp.call(proxy.uri().clone()).await?, proxied: true });
            }
            let mut tunnel = Tunnel::new(proxy.uri().clone(), tcp);
            if let Some(auth) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(auth.clone());
            }
            Ok(Stream { io: tunnel.call(to).await?, proxied: false })
        })
    }
}

/// A TCP connection that knows whether a proxy of plain http is at its other end, which wants
/// whole URLs in its requests.
struct Stream {
    io: TokioIo<TcpStream>,
    proxied: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.proxied)
    }
}

impl hyper::rt::Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl hyper::rt::Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }
}

// The type of a connection over TLS, named so that a change of hyper-rustls shows here.
const _: fn(MaybeHttpsStream<Stream>) = drop;

fn tls(trust: &Trust) -> anyhow::Result<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?;
    let roots = match trust {
        Trust::Anything => {
            let verifier = Arc::new(danger::AcceptAnything(provider));
            return Ok(builder
                .dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_no_client_auth());
        }
        Trust::Bundle(pem) => {
            roots(CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok))
        }
        Trust::System => system_roots()?,
    };
    if roots.is_empty() {
        let (what, hint) = match trust {
            Trust::Bundle(_) => (
                "source.ca_bundle: no certificate in it",
                "give PEM text: -----BEGIN CERTIFICATE-----",
            ),
            _ => (
                "no certificate under /etc/ssl/certs",
                "give the server's certificate authority as `ca_bundle`",
            ),
        };
        return Err(crate::words::fault::fault(what, hint));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The bundle alone where there is one; else each file of the directory, which is how Concourse
/// workers with a plain directory of certificates mount them.
fn system_roots() -> anyhow::Result<RootCertStore> {
    for bundle in BUNDLES {
        if let Ok(pem) = std::fs::read(bundle) {
            return Ok(roots(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok)));
        }
    }
    let files = match std::fs::read_dir(DIRECTORY) {
        Ok(files) => files,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(RootCertStore::empty()),
        Err(e) => return Err(e).context(DIRECTORY),
    };
    let read = |path: &Path| std::fs::read(path).unwrap_or_default();
    let pems: Vec<_> = files.filter_map(|file| file.ok().map(|file| read(&file.path()))).collect();
    Ok(roots(
        pems.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem).filter_map(Result::ok)),
    ))
}

/// A certificate that cannot be parsed is left out, as every TLS client does with a bundle.
fn roots<'a>(certificates: impl Iterator<Item = CertificateDer<'a>>) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates.map(CertificateDer::into_owned));
    store
}

/// What `skip_ssl_verification` asks for.
mod danger {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};
    use std::sync::Arc;

    /// Accepts any certificate, but still wants the server to hold its key.
    #[derive(Debug)]
    pub(super) struct AcceptAnything(pub(super) Arc<CryptoProvider>);

    impl ServerCertVerifier for AcceptAnything {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(
                message,
                certificate,
                signed,
                &self.0.signature_verification_algorithms,
            )
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(
                message,
                certificate,
                signed,
                &self.0.signature_verification_algorithms,
            )
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
