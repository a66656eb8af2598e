//! The tables of keys and parameters on the pages, written from the structs' doc comments.
//!
//! `<!-- keys: source.artifacts -->` to `<!-- /keys -->` holds a place's keys; keys named after the
//! place select a part of them, and the marker without names gets the rest. Written anew with
//! `UPDATE_DOCS=1 cargo test --test it docs::`.

use super::{filled, is_current, map, pages};
use s3_asset_resource::input::lenient::{fields_of, schema_of};
use s3_asset_resource::input::object_params::RawObject;
use s3_asset_resource::tracks::{self, Source, files};
use serde_json::{Value, json};

/// A place where users write keys.
struct Place {
    /// What its markers call it: `source`, `source.artifacts`, `get.artifacts`, `put.artifacts`; `put`
    /// has the params of every put.
    name: String,
    /// Its keys, in the order of the struct.
    keys: Vec<&'static str>,
    /// JSON Schema of the map.
    schema: Value,
}

/// Every place of every track; params stand in the order of `params_schemas`.
fn places() -> Vec<Place> {
    let [gets, puts] = tracks::params_schemas().map(|it| it["anyOf"].clone());
    let (mut gets, mut puts) = (items(&gets), items(&puts));
    let of_every_put = fields_of::<RawObject>();
    let mut places: Vec<Place> = tracks::known_keys()
        .into_iter()
        .map(|(place, mut keys)| {
            let verb = place.strip_suffix(" params").unwrap_or_default();
            let schema = match verb {
                "get" => gets.next().expect("a get of the track"),
                "put" => puts.next().expect("a put of the track"),
                _ => below(tracks::schema(), place),
            };
            if verb == "put" {
                keys.retain(|key| !of_every_put.contains(key));
            }
            // The names of tracks to come are known, and not described.
            keys.retain(|key| schema["properties"][key].is_object());
            let name = match verb {
                "" => place.to_owned(),
                verb => format!("{verb}.{}", schema["title"].as_str().expect("the track's name")),
            };
            Place { name, keys, schema }
        })
        .collect();
    let schema = schema_of::<RawObject>();
    places.push(Place { name: "put".to_owned(), keys: of_every_put.to_vec(), schema });
    places
}

fn items(list: &Value) -> std::vec::IntoIter<Value> {
    list.as_array().cloned().unwrap_or_default().into_iter()
}

/// The schema at `source.artifacts` of that of `source`.
fn below(source: Value, place: &str) -> Value {
    place.split('.').skip(1).fold(source, |mut it, name| it["properties"][name].take())
}

impl Place {
    fn row(&self, key: &str) -> String {
        let it = &self.schema["properties"][key];
        let words = it["description"].as_str().expect(key).split_whitespace().collect::<Vec<_>>();
        let mut meaning = words.join(" ").replace('|', "\\|");
        let is_unsaid = |value: &&Value| !meaning.contains(&shown(value));
        if items(&it["enum"]).any(|value| is_unsaid(&&value)) {
            let values: Vec<String> = items(&it["enum"]).map(|value| shown(&value)).collect();
            meaning.push_str(&format!(" One of {}.", values.join(", ")));
        }
        let kind = kind(it);
        let default = match &it["default"] {
            Value::Null if items(&self.schema["required"]).any(|name| name == *key) => {
                "required".to_owned()
            }
            Value::Null if kind == "boolean" && !meaning.contains("Unset:") => shown(&json!(false)),
            Value::Null => String::new(),
            value => shown(value),
        };
        format!("| `{key}` | {kind} | {default} | {meaning} |\n").replace("|  |", "| |")
    }
}

fn shown(value: &Value) -> String {
    format!("`{}`", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// What a key's value is, in a word.
fn kind(schema: &Value) -> &'static str {
    let first = schema["type"].as_array().map_or(&schema["type"], |kinds| &kinds[0]);
    match first.as_str().expect("a type") {
        "array" => "list",
        "boolean" => "boolean",
        "integer" => "number",
        "object" => "map",
        "string" => "string",
        other => panic!("a key that is a {other}"),
    }
}

const OPEN: &str = "<!-- keys: ";
const CLOSE: &str = "<!-- /keys -->";

/// The words of each marker of a page: a place and its selection.
fn markers(page: &str) -> Vec<Vec<&str>> {
    let markers = page.split(OPEN).skip(1).map(|rest| rest.split_once(" -->").expect("an end").0);
    markers.map(|marker| marker.split(' ').collect()).collect()
}

/// A page with its tables written anew; `selected` are the keys of markers that name some.
fn with_tables(page: &str, places: &[Place], selected: &[(String, String)]) -> String {
    filled(page, "keys", |marker| {
        let mut words = marker.split(' ');
        let name = words.next().unwrap_or_default();
        let place = places.iter().find(|it| it.name == name);
        let place = place.unwrap_or_else(|| panic!("there is no place {name}"));
        let mut keys: Vec<&str> = words.collect();
        if keys.is_empty() {
            let is_selected = |key: &str| selected.iter().any(|(p, k)| p == name && k == key);
            keys = place.keys.iter().copied().filter(|key| !is_selected(key)).collect();
        }
        let mut table = "| key | type | default | |\n|---|---|---|---|\n".to_owned();
        for key in keys {
            assert!(place.keys.contains(&key), "{name} has no key {key}");
            table.push_str(&place.row(key));
        }
        table
    })
}

#[test]
fn the_tables_of_keys_are_current() {
    let (mut pages, places) = (pages(), places());
    // Others tell of markers, and have none.
    pages.retain(|(name, _)| name == "README.md" || name.starts_with("docs/"));
    let markers: Vec<Vec<&str>> = pages.iter().flat_map(|(_, page)| markers(page)).collect();
    for place in &places {
        let has_table = markers.iter().any(|words| *words == [place.name.as_str()]);
        assert!(
            has_table || place.keys.is_empty(),
            "no page has a table of these keys: {OPEN}{0} --> {CLOSE}",
            place.name
        );
    }
    let selected: Vec<(String, String)> = markers
        .iter()
        .flat_map(|words| words[1..].iter().map(|key| (words[0].to_owned(), (*key).to_owned())))
        .collect();
    for (name, page) in &pages {
        is_current(name, page, &with_tables(page, &places, &selected));
    }
}

/// Parses a source in which a key of a place is set.
fn parse(base: &Value, place: &str, key: &str, value: &Value) -> String {
    let mut source = base.clone();
    let at = place.split('.').skip(1).fold(&mut source, |it, name| &mut it[name]);
    at[key] = value.clone();
    format!("{:?}", Source::parse(&map(&source)).expect("a valid source"))
}

#[test]
fn a_default_that_is_told_is_the_one_that_holds() {
    let mut told = 0;
    for place in places().iter().filter(|it| it.name.starts_with("source")) {
        let base = match place.name.as_str() {
            "source.promotion" => json!({
                "bucket": "b", "promotion": {"ranks": ["qa"], "rank": "qa", "file": "f"}
            }),
            "source.package" => json!({"bucket": "b", "package": {"name": "n"}}),
            "source.gocd" => json!({
                "bucket": "b", "gocd": {"pipeline": "p", "stage": "s", "job": "j"}
            }),
            _ => json!({"bucket": "b", "artifacts": {"code_hash": "src"}}),
        };
        for key in &place.keys {
            // Some keys of `source` are those of one track.
            let files = json!({"bucket": "b", "regexp": "a-(.*)"});
            let is_files = place.name == "source" && files::source::keys().contains(key);
            let base = if is_files { &files } else { &base };
            let default = match &place.schema["properties"][key] {
                it if kind(it) == "boolean" && it["default"].is_null() => json!(false),
                it => it["default"].clone(),
            };
            if default.is_null() {
                continue;
            }
            let unset = parse(base, &place.name, key, &Value::Null);
            assert_eq!(parse(base, &place.name, key, &default), unset, "{}.{key}", place.name);
            told += 1;
        }
    }
    assert!(told >= 15, "{told}");
}

#[test]
fn a_selection_leaves_the_rest_to_the_other_table() {
    let schema = json!({
        "properties": {
            "a": {"type": ["string", "number"], "description": "The\nfirst.", "default": "x"},
            "b": {"type": ["boolean", "string"], "description": "The | second."},
            "c": {"type": "object", "description": "The third.", "enum": ["d", "e"]},
        },
        "required": ["c"],
    });
    let place = Place { name: "p".to_owned(), keys: vec!["a", "b", "c"], schema };
    let page = "1\n<!-- keys: p b -->\nold\n<!-- /keys -->\n2\n<!-- keys: p -->\n<!-- /keys -->\n";
    let head = "| key | type | default | |\n|---|---|---|---|\n";
    let want = format!(
        "1\n<!-- keys: p b -->\n{head}| `b` | boolean | `false` | The \\| second. |\n<!-- /keys -->\n\
         2\n<!-- keys: p -->\n{head}| `a` | string | `x` | The first. |\n\
         | `c` | map | required | The third. One of `d`, `e`. |\n<!-- /keys -->\n"
    );
    let selected = [("p".to_owned(), "b".to_owned())];
    let new = with_tables(page, std::slice::from_ref(&place), &selected);
    assert_eq!(new, want);
    assert_eq!(with_tables(&new, &[place], &selected), want);
}
