//! Uploads in parts.

use std::collections::BTreeMap;
use std::time::SystemTime;

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::list::{Encoding, owner};
use super::{Service, attributes};
use crate::condition::Conditions;
use crate::digest::{self, Algorithm, Checksums, Wanted};
use crate::object::Content;
use crate::store::NewObject;
use crate::text;
use crate::uploads::{NamedPart, Part as Received, Upload};

impl Service {
    pub(super) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let S3Request { input, headers, .. } = request;
        let algorithm =
            text::header(&headers, "x-amz-checksum-algorithm").and_then(Algorithm::parse);
        let kind = text::header(&headers, "x-amz-checksum-type");
        let full_object = match (algorithm, kind) {
            (Some(Algorithm::Crc64Nvme), Some("COMPOSITE"))
            | (Some(Algorithm::Sha1 | Algorithm::Sha256), Some("FULL_OBJECT")) => {
                return Err(s3_error!(
                    InvalidRequest,
                    "The checksum type cannot be used with this checksum algorithm."
                ));
            }
            (Some(Algorithm::Crc64Nvme), _) => true,
            (_, kind) => kind == Some("FULL_OBJECT"),
        };
        let attributes = attributes::from_headers(&headers, input.metadata);
        let answer_headers = attributes::encryption_headers(&attributes);
        let upload = Upload {
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            initiated: SystemTime::now(),
            attributes,
            tags: attributes::tags_from_headers(&headers),
            algorithm,
            full_object,
            parts: BTreeMap::new(),
        };
        let mut state = self.state();
        state.bucket(&input.bucket)?;
        let number = state.next();
        let upload_id = state.uploads.insert(number, upload);
        let output = CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload_id),
            checksum_algorithm: algorithm
                .map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
            checksum_type: algorithm.map(|_| checksum_type(full_object)),
            ..Default::default()
        };
        Ok(S3Response::with_headers(output, answer_headers))
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let S3Request { input, headers, trailing_headers, .. } = request;
        check_part_number(input.part_number)?;
        let algorithm = self.algorithm_of(&input.bucket, &input.key, &input.upload_id)?;
        let received = self.receive(input.body, &headers, trailing_headers, algorithm).await?;
        let part = Received {
            content: received.content,
            etag: received.etag.clone(),
            checksums: received.checksums.clone(),
            modified: SystemTime::now(),
        };
        let mut state = self.state();
        let upload = state.uploads.get_mut(&input.bucket, &input.key, &input.upload_id)?;
        upload.parts.insert(input.part_number, part);
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(ETag::Strong(received.etag)),
            checksum_crc32: received.checksums.crc32,
            checksum_crc32c: received.checksums.crc32c,
            checksum_crc64nvme: received.checksums.crc64nvme,
            checksum_sha1: received.checksums.sha1,
            checksum_sha256: received.checksums.sha256,
            ..Default::default()
        }))
    }

    pub(super) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let S3Request { input, headers, .. } = request;
        check_part_number(input.part_number)?;
        let algorithm = self.algorithm_of(&input.bucket, &input.key, &input.upload_id)?;
        let source = self.copy_source(&input.copy_source, &headers)?;
        let range = match &input.copy_source_range {
            None => 0..source.size(),
            // Unlike the range of a read, that of a copy must lie within the object.
            Some(range) => match Range::parse(range) {
                Ok(Range::Int { first, last: Some(last) }) if last < source.size() => {
                    first..last + 1
                }
                _ => {
                    return Err(s3_error!(
                        InvalidArgument,
                        "The x-amz-copy-source-range value must be of the form bytes=first-last, within the source"
                    ));
                }
            },
        };
        let content = Content::new(source.content.slice(range));
        let wanted =
            Wanted { md5: !self.options().fast_etags, algorithms: algorithm.into_iter().collect() };
        let digests = digest::compute(content.chunks(), wanted).await?;
        let etag = self.etag(digests.md5, content.len());
        let modified = SystemTime::now();
        let part = Received {
            content,
            etag: etag.clone(),
            checksums: digests.checksums.clone(),
            modified,
        };
        let mut state = self.state();
        let upload = state.uploads.get_mut(&input.bucket, &input.key, &input.upload_id)?;
        upload.parts.insert(input.part_number, part);
        let result = CopyPartResult {
            e_tag: Some(ETag::Strong(etag)),
            last_modified: Some(text::whole_seconds(modified)),
            checksum_crc32: digests.checksums.crc32,
            checksum_crc32c: digests.checksums.crc32c,
            checksum_crc64nvme: digests.checksums.crc64nvme,
            checksum_sha1: digests.checksums.sha1,
            checksum_sha256: digests.checksums.sha256,
        };
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(result),
            copy_source_version_id: super::write::real_version(&source),
            ..Default::default()
        }))
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let S3Request { input, headers, .. } = request;
        let (bucket, key, id) = (&input.bucket, &input.key, &input.upload_id);
        let named = named_parts(input.multipart_upload)?;
        let smallest = self.options().min_part_size;
        let conditions = match self.options().ignore_complete_conditions {
            true => Conditions::default(),
            false => self.conditions(&headers),
        };

        // A checksum of the whole takes a while, so it is made before the lock is held for good.
        let first_look = self.state().uploads.get(bucket, key, id)?.clone();
        let assembled = first_look.assemble(&named, smallest)?;
        let size = i64::try_from(assembled.content.len()).ok();
        if input.mpu_object_size.is_some() && input.mpu_object_size != size {
            return Err(s3_error!(
                InvalidRequest,
                "The provided 'x-amz-mp-object-size' header does not match the size of the parts."
            ));
        }
        let claimed = Checksums::from_headers(&headers);
        let mut checksums = assembled.checksums;
        if checksums.is_empty() {
            let wanted = Wanted {
                md5: false,
                algorithms: match first_look.algorithm.filter(|_| first_look.full_object) {
                    Some(algorithm) => vec![algorithm],
                    None => claimed.iter().map(|(algorithm, _)| algorithm).collect(),
                },
            };
            checksums = digest::compute(assembled.content.chunks(), wanted).await?.checksums;
        }
        digest::verify(&claimed, &checksums)?;

        let mut state = self.state();
        let upload = state.uploads.get(bucket, key, id)?;
        // A part may have been uploaded again meanwhile.
        let again = upload.assemble(&named, smallest)?;
        let new = NewObject {
            content: again.content,
            etag: again.etag.clone(),
            attributes: upload.attributes.clone(),
            tags: upload.tags.clone(),
            checksums: checksums.clone(),
            part_sizes: again.part_sizes,
        };
        let answer_headers = attributes::encryption_headers(&new.attributes);
        let version_id = state.put(bucket, key, new, &conditions)?;
        state.uploads.remove(id);
        drop(state);
        let output = CompleteMultipartUploadOutput {
            location: Some(format!("/{bucket}/{key}")),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(again.etag)),
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

    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        let mut state = self.state();
        state.uploads.get(&input.bucket, &input.key, &input.upload_id)?;
        state.uploads.remove(&input.upload_id);
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        let encoding = Encoding::of(input.encoding_type.as_ref());
        let prefix = input.prefix.clone().unwrap_or_default();
        let key_marker = input.key_marker.clone().unwrap_or_default();
        let id_marker = input.upload_id_marker.clone().unwrap_or_default();
        let limit = self.page(input.max_uploads);
        let state = self.state();
        state.bucket(&input.bucket)?;
        let mut uploads = state.uploads.of(&input.bucket);
        uploads.retain(|(id, upload)| {
            let later_key = upload.key > key_marker;
            let later_id =
                !id_marker.is_empty() && upload.key == key_marker && *id > id_marker.as_str();
            upload.key.starts_with(&prefix) && (later_key || later_id)
        });
        let truncated = limit > 0 && uploads.len() > limit;
        uploads.truncate(limit);
        let last = uploads.last().filter(|_| truncated);
        let line = |(id, upload): &(&str, &Upload)| MultipartUpload {
            initiated: Some(text::whole_seconds(upload.initiated)),
            key: Some(encoding.apply(&upload.key)),
            owner: Some(owner()),
            storage_class: upload.attributes.storage_class.clone().map(StorageClass::from),
            upload_id: Some((*id).to_owned()),
            ..Default::default()
        };
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            encoding_type: input.encoding_type,
            is_truncated: Some(truncated),
            key_marker: Some(encoding.apply(&key_marker)),
            max_uploads: Some(input.max_uploads.unwrap_or(1000)),
            next_key_marker: last.map(|(_, upload)| encoding.apply(&upload.key)),
            next_upload_id_marker: last.map(|(id, _)| (*id).to_owned()),
            prefix: Some(encoding.apply(&prefix)),
            upload_id_marker: input.upload_id_marker,
            uploads: Some(uploads.iter().map(line).collect()),
            ..Default::default()
        }))
    }

    pub(super) async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let input = request.input;
        let after = input.part_number_marker.unwrap_or(0);
        let limit = self.page(input.max_parts);
        let state = self.state();
        let upload = state.uploads.get(&input.bucket, &input.key, &input.upload_id)?;
        let mut parts: Vec<(&i32, &Received)> =
            upload.parts.iter().filter(|(number, _)| **number > after).collect();
        let truncated = limit > 0 && parts.len() > limit;
        parts.truncate(limit);
        let line = |(number, part): &(&i32, &Received)| Part {
            checksum_crc32: part.checksums.crc32.clone(),
            checksum_crc32c: part.checksums.crc32c.clone(),
            checksum_crc64nvme: part.checksums.crc64nvme.clone(),
            checksum_sha1: part.checksums.sha1.clone(),
            checksum_sha256: part.checksums.sha256.clone(),
            e_tag: Some(ETag::Strong(part.etag.clone())),
            last_modified: Some(text::whole_seconds(part.modified)),
            part_number: Some(**number),
            size: i64::try_from(part.content.len()).ok(),
        };
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            checksum_algorithm: upload
                .algorithm
                .map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
            checksum_type: upload.algorithm.map(|_| checksum_type(upload.full_object)),
            is_truncated: Some(truncated),
            max_parts: Some(input.max_parts.unwrap_or(1000)),
            next_part_number_marker: parts.last().map(|(number, _)| **number),
            part_number_marker: Some(after),
            owner: Some(owner()),
            parts: Some(parts.iter().map(line).collect()),
            ..Default::default()
        }))
    }

    fn algorithm_of(&self, bucket: &str, key: &str, id: &str) -> S3Result<Option<Algorithm>> {
        Ok(self.state().uploads.get(bucket, key, id)?.algorithm)
    }

    fn page(&self, asked: Option<i32>) -> usize {
        let asked = asked.and_then(|asked| usize::try_from(asked).ok()).unwrap_or(1000);
        asked.min(self.options().max_page)
    }
}

fn checksum_type(full_object: bool) -> ChecksumType {
    ChecksumType::from_static(if full_object {
        ChecksumType::FULL_OBJECT
    } else {
        ChecksumType::COMPOSITE
    })
}

fn check_part_number(number: i32) -> S3Result {
    if !(1..=10_000).contains(&number) {
        return Err(s3_error!(
            InvalidArgument,
            "Part number must be an integer between 1 and 10000, inclusive"
        ));
    }
    Ok(())
}

fn named_parts(upload: Option<CompletedMultipartUpload>) -> S3Result<Vec<NamedPart>> {
    let parts = upload.and_then(|upload| upload.parts).unwrap_or_default();
    let name = |part: CompletedPart| {
        let number = part.part_number?;
        let etag = part.e_tag?.into_value();
        let checksums = Checksums {
            crc32: part.checksum_crc32,
            crc32c: part.checksum_crc32c,
            crc64nvme: part.checksum_crc64nvme,
            sha1: part.checksum_sha1,
            sha256: part.checksum_sha256,
            kind: None,
        };
        Some(NamedPart { number, etag, checksums })
    };
    parts
        .into_iter()
        .map(|part| {
            name(part).ok_or_else(|| s3_error!(MalformedXML, "A part needs a number and an ETag"))
        })
        .collect()
}
