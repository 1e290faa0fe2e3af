//! Anthropic's messages.

use serde::Deserialize;
use serde_json::value::RawValue;

use sark_prices::Reported;

use super::state::{Seen, State, Unread};
use super::values::{Fault, Length, Name};
use crate::json::Count;

/// An event of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    r#type: Name,
    index: Count,
    #[serde(borrow)]
    message: Option<Message<'a>>,
    #[serde(borrow)]
    content_block: Option<Block<'a>>,
    delta: Option<Delta>,
    usage: Option<Usage>,
    error: Fault,
}

/// The whole answer, or what a stream begins with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    id: Name,
    model: Name,
    #[serde(borrow)]
    content: Option<Vec<Block<'a>>>,
    stop_reason: Name,
    usage: Option<Usage>,
    error: Fault,
    /// Of a count, which is no message.
    input_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Block<'a> {
    r#type: Name,
    name: Name,
    text: Length,
    thinking: Length,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Delta {
    text: Length,
    thinking: Length,
    partial_json: Length,
    stop_reason: Name,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Usage {
    input_tokens: Count,
    output_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation: Option<Creation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Creation {
    ephemeral_1h_input_tokens: Count,
}

impl Usage {
    /// Counts of a stream are cumulative, and not all are said each time. They never fall: a zero that
    /// follows a number, as some gateways write, is none.
    fn onto(&self, before: Reported) -> Reported {
        let most = |before: u64, count: Count| before.max(count.0.unwrap_or(0));
        let hour = self.cache_creation.as_ref().map(|creation| creation.ephemeral_1h_input_tokens);
        let cache_write_1h = most(before.cache_write_1h, hour.unwrap_or_default());
        let written = before.cache_write.saturating_add(before.cache_write_1h);
        let written = most(written, self.cache_creation_input_tokens);
        Reported {
            input: most(before.input, self.input_tokens),
            cache_read: most(before.cache_read, self.cache_read_input_tokens),
            cache_write: written.saturating_sub(cache_write_1h),
            cache_write_1h,
            output: most(before.output, self.output_tokens),
            ..before
        }
    }
}

pub(super) fn whole(state: &mut State, data: &[u8]) -> Result<Seen, Unread> {
    let message: Message<'_> = serde_json::from_slice(data)?;
    if message.input_tokens.0.is_some() {
        return Ok(Seen::Something);
    }
    for block in message.content.iter().flatten() {
        if let Some(input) = block.input {
            state.text(Length(input.get().len() as u64));
        }
    }
    self::message(state, message);
    Ok(Seen::Something)
}

pub(super) fn event(state: &mut State, data: &[u8]) -> Result<Seen, Unread> {
    let event: Event<'_> = serde_json::from_slice(data)?;
    state.fail(event.error.0);
    match event.r#type.as_str() {
        "message_start" => state.has_begun = true,
        "content_block_start" => state.open_block = event.index.0,
        "content_block_stop" => state.open_block = None,
        "message_stop" => state.answer.is_complete = true,
        _ => {}
    }
    if let Some(message) = event.message {
        self::message(state, message);
    }
    if let Some(block) = event.content_block {
        self::block(state, &block);
    }
    if let Some(delta) = event.delta {
        for text in [delta.text, delta.thinking, delta.partial_json] {
            state.text(text);
        }
        state.finish(delta.stop_reason);
    }
    usage(state, event.usage);
    Ok(Seen::Something)
}

fn message(state: &mut State, message: Message<'_>) {
    state.id = state.id.take().or(message.id.some());
    state.model(message.model);
    state.fail(message.error.0);
    for block in message.content.iter().flatten() {
        self::block(state, block);
    }
    state.finish(message.stop_reason);
    usage(state, message.usage);
}

fn usage(state: &mut State, usage: Option<Usage>) {
    if let Some(usage) = usage {
        state.report(usage.onto(state.answer.reported.unwrap_or_default()));
    }
}

fn block(state: &mut State, block: &Block<'_>) {
    state.text(block.text);
    state.text(block.thinking);
    // `tool_use`, `server_tool_use`, `mcp_tool_use`.
    if block.r#type.as_str().ends_with("tool_use") {
        state.call(block.name.as_str());
    }
}
