//! Tags, the one thing about a stored object that changes.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Service;
use super::write::real_version;

impl Service {
    pub(super) async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        let input = request.input;
        let state = self.state();
        let object = state.find(&input.bucket, &input.key, input.version_id.as_deref())?;
        let tag = |(key, value): (&String, &String)| Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        };
        Ok(S3Response::new(GetObjectTaggingOutput {
            tag_set: object.tags.iter().map(tag).collect(),
            version_id: real_version(object),
        }))
    }

    pub(super) async fn put_object_tagging(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> S3Result<S3Response<PutObjectTaggingOutput>> {
        let input = request.input;
        if input.tagging.tag_set.len() > 10 {
            return Err(s3_error!(InvalidTag, "Object tags cannot be greater than 10"));
        }
        let pair = |tag: Tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
        let tags = input.tagging.tag_set.into_iter().map(pair).collect();
        let version = input.version_id.as_deref();
        let version_id = self.state().change(&input.bucket, &input.key, version, |object| {
            object.tags = tags;
            real_version(object)
        })?;
        Ok(S3Response::new(PutObjectTaggingOutput { version_id }))
    }

    pub(super) async fn delete_object_tagging(
        &self,
        request: S3Request<DeleteObjectTaggingInput>,
    ) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
        let input = request.input;
        let version = input.version_id.as_deref();
        let version_id = self.state().change(&input.bucket, &input.key, version, |object| {
            object.tags.clear();
            real_version(object)
        })?;
        Ok(S3Response::new(DeleteObjectTaggingOutput { version_id }))
    }
}
