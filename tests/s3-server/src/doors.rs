//! Access points: a host's name that begins with `NAME-ACCOUNT.` leads to the bucket of that name.

use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// What a host's name says of the bucket.
pub(crate) struct Doors;

impl S3Host for Doors {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        Ok(match point(host) {
            Some((bucket, domain)) => VirtualHost::new(domain).with_bucket(bucket),
            None => VirtualHost::new(host),
        })
    }
}

/// The bucket behind an access point's host, and the rest of the host's name.
pub(crate) fn point(host: &str) -> Option<(&str, &str)> {
    let (first, domain) = host.split_once('.')?;
    let (name, account) = first.rsplit_once('-')?;
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    is_account.then_some((name, domain))
}
