//! A set of files under one folder of a bucket: its manifest, and what makes it whole.
//!
//! Two kinds of folder hold sets, a commit's and the cache's; both are published by the rule of
//! [`crate::sealing::claim`]:
//! - the claim is `.pending`, and the digest is the set's, see [`digest`];
//! - a file's plain key is `<folder>/<path>`, its own is `<folder>/.sets/<digest>/<path>`;
//! - the record is `.manifest.json`; it is taken away only by putting a stone in its place, see
//!   [`crate::sealing::stone`].

use super::stone::Stone;
use crate::words::build::{Build, Run};
use crate::words::digest::{Hasher, Sha256};
use crate::words::fault::fault;
use crate::words::file::{FileFacts, Mode};
use crate::words::names::{CodeHash, CommitId, Key, Prefix, RelPath, refusal, shown};
use crate::words::parts::Parts;
use crate::words::time::Utc;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const MANIFEST: &str = "s3-asset-set/1";

/// The digest of a set: what its files are, not where they lie or who built them.
pub fn digest<'a>(files: impl IntoIterator<Item = &'a FileFacts>) -> Sha256 {
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut hasher = Hasher::default();
    hasher.update(b"s3-asset set 1\n");
    for file in files {
        hasher.update(format!("{:o} {} {} ", file.mode.bits(), file.size, file.sha256).as_bytes());
        hasher.update(file.path.as_str().as_bytes());
        hasher.update(b"\0");
    }
    hasher.finish()
}

/// `.manifest.json`: a published set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    /// The commit that the set was published for; in the cache, the one that filled it.
    pub commit: CommitId,
    /// The hash of the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_hash: Option<CodeHash>,
    /// The commit whose set was copied from the cache; absent where the files were uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_from: Option<CommitId>,
    /// In UTC, RFC 3339.
    pub published_at: Utc,
    /// Which build published it.
    #[serde(default, skip_serializing_if = "Build::is_empty")]
    pub build: Build,
    /// The digest of the set.
    pub digest: Sha256,
    /// The files, by path.
    pub files: Vec<ManifestFile>,
}

/// A file of a published set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Below the set's folder, and below the destination of a get.
    pub path: RelPath,
    /// In bytes.
    pub size: u64,
    /// Its permissions.
    pub mode: Mode,
    /// Of all its bytes.
    pub sha256: Sha256,
    /// The object that holds them.
    pub key: Key,
    /// Of a large file: the SHA-256 of each part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
}

impl ManifestFile {
    /// What the file is, wherever it lies.
    pub fn facts(&self) -> FileFacts {
        FileFacts { path: self.path.clone(), size: self.size, mode: self.mode, sha256: self.sha256 }
    }
}

/// Who published a set, for whom, and when.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// For which commit.
    pub commit: CommitId,
    /// From which code.
    pub code_hash: Option<CodeHash>,
    /// Whose files these are, when they come out of the cache.
    pub cached_from: Option<CommitId>,
    /// By whom, and when.
    pub run: Run,
}

impl Manifest {
    /// The manifest of a set whose files lie at these keys.
    pub fn new(provenance: &Provenance, mut files: Vec<ManifestFile>) -> Manifest {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let facts: Vec<_> = files.iter().map(ManifestFile::facts).collect();
        Manifest {
            format: MANIFEST.to_owned(),
            commit: provenance.commit.clone(),
            code_hash: provenance.code_hash.clone(),
            cached_from: provenance.cached_from.clone(),
            published_at: provenance.run.time.clone(),
            build: provenance.run.build.clone(),
            digest: digest(&facts),
            files,
        }
    }

    /// Reads the manifest of the set in a folder, and refuses one that could lead a reader out of
    /// that folder, or that does not add up; of a set that was removed the error says so.
    pub fn parse(bytes: &[u8], in_folder: &Folder) -> anyhow::Result<Manifest> {
        let Folder { prefix: folder, reserved } = in_folder;
        let hint = "somebody else wrote or changed it; publish the commit anew under another prefix, or delete the set";
        let bad = |why: String| fault(format!("the manifest in {folder} {why}"), hint);
        if let Some(stone) = Stone::parse(bytes) {
            return Err(stone.fault(in_folder));
        }
        let manifest: Manifest = serde_json::from_slice(bytes)
            .map_err(|e| bad(format!("cannot be read: {}", refusal(e))))?;
        if manifest.format != MANIFEST {
            let format = shown(&manifest.format);
            return Err(fault(
                format!(
                    "the manifest in {folder} has the format `{format}`, and this release reads `{MANIFEST}`"
                ),
                "use the release that wrote it, or a newer one",
            ));
        }
        let mut paths = BTreeSet::new();
        for file in &manifest.files {
            let below = file.key.as_str().strip_prefix(folder.as_str());
            if below.is_none_or(|rest| RelPath::parse(rest).is_err()) {
                return Err(bad(format!(
                    "names the key `{}`, outside the folder",
                    shown(file.key.as_str())
                )));
            }
            if file.path.is_below(reserved) {
                return Err(bad(format!("names the reserved path `{}`", file.path)));
            }
            if !paths.insert(file.path.as_str()) {
                return Err(bad(format!("names the path `{}` twice", file.path)));
            }
        }
        if manifest.files.iter().try_fold(0u64, |all, it| all.checked_add(it.size)).is_none() {
            return Err(bad("has more bytes than there can be".to_owned()));
        }
        let facts: Vec<_> = manifest.files.iter().map(ManifestFile::facts).collect();
        if digest(&facts) != manifest.digest {
            return Err(bad("does not match its own digest".to_owned()));
        }
        Ok(manifest)
    }

    /// JSON, indented for people.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        // As much room as it takes: a buffer that grows holds it three times.
        let mut bytes = Vec::with_capacity(usize::try_from(self.length()?)?);
        serde_json::to_writer_pretty(&mut bytes, self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// How many bytes of JSON that is.
    pub fn length(&self) -> anyhow::Result<u64> {
        let mut length = Length(0);
        serde_json::to_writer_pretty(&mut length, self)?;
        Ok(length.0 + 1)
    }

    /// The bytes of all files together.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// Counts what is written.
struct Length(u64);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The keys of a set's folder.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Where.
    pub prefix: Prefix,
    /// First names of paths that no set may hold: this resource keeps them to itself.
    pub reserved: &'static [&'static str],
}

impl Folder {
    /// The manifest.
    pub fn manifest(&self) -> anyhow::Result<Key> {
        self.prefix.key(".manifest.json")
    }

    /// The claim.
    pub fn pending(&self) -> anyhow::Result<Key> {
        self.prefix.key(".pending")
    }

    /// Where other tools look for a file.
    pub fn plain(&self, path: &RelPath) -> anyhow::Result<Key> {
        self.prefix.key(path.as_str())
    }

    /// Where a file of the set with this digest has a key of its own.
    pub fn own(
        &self,
        digest: &Sha256,
        generation: Option<&str>,
        path: &RelPath,
    ) -> anyhow::Result<Key> {
        self.prefix.key(&match generation {
            None => format!(".sets/{digest}/{path}"),
            Some(generation) => format!(".sets/{digest}-{generation}/{path}"),
        })
    }

    /// Whether a key is one that a set of this generation has for itself.
    pub fn is_of_generation(&self, generation: &str, key: &str) -> bool {
        let below = key.strip_prefix(self.prefix.as_str());
        let below = below.and_then(|below| below.strip_prefix(".sets/"));
        let name = below.and_then(|below| below.split_once('/')).map(|(name, _)| name);
        name.and_then(|name| name.split_once('-')).is_some_and(|(_, it)| it == generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> Prefix {
        Prefix::parse("p", "artifacts/c").expect("a prefix")
    }

    fn file(path: &str, content: &[u8]) -> ManifestFile {
        ManifestFile {
            path: RelPath::parse(path).expect(path),
            size: content.len() as u64,
            mode: Mode::Plain,
            sha256: Sha256::of(content),
            key: folder().key(path).expect(path),
            parts: None,
        }
    }

    fn manifest() -> Manifest {
        let provenance = Provenance {
            commit: CommitId::parse(&"a".repeat(40)).expect("a commit"),
            code_hash: None,
            cached_from: None,
            run: Run::at(Utc::read("2026-01-01T00:00:00Z")),
        };
        Manifest::new(&provenance, vec![file("b", b"2"), file("a/x", b"1")])
    }

    #[test]
    fn it_reads_back_sorted() {
        let manifest = manifest();
        assert_eq!(manifest.files[0].path.as_str(), "a/x");
        let bytes = manifest.to_bytes().expect("json");
        assert_eq!(manifest.length().expect("a length"), bytes.len() as u64);
        assert_eq!(
            Manifest::parse(&bytes, &Folder { prefix: folder(), reserved: &[".found"] })
                .expect("parses"),
            manifest
        );
    }

    #[test]
    fn the_digest_is_of_what_the_files_are() {
        let base = digest(&[file("a", b"1").facts(), file("b", b"2").facts()]);
        assert_eq!(digest(&[file("b", b"2").facts(), file("a", b"1").facts()]), base);
        let mut run = file("a", b"1").facts();
        run.mode = Mode::Executable;
        for other in [file("a", b"3").facts(), file("c", b"1").facts(), run] {
            assert_ne!(digest(&[other, file("b", b"2").facts()]), base);
        }
    }

    #[test]
    fn what_leads_outside_or_does_not_add_up_is_refused() {
        let text = String::from_utf8(manifest().to_bytes().expect("json")).expect("text");
        let cases = [
            (text.replace("artifacts/c/b", "artifacts/d/b"), "outside the folder"),
            (text.replace("artifacts/c/b", "artifacts/c/../b"), "outside the folder"),
            (text.replace("\"path\": \"b\"", "\"path\": \"../b\""), "leads out of its directory"),
            (text.replace("\"path\": \"b\"", "\"path\": \"/b\""), "is absolute"),
            (text.replace("\"path\": \"b\"", "\"path\": \"b\\u0000\""), "has a NUL in it"),
            (text.replace("\"path\": \"b\"", "\"path\": \".found\""), "reserved path `.found`"),
            (text.replace("\"path\": \"b\"", "\"path\": \"a/x\""), "names the path `a/x` twice"),
            (text.replace("\"path\": \"b\"", "\"path\": \"c\""), "does not match its own digest"),
            (
                text.replace("\"size\": 1", "\"size\": 18446744073709551615"),
                "has more bytes than there can be",
            ),
            (text.replace("set/1", "set/9"), "has the format `s3-asset-set/9`"),
            (text[..50].to_owned(), "cannot be read"),
        ];
        for (text, want) in cases {
            let error = Manifest::parse(
                text.as_bytes(),
                &Folder { prefix: folder(), reserved: &[".found"] },
            )
            .expect_err(want);
            assert!(error.to_string().contains(want), "{error} / {want}");
        }
    }

    #[test]
    fn fuzz_manifests() {
        let folder = Folder { prefix: folder(), reserved: &[".found"] };
        let seeds = [manifest().to_bytes().expect("JSON")];
        fuzz_driver::bytes("manifests", 3_000, seeds, |input| {
            // With the right digest, else nothing gets past that.
            let whole = serde_json::from_slice::<Manifest>(input).map(|mut it| {
                it.digest = digest(&it.files.iter().map(ManifestFile::facts).collect::<Vec<_>>());
                it.to_bytes().expect("JSON")
            });
            let mut answer = String::new();
            for bytes in [input.to_vec(), whole.unwrap_or_default()] {
                match Manifest::parse(&bytes, &folder) {
                    Ok(manifest) => {
                        for file in &manifest.files {
                            assert!(file.key.as_str().starts_with("artifacts/c/"), "{}", file.key);
                            let path = std::path::Path::new(file.path.as_str());
                            let is_plain = |it| matches!(it, std::path::Component::Normal(_));
                            assert!(path.components().all(is_plain), "{path:?}");
                        }
                        manifest.size();
                        let again = manifest.to_bytes().expect("JSON");
                        assert_eq!(Manifest::parse(&again, &folder).expect("again"), manifest);
                    }
                    Err(e) => answer += &fuzz_driver::line(e),
                }
            }
            answer
        });
    }
}
