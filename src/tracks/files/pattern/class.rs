//! Classes of characters, and characters that are written with a backslash.

/// The items of a class, in the syntax of the `regex` crate.
#[derive(Debug, Default)]
pub(super) struct Class {
    items: String,
    negated: bool,
    slash: bool,
}

const DIGIT: &str = "0-9";
/// Without the vertical tab, as in Go.
const SPACE: &str = r"\t\n\x0C\r ";
const WORD: &str = "0-9A-Za-z_";

/// POSIX's classes, whose members are all ASCII.
const NAMED: [(&str, &str); 14] = [
    ("alnum", "0-9A-Za-z"),
    ("alpha", "A-Za-z"),
    ("ascii", r"\x00-\x7F"),
    ("blank", r"\t "),
    ("cntrl", r"\x00-\x1F\x7F"),
    ("digit", DIGIT),
    ("graph", "!-~"),
    ("lower", "a-z"),
    ("print", " -~"),
    ("punct", r"!-/:-@\x5B-`\x7B-~"),
    ("space", r"\t\n\x0B\x0C\r "),
    ("upper", "A-Z"),
    ("word", WORD),
    ("xdigit", "0-9A-Fa-f"),
];

impl Class {
    /// The class as a part of an expression.
    pub(super) fn text(&self, fold: bool) -> String {
        let class = format!("[{}{}]", if self.negated { "^" } else { "" }, self.items);
        if fold { format!("(?i:{class})") } else { class }
    }

    /// Whether a `/` is written in it as something that it matches.
    pub(super) fn has_slash(&self) -> bool {
        self.slash && !self.negated
    }

    fn nested(&mut self, items: &str, negated: bool) {
        self.items.push_str(&format!("[{}{items}]", if negated { "^" } else { "" }));
    }

    /// Takes a class that is written with a backslash, which stands before `after`; none: it is
    /// a character.
    pub(super) fn escape<'p>(&mut self, after: &'p str) -> Result<Option<&'p str>, String> {
        let Some(c) = after.chars().next() else { return Ok(None) };
        let next = &after[c.len_utf8()..];
        match c {
            'd' | 'D' => self.nested(DIGIT, c == 'D'),
            's' | 'S' => self.nested(SPACE, c == 'S'),
            'w' | 'W' => self.nested(WORD, c == 'W'),
            'p' | 'P' => return self.unicode(next, c == 'P').map(Some),
            _ => return Ok(None),
        }
        Ok(Some(next))
    }

    fn unicode<'p>(&mut self, after: &'p str, negated: bool) -> Result<&'p str, String> {
        let (name, next) = match after.strip_prefix('{') {
            Some(inner) => inner.split_once('}').ok_or(r"a `\p{` without its `}`")?,
            None => after.split_at(after.chars().next().map_or(0, char::len_utf8)),
        };
        let (name, negated) = match name.strip_prefix('^') {
            Some(name) => (name, !negated),
            None => (name, negated),
        };
        if name.is_empty() || !name.chars().all(|c| c == '_' || c.is_ascii_alphabetic()) {
            return Err(r"a `\p` without a name of Unicode".into());
        }
        self.items.push_str(&format!(r"\{}{{{name}}}", if negated { 'P' } else { 'p' }));
        Ok(next)
    }
}

/// Reads a class behind its `[`; the answer has what follows its `]`.
pub(super) fn bracketed(after: &str) -> Result<(Class, &str), String> {
    let mut class = Class::default();
    let mut rest = after;
    if let Some(next) = rest.strip_prefix('^') {
        class.negated = true;
        rest = next;
    }
    let mut is_first = true;
    loop {
        if let Some(next) = rest.strip_prefix(']')
            && !is_first
        {
            return Ok((class, next));
        }
        is_first = false;
        if let Some(inner) = rest.strip_prefix("[:")
            && let Some((name, next)) = inner.split_once(":]")
        {
            let (bare, negated) = name.strip_prefix('^').map_or((name, false), |it| (it, true));
            let Some((_, items)) = NAMED.iter().find(|(known, _)| *known == bare) else {
                return Err("a class between `[:` and `:]` that Go does not know".into());
            };
            class.nested(items, negated);
            rest = next;
            continue;
        }
        if let Some(after) = rest.strip_prefix('\\')
            && let Some(next) = class.escape(after)?
        {
            rest = next;
            continue;
        }
        let (low, next) = member(rest)?;
        let (high, next) = match next.strip_prefix('-') {
            Some(end) if !end.is_empty() && !end.starts_with(']') => member(end)?,
            _ => (low, next),
        };
        if high < low {
            return Err("a range in a class that ends before it begins".into());
        }
        class.slash |= low == '/' || high == '/';
        class.items.push_str(&format!("{}-{}", escape(low), escape(high)));
        rest = next;
    }
}

/// A character of a class, and what follows it.
fn member(text: &str) -> Result<(char, &str), String> {
    match text.chars().next() {
        None => Err("a `[` without its `]`".into()),
        Some('\\') => character(&text[1..]),
        Some(c) => Ok((c, &text[c.len_utf8()..])),
    }
}

/// A character that is written with a backslash, which stands before `after`, and what follows it.
pub(super) fn character(after: &str) -> Result<(char, &str), String> {
    let bad = |what: &str| Err(format!(r"`\{what}` is no escape of Go's"));
    let Some(c) = after.chars().next() else { return bad("") };
    let next = &after[c.len_utf8()..];
    let octal = |at: usize| after.as_bytes().get(at).is_some_and(|b| matches!(b, b'0'..=b'7'));
    let found = match c {
        '0'..='7' if c == '0' || octal(1) => {
            let end = (1..3).take_while(|at| octal(*at)).last().map_or(1, |at| at + 1);
            return Ok((number(&after[..end], 8)?, &after[end..]));
        }
        'x' => {
            if let Some(inner) = next.strip_prefix('{') {
                let (digits, next) = inner.split_once('}').ok_or(r"a `\x{` without its `}`")?;
                return Ok((number(digits, 16)?, next));
            }
            let digits = next.get(..2).ok_or(r"a `\x` without two digits")?;
            return Ok((number(digits, 16)?, &next[2..]));
        }
        'a' => '\x07',
        'f' => '\x0C',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0B',
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
        c => return bad(&c.escape_debug().to_string()),
    };
    Ok((found, next))
}

fn number(digits: &str, radix: u32) -> Result<char, String> {
    let is_plain = digits.chars().all(|c| c.is_digit(radix));
    let number = u32::from_str_radix(digits, radix).ok().filter(|_| is_plain);
    let c = number.and_then(char::from_u32);
    c.ok_or_else(|| "an escape by number that is no character".to_owned())
}

/// A character as nothing but itself.
pub(super) fn escape(c: char) -> String {
    if c.is_ascii_alphanumeric() { c.to_string() } else { format!(r"\x{{{:X}}}", u32::from(c)) }
}
