//! An S3 server in memory, on loopback, inside the process that uses it.
//!
//! It speaks the protocol through the `s3s` crate (signatures, presigned URLs, chunked bodies) and
//! keeps what it is told in a map behind one lock, so that conditions hold exactly however many
//! clients race. On top of that it counts and logs requests, measures how many of them had to be
//! made one after the other, and lets things go wrong on purpose.
//!
//! ```
//! use s3_test_server::{Action, Fault, Options, Server};
//!
//! let server = Server::start(Options::with_bucket("assets"));
//! server.put("assets", "greeting", "hello", &[("language", "en")]);
//! server.fault(Fault::new(Action::Status(503, "SlowDown")).on("GetObject"));
//! // … run a client against server.endpoint() …
//! assert_eq!(server.keys("assets"), ["greeting"]);
//! assert!(server.requests().is_empty());
//! ```

mod access;
mod answer;
mod body;
mod chunks;
mod condition;
mod digest;
mod doors;
mod faults;
mod front;
mod handle;
mod link;
mod listen;
mod listing;
mod log;
mod matching;
mod object;
mod operation;
mod options;
mod rounds;
mod server;
mod service;
mod shared;
mod store;
mod sts;
mod text;
mod tls;
mod uploads;
mod victim;

pub use access::Deny;
pub use answer::Answer;
pub use digest::{Algorithm, Checksums};
pub use faults::{Action, Fault, FaultId};
pub use handle::{Handle, KeyVersion, UnfinishedUpload};
pub use log::{LogEntry, RequestInfo};
pub use object::{Attributes, Content, Object};
pub use options::{ACCESS_KEY, ListedKeys, Numbered, Options, SECRET_KEY, WrongRegion};
pub use server::Server;
pub use sts::AssumedRole;
