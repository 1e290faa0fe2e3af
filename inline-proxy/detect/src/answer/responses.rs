//! OpenAI's responses.

use serde::Deserialize;

use sark_prices::Reported;

use super::state::{Seen, State, Unread};
use super::values::{Fault, Length, Name};
use crate::json::Count;

/// An event of a stream, or the whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    r#type: Name,
    sequence_number: Count,
    delta: Length,
    output_index: Count,
    item: Option<Item>,
    response: Option<Response>,
    /// Of an `error` event.
    code: Name,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Response {
    id: Name,
    model: Name,
    status: Name,
    output: Option<Vec<Item>>,
    usage: Option<Usage>,
    error: Fault,
    incomplete_details: Option<Incomplete>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Incomplete {
    reason: Name,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item {
    r#type: Name,
    name: Name,
    content: Length,
    summary: Length,
    arguments: Length,
    input: Length,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Usage {
    input_tokens: Count,
    output_tokens: Count,
    input_tokens_details: Option<Details>,
    output_tokens_details: Option<Details>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    reasoning_tokens: Count,
}

impl Usage {
    fn reported(&self) -> Reported {
        let count = |count: Count| count.0.unwrap_or(0);
        let input = self.input_tokens_details.unwrap_or_default();
        let output = self.output_tokens_details.unwrap_or_default();
        Reported {
            input: count(self.input_tokens),
            cache_read: count(input.cached_tokens),
            cache_write: count(input.cache_write_tokens),
            output: count(self.output_tokens),
            reasoning: count(output.reasoning_tokens),
            ..Reported::default()
        }
    }
}

pub(super) fn whole(state: &mut State, data: &[u8]) -> Result<Seen, Unread> {
    let response: Response = serde_json::from_slice(data)?;
    for item in response.output.iter().flatten() {
        for text in [item.content, item.summary, item.arguments, item.input] {
            state.text(text);
        }
        call(state, item);
    }
    self::response(state, response);
    Ok(Seen::Something)
}

pub(super) fn event(state: &mut State, data: &[u8]) -> Result<Seen, Unread> {
    if data == b"[DONE]" {
        return Ok(Seen::Something);
    }
    let event: Event = serde_json::from_slice(data)?;
    state.has_begun = true;
    state.sequence = event.sequence_number.0.or(state.sequence);
    match event.r#type.as_str() {
        "response.output_item.added" | "response.output_item.done" => {
            let place = event.output_index.0.map(|index| (0, index));
            let is_same = place.is_some() && state.last_call == place;
            if let Some(item) = event.item.filter(|_| !is_same) {
                call(state, &item);
            }
            state.last_call = place;
        }
        // The last is realtime's, for all three.
        "response.completed" | "response.incomplete" | "response.failed" | "response.done" => {
            state.answer.is_complete = true;
        }
        "error" => state.fail(event.code.some().or(Some("error".to_owned()))),
        kind if kind.ends_with(".delta") => state.text(event.delta),
        _ => {}
    }
    if let Some(response) = event.response {
        self::response(state, response);
    }
    Ok(Seen::Something)
}

fn response(state: &mut State, response: Response) {
    state.id = state.id.take().or(response.id.some());
    state.model(response.model);
    state.fail(response.error.0);
    if matches!(response.status.as_str(), "completed" | "incomplete" | "failed" | "cancelled") {
        state.finish(response.status);
        state.finish(response.incomplete_details.unwrap_or_default().reason);
    }
    if let Some(usage) = response.usage {
        state.report(usage.reported());
    }
}

/// `function_call` and `custom_tool_call` have names; what OpenAI runs has a type alone, such as
/// `web_search_call`; but of an MCP server it is the tool's name.
fn call(state: &mut State, item: &Item) {
    let kind = item.r#type.as_str();
    if let Some(tool) = kind.strip_suffix("_call") {
        let name = item.name.as_str();
        state.call(if name.is_empty() { tool } else { name });
    }
}
