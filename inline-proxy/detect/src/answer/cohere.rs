//! Cohere's chat and embeddings.

use serde::Deserialize;

use sark_prices::Reported;

use super::state::{Seen, State, Unread};
use super::values::{Length, Name};
use crate::json::Count;

/// An event of a stream, or the whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    r#type: Name,
    id: Name,
    delta: Option<Delta>,
    message: Content,
    /// Of the first version.
    text: Length,
    is_finished: Option<bool>,
    event_type: Name,
    meta: Option<Usage>,
    finish_reason: Name,
    usage: Option<Usage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Delta {
    message: Content,
    finish_reason: Name,
    usage: Option<Usage>,
    error: Name,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    content: Length,
    tool_plan: Length,
    tool_calls: OneOrMore,
}

/// A message, or the text of an error.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Content {
    Message(Message),
    Text(#[expect(dead_code, reason = "that it is a text is all it says")] Length),
    #[default]
    Nothing,
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    More(Vec<Call>),
    One(Call),
    #[default]
    Nothing,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Call {
    function: Option<Function>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Function {
    name: Name,
    arguments: Length,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Usage {
    billed_units: Option<Tokens>,
    tokens: Option<Tokens>,
    cached_tokens: Count,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Tokens {
    input_tokens: Count,
    output_tokens: Count,
}

pub(super) fn event(state: &mut State, data: &[u8]) -> Result<Seen, Unread> {
    let event: Event = serde_json::from_slice(data)?;
    match event.r#type.as_str() {
        "message-start" => state.has_begun = true,
        "message-end" => state.answer.is_complete = true,
        _ => {}
    }
    if event.event_type.as_str() == "text-generation" || event.event_type.as_str().is_empty() {
        state.text(event.text);
    }
    state.answer.is_complete |= event.is_finished == Some(true);
    state.id = state.id.take().or(event.id.some());
    state.finish(event.finish_reason);
    message(state, event.message);
    usage(state, event.usage.or(event.meta));
    if let Some(delta) = event.delta {
        state.finish(delta.finish_reason);
        if !delta.error.as_str().is_empty() {
            state.fail(Some("error".to_owned()));
        }
        message(state, delta.message);
        usage(state, delta.usage);
    }
    Ok(Seen::Something)
}

fn message(state: &mut State, content: Content) {
    let Content::Message(message) = content else { return };
    state.text(message.content);
    state.text(message.tool_plan);
    let calls = match message.tool_calls {
        OneOrMore::More(calls) => calls,
        OneOrMore::One(call) => vec![call],
        OneOrMore::Nothing => Vec::new(),
    };
    for function in calls.into_iter().filter_map(|call| call.function) {
        state.call(function.name.as_str());
        state.text(function.arguments);
    }
}

/// What is billed is less than what is counted: Cohere's own preamble is free.
fn usage(state: &mut State, usage: Option<Usage>) {
    let Some(usage) = usage else { return };
    let Some(tokens) = usage.billed_units.or(usage.tokens) else { return };
    let input = tokens.input_tokens.0.unwrap_or(0);
    state.report(Reported {
        input,
        cache_read: usage.cached_tokens.0.unwrap_or(0).min(input),
        output: tokens.output_tokens.0.unwrap_or(0),
        ..Reported::default()
    });
}
