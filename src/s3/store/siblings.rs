//! Several buckets of one account, and what only a ledger of packages asks of a bucket: deleting,
//! reading as far as that is allowed, making a bucket.

use super::{Condition, ETag, Facts, Failure, Fetched, Kind, Store, failure};
use crate::input::access::Access;
use crate::words::names::{Bucket, Key};

impl Store {
    /// Another bucket, reached in the same way. It shares this one's list of unfinished uploads,
    /// so that whoever gives up the uploads of the one gives up those of the other.
    pub fn sibling(&self, bucket: &Bucket) -> Store {
        let access = Access { bucket: bucket.clone(), ..self.access.clone() };
        Store { access, ..self.clone() }
    }

    /// As [`Store::get`], for clients that may perhaps only write: none as well when reading is
    /// forbidden.
    pub async fn get_if_allowed(&self, key: &Key) -> anyhow::Result<Option<Fetched>> {
        let fetched = self.fetch(key).await.map_err(forbidden_is_missing);
        self.optional(fetched, "GetObject", key.as_str())
    }

    /// As [`Store::head`], for clients that may perhaps only write.
    pub async fn head_if_allowed(&self, key: &Key) -> anyhow::Result<Option<Facts>> {
        let facts = self.facts(key).await.map_err(forbidden_is_missing);
        self.optional(facts, "HeadObject", key.as_str())
    }

    /// Deletes an object; one that is not there is no error.
    pub async fn delete(&self, key: &Key) -> anyhow::Result<()> {
        self.attempts("DeleteObject", key.as_str(), || async {
            let request = self.client.delete_object().bucket(self.access.bucket.as_str());
            match request.key(key.as_str()).send().await.map_err(failure::of) {
                Err(e) if e.kind == Kind::Missing => Ok(()),
                other => other.map(drop),
            }
        })
        .await
        .map_err(|e| self.explain(e, "DeleteObject", key.as_str()))
    }

    /// Makes the bucket; false when it is there already.
    pub async fn create_bucket(&self) -> anyhow::Result<bool> {
        use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
        // us-east-1 is the one region that must not be named.
        let place = (self.access.region != "us-east-1").then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(self.access.region.as_str()))
                .build()
        });
        let made = self
            .attempts("CreateBucket", "", || async {
                let request = self.client.create_bucket().bucket(self.access.bucket.as_str());
                let request = request.set_create_bucket_configuration(place.clone());
                request.send().await.map(drop).map_err(failure::of)
            })
            .await;
        match made {
            Ok(()) => Ok(true),
            Err(e) if e.is_own_bucket() => Ok(false),
            Err(e) => Err(self.explain(e, "CreateBucket", "")),
        }
    }
}

/// Without the right to list, S3 says so of what is not there, too.
fn forbidden_is_missing(mut failure: Failure) -> Failure {
    if failure.is_forbidden() {
        failure.kind = Kind::Missing;
    }
    failure
}

impl Condition {
    /// That what was read stands as it was read: nothing, or an object with this tag.
    pub fn still(etag: Option<&ETag>) -> Condition {
        etag.map_or(Condition::Absent, |etag| Condition::Unchanged(etag.clone()))
    }
}
