//! Bedrock's converse, and invoke of models that answer in the same words.

use serde::Deserialize;
use serde_json::value::RawValue;

use sark_prices::Reported;

use super::state::{Seen, State, Unread};
use super::values::{Length, Name};
use crate::json::Count;

/// An event's payload, or the whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow)]
    output: Option<Output<'a>>,
    stop_reason: Name,
    usage: Option<Usage>,
    start: Option<Block>,
    delta: Option<Delta>,
    content_block_index: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Wrapped<'a> {
    #[serde(borrow)]
    message_start: Option<&'a RawValue>,
    #[serde(borrow)]
    content_block_start: Option<&'a RawValue>,
    #[serde(borrow)]
    content_block_delta: Option<&'a RawValue>,
    #[serde(borrow)]
    content_block_stop: Option<&'a RawValue>,
    #[serde(borrow)]
    message_stop: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Output<'a> {
    #[serde(borrow)]
    message: Option<Message<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<Vec<Part<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Part<'a> {
    text: Length,
    #[serde(borrow)]
    tool_use: Option<Use<'a>>,
    reasoning_content: Option<Reasoning>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Use<'a> {
    name: Name,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Reasoning {
    text: Length,
    reasoning_text: Length,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Block {
    tool_use: Option<Named>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: Name,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Delta {
    text: Length,
    tool_use: Option<Input>,
    reasoning_content: Option<Reasoning>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Input {
    input: Length,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Usage {
    input_tokens: Count,
    output_tokens: Count,
    cache_read_input_tokens: Count,
    cache_read_input_token_count: Count,
    cache_write_input_tokens: Count,
    cache_write_input_token_count: Count,
}

/// Invoke's streams have no event types: the key around an event says which it is.
pub(super) fn wrapped(state: &mut State, data: &[u8]) -> Result<Seen, Unread> {
    let wrapped: Wrapped<'_> = serde_json::from_slice(data)?;
    for (kind, inner) in [
        ("messageStart", wrapped.message_start),
        ("contentBlockStart", wrapped.content_block_start),
        ("contentBlockDelta", wrapped.content_block_delta),
        ("contentBlockStop", wrapped.content_block_stop),
        ("messageStop", wrapped.message_stop),
        ("metadata", wrapped.metadata),
    ] {
        if let Some(inner) = inner {
            event(state, kind, inner.get().as_bytes())?;
        }
    }
    Ok(Seen::Something)
}

pub(super) fn event(state: &mut State, kind: &str, data: &[u8]) -> Result<Seen, Unread> {
    let event: Event<'_> = serde_json::from_slice(data)?;
    match kind {
        "messageStart" => state.has_begun = true,
        "contentBlockStart" | "contentBlockDelta" => {
            state.open_block = event.content_block_index.0.or(state.open_block);
        }
        "contentBlockStop" => state.open_block = None,
        "messageStop" => state.answer.is_complete = true,
        _ => {}
    }
    let message = event.output.and_then(|output| output.message).unwrap_or_default();
    for part in message.content.unwrap_or_default() {
        state.text(part.text);
        reasoning(state, part.reasoning_content);
        if let Some(call) = part.tool_use {
            state.call(call.name.as_str());
            state.text(Length(call.input.map_or(0, |input| input.get().len() as u64)));
        }
    }
    if let Some(call) = event.start.and_then(|start| start.tool_use) {
        state.call(call.name.as_str());
    }
    if let Some(delta) = event.delta {
        state.text(delta.text);
        state.text(delta.tool_use.unwrap_or_default().input);
        reasoning(state, delta.reasoning_content);
    }
    state.finish(event.stop_reason);
    if let Some(usage) = event.usage {
        let first = |a: Count, b: Count| a.0.or(b.0).unwrap_or(0);
        state.report(Reported {
            input: usage.input_tokens.0.unwrap_or(0),
            cache_read: first(usage.cache_read_input_tokens, usage.cache_read_input_token_count),
            cache_write: first(usage.cache_write_input_tokens, usage.cache_write_input_token_count),
            output: usage.output_tokens.0.unwrap_or(0),
            ..Reported::default()
        });
    }
    Ok(Seen::Something)
}

fn reasoning(state: &mut State, reasoning: Option<Reasoning>) {
    let reasoning = reasoning.unwrap_or_default();
    state.text(reasoning.text);
    state.text(reasoning.reasoning_text);
}
