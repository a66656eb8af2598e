//! Uploads in parts that are not finished.
//!
//! An upload is gone once it was completed or aborted; completing it a second time finds none. Real
//! servers differ there, and a client that copes with this one copes with all.

use std::collections::BTreeMap;
use std::time::SystemTime;

use s3s::{S3Error, S3Result, s3_error};

use crate::digest::{Algorithm, Checksums, composite, multipart_etag};
use crate::object::{Attributes, Content};

/// One part.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) content: Content,
    pub(crate) etag: String,
    pub(crate) checksums: Checksums,
    pub(crate) modified: SystemTime,
}

/// An unfinished upload.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) initiated: SystemTime,
    pub(crate) attributes: Attributes,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) full_object: bool,
    pub(crate) parts: BTreeMap<i32, Part>,
}

/// A part as a request to complete names it.
#[derive(Clone, Debug)]
pub(crate) struct NamedPart {
    pub(crate) number: i32,
    pub(crate) etag: String,
    pub(crate) checksums: Checksums,
}

/// What the parts of an upload amount to.
#[derive(Debug)]
pub(crate) struct Assembled {
    pub(crate) content: Content,
    pub(crate) etag: String,
    pub(crate) part_sizes: Vec<u64>,
    /// Composite checksums only: those of the whole need the bytes, and no lock.
    pub(crate) checksums: Checksums,
}

impl Upload {
    /// Checks the list of parts and puts them together.
    pub(crate) fn assemble(&self, named: &[NamedPart], smallest: u64) -> S3Result<Assembled> {
        if named.is_empty() {
            return Err(s3_error!(MalformedXML, "You must specify at least one part"));
        }
        if !named.is_sorted_by(|one, other| one.number < other.number) {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order."
            ));
        }
        let mut parts = Vec::with_capacity(named.len());
        for (position, name) in named.iter().enumerate() {
            let part = self.parts.get(&name.number).ok_or_else(invalid_part)?;
            let claimed = name.checksums.iter();
            let mismatch = |(algorithm, value)| part.checksums.get(algorithm) != Some(value);
            if part.etag != name.etag || claimed.into_iter().any(mismatch) {
                return Err(invalid_part());
            }
            if position + 1 < named.len() && part.content.len() < smallest {
                return Err(s3_error!(
                    EntityTooSmall,
                    "Your proposed upload is smaller than the minimum allowed size"
                ));
            }
            parts.push(part);
        }
        let chunks = parts.iter().flat_map(|part| part.content.chunks().iter().cloned());
        Ok(Assembled {
            content: Content::new(chunks.collect()),
            etag: multipart_etag(parts.iter().map(|part| part.etag.as_str())),
            part_sizes: parts.iter().map(|part| part.content.len()).collect(),
            checksums: self.composite(&parts),
        })
    }

    fn composite(&self, parts: &[&Part]) -> Checksums {
        let mut checksums = Checksums::default();
        let Some(algorithm) = self.algorithm.filter(|_| !self.full_object) else {
            return checksums;
        };
        let values: Option<Vec<&str>> =
            parts.iter().map(|part| part.checksums.get(algorithm)).collect();
        if let Some(value) = values.and_then(|values| composite(algorithm, values.into_iter())) {
            checksums.set(algorithm, value);
            checksums.kind = Some("COMPOSITE".to_owned());
        }
        checksums
    }
}

/// All unfinished uploads.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    by_id: BTreeMap<String, Upload>,
}

impl Uploads {
    /// Lets all of them have begun then.
    pub(crate) fn begun_at(&mut self, at: SystemTime) {
        self.by_id.values_mut().for_each(|upload| upload.initiated = at);
    }
}

impl Uploads {
    pub(crate) fn insert(&mut self, number: u64, upload: Upload) -> String {
        let id = format!("upload-{number:012}");
        self.by_id.insert(id.clone(), upload);
        id
    }

    pub(crate) fn get(&self, bucket: &str, key: &str, id: &str) -> S3Result<&Upload> {
        self.by_id
            .get(id)
            .filter(|upload| upload.bucket == bucket && upload.key == key)
            .ok_or_else(no_such_upload)
    }

    pub(crate) fn get_mut(&mut self, bucket: &str, key: &str, id: &str) -> S3Result<&mut Upload> {
        self.by_id
            .get_mut(id)
            .filter(|upload| upload.bucket == bucket && upload.key == key)
            .ok_or_else(no_such_upload)
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.by_id.remove(id);
    }

    /// Those of a bucket, by key and then by age.
    pub(crate) fn of(&self, bucket: &str) -> Vec<(&str, &Upload)> {
        let mut uploads: Vec<(&str, &Upload)> = self
            .by_id
            .iter()
            .filter(|(_, upload)| upload.bucket == bucket)
            .map(|(id, upload)| (id.as_str(), upload))
            .collect();
        uploads.sort_by(|(one, a), (other, b)| (&a.key, one).cmp(&(&b.key, other)));
        uploads
    }
}

fn no_such_upload() -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )
}

fn invalid_part() -> S3Error {
    s3_error!(
        InvalidPart,
        "One or more of the specified parts could not be found, or its entity tag does not match."
    )
}
