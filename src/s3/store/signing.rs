//! What a request is signed with.

use aws_runtime::auth::PayloadSigningOverride;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};

/// Signs a request with the hash of its body that is known already.
#[derive(Debug, Clone)]
pub(super) struct PrecomputedPayload(pub(super) String);

impl Intercept for PrecomputedPayload {
    fn name(&self) -> &'static str {
        "PrecomputedPayload"
    }

    fn modify_before_signing(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), aws_sdk_s3::error::BoxError> {
        config.interceptor_state().store_put(PayloadSigningOverride::Precomputed(self.0.clone()));
        Ok(())
    }
}
