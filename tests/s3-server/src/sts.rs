//! AssumeRole and AssumeRoleWithWebIdentity, which are no S3 operations but come to the same port: `POST /` with a form.
//!
//! The protocol crate checks a signature like any other's, and a token is its own proof; here a role turns into credentials that
//! it accepts afterwards.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri};
use s3s::route::S3Route;
use s3s::{Body, S3Request, S3Response, S3Result, s3_error};

use crate::access::Temporary;
use crate::shared::Shared;
use crate::text;

/// A longer form than this is no request for a role.
const MAX_FORM: usize = 64 * 1024;

/// A role that was assumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumedRole {
    /// `RoleArn`.
    pub role_arn: String,
    /// `RoleSessionName`.
    pub session_name: String,
    /// `ExternalId`.
    pub external_id: Option<String>,
    /// `DurationSeconds`, if asked for.
    pub duration: Option<Duration>,
    /// The access key that was given out.
    pub access_key: String,
    /// The access key that asked; empty where a token did.
    pub asked_by: String,
    /// `WebIdentityToken`.
    pub token: Option<String>,
}

/// The route.
pub(crate) struct Sts(pub(crate) Arc<Shared>);

#[async_trait::async_trait]
impl S3Route for Sts {
    fn is_match(&self, method: &Method, uri: &Uri, _: &HeaderMap, _: &mut Extensions) -> bool {
        method == Method::POST && uri.path() == "/"
    }

    async fn check_access(&self, _: &mut S3Request<Body>) -> S3Result<()> {
        // Which of the two it is, only the form says.
        Ok(())
    }

    async fn call(&self, mut request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let form = request.input.store_all_limited(MAX_FORM).await;
        let form = form
            .map_err(|error| s3_error!(InvalidRequest, "The form could not be read: {}", error))?;
        let form = text::pairs(&String::from_utf8_lossy(&form));
        let field = |name: &str| {
            let found = form.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        let action = field("Action").unwrap_or_default();
        let token = field("WebIdentityToken");
        match action.as_str() {
            "AssumeRole" if request.credentials.is_none() => {
                return Err(s3_error!(AccessDenied, "Signature is required"));
            }
            "AssumeRole" => {}
            "AssumeRoleWithWebIdentity" if token.is_some() => {}
            _ => return Ok(refused("InvalidAction", "Only two ways to a role are known here.")),
        }
        let (Some(role_arn), Some(session_name)) = (field("RoleArn"), field("RoleSessionName"))
        else {
            return Ok(refused("ValidationError", "RoleArn and RoleSessionName are required."));
        };
        let number = self.0.store.lock().next();
        let access_key = format!("ASIATEST{number:012}");
        let secret = format!("temporary-secret-{number:020}");
        let asked = field("DurationSeconds")
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs);
        let valid = self.0.options.session_duration.or(asked).unwrap_or(Duration::from_secs(3600));
        let expires = SystemTime::now() + valid;
        let answer =
            answer(&action, &role_arn, &session_name, &access_key, &secret, number, expires);
        self.0.assumed(AssumedRole {
            role_arn,
            session_name,
            external_id: field("ExternalId"),
            duration: asked,
            access_key: access_key.clone(),
            asked_by: request
                .credentials
                .map(|credentials| credentials.access_key)
                .unwrap_or_default(),
            token,
        });
        self.0.accounts.add(access_key, Temporary { secret, expires });
        Ok(xml(StatusCode::OK, answer))
    }
}

#[allow(clippy::too_many_arguments)] // a template's blanks
fn answer(
    action: &str,
    role: &str,
    session: &str,
    key: &str,
    secret: &str,
    number: u64,
    expires: SystemTime,
) -> String {
    format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
         <SessionToken>session-token-{number}</SessionToken><Expiration>{}</Expiration></Credentials>\
         <AssumedRoleUser><AssumedRoleId>AROATEST:{session}</AssumedRoleId><Arn>{}/{session}</Arn></AssumedRoleUser>\
         </{action}Result><ResponseMetadata><RequestId>{number}</RequestId></ResponseMetadata></{action}Response>",
        text::iso_date(expires),
        text::xml(role),
        session = text::xml(session),
    )
}

/// An error in the form that STS clients read.
pub(crate) fn error_xml(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{}</Code><Message>{}</Message></Error></ErrorResponse>",
        text::xml(code),
        text::xml(message)
    )
}

fn refused(code: &str, message: &str) -> S3Response<Body> {
    xml(StatusCode::BAD_REQUEST, error_xml(code, message))
}

fn xml(status: StatusCode, text: String) -> S3Response<Body> {
    let mut response = S3Response::with_status(Body::from(text), status);
    response.headers.insert("content-type", HeaderValue::from_static("text/xml"));
    response
}
