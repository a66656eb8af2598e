//! `source.gocd`: the job whose folders are followed.

use super::rules::Revision;
use crate::input::lenient::{Text, closed, fields_of, read, refuse_unknown, schema_of};
use crate::words::digest::Sha256;
use crate::words::fault::fault;
use crate::words::names::{Key, Prefix, RelPath, shown};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The `gocd` track.
#[derive(Debug, Clone)]
pub struct Gocd {
    /// The folder of the job: every folder in it is a revision.
    pub job: Prefix,
    /// The folder of what is recorded beside it.
    pub records: Prefix,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["pipeline", "stage", "job"]))]
struct RawGocd {
    /// The pipeline, as GoCD's package definition names it: without the `prefix`, which GoCD takes as
    /// part of the pipeline's name.
    pipeline: Text,
    /// The stage.
    stage: Text,
    /// The job.
    job: Text,
}

impl Gocd {
    /// The job that three names, and a folder before them, lead to.
    pub fn new(prefix: &Prefix, names: [&str; 3]) -> Gocd {
        let below = |base: Prefix| names.iter().fold(base, |folder, name| folder.folder(name));
        Gocd { job: below(prefix.clone()), records: below(prefix.folder(".history")) }
    }

    /// The folder of a revision.
    pub(in crate::tracks::gocd) fn folder(&self, revision: &Revision) -> Prefix {
        self.job.folder(revision.as_str())
    }

    /// The object that says of a folder what GoCD reads.
    pub fn marker(&self, revision: &Revision) -> anyhow::Result<Key> {
        self.folder(revision).key("")
    }

    /// The history of the job.
    pub fn history(&self) -> anyhow::Result<Key> {
        Key::parse(self.records.as_str().trim_end_matches('/'))
    }

    /// Where a list of files lies.
    pub(in crate::tracks::gocd) fn list(&self, digest: &Sha256) -> anyhow::Result<Key> {
        self.records.key(&format!("files/{digest}.json"))
    }
}

/// The keys of `source.gocd`.
pub(in crate::tracks) fn keys() -> Vec<&'static str> {
    fields_of::<RawGocd>().to_vec()
}

/// What an editor may know of them.
pub(in crate::tracks) fn schema() -> Value {
    closed("gocd: folders that GoCD recognises", [schema_of::<RawGocd>()])
}

/// Validates `source.gocd`; `prefix` stands before every key.
pub(in crate::tracks) fn parse(value: &Value, prefix: &Prefix) -> anyhow::Result<Gocd> {
    const PLACE: &str = "source.gocd";
    const EXAMPLE: &str = "for example `gocd: {pipeline: app, stage: build, job: package}`";
    let Value::Object(map) = value else {
        return Err(fault(format!("{PLACE}: expected a map"), EXAMPLE));
    };
    refuse_unknown(PLACE, map, &[fields_of::<RawGocd>()])?;
    let raw: RawGocd = read(PLACE, map)?;
    let name = |name: &str, text: &Text| {
        let place = format!("{PLACE}.{name}");
        let text = text.get().ok_or_else(|| fault(format!("{place}: missing"), EXAMPLE))?;
        plain(text).map_err(|e| e.context(place))?;
        anyhow::Ok(text.to_owned())
    };
    let pipeline = name("pipeline", &raw.pipeline)?;
    let stage = name("stage", &raw.stage)?;
    let job = name("job", &raw.job)?;
    Ok(Gocd::new(prefix, [&pipeline, &stage, &job]))
}

/// Takes the name of one folder, which is not hidden: `.history` is ours.
pub fn plain(name: &str) -> anyhow::Result<()> {
    let path = RelPath::parse(name)?;
    let why = if path.components().count() > 1 {
        "has a `/` in it"
    } else if path.is_hidden() {
        "starts with a dot"
    } else if name.chars().any(char::is_control) {
        "has a control character in it"
    } else {
        return Ok(());
    };
    Err(fault(
        format!("the name `{}` {why}", shown(name)),
        "give one plain name, as GoCD has it; folders before it go into `prefix`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracks::{Source, Track};
    use serde_json::json;

    fn source(gocd: Value) -> anyhow::Result<Source> {
        let source = json!({"bucket": "b", "prefix": "team", "gocd": gocd});
        Source::parse(source.as_object().expect("a map"))
    }

    #[test]
    fn where_things_lie() {
        let source = source(json!({"pipeline": "app", "stage": "build", "job": 7})).expect("valid");
        let Track::Gocd(track) = source.track else { panic!("the gocd track") };
        let revision = Revision::parse("42.1").expect("a revision");
        assert_eq!(track.job.as_str(), "team/app/build/7/");
        assert_eq!(track.marker(&revision).expect("a key").as_str(), "team/app/build/7/42.1/");
        assert_eq!(track.history().expect("a key").as_str(), "team/.history/app/build/7");
        let list = track.list(&Sha256::of(b"")).expect("a key").to_string();
        assert!(list.starts_with("team/.history/app/build/7/files/e3b0c442"), "{list}");
    }

    #[test]
    fn mistakes_are_named() {
        let with = |name: &str, value: &str| {
            let mut gocd = json!({"pipeline": "p", "stage": "s", "job": "j"});
            gocd[name] = value.into();
            gocd
        };
        let cases = [
            (json!({}), "source.gocd.pipeline: missing"),
            (json!({"pipeline": "p", "stage": "s"}), "source.gocd.job: missing"),
            (json!("p/s/j"), "source.gocd: expected a map"),
            (with("jbo", "x"), "source.gocd: unknown key `jbo`"),
            (with("pipeline", ".history"), "source.gocd.pipeline"),
            (with("pipeline", "a/b"), "source.gocd.pipeline"),
            (with("stage", ".."), "source.gocd.stage"),
            (with("job", "a\nb"), "source.gocd.job"),
        ];
        for (gocd, want) in cases {
            assert_eq!(source(gocd).expect_err(want).to_string(), want);
        }
    }
}
