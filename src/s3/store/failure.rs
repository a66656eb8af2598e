//! What went wrong with a request, and what the caller does next.

mod hint;

use super::Operation;
use super::evidence::{Author, Page, author};
use crate::input::access::Access;
use crate::words::fault::{Fault, fault};
use crate::words::names::{shown, shown_to};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::error::Error;

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

/// Why there is nothing to sign with.
pub(super) fn of_signer(error: &(dyn Error + 'static), access: &Access) -> anyhow::Error {
    let failure = unanswered(error, false);
    let failure = Failure { cause: Cause::Credentials, ..failure };
    fault(failure.summary(), failure.hint(Operation::GetObject, "", access))
}

/// Whether the server got other bytes than were sent.
fn is_of_bytes(code: &str) -> bool {
    matches!(
        code,
        "BadDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch" | "InvalidDigest"
    )
}

/// Reads what the client says of a failed request.
pub(super) fn of<E>(error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if find::<Page>(&error).is_some() {
        return Failure::not_s3();
    }
    if let Some(own) = find::<Fault>(&error) {
        return Failure::new(Kind::Fatal, Cause::Own(own.hint().to_owned()), own.to_string());
    }
    let raw = error.raw_response();
    match (&error, raw) {
        (SdkError::ServiceError(service), Some(raw)) => {
            let code = service.err().code().filter(|c| !c.is_empty()).map(str::to_owned);
            let message = shown_to(service.err().message().unwrap_or(""), LONGEST_MESSAGE);
            answered(raw, code, message)
        }
        // An answer whose body broke off: whatever its status, the code that tells a missing bucket
        // from a missing object is not known.
        (SdkError::ResponseError(_), _) | (SdkError::TimeoutError(_), _) => {
            unanswered(&error, true)
        }
        (SdkError::DispatchFailure(dispatch), _) => {
            unanswered(&error, !dispatch.is_user() && !dispatch.is_other())
        }
        _ => unanswered(&error, false),
    }
}

/// A server's message is one line of a log.
const LONGEST_MESSAGE: usize = 500;

fn answered(raw: &HttpResponse, code: Option<String>, message: String) -> Failure {
    let status = raw.status().as_u16();
    let author = author(raw.headers().iter());
    let region = raw.headers().get("x-amz-bucket-region").map(str::to_owned);
    let region = region.or_else(|| expected_region(&message));
    let (kind, cause) = verdict(status, code.as_deref(), author);
    let message = match cause {
        Cause::NotS3 => "the answer is none of S3".to_owned(),
        Cause::NoResult => "the server says yes, without a result that can be read".to_owned(),
        _ => message,
    };
    Failure { kind, cause, status: Some(status), code, message, region }
}

/// What to do about an answer, and who is to blame for it.
fn verdict(status: u16, code: Option<&str>, author: Author) -> (Kind, Cause) {
    let said = code.unwrap_or("");
    match (status, said, author) {
        // The client could not read a result in it.
        (200..=299, "", Author::Other) => (Kind::Fatal, Cause::NotS3),
        (200..=299, "", _) => (Kind::Transient, Cause::NoResult),
        // The client makes up a code for a 404 without a body.
        (404, "NotFound", Author::S3) => (Kind::Missing, Cause::Server),
        (404, "" | "NotFound", Author::Other | Author::Unknown) => (Kind::Fatal, Cause::NotS3),
        // XML that broke off.
        (404, "", Author::S3) => (Kind::Transient, Cause::Server),
        // Balancers and proxies have answers of their own that pass.
        (408 | 425 | 429 | 500..=599, "", _) => (kind(status, ""), Cause::Server),
        (407, _, _) => (Kind::Fatal, Cause::Server),
        (_, "", Author::Other) => (Kind::Fatal, Cause::NotS3),
        _ => (kind(status, said), Cause::Server),
    }
}

fn kind(status: u16, code: &str) -> Kind {
    match (status, code) {
        (_, "NoSuchBucket") => Kind::Fatal,
        (404, "NoSuchKey" | "NotFound") => Kind::Missing,
        (412, _) | (_, "PreconditionFailed") => Kind::Refused,
        // Two writes at once, of which S3 lets neither decide: the next attempt sees the winner.
        (409, "ConditionalRequestConflict" | "OperationAborted") => Kind::Transient,
        (501, _) => Kind::Fatal,
        (408 | 425 | 429 | 500..=599, _) => Kind::Transient,
        (
            _,
            "RequestTimeout"
            | "SlowDown"
            | "Throttling"
            | "ThrottlingException"
            | "InternalError"
            | "ServiceUnavailable"
            | "IncompleteBody",
        ) => Kind::Transient,
        (_, code) if is_of_bytes(code) => Kind::Transient,
        _ => Kind::Fatal,
    }
}

/// A request that nobody answered, or not to its end.
fn unanswered(error: &(dyn Error + 'static), may_pass: bool) -> Failure {
    let message = shown_to(&short(&chain(error)), LONGEST_MESSAGE);
    let low = message.to_ascii_lowercase();
    let credentials = ["credential", "identity resolver"].iter().any(|word| low.contains(word));
    let lasting = ["certificate", "proxy authorization"].iter().any(|word| low.contains(word));
    let silent = low.contains("timed out") || low.contains("timeout");
    let kind = match (credentials, lasting || !may_pass) {
        (true, _) if silent => Kind::Transient,
        (_, true) => Kind::Fatal,
        (_, false) => Kind::Transient,
    };
    Failure::new(kind, if credentials { Cause::Credentials } else { Cause::Network }, message)
}

/// What the chain of credentials says, shorter: each place that was asked, and why it has none.
fn short(said: &str) -> String {
    const NONE: &str = "no credentials found in chain";
    const NOT_THERE: &str = "the credential provider was not enabled";
    let Some((_, asked)) = said.split_once(NONE) else { return said.to_owned() };
    let asked = asked.trim_start_matches(". Attempted:").split("   ").map(str::trim);
    let asked = asked.filter(|it| !it.is_empty()).map(|it| {
        let (name, why) = it.split_once(": ").unwrap_or((it, ""));
        match why.trim_start_matches(NOT_THERE).trim_start_matches(": ") {
            "" => name.to_owned(),
            why => format!("{name} ({why})"),
        }
    });
    format!("{NONE}: {}", asked.collect::<Vec<_>>().join(", "))
}

/// AWS names the right region in the message of AuthorizationHeaderMalformed.
fn expected_region(message: &str) -> Option<String> {
    // What is shown of a message has its quotes escaped.
    let (_, rest) = message.split_once("expecting ")?;
    let region: String = rest
        .trim_start_matches(['\\', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    (!region.is_empty()).then_some(region)
}

/// The first error of a type among an error and its causes.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// An error and its causes on one line, none said twice.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string().replace(['\n', '\r'], " ");
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_next() {
        use Author::{Other, S3, Unknown};
        let cases = [
            (404, "NoSuchKey", Unknown, Kind::Missing, Cause::Server),
            (404, "NotFound", S3, Kind::Missing, Cause::Server),
            (404, "NotFound", Unknown, Kind::Fatal, Cause::NotS3),
            (404, "", Other, Kind::Fatal, Cause::NotS3),
            (404, "", Unknown, Kind::Fatal, Cause::NotS3),
            (404, "", S3, Kind::Transient, Cause::Server),
            (404, "NoSuchBucket", S3, Kind::Fatal, Cause::Server),
            (200, "", Other, Kind::Fatal, Cause::NotS3),
            (200, "", S3, Kind::Transient, Cause::NoResult),
            (200, "SlowDown", S3, Kind::Transient, Cause::Server),
            (403, "", Other, Kind::Fatal, Cause::NotS3),
            (403, "", Unknown, Kind::Fatal, Cause::Server),
            (302, "", Other, Kind::Fatal, Cause::NotS3),
            (407, "", Other, Kind::Fatal, Cause::Server),
            (502, "", Other, Kind::Transient, Cause::Server),
            (408, "", Other, Kind::Transient, Cause::Server),
            (429, "", Unknown, Kind::Transient, Cause::Server),
            (412, "PreconditionFailed", S3, Kind::Refused, Cause::Server),
            (409, "ConditionalRequestConflict", S3, Kind::Transient, Cause::Server),
            (503, "SlowDown", S3, Kind::Transient, Cause::Server),
            (500, "InternalError", S3, Kind::Transient, Cause::Server),
            (400, "RequestTimeout", S3, Kind::Transient, Cause::Server),
            (501, "NotImplemented", S3, Kind::Fatal, Cause::Server),
            (403, "AccessDenied", S3, Kind::Fatal, Cause::Server),
            (400, "BadDigest", S3, Kind::Transient, Cause::Server),
        ];
        for (status, code, author, kind, cause) in cases {
            let code = Some(code).filter(|code| !code.is_empty());
            assert_eq!(
                verdict(status, code, author),
                (kind, cause),
                "{status} {code:?} {author:?}"
            );
        }
    }

    #[test]
    fn what_the_chain_says_is_short() {
        let said = "dispatch failure: other: the credential provider was not enabled: no credentials \
            found in chain. Attempted:   Environment: the credential provider was not enabled: \
            environment variable not set   Profile: the credential provider was not enabled   \
            Ec2InstanceMetadata: an error occurred: timed out";
        let want = "no credentials found in chain: Environment (environment variable not set), \
            Profile, Ec2InstanceMetadata (an error occurred: timed out)";
        assert_eq!(short(said), want);
        assert_eq!(short("io error: refused"), "io error: refused");
    }

    #[test]
    fn the_region_is_read_from_the_message() {
        let message = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-2'";
        assert_eq!(expected_region(message).as_deref(), Some("eu-west-2"));
        assert_eq!(expected_region(&shown_to(message, 500)).as_deref(), Some("eu-west-2"));
        assert_eq!(expected_region("x"), None);
    }
}
