//! ListObjectsV2 with a delimiter: the folders of a folder, without what lies in them.

use super::evidence::NoPages;
use super::list::{Progress, decoded, next_page};
use super::{Failure, Operation, Store, failure};
use crate::words::names::shown;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::EncodingType;
use std::collections::BTreeSet;

impl Store {
    /// The names of the folders directly below a prefix that ends in `/`: a page of the listing holds a
    /// thousand, whatever lies in them.
    pub async fn folders(&self, prefix: &str) -> anyhow::Result<BTreeSet<String>> {
        let explain = |failure| self.explain(failure, Operation::ListObjectsV2, prefix);
        let (mut all, mut progress) = (BTreeSet::new(), Progress::default());
        loop {
            let token = &progress.token;
            let page = self
                .attempts(Operation::ListObjectsV2, prefix, || async {
                    let request = self.client.list_objects_v2();
                    let request = request
                        .bucket(self.access.bucket.as_str())
                        .prefix(prefix)
                        .delimiter("/")
                        .encoding_type(EncodingType::Url)
                        .set_continuation_token(token.clone());
                    let request = request.customize().interceptor(NoPages);
                    request.send().await.map_err(failure::of)
                })
                .await
                .map_err(explain)?;
            let next = next_page(&page, &progress).map_err(explain)?;
            let first = page.contents().first().and_then(|object| object.key()).map(str::to_owned);
            let names = names(&page, prefix).map_err(explain)?;
            let Some(token) = next else {
                all.extend(names);
                return Ok(all);
            };
            let before = all.len();
            let is_empty = names.is_empty();
            all.extend(names);
            if first.is_none() && !is_empty && all.len() == before {
                return Err(explain(Failure::listing(
                    "the listing comes with the same page again",
                )));
            }
            progress = Progress { token: Some(token), first };
        }
    }
}

/// The names of a page's folders. A server that ignores the delimiter lists what lies in them.
fn names(page: &ListObjectsV2Output, prefix: &str) -> Result<BTreeSet<String>, Failure> {
    let encoded = page.encoding_type == Some(EncodingType::Url);
    let folders = page.common_prefixes().iter().map(|folder| folder.prefix());
    let objects = page.contents().iter().map(|object| object.key());
    let mut names = BTreeSet::new();
    for listed in folders.chain(objects) {
        let listed = listed.unwrap_or_default();
        let key = if encoded { decoded(listed) } else { listed.to_owned() };
        let Some(below) = key.strip_prefix(prefix) else {
            return Err(Failure::listing(format!(
                "the listing has the key `{}`, which does not start with `{}`",
                shown(&key),
                shown(prefix)
            )));
        };
        names.extend(below.split_once('/').map(|(name, _)| name.to_owned()));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::types::{CommonPrefix, Object};

    #[test]
    fn names_of_folders() {
        let page = |folders: &[&str], keys: &[&str], encoded: bool| {
            let folder = |it: &&str| CommonPrefix::builder().prefix(*it).build();
            let object = |it: &&str| Object::builder().key(*it).build();
            let page = ListObjectsV2Output::builder()
                .set_common_prefixes(Some(folders.iter().map(folder).collect()))
                .set_contents(Some(keys.iter().map(object).collect()))
                .set_encoding_type(encoded.then_some(EncodingType::Url))
                .build();
            names(&page, "a/").map(|names| Vec::from_iter(names).join(" "))
        };
        let good = |folders: &[&str], keys: &[&str], encoded| {
            page(folders, keys, encoded).expect("a page")
        };
        assert_eq!(good(&["a/1.1/", "a/2.1/"], &["a/", "a/file"], true), "1.1 2.1");
        assert_eq!(good(&["a/x%2By+z/"], &[], true), "x+y z");
        assert_eq!(good(&["a/x%2By+z/"], &[], false), "x%2By+z");
        assert_eq!(good(&[], &["a/1.1/", "a/1.1/f", "a/2.1/x/y", "a/f"], true), "1.1 2.1");
        for key in ["b/1.1/", "a%2F1/"] {
            assert!(page(&[key], &[], false).is_err(), "{key}");
        }
    }
}
