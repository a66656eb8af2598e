//! A bucket, by its name or by an access point.
//!
//! Invariant: what is neither a bare name nor the ARN of an access point of S3 is refused, and told apart.

use super::shown;
use crate::words::fault::fault;

/// A bucket's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket(String);
text_type!(Bucket);

impl Bucket {
    /// `s3://bucket/key`.
    pub fn uri(&self, key: &str) -> String {
        format!("s3://{self}/{key}")
    }

    /// The access point that it is, where its name is an ARN.
    pub fn access_point(&self) -> Option<AccessPoint<'_>> {
        AccessPoint::parse(&self.0)
    }

    /// Accepts what any S3 server may call a bucket, and the ARN of an access point; refuses what cannot
    /// be one (a URL, a path).
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        if text.starts_with("arn:") {
            return Bucket::arn(text);
        }
        let hint =
            "`bucket` is the bucket's bare name: no `s3://`, no path; use `prefix` for a folder";
        let bad = |c: char| {
            !c.is_ascii_graphic() || matches!(c, '/' | ':' | '?' | '#' | '%' | '@' | '\\')
        };
        if text.is_empty() {
            return Err(fault("bucket: the name is empty", hint));
        }
        if text.contains(bad) || text.len() > 255 {
            return Err(fault(format!("bucket: `{}` is no bucket name", shown(text)), hint));
        }
        Ok(Bucket(text.to_owned()))
    }

    fn arn(text: &str) -> anyhow::Result<Self> {
        let (service, rest) = text
            .strip_prefix("arn:")
            .and_then(|rest| rest.split_once(':'))
            .and_then(|(_, rest)| rest.split_once(':'))
            .unwrap_or_default();
        let (why, hint) = match service {
            _ if AccessPoint::parse(text).is_some() => return Ok(Bucket(text.to_owned())),
            "s3" if rest.starts_with("::") => {
                ("it is the ARN of a bucket", "give the bucket's bare name")
            }
            "s3" if rest.starts_with(':') => (
                "it is the ARN of a multi-region access point, whose signatures this release lacks",
                "name the access point of one region, or the bucket",
            ),
            "s3-outposts" | "s3-object-lambda" => (
                "access points of Outposts and Object Lambda have not all that is needed of a bucket",
                "name an access point of S3 itself, or the bucket",
            ),
            _ => (
                "it is no ARN of an access point",
                "for example arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point",
            ),
        };
        Err(fault(format!("bucket: `{}`: {why}", shown(text)), hint))
    }
}

/// An access point: another door to a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessPoint<'a> {
    /// Where it is.
    pub region: &'a str,
    /// Whose it is.
    pub account: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl<'a> AccessPoint<'a> {
    /// Reads `arn:PARTITION:s3:REGION:ACCOUNT:accesspoint/NAME`; AWS takes `:` before the name as well.
    fn parse(arn: &'a str) -> Option<AccessPoint<'a>> {
        let is_word = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let mut fields = arn.splitn(6, ':');
        let mut next = || fields.next();
        let ("arn", partition, "s3", region, account, resource) =
            (next()?, next()?, next()?, next()?, next()?, next()?)
        else {
            return None;
        };
        let name = resource.strip_prefix("accesspoint")?.strip_prefix(['/', ':'])?;
        let is_whole = [partition, region, account, name].into_iter().all(is_word);
        is_whole.then_some(AccessPoint { region, account, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_have_bare_names() {
        for bad in ["", "s3://b", "a/b", "a b", "a\n", "é", "a?b", "a@b"] {
            assert!(Bucket::parse(bad).is_err(), "{bad}");
        }
        assert!(Bucket::parse("my_bucket.1").is_ok());
    }
}
