//! What people write in YAML, read kindly where the meaning is plain and refused where it is not.
//!
//! Pipelines fill values from variables, so numbers and booleans come as strings and unset things
//! as `""`, `false`, `{}` or `null`: all of these read as unset. An unknown key is always an
//! error that names the nearest known one: a misspelt key that is ignored is a wrong build.

use crate::words::fault::fault;
use crate::words::names::shown;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// A text, or unset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(Option<String>);

impl Text {
    /// The text, when there is one.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The text, or another.
    pub fn or(&self, default: &str) -> String {
        self.get().unwrap_or(default).to_owned()
    }
}

/// A yes or no, or unset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flag(Option<bool>);

impl Flag {
    /// Whether it was switched on.
    pub fn is_on(self) -> bool {
        self.0 == Some(true)
    }

    /// Its value, or the one that holds where nothing was written.
    pub fn or(self, default: bool) -> bool {
        self.0.unwrap_or(default)
    }

    /// Its value, when one was written.
    pub fn get(self) -> Option<bool> {
        self.0
    }
}

/// A whole number, or unset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count(Option<u64>);

impl Count {
    /// The number, when there is one.
    pub fn get(self) -> Option<u64> {
        self.0
    }
}

/// A list of texts; one text counts as a list of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(Vec<String>);

impl Texts {
    /// The texts, none of them empty.
    pub fn get(&self) -> &[String] {
        &self.0
    }
}

/// Names and values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextMap(BTreeMap<String, String>);

impl TextMap {
    /// The pairs, sorted by name.
    pub fn get(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

/// What a value may be written as, in the terms of JSON Schema: for editors, so without the many
/// spellings of "unset".
macro_rules! schema {
    ($($name:ident $schema:tt)*) => {$(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

schema! {
    Text {"type": ["string", "number"]}
    Flag {"type": ["boolean", "string"]}
    Count {"type": ["integer", "string"], "minimum": 0}
    Texts {"type": ["array", "string"], "items": {"type": ["string", "number"]}}
    TextMap {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
}

/// What a scalar may be written as.
enum Scalar {
    Unset,
    Bool(bool),
    Text(String),
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Scalar::Unset),
            Value::Bool(b) => Ok(Scalar::Bool(b)),
            Value::Number(n) => Ok(Scalar::Text(n.to_string())),
            Value::String(s) if s.is_empty() => Ok(Scalar::Unset),
            Value::String(s) => Ok(Scalar::Text(s)),
            Value::Object(map) if map.is_empty() => Ok(Scalar::Unset),
            Value::Object(_) => Err(de::Error::custom("expected one value, found a map")),
            Value::Array(_) => Err(de::Error::custom("expected one value, found a list")),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Text(match Scalar::deserialize(deserializer)? {
            Scalar::Unset | Scalar::Bool(false) => None,
            Scalar::Bool(true) => Some("true".to_owned()),
            Scalar::Text(text) => Some(text),
        }))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Flag(match Scalar::deserialize(deserializer)? {
            Scalar::Unset => None,
            Scalar::Bool(b) => Some(b),
            // The spellings of Go's strconv.ParseBool, which s3-resource takes.
            Scalar::Text(text) => match text.to_ascii_lowercase().as_str() {
                "1" | "t" | "true" => Some(true),
                "0" | "f" | "false" => Some(false),
                _ => {
                    return Err(de::Error::custom(format!(
                        "expected true or false, found `{}`",
                        shown(&text)
                    )));
                }
            },
        }))
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Unset | Scalar::Bool(false) => Ok(Count(None)),
            Scalar::Bool(true) => Err(de::Error::custom("expected a whole number, found true")),
            Scalar::Text(text) => text.trim().parse().map(|n| Count(Some(n))).map_err(|_| {
                de::Error::custom(format!("expected a whole number, found `{}`", shown(&text)))
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Array(items) => items
                .into_iter()
                .map(|item| Text::deserialize(item).map_err(de::Error::custom))
                .filter_map(|item| item.map(|text| text.0).transpose())
                .collect::<Result<_, _>>()
                .map(Texts),
            one => {
                let text = Text::deserialize(one).map_err(de::Error::custom)?;
                Ok(Texts(text.0.into_iter().collect()))
            }
        }
    }
}

impl<'de> Deserialize<'de> for TextMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = TextMap;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of names and values")
            }

            fn visit_unit<E>(self) -> Result<TextMap, E> {
                Ok(TextMap::default())
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<TextMap, E> {
                if value {
                    Err(E::invalid_type(de::Unexpected::Bool(value), &self))
                } else {
                    self.visit_unit()
                }
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<TextMap, E> {
                if text.is_empty() {
                    self.visit_unit()
                } else {
                    Err(E::invalid_type(de::Unexpected::Str("a text"), &self))
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<TextMap, A::Error> {
                Err(de::Error::invalid_type(de::Unexpected::Seq, &self))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TextMap, A::Error> {
                let mut pairs = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Scalar>()? {
                    let value = match value {
                        Scalar::Unset => String::new(),
                        Scalar::Bool(b) => b.to_string(),
                        Scalar::Text(text) => text,
                    };
                    pairs.insert(name, value);
                }
                Ok(TextMap(pairs))
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}

/// The names of a struct's fields, as serde knows them: one list for reading and for checking.
pub fn fields_of<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    struct Probe<'a>(&'a mut &'static [&'static str]);
    impl<'de> Deserializer<'de> for Probe<'_> {
        type Error = de::value::Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(de::Error::custom("only the fields are wanted"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = fields;
            self.deserialize_any(visitor)
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
            option unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier
            ignored_any
        }
    }
    let mut fields: &'static [&'static str] = &[];
    let _ = T::deserialize(Probe(&mut fields));
    fields
}

/// The schema of a struct's fields.
pub fn schema_of<T: JsonSchema>() -> Value {
    SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

/// The schema of a map that holds the fields of several structs, and no other key.
pub fn closed(title: &str, structs: impl IntoIterator<Item = Value>) -> Value {
    let mut required = Vec::new();
    let mut properties = Map::new();
    for mut schema in structs {
        if let Value::Array(names) = schema["required"].take() {
            required.extend(names);
        }
        if let Value::Object(fields) = schema["properties"].take() {
            properties.extend(fields);
        }
    }
    json!({
        "title": title, "type": "object", "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

/// Refuses the first key of `map` that is not among `known`; `place` is where it stands
/// (`source`, `params`, `source.artifacts`).
pub fn refuse_unknown(
    place: &str,
    map: &Map<String, Value>,
    known: &[&[&str]],
) -> anyhow::Result<()> {
    let known = || known.iter().flat_map(|list| list.iter().copied());
    let Some(key) = map.keys().find(|key| !known().any(|k| k == key.as_str())) else {
        return Ok(());
    };
    let nearest = known()
        .map(|k| (strsim::damerau_levenshtein(&key.to_ascii_lowercase(), k), k))
        .min()
        .filter(|(distance, k)| *distance <= 1 + k.len() / 3);
    // A word more or less (`region`, `region_name`) is nearer than a typing error.
    let part =
        known().find(|k| key.len() >= 3 && (k.starts_with(key.as_str()) || key.starts_with(k)));
    let hint = match (nearest, part) {
        (Some((0..=1, k)), _) | (_, Some(k)) | (Some((_, k)), None) => {
            format!("did you mean `{k}`?")
        }
        (None, None) => {
            let mut all: Vec<_> = known().collect();
            all.sort_unstable();
            format!("known keys are {}", all.join(", "))
        }
    };
    Err(fault(format!("{place}: unknown key `{}`", shown(key)), hint))
}

/// Reads a struct from a map; an error names the key.
pub fn read<T: for<'de> Deserialize<'de>>(
    place: &str,
    map: &Map<String, Value>,
) -> anyhow::Result<T> {
    let value = Value::Object(map.clone());
    serde_path_to_error::deserialize(value).map_err(|e| {
        let path = e.path().to_string();
        fault(
            format!("{place}.{}: {}", shown(&path), e.into_inner()),
            "the README lists each key with its type",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
