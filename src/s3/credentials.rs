//! Who signs: the key of `source`, a role, or the standard AWS chain.
//!
//! Everything but a plain key is asked for when the first request is signed, and again before it
//! expires (the SDK's identity cache), so that a put longer than a session goes on.

use crate::input::access::{Access, Identity, Role};
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::{Region, SharedHttpClient};

/// The provider of an access's credentials; none: requests go unsigned.
pub async fn provider(
    access: &Access,
    http: &SharedHttpClient,
) -> Option<SharedCredentialsProvider> {
    let base = match &access.identity {
        Identity::Anonymous => return None,
        Identity::Key { id, secret, token } => SharedCredentialsProvider::new(Credentials::new(
            id,
            secret.expose(),
            token.as_ref().map(|token| token.expose().to_owned()),
            None,
            "source",
        )),
        Identity::Chain => {
            let config = aws_config::provider_config::ProviderConfig::default()
                .with_http_client(http.clone())
                .with_region(Some(Region::new(access.region.clone())));
            let chain =
                aws_config::default_provider::credentials::DefaultCredentialsChain::builder()
                    .region(Region::new(access.region.clone()))
                    .configure(config)
                    .build()
                    .await;
            SharedCredentialsProvider::new(chain)
        }
    };
    match &access.role {
        None => Some(base),
        Some(role) => Some(assumed(role, access, http, base).await),
    }
}

async fn assumed(
    role: &Role,
    access: &Access,
    http: &SharedHttpClient,
    base: SharedCredentialsProvider,
) -> SharedCredentialsProvider {
    // The loader reads AWS_ENDPOINT_URL_STS and the profile, where somebody set a private STS.
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .http_client(http.clone())
        .region(Region::new(access.region.clone()))
        .credentials_provider(base)
        .load()
        .await;
    let mut builder = AssumeRoleProvider::builder(role.arn.as_str())
        .session_name(role.session_name.as_str())
        .configure(&config);
    if let Some(id) = &role.external_id {
        builder = builder.external_id(id.as_str());
    }
    SharedCredentialsProvider::new(builder.build().await)
}
