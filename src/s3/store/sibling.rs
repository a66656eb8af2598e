//! Several buckets of one account: reaching another, and making one.

use super::evidence::NoPages;
use super::{Operation, Store, failure};
use crate::input::access::Access;
use crate::words::names::Bucket;

impl Store {
    /// Another bucket, reached in the same way. It shares this one's list of unfinished uploads,
    /// so that whoever gives up the uploads of the one gives up those of the other.
    pub fn sibling(&self, bucket: &Bucket) -> Store {
        let access = Access { bucket: bucket.clone(), ..self.access.clone() };
        Store { access, ..self.clone() }
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
            .attempts(Operation::CreateBucket, "", || async {
                let request = self.client.create_bucket().bucket(self.access.bucket.as_str());
                let request = request.set_create_bucket_configuration(place.clone());
                request.customize().interceptor(NoPages).send().await.map(drop).map_err(failure::of)
            })
            .await;
        match made {
            Ok(()) => Ok(true),
            Err(e) if e.is_own_bucket() => Ok(false),
            Err(e) => Err(self.explain(e, Operation::CreateBucket, "")),
        }
    }
}
