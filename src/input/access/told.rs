//! In whose words an error speaks: a pipeline has the keys of `source`, whoever runs `s3-asset` has options
//! and the environment.

/// Where somebody said how the bucket is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Told {
    /// In a pipeline's `source`.
    #[default]
    Source,
    /// By options of `s3-asset`, and the environment.
    Options,
}

/// What is said of a key of `source`, and of the option or variable that says the same. What has no
/// option is not in it.
const WORDS: [(&str, &str); 20] = [
    (
        "`aws_role_arn`, its trust policy, and `aws_role_external_id`",
        "`AWS_ROLE` and its trust policy",
    ),
    ("`source` and `params`", "the options"),
    ("`bucket` is the bucket's bare name", "it is the bucket's bare name"),
    ("use `prefix` for a folder", "use `--prefix` for a folder"),
    ("`bucket`", "`--bucket`"),
    ("`prefix`", "`--prefix`"),
    ("`region_name`", "`--region`"),
    ("`region_name: ", "`--region "),
    ("`endpoint`", "`--endpoint`"),
    ("`disable_ssl`, ", ""),
    (", or set `disable_ssl: true`", ""),
    ("`use_path_style`", "`--path-style`"),
    ("`expected_bucket_owner`", "`--expected-bucket-owner`"),
    ("`conditional_writes: false`", "`--no-conditional-writes`"),
    ("`access_key_id`", "`AWS_ACCESS_KEY_ID`"),
    ("`secret_access_key`", "`AWS_SECRET_ACCESS_KEY`"),
    ("`session_token`", "`AWS_SESSION_TOKEN`"),
    ("`use_fips_endpoint`", "`AWS_USE_FIPS_ENDPOINT`"),
    ("`use_dualstack_endpoint`", "`AWS_USE_DUALSTACK_ENDPOINT`"),
    ("access_key_id and secret_access_key", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
];

/// How an error names a key of `source`, and the option.
const PLACES: [(&str, &str); 11] = [
    ("source: bucket", "--bucket"),
    ("source.bucket", "--bucket"),
    ("source.prefix", "--prefix"),
    ("source.region_name", "--region"),
    ("source.endpoint", "--endpoint"),
    ("source.use_path_style", "--path-style"),
    ("source.expected_bucket_owner", "--expected-bucket-owner"),
    ("source.request_payer", "--request-payer"),
    ("source.aws_role_arn", "AWS_ROLE"),
    ("source.package.ledger", "--ledger"),
    ("source.package.store", "--store"),
];

impl Told {
    /// A hint, in the words of whoever reads it.
    pub fn said(self, hint: &str) -> String {
        match self {
            Told::Source => hint.to_owned(),
            Told::Options => {
                WORDS.iter().fold(hint.to_owned(), |text, (key, option)| text.replace(key, option))
            }
        }
    }

    /// What is wrong with a key of `source`, said of the option that gave it; none where no option did.
    pub fn of_option(what: &str) -> Option<String> {
        let named = |(key, option): &(&str, &str)| {
            let rest = what.strip_prefix(key)?;
            rest.starts_with(':').then(|| format!("{option}{rest}"))
        };
        PLACES.iter().find_map(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_has_the_words_of_whoever_reads_it() {
        for (source, options) in [
            (
                "check `bucket`, `region_name` and `endpoint`",
                "check `--bucket`, `--region` and `--endpoint`",
            ),
            ("set `region_name: eu-west-2`", "set `--region eu-west-2`"),
            ("check `endpoint`, `disable_ssl`, the network", "check `--endpoint`, the network"),
            (
                "the server does not know `access_key_id`",
                "the server does not know `AWS_ACCESS_KEY_ID`",
            ),
            (
                "or `conditional_writes: false` (one writer)",
                "or `--no-conditional-writes` (one writer)",
            ),
            ("what has no option: `acl`", "what has no option: `acl`"),
        ] {
            assert_eq!(Told::Source.said(source), source);
            assert_eq!(Told::Options.said(source), options);
        }
    }

    #[test]
    fn an_error_names_the_option() {
        for (what, want) in [
            ("source.region_name: not sent", Some("--region: not sent")),
            (
                "source: bucket: `s3://x` is no bucket name",
                Some("--bucket: `s3://x` is no bucket name"),
            ),
            ("source.package.ledger: `x` is not in S3", Some("--ledger: `x` is not in S3")),
            ("source.promotion.rank: invalid rank", None),
            ("source.prefixes: x", None),
        ] {
            assert_eq!(Told::of_option(what).as_deref(), want, "{what}");
        }
    }
}
