//! One page of a listing, for listings that are too long to be kept.

use super::evidence::NoPages;
use super::list::decoded;
use super::{Failure, Listed, Operation, Store, failure};
use crate::words::names::shown;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::EncodingType;

/// A page of a listing.
#[derive(Debug, Default)]
pub struct Page {
    /// The objects.
    pub objects: Vec<Listed>,
    /// The folders, each of which ends in `/`; only where they were asked for.
    pub folders: Vec<String>,
    /// What asks for the next page; none at the end.
    pub next: Option<String>,
}

impl Store {
    /// A page of the keys under a prefix: the first, or the one after `token`. With `folders`, keys
    /// that have a `/` after the prefix are listed as their folders only.
    pub async fn page(
        &self,
        prefix: &str,
        folders: bool,
        token: Option<&str>,
    ) -> anyhow::Result<Page> {
        let page = self
            .attempts(Operation::ListObjectsV2, prefix, || async {
                let request = self.client.list_objects_v2().bucket(self.access.bucket.as_str());
                let request = request
                    .prefix(prefix)
                    .encoding_type(EncodingType::Url)
                    .set_delimiter(folders.then(|| "/".to_owned()))
                    .set_continuation_token(token.map(str::to_owned));
                let request = request.customize().interceptor(NoPages);
                request.send().await.map_err(failure::of)
            })
            .await
            .and_then(|page| read(page, prefix, token));
        page.map_err(|e| self.explain(e, Operation::ListObjectsV2, prefix))
    }
}

fn read(page: ListObjectsV2Output, prefix: &str, token: Option<&str>) -> Result<Page, Failure> {
    let encoded = page.encoding_type == Some(EncodingType::Url);
    let next = match (page.is_truncated, page.next_continuation_token) {
        (Some(true), Some(next)) if next.is_empty() || Some(next.as_str()) == token => {
            return Err(Failure::listing("the listing goes on where it was before"));
        }
        (Some(true), None) => {
            let why = "the listing is cut off, and does not say where it goes on";
            return Err(Failure::listing(why));
        }
        (Some(true), next) => next,
        _ => None,
    };
    let mut objects = Vec::new();
    for object in page.contents.unwrap_or_default() {
        objects.push(Listed {
            key: name(&object.key.unwrap_or_default(), encoded, prefix)?,
            size: object.size.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
            modified: object.last_modified.map_or(0, |time| time.secs()),
        });
    }
    let below = page.common_prefixes.unwrap_or_default().into_iter();
    let folders = below
        .map(|it| name(&it.prefix.unwrap_or_default(), encoded, prefix))
        .collect::<Result<_, _>>()?;
    Ok(Page { objects, folders, next })
}

/// A name of a listing that must begin so: encoded as in a URL where the answer says that it is.
pub(super) fn name(listed: &str, encoded: bool, prefix: &str) -> Result<String, Failure> {
    let name = if encoded { decoded(listed) } else { listed.to_owned() };
    if name.is_empty() || !name.starts_with(prefix) {
        return Err(Failure::listing(format!(
            "the listing has the key `{}`, which does not start with `{}`",
            shown(&name),
            shown(prefix)
        )));
    }
    Ok(name)
}
