//! What went wrong with a request, and what the caller does next.

mod hint;
mod read;

pub(super) use read::{chain, of, of_signer};

use super::Operation;
use crate::input::access::Access;
use crate::words::fault::fault;
use crate::words::names::shown;

/// What the caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Tries again.
    Transient,
    /// The object is not there.
    Missing,
    /// The condition of a write did not hold.
    Refused,
    /// Gives up.
    Fatal,
}

/// Who or what is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cause {
    /// The server, which said so.
    Server,
    /// Something between here and the server, or nothing that answers.
    Network,
    /// What gives credentials.
    Credentials,
    /// The server, which is none of S3.
    NotS3,
    /// The server, which says yes without the result that proves it.
    NoResult,
    /// The server, which sends another range than it was asked for.
    NoRange,
    /// The server, whose listing cannot be followed.
    Listing,
    /// Whoever wrote other bytes to an object.
    OtherBytes,
    /// Something here, which has its own hint.
    Own(String),
}

/// Bytes that change on their way are rare; a server that computes otherwise always says so.
const TRIES_OF_BYTES: u32 = 3;

/// A request that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What to do next.
    pub kind: Kind,
    cause: Cause,
    status: Option<u16>,
    code: Option<String>,
    message: String,
    /// Where the server says the bucket is.
    region: Option<String>,
}

impl Failure {
    fn new(kind: Kind, cause: Cause, message: impl Into<String>) -> Failure {
        Failure { kind, cause, status: None, code: None, message: message.into(), region: None }
    }

    /// Something that may pass.
    pub fn transient(message: impl Into<String>) -> Failure {
        Failure::new(Kind::Transient, Cause::Network, message)
    }

    /// An object that is not as long as it was when it was published.
    pub(super) fn wrong_size(size: u64, published: u64) -> Failure {
        let message = format!(
            "not the bytes that were published: it has {size} bytes instead of {published}"
        );
        Failure::new(Kind::Fatal, Cause::OtherBytes, message)
    }

    /// An object that another has taken the place of.
    pub(super) fn changed() -> Failure {
        let message = "not the bytes that were asked for: the object was written over meanwhile";
        Failure::new(Kind::Fatal, Cause::OtherBytes, message)
    }

    /// An answer that says yes and lacks what proves it.
    pub(super) fn no_result(what: &str) -> Failure {
        let message = format!("the server says yes, without {what}");
        Failure::new(Kind::Transient, Cause::NoResult, message)
    }

    /// An answer of something that is no S3 server.
    pub(super) fn not_s3() -> Failure {
        Failure::new(Kind::Fatal, Cause::NotS3, "the answer is none of S3: a page for people")
    }

    /// An answer with other bytes of an object than were asked for.
    pub(super) fn no_range(got: &str, wanted: &str) -> Failure {
        let message = format!("the server sends {got} instead of {wanted}");
        Failure::new(Kind::Fatal, Cause::NoRange, message)
    }

    /// A listing that cannot be believed, or not be followed.
    pub(super) fn listing(message: impl Into<String>) -> Failure {
        Failure::new(Kind::Fatal, Cause::Listing, message)
    }

    /// An object that is larger than anything of its kind.
    pub(super) fn too_large(limit: u64) -> Failure {
        let size = crate::machine::report::size(limit);
        let message = format!("it is larger than {size}, which no object of this kind is");
        Failure::new(Kind::Fatal, Cause::OtherBytes, message)
    }

    /// Whether what answered is no S3 server, as far as one can tell.
    pub(super) fn is_not_s3(&self) -> bool {
        self.cause == Cause::NotS3
    }

    /// What the server calls it.
    pub(super) fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Whether a multipart upload is not there (any more).
    pub(super) fn is_no_such_upload(&self) -> bool {
        self.code.as_deref() == Some("NoSuchUpload")
    }

    /// Whether the server does not know what was asked for, as some do not know copied parts, or
    /// takes it for something else.
    pub(super) fn is_unknown_here(&self) -> bool {
        self.cause == Cause::NoResult
            || self.kind == Kind::Fatal && matches!(self.status, Some(400 | 405 | 501))
    }

    /// Whether the server says that it may not be done.
    pub(super) fn is_forbidden(&self) -> bool {
        self.status == Some(403) && self.cause == Cause::Server
    }

    /// For clients that may perhaps only write: without the right to list, S3 says of what is not
    /// there that reading it is forbidden.
    pub(super) fn missing_if_forbidden(mut self) -> Failure {
        if self.status == Some(403) && self.cause == Cause::Server {
            self.kind = Kind::Missing;
        }
        self
    }

    /// Whether a bucket that was to be made is there, and one's own.
    pub(super) fn is_own_bucket(&self) -> bool {
        self.code.as_deref() == Some("BucketAlreadyOwnedByYou")
    }

    /// How often it is tried in all, where that is less often than usual.
    pub(super) fn tries(&self) -> u32 {
        let bytes = matches!(self.code.as_deref(), Some(code) if is_of_bytes(code));
        if bytes || matches!(self.cause, Cause::Credentials | Cause::NoResult) {
            TRIES_OF_BYTES
        } else {
            u32::MAX
        }
    }

    /// In a few words.
    pub fn summary(&self) -> String {
        match (self.status, &self.code) {
            (Some(status), Some(code)) => format!("{status} {}", shown(code)),
            (Some(status), None) => format!("status {status}"),
            (None, _) => self.message.clone(),
        }
    }

    /// The error of an operation on a key, with the hint for its most likely cause.
    pub fn explain(&self, operation: Operation, key: &str, access: &Access) -> anyhow::Error {
        let bucket = &access.bucket;
        let place = if key.is_empty() {
            format!("s3://{bucket}")
        } else {
            format!("s3://{bucket}/{}", shown(key))
        };
        let mut what = format!("{operation} {place}: {}", self.summary());
        if self.status.is_some() && !self.message.is_empty() {
            what.push_str(": ");
            what.push_str(&self.message);
        }
        fault(what, self.hint(operation, key, access))
    }
}

/// Whether the server got other bytes than were sent.
fn is_of_bytes(code: &str) -> bool {
    matches!(
        code,
        "BadDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch" | "InvalidDigest"
    )
}
