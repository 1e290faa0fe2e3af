//! An MCP server's messages.

use serde::Deserialize;

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
}

pub(super) fn event(state: &mut State, data: &[u8]) -> Result<Seen, Unread> {
    if data.trim_ascii_start().starts_with(b"[") {
        let batch: Vec<Message> = serde_json::from_slice(data)?;
        batch.into_iter().for_each(|one| message(state, one));
    } else {
        message(state, serde_json::from_slice(data)?);
    }
    Ok(Seen::Something)
}

fn message(state: &mut State, message: Message) {
    state.fail(message.error.0);
    if message.id.is_some() && !message.method.as_str().is_empty() {
        state.server_asks(message.method.as_str());
    }
    let Some(result) = message.result else { return };
    state.answer.is_complete = true;
    state.text(result.content);
    state.finish(result.result_type);
    if result.is_error == Some(true) {
        state.fail(Some("isError".to_owned()));
    }
}
