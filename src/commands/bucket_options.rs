//! Which bucket a command is about: options, or the environment.

use crate::input::access::{Access, Told};
use crate::input::common::Common;
use crate::machine::environment;
use crate::machine::report::Report;
use crate::s3::credentials;
use crate::s3::store::Store;
use crate::s3::transfer::Engine;
use crate::tracks::{Source, Track};
use crate::words::fault::{fault, hint_of};
use clap::Args;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The options of every command on a bucket.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "The bucket")]
pub(super) struct BucketOptions {
    /// The bucket; unset: PACKAGE_ASSETS_BUCKET, for releases AWS_S3_BUCKET
    #[arg(long)]
    pub(super) bucket: Option<String>,
    /// A folder that everything is in, as `prefix` in source
    #[arg(long, value_name = "FOLDER")]
    pub(super) prefix: Option<String>,
    #[command(flatten)]
    pub(super) reach: Reach,
    /// For a server that ignores conditional writes: one writer at a time
    #[arg(long)]
    pub(super) no_conditional_writes: bool,
}

/// How a bucket is reached, whatever names it: each command that reaches one takes these. They are
/// global, so that those of a group stand before its commands or after them.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Reach {
    /// The region; unset: AWS_REGION or AWS_DEFAULT_REGION, or what the AWS profile says
    #[arg(long, global = true)]
    pub(super) region: Option<String>,
    /// Another server than AWS; unset: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL
    #[arg(long, global = true, value_name = "URL")]
    pub(super) endpoint: Option<String>,
    /// The bucket in the path instead of in the host's name; unset: true where there is an endpoint
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) path_style: Option<bool>,
    /// The account that the bucket must belong to
    #[arg(long, global = true, value_name = "ID")]
    pub(super) expected_bucket_owner: Option<String>,
    /// Says who pays for requests where the bucket's owner does not: requester
    #[arg(long, global = true, value_name = "WHO")]
    pub(super) request_payer: Option<String>,
}

impl BucketOptions {
    /// A client for the bucket, with the credentials of the standard AWS chain. `variable`, of the
    /// environment, names the bucket where the options do not; `track` is what `source` says of it.
    pub(super) async fn open(
        &self,
        report: &Arc<Report>,
        variable: Option<&str>,
        track: Value,
    ) -> anyhow::Result<(Engine, Track)> {
        let source = self.parse(variable, track).await?;
        let store = Store::open(&source.settings.access, report.clone()).await;
        Ok((Engine::new(Arc::new(store)), source.track))
    }

    /// The valid `source` that says the same.
    pub(super) async fn parse(
        &self,
        variable: Option<&str>,
        track: Value,
    ) -> anyhow::Result<Source> {
        let profile = credentials::region_of_profile().await;
        let source = self.source(environment::variable, profile, variable, track)?;
        let mut source = Source::parse(&source).map_err(of_options)?;
        source.settings.access.told = Told::Options;
        Ok(source)
    }

    /// Whether an option names a bucket, or the environment does.
    pub(super) fn names_a_bucket(&self, variable: &str) -> bool {
        self.bucket.is_some() || environment::variable(variable).is_some()
    }

    /// A client for a bucket that an argument names, of which nothing else is known.
    pub(super) async fn store(&self, report: &Arc<Report>) -> anyhow::Result<Store> {
        let profile = credentials::region_of_profile().await;
        let source = self.source(environment::variable, profile, None, json!({}))?;
        let settings = Common::read(&source)?.settings().map_err(of_options)?;
        let access = Access { told: Told::Options, ..settings.access };
        Ok(Store::open(&access, report.clone()).await)
    }

    /// The `source` that says the same: what is valid there is valid here.
    fn source(
        &self,
        variable: impl Fn(&str) -> Option<String>,
        profile: Option<String>,
        bucket: Option<&str>,
        track: Value,
    ) -> anyhow::Result<Map<String, Value>> {
        let first = |given: &Option<String>, names: &[&str]| {
            given.clone().or_else(|| names.iter().find_map(|name| variable(name)))
        };
        let Some(name) = first(&self.bucket, bucket.as_slice()) else {
            let or = bucket.map(|name| format!(", or set {name} in the environment"));
            let hint = format!("add --bucket NAME{}", or.unwrap_or_default());
            return Err(fault("no bucket given", hint));
        };
        let endpoint = first(&self.reach.endpoint, &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]);
        let role = variable("AWS_ROLE");
        let is_on = |name: &str| variable(name).is_some_and(|it| it.eq_ignore_ascii_case("true"));
        // An access point has no path, whoever serves it.
        let path_style = endpoint.is_some() && !name.starts_with("arn:");
        let region = first(&self.reach.region, &["AWS_REGION", "AWS_DEFAULT_REGION"]).or(profile);
        let source = json!({
            "bucket": name,
            "prefix": self.prefix,
            "region_name": region,
            "use_fips_endpoint": is_on("AWS_USE_FIPS_ENDPOINT"),
            "use_dualstack_endpoint": is_on("AWS_USE_DUALSTACK_ENDPOINT"),
            "expected_bucket_owner": self.reach.expected_bucket_owner,
            "request_payer": self.reach.request_payer,
            // The AWS tools put the bucket in the path as soon as an endpoint is named.
            "use_path_style": self.reach.path_style.unwrap_or(path_style),
            "endpoint": endpoint,
            "enable_aws_creds_provider": true,
            "aws_role_session_name": role.as_ref().map(|_| "s3-asset-manager"),
            "aws_role_arn": role,
            "conditional_writes": !self.no_conditional_writes,
        });
        let both = [source, track].into_iter().filter_map(|value| match value {
            Value::Object(map) => Some(map),
            _ => None,
        });
        Ok(both.flatten().collect())
    }
}

/// What is wrong with a `source` that was made of options, in their words.
fn of_options(error: anyhow::Error) -> anyhow::Error {
    match Told::of_option(&format!("{error:#}")) {
        Some(what) => fault(what, Told::Options.said(hint_of(&error).unwrap_or_default())),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::access::Identity;

    const BUCKET: &str = "PACKAGE_ASSETS_BUCKET";

    fn source(place: &BucketOptions, variables: &[(&str, &str)]) -> anyhow::Result<Source> {
        with_profile(place, variables, None)
    }

    fn with_profile(
        place: &BucketOptions,
        variables: &[(&str, &str)],
        profile: Option<&str>,
    ) -> anyhow::Result<Source> {
        let get = |name: &str| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        };
        Source::parse(&place.source(
            get,
            profile.map(str::to_owned),
            Some(BUCKET),
            json!({"artifacts": {}}),
        )?)
    }

    #[test]
    fn the_environment_says_what_the_options_do_not() {
        let variables = [
            (BUCKET, "assets"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_DEFAULT_REGION", "eu-west-2"),
            ("AWS_ENDPOINT_URL_S3", "http://s3:9000"),
            ("AWS_ENDPOINT_URL", "http://all:9000"),
            ("AWS_ROLE", "arn:aws:iam::1:role/r"),
        ];
        let all = source(&BucketOptions::default(), &variables).expect("a source");
        assert_eq!(all.settings.access.bucket.as_str(), "assets");
        assert_eq!(all.settings.access.region, "eu-west-1");
        assert_eq!(all.settings.access.endpoint.as_deref(), Some("http://s3:9000"));
        assert!(all.settings.access.path_style && all.settings.access.conditional_writes);
        assert_eq!(all.settings.access.identity, Identity::Chain);
        assert_eq!(all.settings.access.role.expect("a role").session_name, "s3-asset-manager");
        let options = BucketOptions {
            bucket: Some("other".into()),
            prefix: Some("team".into()),
            reach: Reach {
                region: Some("us-west-2".into()),
                path_style: Some(false),
                ..Reach::default()
            },
            no_conditional_writes: true,
        };
        let own = source(&options, &variables).expect("a source");
        assert_eq!(own.settings.access.bucket.as_str(), "other");
        assert_eq!(own.settings.access.region, "us-west-2");
        assert!(!own.settings.access.path_style && !own.settings.access.conditional_writes);
        assert_eq!(own.settings.prefix.as_str(), "team/");
        let least =
            source(&BucketOptions::default(), &[(BUCKET, "b"), ("AWS_DEFAULT_REGION", "x-1")]);
        let least = least.expect("a source").settings.access;
        assert_eq!((least.region.as_str(), least.endpoint, least.role), ("x-1", None, None));
        assert!(!least.path_style && least.identity == Identity::Chain);
    }

    #[test]
    fn the_tools_own_settings_are_asked_last() {
        let bucket = (BUCKET, "b");
        let access = |variables: &[(&str, &str)], profile| {
            let source = with_profile(&BucketOptions::default(), variables, profile);
            source.expect("a source").settings.access
        };
        assert_eq!(access(&[bucket], Some("eu-north-1")).region, "eu-north-1");
        let both = [bucket, ("AWS_DEFAULT_REGION", "x-1")];
        assert_eq!(access(&both, Some("eu-north-1")).region, "x-1");
        let modes = [("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_USE_DUALSTACK_ENDPOINT", "False")];
        let modes = access(&[bucket, modes[0], modes[1]], None).servers;
        assert!(modes.fips && !modes.dualstack);
        let arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/p";
        let point = access(&[(BUCKET, arn), ("AWS_ENDPOINT_URL", "http://s3:9000")], None);
        assert_eq!((point.region.as_str(), point.path_style), ("eu-west-1", false));
        let told = BucketOptions {
            reach: Reach {
                expected_bucket_owner: Some("111122223333".into()),
                request_payer: Some("requester".into()),
                ..Reach::default()
            },
            ..BucketOptions::default()
        };
        let said = source(&told, &[bucket]).expect("a source").settings.access.said;
        assert_eq!((said.owner.as_deref(), said.requester_pays), (Some("111122223333"), true));
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        let none = source(&BucketOptions::default(), &[]).expect_err("no bucket");
        assert_eq!(none.to_string(), "no bucket given");
        let url = BucketOptions { bucket: Some("s3://b".into()), ..BucketOptions::default() };
        let error = of_options(source(&url, &[]).expect_err("a URL"));
        assert_eq!(error.to_string(), "--bucket: `s3://b` is no bucket name");
        assert!(hint_of(&error).is_some_and(|it| it.contains("use `--prefix` for a folder")));
    }
}
