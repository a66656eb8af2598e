//! Who signs: the key of `source`, a role, or the standard AWS chain.
//!
//! Everything but a plain key is asked for when the first request is signed, and again before it
//! expires (the SDK's identity cache), so that a put longer than a session goes on.

use crate::input::access::{Access, Identity, Role, Sent, sendable};
use crate::machine::report::Report;
use crate::words::secret::Secret;
use aws_config::meta::region::ProvideRegion as _;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_s3::config::{Region, SharedHttpClient};
use std::sync::Arc;

/// The provider of an access's credentials; none: requests go unsigned.
pub async fn provider(
    access: &Access,
    http: &SharedHttpClient,
    report: &Arc<Report>,
) -> Option<SharedCredentialsProvider> {
    let base = match &access.identity {
        Identity::Anonymous => return None,
        Identity::Token(token) => {
            let role = access.role.clone()?;
            let federated = federated(role, token.clone(), access, http).await;
            return Some(checked(federated, report));
        }
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
            checked(SharedCredentialsProvider::new(chain), report)
        }
    };
    match &access.role {
        None => Some(base),
        Some(role) => Some(checked(assumed(role, access, http, base).await, report)),
    }
}

/// What the chain or a role gave, refused where it cannot be sent, and hidden from what people see.
#[derive(Debug)]
struct Checked {
    inner: SharedCredentialsProvider,
    report: Arc<Report>,
}

fn checked(inner: SharedCredentialsProvider, report: &Arc<Report>) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Checked { inner, report: report.clone() })
}

impl ProvideCredentials for Checked {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let found = self.inner.provide_credentials().await?;
            self.report.hide(&Secret::new(found.secret_access_key()));
            found.session_token().into_iter().for_each(|it| self.report.hide(&Secret::new(it)));
            let parts = [
                ("the access key id", Some(found.access_key_id()), Sent::Word),
                ("the secret access key", Some(found.secret_access_key()), Sent::Secret),
                ("the session token", found.session_token(), Sent::Word),
            ];
            for (name, text, kind) in parts {
                let Some(text) = text else { continue };
                let name = format!("{name} of the environment, a profile or a service");
                sendable(&name, text, kind).map_err(CredentialsError::invalid_configuration)?;
            }
            Ok(found)
        })
    }
}

/// The region of the AWS profile that the environment names, or of the default one.
pub async fn region_of_profile() -> Option<String> {
    let profile = aws_config::profile::region::ProfileFileRegionProvider::builder().build();
    let region = profile.region().await?;
    Some(region.as_ref().to_owned())
}

/// How STS is reached. The loader reads AWS_ENDPOINT_URL_STS and the profile, where somebody set a
/// private STS.
fn of_sts(access: &Access, http: &SharedHttpClient) -> aws_config::ConfigLoader {
    let loader = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .http_client(http.clone())
        .region(Region::new(access.region.clone()));
    if access.servers.fips { loader.use_fips(true) } else { loader }
}

/// A role whose trust policy takes a token: nothing else signs the request for it.
#[derive(Debug)]
struct Federated {
    sts: aws_sdk_sts::Client,
    role: Role,
    token: Secret,
}

async fn federated(
    role: Role,
    token: Secret,
    access: &Access,
    http: &SharedHttpClient,
) -> SharedCredentialsProvider {
    let config = of_sts(access, http).no_credentials().load().await;
    let sts = aws_sdk_sts::Client::new(&config);
    SharedCredentialsProvider::new(Federated { sts, role, token })
}

impl ProvideCredentials for Federated {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let request = self.sts.assume_role_with_web_identity().role_arn(&self.role.arn);
            let request = request.role_session_name(&self.role.session_name);
            let answer = request.web_identity_token(self.token.expose()).send().await;
            let answer = answer.map_err(|e| {
                let told = anyhow::Error::new(e).context("aws_web_identity_token of source");
                CredentialsError::provider_error(told)
            })?;
            let given = answer.credentials.ok_or_else(|| {
                CredentialsError::invalid_configuration("STS answered without credentials")
            })?;
            let mut found = Credentials::builder()
                .access_key_id(given.access_key_id)
                .secret_access_key(given.secret_access_key)
                .session_token(given.session_token)
                .provider_name("web identity");
            found.set_expiry(std::time::SystemTime::try_from(given.expiration).ok());
            Ok(found.build())
        })
    }
}

async fn assumed(
    role: &Role,
    access: &Access,
    http: &SharedHttpClient,
    base: SharedCredentialsProvider,
) -> SharedCredentialsProvider {
    let config = of_sts(access, http).credentials_provider(base).load().await;
    let mut builder = AssumeRoleProvider::builder(role.arn.as_str())
        .session_name(role.session_name.as_str())
        .configure(&config);
    if let Some(id) = &role.external_id {
        builder = builder.external_id(id.as_str());
    }
    SharedCredentialsProvider::new(builder.build().await)
}
