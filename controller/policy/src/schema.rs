//! JSON Schema of the documents, for editors.

use serde_json::{Value, json};

use crate::network::FlowSpecPolicy;

/// JSON Schema (draft 2020-12) of a `FlowSpecPolicy` document.
#[must_use]
pub fn json_schema() -> Value {
    let schema = schemars::schema_for!(FlowSpecPolicy);
    let mut schema = Value::from(schema);
    // Keys that the checks after reading ask for: absent keys are told of beside the others.
    for (pointer, keys) in [
        ("", &["apiVersion", "kind", "metadata", "spec"][..]),
        ("/$defs/Metadata", &["name"]),
        ("/$defs/Spec", &["action"]),
        ("/$defs/Mark", &["dscp"]),
        ("/$defs/ScheduleFields", &["zone", "windows"]),
        ("/$defs/WindowFields", &["from", "to"]),
    ] {
        if let Some(Value::Object(object)) = schema.pointer_mut(pointer) {
            object.insert("required".to_owned(), json!(keys));
        }
    }
    schema
}
