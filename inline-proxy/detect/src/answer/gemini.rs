//! Gemini's generateContent: each piece of a stream is shaped like the whole.

use serde::Deserialize;
use serde_json::value::RawValue;

use sark_prices::Reported;

use super::state::{Seen, State, Unread};
use super::values::{Fault, Length, Name};
use crate::json::Count;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Piece<'a> {
    #[serde(borrow)]
    candidates: Option<Vec<Candidate<'a>>>,
    usage_metadata: Option<Usage>,
    model_version: Name,
    prompt_feedback: Option<Feedback>,
    error: Fault,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Option<Content<'a>>,
    finish_reason: Name,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Option<Vec<Part<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Part<'a> {
    text: Length,
    #[serde(borrow)]
    function_call: Option<Call<'a>>,
    executable_code: Option<Code>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Call<'a> {
    name: Name,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Code {
    code: Length,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Feedback {
    block_reason: Name,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Usage {
    prompt_token_count: Count,
    candidates_token_count: Count,
    thoughts_token_count: Count,
    cached_content_token_count: Count,
    tool_use_prompt_token_count: Count,
}

pub(super) fn event(state: &mut State, data: &[u8]) -> Result<Seen, Unread> {
    let piece: Piece<'_> = serde_json::from_slice(data)?;
    state.has_begun = true;
    state.model(piece.model_version);
    state.fail(piece.error.0);
    state.finish(piece.prompt_feedback.unwrap_or_default().block_reason);
    for candidate in piece.candidates.unwrap_or_default() {
        state.finish(candidate.finish_reason);
        for part in candidate.content.unwrap_or_default().parts.unwrap_or_default() {
            state.text(part.text);
            if let Some(call) = part.function_call {
                state.call(call.name.as_str());
                state.text(Length(call.args.map_or(0, |args| args.get().len() as u64)));
            }
            if let Some(code) = part.executable_code {
                state.call("code_execution");
                state.text(code.code);
            }
        }
    }
    if let Some(usage) = piece.usage_metadata {
        let count = |count: Count| count.0.unwrap_or(0);
        let tools = count(usage.tool_use_prompt_token_count);
        state.report(Reported {
            // What tools brought back is beside the prompt.
            input: count(usage.prompt_token_count).saturating_add(tools),
            cache_read: count(usage.cached_content_token_count),
            output: count(usage.candidates_token_count),
            reasoning: count(usage.thoughts_token_count),
            ..Reported::default()
        });
    }
    // A stream ends with the connection: what says why it finished is its last.
    state.answer.is_complete = state.answer.finish.is_some();
    Ok(Seen::Something)
}
