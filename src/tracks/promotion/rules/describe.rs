//! What the build page shows of a promotion.

use super::{Promoted, S3P};
use crate::history::Entry;
use crate::input::protocol::{Metadata, metadata};
use crate::machine::report::size;
use crate::tracks::promotion::source::Promotion;
use crate::words::names::{Bucket, ReleaseVersion};

/// What the build page shows of a promotion; without an entry it is s3p's.
pub fn describe(
    bucket: &Bucket,
    track: &Promotion,
    version: &ReleaseVersion,
    entry: Option<&Entry<Promoted>>,
) -> anyhow::Result<Vec<Metadata>> {
    let mut lines = vec![
        metadata("version", version.as_str()),
        metadata("promotion", entry.map_or(S3P, |entry| entry.number).to_string()),
        metadata("rank", track.rank.as_str()),
        metadata("file", track.file.as_str()),
    ];
    let Some(Entry { time, build, what, .. }) = entry else {
        lines.push(metadata("s3_uri", bucket.uri(track.shelf(version)?.plain.as_str())));
        return Ok(lines);
    };
    lines.push(metadata("size", size(what.release.size)));
    lines.push(metadata("sha256", what.release.sha256.hex()));
    lines.push(metadata("promoted_at", time.as_str()));
    lines.extend(build.name.as_ref().map(|name| metadata("build", name.as_str())));
    lines.extend(build.url.as_ref().map(|url| metadata("build_url", url.as_str())));
    lines.extend(build.by.as_ref().map(|by| metadata("promoted_by", by.as_str())));
    lines.extend(what.from.as_ref().map(|from| metadata("from", from.to_string())));
    if what.rollback {
        lines.push(metadata("rollback", "true"));
    }
    lines.push(metadata("s3_uri", bucket.uri(what.release.key.as_str())));
    Ok(lines)
}
