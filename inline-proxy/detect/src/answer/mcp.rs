//! An MCP server's messages.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::state::{Seen, State, Unread};
use super::values::{Fault, Length, Name};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    id: Option<serde::de::IgnoredAny>,
    method: Name,
    result: Option<Outcome>,
    error: Fault,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Outcome {
    content: Length,
    is_error: Option<bool>,
    result_type: Name,
    /// Since 2026-07-28 this is how a server asks.
    input_requests: Option<Box<RawValue>>,
}

/// One that is within a result.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    method: Name,
}

pub(super) fn event(state: &mut State, data: &[u8]) -> Result<Seen, Unread> {
    if data.trim_ascii_start().starts_with(b"[") {
        let batch: Vec<Message> = serde_json::from_slice(data)?;
        batch.into_iter().try_for_each(|one| message(state, one))?;
    } else {
        message(state, serde_json::from_slice(data)?)?;
    }
    Ok(Seen::Something)
}

fn message(state: &mut State, message: Message) -> Result<(), Unread> {
    state.fail(message.error.0);
    if message.id.is_some() && !message.method.as_str().is_empty() {
        state.server_asks(message.method.as_str());
    }
    let Some(result) = message.result else { return Ok(()) };
    state.answer.is_complete = true;
    state.text(result.content);
    state.finish(result.result_type);
    if result.is_error == Some(true) {
        state.fail(Some("isError".to_owned()));
    }
    if let Some(wanted) = result.input_requests {
        let wanted: BTreeMap<String, Wanted> = serde_json::from_str(wanted.get())?;
        wanted.values().for_each(|wanted| state.server_asks(wanted.method.as_str()));
    }
    Ok(())
}
