//! Listings: every object under a prefix, or only those after some key.

use super::{Operation, Store, failure};

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
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = self
                .attempts(Operation::ListObjectsV2, prefix, || async {
                    let request = self
                        .client
                        .list_objects_v2()
                        .bucket(self.access.bucket.as_str())
                        .prefix(prefix);
                    request
                        .encoding_type(aws_sdk_s3::types::EncodingType::Url)
                        .set_start_after(after.map(str::to_owned))
                        .set_continuation_token(token.clone())
                        .send()
                        .await
                        .map_err(failure::of)
                })
                .await
                .map_err(|e| self.explain(e, Operation::ListObjectsV2, prefix))?;
            for object in page.contents.unwrap_or_default() {
                all.push(Listed {
                    key: decoded(&object.key.unwrap_or_default()),
                    size: object.size.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
                    modified: object.last_modified.map_or(0, |time| time.secs()),
                });
            }
            token = page.next_continuation_token;
            if token.is_none() || page.is_truncated != Some(true) {
                break;
            }
        }
        all.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(all)
    }
}

/// S3 percent-encodes the keys of a listing when asked to, so that any key survives XML.
fn decoded(key: &str) -> String {
    percent_encoding::percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn keys_of_listings_are_decoded() {
        for (listed, key) in [("a%2Bb", "a+b"), ("a+b", "a b"), ("%C3%A9%25", "é%"), ("a/b", "a/b")]
        {
            assert_eq!(decoded(listed), key);
        }
    }
}
