//! sacker's configuration: the file that `SACKER_CONFIG` names, and `~/.sacker.json` for what that
//! one does not say.

use crate::machine::environment;
use crate::words::fault::fault;
use serde::Deserialize;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What a configuration says.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Config {
    /// `s3://bucket`.
    pub(super) ledger: Option<String>,
    /// `s3://bucket`.
    pub(super) store: Option<String>,
}

/// Reads it. A file that somebody named must be there.
pub(super) fn read() -> anyhow::Result<Config> {
    let named = environment::variable("SACKER_CONFIG").map(PathBuf::from);
    let home = environment::variable("HOME").map(|home| Path::new(&home).join(".sacker.json"));
    let named = named.map(|path| file(&path, If::Named)).transpose()?.unwrap_or_default();
    let home = home.map(|path| file(&path, If::There)).transpose()?.unwrap_or_default();
    Ok(Config { ledger: named.ledger.or(home.ledger), store: named.store.or(home.store) })
}

/// When a file counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum If {
    /// Somebody named it: it must be there.
    Named,
    /// It is there.
    There,
}

fn file(path: &Path, counts: If) -> anyhow::Result<Config> {
    let hint = "{\"ledger\": \"s3://BUCKET\", \"store\": \"s3://BUCKET\"}";
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|e| fault(format!("{}: {e}", path.display()), hint)),
        Err(e) if e.kind() == ErrorKind::NotFound && counts == If::There => Ok(Config::default()),
        Err(e) => Err(fault(format!("{}: {e}", path.display()), hint)),
    }
}
