//! How a text of somebody else's is shown: a user's, a server's, a file's.
//!
//! Invariant: on one line, cut, and with nothing in it that a terminal obeys.

use std::fmt;

/// A text that somebody else chose, cut and escaped so that it fits one line of an error.
pub fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}

/// What a server said, for a message: on one line of at most so many characters, with nothing in it
/// that a terminal obeys.
pub fn shown_to(text: &str, longest: usize) -> String {
    let mut out = String::new();
    for c in text.chars().take(longest) {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_obeyed(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    if text.chars().nth(longest).is_some() {
        out.push('…');
    }
    out
}

/// Why a parser refuses a text. Some quote it as it is: see [`shown_to`].
pub fn refusal(error: impl fmt::Display) -> String {
    shown_to(&error.to_string(), 300)
}

/// Whether a terminal, or a log that shows text, does something else than draw a character: controls,
/// and what turns the direction of writing.
pub fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[test]
    fn what_others_chose_is_shown_on_one_short_line() {
        assert_eq!(shown("a\nb\u{1b}"), "a\\nb\\u{1b}");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), 81);
        assert_eq!(shown_to("it's\r\n\u{1b}[2Jgone\u{202e}", 99), "it's  \\u{1b}[2Jgone\\u{202e}");
        assert_eq!(shown_to("0123456789", 4), "0123…");
    }

    #[test]
    fn what_a_parser_quotes_is_on_one_line() {
        #[derive(Debug, Deserialize)]
        enum Mode {
            #[serde(rename = "0644")]
            Plain,
        }
        for text in [r#""\u001b[2J\n""#, r#""\u202e""#] {
            let error = serde_json::from_str::<Mode>(text).expect_err("unknown");
            let told = refusal(error);
            assert!(told.starts_with("unknown variant") && !told.contains(is_obeyed), "{told:?}");
        }
        assert!(matches!(serde_json::from_str(r#""0644""#), Ok(Mode::Plain)));
    }
}
