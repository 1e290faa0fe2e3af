//! Ollama's own API: each line of a stream is shaped like the whole.

use serde::Deserialize;
use serde_json::value::RawValue;

use sark_prices::Reported;

use super::state::{Seen, State, Unread};
use super::values::{Fault, Length, Name};
use crate::json::Count;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    model: Name,
    #[serde(borrow)]
    message: Option<Message<'a>>,
    response: Length,
    thinking: Length,
    done: Option<bool>,
    done_reason: Name,
    prompt_eval_count: Count,
    eval_count: Count,
    error: Fault,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    content: Length,
    thinking: Length,
    #[serde(borrow)]
    tool_calls: Option<Vec<Call<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Call<'a> {
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Function<'a> {
    name: Name,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

pub(super) fn event(state: &mut State, data: &[u8]) -> Result<Seen, Unread> {
    let line: Line<'_> = serde_json::from_slice(data)?;
    state.has_begun = true;
    state.model(line.model);
    state.fail(line.error.0);
    state.text(line.response);
    state.text(line.thinking);
    let message = line.message.unwrap_or_default();
    state.text(message.content);
    state.text(message.thinking);
    for function in message.tool_calls.unwrap_or_default().into_iter().filter_map(|c| c.function) {
        state.call(function.name.as_str());
        state.text(Length(function.arguments.map_or(0, |value| value.get().len() as u64)));
    }
    state.answer.is_complete |= line.done == Some(true);
    state.finish(line.done_reason);
    if line.prompt_eval_count.0.is_some() || line.eval_count.0.is_some() {
        state.report(Reported {
            // Absent if the whole prompt was still in the server's memory.
            input: line.prompt_eval_count.0.unwrap_or(0),
            output: line.eval_count.0.unwrap_or(0),
            ..Reported::default()
        });
    }
    Ok(Seen::Something)
}
