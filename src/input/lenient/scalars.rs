//! Scalars as pipelines write them: numbers and booleans as strings too, and unset in many spellings.

use crate::words::names::shown;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
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
pub struct Texts {
    texts: Vec<String>,
    is_list: bool,
}

impl Texts {
    /// The texts, none of them empty.
    pub fn get(&self) -> &[String] {
        &self.texts
    }

    /// Whether they were written as a list, and not as one text.
    pub fn is_list(&self) -> bool {
        self.is_list
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
                .map(|texts| Texts { texts, is_list: true }),
            one => {
                let text = Text::deserialize(one).map_err(de::Error::custom)?;
                Ok(Texts { texts: text.0.into_iter().collect(), is_list: false })
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
