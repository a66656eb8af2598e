//! `regexp`: a regular expression as Go's `regexp` package reads it, since concourse/s3-resource is
//! written in Go.
//!
//! The two languages share their ancestor, RE2, and the choice of match. They differ in details
//! that silently change what a pipeline finds: Unicode in `\d`, `\w`, `\s` and `\b`, `\Q...\E`, braces
//! that are text, nested classes. So [`translate`] reads Go's syntax and writes the other one, with
//! every character that could mean something escaped.

mod class;
mod translate;

use translate::translate;
pub(super) use translate::{Kind, Piece, Translated, concat};

use crate::words::fault::fault;
use crate::words::names::shown;
use regex::{Captures, Regex, RegexBuilder};

/// The longest `regexp` that is read.
const LONGEST: usize = 16 << 10;
/// What a compiled expression may take, in bytes.
const COMPILED: usize = 16 << 20;

/// A valid `regexp`, and where in a match the version stands.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    text: String,
    regex: Regex,
    /// The same, for the whole of a text only.
    whole: Regex,
    names: Vec<Option<String>>,
}

impl Pattern {
    /// Reads Go's syntax; `place` is the key that it is the value of.
    pub(super) fn parse(place: &str, text: &str) -> anyhow::Result<Pattern> {
        Pattern::translated(place, text).map(|(pattern, _)| pattern)
    }

    /// As [`Pattern::parse`], with the parts that a walk is made of.
    pub(super) fn translated(place: &str, text: &str) -> anyhow::Result<(Pattern, Translated)> {
        let bad = |why: &str| {
            fault(
                format!("{place}: `{}` is no regular expression: {why}", shown(text)),
                "the syntax is Go's, https://github.com/google/re2/wiki/Syntax: in YAML put it between single quotes",
            )
        };
        if text.len() > LONGEST {
            return Err(bad(&format!("it has over {LONGEST} bytes")));
        }
        let translated = translate(text).map_err(|why| bad(&why))?;
        let regex = compile(&translated.text).map_err(|why| bad(&why))?;
        let whole = compile(&format!(r"\A(?:{})\z", translated.text)).map_err(|why| bad(&why))?;
        let names = translated.names.clone();
        Ok((Pattern { text: text.to_owned(), regex, whole, names }, translated))
    }

    /// What the user wrote.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches somewhere in a text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Whether it matches a whole text.
    pub(super) fn is_whole(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// Whether a version can ever be found: it is what a group matches.
    pub(super) fn has_group(&self) -> bool {
        !self.names.is_empty()
    }

    /// The version in a path: of several groups the one that is named `version`, else the first.
    /// The match is of the whole path where there is one, else of a part of it, as in s3-resource.
    /// None where the pattern does not match; empty where it matches without the group.
    pub(super) fn version_in<'t>(&self, path: &'t str) -> Option<&'t str> {
        let group = match self.names.len() {
            0 => return None,
            1 => 0,
            _ => self.names.iter().position(|it| it.as_deref() == Some("version")).unwrap_or(0),
        };
        let captures = self.whole.captures(path).or_else(|| self.regex.captures(path))?;
        Some(captures.get(group + 1).map_or("", |group| group.as_str()))
    }

    /// The text with each match replaced by a template with `$1`, `${1}` and `${name}`.
    pub(super) fn replace_all(&self, text: &str, template: &str) -> String {
        let expanded = |captures: &Captures<'_>| self.expand(captures, template);
        self.regex.replace_all(text, expanded).into_owned()
    }

    fn expand(&self, captures: &Captures<'_>, template: &str) -> String {
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let (name, next) = match after.strip_prefix('{') {
                Some(inner) => inner.split_once('}').unwrap_or(("", "")),
                None => after.split_at(after.find(|c| !is_word(c)).unwrap_or(after.len())),
            };
            if name.is_empty() || !name.chars().all(is_word) {
                // No name: the dollar is text.
                out.push('$');
                rest = after;
                continue;
            }
            out.push_str(self.group(captures, name).unwrap_or(""));
            rest = next;
        }
        out + rest
    }

    fn group<'t>(&self, captures: &Captures<'t>, name: &str) -> Option<&'t str> {
        let text = |index: usize| captures.get(index).map(|group| group.as_str());
        match name.parse::<usize>() {
            Ok(number) if name == "0" || !name.starts_with('0') => text(number),
            // Of several groups of one name, the first that matches.
            _ => {
                let named =
                    self.names.iter().zip(1..).filter(|(it, _)| it.as_deref() == Some(name));
                named.map(|(_, index)| index).find_map(text)
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Compiles what [`translate`] wrote, or a part of it.
pub(super) fn compile(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).size_limit(COMPILED).nest_limit(4_000).build().map_err(|e| match e {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        // The crate's text shows the translation, over several lines.
        _ => "a class, a name of Unicode or a character in it is not known".to_owned(),
    })
}

#[cfg(test)]
mod tests;
