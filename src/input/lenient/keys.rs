//! Keys: which there are, and what an unknown one was meant to be.

use crate::words::fault::{Fault, fault};
use crate::words::names::{refusal, shown};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::{Map, Value};

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

/// Bytes of a key that may be a name with a typing error in it.
const LONGEST: usize = 64;

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
    Err(unknown(place, key, &known().collect::<Vec<_>>()).into())
}

/// What is said of an unknown key, with the nearest of those that are known.
fn unknown(place: &str, key: &str, known: &[&str]) -> Fault {
    let known = || known.iter().copied();
    // The distance of two texts costs their lengths' product, and no name is longer than this.
    let typed = if key.len() <= LONGEST { key } else { "" };
    let nearest = known()
        .map(|k| (strsim::damerau_levenshtein(&typed.to_ascii_lowercase(), k), k))
        .min()
        .filter(|(distance, k)| !typed.is_empty() && *distance <= 1 + k.len() / 3);
    // A word more or less (`region`, `region_name`) is nearer than a typing error.
    let part = known().find(|k| key.len() >= 3 && (k.starts_with(key) || key.starts_with(k)));
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
    Fault::new(format!("{place}: unknown key `{}`", shown(key)), hint)
}

/// Keys as Go's JSON reads them, for those who come from a resource that is written in Go: their case
/// does not matter, and unknown ones are left out. Answers what is to be said of those.
pub fn forgiven(
    place: &str,
    map: &Map<String, Value>,
    known: &[&[&str]],
) -> (Map<String, Value>, Vec<String>) {
    let known: Vec<&str> = known.iter().flat_map(|list| list.iter().copied()).collect();
    let (mut kept, mut said) = (Map::new(), Vec::new());
    for (key, value) in map {
        let name = known.iter().find(|it| it.eq_ignore_ascii_case(key));
        match name {
            None => {
                let fault = unknown(place, key, &known);
                said.push(format!("{fault}, which is left out: {}", fault.hint()));
            }
            // The key as we write it goes before other spellings of it.
            Some(name) if *name == key.as_str() || !map.contains_key(*name) => {
                kept.insert((*name).to_owned(), value.clone());
            }
            Some(_) => (),
        }
    }
    (kept, said)
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
            format!("{place}.{}: {}", shown(&path), refusal(e.into_inner())),
            "the README, and the page of each track, lists the keys with their types",
        )
    })
}
