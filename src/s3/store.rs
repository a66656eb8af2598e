//! One bucket: every request to S3 goes through here, and is retried, announced and explained here.
//!
//! One file an operation. What they share: `retry` tries again and explains, `failure` says what
//! went wrong, `object` holds what S3 says of an object, `headers` what a request says of one.

mod body;
mod checksum;
mod clock;
mod copy;
mod delete;
mod described;
mod evidence;
mod failure;
mod get;
mod head;
mod headers;
mod limits;
mod list;
mod multipart;
mod object;
mod open;
mod operation;
mod presign;
mod proof;
mod put;
mod retry;
mod said;
mod settings;
mod sibling;
mod signing;
mod uploads;
mod versions;

pub use body::Buffers;
pub use described::Described;
pub use failure::{Failure, Kind};
pub use get::WHOLE;
pub use limits::Limits;
pub use list::{Depth, Listed, ListedPage, Mark};
pub use multipart::{Part, Upload};
pub use object::{Condition, ETag, Facts, Fetched, Written};
pub use operation::Operation;
pub use proof::{Proof, Verifier};
pub use settings::Expiry;
pub use versions::{Versioning, VersionsPage};

use crate::input::access::Access;
use crate::machine::report::Report;
use crate::words::digest::hex;
use crate::words::names::{Bucket, Key};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A bucket, and how to reach it.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    /// Who signs; none: requests go unsigned.
    signer: Option<SharedCredentialsProvider>,
    access: Access,
    conditional: bool,
    /// How large things may be before they travel in parts.
    pub limits: Limits,
    report: Arc<Report>,
    uploads: Arc<multipart::Uploads>,
    clock: clock::Clock,
    /// Whether the server was found to know tags without their quotes only.
    bare_tags: Arc<AtomicBool>,
    /// For the parts of large bodies.
    pub buffers: Arc<Buffers>,
}

impl Store {
    /// The bucket.
    pub fn bucket(&self) -> &Bucket {
        &self.access.bucket
    }

    /// Where people are told.
    pub fn report(&self) -> &Arc<Report> {
        &self.report
    }

    /// Whether writes may carry conditions.
    pub fn is_conditional(&self) -> bool {
        self.conditional
    }

    /// A time of this machine, in milliseconds since 1970, as far as the server's clock, which all
    /// writers of the bucket share, agrees with it.
    pub fn agreed_time(&self, own: u64) -> u64 {
        self.clock.agreed(own)
    }

    /// Whether a body of this size goes up in one piece.
    pub fn is_single(&self, size: u64) -> bool {
        !self.access.multipart || size <= self.limits.single
    }

    /// The size of the parts in which a body goes up: its own, when it goes in one piece.
    pub fn part_of(&self, size: u64) -> u64 {
        if self.is_single(size) { size } else { self.limits.part_of(size) }
    }

    /// `s3://bucket/key`.
    pub fn uri(&self, key: &str) -> String {
        self.access.bucket.uri(key)
    }

    /// The URL of an object, without anything that signs it.
    pub fn url(&self, key: &Key) -> String {
        format!("{}{}", self.access.url(), headers::path(key))
    }
}

/// An id that no other history or upload has.
pub fn unique_id() -> String {
    hex(&fastrand::u128(..).to_be_bytes())
}

#[cfg(test)]
mod tests;
