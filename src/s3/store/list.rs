//! ListObjectsV2: a page of the keys under a prefix, all of them, or only their folders.

use super::evidence::NoPages;
use super::{Failure, Operation, Store, failure};
use crate::words::names::shown;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::EncodingType;
use std::collections::BTreeSet;

/// An object in a listing.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// When it was last written, seconds since 1970.
    pub modified: i64,
}

/// What is listed under a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every key.
    Keys,
    /// Keys that have a `/` after the prefix as their folders only.
    Folders,
}

/// A page of a listing.
#[derive(Debug, Default)]
pub struct ListedPage {
    /// The objects.
    pub objects: Vec<Listed>,
    /// The folders, each of which ends in `/`; only where they were asked for.
    pub folders: Vec<String>,
    /// Where the next page begins; none at the end.
    pub next: Option<Mark>,
}

/// Where a page begins, and what the one before held: a server may answer the same page for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    token: String,
    /// Its first key; none: it had folders only.
    first: Option<String>,
    folders: Vec<String>,
}

impl Store {
    /// Every object whose key starts with a prefix, sorted by key whatever order the server has.
    pub async fn list(&self, prefix: &str) -> anyhow::Result<Vec<Listed>> {
        self.list_after(prefix, None).await
    }

    /// As [`Store::list`], of those whose keys come after one: the others cost no request. Only
    /// for keys that every server orders alike: digits after the same folder.
    pub async fn list_after(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> anyhow::Result<Vec<Listed>> {
        let (mut all, mut mark) = (Vec::new(), None);
        loop {
            let page = self.listed(prefix, Depth::Keys, after, mark.as_ref()).await?;
            all.extend(page.objects);
            mark = page.next;
            if mark.is_none() {
                break;
            }
        }
        all.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(all)
    }

    /// The names of the folders directly below a prefix that ends in `/`: a page of the listing holds a
    /// thousand, whatever lies in them.
    pub async fn folders(&self, prefix: &str) -> anyhow::Result<BTreeSet<String>> {
        let (mut all, mut mark) = (BTreeSet::new(), None);
        loop {
            let page = self.page(prefix, Depth::Folders, mark.as_ref()).await?;
            all.extend(folder_names(&page, prefix));
            mark = page.next;
            if mark.is_none() {
                return Ok(all);
            }
        }
    }

    /// A page of the keys under a prefix: the first, or the one at a mark. For listings that are too
    /// long to be kept.
    pub async fn page(
        &self,
        prefix: &str,
        depth: Depth,
        mark: Option<&Mark>,
    ) -> anyhow::Result<ListedPage> {
        self.listed(prefix, depth, None, mark).await
    }

    async fn listed(
        &self,
        prefix: &str,
        depth: Depth,
        after: Option<&str>,
        mark: Option<&Mark>,
    ) -> anyhow::Result<ListedPage> {
        let page = self
            .attempts(Operation::ListObjectsV2, prefix, || async {
                let request = self.client.list_objects_v2().bucket(self.access.bucket.as_str());
                let request = request
                    .prefix(prefix)
                    .encoding_type(EncodingType::Url)
                    .set_delimiter((depth == Depth::Folders).then(|| "/".to_owned()))
                    .set_start_after(after.map(str::to_owned))
                    .set_continuation_token(mark.map(|mark| mark.token.clone()));
                let request = request.customize().interceptor(NoPages);
                request.send().await.map_err(failure::of)
            })
            .await
            .and_then(|page| read(page, prefix, mark));
        page.map_err(|e| self.explain(e, Operation::ListObjectsV2, prefix))
    }
}

/// The names of a page's folders. A server that ignores the delimiter lists what lies in them.
fn folder_names<'a>(page: &'a ListedPage, prefix: &'a str) -> impl Iterator<Item = String> {
    let objects = page.objects.iter().map(|object| object.key.as_str());
    let all = page.folders.iter().map(String::as_str).chain(objects);
    all.filter_map(move |key| {
        let (name, _) = key.strip_prefix(prefix)?.split_once('/')?;
        Some(name.to_owned())
    })
}

/// Reads a page. A name that does not start with what was asked for is another than it seems, or
/// somebody else's: nothing may be decided on it.
pub(super) fn read(
    page: ListObjectsV2Output,
    prefix: &str,
    mark: Option<&Mark>,
) -> Result<ListedPage, Failure> {
    // Asked to encode keys, so that any key survives XML, a server says whether it did.
    let encoded = page.encoding_type == Some(EncodingType::Url);
    let mut objects = Vec::new();
    for object in page.contents.unwrap_or_default() {
        objects.push(Listed {
            key: name(&object.key.unwrap_or_default(), encoded, prefix)?,
            size: object.size.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
            modified: object.last_modified.map_or(0, |time| time.secs()),
        });
    }
    let below = page.common_prefixes.unwrap_or_default().into_iter();
    let folders: Vec<String> = below
        .map(|it| name(&it.prefix.unwrap_or_default(), encoded, prefix))
        .collect::<Result<_, _>>()?;
    let first = objects.first().map(|object| object.key.clone());
    let is_same = mark.is_some_and(|last| match &first {
        Some(first) => last.first.as_ref() == Some(first),
        None => !folders.is_empty() && last.folders == folders,
    });
    if is_same {
        return Err(Failure::listing("the listing comes with the same page again"));
    }
    let next = match page.next_continuation_token.filter(|token| !token.is_empty()) {
        _ if page.is_truncated != Some(true) => None,
        None => {
            let why = "the listing is cut off, and does not say where it goes on";
            return Err(Failure::listing(why));
        }
        Some(token) if mark.is_some_and(|last| last.token == token) => {
            return Err(Failure::listing("the listing goes on where it was before"));
        }
        Some(token) => Some(Mark { token, first, folders: folders.clone() }),
    };
    Ok(ListedPage { objects, folders, next })
}

/// A name of a listing that must begin so: encoded as in a URL where the answer says that it is.
pub(super) fn name(listed: &str, encoded: bool, prefix: &str) -> Result<String, Failure> {
    let name = if encoded { decoded(listed) } else { listed.to_owned() };
    if name.is_empty() || !name.starts_with(prefix) {
        return Err(Failure::listing(format!(
            "the listing has the key `{}`, which does not start with `{}`",
            shown(&name),
            shown(prefix)
        )));
    }
    Ok(name)
}

/// A key of a listing that is encoded as in the query of a URL.
fn decoded(key: &str) -> String {
    percent_encoding::percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::types::{CommonPrefix, Object};

    fn page(
        keys: &[&str],
    ) -> aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2OutputBuilder {
        let objects = keys.iter().map(|key| Object::builder().key(*key).build()).collect();
        ListObjectsV2Output::builder().set_contents(Some(objects))
    }

    fn objects(page: ListObjectsV2Output, prefix: &str) -> Result<Vec<Listed>, Failure> {
        read(page, prefix, None).map(|page| page.objects)
    }

    #[test]
    fn keys_are_decoded_as_the_answer_says() {
        let cases = [("a%2Bb", "a+b"), ("a+b", "a b"), ("a%C3%A9%25", "aé%"), ("a/b", "a/b")];
        for (listed, key) in cases {
            let encoded = page(&[listed]).encoding_type(EncodingType::Url).build();
            assert_eq!(objects(encoded, "a").expect("a page")[0].key, key);
            assert_eq!(objects(page(&[listed]).build(), "a").expect("a page")[0].key, listed);
        }
    }

    #[test]
    fn keys_outside_of_the_prefix_are_an_error() {
        for key in ["b/1", "", "a", "a%2F1"] {
            assert!(objects(page(&["a/1", key]).build(), "a/").is_err(), "{key}");
        }
        assert!(objects(page(&["a/1", "a/2"]).build(), "a/").is_ok());
    }

    #[test]
    fn a_listing_ends_goes_on_or_is_refused() {
        let last = Mark { token: "t1".into(), first: Some("a".into()), folders: Vec::new() };
        let cut = |keys: &[&str]| page(keys).is_truncated(true);
        let next = |page: &ListObjectsV2Output| {
            let page = read(page.clone(), "", Some(&last))?;
            Ok::<_, Failure>(page.next.map(|mark| mark.token))
        };
        assert_eq!(next(&page(&["b"]).build()).expect("an end"), None);
        let on = cut(&["b"]).next_continuation_token("t2").build();
        assert_eq!(next(&on).expect("more").as_deref(), Some("t2"));
        // A page may be empty, and an end may have a token.
        assert!(next(&cut(&[]).next_continuation_token("t2").build()).is_ok());
        assert_eq!(next(&page(&[]).next_continuation_token("t2").build()).expect("an end"), None);
        for bad in [
            cut(&["b"]).build(),
            cut(&["b"]).next_continuation_token("").build(),
            cut(&["b"]).next_continuation_token("t1").build(),
            cut(&["a"]).next_continuation_token("t2").build(),
            page(&["a"]).build(),
        ] {
            assert!(next(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_same_folders_again_are_no_progress() {
        let folders = |names: &[&str]| {
            let all = names.iter().map(|name| CommonPrefix::builder().prefix(*name).build());
            let page = ListObjectsV2Output::builder().set_common_prefixes(Some(all.collect()));
            page.is_truncated(true).next_continuation_token("t2").build()
        };
        let last = Mark { token: "t1".into(), first: None, folders: vec!["a/".into()] };
        assert!(read(folders(&["a/"]), "", Some(&last)).is_err());
        for more in [&["a/", "b/"][..], &["b/"], &[]] {
            assert!(read(folders(more), "", Some(&last)).is_ok(), "{more:?}");
        }
    }

    #[test]
    fn names_of_folders() {
        let page = |folders: &[&str], keys: &[&str], encoded: bool| {
            let folder = |it: &&str| CommonPrefix::builder().prefix(*it).build();
            let object = |it: &&str| Object::builder().key(*it).build();
            let page = ListObjectsV2Output::builder()
                .set_common_prefixes(Some(folders.iter().map(folder).collect()))
                .set_contents(Some(keys.iter().map(object).collect()))
                .set_encoding_type(encoded.then_some(EncodingType::Url))
                .build();
            let page = read(page, "a/", None)?;
            let names: BTreeSet<String> = folder_names(&page, "a/").collect();
            Ok::<_, Failure>(Vec::from_iter(names).join(" "))
        };
        let good = |folders: &[&str], keys: &[&str], encoded| {
            page(folders, keys, encoded).expect("a page")
        };
        assert_eq!(good(&["a/1.1/", "a/2.1/"], &["a/", "a/file"], true), "1.1 2.1");
        assert_eq!(good(&["a/x%2By+z/"], &[], true), "x+y z");
        assert_eq!(good(&["a/x%2By+z/"], &[], false), "x%2By+z");
        assert_eq!(good(&[], &["a/1.1/", "a/1.1/f", "a/2.1/x/y", "a/f"], true), "1.1 2.1");
        for key in ["b/1.1/", "a%2F1/"] {
            assert!(page(&[key], &[], false).is_err(), "{key}");
        }
    }
}
