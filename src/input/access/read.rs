//! The common keys of `source`, read: what contradicts itself, or cannot be sent, is refused.

use super::checksum::checksum;
use super::{Access, Encryption, Identity, Role, Said, Sent, Servers, Told, Trust, sendable};
use crate::input::common::Common;
use crate::input::lenient::Text;
use crate::words::fault::fault;
use crate::words::names::{Bucket, shown};
use crate::words::secret::Secret;

pub(in crate::input) fn access(common: &Common) -> anyhow::Result<Access> {
    let owned = |text: &Text| text.get().map(str::to_owned);
    for (name, text, kind) in [
        ("access_key_id", &common.access_key_id, Sent::Word),
        ("secret_access_key", &common.secret_access_key, Sent::Secret),
        ("session_token", &common.session_token, Sent::Word),
        ("region_name", &common.region_name, Sent::HostPart),
        ("aws_role_arn", &common.aws_role_arn, Sent::Word),
        ("aws_web_identity_token", &common.aws_web_identity_token, Sent::Word),
        ("expected_bucket_owner", &common.expected_bucket_owner, Sent::Word),
        ("aws_role_external_id", &common.aws_role_external_id, Sent::Word),
        ("aws_role_session_name", &common.aws_role_session_name, Sent::Word),
        ("server_side_encryption", &common.server_side_encryption, Sent::Word),
        ("sse_kms_key_id", &common.sse_kms_key_id, Sent::Word),
    ] {
        if let Some(text) = text.get() {
            sendable(&format!("source.{name}"), text, kind)?;
        }
    }
    let Some(bucket) = common.bucket.get() else {
        return Err(fault("source.bucket: missing", "name the bucket"));
    };
    let key = match (common.access_key_id.get(), common.secret_access_key.get()) {
        (Some(id), Some(secret)) => Some(Identity::Key {
            id: id.to_owned(),
            secret: Secret::new(secret),
            token: common.session_token.get().map(Secret::new),
        }),
        (None, None) if common.session_token.get().is_some() => {
            return Err(fault(
                "source.session_token: given without access_key_id and secret_access_key",
                "a session token belongs to the key that it was issued with",
            ));
        }
        (None, None) => None,
        (Some(_), None) => {
            return Err(fault(
                "source.secret_access_key: missing",
                "access_key_id is given: give both, or neither",
            ));
        }
        (None, Some(_)) => {
            return Err(fault(
                "source.access_key_id: missing",
                "secret_access_key is given: give both, or neither",
            ));
        }
    };
    let role = common.aws_role_arn.get().map(|arn| Role {
        arn: arn.to_owned(),
        external_id: owned(&common.aws_role_external_id),
        session_name: common.aws_role_session_name.or("s3-asset-resource"),
    });
    let key = match (key, common.aws_web_identity_token.get()) {
        (key, None) => key,
        (Some(_), Some(_)) => {
            return Err(fault(
                "source.aws_web_identity_token: given beside access_key_id",
                "give the token and `aws_role_arn`, or the key",
            ));
        }
        (None, Some(_)) if role.is_none() => {
            return Err(fault(
                "source.aws_web_identity_token: given without aws_role_arn",
                "name the role whose trust policy takes the token",
            ));
        }
        (None, Some(_)) if common.aws_role_external_id.get().is_some() => {
            return Err(fault(
                "source.aws_role_external_id: given beside aws_web_identity_token",
                "remove it: whoever comes with a token is asked for no external id",
            ));
        }
        (None, Some(token)) => Some(Identity::Token(Secret::new(token))),
    };
    let identity = match key {
        Some(key) => key,
        None if role.is_some() || common.enable_aws_creds_provider.is_on() => Identity::Chain,
        None => Identity::Anonymous,
    };
    let trust = match (common.skip_ssl_verification.is_on(), common.ca_bundle.get()) {
        (true, Some(_)) => {
            return Err(fault(
                "source: please do not use ca_bundle when skip_ssl_verification is set",
                "remove one of the two",
            ));
        }
        (true, None) => Trust::Anything,
        (false, Some(pem)) => Trust::Bundle(pem.to_owned()),
        (false, None) => Trust::System,
    };
    if common.sse_kms_key_id.get().is_some() && common.server_side_encryption.get().is_none() {
        return Err(fault(
            "source.sse_kms_key_id: given without server_side_encryption",
            "add `server_side_encryption: aws:kms`",
        ));
    }
    let bucket = Bucket::parse(bucket).map_err(|e| e.context("source"))?;
    let point = bucket.access_point();
    if point.is_some() && common.use_path_style.is_on() {
        return Err(fault(
            "source.use_path_style: an access point has no path",
            "remove it, or name the bucket instead of the ARN",
        ));
    }
    Ok(Access {
        region: common.region_name.or(point.map_or("us-east-1", |point| point.region)),
        bucket,
        endpoint: common
            .endpoint
            .get()
            .map(|e| endpoint(e, common.disable_ssl.is_on()))
            .transpose()?,
        path_style: common.use_path_style.is_on(),
        servers: servers(common)?,
        said: said(common)?,
        identity,
        role,
        trust,
        checksum: checksum(common)?,
        encryption: common.server_side_encryption.get().map(|algorithm| Encryption {
            algorithm: algorithm.to_owned(),
            kms_key_id: owned(&common.sse_kms_key_id),
        }),
        multipart: !common.disable_multipart.is_on(),
        conditional_writes: common.conditional_writes.or(true),
        told: Told::Source,
    })
}

/// AWS's own servers, which another server has no like of.
fn servers(common: &Common) -> anyhow::Result<Servers> {
    for (key, flag) in [
        ("use_fips_endpoint", &common.use_fips_endpoint),
        ("use_dualstack_endpoint", &common.use_dualstack_endpoint),
    ] {
        if flag.is_on() && common.endpoint.get().is_some() {
            return Err(fault(
                format!(
                    "source.{key}: it chooses among the servers of AWS, and `endpoint` names another"
                ),
                "remove one of the two",
            ));
        }
    }
    Ok(Servers {
        fips: common.use_fips_endpoint.is_on(),
        dualstack: common.use_dualstack_endpoint.is_on(),
    })
}

fn said(common: &Common) -> anyhow::Result<Said> {
    let owner = common.expected_bucket_owner.get();
    let is_account = |id: &str| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit());
    if let Some(owner) = owner
        && common.endpoint.get().is_none()
        && !is_account(owner)
    {
        return Err(fault(
            format!("source.expected_bucket_owner: `{}` is no account of AWS", shown(owner)),
            "give its 12 digits, in quotes: YAML takes a zero at the beginning away",
        ));
    }
    let requester_pays = match common.request_payer.get() {
        None => false,
        Some("requester") => true,
        Some(other) => {
            return Err(fault(
                format!("source.request_payer: `{}` is nobody who can pay", shown(other)),
                "write `requester`, or remove it",
            ));
        }
    };
    Ok(Said { owner: owner.map(str::to_owned), requester_pays })
}

/// `host[:port]` gets a scheme; a URL keeps its own. `disable_ssl` decides only where the user
/// wrote none, as in s3-resource.
fn endpoint(text: &str, disable_ssl: bool) -> anyhow::Result<String> {
    let hint = "give a host, with a port where it is not the usual one, for example https://minio.example.com:9000";
    let url = match text.split_once("://") {
        None if disable_ssl => format!("http://{text}"),
        None => format!("https://{text}"),
        Some(("http" | "https", _)) => text.to_owned(),
        Some((scheme, _)) => {
            return Err(fault(
                format!("source.endpoint: `{}` is no scheme of S3", shown(scheme)),
                hint,
            ));
        }
    };
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    if rest.contains('@') {
        // Not shown: what stands before the `@` may be a password.
        return Err(fault(
            "source.endpoint: credentials in the URL",
            "use access_key_id and secret_access_key",
        ));
    }
    if !rest.is_ascii() {
        return Err(fault(
            format!("source.endpoint: `{}` is not all ASCII", shown(text)),
            "write the name as DNS has it: `xn--...`",
        ));
    }
    let host = rest.split('/').next().unwrap_or("");
    if host.is_empty()
        || rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '?' || c == '#')
    {
        return Err(fault(format!("source.endpoint: `{}` is no address", shown(text)), hint));
    }
    Ok(url.trim_end_matches('/').to_owned())
}
