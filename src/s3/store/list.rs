//! ListObjectsV2: every object under a prefix, or only those after some key.

use super::evidence::NoPages;
use super::{Failure, Operation, Store, failure};
use crate::words::names::shown;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::EncodingType;

/// An object in a listing.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// When it was last written, seconds since 1970.
    pub modified: i64,
}

/// How far a listing has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Where the next page begins.
    pub(super) token: Option<String>,
    /// The first key of the last page.
    pub(super) first: Option<String>,
}

impl Store {
    /// Every object whose key starts with a prefix, sorted by key whatever order the server has.
    pub async fn list(&self, prefix: &str) -> anyhow::Result<Vec<Listed>> {
        self.list_after(prefix, None).await
    }

    /// As [`Store::list`], of those whose keys come after one: the others cost no request. Only
    /// for keys that every server orders alike: digits after the same folder.
    pub async fn list_after(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> anyhow::Result<Vec<Listed>> {
        let explain = |failure| self.explain(failure, Operation::ListObjectsV2, prefix);
        let (mut all, mut progress) = (Vec::new(), Progress::default());
        loop {
            let token = &progress.token;
            let page = self
                .attempts(Operation::ListObjectsV2, prefix, || async {
                    let request = self.client.list_objects_v2();
                    let request = request
                        .bucket(self.access.bucket.as_str())
                        .prefix(prefix)
                        .encoding_type(EncodingType::Url)
                        .set_start_after(after.map(str::to_owned))
                        .set_continuation_token(token.clone());
                    let request = request.customize().interceptor(NoPages);
                    request.send().await.map_err(failure::of)
                })
                .await
                .map_err(explain)?;
            let next = next_page(&page, &progress);
            let objects = objects(page, prefix).map_err(explain)?;
            let first = objects.first().map(|object| object.key.clone());
            all.extend(objects);
            match next.map_err(explain)? {
                None => break,
                Some(token) => progress = Progress { token: Some(token), first },
            }
        }
        all.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(all)
    }
}

/// Where a listing goes on after a page; none at its end.
pub(super) fn next_page(
    page: &ListObjectsV2Output,
    last: &Progress,
) -> Result<Option<String>, Failure> {
    let first = page.contents().first().and_then(|object| object.key());
    if first.is_some() && first == last.first.as_deref() {
        return Err(Failure::listing("the listing comes with the same page again"));
    }
    if page.is_truncated != Some(true) {
        return Ok(None);
    }
    match page.next_continuation_token.as_deref().filter(|token| !token.is_empty()) {
        None => Err(Failure::listing("the listing is cut off, and does not say where it goes on")),
        token if token == last.token.as_deref() => {
            Err(Failure::listing("the listing goes on where it was before"))
        }
        token => Ok(token.map(str::to_owned)),
    }
}

/// The objects of a page. A key that does not start with what was asked for is another key than it
/// seems, or somebody else's: nothing may be decided on it.
fn objects(page: ListObjectsV2Output, prefix: &str) -> Result<Vec<Listed>, Failure> {
    // Asked to encode keys, so that any key survives XML, a server says whether it did.
    let encoded = page.encoding_type == Some(EncodingType::Url);
    let mut objects = Vec::new();
    for object in page.contents.unwrap_or_default() {
        let key = object.key.unwrap_or_default();
        let key = if encoded { decoded(&key) } else { key };
        if key.is_empty() || !key.starts_with(prefix) {
            return Err(Failure::listing(format!(
                "the listing has the key `{}`, which does not start with `{}`",
                shown(&key),
                shown(prefix)
            )));
        }
        objects.push(Listed {
            key,
            size: object.size.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
            modified: object.last_modified.map_or(0, |time| time.secs()),
        });
    }
    Ok(objects)
}

/// A key of a listing that is encoded as in the query of a URL.
pub(super) fn decoded(key: &str) -> String {
    percent_encoding::percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::types::Object;

    fn page(
        keys: &[&str],
    ) -> aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2OutputBuilder {
        let objects = keys.iter().map(|key| Object::builder().key(*key).build()).collect();
        ListObjectsV2Output::builder().set_contents(Some(objects))
    }

    #[test]
    fn keys_are_decoded_as_the_answer_says() {
        let cases = [("a%2Bb", "a+b"), ("a+b", "a b"), ("a%C3%A9%25", "aé%"), ("a/b", "a/b")];
        for (listed, key) in cases {
            let encoded = page(&[listed]).encoding_type(EncodingType::Url).build();
            assert_eq!(objects(encoded, "a").expect("a page")[0].key, key);
            assert_eq!(objects(page(&[listed]).build(), "a").expect("a page")[0].key, listed);
        }
    }

    #[test]
    fn keys_outside_of_the_prefix_are_an_error() {
        for key in ["b/1", "", "a", "a%2F1"] {
            assert!(objects(page(&["a/1", key]).build(), "a/").is_err(), "{key}");
        }
        assert!(objects(page(&["a/1", "a/2"]).build(), "a/").is_ok());
    }

    #[test]
    fn a_listing_ends_goes_on_or_is_refused() {
        let last = Progress { token: Some("t1".into()), first: Some("a".into()) };
        let cut = |keys: &[&str]| page(keys).is_truncated(true);
        let next = |page: &ListObjectsV2Output| next_page(page, &last);
        assert_eq!(next(&page(&["b"]).build()).expect("an end"), None);
        let on = cut(&["b"]).next_continuation_token("t2").build();
        assert_eq!(next(&on).expect("more").as_deref(), Some("t2"));
        // A page may be empty, and an end may have a token.
        assert!(next(&cut(&[]).next_continuation_token("t2").build()).is_ok());
        assert_eq!(next(&page(&[]).next_continuation_token("t2").build()).expect("an end"), None);
        for bad in [
            cut(&["b"]).build(),
            cut(&["b"]).next_continuation_token("").build(),
            cut(&["b"]).next_continuation_token("t1").build(),
            cut(&["a"]).next_continuation_token("t2").build(),
            page(&["a"]).build(),
        ] {
            assert!(next(&bad).is_err(), "{bad:?}");
        }
    }
}
