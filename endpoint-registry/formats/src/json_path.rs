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
            // The library ends badly on these.
            if has_broken_escape(text) {
                let reason = "\\u is not followed by four hexadecimal digits".to_owned();
                return Err(ParseError::Path { what: text::few(text), reason });
            }
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

fn has_broken_escape(path: &str) -> bool {
    path.match_indices("\\u").any(|(place, _)| {
        let digits = path.get(place + 2..place + 6);
        !digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_cannot_be_read_is_an_error() {
        for items in ["", "x", "$[", "$.el[\"T\\\\$.*.*\\u", "$[\"\\u12\"]", "$[\"\\ud800\"]"] {
            let form = JsonForm { items: items.to_owned(), subjects: Vec::new(), tag: None };
            assert!(matches!(Paths::new(&form), Err(ParseError::Path { .. })), "{items:?}");
        }
        let form = JsonForm { items: "$[\"\\u0041\"]".into(), subjects: Vec::new(), tag: None };
        assert!(Paths::new(&form).is_ok());
    }
}
