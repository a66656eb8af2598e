//! Listings of objects and of their versions.

use std::collections::BTreeMap;

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Service;
use crate::ListedKeys;
use crate::listing::{self, Entry, Query, numbered};
use crate::object::Object as Stored;
use crate::store::Version;
use crate::text;

/// The one owner of everything.
pub(super) fn owner() -> Owner {
    Owner { display_name: Some("test".to_owned()), id: Some("0123456789abcdef".repeat(4)) }
}

/// Whether names in the answer are escaped.
#[derive(Clone, Copy)]
pub(super) struct Encoding(bool);

impl Encoding {
    pub(super) fn of(asked: Option<&EncodingType>) -> Self {
        Self(asked.is_some_and(|asked| asked.as_str() == EncodingType::URL))
    }

    pub(super) fn apply(self, name: &str) -> String {
        if self.0 { text::encode_listed(name) } else { name.to_owned() }
    }

    fn optional(self, name: Option<&String>) -> Option<String> {
        name.map(|name| self.apply(name))
    }
}

/// A page of objects, in the words of the protocol.
struct Answer {
    contents: Vec<Object>,
    common_prefixes: Vec<CommonPrefix>,
    next: Option<String>,
}

impl Service {
    /// How the names of a listing are written, and how the answer says they are.
    fn encoding(&self, asked: Option<EncodingType>) -> (Encoding, Option<EncodingType>) {
        match self.shared.options.listed_keys {
            ListedKeys::Encoded => (Encoding::of(asked.as_ref()), asked),
            ListedKeys::Plain => (Encoding(false), None),
            ListedKeys::Mislabelled => (Encoding(false), asked),
        }
    }

    pub(super) async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let (encoding, said) = self.encoding(input.encoding_type);
        let after = match &input.continuation_token {
            Some(token) => Some(read_token(token)?),
            None => input.start_after.clone(),
        };
        let query =
            self.query(input.prefix.as_ref(), input.delimiter.as_ref(), after, input.max_keys)?;
        let with_owner = input.fetch_owner == Some(true);
        let answer = self.answer(&input.bucket, &query, encoding, with_owner)?;
        let count = answer.contents.len() + answer.common_prefixes.len();
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encoding.apply(&query.prefix)),
            max_keys: Some(input.max_keys.unwrap_or(1000)),
            key_count: i32::try_from(count).ok(),
            continuation_token: input.continuation_token,
            is_truncated: Some(answer.next.is_some()),
            next_continuation_token: answer.next.as_deref().map(make_token),
            contents: Some(answer.contents),
            common_prefixes: Some(answer.common_prefixes),
            delimiter: encoding.optional(input.delimiter.as_ref()),
            encoding_type: said,
            start_after: encoding.optional(input.start_after.as_ref()),
            ..Default::default()
        }))
    }

    pub(super) async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = request.input;
        let (encoding, said) = self.encoding(input.encoding_type);
        let after = input.marker.clone();
        let query =
            self.query(input.prefix.as_ref(), input.delimiter.as_ref(), after, input.max_keys)?;
        let answer = self.answer(&input.bucket, &query, encoding, true)?;
        // Without a delimiter the next marker is the last key, and S3 leaves it out.
        let next = answer.next.as_ref().filter(|_| input.delimiter.is_some());
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(encoding.apply(&query.prefix)),
            marker: Some(encoding.apply(input.marker.as_deref().unwrap_or(""))),
            max_keys: Some(input.max_keys.unwrap_or(1000)),
            is_truncated: Some(answer.next.is_some()),
            next_marker: encoding.optional(next),
            contents: Some(answer.contents),
            common_prefixes: Some(answer.common_prefixes),
            delimiter: encoding.optional(input.delimiter.as_ref()),
            encoding_type: said,
            ..Default::default()
        }))
    }

    pub(super) async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let input = request.input;
        let (encoding, said) = self.encoding(input.encoding_type);
        let after = input.key_marker.clone();
        let mut query =
            self.query(input.prefix.as_ref(), input.delimiter.as_ref(), after, input.max_keys)?;
        let limit = std::mem::replace(&mut query.limit, usize::MAX);
        let state = self.state();
        let keys = &state.bucket(&input.bucket)?.keys;

        // What is left of the key at which the last page ended, and then the other keys.
        let mut lines: Vec<Line<'_>> = Vec::new();
        if let (Some(key), Some(id)) = (&input.key_marker, &input.version_id_marker)
            && let Some((key, versions)) = keys.get_key_value(key)
        {
            let left = newest_first(key, versions)
                .skip_while(|line| line.version_id() != Some(id.as_str()));
            lines.extend(left.skip(1));
        }
        for entry in listing::list(keys, &query, |_| true).entries {
            match entry {
                Entry::Key(key, versions) => lines.extend(newest_first(key, versions)),
                Entry::Prefix(prefix) => lines.push(Line::Prefix(prefix)),
            }
        }
        let truncated = limit > 0 && lines.len() > limit;
        lines.truncate(limit);
        let last = lines.last().filter(|_| truncated);
        let next_key_marker = last.map(|line| encoding.apply(line.name()));
        let next_version_id_marker = last.and_then(Line::version_id).map(str::to_owned);

        let mut output = ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: Some(encoding.apply(&query.prefix)),
            key_marker: Some(encoding.apply(input.key_marker.as_deref().unwrap_or(""))),
            version_id_marker: input.version_id_marker,
            max_keys: Some(input.max_keys.unwrap_or(1000)),
            is_truncated: Some(truncated),
            next_key_marker,
            next_version_id_marker,
            delimiter: encoding.optional(input.delimiter.as_ref()),
            encoding_type: said,
            ..Default::default()
        };
        let mut versions = Vec::new();
        let mut markers = Vec::new();
        let mut prefixes = Vec::new();
        for line in lines {
            match line {
                Line::Prefix(prefix) => {
                    prefixes.push(CommonPrefix { prefix: Some(encoding.apply(&prefix)) })
                }
                Line::Version(key, Version::Object(object), latest) => {
                    versions.push(ObjectVersion {
                        e_tag: Some(ETag::Strong(object.etag.clone())),
                        is_latest: Some(latest),
                        key: Some(encoding.apply(key)),
                        last_modified: Some(text::whole_seconds(object.last_modified)),
                        owner: Some(owner()),
                        size: i64::try_from(object.size()).ok(),
                        storage_class: Some(object.storage_class().to_owned().into()),
                        version_id: Some(object.version_id.clone()),
                        ..Default::default()
                    })
                }
                Line::Version(key, Version::Marker { id, modified }, latest) => {
                    markers.push(DeleteMarkerEntry {
                        is_latest: Some(latest),
                        key: Some(encoding.apply(key)),
                        last_modified: Some(text::whole_seconds(*modified)),
                        owner: Some(owner()),
                        version_id: Some(id.clone()),
                    })
                }
            }
        }
        output.versions = Some(versions);
        output.delete_markers = Some(markers);
        output.common_prefixes = Some(prefixes);
        Ok(S3Response::new(output))
    }

    fn answer(
        &self,
        bucket: &str,
        query: &Query,
        encoding: Encoding,
        with_owner: bool,
    ) -> S3Result<Answer> {
        let state = self.state();
        let keys = &state.bucket(bucket)?.keys;
        match &self.shared.options.numbered {
            Some(numbered) => {
                let all = numbered::beside(keys, numbered, query);
                Ok(answer(&all, query, encoding, with_owner))
            }
            None => Ok(answer(keys, query, encoding, with_owner)),
        }
    }

    fn query(
        &self,
        prefix: Option<&String>,
        delimiter: Option<&String>,
        after: Option<String>,
        limit: Option<i32>,
    ) -> S3Result<Query> {
        let limit = usize::try_from(limit.unwrap_or(1000))
            .map_err(|_| s3_error!(InvalidArgument, "max-keys must not be negative"))?;
        Ok(Query {
            prefix: prefix.cloned().unwrap_or_default(),
            delimiter: delimiter.cloned().unwrap_or_default(),
            after: after.filter(|after| !after.is_empty()),
            limit: limit.min(self.options().max_page),
        })
    }
}

/// A line of a listing of versions.
enum Line<'a> {
    Prefix(String),
    Version(&'a str, &'a Version, bool),
}

impl Line<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Prefix(prefix) => prefix,
            Self::Version(key, ..) => key,
        }
    }

    fn version_id(&self) -> Option<&str> {
        match self {
            Self::Prefix(_) => None,
            Self::Version(_, version, _) => Some(version.id()),
        }
    }
}

fn newest_first<'a>(key: &'a str, versions: &'a [Version]) -> impl Iterator<Item = Line<'a>> {
    let line = move |(at, version)| Line::Version(key, version, at == 0);
    versions.iter().rev().enumerate().map(line)
}

fn answer(
    keys: &BTreeMap<String, Vec<Version>>,
    query: &Query,
    encoding: Encoding,
    with_owner: bool,
) -> Answer {
    let visible =
        |versions: &[Version]| versions.last().is_some_and(|version| version.object().is_some());
    let page = listing::list(keys, query, visible);
    let mut answer = Answer { contents: Vec::new(), common_prefixes: Vec::new(), next: page.next };
    for entry in page.entries {
        match entry {
            Entry::Prefix(prefix) => {
                answer.common_prefixes.push(CommonPrefix { prefix: Some(encoding.apply(&prefix)) })
            }
            Entry::Key(key, versions) => {
                if let Some(object) = versions.last().and_then(Version::object) {
                    answer.contents.push(line(encoding.apply(key), object, with_owner));
                }
            }
        }
    }
    answer
}

fn line(key: String, object: &Stored, with_owner: bool) -> Object {
    let algorithms: Vec<ChecksumAlgorithm> = object
        .checksums
        .iter()
        .map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name()))
        .collect();
    Object {
        checksum_algorithm: (!algorithms.is_empty()).then_some(algorithms),
        checksum_type: object.checksums.kind.clone().map(ChecksumType::from),
        e_tag: Some(ETag::Strong(object.etag.clone())),
        key: Some(key),
        last_modified: Some(text::whole_seconds(object.last_modified)),
        owner: with_owner.then(owner),
        size: i64::try_from(object.size()).ok(),
        storage_class: Some(object.storage_class().to_owned().into()),
        ..Default::default()
    }
}

/// A token is the last name in disguise, so that no client takes it for a key.
fn make_token(last: &str) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(last)
}

fn read_token(token: &str) -> S3Result<String> {
    base64_simd::URL_SAFE_NO_PAD
        .decode_to_vec(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}
