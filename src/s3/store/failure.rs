//! What went wrong with a request: whether to try again, and what to tell the user.

use super::Operation;
use crate::words::fault::fault;
use crate::words::names::{Bucket, shown};
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

/// Our own code for an answer that is whole and of the wrong length.
const WRONG_SIZE: &str = "WrongSize";

/// A request that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What to do next.
    pub kind: Kind,
    status: Option<u16>,
    code: Option<String>,
    message: String,
    /// Where the server says the bucket is.
    region: Option<String>,
}

impl Failure {
    /// Something that may pass.
    pub fn transient(message: impl Into<String>) -> Failure {
        Failure {
            kind: Kind::Transient,
            status: None,
            code: None,
            message: message.into(),
            region: None,
        }
    }

    /// An object that is not as long as it was when it was published.
    pub(super) fn wrong_size(size: u64, published: u64) -> Failure {
        let message = format!(
            "not the bytes that were published: it has {size} bytes instead of {published}"
        );
        Failure {
            kind: Kind::Fatal,
            code: Some(WRONG_SIZE.to_owned()),
            ..Failure::transient(message)
        }
    }

    /// Whether a multipart upload is not there (any more).
    pub(super) fn is_no_such_upload(&self) -> bool {
        self.code.as_deref() == Some("NoSuchUpload")
    }

    /// For clients that may perhaps only write: without the right to list, S3 says of what is not
    /// there that reading it is forbidden.
    pub(super) fn missing_if_forbidden(mut self) -> Failure {
        if self.status == Some(403) {
            self.kind = Kind::Missing;
        }
        self
    }

    /// Whether a bucket that was to be made is there, and one's own.
    pub(super) fn is_own_bucket(&self) -> bool {
        self.code.as_deref() == Some("BucketAlreadyOwnedByYou")
    }

    /// In a few words.
    pub fn summary(&self) -> String {
        match (self.status, &self.code) {
            (Some(status), Some(code)) => format!("{status} {code}"),
            (Some(status), None) => format!("status {status}"),
            (None, _) => self.message.clone(),
        }
    }

    /// The error of an operation on a key, with the hint for its most likely cause.
    pub fn explain(
        &self,
        operation: Operation,
        bucket: &Bucket,
        key: &str,
        region: &str,
        endpoint: Option<&str>,
    ) -> anyhow::Error {
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
        fault(what, self.hint(operation, bucket, key, region, endpoint))
    }

    fn hint(
        &self,
        operation: Operation,
        bucket: &Bucket,
        key: &str,
        region: &str,
        endpoint: Option<&str>,
    ) -> String {
        let at = endpoint.map_or_else(|| format!("in region {region}"), |url| format!("at {url}"));
        let code = self.code.as_deref().unwrap_or("");
        match (code, self.status) {
            (WRONG_SIZE, None) => "somebody wrote to the object: restore it, or take another version".to_owned(),
            ("NoSuchBucket", _) => {
                format!("there is no bucket `{bucket}` {at}: check `bucket`, `region_name` and `endpoint`")
            }
            ("AccessDenied" | "Forbidden" | "AllAccessDisabled", _) | ("", Some(403)) => {
                let action = operation.action();
                let list = if matches!(operation, Operation::GetObject | Operation::HeadObject) {
                    format!(", and `s3:ListBucket` on `arn:aws:s3:::{bucket}`, without which S3 says so of every object that is not there")
                } else {
                    String::new()
                };
                let resource = if operation.is_of_bucket() { bucket.to_string() } else { format!("{bucket}/{key}") };
                format!("allow `{action}` on `arn:aws:s3:::{resource}`{list}; check the keys, too")
            }
            ("InvalidAccessKeyId", _) => "the server does not know `access_key_id`: check it".to_owned(),
            ("SignatureDoesNotMatch", _) => {
                "`secret_access_key` does not belong to `access_key_id`: check both".to_owned()
            }
            ("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired", _) => {
                "`session_token` has expired or belongs to another key: get new credentials".to_owned()
            }
            ("RequestTimeTooSkewed", _) => "the worker's clock is wrong: set it".to_owned(),
            ("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _)
            | ("", Some(301 | 307)) => match &self.region {
                Some(there) => format!("the bucket is in region {there}: set `region_name: {there}`"),
                None => format!("the bucket is not in region {region}: set `region_name`"),
            },
            ("BadDigest" | "XAmzContentSHA256Mismatch" | "InvalidDigest", _) => {
                "the bytes changed on their way, or the server computes checksums otherwise: try again, or set `skip_s3_checksums: true`".to_owned()
            }
            ("NotImplemented" | "InvalidRequest" | "InvalidArgument", _) | (_, Some(501)) => {
                "the server lacks something that was asked of it: try `skip_s3_checksums: true`, or `conditional_writes: false` (one writer at a time)".to_owned()
            }
            ("BucketAlreadyExists", _) => {
                "somebody else has a bucket of this name: choose another".to_owned()
            }
            ("AccessControlListNotSupported", _) => "the bucket has ACLs switched off: remove `acl`".to_owned(),
            ("EntityTooLarge", _) => "the server takes no object of this size in one piece: remove `disable_multipart`".to_owned(),
            ("NoSuchKey" | "NotFound", _) | (_, Some(404)) => {
                "somebody deleted the object, or a lifecycle rule did: publish it again".to_owned()
            }
            ("PreconditionFailed", _) | (_, Some(412)) => {
                "the object changed while it was read: try again".to_owned()
            }
            ("SlowDown" | "ServiceUnavailable" | "InternalError", _) | (_, Some(500..=599)) => {
                "the server is overloaded or broken: try again later".to_owned()
            }
            ("InvalidTag", _) => "check `object_tags`: letters, digits, spaces and + - = . _ : / @ only".to_owned(),
            (_, Some(_)) => {
                "the server does not take what was asked of it: check `source` and `params`".to_owned()
            }
            _ => self.connection_hint(&at),
        }
    }

    fn connection_hint(&self, at: &str) -> String {
        let message = self.message.to_ascii_lowercase();
        if message.contains("certificate") {
            "the server's certificate is not trusted: give its authority as `ca_bundle`".to_owned()
        } else if message.contains("loading credentials") {
            // The chain found where to ask, and asking failed.
            if message.contains("service error") {
                "the role was refused: check `aws_role_arn`, its trust policy, and `aws_role_external_id`".to_owned()
            } else {
                "the service that gives credentials (STS, or the worker's instance) cannot be reached: check the network and the proxies".to_owned()
            }
        } else if message.contains("credential") {
            "no credentials were found: give `access_key_id` and `secret_access_key`, or let the worker's instance or environment give them".to_owned()
        } else {
            format!(
                "the server {at} cannot be reached: check `endpoint`, `disable_ssl`, the network and the proxies"
            )
        }
    }
}

/// Reads what the client says of a failed request.
pub(super) fn of<E>(error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let raw = error.raw_response();
    let status = raw.map(|r| r.status().as_u16());
    let region = raw.and_then(|r| r.headers().get("x-amz-bucket-region")).map(str::to_owned);
    match &error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().filter(|c| !c.is_empty()).map(str::to_owned);
            let message = service.err().message().unwrap_or("").replace(['\n', '\r'], " ");
            let region = region.or_else(|| expected_region(&message));
            let kind = kind(status.unwrap_or(0), code.as_deref().unwrap_or(""));
            Failure { kind, status, code, message, region }
        }
        SdkError::DispatchFailure(dispatch) => {
            let message = chain(&error);
            let lasting =
                message.contains("certificate") || dispatch.is_user() || dispatch.is_other();
            let kind = if lasting { Kind::Fatal } else { Kind::Transient };
            Failure { kind, status: None, code: None, message, region: None }
        }
        // An answer whose body broke off, or is no XML: whatever its status, the code that tells
        // a missing bucket from a missing object is not known.
        SdkError::ResponseError(_) => Failure {
            kind: Kind::Transient,
            status: None,
            code: None,
            message: chain(&error),
            region,
        },
        SdkError::TimeoutError(_) => Failure::transient(chain(&error)),
        _ => Failure {
            kind: Kind::Fatal,
            status: None,
            code: None,
            message: chain(&error),
            region: None,
        },
    }
}

fn kind(status: u16, code: &str) -> Kind {
    match (status, code) {
        (_, "NoSuchBucket") => Kind::Fatal,
        (404, "" | "NoSuchKey" | "NotFound") => Kind::Missing,
        (412, _) | (_, "PreconditionFailed") => Kind::Refused,
        // Two writes at once, of which S3 lets neither decide: the next attempt sees the winner.
        (409, "ConditionalRequestConflict" | "OperationAborted") => Kind::Transient,
        (501, _) => Kind::Fatal,
        (429 | 500..=599, _) => Kind::Transient,
        (
            _,
            "RequestTimeout" | "SlowDown" | "Throttling" | "ThrottlingException" | "InternalError",
        ) => Kind::Transient,
        _ => Kind::Fatal,
    }
}

/// AWS names the right region in the message of AuthorizationHeaderMalformed.
fn expected_region(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("expecting '")?;
    rest.split_once('\'').map(|(region, _)| region.to_owned())
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
        let cases = [
            (404, "NoSuchKey", Kind::Missing),
            (404, "", Kind::Missing),
            (404, "NoSuchBucket", Kind::Fatal),
            (412, "PreconditionFailed", Kind::Refused),
            (409, "ConditionalRequestConflict", Kind::Transient),
            (503, "SlowDown", Kind::Transient),
            (500, "InternalError", Kind::Transient),
            (400, "RequestTimeout", Kind::Transient),
            (501, "NotImplemented", Kind::Fatal),
            (403, "AccessDenied", Kind::Fatal),
            (400, "BadDigest", Kind::Fatal),
        ];
        for (status, code, want) in cases {
            assert_eq!(kind(status, code), want, "{status} {code}");
        }
    }

    #[test]
    fn every_failure_has_a_hint() {
        let bucket = Bucket::parse("b").expect("a bucket");
        let failure = |status: u16, code: &str| Failure {
            kind: Kind::Fatal,
            status: Some(status),
            code: (!code.is_empty()).then(|| code.to_owned()),
            message: String::new(),
            region: Some("eu-west-2".into()),
        };
        let cases = [
            (failure(404, "NoSuchBucket"), "there is no bucket `b` in region us-east-1"),
            (failure(403, "AccessDenied"), "allow `s3:PutObject` on `arn:aws:s3:::b/k`"),
            (failure(301, "PermanentRedirect"), "set `region_name: eu-west-2`"),
            (failure(403, "SignatureDoesNotMatch"), "does not belong to `access_key_id`"),
            (failure(501, "NotImplemented"), "skip_s3_checksums"),
            (Failure::transient("invalid peer certificate: UnknownIssuer"), "`ca_bundle`"),
            (Failure::transient("connection refused"), "cannot be reached"),
        ];
        for (failure, want) in cases {
            let hint = failure.hint(Operation::PutObject, &bucket, "k", "us-east-1", None);
            assert!(hint.contains(want), "{hint} / {want}");
        }
    }

    #[test]
    fn the_region_is_read_from_the_message() {
        let message = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-2'";
        assert_eq!(expected_region(message).as_deref(), Some("eu-west-2"));
        assert_eq!(expected_region("x"), None);
    }
}
