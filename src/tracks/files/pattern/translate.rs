//! Go's syntax, read character by character, and written as the `regex` crate reads it.

use super::class::{self, Class};

/// Deeper groups are refused: compiling them takes a stack.
const DEEPEST: usize = 200;
/// Go's bound on a repetition, nested ones multiplied.
const MOST: u32 = 1000;

/// What an expression becomes.
#[derive(Debug)]
pub(in crate::tracks::files) struct Translated {
    /// The whole, with every group.
    pub(in crate::tracks::files) text: String,
    /// The names of the groups; none: a group without a name.
    pub(in crate::tracks::files) names: Vec<Option<String>>,
    /// The pieces of each alternative outside of any group.
    pub(in crate::tracks::files) alternatives: Vec<Vec<Piece>>,
}

/// Something that a repetition sign can follow.
#[derive(Debug, Clone)]
pub(in crate::tracks::files) struct Piece {
    pub(in crate::tracks::files) text: String,
    pub(in crate::tracks::files) kind: Kind,
    /// The largest product of the bounds of nested repetitions.
    weight: u32,
}

/// What a walk needs to know of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tracks::files) enum Kind {
    /// This character and no other.
    Literal(char),
    /// The beginning of the text.
    Start,
    /// The end of the text.
    End,
    /// Anything else; whether a `/` is written in it as something that it matches.
    Other { slash: bool },
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    fold: bool,
    multi: bool,
    dot_all: bool,
    ungreedy: bool,
}

/// A group that is open, or the whole.
#[derive(Debug, Default)]
struct Frame {
    open: &'static str,
    outside: Flags,
    alternatives: Vec<Vec<Piece>>,
    pieces: Vec<Piece>,
}

impl Frame {
    fn end_alternative(&mut self) {
        self.alternatives.push(std::mem::take(&mut self.pieces));
    }
}

/// Reads Go's syntax; the error is why it is none.
pub(in crate::tracks::files) fn translate(pattern: &str) -> Result<Translated, String> {
    let mut frames = vec![Frame::default()];
    let mut names: Vec<Option<String>> = Vec::new();
    let mut flags = Flags::default();
    let mut rest = pattern;
    // Whether the piece before is a repetition: another may not follow.
    let mut repeated = false;
    while let Some(c) = rest.chars().next() {
        let was_repeated = std::mem::replace(&mut repeated, false);
        let depth = frames.len();
        let Some(frame) = frames.last_mut() else { break };
        let mut push =
            |text: String, kind: Kind| frame.pieces.push(Piece { text, kind, weight: 1 });
        let after = &rest[c.len_utf8()..];
        let other = Kind::Other { slash: false };
        match c {
            '(' => {
                let (open, inner, next) = group(after, flags, &mut names)?;
                rest = next;
                match open {
                    None => flags = inner,
                    Some(_) if depth > DEEPEST => return Err("its groups nest too deep".into()),
                    Some(open) => {
                        frames.push(Frame { open, outside: flags, ..Frame::default() });
                        flags = inner;
                    }
                }
                continue;
            }
            '|' => frame.end_alternative(),
            ')' => {
                frame.end_alternative();
                let Some(closed) = frames.pop().filter(|_| depth > 1) else {
                    return Err("a `)` without a `(`".into());
                };
                flags = closed.outside;
                if let Some(parent) = frames.last_mut() {
                    parent.pieces.push(piece_of(closed));
                }
            }
            '^' if flags.multi => push("(?m:^)".into(), other),
            '^' => push(r"\A".into(), Kind::Start),
            '$' if flags.multi => push("(?m:$)".into(), other),
            '$' => push(r"\z".into(), Kind::End),
            '.' if flags.dot_all => push("(?s:.)".into(), other),
            '.' => push(r"[^\n]".into(), other),
            '[' => {
                let (class, next) = class::bracketed(after)?;
                push(class.text(flags.fold), Kind::Other { slash: class.has_slash() });
                rest = next;
                continue;
            }
            '*' | '+' | '?' | '{' => {
                let (least, most, next) = match (c, bounds(after)) {
                    ('*', _) => (0, None, after),
                    ('+', _) => (1, None, after),
                    ('?', _) => (0, Some(1), after),
                    (_, Some(found)) => found,
                    (_, None) => {
                        push(r"\{".into(), Kind::Literal('{'));
                        rest = after;
                        continue;
                    }
                };
                let (lazy, next) = next.strip_prefix('?').map_or((false, next), |it| (true, it));
                let most_of_all = most.unwrap_or(0).max(least);
                if most_of_all > MOST || most.is_some_and(|most| most < least) {
                    return Err(
                        "a repeat count above 1,000, or one that ends before it begins".into()
                    );
                }
                if was_repeated {
                    return Err("a repetition of a repetition, such as `**`".into());
                }
                let Some(piece) = frame.pieces.last_mut() else {
                    return Err(format!("nothing before `{c}` to repeat"));
                };
                repeat(piece, c, (least, most), lazy != flags.ungreedy)?;
                repeated = true;
                rest = next;
                continue;
            }
            '\\' => {
                rest = escaped(after, flags, &mut push)?;
                continue;
            }
            c => literal(c, flags, &mut push),
        }
        rest = after;
    }
    let whole = frames.pop().filter(|_| frames.is_empty());
    let Some(mut whole) = whole else { return Err("a `(` without its `)`".into()) };
    whole.end_alternative();
    Ok(Translated { text: join(&whole.alternatives), names, alternatives: whole.alternatives })
}

fn join(alternatives: &[Vec<Piece>]) -> String {
    let texts: Vec<String> = alternatives.iter().map(|pieces| concat(pieces)).collect();
    texts.join("|")
}

/// Pieces one after the other.
pub(in crate::tracks::files) fn concat(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

fn piece_of(closed: Frame) -> Piece {
    let pieces = || closed.alternatives.iter().flatten();
    Piece {
        text: format!("{}{})", closed.open, join(&closed.alternatives)),
        kind: Kind::Other { slash: pieces().any(Piece::has_slash) },
        weight: pieces().map(|piece| piece.weight).max().unwrap_or(1),
    }
}

impl Piece {
    /// Whether a `/` is written in it as something that it matches.
    pub(in crate::tracks::files) fn has_slash(&self) -> bool {
        matches!(self.kind, Kind::Literal('/') | Kind::Other { slash: true })
    }
}

fn repeat(
    piece: &mut Piece,
    sign: char,
    (least, most): (u32, Option<u32>),
    lazy: bool,
) -> Result<(), String> {
    let sign = match (sign, most) {
        ('{', None) => format!("{{{least},}}"),
        ('{', Some(most)) => format!("{{{least},{most}}}"),
        (sign, _) => sign.to_string(),
    };
    if sign.starts_with('{') {
        let factor = most.unwrap_or(least);
        piece.weight = if factor == 0 { 1 } else { piece.weight.saturating_mul(factor) };
        if piece.weight > MOST {
            return Err("repeat counts that multiply to more than 1,000".into());
        }
    }
    piece.kind = Kind::Other { slash: piece.has_slash() };
    piece.text = format!("(?:{}){sign}{}", piece.text, if lazy { "?" } else { "" });
    Ok(())
}

/// What stands after `(`: how the group opens in the other syntax (none: it only sets flags), the
/// flags from here on, and what follows.
type Opened<'p> = (Option<&'static str>, Flags, &'p str);

fn group<'p>(
    after: &'p str,
    flags: Flags,
    names: &mut Vec<Option<String>>,
) -> Result<Opened<'p>, String> {
    let Some(special) = after.strip_prefix('?') else {
        names.push(None);
        return Ok((Some("("), flags, after));
    };
    if let Some(named) = special.strip_prefix("P<").or_else(|| special.strip_prefix('<')) {
        let (name, next) = named.split_once('>').unwrap_or(("", ""));
        if name.is_empty() || !name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) {
            return Err("a group's name is letters, digits and `_`, closed by `>`".into());
        }
        // Several groups may have one name, in Go.
        names.push(Some(name.to_owned()));
        return Ok((Some("("), flags, next));
    }
    let (mut new, mut on, mut any) = (flags, true, false);
    for (at, c) in special.char_indices() {
        let flag = match c {
            'i' => &mut new.fold,
            'm' => &mut new.multi,
            's' => &mut new.dot_all,
            'U' => &mut new.ungreedy,
            '-' if on => {
                (on, any) = (false, false);
                continue;
            }
            ':' | ')' if on || any => {
                let open = (c == ':').then_some("(?:");
                return Ok((open, new, &special[at + 1..]));
            }
            _ => break,
        };
        *flag = on;
        any = true;
    }
    Err("a `(?` that Go does not know".into())
}

/// The bounds after `{`, when that is what it is: else it is text.
fn bounds(after: &str) -> Option<(u32, Option<u32>, &str)> {
    fn number(text: &str) -> Option<(u32, &str)> {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, rest) = text.split_at(end);
        let is_number = !digits.is_empty() && (digits == "0" || !digits.starts_with('0'));
        is_number.then(|| (digits.parse().unwrap_or(u32::MAX), rest))
    }
    let (least, rest) = number(after)?;
    let (most, rest) = match rest.strip_prefix(',') {
        None => (Some(least), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => number(rest).map(|(most, rest)| (Some(most), rest))?,
    };
    rest.strip_prefix('}').map(|rest| (least, most, rest))
}

/// What stands after a backslash, outside of a class; the answer is what follows.
fn escaped<'p>(
    after: &'p str,
    flags: Flags,
    push: &mut impl FnMut(String, Kind),
) -> Result<&'p str, String> {
    let other = Kind::Other { slash: false };
    let Some(c) = after.chars().next() else { return Err(r"a `\` at its end".into()) };
    let next = &after[c.len_utf8()..];
    match c {
        'A' => push(r"\A".into(), Kind::Start),
        'z' => push(r"\z".into(), Kind::End),
        'b' => push(r"(?-u:\b)".into(), other),
        'B' => push(r"(?-u:\B)".into(), other),
        'Q' => {
            let (quoted, next) = next.split_once(r"\E").unwrap_or((next, ""));
            quoted.chars().for_each(|c| literal(c, flags, push));
            return Ok(next);
        }
        _ => {
            let mut class = Class::default();
            if let Some(next) = class.escape(after)? {
                push(class.text(flags.fold), other);
                return Ok(next);
            }
            let (c, next) = class::character(after)?;
            literal(c, flags, push);
            return Ok(next);
        }
    }
    Ok(next)
}

fn literal(c: char, flags: Flags, push: &mut impl FnMut(String, Kind)) {
    let escaped = class::escape(c);
    if flags.fold && c.is_alphabetic() {
        push(format!("(?i:{escaped})"), Kind::Other { slash: false });
    } else {
        push(escaped, Kind::Literal(c));
    }
}
