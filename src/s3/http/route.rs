//! Where a connection goes: straight, or through the environment's proxy.

use super::proxy::Proxies;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector as Tcp};
use hyper_util::rt::TokioIo;
use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tower_service::Service;

const CONNECT: Duration = Duration::from_secs(10);

/// Opens a connection to where a request goes: straight, or through the environment's proxy.
#[derive(Clone)]
pub(super) struct Route {
    tcp: Tcp,
    proxies: Arc<Proxies>,
}

impl Route {
    pub(super) fn new(proxies: Arc<Proxies>) -> Route {
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        Route { tcp, proxies }
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
        let proxy = match self.proxies.of(&to) {
            Ok(proxy) => proxy.cloned(),
            Err(refused) => return Box::pin(async move { Err(refused.into()) }),
        };
        let Some(proxy) = proxy else {
            let connecting = tcp.call(to);
            return Box::pin(async move { Ok(Stream { io: connecting.await?, proxied: false }) });
        };
        let over_tls = to.scheme_str() == Some("https");
        Box::pin(async move {
            if !over_tls {
                return Ok(Stream { io: tcp.call(proxy.uri).await?, proxied: true });
            }
            let mut tunnel = Tunnel::new(proxy.uri, tcp);
            if let Some(authorization) = proxy.authorization {
                tunnel = tunnel.with_auth(authorization);
            }
            Ok(Stream { io: tunnel.call(to).await?, proxied: false })
        })
    }
}

/// A TCP connection that knows whether a proxy of plain http is at its other end, which wants
/// whole URLs in its requests.
pub(super) struct Stream {
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
