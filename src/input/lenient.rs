//! What people write in YAML, read kindly where the meaning is plain and refused where it is not.
//!
//! Pipelines fill values from variables, so numbers and booleans come as strings and unset things
//! as `""`, `false`, `{}` or `null`: all of these read as unset. An unknown key is an error that names
//! the nearest known one: a misspelt key that is ignored is a wrong build. Only the file tracks, which
//! take pipelines of concourse/s3-resource as they are, warn instead, see [`forgiven`].

mod keys;
mod scalars;
mod schema;

pub use keys::{fields_of, forgiven, read, refuse_unknown};
pub use scalars::{Count, Flag, Text, TextMap, Texts};
pub use schema::{closed, schema_of};

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::{Value, json};

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Sample {
        text: Text,
        flag: Flag,
        count: Count,
        texts: Texts,
        pairs: TextMap,
    }

    fn sample(value: Value) -> anyhow::Result<Sample> {
        let Value::Object(map) = value else { panic!("a map") };
        refuse_unknown("source", &map, &[fields_of::<Sample>()])?;
        read("source", &map)
    }

    #[test]
    fn unset_has_many_spellings() {
        for unset in [json!(null), json!(""), json!(false), json!({})] {
            let read = sample(json!({
                "text": unset, "count": unset, "texts": unset, "pairs": unset
            }));
            assert_eq!(read.expect("reads"), Sample::default(), "{unset}");
        }
        assert_eq!(sample(json!({"flag": ""})).expect("reads").flag.get(), None);
        assert_eq!(sample(json!({"flag": {}})).expect("reads").flag.get(), None);
        assert!(!sample(json!({"flag": false})).expect("reads").flag.or(true));
    }

    #[test]
    fn scalars_come_as_strings_too() {
        let read = sample(json!({
            "text": 12, "flag": "True", "count": "7", "texts": ["a", 1, ""],
            "pairs": {"n": 1, "b": false, "s": "x", "e": ""}
        }))
        .expect("reads");
        assert_eq!(read.text.get(), Some("12"));
        assert!(read.flag.is_on());
        assert_eq!(read.count.get(), Some(7));
        assert_eq!(read.texts.get(), ["a", "1"]);
        let pairs: Vec<_> = read.pairs.get().iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(pairs, ["b=false", "e=", "n=1", "s=x"]);
        assert_eq!(sample(json!({"texts": "a b"})).expect("reads").texts.get(), ["a b"]);
    }

    #[test]
    fn what_cannot_be_meant_names_its_key() {
        let cases = [
            (json!({"text": ["a"]}), "source.text: expected one value, found a list"),
            (json!({"flag": "maybe"}), "source.flag: expected true or false, found `maybe`"),
            (json!({"count": -1}), "source.count: expected a whole number, found `-1`"),
            (json!({"pairs": {"a": {"b": 1}}}), "source.pairs.a: expected one value, found a map"),
        ];
        for (value, want) in cases {
            assert_eq!(sample(value).expect_err(want).to_string(), want);
        }
    }

    #[test]
    fn an_unknown_key_gets_the_nearest() {
        let cases = [
            (json!({"txet": 1}), "did you mean `text`?"),
            (json!({"Count": 1}), "did you mean `count`?"),
            (json!({"text_file": 1}), "did you mean `text`?"),
            (json!({"zzzzzzzzzz": 1}), "known keys are count, flag, pairs, text, texts"),
        ];
        for (value, want) in cases {
            let error = sample(value).expect_err(want);
            assert_eq!(crate::words::fault::hint_of(&error), Some(want));
        }
    }
}
