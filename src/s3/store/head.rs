//! HeadObject.

use super::{ETag, Facts, Failure, Kind, Operation, Store, failure};
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
            let answer = match request.send().await.map_err(failure::of) {
                Ok(answer) => answer,
                Err(failure) if failure.is_not_s3() => return Err(self.doubt(key, failure).await),
                Err(failure) => return Err(failure),
            };
            let page = answer.content_type().is_some_and(|media| media.starts_with("text/html"));
            let Some(etag) = ETag::of(answer.e_tag) else {
                return Err(if page { Failure::not_s3() } else { Failure::no_result("an ETag") });
            };
            Ok(Facts {
                size: answer.content_length.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
                etag,
                metadata: answer.metadata.unwrap_or_default(),
                content_type: answer.content_type,
                cache_control: answer.cache_control,
                content_disposition: answer.content_disposition,
            })
        })
        .await
    }

    /// What a HEAD says that nothing proves to be of S3: there is no body with S3's code in it. A GET
    /// of the same key has one.
    pub(super) async fn doubt(&self, key: &Key, failure: Failure) -> Failure {
        let request =
            self.client.get_object().bucket(self.access.bucket.as_str()).key(key.as_str());
        match request.send().await.map_err(failure::of) {
            // It came between the two, or HEAD and GET do not agree.
            Ok(_) => Failure::transient("HEAD and GET say different things of it"),
            Err(told) if told.kind == Kind::Missing => told,
            Err(told) if told.kind == Kind::Transient => told,
            Err(_) => failure,
        }
    }
}
