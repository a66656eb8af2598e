//! The kinds of archives that a put makes of a directory.

use super::fault::fault;
use super::names::shown;

/// A kind of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// A tar in gzip.
    TarGz,
    /// A tar in zstd.
    TarZst,
    /// A zip.
    Zip,
}

impl Packing {
    /// All of them.
    pub const ALL: [Packing; 3] = [Packing::TarGz, Packing::TarZst, Packing::Zip];

    /// How names of such archives end.
    pub fn ending(self) -> &'static str {
        match self {
            Packing::TarGz => "tar.gz",
            Packing::TarZst => "tar.zst",
            Packing::Zip => "zip",
        }
    }

    /// Reads the `pack` of a put's params; `has_file`: whether they say of what.
    pub fn parse(text: Option<&str>, has_file: bool) -> anyhow::Result<Option<Packing>> {
        let Some(text) = text else { return Ok(None) };
        if !has_file {
            return Err(fault(
                "params.pack: given without file",
                "`pack` makes an archive of the directory that `file` names",
            ));
        }
        let packing = Packing::ALL.into_iter().find(|it| it.ending() == text);
        let what = || format!("params.pack: expected a kind of archive, found `{}`", shown(text));
        packing.map(Some).ok_or_else(|| fault(what(), "`tar.gz`, `tar.zst` or `zip`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_their_endings() {
        for packing in Packing::ALL {
            let read = Packing::parse(Some(packing.ending()), true).expect("valid");
            assert_eq!(read, Some(packing));
        }
        assert_eq!(Packing::parse(None, false).expect("valid"), None);
        for (text, has_file, want) in [
            ("true", true, "params.pack: expected a kind of archive, found `true`"),
            ("zip", false, "params.pack: given without file"),
        ] {
            assert_eq!(Packing::parse(Some(text), has_file).expect_err(want).to_string(), want);
        }
    }
}
