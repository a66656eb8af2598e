//! The HTTP client under the S3 client: HTTP/1.1, proxies, and certificates that load late.
//!
//! The SDK's own connector cannot be told to skip verification, and reads every certificate of
//! the machine when it is made, for plain http too. This one reads them when the first https
//! connection is made, from the bundle alone where there is one, takes the proxies from
//! `http_proxy`, `https_proxy` and `no_proxy`, and bounds what it waits for.

mod bounds;
mod proxy;
mod route;
mod tls;

use self::bounds::{Bounded, answer_within, largest};
use self::proxy::Proxies;
use self::route::{Route, Stream};
use crate::input::access::Trust;
use crate::machine::environment;
use crate::words::fault::Fault;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http::header::{CONTENT_LENGTH, PROXY_AUTHORIZATION};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A client for every connection of this process.
pub fn client(trust: &Trust) -> SharedHttpClient {
    SharedHttpClient::new(Http(
        Arc::new(Inner {
            trust: trust.clone(),
            proxies: Arc::new(Proxies::read(environment::variable)),
            plain: OnceLock::new(),
            secure: OnceLock::new(),
        }),
        None,
    ))
}

/// The client; of some users of it, with the time that they give an answer.
#[derive(Clone)]
struct Http(Arc<Inner>, Option<Duration>);

struct Inner {
    trust: Trust,
    proxies: Arc<Proxies>,
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
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Http(self.0.clone(), settings.read_timeout()))
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, within) = (self.0.clone(), self.1);
        HttpConnectorFuture::new(async move { inner.send(request, within).await })
    }
}

impl Inner {
    async fn send(
        &self,
        request: HttpRequest,
        given: Option<Duration>,
    ) -> Result<HttpResponse, ConnectorError> {
        let user = |fault: Fault| ConnectorError::user(fault.into());
        let mut request = request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?;
        let proxy = self.proxies.of(request.uri()).map_err(user)?;
        let over_tls = request.uri().scheme_str() == Some("https");
        // Over TLS the proxy is told when the tunnel is made.
        if !over_tls && let Some(authorization) = proxy.and_then(|it| it.authorization.clone()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization);
        }
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let length = request.headers().get(CONTENT_LENGTH).and_then(|it| it.to_str().ok());
        let within = answer_within(&method, length.and_then(|it| it.parse().ok()).unwrap_or(0));
        let within = given.unwrap_or(within);
        let answer = if over_tls {
            let client = self.secure().map_err(user)?;
            tokio::time::timeout(within, client.request(request)).await
        } else {
            tokio::time::timeout(within, self.plain().request(request)).await
        };
        match answer {
            Ok(Ok(response)) => {
                let largest = largest(&method, &uri, response.status());
                let bounded = |body| SdkBody::from_body_1_x(Bounded::new(body, largest));
                HttpResponse::try_from(response.map(bounded))
                    .map_err(|e| ConnectorError::other(e.into(), None))
            }
            Ok(Err(e)) => Err(ConnectorError::io(e.into())),
            Err(_) => {
                let why = format!("the server does not answer within {} s", within.as_secs());
                Err(ConnectorError::timeout(why.into()))
            }
        }
    }

    fn plain(&self) -> &Client<Route, SdkBody> {
        self.plain.get_or_init(|| builder().build(Route::new(self.proxies.clone())))
    }

    fn secure(&self) -> Result<&Client<HttpsConnector<Route>, SdkBody>, Fault> {
        if let Some(client) = self.secure.get() {
            return Ok(client);
        }
        let route = Route::new(self.proxies.clone());
        let connector = HttpsConnector::from((route, tls::tls(&self.trust)?));
        Ok(self.secure.get_or_init(|| builder().build(connector)))
    }
}

fn builder() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(20));
    builder
}

// The type of a connection over TLS, named so that a change of hyper-rustls shows here.
const _: fn(MaybeHttpsStream<Stream>) = drop;
