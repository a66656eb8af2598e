//! The list of a folder's files, which a get checks every byte by.
//!
//! It lies in `.history/` under its own digest, and the marker says which one it is. So a list never
//! changes, and a folder's list cannot be exchanged for another.

use crate::words::build::Build;
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::file::{FileFacts, Mode};
use crate::words::names::{RelPath, refusal};
use serde::{Deserialize, Serialize};

use super::Annotations;

const FORMAT: &str = "s3-asset-gocd-files/1";

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedFile {
    /// Below the folder.
    pub path: RelPath,
    /// In bytes.
    pub size: u64,
    /// Its permissions.
    pub mode: Mode,
    /// Of its bytes.
    pub sha256: Sha256,
}

/// The files of a folder, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileList {
    format: String,
    /// The files.
    pub files: Vec<ListedFile>,
}

impl FileList {
    /// The list of these files.
    pub fn new<'a>(files: impl IntoIterator<Item = &'a FileFacts>) -> FileList {
        let files = files.into_iter().map(|file| ListedFile {
            path: file.path.clone(),
            size: file.size,
            mode: file.mode,
            sha256: file.sha256,
        });
        let mut files: Vec<ListedFile> = files.collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        FileList { format: FORMAT.to_owned(), files }
    }

    /// Reads the list that has this digest.
    pub fn parse(bytes: &[u8], digest: &Sha256) -> anyhow::Result<FileList> {
        const HINT: &str = "somebody wrote to the object: restore it, or take another revision";
        if Sha256::of(bytes) != *digest {
            return Err(fault("the list of files is not the one that was published", HINT));
        }
        let list: FileList = serde_json::from_slice(bytes).map_err(|e| {
            fault(format!("the list of files cannot be read: {}", refusal(e)), HINT)
        })?;
        if list.format != FORMAT {
            return Err(fault(
                "the list of files is of a later release",
                "use the release that published it, or a newer one",
            ));
        }
        if list.files.iter().try_fold(0u64, |all, file| all.checked_add(file.size)).is_none() {
            return Err(fault("the list of files has more bytes than there can be", HINT));
        }
        Ok(list)
    }

    /// JSON: the same files make the same bytes.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Of all files, in bytes.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// What a put is known by: its files, what it says of them, and the build. The label that was not
    /// given is not part of it, since it follows from the number that the put gets.
    pub fn claim(
        digest: &Sha256,
        annotations: &Annotations,
        build: &Build,
    ) -> anyhow::Result<Sha256> {
        let Annotations { user, traceback_url, label, own } = annotations;
        let all = serde_json::to_vec(&(FORMAT, digest, user, traceback_url, label, own, build))?;
        Ok(Sha256::of(&all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> FileFacts {
        FileFacts {
            path: RelPath::parse(path).expect(path),
            size: text.len() as u64,
            mode: Mode::Plain,
            sha256: Sha256::of(text.as_bytes()),
        }
    }

    #[test]
    fn the_same_files_are_the_same_list() {
        let (a, b) = (file("a", "1"), file("b/c", "23"));
        let list = FileList::new([&b, &a]);
        let bytes = list.to_bytes().expect("JSON");
        assert_eq!(bytes, FileList::new([&a, &b]).to_bytes().expect("JSON"));
        let digest = Sha256::of(&bytes);
        assert_eq!(FileList::parse(&bytes, &digest).expect("reads"), list);
        assert_eq!(list.size(), 3);
        let error = FileList::parse(&bytes, &Sha256::of(b"")).expect_err("another").to_string();
        assert_eq!(error, "the list of files is not the one that was published");
        for text in ["{}", "x", r#"{"format": "s3-asset-gocd-files/2", "files": []}"#] {
            let digest = Sha256::of(text.as_bytes());
            assert!(FileList::parse(text.as_bytes(), &digest).is_err(), "{text}");
        }
    }

    #[test]
    fn a_put_is_known_by_what_it_says() {
        let digest = Sha256::of(b"files");
        let (annotations, build) = (Annotations::default(), Build::default());
        let claim = |digest: &Sha256, annotations: &Annotations, build: &Build| {
            FileList::claim(digest, annotations, build).expect("JSON")
        };
        let same = claim(&digest, &annotations, &build);
        assert_eq!(claim(&digest, &annotations, &build), same);
        let named = Annotations { label: Some("1".to_owned()), ..Annotations::default() };
        let other = Build { name: Some("a/b/c #2".to_owned()), ..Build::default() };
        for claim in [
            claim(&Sha256::of(b"others"), &annotations, &build),
            claim(&digest, &named, &build),
            claim(&digest, &annotations, &other),
        ] {
            assert_ne!(claim, same);
        }
    }

    #[test]
    fn fuzz_lists() {
        let seeds =
            [FileList::new([&file("a", "1"), &file("b/c", "23")]).to_bytes().expect("JSON")];
        fuzz_driver::bytes("lists", 3_000, seeds, |input| {
            match FileList::parse(input, &Sha256::of(input)) {
                Ok(list) => {
                    let again = list.to_bytes().expect("JSON");
                    assert_eq!(FileList::parse(&again, &Sha256::of(&again)).expect("again"), list);
                    list.size();
                    list.files.len().to_string()
                }
                Err(e) => fuzz_driver::line(e),
            }
        });
    }
}
