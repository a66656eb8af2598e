//! Packages by tags: of each package, its newest version and where each of its tags is, as the heads
//! of their histories say; where another tool put a tag, since when is not known.

use super::section::{Cell, Row, Section};
use crate::commands::package::chosen;
use crate::history::Entry;
use crate::s3::transfer::AT_ONCE;
use crate::tracks::package::ledger::Ledger;
use crate::tracks::package::rules::{Change, Move};
use crate::words::build::Build;
use crate::words::names::Tag;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::{BTreeMap, BTreeSet};

/// Reads where the tags of packages are: of these, or of all.
pub(super) async fn section(ledger: &Ledger, only: &[String]) -> anyhow::Result<Section> {
    let rows: Vec<_> = stream::iter(chosen(ledger, only).await?)
        .map(|package| async move {
            let ledger = ledger.of(&package);
            let mut cells = BTreeMap::new();
            if let Some(cell) = latest(&ledger).await? {
                cells.insert(Tag::LATEST.to_owned(), cell);
            }
            for tag in ledger.tags().await? {
                if let Some(cell) = tagged(&ledger, &tag).await? {
                    cells.insert(tag.to_string(), cell);
                }
            }
            anyhow::Ok((package.name.to_string(), cells))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    // Of a name that somebody gave, there may be nothing.
    let rows: Vec<_> = rows.into_iter().filter(|(_, cells)| !cells.is_empty()).collect();
    let tags: BTreeSet<&str> =
        rows.iter().flat_map(|(_, cells)| cells.keys()).map(String::as_str).collect();
    let tags = tags.into_iter().filter(|tag| *tag != Tag::LATEST);
    let places: Vec<String> = std::iter::once(Tag::LATEST).chain(tags).map(str::to_owned).collect();
    let row = |(name, mut cells): (String, BTreeMap<String, Cell>)| {
        let cells = places.iter().map(|place| cells.remove(place)).collect();
        Row { name, cells }
    };
    Ok(Section {
        title: "Packages by tags",
        thing: "package",
        place: "tag",
        number: "tagged",
        is_ordered: false,
        rows: rows.into_iter().map(row).collect(),
        places,
    })
}

/// The newest version, and since when it is that.
async fn latest(ledger: &Ledger) -> anyhow::Result<Option<Cell>> {
    let Some(version) = ledger.latest().await? else { return Ok(None) };
    let mut entry = None;
    if let Some(mut head) = ledger.history()?.peek().await? {
        while let Some(older) = head.older()? {
            if matches!(older.what, Change::Added { added, .. } if added == version) {
                entry = Some(older);
                break;
            }
        }
    }
    Ok(Some(cell(version, entry, false)))
}

/// Where a tag is, and since when.
async fn tagged(ledger: &Ledger, tag: &Tag) -> anyhow::Result<Option<Cell>> {
    if let Some(mut head) = ledger.tag_history(tag)?.peek().await?
        && let Some(entry) = head.older()?
    {
        let Move { version: Some(version), .. } = entry.what else { return Ok(None) };
        let before = head.older()?.and_then(|before| before.what.version);
        return Ok(Some(cell(version, Some(entry), before > Some(version))));
    }
    Ok(ledger.foreign_tag_if_readable(tag).await?.map(|version| cell::<Move>(version, None, false)))
}

fn cell<T>(version: u64, entry: Option<Entry<T>>, rollback: bool) -> Cell {
    let version = version.to_string();
    match entry {
        Some(Entry { number, time, build, .. }) => {
            Cell { version, number, since: time.seconds(), time: Some(time), build, rollback }
        }
        None => {
            let build = Build::default();
            Cell { version, number: 0, since: None, time: None, build, rollback }
        }
    }
}
