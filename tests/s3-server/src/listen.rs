//! Connections: each is served by hyper on a task of its own, and is closed for good when one of its
//! requests says so.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::front::{Connection, Front};

/// Accepts connections until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, front: Front, tls: Option<TlsAcceptor>) {
    loop {
        // An error is that of one connection, or too many open files: others may do better.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(secure(stream, front.clone(), tls.clone()));
        } else {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

async fn secure(stream: TcpStream, front: Front, tls: Option<TlsAcceptor>) {
    // Without it small answers wait for acknowledgements; that it may fail changes nothing.
    let _ = stream.set_nodelay(true);
    match tls {
        None => connection(stream, front).await,
        // A client that does not trust us says so and goes.
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                connection(stream, front).await;
            }
        }
    }
}

async fn connection<S>(stream: S, front: Front)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let state = Arc::new(Connection::default());
    let service = service_fn(|request| {
        let (front, state) = (front.clone(), Arc::clone(&state));
        async move { Ok::<_, Infallible>(front.answer(request, &state).await) }
    });
    let served = http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    // Both ends of this drop the stream, which closes the socket. An error is the client's leaving.
    tokio::select! {
        _ = served => {}
        () = state.aborted() => {}
    }
}
