//! Zip, from Unix and from elsewhere: there names may have backslashes, and modes mean nothing.

use super::compression::Budget;
use super::tree::{Attributes, Tree, text};
use crate::words::time::Utc;
use ::zip::read::ZipFile;
use ::zip::{ExtraField, System, ZipArchive};
use anyhow::Context as _;
use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::time::{Duration, SystemTime};

/// The bits of a mode that say what a file is, and their values.
const KIND: u32 = 0o170_000;
const FILE: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// The longest target that a symbolic link has.
const LONGEST_TARGET: u64 = 4096;

/// Unpacks a zip. Of entries of one name the last counts, as its list says.
pub(super) fn unpack(file: File, budget: &mut Budget, tree: &mut Tree<'_>) -> anyhow::Result<()> {
    let mut archive = ZipArchive::new(BufReader::new(file))?;
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index)?;
        let raw = entry.name()?.into_owned();
        anyhow::ensure!(!entry.encrypted(), "{}: is encrypted", text(raw.as_bytes()));
        let is_unix = matches!(entry.system(), System::Unix | System::OsDarwin);
        let name = if is_unix || raw.contains('/') { raw } else { raw.replace('\\', "/") };
        let mode = entry.unix_mode().filter(|_| is_unix).unwrap_or(0);
        let kind = match mode & KIND {
            0 if name.ends_with('/') => DIRECTORY,
            0 => FILE,
            kind => kind,
        };
        let own = || text(name.as_bytes());
        let mut entry = archive.by_index(index).with_context(own)?;
        let mode = match (mode & 0o777, kind) {
            (0, DIRECTORY) => 0o755,
            (0, _) => 0o644,
            (mode, _) => mode,
        };
        let attributes = Attributes { mode, modified: modified(&entry) };
        let mut bytes = budget.bound(&mut entry);
        match kind {
            DIRECTORY => tree.directory(name.as_bytes(), attributes)?,
            FILE => tree.file(name.as_bytes(), attributes, |out| {
                io::copy(&mut bytes, out)?;
                Ok(())
            })?,
            LINK => {
                let mut target = Vec::new();
                bytes.take(LONGEST_TARGET).read_to_end(&mut target).with_context(own)?;
                tree.symbolic_link(name.as_bytes(), &target)?;
            }
            _ => anyhow::bail!("{}: is a device, a pipe or a socket, which is not unpacked", own()),
        }
    }
    Ok(())
}

/// When an entry was changed: to the second in UTC where that is written, else what the clock of
/// its maker showed.
fn modified<R: io::Read>(entry: &ZipFile<'_, R>) -> Option<SystemTime> {
    let exact = entry.extra_data_fields().find_map(|field| match field {
        ExtraField::ExtendedTimestamp(times) => times.mod_time(),
        _ => None,
    });
    let shown = || {
        let time = entry.last_modified()?;
        let (year, month, day) = (time.year(), time.month(), time.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
        u64::try_from(Utc::read(&text).seconds()?).ok()
    };
    let since = exact.map(u64::from).or_else(shown)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(since))
}
