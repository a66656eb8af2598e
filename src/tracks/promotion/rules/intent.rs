//! What a put is to do at a rank, and what it makes of the entries that stand there.

use super::{Place, Promoted, S3P};
use crate::history::Entry;
use crate::words::names::ReleaseVersion;

/// What a put is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// Bring a version to the first rank.
    Upload {
        /// Which.
        version: ReleaseVersion,
    },
    /// Bring a version up from the rank before.
    Promote {
        /// Which.
        version: ReleaseVersion,
        /// Where it stood.
        from: Place,
    },
    /// Put back a version that stood at this rank.
    RollBack {
        /// Which.
        version: ReleaseVersion,
        /// The build's page: one build goes back once.
        build_url: Option<String>,
    },
}

/// What an entry says about a put, looked at from the newest on. The first that says something
/// decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// The put is done: this is its version.
    Stands,
    /// This is what the rank goes back to.
    Base,
    /// Nothing: look further back.
    Nothing,
}

/// When an entry stood at its rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It stands there: it is the newest.
    Now,
    /// Before the newest.
    Before,
}

impl Intent {
    /// The version that it is about.
    pub fn version(&self) -> &ReleaseVersion {
        match self {
            Intent::Upload { version }
            | Intent::Promote { version, .. }
            | Intent::RollBack { version, .. } => version,
        }
    }

    /// Looks at an entry; `id` is the put's own.
    pub fn look(&self, id: &str, entry: &Entry<Promoted>, turn: Turn) -> Look {
        let what = &entry.what;
        if what.id == id {
            return Look::Stands;
        }
        if what.release.version != *self.version() {
            return Look::Nothing;
        }
        match self {
            _ if turn == Turn::Now => Look::Stands,
            Intent::Upload { .. } if what.from.is_none() => Look::Stands,
            Intent::Promote { from, .. } if what.from.as_ref() == Some(from) => Look::Stands,
            Intent::RollBack { build_url, .. } => {
                let is_own = what.rollback && build_url.is_some() && *build_url == entry.build.url;
                if is_own { Look::Stands } else { Look::Base }
            }
            _ => Look::Nothing,
        }
    }

    /// Looks at what s3p had put at the rank, which is older than every entry.
    pub fn look_at_s3p(&self, version: &ReleaseVersion) -> Look {
        if version != self.version() {
            return Look::Nothing;
        }
        match self {
            Intent::Upload { .. } => Look::Stands,
            Intent::Promote { from, .. } if from.promotion == S3P => Look::Stands,
            Intent::Promote { .. } => Look::Nothing,
            Intent::RollBack { .. } => Look::Base,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracks::promotion::rules::Release;
    use crate::words::build::Build;
    use crate::words::digest::Sha256;
    use crate::words::names::{Key, Rank};
    use crate::words::time::Utc;

    fn text(version: &str) -> ReleaseVersion {
        ReleaseVersion::parse(version).expect("a version")
    }

    fn release(version: &str) -> Release {
        let key = Key::parse(version).expect("a key");
        Release { version: text(version), size: 1, sha256: Sha256::of(b"x"), key }
    }

    fn place(promotion: u64) -> Place {
        Place { rank: Rank::parse("qa").expect("a rank"), promotion }
    }

    fn entry(id: &str, version: &str, from: Option<u64>, back_by: Option<&str>) -> Entry<Promoted> {
        let build = Build { url: back_by.map(str::to_owned), ..Build::default() };
        let what = Promoted {
            release: release(version),
            from: from.map(place),
            rollback: back_by.is_some(),
            after_s3p: None,
            id: id.to_owned(),
        };
        Entry { number: 1, time: Utc::default(), build, what }
    }

    #[test]
    fn what_entries_say() {
        let upload = Intent::Upload { version: text("a") };
        let promote = Intent::Promote { version: text("a"), from: place(3) };
        let back = Intent::RollBack { version: text("a"), build_url: Some("b/1".into()) };
        let by_hand = Intent::RollBack { version: text("a"), build_url: None };
        use Look::{Base, Nothing, Stands};
        use Turn::{Before, Now};
        let cases = [
            // Its own entry, whatever came on top.
            (&by_hand, entry("me", "a", Some(1), Some("x")), Before, Stands),
            // The version stands there now.
            (&upload, entry("x", "a", Some(1), Some("x")), Now, Stands),
            (&promote, entry("x", "a", Some(1), None), Now, Stands),
            (&back, entry("x", "a", None, None), Now, Stands),
            // It stood there, and another does now.
            (&upload, entry("x", "a", None, None), Before, Stands),
            (&upload, entry("x", "a", Some(1), Some("x")), Before, Nothing),
            (&promote, entry("x", "a", Some(3), None), Before, Stands),
            (&promote, entry("x", "a", Some(2), None), Before, Nothing),
            (&back, entry("x", "a", Some(3), None), Before, Base),
            (&back, entry("x", "a", Some(3), Some("b/1")), Before, Stands),
            (&back, entry("x", "a", Some(3), Some("b/2")), Before, Base),
            (&by_hand, entry("x", "a", Some(3), Some("b/1")), Before, Base),
            // Another version.
            (&upload, entry("x", "b", None, None), Now, Nothing),
            (&promote, entry("x", "b", Some(3), None), Now, Nothing),
            (&back, entry("x", "b", None, Some("b/1")), Now, Nothing),
        ];
        for (intent, entry, turn, want) in cases {
            assert_eq!(intent.look("me", &entry, turn), want, "{intent:?} {entry:?}");
        }
        let before = Intent::Promote { version: text("a"), from: place(0) };
        for (intent, want) in
            [(&upload, Stands), (&promote, Nothing), (&before, Stands), (&back, Base)]
        {
            assert_eq!(intent.look_at_s3p(&text("a")), want, "{intent:?}");
            assert_eq!(intent.look_at_s3p(&text("b")), Nothing);
        }
    }
}
