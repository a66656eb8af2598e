//! What a put does about the file that may stand under its key.

use super::params::OnConflict;

/// What stands under the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was not asked.
    Unasked,
    /// Nothing.
    Nothing,
    /// A file with the same bytes.
    Same,
    /// A file with other bytes, or of which S3 knows too little to compare it.
    Other,
}

/// What is done, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Writes, whatever stands there.
    Write,
    /// Writes only if still nothing stands there.
    Create,
    /// Writes nothing: what stands there is the version.
    Keep,
    /// Writes nothing, and fails.
    Refuse,
}

/// Decides.
pub(super) fn plan(on_conflict: OnConflict, standing: Standing) -> Plan {
    match (on_conflict, standing) {
        (OnConflict::Replace, _) => Plan::Write,
        (_, Standing::Nothing | Standing::Unasked) => Plan::Create,
        (OnConflict::Skip, _) | (OnConflict::Fail, Standing::Same) => Plan::Keep,
        (OnConflict::Fail, Standing::Other) => Plan::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_case() {
        use OnConflict::{Fail, Replace, Skip};
        use Standing::{Nothing, Other, Same, Unasked};
        let cases = [
            (Replace, Unasked, Plan::Write),
            (Replace, Other, Plan::Write),
            (Replace, Same, Plan::Write),
            (Skip, Nothing, Plan::Create),
            (Skip, Same, Plan::Keep),
            (Skip, Other, Plan::Keep),
            (Fail, Nothing, Plan::Create),
            (Fail, Same, Plan::Keep),
            (Fail, Other, Plan::Refuse),
        ];
        for (on_conflict, standing, want) in cases {
            assert_eq!(plan(on_conflict, standing), want, "{on_conflict:?} {standing:?}");
        }
    }
}
