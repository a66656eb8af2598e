//! Pages of keys, in byte order, with prefixes rolled up: a pure function over the keys of a bucket.

pub(crate) mod numbered;

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::store::Version;

/// What a listing asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub(crate) prefix: String,
    /// Empty for none.
    pub(crate) delimiter: String,
    /// Only what comes after this key; if it is a rolled-up prefix, only what comes after all of it.
    pub(crate) after: Option<String>,
    pub(crate) limit: usize,
}

/// One line of a page.
#[derive(Clone, Debug)]
pub(crate) enum Entry<'a> {
    Key(&'a str, &'a [Version]),
    Prefix(String),
}

/// A page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page<'a> {
    pub(crate) entries: Vec<Entry<'a>>,
    /// The last name on this page, if there are more: where the next one begins.
    pub(crate) next: Option<String>,
}

/// Lists the keys for which `shown` holds.
pub(crate) fn list<'a>(
    keys: &'a BTreeMap<String, Vec<Version>>,
    query: &Query,
    shown: impl Fn(&[Version]) -> bool,
) -> Page<'a> {
    let mut page = Page::default();
    if query.limit == 0 {
        return page;
    }
    let mut start = first(query);
    let mut last = String::new();
    loop {
        let mut range = keys
            .range::<str, _>((start.as_ref().map(String::as_str), Bound::Unbounded))
            .skip_while(|(_, versions)| !shown(versions));
        let Some((key, versions)) = range.next() else { break };
        if !key.starts_with(&query.prefix) {
            break;
        }
        if page.entries.len() == query.limit {
            page.next = Some(last);
            break;
        }
        if let Some(rolled) = rolled_up(key, query) {
            page.entries.push(Entry::Prefix(rolled.to_owned()));
            last = rolled.to_owned();
            match after_all(rolled) {
                Some(next) => start = Bound::Included(next),
                None => break,
            }
        } else {
            page.entries.push(Entry::Key(key, versions));
            last.clone_from(key);
            start = Bound::Excluded(key.clone());
        }
    }
    page
}

fn first(query: &Query) -> Bound<String> {
    match &query.after {
        Some(after) if after.as_str() >= query.prefix.as_str() => {
            if rolled_up(after, query) == Some(after)
                && let Some(next) = after_all(after)
            {
                return Bound::Included(next);
            }
            Bound::Excluded(after.clone())
        }
        _ => Bound::Included(query.prefix.clone()),
    }
}

/// The common prefix that stands for a key, if one does.
fn rolled_up<'a>(key: &'a str, query: &Query) -> Option<&'a str> {
    if query.delimiter.is_empty() {
        return None;
    }
    let rest = key.strip_prefix(query.prefix.as_str())?;
    let at = rest.find(query.delimiter.as_str())?;
    key.get(..query.prefix.len() + at + query.delimiter.len())
}

/// The first text that sorts after everything with this prefix.
fn after_all(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let following = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(following) = following {
            text.push(following);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn keys(names: &[&str]) -> BTreeMap<String, Vec<Version>> {
        let version = |name: &&str| {
            let marker = Version::Marker { id: String::new(), modified: SystemTime::UNIX_EPOCH };
            ((*name).to_owned(), vec![marker])
        };
        names.iter().map(version).collect()
    }

    fn pages(
        keys: &BTreeMap<String, Vec<Version>>,
        prefix: &str,
        delimiter: &str,
        limit: usize,
    ) -> Vec<Vec<String>> {
        let mut query = Query {
            prefix: prefix.to_owned(),
            delimiter: delimiter.to_owned(),
            after: None,
            limit,
        };
        let mut all = Vec::new();
        loop {
            let page = list(keys, &query, |_| true);
            let name = |entry: &Entry<'_>| match entry {
                Entry::Key(key, _) => (*key).to_owned(),
                Entry::Prefix(prefix) => format!("{prefix}*"),
            };
            all.push(page.entries.iter().map(name).collect());
            match page.next {
                Some(next) => query.after = Some(next),
                None => return all,
            }
        }
    }

    #[test]
    fn byte_order_prefixes_and_pages() {
        let keys =
            keys(&["a b", "a/b", "a/c/d", "a/c/e", "a/f", "ab", "b", "é/x", "é/y", "z/\u{10ffff}"]);
        assert_eq!(
            pages(&keys, "", "/", 100),
            [["a b", "a/*", "ab", "b", "z/*", "é/*"].map(str::to_owned).to_vec()]
        );
        assert_eq!(
            pages(&keys, "a/", "/", 100),
            [["a/b", "a/c/*", "a/f"].map(str::to_owned).to_vec()]
        );
        for limit in 1..8 {
            for (prefix, delimiter) in [("", ""), ("", "/"), ("a/", "/"), ("a", "c"), ("é", "/")] {
                let whole = pages(&keys, prefix, delimiter, 100).concat();
                let cut = pages(&keys, prefix, delimiter, limit);
                assert_eq!(cut.concat(), whole, "{prefix} {delimiter} {limit}");
                assert!(cut.iter().all(|page| page.len() <= limit));
                assert_eq!(cut.len(), whole.len().div_ceil(limit).max(1));
            }
        }
    }
}
