//! OpenAI's chat completions, completions and embeddings, and those that speak like it.

use serde::Deserialize;

use sark_prices::Reported;

use super::state::{Seen, State, Unread};
use super::values::{Fault, Length, Name};
use crate::json::Count;

/// A chunk of a stream, or the whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Chunk {
    id: Name,
    model: Name,
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    /// Groq's.
    x_groq: Option<Groq>,
    error: Fault,
    /// Mistral's errors say `error` here.
    object: Name,
    r#type: Name,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    index: Count,
    delta: Option<Message>,
    message: Option<Message>,
    text: Length,
    finish_reason: Name,
    /// Some servers put it here.
    usage: Option<Usage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    content: Length,
    reasoning_content: Length,
    reasoning: Length,
    refusal: Length,
    tool_calls: Option<Vec<ToolCall>>,
    /// The older form, of one function.
    function_call: Option<Function>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToolCall {
    index: Count,
    function: Option<Function>,
    custom: Option<Function>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Function {
    name: Name,
    arguments: Length,
    input: Length,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Groq {
    usage: Option<Usage>,
    error: Fault,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Usage {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    /// DeepSeek's and Moonshot's, where they give no details.
    prompt_cache_hit_tokens: Count,
    cached_tokens: Count,
    prompt_tokens_details: Option<Details>,
    completion_tokens_details: Option<Details>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    audio_tokens: Count,
    reasoning_tokens: Count,
}

impl Usage {
    fn reported(&self) -> Reported {
        let count = |count: Count| count.0.unwrap_or(0);
        let input = self.prompt_tokens_details.unwrap_or_default();
        let output = self.completion_tokens_details.unwrap_or_default();
        let cached = [input.cached_tokens, self.prompt_cache_hit_tokens, self.cached_tokens];
        let reasoning = count(output.reasoning_tokens);
        let (prompt, completion) = (count(self.prompt_tokens), count(self.completion_tokens));
        // Reasoning is inside the completion, unless the sum says that it is beside it.
        let beside = prompt.saturating_add(completion).saturating_add(reasoning);
        let is_beside = reasoning > 0 && self.total_tokens.0 == Some(beside);
        Reported {
            input: prompt,
            cache_read: cached.into_iter().find_map(|count| count.0).unwrap_or(0),
            cache_write: count(input.cache_write_tokens),
            cache_write_1h: 0,
            input_audio: count(input.audio_tokens),
            output: if is_beside { completion.saturating_add(reasoning) } else { completion },
            reasoning,
            output_audio: count(output.audio_tokens),
        }
    }
}

pub(super) fn event(state: &mut State, data: &[u8]) -> Result<Seen, Unread> {
    if data == b"[DONE]" {
        state.answer.is_complete = true;
        return Ok(Seen::Something);
    }
    let chunk: Chunk = serde_json::from_slice(data)?;
    if chunk.object.as_str() == "error" {
        state.fail(chunk.r#type.some().or(Some("error".to_owned())));
    }
    state.has_begun = true;
    state.id = state.id.take().or(chunk.id.some());
    state.model(chunk.model);
    state.fail(chunk.error.0);
    let groq = chunk.x_groq.unwrap_or_default();
    state.fail(groq.error.0);
    let mut usage = chunk.usage.or(groq.usage);
    let choices = chunk.choices.unwrap_or_default();
    let is_alone = usage.is_some() && choices.is_empty();
    for choice in choices {
        state.finish(choice.finish_reason);
        state.text(choice.text);
        usage = usage.or(choice.usage);
        for message in [choice.delta, choice.message].into_iter().flatten() {
            self::message(state, choice.index.0.unwrap_or(0), message);
        }
    }
    if let Some(usage) = usage {
        state.report(usage.reported());
    }
    Ok(if is_alone { Seen::UsageAlone } else { Seen::Something })
}

fn message(state: &mut State, choice: u64, message: Message) {
    for text in [message.content, message.reasoning_content, message.refusal, message.reasoning] {
        state.text(text);
    }
    if let Some(function) = message.function_call {
        self::function(state, function, None);
    }
    for call in message.tool_calls.unwrap_or_default() {
        let place = call.index.0.map(|index| (choice, index));
        for function in [call.function, call.custom].into_iter().flatten() {
            self::function(state, function, place);
        }
    }
}

/// A stream says a call's name in its first fragment; some say it again in each.
fn function(state: &mut State, function: Function, place: Option<(u64, u64)>) {
    state.text(function.arguments);
    state.text(function.input);
    let is_same = place.is_some() && state.last_call == place;
    if !is_same && !function.name.as_str().is_empty() {
        state.call(function.name.as_str());
        state.last_call = place;
    }
}
