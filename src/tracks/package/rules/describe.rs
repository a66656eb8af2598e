//! What the build page shows of a version.

use super::{Move, VersionRecord, Wanted};
use crate::history::Entry;
use crate::input::protocol::{Metadata, metadata};
use crate::machine::report::size;
use crate::tracks::package::source::Package;
use crate::words::names::Bucket;
use crate::words::object::UserMetadata;

/// What the build page shows of a version: the move that tagged it, and the user's
/// metadata last. `blobs` is the bucket of its file.
pub fn describe(
    blobs: &Bucket,
    package: &Package,
    wanted: &Wanted,
    moved: Option<Entry<Move>>,
    record: &VersionRecord,
    user: &UserMetadata,
) -> anyhow::Result<Vec<Metadata>> {
    let mut lines = vec![
        metadata("package", package.name.as_str()),
        metadata("version", wanted.version.to_string()),
    ];
    lines.extend(wanted.tagged.as_ref().map(|(tag, _)| metadata("tag", tag.as_str())));
    if let Some(Entry { time, build, .. }) = moved {
        lines.push(metadata("tagged_at", time.as_str()));
        lines.extend(build.by.or(build.name).map(|who| metadata("tagged_by", who)));
        lines.extend(build.url.map(|url| metadata("tagged_build_url", url)));
    }
    lines.push(metadata("file", record.basename.as_str()));
    lines.extend(record.size.map(|bytes| metadata("size", size(bytes))));
    lines.push(metadata("sha256", record.sha.hex()));
    let entered = &record.entered;
    lines.extend(entered.added_at.as_ref().map(|time| metadata("added_at", time.as_str())));
    lines.extend(entered.build.url.as_deref().map(|url| metadata("build_url", url)));
    lines.push(metadata("s3_uri", blobs.uri(package.blob(&record.sha)?.as_str())));
    let own: Vec<Metadata> = user
        .iter()
        .filter(|(name, _)| lines.iter().all(|line| line.name != name.as_str()))
        .map(|(name, value)| metadata(name.clone(), value.as_str()))
        .collect();
    lines.extend(own);
    Ok(lines)
}
