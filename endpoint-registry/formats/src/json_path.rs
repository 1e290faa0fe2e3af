//! A JSON document with paths into it (RFC 9535), which the operator writes. Label `tag` if a path
//! is given for it: each text, number or truth value that it finds.
//!
//! What a path costs is the operator's choice: `$..*` in an item's paths looks at the whole item.

use sark_registry::feed::JsonForm;
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::{
    ParseError,
    collect::{Collect, MOST_LABELS},
    json, text,
};

pub(crate) struct Paths {
    items: JsonPath,
    subjects: Vec<(String, JsonPath)>,
    tag: Option<JsonPath>,
}

impl Paths {
    pub(crate) fn new(form: &JsonForm) -> Result<Self, ParseError> {
        let path = |text: &str| {
            JsonPath::parse(text).map_err(|error| ParseError::Path {
                what: text::few(text),
                reason: text::brief(&error.to_string()),
            })
        };
        let subject = |text: &String| Ok((text.clone(), path(text)?));
        Ok(Self {
            items: path(&form.items)?,
            subjects: form.subjects.iter().map(subject).collect::<Result<_, _>>()?,
            tag: form.tag.as_deref().map(path).transpose()?,
        })
    }
}

pub(crate) fn parse(paths: &Paths, octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let document: Value = json::read(octets, out)?;
    let items = paths.items.query(&document);
    if items.is_empty() {
        return Err(json::unexpected(out, "the document", "something where the items are", "none"));
    }
    for (at, item) in items.iter().enumerate() {
        let tags = paths.tag.iter().flat_map(|path| path.query(item));
        let tags: Vec<_> = tags.filter_map(word).take(MOST_LABELS).collect();
        let labels: Vec<_> = tags.iter().map(|tag| out.label("tag", tag)).collect();
        let mut found = false;
        for (name, path) in &paths.subjects {
            for value in path.query(item) {
                found = true;
                let place = || format!("item {at}, {}", text::brief(name));
                match value {
                    Value::String(text) => out.subject(text, &labels, place)?,
                    _ => out.skip(place, "not a text"),
                }
            }
        }
        if !found {
            out.skip(|| format!("item {at}"), "none of the paths leads to something");
        }
    }
    Ok(())
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
