//! A type for each noun that ends up in a key or a path: parsed once, or an error that says why. And how
//! a text of somebody else's is shown.
//!
//! Invariants, each held by the one door into its type:
//! - a [`RelPath`] joined to a directory stays inside it, whatever it was made from;
//! - a [`Key`] is at most 1,024 bytes, S3's limit, and holds no NUL;
//! - a [`Rank`], a [`ReleaseVersion`] and a [`ReleaseFile`] have no name that starts with a dot, so
//!   what a release keeps beside them under such names is never one of them;
//! - a [`CommitId`] or [`CodeHash`] is lower-case hexadecimal, so it is one path component;
//! - no two keys of packages mean the same: see [`PackageName`] and [`Tag`].
//!
//! A set has very many keys and paths, each in its plan and in its manifest: their clones share one
//! text.

macro_rules! text_type {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.as_str().to_owned()
            }
        }

        impl TryFrom<String> for $name {
            type Error = anyhow::Error;

            fn try_from(text: String) -> anyhow::Result<Self> {
                $name::parse(&text)
            }
        }
    };
}

mod bucket;
mod hash;
mod package;
mod path;
mod release;
mod show;

pub use bucket::{AccessPoint, Bucket};
pub use hash::{CodeHash, CommitId};
pub use package::{PackageName, Spec, Tag};
pub use path::{Key, Prefix, RelPath};
pub use release::{Rank, ReleaseFile, ReleaseVersion};
pub use show::{is_obeyed, refusal, shown, shown_to};

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    /// Every name, and what digests and times are written as.
    #[test]
    fn fuzz_names() {
        use crate::words::{digest::Sha256, time::Utc};
        let seeds = [
            "a/b-c_d.e/1.0",
            "my-bucket",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "2026-01-01T00:00:00Z",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "../x",
        ];
        fuzz_driver::texts("names", 10_000, seeds, |input| {
            fn of<T: fmt::Display>(parsed: anyhow::Result<T>) -> Result<String, String> {
                parsed.map(|it| it.to_string()).map_err(fuzz_driver::line)
            }
            let path = of(RelPath::parse(input));
            if let Ok(path) = &path {
                let mut names = std::path::Path::new(path).components();
                assert!(names.all(|it| matches!(it, std::path::Component::Normal(_))), "{path:?}");
            }
            let prefix = Prefix::parse("prefix", input);
            if let Ok(prefix) = &prefix {
                assert!(prefix.as_str().is_empty() || prefix.as_str().ends_with('/'), "{prefix}");
            }
            let all = [
                path,
                of(Bucket::parse(input)),
                of(prefix),
                of(Key::parse(input)),
                of(CommitId::parse(input)),
                of(CodeHash::parse(input)),
                of(PackageName::parse(input)),
                of(Tag::parse(input)),
                of(Rank::parse(input)),
                of(ReleaseVersion::parse(input)),
                of(ReleaseFile::parse(input)),
            ];
            for text in [shown(input), shown_to(input, 500)] {
                assert!(!text.contains(is_obeyed), "{text:?}");
            }
            let digest = Sha256::from_hex(input).or_else(|| Sha256::from_base64(input));
            let kinds = all.map(|it| it.map_or_else(|error| error, |_| "read".to_owned()));
            format!(
                "{} {} {}",
                kinds.join(" "),
                digest.is_some(),
                Utc::read(input).seconds().is_some()
            )
        });
    }
}
