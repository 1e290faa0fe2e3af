//! JSON Schema of the documents, for editors.

use serde_json::{Map, Value, json};

use crate::network::document::FlowSpecPolicy;

/// JSON Schema (draft 2020-12) of a `FlowSpecPolicy` document. Keys are sorted.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = Value::from(schemars::schema_for!(FlowSpecPolicy));
    // Keys that the checks after reading ask for: an absent key is told of beside other mistakes.
    for (pointer, keys) in [
        ("", &["apiVersion", "kind", "metadata", "spec"][..]),
        ("/$defs/Metadata", &["name"]),
        ("/$defs/Spec", &["action"]),
        ("/$defs/Mark", &["dscp"]),
        ("/$defs/Schedule", &["zone", "windows"]),
        ("/$defs/Window", &["from", "to"]),
    ] {
        if let Some(Value::Object(object)) = schema.pointer_mut(pointer) {
            object.insert("required".to_owned(), json!(keys));
        }
    }
    if let Some(Value::Object(spec)) = schema.pointer_mut("/$defs/Spec") {
        spec.insert("anyOf".to_owned(), json!([{ "required": ["from"] }, { "required": ["to"] }]));
    }
    tidy(schema)
}

/// Sorted keys, descriptions on one line, no empty lists.
fn tidy(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(String, Value)> =
                object.into_iter().map(|(key, value)| (key, tidy(value))).collect();
            if entries.iter().any(|(key, value)| key == "type" && value == "array") {
                entries.push(("minItems".to_owned(), json!(1)));
            }
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            let one_line = |(key, value): (String, Value)| match value {
                Value::String(text) if key == "description" => {
                    (key, Value::String(text.replace('\n', " ")))
                }
                other => (key, other),
            };
            Value::Object(entries.into_iter().map(one_line).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(tidy).collect()),
        other => other,
    }
}
