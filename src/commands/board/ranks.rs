//! Files by ranks: each rank's folder is listed, and of each file there the head of its history is
//! read; where s3p put it and nothing of ours, its object is asked.

use super::section::{Cell, Row, Section};
use crate::history::stored::History;
use crate::s3::store::Store;
use crate::s3::transfer::AT_ONCE;
use crate::tracks::promotion::rules::{Promoted, S3P};
use crate::tracks::promotion::source::Promotion;
use crate::words::build::Build;
use crate::words::names::{Key, Rank, ReleaseFile};
use crate::words::object::VERSION;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::BTreeMap;

/// What lies in a rank's folder of one file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Found {
    has_history: bool,
    /// When the rank's object was last written.
    modified: Option<i64>,
}

/// Reads what stands at each rank: of these files, or of all.
pub(super) async fn section(
    store: &Store,
    track: &Promotion,
    only: &[String],
) -> anyhow::Result<Section> {
    let mut work = Vec::new();
    for (column, rank) in track.ranks.iter().enumerate() {
        let folder = track.prefix.folder(rank.as_str());
        let listed = store.list(folder.as_str()).await?;
        let keys = listed.iter().filter_map(|object| {
            Some((object.key.strip_prefix(folder.as_str())?, object.modified))
        });
        let files = files(keys).into_iter().filter(|(file, _)| {
            only.is_empty()
                || only.iter().any(|name| name.rsplit('/').next() == Some(file.split().1))
        });
        work.extend(files.map(|(file, found)| (column, rank, file, found)));
    }
    let cells: Vec<_> = stream::iter(work)
        .map(|(column, rank, file, found)| async move {
            let track = Promotion { file: file.clone(), ..track.clone() };
            anyhow::Ok((column, file, cell(store, &track, rank, found).await?))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut rows: BTreeMap<String, Vec<Option<Cell>>> = BTreeMap::new();
    for (column, file, cell) in cells {
        let Some(cell) = cell else { continue };
        let row = rows.entry(file.into()).or_insert_with(|| vec![None; track.ranks.len()]);
        row[column] = Some(cell);
    }
    Ok(Section {
        title: "Files by ranks",
        thing: "file",
        place: "rank",
        number: "promotion",
        places: track.ranks.iter().map(ToString::to_string).collect(),
        is_ordered: true,
        rows: rows.into_iter().map(|(name, cells)| Row { name, cells }).collect(),
    })
}

/// The files of a rank, from the keys in its folder.
fn files<'a>(keys: impl Iterator<Item = (&'a str, i64)>) -> Vec<(ReleaseFile, Found)> {
    let mut files: BTreeMap<String, Found> = BTreeMap::new();
    for (key, modified) in keys {
        if let Some(history) = key.strip_prefix(".history/") {
            let head = history.strip_suffix(".json").filter(|name| !is_part(name));
            if let Some(name) = head {
                files.entry(name.to_owned()).or_default().has_history = true;
            }
        } else {
            files.entry(key.to_owned()).or_default().modified = Some(modified);
        }
    }
    // What cannot be a release's name is none.
    let parsed = |(name, found)| Some((ReleaseFile::parse(&name as &String).ok()?, found));
    files.into_iter().filter_map(parsed).collect()
}

/// Whether a name in `.history/`, without its `.json`, is that of an older part: the history's id
/// and a number of digits.
fn is_part(name: &str) -> bool {
    let is_digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let Some((before, last)) = name.rsplit_once('/') else { return false };
    match before.strip_suffix("/volumes") {
        Some(_) => is_digits(last, 6),
        None => is_digits(last, 8),
    }
}

async fn cell(
    store: &Store,
    track: &Promotion,
    rank: &Rank,
    found: Found,
) -> anyhow::Result<Option<Cell>> {
    if found.has_history
        && let Some(mut head) = History::<Promoted>::new(store, track.history(rank)?).peek().await?
        && let Some(entry) = head.older()?
    {
        return Ok(Some(Cell {
            version: entry.what.release.version.into(),
            number: entry.number,
            since: entry.time.seconds(),
            time: Some(entry.time),
            build: entry.build,
            rollback: entry.what.rollback,
        }));
    }
    let key: Key = track.pointer(rank)?;
    let Some(facts) = store.head(&key).await? else { return Ok(None) };
    Ok(facts.metadata.get(VERSION).map(|version| Cell {
        version: version.clone(),
        number: S3P,
        since: found.modified,
        time: None,
        build: Build::default(),
        rollback: false,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_from_what_lies_beside_them() {
        let id = "0123456789abcdef0123456789abcdef";
        let keys = [
            ".history/my.tgz.json".to_owned(),
            format!(".history/my.tgz/{id}/00000000.json"),
            format!(".history/my.tgz/{id}/volumes/000000.json"),
            ".history/linux/b.tgz.json".to_owned(),
            ".history/12345678.json".to_owned(),
            "my.tgz".to_owned(),
            "by-s3p".to_owned(),
            ".DS_Store".to_owned(),
            "folder/".to_owned(),
        ];
        let files = files(keys.iter().map(|key| (key.as_str(), 7)));
        let names: Vec<_> = files
            .iter()
            .map(|(file, found)| (file.as_str(), found.has_history, found.modified.is_some()))
            .collect();
        let want = [
            ("12345678", true, false),
            ("by-s3p", false, true),
            ("linux/b.tgz", true, false),
            ("my.tgz", true, true),
        ];
        assert_eq!(names, want);
    }
}
