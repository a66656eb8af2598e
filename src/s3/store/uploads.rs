//! ListMultipartUploads, and the end of uploads that others left.

use super::evidence::NoPages;
use super::list::name;
use super::{Failure, Kind, Operation, Store, failure};
use crate::words::names::Key;
use aws_sdk_s3::operation::list_multipart_uploads::ListMultipartUploadsOutput;
use aws_sdk_s3::types::EncodingType;

/// Uploads that are not complete: key, id, and when they began, in seconds since 1970.
type Uploads = Vec<(String, String, i64)>;

impl Store {
    /// The uploads in parts under a prefix that are not complete. A server that cannot list them has
    /// none to speak of.
    pub async fn uploads(&self, prefix: &str) -> anyhow::Result<Uploads> {
        let mut all = Vec::new();
        let mut mark: Option<(String, Option<String>)> = None;
        loop {
            let page = self
                .attempts(Operation::ListMultipartUploads, prefix, || async {
                    let (key, id) = mark.clone().map_or((None, None), |(key, id)| (Some(key), id));
                    let request =
                        self.client.list_multipart_uploads().bucket(self.access.bucket.as_str());
                    let request = request.prefix(prefix).encoding_type(EncodingType::Url);
                    let request = request.set_key_marker(key).set_upload_id_marker(id);
                    let request = request.customize().interceptor(NoPages);
                    request.send().await.map_err(failure::of)
                })
                .await;
            let page = match page {
                Err(e) if e.is_unknown_here() => return Ok(all),
                other => other.and_then(|page| read(page, prefix)),
            };
            let (uploads, next) =
                page.map_err(|e| self.explain(e, Operation::ListMultipartUploads, prefix))?;
            all.extend(uploads);
            match next {
                Some(next) if Some(&next) != mark.as_ref() => mark = Some(next),
                _ => return Ok(all),
            }
        }
    }

    /// Gives up an upload that somebody left; one that is not there is no error.
    pub async fn abort_left(&self, key: &Key, id: &str) -> anyhow::Result<()> {
        self.attempts(Operation::AbortMultipartUpload, key.as_str(), || async {
            let request = self.client.abort_multipart_upload().bucket(self.access.bucket.as_str());
            let request = request.key(key.as_str()).upload_id(id);
            match request.customize().interceptor(NoPages).send().await.map_err(failure::of) {
                Err(e) if e.kind == Kind::Missing || e.is_no_such_upload() => Ok(()),
                other => other.map(drop),
            }
        })
        .await
        .map_err(|e| self.explain(e, Operation::AbortMultipartUpload, key.as_str()))
    }
}

type Page = (Uploads, Option<(String, Option<String>)>);

fn read(page: ListMultipartUploadsOutput, prefix: &str) -> Result<Page, Failure> {
    let encoded = page.encoding_type == Some(EncodingType::Url);
    let mut uploads = Vec::new();
    for upload in page.uploads.unwrap_or_default() {
        let key = name(&upload.key.unwrap_or_default(), encoded, prefix)?;
        let begun = upload.initiated.map_or(i64::MAX, |time| time.secs());
        uploads.push((key, upload.upload_id.unwrap_or_default(), begun));
    }
    let next = match page.next_key_marker.filter(|_| page.is_truncated == Some(true)) {
        None => None,
        Some(key) => Some((name(&key, encoded, prefix)?, page.next_upload_id_marker)),
    };
    Ok((uploads, next))
}
