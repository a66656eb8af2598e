//! What can be done with objects: each is written below the doctor's folder, and deleted at the end.

use super::{Probes, trouble};
use crate::s3::store::{Condition, Facts, Proof, Written};
use crate::words::digest::Sha256;
use crate::words::fault::hint_of;
use crate::words::names::Key;
use crate::words::object::ObjectOptions;
use anyhow::Context as _;
use bytes::Bytes;
use futures_util::future::try_join_all;

/// A name with what servers, proxies and listings get wrong.
const ODD: &str = "a b+c%20&é/lib++.txt";
const BYTES: &[u8] = b"s3-asset doctor";
/// S3's least size of a part that is not the last.
const PART: usize = 5 << 20;

impl Probes<'_> {
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

    fn key(&self, name: &str) -> anyhow::Result<Key> {
        self.folder.key(name)
    }

    pub(super) async fn put(&self) -> anyhow::Result<String> {
        self.write(ODD, &Condition::None).await.map_err(|e| {
            let hint = hint_of(&e).unwrap_or_default();
            let hint = format!("{hint}; a resource that only checks and gets needs none of it");
            trouble(format!("{e:#}"), &hint)
        })?;
        Ok(format!("wrote {}", self.store.uri(self.key(ODD)?.as_str())))
    }

    pub(super) async fn get(&self) -> anyhow::Result<String> {
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

    pub(super) async fn missing(&self) -> anyhow::Result<String> {
        match self.store.head(&self.key("never-written")?).await? {
            None => Ok("said to be missing".to_owned()),
            Some(_) => Err(trouble(
                "an object is there that nobody wrote",
                "this is not an S3 server: look at `endpoint`",
            )),
        }
    }

    pub(super) async fn checksums(&self) -> anyhow::Result<String> {
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

    pub(super) async fn create_only(&self) -> anyhow::Result<String> {
        match self.write(ODD, &Condition::Absent).await? {
            Written::Refused => Ok("refused where something is".to_owned()),
            Written::Yes => {
                Err(trouble("an object was overwritten though the request forbade it", ""))
            }
        }
    }

    pub(super) async fn unchanged(&self) -> anyhow::Result<String> {
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

    pub(super) async fn sixteen(&self) -> anyhow::Result<String> {
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

    pub(super) async fn copy(&self) -> anyhow::Result<String> {
        let (facts, to) = (self.there(ODD).await?, self.key("copied")?);
        self.store.copy(&self.key(ODD)?, &facts, &to, &ObjectOptions::default()).await?;
        let copied = self.store.get(&to).await?.context("copied, and not there")?;
        if copied.bytes != BYTES {
            return Err(trouble("a copy has other bytes", "use a server that copies what it has"));
        }
        Ok("inside the server".to_owned())
    }

    pub(super) async fn multipart(&self) -> anyhow::Result<String> {
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

    pub(super) async fn listing(&self) -> anyhow::Result<String> {
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

    pub(super) async fn folder_key(&self) -> anyhow::Result<String> {
        let key = Key::parse(&format!("{}marker/", self.folder))?;
        let mut options = ObjectOptions::default();
        // What GoCD's marker says: some servers lose all of it, some the names that have a `_`.
        const WORDS: [&str; 2] = ["completed", "go_pipeline_label"];
        options.metadata.extend(WORDS.map(|name| (name.to_owned(), "42".to_owned())));
        let sha256 = Sha256::of(b"");
        self.store.put(&key, Bytes::new(), sha256, &Condition::None, &options).await?;
        let facts = self.store.head(&key).await?.context("written, and not there")?;
        let is_lost = |name: &&str| facts.metadata.get(*name).is_none_or(|value| value != "42");
        let what = "an empty object whose key ends in `/` loses its metadata";
        match WORDS.into_iter().filter(is_lost).collect::<Vec<_>>()[..] {
            [] => Ok("kept with their metadata".to_owned()),
            [name] => Err(trouble(format!("{what} `{name}`"), "")),
            _ => Err(trouble(what, "")),
        }
    }

    pub(super) async fn delete(&self) -> anyhow::Result<String> {
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
