//! The server as a value: it runs while the value lives.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Deref;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use crate::front::Front;
use crate::handle::Handle;
use crate::listen;
use crate::options::Options;
use crate::shared::Shared;
use crate::tls::Tls;

/// Worker threads of a server.
const WORKERS: usize = 2;

/// A running server. Dropping it closes all connections and forgets everything.
///
/// All of [`Handle`] can be called on it; [`Server::handle`] makes one that can be sent elsewhere.
#[derive(Debug)]
pub struct Server {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Server {
    /// Starts a server. It is ready when this returns.
    ///
    /// # Panics
    ///
    /// If it cannot be started: a test could not go on either.
    pub fn start(options: Options) -> Self {
        Self::try_start(options).expect("the test server starts")
    }

    /// Starts a server, unless for instance its port is taken.
    pub fn try_start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let address: SocketAddr = listener.local_addr()?;
        let tls = options.tls.then(Tls::new).transpose().map_err(io::Error::other)?;
        let (acceptor, ca_pem) = tls.map(|tls| (tls.acceptor, tls.ca_pem)).unzip();
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("s3-test-server")
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared::new(options));
        let front = Front::new(Arc::clone(&shared));
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        runtime.spawn(listen::serve(listener, front, acceptor));
        Ok(Self { handle: Handle::new(shared, address, ca_pem), runtime: Some(runtime) })
    }

    /// A handle that can be cloned and sent; it does not keep the server running.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Deref for Server {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Not a wait: the last owner may be a task of another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
