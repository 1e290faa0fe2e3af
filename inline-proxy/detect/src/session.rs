//! What is said to a model over WebSocket: OpenAI's realtime and responses, Gemini's live.
//!
//! A session is many requests: each message of the client that has the model answer, or says which model and
//! which tools are meant from now on, is one.

use serde::de::MapAccess;
use serde_json::value::RawValue;

use sark_core::request::Operation;

use crate::asked::{self, Asked, Body, Unreadable};
use crate::json::{Object, Word};
use crate::{Limits, Recognised};

impl Recognised {
    /// What a client's message asks; nothing, if it is a part of what another asks. `text` is the message's
    /// payload.
    pub fn read_message(&self, text: &[u8], limits: &Limits) -> Result<Option<Asked>, Unreadable> {
        let body_octets = text.len() as u64;
        let text = asked::text(text, limits)?;
        let mut envelope = Envelope::default();
        asked::document(text, &mut envelope)?;
        let asks = envelope.kind == "response.create" || !envelope.inner.is_empty();
        if !asks {
            return Ok(None);
        }
        let mut body = Body::new(limits.tools);
        asked::document(text, &mut body)?;
        for inner in envelope.inner {
            asked::document(inner, &mut body)?;
        }
        let mut models = std::mem::take(&mut body.models);
        for model in &mut models {
            if let Some(bare) = model.strip_prefix("models/") {
                *model = bare.to_owned();
            }
        }
        // That of the address holds until another is named.
        if let Some(model) = self.model.clone().filter(|_| models.is_empty()) {
            models.push(model);
        }
        let mut models = models.into_iter();
        Ok(Some(Asked {
            operation: Operation::Chat,
            model: models.next(),
            other_models: models.collect(),
            stream: true,
            tool_results: body.prompt.results,
            prompt_octets: body.prompt.octets,
            max_output_tokens: body.max_output_tokens,
            images: body.prompt.images,
            files: body.prompt.files,
            continues: true,
            body_octets,
            tools: body.into_tools(),
            ..Asked::default()
        }))
    }
}

/// What a message is, and what it holds.
#[derive(Default)]
struct Envelope<'a> {
    kind: String,
    inner: Vec<&'a str>,
}

impl<'de> Object<'de> for Envelope<'de> {
    const KEYS: &'static [&'static str] = &["type", "response", "session", "setup", "config"];

    fn entry<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        if key == "type" {
            let Word(kind) = map.next_value()?;
            self.kind = kind.into_owned();
            return Ok(());
        }
        let raw: &'de RawValue = map.next_value()?;
        if raw.get().starts_with('{') {
            self.inner.push(raw.get());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;
    use crate::{Head, recognise};

    fn session(path: &str) -> Recognised {
        let (host, headers) = ("api.openai.com", HeaderMap::new());
        let method = &Method::GET;
        recognise(&Head { scheme: "https", method, host, path, headers: &headers })
    }

    #[test]
    fn what_each_message_asks() {
        for (path, text, expected) in [
            (
                "/v1/responses",
                r#"{"type":"response.create","model":"gpt-5","tools":[{"type":"function","name":"t"}]}"#,
                Some((Some("gpt-5"), 1)),
            ),
            ("/v1/realtime?model=rt", r#"{"type":"response.create"}"#, Some((Some("rt"), 0))),
            (
                "/v1/realtime?model=rt",
                r#"{"type":"response.create","response":{"model":"other"}}"#,
                Some((Some("other"), 0)),
            ),
            (
                "/v1/realtime",
                r#"{"type":"session.update","session":{"model":"m","tools":[{"name":"a"},{"name":"b"}]}}"#,
                Some((Some("m"), 2)),
            ),
            (
                "/live",
                r#"{"setup":{"model":"models/gemini-live"}}"#,
                Some((Some("gemini-live"), 0)),
            ),
            ("/v1/realtime", r#"{"type":"input_audio_buffer.append","audio":"AAAA"}"#, None),
            ("/v1/realtime", r#"{"type":"conversation.item.create","item":{}}"#, None),
        ] {
            let asked = session(path).read_message(text.as_bytes(), &Limits::default()).unwrap();
            let found = asked.as_ref().map(|asked| (asked.model.as_deref(), asked.tools.len()));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn what_reads_two_ways_asks_nothing() {
        for text in [
            r#"{"type":"a","type":"response.create","model":"m"}"#,
            r#"{"Type":"response.create"}"#,
            r#"{"type":"response.create","model":"a","Model":"b"}"#,
            r#"{"type":"response.create","response":{"model":"a","model":"b"}}"#,
            "[]",
            "{",
        ] {
            let asked = session("/v1/realtime").read_message(text.as_bytes(), &Limits::default());
            assert!(asked.is_err(), "{text}");
        }
    }
}
