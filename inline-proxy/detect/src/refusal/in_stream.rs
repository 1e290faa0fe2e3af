//! Ending a stream that has begun: what was sent cannot be taken back.

use bytes::Bytes;
use serde_json::{Value, json};

use super::Refusal;
use crate::answer::{Framing, State};
use crate::framing::eventstream;
use crate::{AnswerReader, Dialect, Family, Recognised};

/// How a stream is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// With an error. Of OpenAI's responses it comes as an event and is not raised.
    Hard,
    /// As if the model had stopped by itself, where that is simple: not of responses, whose open items
    /// would all have to be closed; there it is the hard form. MCP's answer to a tool's call is a result
    /// in either form.
    Soft,
}

impl Refusal {
    /// The last octets of a stream, after what [`Passed::sendable`](crate::Passed::sendable) let
    /// through, of which `sent` octets were sent. The connection, or the h2 stream, is to be ended cleanly
    /// after them; without any, it has to be seen that it breaks off.
    #[must_use]
    pub fn in_stream(
        &self,
        recognised: &Recognised,
        reader: &AnswerReader,
        form: Form,
        sent: u64,
    ) -> Bytes {
        let state = reader.state();
        match reader.framing() {
            Framing::Sse(decoder) => {
                // An event that was too long is ended first.
                let gap = if decoder.is_within() { "\n\n" } else { "" };
                let events = self.sse(recognised, state, form);
                [gap, &events].concat().into()
            }
            Framing::Lines(decoder) => {
                let gap = if decoder.is_within() { "\n" } else { "" };
                format!("{gap}{}\n", self.line(recognised, state, form)).into()
            }
            Framing::Sequence(decoder) => {
                let last = gemini(state);
                // An array that has begun goes on; within an element there is no way to end it well.
                match (decoder.is_within(), sent) {
                    (true, _) => Bytes::new(),
                    (false, 0) => format!("[{last}]").into(),
                    (false, _) => format!(",\n{last}]").into(),
                }
            }
            Framing::EventStream(decoder) if decoder.is_within() => Bytes::new(),
            Framing::EventStream(_) => self.aws(recognised, state, form).into(),
            Framing::Document(..) | Framing::Opaque => Bytes::new(),
        }
    }

    fn sse(&self, recognised: &Recognised, state: &State, form: Form) -> String {
        match (recognised.dialect, form) {
            (Dialect::Chat | Dialect::Completions, Form::Soft) => {
                format!("{}data: [DONE]\n\n", event(None, &chat_end(recognised, state)))
            }
            (Dialect::Responses, _) => event(
                Some("error"),
                &json!({
                    "type": "error",
                    "code": self.kind.code(),
                    "message": self.text(),
                    "param": null,
                    "sequence_number": state.sequence.map_or(0, |number| number.saturating_add(1)),
                }),
            ),
            (Dialect::Messages, Form::Soft) if state.has_begun => messages_end(state),
            (Dialect::Messages, _) => event(Some("error"), &self.body(Family::Anthropic)),
            (Dialect::GenerateContent, _) => event(None, &gemini(state)),
            (Dialect::Cohere, form) => event(Some("message-end"), &self.cohere(form)),
            (Dialect::Mcp, _) => {
                let request = state.request.as_ref();
                let answer = request.and_then(|(message, is)| self.rpc_answer(message, *is));
                event(Some("message"), &answer.unwrap_or_else(|| self.rpc_error(None)))
            }
            _ => event(None, &self.body(recognised.family)),
        }
    }

    /// Cohere has no error event: a message ends with one.
    fn cohere(&self, form: Form) -> Value {
        let delta = match form {
            Form::Hard => json!({ "finish_reason": "ERROR", "error": self.text() }),
            Form::Soft => json!({ "finish_reason": "COMPLETE" }),
        };
        json!({ "type": "message-end", "delta": delta })
    }

    fn line(&self, recognised: &Recognised, state: &State, form: Form) -> Value {
        match (recognised.dialect, form) {
            (Dialect::Ollama, Form::Soft) => json!({
                "model": state.answer.model,
                "message": { "role": "assistant", "content": "" },
                "response": "",
                "done": true,
                "done_reason": "stop",
            }),
            (Dialect::Cohere, form) => self.cohere(form),
            _ => self.body(recognised.family),
        }
    }

    fn aws(&self, recognised: &Recognised, state: &State, form: Form) -> Vec<u8> {
        if recognised.dialect == Dialect::Converse && form == Form::Soft && state.has_begun {
            let block = state
                .open_block
                .map(|index| aws_event("contentBlockStop", &json!({ "contentBlockIndex": index })));
            let stop = json!({ "stopReason": "guardrail_intervened" });
            return [block.unwrap_or_default(), aws_event("messageStop", &stop)].concat();
        }
        let headers = [
            (":exception-type", "validationException"),
            (":content-type", "application/json"),
            (":message-type", "exception"),
        ];
        eventstream::write(&headers, self.body(Family::Bedrock).to_string().as_bytes())
    }
}

fn event(kind: Option<&str>, data: &Value) -> String {
    match kind {
        Some(kind) => format!("event: {kind}\ndata: {data}\n\n"),
        None => format!("data: {data}\n\n"),
    }
}

fn aws_event(kind: &str, payload: &Value) -> Vec<u8> {
    let headers =
        [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    eventstream::write(&headers, payload.to_string().as_bytes())
}

/// A chunk without text, whose reason the libraries know.
fn chat_end(recognised: &Recognised, state: &State) -> Value {
    let is_chat = recognised.dialect == Dialect::Chat;
    let mut choice = json!({ "index": 0, "finish_reason": "content_filter", "logprobs": null });
    if let Some(fields) = choice.as_object_mut() {
        match is_chat {
            true => fields.insert("delta".to_owned(), json!({})),
            false => fields.insert("text".to_owned(), "".into()),
        };
    }
    json!({
        "id": state.id.as_deref().unwrap_or("sark"),
        "object": if is_chat { "chat.completion.chunk" } else { "text_completion" },
        "created": 0,
        "model": state.answer.model.as_deref().unwrap_or_default(),
        "choices": [choice],
    })
}

/// Never a second `message_start`.
fn messages_end(state: &State) -> String {
    let block = state.open_block.map(|index| {
        let stop = json!({ "type": "content_block_stop", "index": index });
        event(Some("content_block_stop"), &stop)
    });
    let output = state.answer.reported.map_or(0, |reported| reported.output);
    let delta = json!({
        "type": "message_delta",
        "delta": { "stop_reason": "refusal", "stop_sequence": null },
        "usage": { "output_tokens": output },
    });
    let stop = event(Some("message_stop"), &json!({ "type": "message_stop" }));
    [block.unwrap_or_default(), event(Some("message_delta"), &delta), stop].concat()
}

fn gemini(state: &State) -> Value {
    let candidate = json!({
        "content": { "role": "model", "parts": [] },
        "finishReason": "SAFETY",
        "index": 0,
    });
    json!({ "candidates": [candidate], "modelVersion": state.answer.model })
}
