//! What Concourse says and hears: requests on standard input, responses on standard output.
//!
//! Facts of the protocol that shape this: `version` is absent on the first check; versions are
//! maps of strings; only the first JSON value on standard input counts.

use crate::words::fault::fault;
use crate::words::names::shown;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A version: Concourse identifies it by the hash of this map.
pub type Version = BTreeMap<String, String>;

/// The answer of a check, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// Any versions.
    Of(Vec<Version>),
    /// Versions of one key, by their values: there are very many where the given one is far behind,
    /// and a map for each would take ten times as much.
    Each(&'static str, Vec<Box<str>>),
}

impl Serialize for Versions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Versions::Of(versions) => serializer.collect_seq(versions),
            Versions::Each(key, values) => {
                serializer.collect_seq(values.iter().map(|value| BTreeMap::from([(key, value)])))
            }
        }
    }
}

/// One request, of any of the three programs.
#[derive(Debug, Default)]
pub struct Request {
    /// The resource's configuration, as the user wrote it.
    pub source: Map<String, Value>,
    /// Absent on the first check, and in a put.
    pub version: Option<Version>,
    /// The step's parameters.
    pub params: Map<String, Value>,
}

impl Request {
    /// Reads the first JSON value of `input`; whatever follows it is ignored.
    pub fn parse(input: &[u8]) -> anyhow::Result<Request> {
        const HINT: &str = "Concourse writes the request; by hand: echo '{\"source\": {...}}' | s3-asset resource check";
        let mut values =
            serde_json::Deserializer::from_slice(input).into_iter::<Map<String, Value>>();
        let mut request = match values.next() {
            None => return Err(fault("standard input: no request", HINT)),
            // The text of serde_json's error quotes nothing of the input but its position.
            Some(Err(e)) => {
                let what = format!(
                    "standard input: not a request: line {}, column {}",
                    e.line(),
                    e.column()
                );
                return Err(fault(what, HINT));
            }
            Some(Ok(map)) => map,
        };
        let source = section(&mut request, "source")?;
        let params = section(&mut request, "params")?;
        let version = match section(&mut request, "version")? {
            map if map.is_empty() => None,
            map => Some(version(map)?),
        };
        Ok(Request { source, version, params })
    }
}

fn section(request: &mut Map<String, Value>, name: &str) -> anyhow::Result<Map<String, Value>> {
    match request.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(fault(format!("{name}: expected a map"), "indent the keys below it")),
    }
}

fn version(map: Map<String, Value>) -> anyhow::Result<Version> {
    map.into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            _ => Err(fault(
                format!("version.{}: expected a text", shown(&name)),
                "quote the value: versions hold texts only",
            )),
        })
        .collect()
}

/// What a put would do, and what it would answer when that is done.
#[derive(Debug, Serialize)]
pub struct Planned {
    /// Each step and its reason, in words; none: there is nothing to do.
    pub steps: Vec<String>,
    /// The answer; none where only doing it can tell.
    #[serde(flatten)]
    pub response: Option<Response>,
}

/// What a get or a put answers.
#[derive(Debug, Serialize)]
pub struct Response {
    /// The version fetched or made.
    pub version: Version,
    /// What the build page shows of it.
    pub metadata: Vec<Metadata>,
}

/// A line of a step's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// In snake case: since Concourse 8.1 it is also a local variable's field.
    pub name: Cow<'static, str>,
    /// Its value; one that is a URL becomes a link on the build page.
    pub value: String,
}

/// Shorthand for one line of metadata.
pub fn metadata(name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Metadata {
    Metadata { name: name.into(), value: value.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_value_counts() {
        let request = Request::parse(
            b"{\"source\":{\"bucket\":\"a\"}}\n{\"source\":{\"bucket\":\"b\"}} trash",
        )
        .expect("reads");
        assert_eq!(request.source["bucket"], "a");
    }

    #[test]
    fn an_answer_is_a_list_of_maps() {
        let maps = ["a\"", "b"].map(|it| Version::from([("path".to_owned(), it.to_owned())]));
        let each = Versions::Each("path", vec!["a\"".into(), "b".into()]);
        for answer in [Versions::Of(maps.to_vec()), each] {
            let text = serde_json::to_string(&answer).expect("JSON");
            assert_eq!(text, r#"[{"path":"a\""},{"path":"b"}]"#);
        }
    }

    #[test]
    fn absent_null_and_empty_versions_are_none() {
        for text in ["{}", r#"{"version":null}"#, r#"{"version":{}}"#] {
            assert_eq!(Request::parse(text.as_bytes()).expect(text).version, None, "{text}");
        }
    }

    #[test]
    fn what_is_no_request_is_said_without_quoting_it() {
        let cases = [
            ("", "standard input: no request"),
            ("[1]", "standard input: not a request: line 1, column 0"),
            (r#"{"source": "s3cret"}"#, "source: expected a map"),
            (r#"{"source": s3cret}"#, "standard input: not a request: line 1, column 12"),
            (r#"{"version": {"commit": 7}}"#, "version.commit: expected a text"),
        ];
        for (text, want) in cases {
            assert_eq!(Request::parse(text.as_bytes()).expect_err(text).to_string(), want);
        }
    }
}
