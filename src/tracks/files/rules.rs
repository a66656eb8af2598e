//! What a version of a file is, which ones a check answers, and under which key a put writes.

use super::order::Order;
use super::source::{By, Named};
use crate::input::protocol::{Metadata, Version, metadata};
use crate::words::fault::fault;
use crate::words::names::shown;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The names of what a get writes beside the file.
pub(super) const VERSION: &str = "version";
pub(super) const URL: &str = "url";
pub(super) const S3_URI: &str = "s3_uri";
pub(super) const TAGS: &str = "tags.json";

/// A version before all others, that need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Initial {
    /// A path, or the id of a version.
    pub(super) version: String,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(String),
    Base64(String),
}

impl Initial {
    pub(super) fn new(version: &str, text: Option<&str>, binary: Option<&str>) -> Initial {
        let content = match binary {
            Some(binary) => Content::Base64(binary.to_owned()),
            None => Content::Text(text.unwrap_or("").to_owned()),
        };
        Initial { version: version.to_owned(), content }
    }

    /// What its file holds.
    pub(super) fn bytes(&self) -> anyhow::Result<Vec<u8>> {
        let bytes = match &self.content {
            Content::Text(text) => Some(text.clone().into_bytes()),
            Content::Base64(text) => {
                // Line ends are no part of it, as in Go.
                let text = text.replace(['\r', '\n'], "");
                base64_simd::STANDARD.decode_to_vec(text).ok()
            }
        };
        bytes.ok_or_else(|| {
            fault(
                "source: failed to decode initial_content_binary, make sure it's base64 encoded",
                "`base64 -w0 FILE` makes it; a text goes into initial_content_text",
            )
        })
    }
}

/// The key of a version of `regexp`.
pub(super) const PATH: &str = "path";
/// The key of a version of `versioned_file`.
pub(super) const VERSION_ID: &str = "version_id";

/// The version of a file that `regexp` names.
pub(super) fn of_path(path: &str) -> Version {
    Version::from([(PATH.to_owned(), path.to_owned())])
}

/// A version of `versioned_file`.
pub(super) fn of_id(id: &str) -> Version {
    Version::from([(VERSION_ID.to_owned(), id.to_owned())])
}

/// Where a file stands among the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Before all others.
    First,
    /// When it was written, seconds since 1970.
    Time(i64),
    /// By the version in its path.
    Version(Order),
}

impl Named {
    /// The rank of a file; none where its path has no version.
    pub(super) fn rank(&self, path: &str, modified: i64) -> Option<Rank> {
        let version = self.pattern.version_in(path)?;
        Some(match self.by {
            By::Version => Rank::Version(Order::of(version)),
            By::Time => Rank::Time(modified),
        })
    }
}

/// The files that a check answers, kept while listings pass by: those from the given one on, or the
/// newest few.
#[derive(Debug)]
pub(super) struct Answer {
    given: Option<Rank>,
    /// From the given one on.
    since: Vec<(Rank, Box<str>)>,
    /// The newest, the oldest of them on top.
    newest: BinaryHeap<Reverse<(Rank, Box<str>)>>,
    limit: usize,
}

impl Answer {
    /// `given` is the rank of the version that Concourse has, where it is one of `regexp`'s;
    /// `limit`, how many of the newest are answered where it is not.
    pub(super) fn new(given: Option<Rank>, limit: usize) -> Answer {
        Answer { given, since: Vec::new(), newest: BinaryHeap::new(), limit: limit.max(1) }
    }

    /// Takes a file.
    pub(super) fn take(&mut self, rank: Rank, path: &str) {
        if self.given.as_ref().is_some_and(|given| rank >= *given) {
            self.since.push((rank, path.into()));
            return;
        }
        let is_full = self.newest.len() >= self.limit;
        let oldest = self.newest.peek().map(|Reverse((rank, path))| (rank, &**path));
        if is_full && oldest.is_some_and(|oldest| oldest >= (&rank, path)) {
            return;
        }
        self.newest.push(Reverse((rank, path.into())));
        if self.newest.len() > self.limit {
            self.newest.pop();
        }
    }

    /// The paths, oldest first. An initial path comes before all, where it is not older than the
    /// given one; and it is the answer where there is nothing else.
    pub(super) fn finish(self, initial: Option<(Option<Rank>, &str)>) -> Vec<Box<str>> {
        let mut found = match self.since.is_empty() {
            false => self.since,
            true => self.newest.into_iter().map(|Reverse(it)| it).collect(),
        };
        found.sort_unstable();
        let mut paths: Vec<Box<str>> = found.into_iter().map(|(_, path)| path).collect();
        if let Some((rank, path)) = initial
            && !paths.iter().any(|it| **it == *path)
        {
            let since_given = self.given.is_some() && rank >= self.given;
            if paths.is_empty() || since_given || self.given.is_none() && paths.len() < self.limit {
                paths.insert(0, path.into());
            }
        }
        paths
    }
}

/// The ids that a check of `versioned_file` answers, oldest first; `ids` are the newest first.
pub(super) fn since(mut ids: Vec<String>, given: Option<&str>, limit: usize) -> Vec<String> {
    let keep = match given.map(|given| ids.iter().position(|id| id == given)) {
        Some(Some(at)) => at + 1,
        Some(None) => 1,
        None => limit.max(1),
    };
    ids.truncate(keep);
    ids.reverse();
    ids
}

/// The path under which a put writes a file, whose own path below the inputs is `local`.
pub(super) fn destination(named: &Named, local: &str, to: Option<&To>) -> anyhow::Result<String> {
    let base = local.rsplit('/').next().unwrap_or(local);
    let path = match to {
        Some(To::Folder(folder)) => cleaned(&format!("{folder}/{base}")),
        Some(To::Path(path)) => cleaned(path),
        None => match named.walk.folders() {
            // A version in a folder comes from the folder that the file is in.
            Some((folders, names)) => {
                let own: Vec<&str> = local.split('/').rev().take(names).collect();
                let own: Vec<&str> = own.into_iter().rev().collect();
                format!("{folders}{}", own.join("/"))
            }
            None => {
                let text = named.pattern.as_str();
                let folder = text.trim_start_matches('^').rsplit_once('/').map_or("", |it| it.0);
                cleaned(&format!("{folder}/{base}"))
            }
        },
    };
    if named.walk.takes(&path) && named.pattern.version_in(&path).is_some() {
        return Ok(path);
    }
    let text = shown(named.pattern.as_str());
    if named.walk.takes(&path) {
        return Err(fault(
            format!("`{}` matches regexp `{text}`, which has no group", shown(&path)),
            "put what the version is between parentheses, for example `app-(.*).tgz`: else no check finds it",
        ));
    }
    Err(fault(
        format!("`{}` does not match regexp `{text}`, so no check would find it", shown(&path)),
        "give the file a name that matches; where a folder's name holds the version, put the file into such a folder",
    ))
}

/// What `to` says, as s3-resource reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    /// A folder, and the file keeps its name.
    Folder(String),
    /// The whole path.
    Path(String),
}

/// A path without empty names and `.`, and with each `..` taken for the folder above.
pub(super) fn cleaned(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => (),
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}

/// What the build page shows of a file: a URL only where everybody may have it.
pub(super) fn describe(path: &str, url: Option<&str>) -> Vec<Metadata> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let url = url.map(|url| metadata("url", url));
    [metadata("filename", name)].into_iter().chain(url).collect()
}

#[cfg(test)]
mod tests;
