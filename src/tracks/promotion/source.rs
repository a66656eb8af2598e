//! `source.promotion`: which file climbs which ranks, and where it lies.

use crate::input::lenient::{Text, Texts, closed, fields_of, read, refuse_unknown, schema_of};
use crate::words::fault::fault;
use crate::words::names::{Prefix, Rank, ReleaseFile, shown};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The `promotion` track.
#[derive(Debug, Clone)]
pub struct Promotion {
    /// In order: a release begins at the first. Never empty, none twice.
    pub ranks: Vec<Rank>,
    /// This resource's, one of them.
    pub rank: Rank,
    /// The file's name at every rank.
    pub file: ReleaseFile,
    /// The folder of the archive.
    pub archive: Prefix,
    /// The folder that ranks and archive are in.
    pub prefix: Prefix,
}

impl Promotion {
    /// The rank before this resource's; none: this is the first.
    pub fn previous(&self) -> Option<&Rank> {
        let index = self.ranks.iter().position(|rank| *rank == self.rank)?;
        self.ranks.get(index.checked_sub(1)?)
    }
}

/// What a get writes beside the file, under these names.
const BESIDE: [&str; 5] = ["version", "rank", "url", "s3_uri", "promotion.json"];

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["ranks", "rank", "file"]))]
struct RawPromotion {
    /// The ranks in order, the one to which files are uploaded first: a list, or one string with
    /// commas. The same at every rank's resource.
    ranks: Texts,
    /// This resource's rank.
    rank: Text,
    /// The file's name at every rank: `my.tar.gz`, `linux/my.tar.gz`. No name in it starts with a dot.
    file: Text,
    /// The folder that keeps every version. The same at every rank's resource.
    #[schemars(extend("default" = "archive"))]
    archive_prefix: Text,
}

/// The keys of `source.promotion`.
pub(in crate::tracks) fn keys() -> Vec<&'static str> {
    fields_of::<RawPromotion>().to_vec()
}

/// What an editor may know of them.
pub(in crate::tracks) fn schema() -> Value {
    closed("promotion: a file that climbs through ranks", [schema_of::<RawPromotion>()])
}

/// Validates `source.promotion`; `prefix` stands before every key.
pub(in crate::tracks) fn parse(value: &Value, prefix: &Prefix) -> anyhow::Result<Promotion> {
    const PLACE: &str = "source.promotion";
    const EXAMPLE: &str =
        "for example `promotion: {ranks: [qa, staging, production], rank: qa, file: my.tar.gz}`";
    let Value::Object(map) = value else {
        return Err(fault(format!("{PLACE}: expected a map"), EXAMPLE));
    };
    refuse_unknown(PLACE, map, &[fields_of::<RawPromotion>()])?;
    let raw: RawPromotion = read(PLACE, map)?;
    let ranks = ranks(raw.ranks.get()).map_err(|e| e.context(format!("{PLACE}.ranks")))?;
    let missing = |name: &str| fault(format!("{PLACE}.{name}: missing"), EXAMPLE);
    let rank = raw.rank.get().ok_or_else(|| missing("rank"))?;
    let rank = one_of(&ranks, rank).map_err(|e| e.context(format!("{PLACE}.rank")))?;
    let file = ReleaseFile::parse(raw.file.get().ok_or_else(|| missing("file"))?)
        .map_err(|e| e.context(format!("{PLACE}.file")))?;
    if BESIDE.contains(&file.split().1) {
        return Err(fault(
            format!(
                "{PLACE}.file: a get writes a file of its own under the name `{}`",
                file.split().1
            ),
            format!("give the release another name than {}", BESIDE.join(", ")),
        ));
    }
    let folder =
        Prefix::parse(&format!("{PLACE}.archive_prefix"), &raw.archive_prefix.or("archive"))?;
    if let Some(rank) =
        ranks.iter().find(|rank| folder.as_str().split('/').next() == Some(rank.as_str()))
    {
        return Err(fault(
            format!("{PLACE}: the archive lies in the folder of the rank `{rank}`"),
            "give `archive_prefix` a folder beside the ranks",
        ));
    }
    let archive = Prefix::parse("archive_prefix", &format!("{prefix}{folder}"))?;
    Ok(Promotion { ranks, rank, file, archive, prefix: prefix.clone() })
}

/// Reads ranks, which may stand in one text, with commas between them.
fn ranks(texts: &[String]) -> anyhow::Result<Vec<Rank>> {
    let mut ranks: Vec<Rank> = Vec::new();
    for text in texts.iter().flat_map(|text| text.split(',')) {
        let rank = Rank::parse(text)?;
        if ranks.contains(&rank) {
            return Err(fault(format!("`{rank}` is there twice"), "name each rank once, in order"));
        }
        ranks.push(rank);
    }
    if ranks.is_empty() {
        return Err(fault(
            "no rank",
            "give the ranks in order, for example [qa, staging, production]",
        ));
    }
    Ok(ranks)
}

/// The rank that somebody names, when it is one of these.
fn one_of(ranks: &[Rank], text: &str) -> anyhow::Result<Rank> {
    ranks.iter().find(|rank| rank.as_str() == text.trim()).cloned().ok_or_else(|| {
        let all: Vec<&str> = ranks.iter().map(Rank::as_str).collect();
        fault(
            format!("`{}` is none of the ranks", shown(text)),
            format!("they are {}", all.join(", ")),
        )
        .context(InvalidRank)
    })
}

/// A rank that is none of the ranks, in s3p's words.
#[derive(Debug, Clone, Copy)]
pub struct InvalidRank;

impl std::fmt::Display for InvalidRank {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("invalid rank")
    }
}

impl std::error::Error for InvalidRank {}
