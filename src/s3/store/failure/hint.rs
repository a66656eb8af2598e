//! What to do about a request that failed.

use super::{Cause, Failure, Operation, is_of_bytes};
use crate::input::access::{Access, Identity, Told};
use crate::words::names::shown;

impl Failure {
    /// In the words of whoever said how the bucket is reached.
    pub(super) fn hint(&self, operation: Operation, key: &str, access: &Access) -> String {
        access.told.said(&self.hint_of_cause(operation, key, access))
    }

    fn hint_of_cause(&self, operation: Operation, key: &str, access: &Access) -> String {
        let region = &access.region;
        let endpoint = access.endpoint.as_deref();
        let at = endpoint.map_or_else(|| format!("in region {region}"), |url| format!("at {url}"));
        match &self.cause {
            Cause::Own(hint) => hint.clone(),
            Cause::OtherBytes => {
                "somebody wrote to the object: restore it, or take another version".to_owned()
            }
            Cause::NotS3 => format!(
                "what answers {at} is no S3 server, or a proxy before it: check `endpoint`, `disable_ssl`, `use_path_style` and the proxies"
            ),
            Cause::NoResult => format!(
                "nothing counts as written until the server {at} says what it wrote: try again; if it stays so, it is no S3 server, or a proxy answers for it"
            ),
            Cause::NoRange => {
                "the server, or a proxy before it, ignores `Range`: files above 16 MiB cannot be fetched through it".to_owned()
            }
            Cause::Listing => format!(
                "nothing is decided on such a listing: the server {at} is no S3 server, or lacks ListObjectsV2"
            ),
            Cause::Credentials => self.hint_of_credentials(access.told),
            Cause::Network => self.hint_of_network(&at),
            Cause::Server => {
                let hint = self.hint_of_server(operation, key, access, &at);
                let refused = self.status == Some(403) && hint.starts_with("allow ");
                if refused && access.identity == Identity::Anonymous {
                    return "nobody signed the request: give `access_key_id` and `secret_access_key`, or `enable_aws_creds_provider: true` for those that the worker has; without, only what everybody may do is done".to_owned();
                }
                match access.said.owner.as_deref().filter(|_| refused) {
                    Some(owner) => format!(
                        "{hint}; or the bucket is not of account {}, which `expected_bucket_owner` says",
                        shown(owner)
                    ),
                    None => hint,
                }
            }
        }
    }

    fn hint_of_server(&self, operation: Operation, key: &str, access: &Access, at: &str) -> String {
        let (bucket, region) = (&access.bucket, &access.region);
        let code = self.code.as_deref().unwrap_or("");
        match (code, self.status) {
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
                let resource = if operation.is_of_bucket() { bucket.to_string() } else { format!("{bucket}/{}", shown(key)) };
                match bucket.access_point() {
                    Some(_) => format!("allow `{action}` on the access point, `{bucket}`, and on its bucket; check the keys, too"),
                    None => format!("allow `{action}` on `arn:aws:s3:::{resource}`{list}; check the keys, too"),
                }
            }
            ("InvalidAccessKeyId", _) => "the server does not know `access_key_id`: check it".to_owned(),
            ("SignatureDoesNotMatch", _) => {
                "`secret_access_key` does not belong to `access_key_id`: check both".to_owned()
            }
            ("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired", _) => {
                "`session_token` has expired or belongs to another key: get new credentials".to_owned()
            }
            ("RequestTimeTooSkewed", _) => "the worker's clock is wrong: set it".to_owned(),
            ("PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _)
            | (_, Some(301 | 302 | 307 | 308)) => match &self.region {
                Some(there) => format!("the bucket is in region {there}: set `region_name: {there}`", there = shown(there)),
                None => format!("the bucket is not in region {region}, or at another address than {at}: set `region_name` or `endpoint`"),
            },
            (code, _) if is_of_bytes(code) => {
                "the bytes changed on their way each time, or the server computes checksums otherwise: try again, or set `skip_s3_checksums: true`".to_owned()
            }
            ("NotImplemented", _) | (_, Some(501))
                if matches!(operation, Operation::ListObjectVersions | Operation::GetBucketVersioning) =>
            {
                "the server keeps no versions: follow files with `regexp`, which needs none, or use another server".to_owned()
            }
            ("NotImplemented" | "InvalidRequest" | "InvalidArgument", _) | (_, Some(501)) => {
                "the server lacks something that was asked of it: `storage_class`, `acl` or `server_side_encryption`, where they are set; else try `skip_s3_checksums: true`, or `conditional_writes: false` (one writer at a time)".to_owned()
            }
            ("BucketAlreadyExists", _) => {
                "somebody else has a bucket of this name: choose another".to_owned()
            }
            ("AccessControlListNotSupported", _) => "the bucket has ACLs switched off: remove `acl`".to_owned(),
            ("EntityTooLarge", _) => "the server takes no object of this size in one piece: remove `disable_multipart`".to_owned(),
            ("NoSuchUpload", _) => "somebody aborted the upload, or a lifecycle rule did: try again".to_owned(),
            ("NoSuchKey" | "NotFound", _) | (_, Some(404)) => {
                "somebody deleted the object, or a lifecycle rule did: publish it again".to_owned()
            }
            (_, Some(407)) => {
                "the proxy asks who you are: write `http://user:password@host:port` in `http_proxy` and `https_proxy`".to_owned()
            }
            ("PreconditionFailed", _) | (_, Some(412)) => {
                "the object changed while it was read: try again".to_owned()
            }
            ("SlowDown" | "ServiceUnavailable" | "InternalError" | "RequestTimeout", _) | (_, Some(408 | 425 | 429 | 500..=599)) => {
                "the server is overloaded or broken: try again later".to_owned()
            }
            ("InvalidTag", _) => "check `object_tags`: letters, digits, spaces and + - = . _ : / @ only".to_owned(),
            _ => "the server does not take what was asked of it: check `source` and `params`".to_owned(),
        }
    }

    fn hint_of_credentials(&self, told: Told) -> String {
        let message = self.message.to_ascii_lowercase();
        if message.contains("cargo feature") && message.contains("sso") {
            lacking("has no SSO")
        } else if message.contains("cargo feature") {
            lacking("runs no `credential_process`")
        } else if message.contains("sso token") || message.contains("loading an access token") {
            "nobody has signed in, or that is too long ago: `aws sso login`, with the profile that is used".to_owned()
        } else if message.contains("external process") {
            "the `credential_process` of the AWS profile fails: run it by hand, and see what it prints"
                .to_owned()
        } else if message.contains("was not defined") {
            "`AWS_PROFILE`, or `source_profile` of a profile, names one that is in neither ~/.aws/config nor ~/.aws/credentials"
                .to_owned()
        } else if message.contains("no credentials found in chain") && told == Told::Options {
            "set `AWS_PROFILE`, or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, in the environment; or sign in, with the profile that is used".to_owned()
        } else if message.contains("no credentials found in chain") {
            "no credentials were found: give `access_key_id` and `secret_access_key`, or let the worker's environment or instance give them (containers reach its metadata only with a hop limit of 2)".to_owned()
        } else if message.contains("profilefile provider could not be built") {
            "the AWS profile cannot be used: look at it in ~/.aws/config and ~/.aws/credentials"
                .to_owned()
        } else if message.contains("aws_web_identity_token of source")
            && message.contains("service error")
        {
            "the token was refused: check `aws_web_identity_token`, which may have expired, `aws_role_arn` and its trust policy".to_owned()
        } else if message.contains("service error") {
            "the role was refused: check `aws_role_arn`, its trust policy, and `aws_role_external_id`".to_owned()
        } else if ["timed out", "timeout", "dispatch failure", "loading credentials"]
            .iter()
            .any(|word| message.contains(word))
        {
            "what gives credentials (STS, or the worker's instance: containers reach its metadata only with a hop limit of 2) does not answer: check the network and the proxies, or give `access_key_id` and `secret_access_key`".to_owned()
        } else {
            "no credentials were found: give `access_key_id` and `secret_access_key`, or let the worker's instance or environment give them".to_owned()
        }
    }

    fn hint_of_network(&self, at: &str) -> String {
        let message = self.message.to_ascii_lowercase();
        if message.contains("certificate") {
            "the server's certificate is not trusted: give its authority as `ca_bundle`".to_owned()
        } else if message.contains("invalidcontenttype") {
            "the server speaks no TLS there: write `http://` in `endpoint`, or set `disable_ssl: true`".to_owned()
        } else if message.contains("proxy authorization") {
            "the proxy asks who you are: write `http://user:password@host:port` in `https_proxy`"
                .to_owned()
        } else {
            format!(
                "the server {at} cannot be reached: check `endpoint`, `disable_ssl`, the network and the proxies"
            )
        }
    }
}

/// What to do where a profile wants what the feature `sso` is.
fn lacking(what: &str) -> String {
    format!(
        "this build of s3-asset, the image's, {what}: `cargo install --path .` makes one that does, or export what `aws configure export-credentials --format env` prints"
    )
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;
    use serde_json::json;

    fn access(source: serde_json::Value) -> Access {
        let serde_json::Value::Object(mut map) = source else { panic!("a map") };
        map.insert("enable_aws_creds_provider".to_owned(), true.into());
        let common = crate::input::common::Common::read(&map).expect("keys");
        common.settings().expect("settings").access
    }

    #[test]
    fn every_failure_has_a_hint() {
        let b = access(json!({"bucket": "b"}));
        let failure = |status: u16, code: &str| Failure {
            status: Some(status),
            code: (!code.is_empty()).then(|| code.to_owned()),
            region: Some("eu-west-2".into()),
            ..Failure::new(Kind::Fatal, Cause::Server, "")
        };
        let of = |cause: Cause, message: &str| Failure::new(Kind::Fatal, cause, message);
        let silent = "identity resolver timed out after 5s";
        let cases = [
            (failure(404, "NoSuchBucket"), "there is no bucket `b` in region us-east-1"),
            (failure(403, "AccessDenied"), "allow `s3:PutObject` on `arn:aws:s3:::b/k`"),
            (failure(301, "PermanentRedirect"), "set `region_name: eu-west-2`"),
            (failure(307, "TemporaryRedirect"), "set `region_name: eu-west-2`"),
            (failure(307, ""), "set `region_name: eu-west-2`"),
            (failure(403, "SignatureDoesNotMatch"), "does not belong to `access_key_id`"),
            (failure(501, "NotImplemented"), "skip_s3_checksums"),
            (failure(407, ""), "`http_proxy`"),
            (failure(408, ""), "try again later"),
            (of(Cause::Network, "invalid peer certificate: UnknownIssuer"), "`ca_bundle`"),
            (of(Cause::Network, "connection refused"), "cannot be reached"),
            (of(Cause::Credentials, silent), "hop limit"),
            (of(Cause::Credentials, "no credentials provider"), "no credentials were found"),
            (
                of(
                    Cause::Credentials,
                    "dispatch failure: other: no credentials found in chain: Profile, \
                     Ec2InstanceMetadata (dispatch failure: timeout)",
                ),
                "no credentials were found: give `access_key_id`",
            ),
            (of(Cause::Network, "corrupt message of type InvalidContentType"), "speaks no TLS"),
            (of(Cause::Credentials, "failed to load the cached SSO token"), "`aws sso login`"),
            (
                of(Cause::Credentials, "following cargo feature(s) enabled: sso."),
                "the image's, has no SSO: `cargo install --path .`",
            ),
            (
                of(Cause::Credentials, "following cargo feature(s) enabled: credentials-process."),
                "the image's, runs no `credential_process`: `cargo install --path .`",
            ),
            (of(Cause::NotS3, ""), "no S3 server"),
            (of(Cause::Own("do this".into()), ""), "do this"),
        ];
        for (failure, want) in cases {
            let hint = failure.hint(Operation::PutObject, "k", &b);
            assert!(hint.contains(want), "{hint} / {want}");
        }
        let owned = access(json!({"bucket": "b", "expected_bucket_owner": "111122223333"}));
        let arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/p";
        let point = access(json!({"bucket": arn}));
        let nobody = Access { identity: Identity::Anonymous, ..b.clone() };
        for (access, want) in [
            (&owned, "not of account 111122223333"),
            (&point, "on the access point, `arn:aws:s3:eu-west-1:123456789012:accesspoint/p`"),
            (&nobody, "nobody signed the request: give `access_key_id`"),
        ] {
            let hint = failure(403, "AccessDenied").hint(Operation::PutObject, "k", access);
            assert!(hint.contains(want), "{hint} / {want}");
        }
    }

    #[test]
    fn whoever_sits_at_a_terminal_is_told_of_options_and_variables() {
        let operator = Access { told: Told::Options, ..access(json!({"bucket": "b"})) };
        let chain = "no credentials found in chain: Environment, Profile";
        let of = |message: &str| Failure::new(Kind::Fatal, Cause::Credentials, message);
        let missing = Failure {
            status: Some(404),
            code: Some("NoSuchBucket".to_owned()),
            ..Failure::new(Kind::Fatal, Cause::Server, "")
        };
        for (failure, want) in [
            (of(chain), "set `AWS_PROFILE`, or `AWS_ACCESS_KEY_ID`"),
            (of("profile `x` was not defined"), "in neither ~/.aws/config"),
            (of("external process exited with code 1"), "run it by hand"),
            (of("ProfileFile provider could not be built: x"), "the AWS profile cannot be used"),
            (missing, "check `--bucket`, `--region` and `--endpoint`"),
        ] {
            let hint = failure.hint(Operation::GetObject, "k", &operator);
            assert!(hint.contains(want), "{hint} / {want}");
        }
    }
}
