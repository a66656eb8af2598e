//! The order of versions: the one of concourse/s3-resource for every version that it accepts, and
//! carried on for those that stop it.
//!
//! A version is `release-pre+post`, each part a list of components between dots. A component of
//! digits without a leading zero is a number, any other is a text, and numbers come before texts.
//! A missing component counts as 0, so `1` and `1.0` are equal. A pre-release comes before its
//! release, a post-release after it.
//!
//! s3-resource stops at other characters, at empty components, at a second `+` and at numbers above
//! 2^63. Here characters are compared as they are, an empty component is 0, all after the first `+`
//! is the post-release, and numbers may be of any length.

use std::cmp::Ordering;

/// A version, taken apart once so that it can be compared often.
#[derive(Debug, Clone)]
pub(super) struct Order {
    release: Box<[Component]>,
    pre: Box<[Component]>,
    post: Box<[Component]>,
}

/// What stands between two dots. The derived order is the one that is wanted: numbers first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Component {
    /// Digits without a leading zero.
    Number(u64),
    /// More digits than that takes; their count comes first, so the longer is the greater.
    Long(usize, Box<str>),
    Text(Box<str>),
}

impl Component {
    fn parse(text: &str) -> Component {
        let text = if text.is_empty() { "0" } else { text };
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        if digits && (text == "0" || !text.starts_with('0')) {
            let long = |_| Component::Long(text.len(), text.into());
            text.parse().map_or_else(long, Component::Number)
        } else {
            Component::Text(text.into())
        }
    }

    fn is_zero(&self) -> bool {
        *self == Component::Number(0)
    }
}

impl Order {
    /// Takes any text: each has its place.
    pub(super) fn of(version: &str) -> Order {
        let (rest, post) = version.split_once('+').unwrap_or((version, ""));
        let (release, pre) = rest.split_once('-').unwrap_or((rest, ""));
        let segment = |text: &str| match text {
            "" => Box::default(),
            text => text.split('.').map(Component::parse).collect(),
        };
        Order { release: segment(release), pre: segment(pre), post: segment(post) }
    }
}

impl Ord for Order {
    fn cmp(&self, other: &Order) -> Ordering {
        let pre = match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ => components(&self.pre, &other.pre),
        };
        let post = match (self.post.is_empty(), other.post.is_empty()) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            _ => components(&self.post, &other.post),
        };
        components(&self.release, &other.release).then(pre).then(post)
    }
}

impl PartialOrd for Order {
    fn partial_cmp(&self, other: &Order) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Order {
    fn eq(&self, other: &Order) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Order {}

/// Compares two lists as if the shorter went on with zeros.
fn components(a: &[Component], b: &[Component]) -> Ordering {
    let common = a.len().min(b.len());
    let longer = |rest: &[Component]| {
        if rest.iter().all(Component::is_zero) { Ordering::Equal } else { Ordering::Greater }
    };
    a[..common]
        .cmp(&b[..common])
        .then_with(|| longer(&a[common..]))
        .then_with(|| longer(&b[common..]).reverse())
}

#[cfg(test)]
mod tests;
