//! What the build page shows of a revision.

use super::{LABEL, Marker, Revision, TRACEBACK_URL, USER};
use crate::input::protocol::{Metadata, metadata};
use crate::machine::report::size;
use crate::tracks::gocd::source::Gocd;
use crate::words::names::Bucket;

/// What the build page shows of a revision; of its files, how many and how large.
pub fn describe(
    bucket: &Bucket,
    track: &Gocd,
    revision: &Revision,
    marker: &Marker,
    files: Option<(usize, u64)>,
) -> Vec<Metadata> {
    let mut lines = vec![metadata("revision", revision.as_str())];
    for (name, annotation) in [("label", LABEL), ("user", USER), ("traceback_url", TRACEBACK_URL)] {
        lines.extend(marker.annotation(annotation).map(|value| metadata(name, value)));
    }
    if let Some((files, bytes)) = files {
        lines.push(metadata("files", files.to_string()));
        lines.push(metadata("size", size(bytes)));
    }
    let folder = track.folder(revision);
    lines.push(metadata("s3_uri", bucket.uri(folder.as_str().trim_end_matches('/'))));
    lines
}
