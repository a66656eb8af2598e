//! HeadObject.

use super::{ETag, Facts, Failure, Operation, Store, failure};
use crate::words::names::Key;

impl Store {
    /// What S3 knows of an object; none when it is not there.
    pub async fn head(&self, key: &Key) -> anyhow::Result<Option<Facts>> {
        self.optional(self.facts(key).await, Operation::HeadObject, key.as_str())
    }

    /// As [`Store::head`], for clients that may perhaps only write.
    pub async fn head_if_allowed(&self, key: &Key) -> anyhow::Result<Option<Facts>> {
        let facts = self.facts(key).await.map_err(Failure::missing_if_forbidden);
        self.optional(facts, Operation::HeadObject, key.as_str())
    }

    async fn facts(&self, key: &Key) -> Result<Facts, Failure> {
        self.attempts(Operation::HeadObject, key.as_str(), || async {
            let request =
                self.client.head_object().bucket(self.access.bucket.as_str()).key(key.as_str());
            let answer = request.send().await.map_err(failure::of)?;
            Ok(Facts {
                size: answer.content_length.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
                etag: ETag(answer.e_tag.unwrap_or_default()),
                metadata: answer.metadata.unwrap_or_default(),
                content_type: answer.content_type,
                cache_control: answer.cache_control,
                content_disposition: answer.content_disposition,
            })
        })
        .await
    }
}
