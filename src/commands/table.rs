//! Tables for people: columns as wide as what is in them, no borders, so that `awk` reads them too.

/// A table with a line of titles; `-` where a cell is empty. What somebody else chose (a build's
/// name, a key) cannot break out of its line.
pub(super) fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    let mut lines = vec![titles.iter().map(|title| title.to_uppercase()).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()));
    let widths: Vec<usize> = (0..titles.len())
        .map(|i| {
            lines
                .iter()
                .filter_map(|line| line.get(i))
                .map(|c| c.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for line in lines {
        let mut text = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width + 2 - cell.chars().count()));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

/// `name  value` lines, names as wide as the widest.
pub(super) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    facts.iter().map(|(name, value)| format!("{name:width$}  {}\n", plain(value))).collect()
}

fn plain(cell: &str) -> String {
    if cell.is_empty() {
        return "-".to_owned();
    }
    cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_nothing_breaks_out() {
        let rows =
            [vec!["1".into(), "é".into(), "x".into()], vec!["22".into(), "".into(), "a\nb".into()]];
        let want = "N   NAME  LAST\n1   é     x\n22  -     a\u{fffd}b\n";
        assert_eq!(table(&["n", "name", "last"], &rows), want);
        assert_eq!(facts(&[("a", "1".into()), ("long", String::new())]), "a     1\nlong  -\n");
    }
}
