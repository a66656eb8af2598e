//! What is tried out, one thing after the other.

use crate::s3::store::{Condition, Expiry, Facts, Proof, Store, Versioning, Written};
use crate::words::digest::Sha256;
use crate::words::fault::hint_of;
use crate::words::names::{Key, Prefix, shown};
use crate::words::object::ObjectOptions;
use anyhow::Context as _;
use bytes::Bytes;
use futures_util::future::try_join_all;
use serde::Serialize;

/// Something that is tried out, or asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Probe {
    #[serde(rename = "reach")]
    Reach,
    #[serde(rename = "signed by")]
    Signer,
    #[serde(rename = "clock")]
    Clock,
    #[serde(rename = "put")]
    Put,
    #[serde(rename = "get")]
    Get,
    #[serde(rename = "missing object")]
    Missing,
    #[serde(rename = "checksums")]
    Checksums,
    #[serde(rename = "create-only put")]
    CreateOnly,
    #[serde(rename = "put if unchanged")]
    Unchanged,
    #[serde(rename = "sixteen at once")]
    Sixteen,
    #[serde(rename = "copy")]
    Copy,
    #[serde(rename = "multipart")]
    Multipart,
    #[serde(rename = "listing")]
    Listing,
    #[serde(rename = "zero-byte folder keys")]
    FolderKey,
    #[serde(rename = "versions")]
    Versions,
    #[serde(rename = "lifecycle")]
    Lifecycle,
    #[serde(rename = "encryption")]
    Encryption,
    #[serde(rename = "delete")]
    Delete,
}

impl Probe {
    /// Its name, for people and programs.
    pub(super) fn name(self) -> String {
        let name = serde_json::to_value(self).unwrap_or_default();
        name.as_str().unwrap_or_default().to_owned()
    }
}

/// What one probe found: a few words, or what is wrong.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) probe: Probe,
    pub(super) result: Result<String, Trouble>,
}

/// What is wrong, and what to do.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) what: String,
    pub(super) hint: String,
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Trouble {
        let hint = hint_of(&error).unwrap_or_default().to_owned();
        Trouble { what: format!("{error:#}"), hint }
    }
}

fn trouble(what: impl Into<String>, hint: &str) -> anyhow::Error {
    crate::words::fault::fault(what.into(), hint)
}

/// The probes of a bucket.
pub(super) struct Probes<'a> {
    pub(super) store: &'a Store,
    /// Everything is written below it.
    pub(super) folder: &'a Prefix,
    /// Below which the track keeps what it has.
    pub(super) prefix: &'a str,
}

/// A name with what servers, proxies and listings get wrong.
const ODD: &str = "a b+c%20&é/lib++.txt";
const BYTES: &[u8] = b"s3-asset doctor";
/// What is found of versions in a bucket that never kept any.
pub(super) const NOT_KEPT: &str = "not kept";
/// S3's least size of a part that is not the last.
const PART: usize = 5 << 20;

impl Probes<'_> {
    /// Tries everything out; when the bucket cannot be reached, nothing else, and where nothing can be
    /// written, what needs no object. An error is one of this machine.
    pub(super) async fn all(&self) -> anyhow::Result<Vec<Found>> {
        let mut all = Vec::new();
        let mut tell = |probe, result: anyhow::Result<String>| {
            let is_good = result.is_ok();
            all.push(Found { probe, result: result.map_err(Trouble::from) });
            is_good
        };
        tell(Probe::Signer, self.signer().await);
        let is_reached = tell(Probe::Reach, self.reach().await);
        let ahead = self.store.clock_ahead();
        if is_reached || ahead.is_some() {
            tell(Probe::Clock, clock(ahead));
        }
        if !is_reached {
            return Ok(all);
        }
        let is_written = tell(Probe::Put, self.put().await);
        if is_written {
            tell(Probe::Get, self.get().await);
        }
        tell(Probe::Missing, self.missing().await);
        if is_written {
            self.of_what_is_written(&mut tell).await;
        }
        tell(Probe::Versions, self.versions().await);
        tell(Probe::Lifecycle, self.lifecycle().await);
        tell(Probe::Encryption, self.encryption().await);
        if is_written {
            tell(Probe::Delete, self.delete().await);
        }
        Ok(all)
    }

    /// What needs an object, or writes more of them.
    async fn of_what_is_written(
        &self,
        tell: &mut impl FnMut(Probe, anyhow::Result<String>) -> bool,
    ) {
        tell(Probe::Checksums, self.checksums().await);
        tell(Probe::CreateOnly, self.create_only().await);
        tell(Probe::Unchanged, self.unchanged().await);
        tell(Probe::Sixteen, self.sixteen().await);
        tell(Probe::Copy, self.copy().await);
        tell(Probe::Multipart, self.multipart().await);
        tell(Probe::Listing, self.listing().await);
        tell(Probe::FolderKey, self.folder_key().await);
    }

    fn key(&self, name: &str) -> anyhow::Result<Key> {
        self.folder.key(name)
    }

    async fn write(&self, name: &str, condition: &Condition) -> anyhow::Result<Written> {
        let mut options = ObjectOptions {
            content_type: Some("text/plain".to_owned()),
            ..ObjectOptions::default()
        };
        options.metadata.insert("doctor".to_owned(), "a value".to_owned());
        let bytes = Bytes::from_static(BYTES);
        self.store.put(&self.key(name)?, bytes, Sha256::of(BYTES), condition, &options).await
    }

    async fn there(&self, name: &str) -> anyhow::Result<Facts> {
        let key = self.key(name)?;
        let facts = self.store.head(&key).await?;
        facts.with_context(|| format!("{}: written, and not there", self.store.uri(key.as_str())))
    }

    async fn reach(&self) -> anyhow::Result<String> {
        self.store.list(self.folder.as_str()).await?;
        Ok(format!("{} answers and lets these credentials list", self.store.uri("")))
    }

    async fn put(&self) -> anyhow::Result<String> {
        self.write(ODD, &Condition::None).await.map_err(|e| {
            let hint = hint_of(&e).unwrap_or_default();
            let hint = format!("{hint}; a resource that only checks and gets needs none of it");
            trouble(format!("{e:#}"), &hint)
        })?;
        Ok(format!("wrote {}", self.store.uri(self.key(ODD)?.as_str())))
    }

    async fn get(&self) -> anyhow::Result<String> {
        let fetched = self.store.get(&self.key(ODD)?).await?.context("written, and not there")?;
        if fetched.bytes != BYTES {
            return Err(trouble(
                "other bytes came back than were sent",
                "something between here and the server changes bodies: a proxy, a filter",
            ));
        }
        match fetched.metadata.get("doctor").map(String::as_str) {
            Some("a value") => Ok("the bytes and their metadata".to_owned()),
            _ => Err(trouble(
                "the object has lost its metadata",
                "use a server that keeps x-amz-meta-* headers: every track relies on them",
            )),
        }
    }

    async fn missing(&self) -> anyhow::Result<String> {
        match self.store.head(&self.key("never-written")?).await? {
            None => Ok("said to be missing".to_owned()),
            Some(_) => Err(trouble(
                "an object is there that nobody wrote",
                "this is not an S3 server: look at `endpoint`",
            )),
        }
    }

    async fn signer(&self) -> anyhow::Result<String> {
        Ok(match self.store.signer().await? {
            Some(id) => format!("access key {}", masked(&id)),
            None => "nobody: requests go unsigned".to_owned(),
        })
    }

    async fn checksums(&self) -> anyhow::Result<String> {
        let described = self.store.describe(&self.key(ODD)?, None).await?;
        let proof = described.context("written, and not there")?.proof;
        match proof {
            Proof::Checksum(algorithm, _) => Ok(format!("kept: {}", algorithm.name())),
            _ => Err(trouble(
                "the server keeps no checksum of what it was sent with one",
                "nothing is lost by it: gets compare with the SHA-256 in the metadata, or the MD5",
            )),
        }
    }

    async fn versions(&self) -> anyhow::Result<String> {
        Ok(match self.store.versioning().await? {
            Versioning::Enabled => "kept of every object",
            Versioning::Suspended => "kept of what was written before they were suspended",
            Versioning::Never => NOT_KEPT,
        }
        .to_owned())
    }

    async fn lifecycle(&self) -> anyhow::Result<String> {
        tears(&self.store.expiries().await?, self.prefix)
    }

    async fn encryption(&self) -> anyhow::Result<String> {
        let by_default = self.store.default_encryption().await?;
        Ok(by_default.unwrap_or_else(|| "none unless a put asks for it".to_owned()))
    }

    async fn create_only(&self) -> anyhow::Result<String> {
        match self.write(ODD, &Condition::Absent).await? {
            Written::Refused => Ok("refused where something is".to_owned()),
            Written::Yes => {
                Err(trouble("an object was overwritten though the request forbade it", ""))
            }
        }
    }

    async fn unchanged(&self) -> anyhow::Result<String> {
        let etag = self.there(ODD).await?.etag;
        let other = "of-another";
        self.write(other, &Condition::None).await?;
        let mut options = ObjectOptions::default();
        options.metadata.insert("doctor".to_owned(), "another".to_owned());
        let (key, bytes) = (self.key(other)?, Bytes::from_static(b"another"));
        let sha256 = Sha256::of(&bytes);
        self.store.put(&key, bytes, sha256, &Condition::None, &options).await?;
        if self.write(other, &Condition::Unchanged(etag.clone())).await? == Written::Yes {
            return Err(trouble("an object was overwritten that was another meanwhile", ""));
        }
        match self.write(ODD, &Condition::Unchanged(etag)).await? {
            Written::Yes => Ok("done where it is, refused where it is not".to_owned()),
            Written::Refused => Err(trouble("refused though nobody changed the object", "")),
        }
    }

    async fn sixteen(&self) -> anyhow::Result<String> {
        let puts = (0..16).map(|_| self.write("raced", &Condition::Absent));
        one_won("create-only puts", &try_join_all(puts).await?)?;
        let condition = Condition::Unchanged(self.there("raced").await?.etag);
        let (key, options) = (self.key("raced")?, ObjectOptions::default());
        let puts = (0..16).map(|n| {
            let bytes = Bytes::from(format!("writer {n}"));
            let sha256 = Sha256::of(&bytes);
            self.store.put(&key, bytes, sha256, &condition, &options)
        });
        one_won("puts if unchanged", &try_join_all(puts).await?)?;
        Ok("one of sixteen create-only puts, and one of sixteen puts if unchanged".to_owned())
    }

    async fn copy(&self) -> anyhow::Result<String> {
        let (facts, to) = (self.there(ODD).await?, self.key("copied")?);
        self.store.copy(&self.key(ODD)?, &facts, &to, &ObjectOptions::default()).await?;
        let copied = self.store.get(&to).await?.context("copied, and not there")?;
        if copied.bytes != BYTES {
            return Err(trouble("a copy has other bytes", "use a server that copies what it has"));
        }
        Ok("inside the server".to_owned())
    }

    async fn multipart(&self) -> anyhow::Result<String> {
        let key = self.key("in-parts")?;
        let upload = self.store.begin(&key, &ObjectOptions::default()).await?;
        let parts = [Bytes::from(vec![b'a'; PART]), Bytes::from_static(b"the last")];
        let size = parts.iter().map(|part| part.len() as u64).sum::<u64>();
        let mut sent = Vec::new();
        for (number, bytes) in (1..).zip(parts) {
            sent.push(self.store.put_part(&upload, number, bytes, None).await?);
        }
        self.store.complete(&upload, sent).await?;
        match self.there("in-parts").await?.size {
            there if there == size => Ok("two parts became one object".to_owned()),
            there => Err(trouble(
                format!("{size} bytes in parts became an object of {there}"),
                "set `disable_multipart: true`, or use another server",
            )),
        }
    }

    async fn listing(&self) -> anyhow::Result<String> {
        let names = [ODD, "copied", "in-parts", "of-another", "raced"];
        let want: Vec<String> = names
            .iter()
            .map(|name| self.key(name).map(|it| it.to_string()))
            .collect::<Result<_, _>>()?;
        let listed = self.store.list(self.folder.as_str()).await?;
        let listed: Vec<String> = listed.into_iter().map(|it| it.key).collect();
        if listed == want {
            return Ok("complete, in order, with every name as it was written".to_owned());
        }
        let lost = want.iter().filter(|key| !listed.contains(key)).count();
        let hint = "use a server whose listings show each key as it was written, in order";
        Err(trouble(
            match lost {
                0 => "the listing is not in order, or shows more than was written".to_owned(),
                lost => {
                    format!("{lost} of {} keys are not listed as they were written", want.len())
                }
            },
            hint,
        ))
    }

    async fn folder_key(&self) -> anyhow::Result<String> {
        let key = Key::parse(&format!("{}marker/", self.folder))?;
        let mut options = ObjectOptions::default();
        options.metadata.insert("completed".to_owned(), "true".to_owned());
        let sha256 = Sha256::of(b"");
        self.store.put(&key, Bytes::new(), sha256, &Condition::None, &options).await?;
        let facts = self.store.head(&key).await?.context("written, and not there")?;
        match facts.metadata.get("completed").map(String::as_str) {
            Some("true") => Ok("kept with their metadata".to_owned()),
            _ => Err(trouble("an empty object whose key ends in `/` loses its metadata", "")),
        }
    }

    async fn delete(&self) -> anyhow::Result<String> {
        for listed in self.store.list(self.folder.as_str()).await? {
            self.store.delete(&Key::parse(&listed.key)?).await?;
        }
        match self.store.list(self.folder.as_str()).await?.len() {
            0 => Ok("the doctor's objects are gone".to_owned()),
            left => Err(trouble(
                format!("{left} objects are still there after they were deleted"),
                "look at the bucket's policy and its object lock",
            )),
        }
    }
}

/// Refuses a race that nobody won, or several.
fn one_won(what: &str, done: &[Written]) -> anyhow::Result<()> {
    match done.iter().filter(|it| **it == Written::Yes).count() {
        1 => Ok(()),
        n => Err(trouble(format!("{n} of sixteen {what} were told that they won"), "")),
    }
}

/// An access key's id, as much of it as tells one from another.
fn masked(id: &str) -> String {
    let id: Vec<char> = id.chars().collect();
    match id.len() {
        0..12 => format!("of {} characters", id.len()),
        n => format!("{}...{}", String::from_iter(&id[..4]), String::from_iter(&id[n - 4..])),
    }
}

/// What S3 thinks of this machine's clock: it refuses requests that are a quarter of an hour off.
fn clock(ahead: Option<i64>) -> anyhow::Result<String> {
    let hint = "set this machine's clock (NTP): S3 refuses what is signed 15 minutes off";
    match ahead {
        None => Err(trouble("the server does not say what time it is", hint)),
        Some(ahead) if ahead.abs() <= 60 => Ok("agrees with the server's".to_owned()),
        Some(ahead) if ahead > 0 => Err(trouble(format!("{ahead} s ahead of the server's"), hint)),
        Some(ahead) => Err(trouble(format!("{} s behind the server's", -ahead), hint)),
    }
}

/// Whether rules delete single objects of what is published whole.
fn tears(rules: &[Expiry], prefix: &str) -> anyhow::Result<String> {
    let meets =
        |rule: &&Expiry| rule.prefix.starts_with(prefix) || prefix.starts_with(&rule.prefix);
    let names: Vec<String> = rules.iter().filter(meets).map(|rule| shown(&rule.name)).collect();
    if names.is_empty() {
        return Ok("no rule deletes objects here".to_owned());
    }
    Err(trouble(
        format!("rules delete single objects, and so tear sets apart: {}", names.join(", ")),
        "keep the rules off this prefix: `s3-asset artifacts gc` removes whole sets",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_delete_what_is_published_are_named() {
        let rule = |name: &str, prefix: &str| Expiry { name: name.into(), prefix: prefix.into() };
        let cases: [(&[Expiry], &str, Option<&str>); 5] = [
            (&[], "", None),
            (&[rule("all", "")], "team/", Some("all")),
            (&[rule("logs", "logs/")], "team/", None),
            (&[rule("logs", "logs/"), rule("deep", "team/artifacts/x/")], "team/", Some("deep")),
            (&[rule("logs", "logs/")], "", Some("logs")),
        ];
        for (rules, prefix, want) in cases {
            match (tears(rules, prefix), want) {
                (Ok(_), None) => {}
                (Err(e), Some(name)) => assert!(e.to_string().ends_with(name), "{e}"),
                (got, _) => panic!("{rules:?} {prefix}: {got:?}"),
            }
        }
    }

    #[test]
    fn clocks_may_differ_a_little() {
        for (ahead, is_good) in [(Some(0), true), (Some(-60), true), (Some(61), false)] {
            assert_eq!(clock(ahead).is_ok(), is_good, "{ahead:?}");
        }
        assert!(clock(Some(-900)).expect_err("slow").to_string().contains("900 s behind"));
        assert!(clock(None).is_err());
    }

    #[test]
    fn a_key_is_told_by_its_ends() {
        assert_eq!(masked("AKIAIOSFODNN7EXAMPLE"), "AKIA...MPLE");
        assert_eq!(masked("test"), "of 4 characters");
    }
}
