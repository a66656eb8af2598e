//! Keys that nobody keeps: those that a page can have are made when it is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::Query;
use crate::digest::Checksums;
use crate::object::{Attributes, Content, Object};
use crate::options::Numbered;
use crate::store::Version;

/// The keys of a bucket that a page can have, the numbered ones among them; where both are, what is
/// kept counts.
pub(crate) fn beside(
    kept: &BTreeMap<String, Vec<Version>>,
    numbered: &Numbered,
    query: &Query,
) -> BTreeMap<String, Vec<Version>> {
    let object = Arc::new(Object {
        content: Content::default(),
        etag: "d41d8cd98f00b204e9800998ecf8427e".to_owned(),
        version_id: "null".to_owned(),
        last_modified: SystemTime::UNIX_EPOCH,
        attributes: Attributes::default(),
        tags: BTreeMap::new(),
        checksums: Checksums::default(),
        part_sizes: Vec::new(),
    });
    let key = |number: u64| format!("{}{number:07}{}", numbered.before, numbered.after);
    // The first that may be on the page: keys are in the order of their numbers.
    let after = query.after.as_deref().unwrap_or("").max(query.prefix.as_str());
    let (mut from, mut to) = (0, numbered.count);
    while from < to {
        let middle = from + (to - from) / 2;
        if key(middle).as_str() < after {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    // A page, the key before it, and the one that says whether there are more.
    let some = (from..numbered.count).map(key).take(query.limit.saturating_add(2));
    let mut all: BTreeMap<_, _> =
        some.map(|key| (key, vec![Version::Object(Arc::clone(&object))])).collect();
    all.extend(kept.iter().map(|(key, versions)| (key.clone(), versions.clone())));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::{Entry, list};

    #[test]
    fn pages_have_every_number_once() {
        let numbered = Numbered { before: "r/a-".into(), after: ".z".into(), count: 25 };
        let kept = BTreeMap::from([(
            "q".to_owned(),
            beside(&BTreeMap::new(), &numbered, &query("", None))
                .remove("r/a-0000000.z")
                .expect("one"),
        )]);
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let query = query("", after);
            let all = beside(&kept, &numbered, &query);
            let page = list(&all, &query, |_| true);
            let name = |entry: &Entry<'_>| match entry {
                Entry::Key(key, _) => (*key).to_owned(),
                Entry::Prefix(prefix) => prefix.clone(),
            };
            seen.extend(page.entries.iter().map(name));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let want: Vec<String> = std::iter::once("q".to_owned())
            .chain((0..25).map(|n| format!("r/a-{n:07}.z")))
            .collect();
        assert_eq!(seen, want);
        let below = query("r/a-000002", None);
        let all = beside(&kept, &numbered, &below);
        assert_eq!(list(&all, &below, |_| true).entries.len(), 5);
    }

    fn query(prefix: &str, after: Option<String>) -> Query {
        Query { prefix: prefix.to_owned(), after, limit: 10, ..Query::default() }
    }
}
