//! What every request says of its bucket: whose it must be, and who pays.
//!
//! Invariant: the client itself adds it, so that no operation can be without it; not even one that is
//! written later.

use crate::input::access::Said;
use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

const OWNER: &str = "x-amz-expected-bucket-owner";
const OWNER_OF_SOURCE: &str = "x-amz-source-expected-bucket-owner";
const PAYER: &str = "x-amz-request-payer";

/// Adds the headers to every request of a client.
#[derive(Debug, Clone)]
pub(super) struct Saying(pub(super) Said);

impl Intercept for Saying {
    fn name(&self) -> &'static str {
        "Saying"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        if let Some(owner) = &self.0.owner {
            headers.try_insert(OWNER, owner.clone())?;
            if headers.contains_key("x-amz-copy-source") {
                headers.try_insert(OWNER_OF_SOURCE, owner.clone())?;
            }
        }
        if self.0.requester_pays {
            headers.try_insert(PAYER, "requester")?;
        }
        Ok(())
    }
}

/// Moves them from the headers of a request into its URL, for whoever holds nothing but that.
pub(super) fn into_url(request: &mut HttpRequest) {
    for name in [OWNER, PAYER] {
        let Some(value) = request.headers_mut().remove(name) else { continue };
        let uri = request.uri();
        let and = if uri.contains('?') { '&' } else { '?' };
        // Digits, or a word: nothing to encode but what another server calls an owner.
        let value = percent_encoding::utf8_percent_encode(&value, super::headers::UNRESERVED);
        let uri = format!("{uri}{and}{name}={value}");
        // What was an address is one with such a pair behind it.
        let _ = request.set_uri(uri);
    }
}
