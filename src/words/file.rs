//! A file as it is published: where it belongs, and what makes it the file that it is.

use crate::words::digest::Sha256;
use crate::words::names::RelPath;
use serde::{Deserialize, Serialize};

/// A file's permissions, as git keeps them: only whether it may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mode {
    /// Read and write.
    #[serde(rename = "0644")]
    Plain,
    /// May be run.
    #[serde(rename = "0755")]
    Executable,
}

impl Mode {
    /// The permission bits.
    pub fn bits(self) -> u32 {
        match self {
            Mode::Plain => 0o644,
            Mode::Executable => 0o755,
        }
    }
}

/// What makes a file of a set the file that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Below the set's folder.
    pub path: RelPath,
    /// In bytes.
    pub size: u64,
    /// Its permissions.
    pub mode: Mode,
    /// Of all its bytes.
    pub sha256: Sha256,
}
