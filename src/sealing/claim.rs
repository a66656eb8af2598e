//! The rule by which bytes get under a key whole or not at all, for whatever is published: the files
//! of a set, or a release.
//!
//! Each file has two keys: the *plain* one, where people and other tools look, and one of its *own*,
//! with the digest of what is published in it. Then:
//!
//! 1. a claim, create-only, names the digest of what may use the plain keys; what has another digest
//!    uses its own keys;
//! 2. the bytes go up;
//! 3. a record (the manifest of a set, `release.json` of a release), create-only and small, decides:
//!    what it names is what is published;
//! 4. where it names a key of its own, the bytes are copied over the plain one, for readers that know
//!    nothing of records.
//!
//! Invariants:
//! - before a record stands, a key is only ever written with one content: the plain keys with that of
//!   the digest in the claim, the others with that of the digest in their names. So a writer that is
//!   late, or comes back from the dead, changes nothing that a record names, on servers whose
//!   multipart completions ignore conditions too;
//! - after it stands, only step 4 writes plain keys, and only those that the record does not name.
//!
//! GoCD's folders follow another rule, since its markers are empty and all have one tag: see
//! [`crate::tracks::gocd`].

use crate::words::build::{Build, Run};
use crate::words::digest::Sha256;
use crate::words::object::pretty;
use crate::words::time::Utc;
use serde::{Deserialize, Serialize};

/// Who may use the plain keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// Nobody yet: whoever claims them.
    ByNobody,
    /// What has this digest.
    By(Sha256),
    /// Something that cannot be read stands there: nothing of ours.
    ByStrangers,
}

/// What lies under a key, as the bytes see it that are to lie there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing.
    Nothing,
    /// These very bytes.
    These,
    /// Other bytes, or bytes of which nobody says what they are.
    Others,
}

/// Which of its two keys a file goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The one where people look.
    Plain,
    /// The one that is its own.
    Own,
}

/// How the bytes of a file get under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// They are there.
    Keep,
    /// They go where nothing lies.
    Write,
    /// They go over other bytes, under a key that is theirs alone.
    Mend,
}

/// Where a file of what has this digest goes, and how. `plain` and `own` are what lies under its
/// keys.
pub fn place(claim: Claimed, digest: &Sha256, plain: Seen, own: Seen) -> (At, How) {
    match (plain, own) {
        // Whoever owns the plain key: it is only ever written with these bytes.
        (Seen::These, _) => (At::Plain, How::Keep),
        (Seen::Nothing, _) if claim.lets(digest) => (At::Plain, How::Write),
        (_, Seen::These) => (At::Own, How::Keep),
        (_, Seen::Nothing) => (At::Own, How::Write),
        (_, Seen::Others) => (At::Own, How::Mend),
    }
}

impl Claimed {
    /// Whether what has this digest may write plain keys, now or once it has claimed them.
    fn lets(self, digest: &Sha256) -> bool {
        match self {
            Claimed::ByNobody => true,
            Claimed::By(other) => other == *digest,
            Claimed::ByStrangers => false,
        }
    }
}

/// A kind of claim: how its object says what it is.
#[derive(Debug)]
pub enum Kind {
    /// `.pending` of a set.
    Set,
    /// `claim.json` of a release.
    Release,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    format: String,
    /// Of a set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Sha256>,
    /// Of a release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<Sha256>,
    since: Utc,
    #[serde(default, skip_serializing_if = "Build::is_empty")]
    build: Build,
}

impl Kind {
    fn format(&self) -> &'static str {
        match self {
            Kind::Set => "s3-asset-pending/1",
            Kind::Release => "s3-asset-release-claim/1",
        }
    }

    /// The object of a claim for what has this digest, as JSON for people.
    pub fn claim(&self, digest: Sha256, run: &Run) -> anyhow::Result<Vec<u8>> {
        let (set, release) = match self {
            Kind::Set => (Some(digest), None),
            Kind::Release => (None, Some(digest)),
        };
        pretty(&Claim {
            format: self.format().to_owned(),
            digest: set,
            sha256: release,
            since: run.time.clone(),
            build: run.build.clone(),
        })
    }

    /// What a claim's object says; none: there is none.
    pub fn claimed(&self, object: Option<&[u8]>) -> Claimed {
        let Some(bytes) = object else { return Claimed::ByNobody };
        let claim = serde_json::from_slice::<Claim>(bytes).ok();
        let claim = claim.filter(|claim| claim.format == self.format());
        let digest = claim.and_then(|claim| match self {
            Kind::Set => claim.digest,
            Kind::Release => claim.sha256,
        });
        digest.map_or(Claimed::ByStrangers, Claimed::By)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who claims the plain keys, and what lies under both; then where the bytes go, and how.
    #[test]
    fn where_bytes_go() {
        use At::{Own, Plain};
        use Claimed::{By, ByNobody, ByStrangers};
        use How::{Keep, Mend, Write};
        use Seen::{Nothing, Others, These};
        let digest = Sha256::of(b"this");
        let (this, other) = (By(digest), By(Sha256::of(b"other")));
        let cases = [
            (ByNobody, Nothing, Nothing, (Plain, Write)),
            (ByNobody, Others, Nothing, (Own, Write)),
            (this, Nothing, Nothing, (Plain, Write)),
            (this, These, Nothing, (Plain, Keep)),
            (this, Others, Nothing, (Own, Write)),
            (this, Others, These, (Own, Keep)),
            (this, Others, Others, (Own, Mend)),
            (other, Nothing, Nothing, (Own, Write)),
            (other, These, Nothing, (Plain, Keep)),
            (other, Others, These, (Own, Keep)),
            (other, Nothing, Others, (Own, Mend)),
            (ByStrangers, Nothing, Nothing, (Own, Write)),
            (ByStrangers, These, Nothing, (Plain, Keep)),
        ];
        for (claim, plain, own, want) in cases {
            assert_eq!(place(claim, &digest, plain, own), want, "{claim:?} {plain:?} {own:?}");
        }
    }

    #[test]
    fn claims_read_back() {
        let (digest, run) = (Sha256::of(b"x"), Run::at(Utc::read("2026-01-01T00:00:00Z")));
        for (kind, other) in [(Kind::Set, Kind::Release), (Kind::Release, Kind::Set)] {
            let bytes = kind.claim(digest, &run).expect("json");
            assert_eq!(kind.claimed(Some(&bytes)), Claimed::By(digest));
            assert_eq!(other.claimed(Some(&bytes)), Claimed::ByStrangers);
            for strange in
                [&b""[..], b"{\"format\":\"other\"}", b"{\"format\":\"s3-asset-pending/1\"}"]
            {
                assert_eq!(kind.claimed(Some(strange)), Claimed::ByStrangers);
            }
            assert_eq!(kind.claimed(None), Claimed::ByNobody);
        }
    }

    #[test]
    fn fuzz_claims() {
        let (digest, run) = (Sha256::of(b"x"), Run::at(Utc::read("2026-01-01T00:00:00Z")));
        let seeds = [Kind::Set, Kind::Release].map(|it| it.claim(digest, &run).expect("JSON"));
        fuzz_driver::bytes("claims", 3_000, seeds, |input| {
            let both = [Kind::Set, Kind::Release].map(|it| it.claimed(Some(input)));
            let read = both.iter().filter(|it| matches!(it, Claimed::By(_))).count();
            assert!(read <= 1 && !both.contains(&Claimed::ByNobody));
            format!("{:?}", both.map(|it| matches!(it, Claimed::By(_))))
        });
    }
}
