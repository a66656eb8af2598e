//! Hashes that name things: a commit, and a commit's code.
//!
//! Invariant: each is lower-case hexadecimal, so it is one component of a key.

use super::shown;
use crate::words::fault::fault;
use serde::{Deserialize, Serialize};

/// A git commit's full hash: 40 hexadecimal digits, or 64 in a SHA-256 repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);
text_type!(CommitId);

impl CommitId {
    /// Accepts either case, surrounded by white space (a file's last line end); holds lower case.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        if matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(CommitId(text.to_ascii_lowercase()));
        }
        Err(fault(
            format!("`{}` is no commit hash", shown(text)),
            "give the full hash: 40 hexadecimal digits (`git rev-parse HEAD`)",
        ))
    }
}

/// A code hash: 32 (md5) to 64 (SHA-256) hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CodeHash(String);
text_type!(CodeHash);

impl CodeHash {
    /// Accepts surrounding white space and either case; holds lower case.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        if (32..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(CodeHash(text.to_ascii_lowercase()));
        }
        Err(fault(
            format!("`{}` is no code hash", shown(text)),
            "a code hash is 32 to 64 hexadecimal digits, as `s3-asset check` writes to .code-hash",
        ))
    }

    /// Whether it is an MD5, as s3-asset-manager makes them.
    pub fn is_md5(&self) -> bool {
        self.0.len() == 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_and_code_hashes() {
        let sha1 = "0123456789abcdefABCDEF0123456789abcdef01";
        assert_eq!(
            CommitId::parse(&format!("{sha1}\n")).expect("sha1").as_str(),
            sha1.to_lowercase()
        );
        for text in ["", "abc", &sha1[1..], "../../../../../../../../../../../../../a"] {
            assert!(CommitId::parse(text).is_err(), "{text}");
        }
        assert!(CodeHash::parse("d41d8cd98f00b204e9800998ecf8427e").is_ok());
        assert!(CodeHash::parse("d41d8cd98f00b204e9800998ecf8427").is_err());
    }
}
