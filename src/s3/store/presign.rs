//! URLs that let whoever holds them read one object for a while.

use super::{Operation, Store, failure, said};
use crate::input::access::Identity;
use crate::words::fault::fault;
use crate::words::names::Key;
use crate::words::secret::Secret;
use aws_sdk_s3::presigning::PresigningConfig;
use std::time::Duration;

impl Store {
    /// A URL that reads an object, or one version of it, for some time; nothing is sent. It is a
    /// secret, which the report never shows.
    pub async fn presigned(
        &self,
        key: &Key,
        version: Option<&str>,
        lasts: Duration,
    ) -> anyhow::Result<Secret> {
        if self.access.identity == Identity::Anonymous {
            return Err(fault(
                "source.private: nobody is there to sign the URL of the object",
                "give credentials, or take `private` away: the bucket is public",
            ));
        }
        let request = self.client.get_object().bucket(self.access.bucket.as_str());
        let request = request.key(key.as_str()).set_version_id(version.map(str::to_owned));
        let lasts = PresigningConfig::expires_in(lasts)?;
        let request = request.customize().mutate_request(said::into_url);
        let signed = request.presigned(lasts).await.map_err(failure::of);
        let signed = signed.map_err(|e| self.explain(e, Operation::GetObject, key.as_str()))?;
        let url = Secret::new(signed.uri());
        self.report.hide(&url);
        Ok(url)
    }
}
