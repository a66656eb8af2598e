//! Which prefixes are listed to find what a pattern names: the folders that can match, and no other.
//!
//! A path is taken apart at each `/`, as is the pattern, and each name must match its part; so the
//! walk finds what listing everything would find, see [`Walk::takes`]. Where the pattern has a `/`
//! inside of a group or a class, everything below is listed and the whole is matched.

use super::pattern::{Kind, Pattern, Piece, Translated, compile, concat};
use crate::words::fault::fault;
use regex::Regex;

/// The ways to the files that a pattern names.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// One for each alternative that has folders of its own.
    routes: Vec<Vec<Level>>,
    whole: Pattern,
}

/// A name of a path.
#[derive(Debug, Clone)]
enum Level {
    /// This one.
    Name(String),
    /// One that begins with these characters, and matches.
    Like(String, Regex),
    /// From here on anything that begins so, if the whole path matches.
    Anything(String),
}

/// A listing to ask for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    /// What the keys begin with.
    pub(super) prefix: String,
    /// Whether only the next name is looked at.
    pub(super) folders: bool,
    /// The folder that it is in.
    at: String,
    route: usize,
    level: usize,
}

impl Walk {
    /// The walk of a pattern.
    pub(super) fn of(translated: &Translated, whole: &Pattern) -> anyhow::Result<Walk> {
        let whole = whole.clone();
        let bad = |why: String| {
            let what = format!("source.regexp: {why}");
            fault(what, "a part between two slashes is too large to be compiled: make it simpler")
        };
        let has_folders = |pieces: &Vec<Piece>| pieces.iter().any(Piece::has_slash);
        let routes = if translated.alternatives.iter().any(has_folders) {
            let routes = translated.alternatives.iter().map(|it| route(bare(it)));
            routes.collect::<Result<_, _>>().map_err(bad)?
        } else if let [one] = translated.alternatives.as_slice() {
            vec![route(bare(one)).map_err(bad)?]
        } else {
            // Several alternatives of one name: one listing serves all.
            let texts = translated.alternatives.iter().map(|it| concat(bare(it)));
            let text = texts.collect::<Vec<_>>().join("|");
            vec![vec![Level::Like(String::new(), anchored(&text).map_err(bad)?)]]
        };
        Ok(Walk { routes, whole })
    }

    /// Where it begins.
    pub(super) fn begin(&self) -> Vec<Step> {
        (0..self.routes.len()).map(|route| self.step(String::new(), route, 0)).collect()
    }

    /// The listing of a level in a folder: literal names cost none.
    fn step(&self, mut at: String, route: usize, mut level: usize) -> Step {
        let levels = &self.routes[route];
        while let (Some(Level::Name(name)), true) = (levels.get(level), level + 1 < levels.len()) {
            at.push_str(name);
            at.push('/');
            level += 1;
        }
        let (start, folders) = match levels.get(level) {
            Some(Level::Name(start) | Level::Like(start, _)) => (start.as_str(), true),
            Some(Level::Anything(start)) => (start.as_str(), false),
            None => ("", true),
        };
        Step { prefix: format!("{at}{start}"), folders, at, route, level }
    }

    /// Whether an object that a step lists is one that the pattern names.
    pub(super) fn names(&self, step: &Step, path: &str) -> bool {
        let levels = &self.routes[step.route];
        let Some(name) = path.strip_prefix(&step.at).filter(|name| !name.is_empty()) else {
            return false;
        };
        match levels.get(step.level) {
            Some(Level::Anything(_)) => !path.ends_with('/') && self.whole.is_whole(path),
            Some(level) => {
                step.level + 1 == levels.len() && !name.contains('/') && level.matches(name)
            }
            None => false,
        }
    }

    /// The next listing, in a folder that a step lists; none where it is not on the way.
    pub(super) fn enter(&self, step: &Step, folder: &str) -> Option<Step> {
        let levels = &self.routes[step.route];
        let level = levels.get(step.level).filter(|_| step.level + 1 < levels.len())?;
        let name = folder.strip_prefix(&step.at)?.strip_suffix('/')?;
        level.matches(name).then(|| self.step(folder.to_owned(), step.route, step.level + 1))
    }

    /// Whether a path is one that the walk would find.
    pub(super) fn takes(&self, path: &str) -> bool {
        let is_on = |levels: &Vec<Level>| {
            let mut at = 0;
            for (i, level) in levels.iter().enumerate() {
                let rest = &path[at..];
                if let Level::Anything(start) = level {
                    return rest.starts_with(start) && self.whole.is_whole(path);
                }
                let (name, next) = match rest.find('/') {
                    Some(end) if i + 1 < levels.len() => (&rest[..end], at + end + 1),
                    None if i + 1 == levels.len() => (rest, path.len()),
                    _ => return false,
                };
                if !level.matches(name) {
                    return false;
                }
                at = next;
            }
            true
        };
        !path.is_empty() && !path.ends_with('/') && self.routes.iter().any(is_on)
    }

    /// The folders at the beginning that are literal, each with its `/`, and how many names follow.
    /// None where that cannot be said.
    pub(super) fn folders(&self) -> Option<(String, usize)> {
        let [levels] = self.routes.as_slice() else { return None };
        if levels.iter().any(|level| matches!(level, Level::Anything(_))) {
            return None;
        }
        let literal = levels[..levels.len() - 1].iter();
        let literal: Vec<&str> = literal
            .map_while(|level| match level {
                Level::Name(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let text = literal.iter().map(|name| format!("{name}/")).collect();
        Some((text, levels.len() - literal.len()))
    }
}

impl Level {
    fn matches(&self, name: &str) -> bool {
        match self {
            Level::Name(literal) => literal == name,
            Level::Like(start, regex) => name.starts_with(start) && regex.is_match(name),
            Level::Anything(_) => true,
        }
    }
}

/// An alternative without the anchors around it, which say nothing here.
fn bare(mut pieces: &[Piece]) -> &[Piece] {
    while let [Piece { kind: Kind::Start, .. }, rest @ ..] = pieces {
        pieces = rest;
    }
    while let [rest @ .., Piece { kind: Kind::End, .. }] = pieces {
        pieces = rest;
    }
    pieces
}

fn route(pieces: &[Piece]) -> Result<Vec<Level>, String> {
    let mut levels = Vec::new();
    let mut rest = pieces;
    loop {
        let is_slash = |piece: &Piece| piece.kind == Kind::Literal('/');
        let end = rest.iter().position(is_slash).unwrap_or(rest.len());
        let part = &rest[..end];
        let literal: String = part
            .iter()
            .map_while(|piece| match piece.kind {
                Kind::Literal(c) => Some(c),
                _ => None,
            })
            .collect();
        let is_deep = |piece: &Piece| {
            matches!(piece.kind, Kind::Other { slash: true } | Kind::Start | Kind::End)
        };
        if part.iter().any(is_deep) {
            levels.push(Level::Anything(literal));
            return Ok(levels);
        }
        levels.push(if literal.chars().count() == part.len() {
            Level::Name(literal)
        } else {
            Level::Like(literal, anchored(&concat(part))?)
        });
        match rest.get(end + 1..) {
            Some(after) if end < rest.len() => rest = after,
            _ => return Ok(levels),
        }
    }
}

fn anchored(text: &str) -> Result<Regex, String> {
    compile(&format!(r"\A(?:{text})\z"))
}

#[cfg(test)]
mod tests;
