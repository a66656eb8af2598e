//! Writes of whole objects: put, copy, delete.

use std::sync::Arc;

use http::HeaderMap;
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::{Service, attributes};
use crate::digest::{self, Algorithm, Wanted};
use crate::object::Object;
use crate::store::NewObject;
use crate::text;

impl Service {
    pub(super) async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let S3Request { input, headers, trailing_headers, .. } = request;
        self.state().bucket(&input.bucket)?;
        let also = asked_algorithm(&headers);
        let received = self.receive(input.body, &headers, trailing_headers, also).await?;
        let mut attributes = attributes::from_headers(&headers, input.metadata);
        if self.options().forget_folder_metadata && input.key.ends_with('/') {
            attributes.metadata.clear();
        }
        if self.options().hyphens_for_underscores {
            let renamed = |(name, value): (String, String)| (name.replace('_', "-"), value);
            attributes.metadata =
                std::mem::take(&mut attributes.metadata).into_iter().map(renamed).collect();
        }
        let answer_headers = attributes::encryption_headers(&attributes);
        let etag = received.etag.clone();
        let checksums = received.checksums.clone();
        let new = NewObject {
            content: received.content,
            etag: received.etag,
            attributes,
            tags: attributes::tags_from_headers(&headers),
            checksums: received.checksums,
            part_sizes: Vec::new(),
        };
        let conditions = self.conditions(&headers);
        let version_id = self.state().put(&input.bucket, &input.key, new, &conditions)?;
        let output = PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            version_id,
            checksum_crc32: checksums.crc32,
            checksum_crc32c: checksums.crc32c,
            checksum_crc64nvme: checksums.crc64nvme,
            checksum_sha1: checksums.sha1,
            checksum_sha256: checksums.sha256,
            checksum_type: checksums.kind.map(ChecksumType::from),
            ..Default::default()
        };
        Ok(S3Response::with_headers(output, answer_headers))
    }

    pub(super) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let S3Request { input, headers, .. } = request;
        let source = self.copy_source(&input.copy_source, &headers)?;
        let replace = |directive: Option<&str>| directive == Some("REPLACE");
        let replaces_attributes =
            replace(input.metadata_directive.as_ref().map(MetadataDirective::as_str));
        let replaces_tags = replace(input.tagging_directive.as_ref().map(TaggingDirective::as_str));
        let given = attributes::from_headers(&headers, input.metadata);
        let to_itself = is_source(&input.copy_source, &input.bucket, &input.key);
        if to_itself && !replaces_attributes && given.storage_class.is_none() && given.sse.is_none()
        {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing it."
            ));
        }

        // A copy is one object whatever its source was made of, so what was computed over parts is
        // computed anew.
        let in_parts = !source.part_sizes.is_empty();
        let kept = source.checksums.iter().map(|(algorithm, _)| algorithm);
        let asked = text::header(&headers, "x-amz-checksum-algorithm").and_then(Algorithm::parse);
        let algorithms: Vec<Algorithm> = asked.map_or_else(|| kept.collect(), |asked| vec![asked]);
        let wanted = Wanted {
            md5: in_parts && !self.options().fast_etags,
            algorithms: if in_parts || asked.is_some() { algorithms } else { Vec::new() },
        };
        let checksums_change = !wanted.algorithms.is_empty();
        let digests = digest::compute(source.content.chunks(), wanted).await?;
        let etag = match in_parts {
            true => self.etag(digests.md5, source.size()),
            false => source.etag.clone(),
        };
        let mut attributes = source.attributes.clone();
        if replaces_attributes {
            attributes = given;
        } else {
            // These are never taken from the source.
            attributes.acl = given.acl;
            attributes.storage_class = given.storage_class;
            attributes.sse = given.sse;
            attributes.sse_kms_key_id = given.sse_kms_key_id;
            attributes.sse_bucket_key = given.sse_bucket_key;
            attributes.sse_customer_algorithm = given.sse_customer_algorithm;
            attributes.sse_customer_key_md5 = given.sse_customer_key_md5;
        }
        let answer_headers = attributes::encryption_headers(&attributes);
        let checksums = if checksums_change { digests.checksums } else { source.checksums.clone() };
        let new = NewObject {
            content: source.content.clone(),
            etag,
            attributes,
            tags: match replaces_tags {
                true => attributes::tags_from_headers(&headers),
                false => source.tags.clone(),
            },
            checksums,
            part_sizes: Vec::new(),
        };
        let conditions = self.conditions(&headers);
        let mut state = self.state();
        let version_id = state.put(&input.bucket, &input.key, new, &conditions)?;
        let stored = state.find(&input.bucket, &input.key, version_id.as_deref())?;
        let checksums = stored.checksums.clone();
        let result = CopyObjectResult {
            e_tag: Some(ETag::Strong(stored.etag.clone())),
            last_modified: Some(text::whole_seconds(stored.last_modified)),
            checksum_crc32: checksums.crc32,
            checksum_crc32c: checksums.crc32c,
            checksum_crc64nvme: checksums.crc64nvme,
            checksum_sha1: checksums.sha1,
            checksum_sha256: checksums.sha256,
            checksum_type: checksums.kind.map(ChecksumType::from),
        };
        let output = CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id: real_version(&source),
            version_id,
            ..Default::default()
        };
        Ok(S3Response::with_headers(output, answer_headers))
    }

    /// The object that a copy reads. The bytes and the conditions on them belong together, because
    /// an object once stored does not change.
    pub(super) fn copy_source(
        &self,
        source: &CopySource,
        headers: &HeaderMap,
    ) -> S3Result<Arc<Object>> {
        let (bucket, key, version_id) = match source {
            CopySource::Bucket { bucket, key, version_id } => (bucket, key, version_id),
            // An access point here bears the name of its bucket.
            CopySource::AccessPoint { access_point_name, key, version_id, .. } => {
                (access_point_name, key, version_id)
            }
            CopySource::Outpost { .. } => {
                return Err(s3_error!(NotImplemented, "Only buckets can be copied from."));
            }
        };
        self.shared.denies.check("GetObject", Some(key))?;
        let object = Arc::clone(self.state().find(bucket, key, version_id.as_deref())?);
        self.source_conditions(headers).allow_source(&object)?;
        Ok(object)
    }

    pub(super) async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        let conditions = self.conditions(&request.headers);
        let version = input.version_id.as_deref();
        let deleted = self.state().delete(&input.bucket, &input.key, version, &conditions)?;
        Ok(S3Response::new(DeleteObjectOutput {
            delete_marker: deleted.marker.then_some(true),
            version_id: deleted.version_id,
            ..Default::default()
        }))
    }

    pub(super) async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = request.input;
        if input.delete.objects.len() > 1000 {
            return Err(s3_error!(MalformedXML, "At most 1000 keys can be deleted at once."));
        }
        let quiet = input.delete.quiet == Some(true);
        let mut deleted = Vec::new();
        let mut errors = Vec::new();
        let mut state = self.state();
        state.bucket(&input.bucket)?;
        for object in input.delete.objects {
            let mut conditions = crate::condition::Conditions::default();
            if let Some(etag) = object.e_tag.as_ref().filter(|_| !self.options().ignore_conditions)
            {
                conditions = crate::condition::Conditions::matching(etag.value());
            }
            let version = object.version_id.as_deref();
            let result = self
                .shared
                .denies
                .check("DeleteObject", Some(&object.key))
                .and_then(|()| state.delete(&input.bucket, &object.key, version, &conditions));
            match result {
                Ok(_) if quiet => {}
                Ok(done) => deleted.push(DeletedObject {
                    key: Some(object.key),
                    delete_marker: done.marker.then_some(true),
                    delete_marker_version_id: done.version_id.filter(|_| done.marker),
                    version_id: object.version_id,
                }),
                Err(error) => errors.push(not_deleted(&error, object)),
            }
        }
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(deleted),
            errors: Some(errors),
            ..Default::default()
        }))
    }
}

/// The algorithm whose checksum the server is to add by itself.
pub(super) fn asked_algorithm(headers: &HeaderMap) -> Option<Algorithm> {
    text::header(headers, "x-amz-sdk-checksum-algorithm").and_then(Algorithm::parse)
}

/// The version to report: none where there are none.
pub(super) fn real_version(object: &Object) -> Option<String> {
    Some(object.version_id.clone()).filter(|id| id != crate::store::NULL_VERSION)
}

fn is_source(source: &CopySource, to_bucket: &str, to_key: &str) -> bool {
    matches!(source, CopySource::Bucket { bucket, key, version_id: None }
        if **bucket == *to_bucket && **key == *to_key)
}

fn not_deleted(error: &S3Error, object: ObjectIdentifier) -> Error {
    let code: &S3ErrorCode = error.code();
    Error {
        code: Some(code.as_str().to_owned()),
        key: Some(object.key),
        message: error.message().map(str::to_owned),
        version_id: object.version_id,
    }
}
