//! JSON Schema of what is read here.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

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
