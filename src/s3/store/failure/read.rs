//! What the client, the server, or what gives credentials says of a request that failed, read.
//!
//! Invariant: whatever they say is on one line, no longer than a log's, and none of it decides more than
//! what is done next.

use super::{Cause, Failure, Kind, is_of_bytes};
use crate::input::access::Access;
use crate::s3::store::Operation;
use crate::s3::store::evidence::{Author, Page, author};
use crate::words::fault::{Fault, fault};
use crate::words::names::shown_to;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::error::Error;

/// Reads what the client says of a failed request.
pub(in crate::s3::store) fn of<E>(error: SdkError<E, HttpResponse>) -> Failure
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
pub(in crate::s3::store) fn chain(error: &dyn Error) -> String {
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

/// Why there is nothing to sign with.
pub(in crate::s3::store) fn of_signer(
    error: &(dyn Error + 'static),
    access: &Access,
) -> anyhow::Error {
    let failure = unanswered(error, false);
    let failure = Failure { cause: Cause::Credentials, ..failure };
    fault(failure.summary(), failure.hint(Operation::GetObject, "", access))
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
