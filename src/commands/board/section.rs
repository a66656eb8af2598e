//! A table of things by places: what the board is made of, and how a terminal and JSON show it.

use crate::commands::table::table;
use crate::words::build::Build;
use crate::words::time::Utc;
use serde_json::{Map, Value, json};

/// Things, a row each, by places, a column each.
#[derive(Debug)]
pub(super) struct Section {
    /// What it shows.
    pub(super) title: &'static str,
    /// What a row is.
    pub(super) thing: &'static str,
    /// What a column is.
    pub(super) place: &'static str,
    /// What counts what happened at a place.
    pub(super) number: &'static str,
    /// The places.
    pub(super) places: Vec<String>,
    /// Whether each place gets what it has from the one before.
    pub(super) is_ordered: bool,
    /// The things.
    pub(super) rows: Vec<Row>,
}

/// A thing, and what of it stands at each place.
#[derive(Debug)]
pub(super) struct Row {
    /// Its name.
    pub(super) name: String,
    /// As many as there are places.
    pub(super) cells: Vec<Option<Cell>>,
}

/// What stands at a place.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// The version.
    pub(super) version: String,
    /// Its number in the place's history.
    pub(super) number: u64,
    /// Since when, in seconds since 1970.
    pub(super) since: Option<i64>,
    /// The same, as the history has it.
    pub(super) time: Option<Utc>,
    /// Who did it.
    pub(super) build: Build,
    /// Whether the place went back to it.
    pub(super) rollback: bool,
}

impl Section {
    /// What waits at the place before for its promotion to this one.
    pub(super) fn waiting<'a>(&self, row: &'a Row, column: usize) -> Option<&'a Cell> {
        let before = row.cells.get(column.checked_sub(1)?)?.as_ref()?;
        let here = row.cells.get(column)?.as_ref();
        let is_same = here.is_some_and(|here| here.version == before.version);
        (self.is_ordered && !is_same).then_some(before)
    }
}

/// How long ago, in one unit: `3 d`.
pub(super) fn age(seconds: i64) -> String {
    const UNITS: [(i64, &str); 5] =
        [(365 * 86_400, "y"), (7 * 86_400, "w"), (86_400, "d"), (3_600, "h"), (60, "min")];
    let fitting = UNITS.iter().find(|(unit, _)| seconds >= *unit);
    fitting.map_or("now".to_owned(), |(unit, name)| format!("{} {name}", seconds / unit))
}

/// The section for a terminal.
pub(super) fn plain(section: &Section, now: i64) -> String {
    let titles: Vec<&str> =
        std::iter::once(section.thing).chain(section.places.iter().map(String::as_str)).collect();
    let cell = |cell: &Option<Cell>| {
        cell.as_ref().map_or(String::new(), |cell| {
            let age = cell.since.map_or(String::new(), |since| format!(" ({})", age(now - since)));
            format!("{}{age}", cell.version)
        })
    };
    let row =
        |row: &Row| std::iter::once(row.name.clone()).chain(row.cells.iter().map(cell)).collect();
    table(&titles, &section.rows.iter().map(row).collect::<Vec<_>>())
}

/// The section as JSON: by thing, by place.
pub(super) fn value(section: &Section) -> Value {
    let cell = |cell: &Cell| {
        json!({
            "version": cell.version, section.number: cell.number, "time": cell.time,
            "rollback": cell.rollback, "build": cell.build.name, "build_url": cell.build.url,
            "by": cell.build.by,
        })
    };
    let row = |row: &Row| -> Value {
        let cells = section.places.iter().cloned().zip(row.cells.iter());
        cells.map(|(place, it)| (place, it.as_ref().map(cell).into())).collect::<Map<_, _>>().into()
    };
    section.rows.iter().map(|it| (it.name.clone(), row(it))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::commands::board) fn cell(version: &str, since: i64) -> Option<Cell> {
        Some(Cell {
            version: version.to_owned(),
            number: 1,
            since: Some(since),
            time: Some(Utc::read("2026-01-01T00:00:00Z")),
            build: Build::default(),
            rollback: false,
        })
    }

    pub(in crate::commands::board) fn section(rows: Vec<(&str, Vec<Option<Cell>>)>) -> Section {
        Section {
            title: "Files by ranks",
            thing: "file",
            place: "rank",
            number: "promotion",
            places: vec!["qa".into(), "production".into()],
            is_ordered: true,
            rows: rows
                .into_iter()
                .map(|(name, cells)| Row { name: name.to_owned(), cells })
                .collect(),
        }
    }

    #[test]
    fn ages_have_one_unit() {
        let cases = [
            (-5, "now"),
            (59, "now"),
            (60, "1 min"),
            (7_199, "1 h"),
            (86_400 * 6, "6 d"),
            (86_400 * 20, "2 w"),
            (86_400 * 800, "2 y"),
        ];
        for (seconds, want) in cases {
            assert_eq!(age(seconds), want);
        }
    }

    #[test]
    fn terminals_and_scripts() {
        let section = section(vec![
            ("a.tgz", vec![cell("2.0", 0), cell("1.0", 50)]),
            ("b.tgz", vec![cell("1.0", 0), None]),
        ]);
        let want = "FILE   QA           PRODUCTION\na.tgz  2.0 (1 min)  1.0 (now)\nb.tgz  1.0 (1 min)  -\n";
        assert_eq!(plain(&section, 100), want);
        let value = value(&section);
        assert_eq!(value["a.tgz"]["production"]["version"], "1.0");
        assert_eq!(value["b.tgz"]["production"], Value::Null);
    }

    #[test]
    fn what_waits_for_its_promotion() {
        let section = section(vec![
            ("a", vec![cell("2.0", 0), cell("1.0", 0)]),
            ("b", vec![cell("1.0", 0), None]),
            ("c", vec![cell("1.0", 0), cell("1.0", 9)]),
            ("d", vec![None, cell("1.0", 9)]),
        ]);
        let waiting: Vec<_> = section
            .rows
            .iter()
            .map(|row| section.waiting(row, 1).map(|cell| cell.version.as_str()))
            .collect();
        assert_eq!(waiting, [Some("2.0"), Some("1.0"), None, None]);
        assert!(section.waiting(&section.rows[0], 0).is_none());
    }
}
