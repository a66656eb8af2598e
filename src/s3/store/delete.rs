//! DeleteObject.

use super::evidence::NoPages;
use super::{Kind, Operation, Store, failure};
use crate::words::names::Key;

impl Store {
    /// Deletes an object; one that is not there is no error.
    pub async fn delete(&self, key: &Key) -> anyhow::Result<()> {
        self.attempts(Operation::DeleteObject, key.as_str(), || async {
            let request = self.client.delete_object().bucket(self.access.bucket.as_str());
            let request = request.key(key.as_str()).customize().interceptor(NoPages);
            match request.send().await.map_err(failure::of) {
                Err(e) if e.kind == Kind::Missing => Ok(()),
                other => other.map(drop),
            }
        })
        .await
        .map_err(|e| self.explain(e, Operation::DeleteObject, key.as_str()))
    }
}
