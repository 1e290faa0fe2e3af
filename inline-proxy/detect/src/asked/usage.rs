//! Whether an answer will say how many tokens it took, and how to ask for that.

use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::error::document;
use crate::json::Object;

/// Whether a streamed answer says its usage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum UsageAsked {
    /// Unasked, as most dialects do, and all that are not streamed.
    #[default]
    Always,
    /// The client asked for it.
    Asked,
    /// Only if `stream_options.include_usage` is put in: [`ask_for_usage`].
    Missing,
}

/// The body with `stream_options.include_usage` put in or set, and nothing else changed. None if it is
/// no JSON object, or asks already.
///
/// The answer then has one event more than the client asked for:
/// [`Passed::unasked`](crate::Passed::unasked).
#[must_use]
pub fn ask_for_usage(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut options = Options(None);
    document(text, &mut options).ok()?;
    let Some(raw) = options.0 else {
        let (before, after) = text.split_at_checked(text.find('{')? + 1)?;
        let comma = if after.trim_start().starts_with('}') { "" } else { "," };
        let ours = r#""stream_options":{"include_usage":true}"#;
        return Some([before, ours, comma, after].concat().into_bytes());
    };
    let mut value: serde_json::Value = serde_json::from_str(raw).ok()?;
    if value.get("include_usage") == Some(&true.into()) {
        return None;
    }
    match value.as_object_mut() {
        Some(fields) => _ = fields.insert("include_usage".to_owned(), true.into()),
        None => value = serde_json::json!({ "include_usage": true }),
    }
    // It is a part of the text: where it begins is how far it is from the text's beginning.
    let start = (raw.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let (before, rest) = text.split_at_checked(start)?;
    let after = rest.get(raw.len()..)?;
    Some([before, &value.to_string(), after].concat().into_bytes())
}

/// The value's text, as it stands in the body.
struct Options<'a>(Option<&'a str>);

impl<'de> Object<'de> for Options<'de> {
    const KEYS: &'static [&'static str] = &["stream_options"];

    fn entry<A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        let raw: &'de RawValue = map.next_value()?;
        self.0 = Some(raw.get());
        Ok(())
    }
}

/// `stream_options`, of which one thing matters.
pub(super) struct Includes(pub(super) bool);

impl<'de> Object<'de> for Includes {
    const KEYS: &'static [&'static str] = &["include_usage"];

    fn entry<A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        self.0 = raw.get() == "true";
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ask_for_usage;

    #[test]
    fn it_is_put_in_and_nothing_else_changes() {
        for (body, asked) in [
            (
                r#"{"model": "m", "stream": true}"#,
                Some(r#"{"stream_options":{"include_usage":true},"model": "m", "stream": true}"#),
            ),
            (
                r#" { "stream_options" : {"include_usage":false,"x":1} , "model":"é" }"#,
                Some(r#" { "stream_options" : {"include_usage":true,"x":1} , "model":"é" }"#),
            ),
            (
                r#"{"stream_options":null,"a":1}"#,
                Some(r#"{"stream_options":{"include_usage":true},"a":1}"#),
            ),
            (r#"{"stream_options":{"include_usage":true}}"#, None),
            ("{}", Some(r#"{"stream_options":{"include_usage":true}}"#)),
            ("[]", None),
            (r#"{"stream_options":{},"stream_options":{}}"#, None),
        ] {
            let made = ask_for_usage(body.as_bytes());
            assert_eq!(made.as_deref(), asked.map(str::as_bytes), "{body}");
        }
    }
}
