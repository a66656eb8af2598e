//! The client of a bucket.

use super::clock::Clock;
use super::said::Saying;
use super::{Limits, Store};
use crate::input::access::{Access, Identity};
use crate::machine::report::Report;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedCredentialsProvider, SharedHttpClient, StalledStreamProtectionConfig,
};
use std::sync::Arc;

impl Store {
    /// A client for a source; asks nothing of the network yet.
    pub async fn open(access: &Access, report: Arc<Report>) -> Store {
        match &access.identity {
            Identity::Key { secret, token, .. } => {
                report.hide(secret);
                token.iter().for_each(|token| report.hide(token));
            }
            Identity::Token(token) => report.hide(token),
            Identity::Anonymous | Identity::Chain => {}
        }
        let clock = Clock::default();
        let http = crate::s3::http::client(&access.trust);
        let signer = crate::s3::credentials::provider(access, &http, &report).await;
        Store {
            client: client(access, http, signer.clone(), clock.clone()),
            signer,
            access: access.clone(),
            conditional: access.conditional_writes,
            limits: Limits::new(access.endpoint.as_deref()),
            report,
            clock,
            uploads: Arc::default(),
            bare_tags: Arc::default(),
            buffers: Arc::default(),
        }
    }
}

fn client(
    access: &Access,
    http: SharedHttpClient,
    signer: Option<SharedCredentialsProvider>,
    clock: Clock,
) -> Client {
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(access.region.clone()))
        .force_path_style(access.path_style)
        .interceptor(clock)
        .interceptor(Saying(access.said.clone()))
        .use_fips(access.servers.fips)
        .use_dual_stack(access.servers.dualstack)
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // Checksums travel in headers made beforehand: trailers need a chunked encoding that many
        // servers refuse, or keep as the object's own.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    config.set_endpoint_url(access.endpoint.clone());
    config = match signer {
        Some(provider) => config.credentials_provider(provider),
        None => config.allow_no_auth(),
    };
    Client::from_conf(config.http_client(http).build())
}
