//! ListObjectVersions and GetBucketVersioning: what a bucket keeps of one key.

use super::evidence::NoPages;
use super::list::name;
use super::{Failure, Operation, Store, failure};
use crate::words::names::Key;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{BucketVersioningStatus, EncodingType};

/// Whether a bucket keeps what is overwritten and deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    /// It does not, and never did.
    Never,
    /// It does.
    Enabled,
    /// It did: what it kept then is still there.
    Suspended,
}

/// A page of the versions of one key.
#[derive(Debug, Default)]
pub struct VersionsPage {
    /// Their ids, the newest first; delete markers are none.
    pub ids: Vec<String>,
    /// What asks for the next page: a key and the id of one of its versions. None at the end.
    pub next: Option<(String, Option<String>)>,
}

impl Store {
    /// A page of the versions of a key: the first, or the one after a mark.
    pub async fn versions_page(
        &self,
        key: &Key,
        after: Option<&(String, Option<String>)>,
    ) -> anyhow::Result<VersionsPage> {
        let page = self
            .attempts(Operation::ListObjectVersions, key.as_str(), || async {
                let request =
                    self.client.list_object_versions().bucket(self.access.bucket.as_str());
                let (mark, id) = after.map_or((None, None), |(key, id)| (Some(key), id.as_ref()));
                let request = request
                    .prefix(key.as_str())
                    .encoding_type(EncodingType::Url)
                    .set_key_marker(mark.cloned())
                    .set_version_id_marker(id.cloned());
                let request = request.customize().interceptor(NoPages);
                request.send().await.map_err(failure::of)
            })
            .await
            .and_then(|page| read(page, key, after));
        page.map_err(|e| self.explain(e, Operation::ListObjectVersions, key.as_str()))
    }

    /// Whether the server lists versions at all; whoever may not list them is not told otherwise.
    pub async fn lists_versions(&self, key: &Key) -> anyhow::Result<bool> {
        let answer = self
            .attempts(Operation::ListObjectVersions, key.as_str(), || async {
                let request = self.client.list_object_versions();
                let request = request.bucket(self.access.bucket.as_str());
                let request = request.prefix(key.as_str()).max_keys(1);
                request.customize().interceptor(NoPages).send().await.map_err(failure::of)
            })
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_unknown_here() => Ok(false),
            Err(failure) if failure.is_forbidden() => Ok(true),
            Err(failure) => Err(self.explain(failure, Operation::ListObjectVersions, key.as_str())),
        }
    }

    /// Whether the bucket keeps versions.
    pub async fn versioning(&self) -> anyhow::Result<Versioning> {
        let answer = self
            .attempts(Operation::GetBucketVersioning, "", || async {
                let request =
                    self.client.get_bucket_versioning().bucket(self.access.bucket.as_str());
                let request = request.customize().interceptor(NoPages);
                request.send().await.map_err(failure::of)
            })
            .await
            .map_err(|e| self.explain(e, Operation::GetBucketVersioning, ""))?;
        Ok(match answer.status {
            Some(BucketVersioningStatus::Enabled) => Versioning::Enabled,
            Some(_) => Versioning::Suspended,
            None => Versioning::Never,
        })
    }
}

pub(super) fn read(
    page: ListObjectVersionsOutput,
    key: &Key,
    after: Option<&(String, Option<String>)>,
) -> Result<VersionsPage, Failure> {
    let encoded = page.encoding_type == Some(EncodingType::Url);
    let plain = |listed: Option<&str>| name(listed.unwrap_or(""), encoded, key.as_str());
    let (mut ids, mut last) = (Vec::new(), None);
    for version in page.versions.unwrap_or_default() {
        let listed = plain(version.key())?;
        if listed == key.as_str() {
            ids.extend(version.version_id.clone());
        }
        last = last.max(Some((listed, version.version_id)));
    }
    for marker in page.delete_markers.unwrap_or_default() {
        last = last.max(Some((plain(marker.key())?, marker.version_id)));
    }
    let mut next = None;
    if page.is_truncated == Some(true) {
        let id = page.next_version_id_marker.filter(|it| !it.is_empty());
        next = match page.next_key_marker.filter(|it| !it.is_empty()) {
            Some(named) => Some((plain(Some(&named))?, id)),
            // Servers that name no next key mean the last one of the page.
            None => last.map(|(named, _)| {
                let id = id.or_else(|| ids.last().cloned()).filter(|_| named == key.as_str());
                (named, id)
            }),
        };
        if next.is_none() || next.as_ref() == after {
            return Err(Failure::listing("the listing does not say where it goes on"));
        }
    }
    // The key itself comes before all that begin with it.
    let next = next.filter(|(at, _)| at == key.as_str());
    Ok(VersionsPage { ids, next })
}
