//! AssumeRole, which is no S3 operation but comes to the same port: `POST /` with a form.
//!
//! The protocol crate checks its signature like any other; here a role turns into credentials that
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
    /// The access key that asked.
    pub asked_by: String,
}

/// The route.
pub(crate) struct Sts(pub(crate) Arc<Shared>);

#[async_trait::async_trait]
impl S3Route for Sts {
    fn is_match(&self, method: &Method, uri: &Uri, _: &HeaderMap, _: &mut Extensions) -> bool {
        method == Method::POST && uri.path() == "/"
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
        if field("Action").as_deref() != Some("AssumeRole") {
            return Ok(refused("InvalidAction", "Only AssumeRole is known here."));
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
        let answer = answer(&role_arn, &session_name, &access_key, &secret, number, expires);
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
        });
        self.0.accounts.add(access_key, Temporary { secret, expires });
        Ok(xml(StatusCode::OK, answer))
    }
}

fn answer(
    role: &str,
    session: &str,
    key: &str,
    secret: &str,
    number: u64,
    expires: SystemTime,
) -> String {
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
         <SessionToken>session-token-{number}</SessionToken><Expiration>{}</Expiration></Credentials>\
         <AssumedRoleUser><AssumedRoleId>AROATEST:{session}</AssumedRoleId><Arn>{}/{session}</Arn></AssumedRoleUser>\
         </AssumeRoleResult><ResponseMetadata><RequestId>{number}</RequestId></ResponseMetadata></AssumeRoleResponse>",
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
