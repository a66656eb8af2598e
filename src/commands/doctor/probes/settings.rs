//! Who asks, whether the bucket answers, and what it does by itself. Nothing is written for it.

use super::{Probes, trouble};
use crate::s3::store::{Expiry, Versioning};
use crate::words::names::shown;

/// What is found of versions in a bucket that never kept any.
pub(in crate::commands::doctor) const NOT_KEPT: &str = "not kept";

impl Probes<'_> {
    pub(super) async fn reach(&self) -> anyhow::Result<String> {
        self.store.list(self.folder.as_str()).await?;
        Ok(format!("{} answers and lets these credentials list", self.store.uri("")))
    }

    pub(super) async fn signer(&self) -> anyhow::Result<String> {
        Ok(match self.store.signer().await? {
            Some(id) => format!("access key {}", masked(&id)),
            None => "nobody: requests go unsigned".to_owned(),
        })
    }

    pub(super) async fn versions(&self) -> anyhow::Result<String> {
        Ok(match self.store.versioning().await? {
            Versioning::Enabled => "kept of every object",
            Versioning::Suspended => "kept of what was written before they were suspended",
            Versioning::Never => NOT_KEPT,
        }
        .to_owned())
    }

    pub(super) async fn lifecycle(&self) -> anyhow::Result<String> {
        tears(&self.store.expiries().await?, self.prefix)
    }

    pub(super) async fn encryption(&self) -> anyhow::Result<String> {
        let by_default = self.store.default_encryption().await?;
        Ok(by_default.unwrap_or_else(|| "none unless a put asks for it".to_owned()))
    }
}

/// An access key's id, as much of it as tells one from another.
fn masked(id: &str) -> String {
    let id: Vec<char> = id.chars().collect();
    match id.len() {
        0..12 => format!("of {} characters", id.len()),
        n => format!("{}...{}", String::from_iter(&id[..4]), String::from_iter(&id[n - 4..])),
    }
}

/// What S3 thinks of this machine's clock: it refuses requests that are a quarter of an hour off.
pub(super) fn clock(ahead: Option<i64>) -> anyhow::Result<String> {
    let hint = "set this machine's clock (NTP): S3 refuses what is signed 15 minutes off";
    match ahead {
        None => Err(trouble("the server does not say what time it is", hint)),
        Some(ahead) if ahead.abs() <= 60 => Ok("agrees with the server's".to_owned()),
        Some(ahead) if ahead > 0 => Err(trouble(format!("{ahead} s ahead of the server's"), hint)),
        Some(ahead) => Err(trouble(format!("{} s behind the server's", -ahead), hint)),
    }
}

/// Whether rules delete single objects of what is published whole.
fn tears(rules: &[Expiry], prefix: &str) -> anyhow::Result<String> {
    let meets =
        |rule: &&Expiry| rule.prefix.starts_with(prefix) || prefix.starts_with(&rule.prefix);
    let names: Vec<String> = rules.iter().filter(meets).map(|rule| shown(&rule.name)).collect();
    if names.is_empty() {
        return Ok("no rule deletes objects here".to_owned());
    }
    Err(trouble(
        format!("rules delete single objects, and so tear sets apart: {}", names.join(", ")),
        "keep the rules off this prefix: `s3-asset artifacts gc` removes whole sets",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_delete_what_is_published_are_named() {
        let rule = |name: &str, prefix: &str| Expiry { name: name.into(), prefix: prefix.into() };
        let cases: [(&[Expiry], &str, Option<&str>); 5] = [
            (&[], "", None),
            (&[rule("all", "")], "team/", Some("all")),
            (&[rule("logs", "logs/")], "team/", None),
            (&[rule("logs", "logs/"), rule("deep", "team/artifacts/x/")], "team/", Some("deep")),
            (&[rule("logs", "logs/")], "", Some("logs")),
        ];
        for (rules, prefix, want) in cases {
            match (tears(rules, prefix), want) {
                (Ok(_), None) => {}
                (Err(e), Some(name)) => assert!(e.to_string().ends_with(name), "{e}"),
                (got, _) => panic!("{rules:?} {prefix}: {got:?}"),
            }
        }
    }

    #[test]
    fn clocks_may_differ_a_little() {
        for (ahead, is_good) in [(Some(0), true), (Some(-60), true), (Some(61), false)] {
            assert_eq!(clock(ahead).is_ok(), is_good, "{ahead:?}");
        }
        assert!(clock(Some(-900)).expect_err("slow").to_string().contains("900 s behind"));
        assert!(clock(None).is_err());
    }

    #[test]
    fn a_key_is_told_by_its_ends() {
        assert_eq!(masked("AKIAIOSFODNN7EXAMPLE"), "AKIA...MPLE");
        assert_eq!(masked("test"), "of 4 characters");
    }
}
