//! CopyObject.

use super::evidence::{NoPages, proven};
use super::headers::{metadata, tagging};
use super::{Facts, Operation, Store, failure};
use crate::words::names::Key;
use crate::words::object::ObjectOptions;
use aws_sdk_s3::types::{MetadataDirective, TaggingDirective};

impl Store {
    /// Copies an object inside the bucket, by parts where it is large. An
    /// error when the source's tag is another than `etag`. Tags that the options do not name are the
    /// source's.
    pub async fn copy(
        &self,
        from: &Key,
        facts: &Facts,
        to: &Key,
        options: &ObjectOptions,
    ) -> anyhow::Result<()> {
        self.copy_with(from, facts, to, options, TaggingDirective::Copy).await
    }

    /// As [`Store::copy`], with nothing of the source but its bytes.
    pub async fn copy_as_new(
        &self,
        from: &Key,
        facts: &Facts,
        to: &Key,
        options: &ObjectOptions,
    ) -> anyhow::Result<()> {
        self.copy_with(from, facts, to, options, TaggingDirective::Replace).await
    }

    async fn copy_with(
        &self,
        from: &Key,
        facts: &Facts,
        to: &Key,
        options: &ObjectOptions,
        otherwise: TaggingDirective,
    ) -> anyhow::Result<()> {
        if facts.size > self.limits.copy
            && self.access.multipart
            && self.copy_parts(from, facts, to, options).await?
        {
            return Ok(());
        }
        self.attempts(Operation::CopyObject, to.as_str(), || async {
            let mut request = self
                .client
                .copy_object()
                .bucket(self.access.bucket.as_str())
                .key(to.as_str())
                .copy_source(self.copy_source(from))
                .copy_source_if_match(&facts.etag.0)
                .metadata_directive(MetadataDirective::Replace)
                .set_acl(options.acl.as_deref().map(Into::into))
                .set_content_type(options.content_type.clone())
                .set_cache_control(options.cache_control.clone())
                .set_content_disposition(options.content_disposition.clone())
                .set_storage_class(options.storage_class.as_deref().map(Into::into))
                .set_metadata(metadata(options));
            if let Some(tagging) = tagging(options) {
                request = request.tagging(tagging).tagging_directive(TaggingDirective::Replace);
            } else if otherwise == TaggingDirective::Replace {
                request = request.tagging_directive(TaggingDirective::Replace);
            }
            if let Some(encryption) = &self.access.encryption {
                request = request
                    .server_side_encryption(encryption.algorithm.as_str().into())
                    .set_ssekms_key_id(encryption.kms_key_id.clone());
            }
            let request = request.customize().interceptor(NoPages);
            let answer = request.send().await.map_err(failure::of)?;
            proven(answer.copy_object_result.and_then(|result| result.e_tag))
        })
        .await
        .map_err(|e| self.explain(e, Operation::CopyObject, to.as_str()))
    }
}
