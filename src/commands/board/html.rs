//! The board as a page: one file that needs nothing else, light or dark as the reader's screen is.
//!
//! Invariant: what somebody else chose (a file's name, a version, a build) is text on the page and
//! never markup, and becomes a link only where it is an http address.

use super::section::{Cell, Row, Section, age};
use crate::words::time::Utc;
use std::fmt::Write as _;

const STYLE: &str = include_str!("board.css");

/// The page; `time` and `now` are when it was made.
pub(super) fn page<'a>(
    bucket: &str,
    time: &Utc,
    now: i64,
    sections: impl IntoIterator<Item = &'a Section>,
) -> String {
    let (name, mut body) = (escaped(bucket), String::new());
    for section in sections {
        part(&mut body, section, now);
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{name}: who stands where</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header><h1>{name}</h1><p>Who stands where, on <time>{}</time></p></header>\n<main>\n\
         {body}</main>\n</body>\n</html>\n",
        escaped(&readable(time)),
    )
}

fn part(out: &mut String, section: &Section, now: i64) {
    let _ = write!(out, "<section>\n<h2>{}</h2>\n", section.title);
    if section.rows.is_empty() {
        let _ = write!(
            out,
            "<p class=\"none\">Nothing stands at any {} yet.</p>\n</section>\n",
            section.place
        );
        return;
    }
    let _ = write!(
        out,
        "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">{}</th>",
        section.thing
    );
    for (index, place) in section.places.iter().enumerate() {
        let class = if section.is_ordered && index > 0 { " class=\"next\"" } else { "" };
        let _ = write!(out, "<th scope=\"col\"{class}>{}</th>", escaped(place));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &section.rows {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escaped(&row.name));
        for column in 0..section.places.len() {
            cell(out, section, row, column, now);
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n</section>\n");
}

fn cell(out: &mut String, section: &Section, row: &Row, column: usize, now: i64) {
    let waiting = section.waiting(row, column);
    let waits = waiting.map_or(String::new(), |cell| {
        format!("<span class=\"waits\">{} waits</span>", escaped(&cell.version))
    });
    let Some(cell) = row.cells.get(column).and_then(Option::as_ref) else {
        let _ = write!(out, "<td class=\"empty\">—{waits}</td>");
        return;
    };
    let class = if waiting.is_some() { "behind" } else { "level" };
    let _ = write!(
        out,
        "<td class=\"{class}\"><span class=\"version\">{}</span>{}{waits}</td>",
        escaped(&cell.version),
        about(cell, now),
    );
}

/// Since when, by whom.
fn about(cell: &Cell, now: i64) -> String {
    let mut facts = Vec::new();
    if let Some(since) = cell.since {
        let title = cell.time.as_ref().map(readable).unwrap_or_default();
        let ago = match age(now - since) {
            age if age == "now" => "just now".to_owned(),
            age => format!("{age} ago"),
        };
        facts.push(format!("<time title=\"{}\">{ago}</time>", escaped(&title)));
    }
    if cell.rollback {
        facts.push("<b>went back</b>".to_owned());
    }
    let who = cell.build.name.as_deref().or(cell.build.by.as_deref());
    facts.extend(match (who, &cell.build.url) {
        (Some(who), Some(url)) if url.starts_with("https://") || url.starts_with("http://") => {
            Some(format!("<a href=\"{}\">{}</a>", escaped(url), escaped(who)))
        }
        (Some(who), _) => Some(escaped(who)),
        (None, _) if cell.number == crate::tracks::promotion::rules::S3P => Some("s3p".to_owned()),
        (None, _) => None,
    });
    format!("<span class=\"about\">{}</span>", facts.join(" · "))
}

/// `2026-01-01T00:00:00Z` for people.
fn readable(time: &Utc) -> String {
    time.as_str().replacen('T', " ", 1).replace('Z', " UTC")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::section::tests::{cell, section};
    use super::*;
    use crate::words::build::Build;

    #[test]
    fn what_others_chose_is_text() {
        let evil = "<script>alert('x')</script>\"&";
        let mut first = cell(evil, 0);
        if let Some(cell) = &mut first {
            cell.build = Build {
                name: Some(evil.to_owned()),
                url: Some("javascript:alert(1)".to_owned()),
                by: None,
            };
        }
        let page = page(evil, &Utc::read(evil), 100, &[section(vec![(evil, vec![first, None])])]);
        assert!(!page.contains("<script") && !page.contains("javascript:"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 7, "{page}");
    }

    #[test]
    fn a_page_needs_nothing_else_and_says_what_waits() {
        let mut new = cell("2.0", 40);
        if let Some(cell) = &mut new {
            cell.rollback = true;
            cell.build = Build {
                name: Some("main/app/qa #7".into()),
                url: Some("https://ci.example.com/builds/7?a=1&b=2".into()),
                by: None,
            };
        }
        let page = page(
            "b",
            &Utc::read("2026-01-01T00:00:00Z"),
            3_700,
            &[section(vec![("f", vec![new, cell("1.0", 0)])])],
        );
        for part in [
            "2026-01-01 00:00:00 UTC",
            "<a href=\"https://ci.example.com/builds/7?a=1&amp;b=2\">main/app/qa #7</a>",
            "<b>went back</b>",
            "1 h ago",
            "<span class=\"waits\">2.0 waits</span>",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        for outside in ["<link", "<script", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
